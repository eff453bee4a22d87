// What the host decides and the kernel obeys: plain data, the same bytes on both sides.
#ifndef ALNG_ASCEND_OP_KERNEL_ADD_LAYER_NORM_GRAD_TILING_H
#define ALNG_ASCEND_OP_KERNEL_ADD_LAYER_NORM_GRAD_TILING_H

#include <cstdint>

namespace alng_npu {

// How the rows of a leaf are walked; also the tiling key.
enum Mode : uint32_t {
  // h and w of `tile_rows` whole rows lie in the unified buffer at once: every element crosses memory once. Rows that
  // fit
  // but leave no room for double buffering come in several chunks of columns.
  kWholeRows = 1,
  // Rows beyond that: a pass over the rows of a leaf for the row sums, and one over its columns, chunk by chunk.
  kColumnChunks = 2
};

// The buffers, in the order in which they lie in the unified buffer. A size of 0: not needed.
enum Buffer : uint32_t {
  // Operands that meet as the two sources of an instruction lie in different halves of 512 bytes: first those at 0...
  kDy,      // two slots
  kX1,      // two slots
  kDsum,    // two slots
  kDx,      // two slots
  kW,       // float32: dy * gamma; with `keeps_dy` dy as it comes
  kQ,       // float32: dy * h, or w * h of a chunk
  kDyWide,  // float32: dy, where w does not take its place; x2 of bfloat16 in chunks
  // ... then those at 256.
  kX2,      // two slots
  kH,       // float32: (x1 + x2 - mean) * rstd
  kGamma,   // float32
  kDgamma,  // float32: the sum of a leaf
  kDbeta,   // float32: the sum of a leaf
  // Read alone. Blocks, of which there are two copies in either half, begin at 0 modulo 512 again.
  kGammaRaw,    // two slots: gamma as it comes
  kStatistics,  // two slots of mean and rstd, one float32 a row
  kMeanBlocks,  // 2201: blocks of eight equal float32; 3510: one float32 a row
  kRstdBlocks,
  kLaneSums,  // partial row sums
  kLaneSums2,
  kRowSums,   // one float32 a row for either sum
  kM1Blocks,  // -m1 and -m2 as blocks
  kM2Blocks,
  kBuffers
};

struct Tiling {
  int64_t rows;     // M
  int64_t columns;  // D
  // Leaves: runs of rows whose dgamma and dbeta are summed together, one slot of the workspace each. A function of M
  // and D alone, so that the result does not depend on the number of cores.
  int64_t leaves;
  // Floats from one leaf's slot to the next: dgamma, then dbeta, each `slot_floats / 2` long.
  int64_t slot_floats;
  uint32_t mode;
  uint32_t pitch;       // D as it lies in UB: a multiple of 64; with kColumnChunks that of a chunk
  uint32_t tile_rows;   // rows that are computed at once, at most
  uint32_t chunk;       // columns that are computed at once, at most; a multiple of 64
  uint32_t batch_rows;  // rows whose mean and rstd are fetched at once, at most; a multiple of tile_rows where there is
                        // more than one tile in a batch
  uint32_t lane_pitch;  // floats of one row's partial sums in kLaneSums
  float inverse_columns;  // float32(1 / D)
  uint32_t has_gamma;
  uint32_t has_dsum;
  uint32_t wants_dx;
  uint32_t wants_dgamma;
  uint32_t wants_dbeta;
  // The column pass: columns that are summed at once, and slots that are folded at once (always kFoldedLeaves).
  uint32_t column_chunk;
  uint32_t column_units;  // dgamma and dbeta in units of 64 columns, dealt out to the cores
  uint32_t buffer_bytes[kBuffers];
  uint32_t column_buffer_bytes[2];  // column pass: two slots of partial sums; the sum
  uint32_t keeps_dy;                // 3510: kW holds dy, in its own 16 bits, and it is multiplied by gamma again for dx
  uint32_t reserved;
};

// Partial sums of this many leaves are added as a tree, the sums of the trees one after another: a chain of n float32
// additions is off by about 3.4e-8 * sqrt(n / 2), of M = 1e6 in 16384 leaves of 64 rows this leaves n = 256 instead of
// 16384.
constexpr uint32_t kFoldedLeaves = 64;
// float32 lanes of a vector instruction.
constexpr uint32_t kLanes = 64;

}  // namespace alng_npu

#endif
