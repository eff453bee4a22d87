#include <cstdio>
#include <limits>

#include "tiling.h"

namespace alng_npu {
namespace {

// The widest row: partial row sums and 8-bit repeats are laid out for it, and it is what the case list covers.
constexpr int64_t kMaxColumns = int64_t{1} << 20;
// Columns at once: then the partial sums of a row are at most 512 lanes, which two block reductions bring to one
// instruction.
constexpr uint32_t kMaxChunk = 4096;
// A row that fits only in smaller chunks than this is better read twice: each step of a chunk costs about 25 cycles
// beyond its elements, as much as 1600 elements.
constexpr uint32_t kMinResidentChunk = 512;
// Repeats of one instruction are 8 bits wide. Two sums of a row take one repeat each.
constexpr uint32_t kMaxRepeats = 255;
constexpr uint32_t kMaxTileRows = 120;
// Rows whose statistics are fetched at once where rows are wide: two copies for 64 rows instead of 128.
constexpr uint32_t kStatisticsRows = 64;
constexpr uint32_t kBankPeriod = 512;
constexpr uint32_t kBlockFloats = 8;

template <typename I>
I ceil_div(I a, I b) {
  return (a + b - 1) / b;
}

template <typename I>
I round_up(I a, I b) {
  return ceil_div(a, b) * b;
}

uint32_t size_of(Dtype dtype) { return dtype == Dtype::kFloat32 ? 4 : 2; }

// Half of the buffers begins at 256 modulo 512, see Buffer.
uint32_t phase_of(uint32_t buffer) { return buffer >= kX2 && buffer <= kDbeta ? kBankPeriod / 2 : 0; }

bool has_phase(uint32_t buffer) {
  return buffer <= kDbeta || buffer == kMeanBlocks || buffer == kRstdBlocks || buffer == kM1Blocks ||
         buffer == kM2Blocks;
}

// Bytes of every buffer, so that each begins at its phase; the sum is all the row pass uses.
uint32_t lay_out(const TilingProblem& problem, const Platform& platform, Tiling* tiling) {
  const uint32_t rows = tiling->tile_rows;
  const uint32_t rows8 = round_up(rows, kBlockFloats);
  const uint32_t batch8 = round_up(tiling->batch_rows, kBlockFloats);
  const uint32_t floats = sizeof(float);
  const uint32_t slots = 2 * round_up(rows * tiling->chunk * size_of(problem.dtype), kBankPeriod);
  const uint32_t resident = rows * tiling->pitch * floats;
  const uint32_t working = rows * tiling->chunk * floats;
  const bool vectors = platform.architecture == 2201;
  const bool chunks = tiling->mode == kColumnChunks;
  uint32_t need[kBuffers] = {};
  need[kDy] = need[kX1] = need[kX2] = slots;
  need[kDsum] = problem.has_dsum && problem.wants_dx ? slots : 0;
  need[kDx] = problem.wants_dx ? slots : 0;
  need[kH] = resident;
  need[kW] = tiling->keeps_dy ? resident / floats * size_of(problem.dtype) : resident;
  need[kDgamma] = need[kDbeta] = tiling->pitch * floats;
  // Registers are loaded whole: behind the last row there must be none that a copy is writing.
  need[kStatistics] = 2 * 2 * round_up(tiling->batch_rows, kLanes) * floats;
  if (problem.has_gamma) {
    need[kGamma] = tiling->pitch * floats;
    if (chunks) need[kGammaRaw] = 2 * tiling->pitch * size_of(problem.gamma_dtype);
  }
  const uint32_t sum_rows = chunks ? batch8 : rows8;
  need[kRowSums] = 2 * sum_rows * floats;
  if (vectors) {
    const bool in_chunks = tiling->chunk < problem.columns;
    need[kQ] = working;
    const bool wide_dy = problem.dtype != Dtype::kFloat32 && rows > 1;
    const bool wide_x2 = problem.dtype == Dtype::kBfloat16 && in_chunks && !chunks;
    need[kDyWide] = wide_dy || wide_x2 ? working : 0;
    // Blocks of eight equal numbers, in two copies where instructions go along the rows.
    const uint32_t row_numbers = (rows <= tiling->pitch / kLanes ? 2 : 1) * kBlockFloats * floats;
    need[kMeanBlocks] = need[kRstdBlocks] = batch8 * row_numbers;
    // And the chunk's own, before they are added.
    need[kLaneSums] = 2 * (rows + (in_chunks ? 2 : 0)) * tiling->lane_pitch * floats;
    need[kLaneSums2] = 2 * rows * tiling->lane_pitch / kBlockFloats * floats;
    need[kM1Blocks] = need[kM2Blocks] = sum_rows * row_numbers;
  } else {
    need[kMeanBlocks] = need[kRstdBlocks] = batch8 * floats;
  }
  uint32_t end = 0;
  uint32_t last = kBuffers;
  for (uint32_t b = 0; b < kBuffers; ++b) {
    tiling->buffer_bytes[b] = 0;
    if (need[b] == 0) continue;
    uint32_t start = round_up(end, uint32_t{32});
    if (has_phase(b)) {
      start = end % kBankPeriod == phase_of(b) ? end : round_up(end - phase_of(b), kBankPeriod) + phase_of(b);
      if (end < phase_of(b)) start = phase_of(b);
    }
    if (last != kBuffers) tiling->buffer_bytes[last] += start - end;
    tiling->buffer_bytes[b] = need[b];
    end = start + need[b];
    last = b;
  }
  tiling->buffer_bytes[last] = round_up(tiling->buffer_bytes[last], uint32_t{32});
  uint32_t total = 0;
  for (uint32_t b = 0; b < kBuffers; ++b) total += tiling->buffer_bytes[b];
  return total;
}

uint32_t lay_out_column_pass(const Platform& platform, uint32_t blocks, Tiling* tiling) {
  const int64_t units = tiling->column_units;
  const int64_t per_core = ceil_div(units, static_cast<int64_t>(blocks)) * kLanes;
  const uint32_t leaves = tiling->leaves < kFoldedLeaves ? static_cast<uint32_t>(tiling->leaves) : kFoldedLeaves;
  uint32_t chunk = per_core < 256 ? static_cast<uint32_t>(per_core) : 256;
  uint32_t total = 0;
  for (;; chunk -= kLanes) {
    tiling->column_chunk = chunk;
    tiling->column_buffer_bytes[0] = 2 * (leaves > 0 ? leaves : 1) * chunk * static_cast<uint32_t>(sizeof(float));
    tiling->column_buffer_bytes[1] = chunk * static_cast<uint32_t>(sizeof(float));
    total = tiling->column_buffer_bytes[0] + tiling->column_buffer_bytes[1];
    if (total <= platform.buffer_bytes || chunk <= kLanes) return total;
  }
}

// Rows of a leaf, about. A leaf costs 16 bytes per column of workspace traffic, a row of float16 10, so leaves should
// be long; but there should be many more of them than cores, their chains of additions short, and all cores busy where
// rows are few. None of this may depend on the cores.
int64_t rows_of_a_leaf(int64_t rows, int64_t columns) {
  const int64_t many = 32768 / columns;  // rows that are worth a leaf by their size
  const int64_t short_leaf = many / 4 > 16 ? many / 4 : 16;
  const int64_t long_leaf = many > 64 ? many : 64;
  const int64_t few_rows = ceil_div(rows, int64_t{96});
  const int64_t many_rows = ceil_div(rows, int64_t{720});
  const int64_t a = few_rows < short_leaf ? few_rows : short_leaf;
  const int64_t b = many_rows < long_leaf ? many_rows : long_leaf;
  const int64_t leaf = a > b ? a : b;
  return leaf > 1 ? leaf : 1;
}

void set_rows(uint32_t tile_rows, int64_t leaf_rows, Tiling* tiling) {
  // Tiles of a leaf of one size, so that none is a remainder of a row or two.
  const uint32_t leaf = static_cast<uint32_t>(leaf_rows);
  if (tile_rows > leaf) tile_rows = leaf;
  const uint32_t tiles = ceil_div(leaf, tile_rows);
  tile_rows = ceil_div(leaf, tiles);
  const uint32_t tiles_of_batch = tile_rows < kStatisticsRows ? kStatisticsRows / tile_rows : 1;
  tiling->tile_rows = tile_rows;
  tiling->batch_rows = tile_rows * (tiles_of_batch < tiles ? tiles_of_batch : tiles);
}

void set_chunk(uint32_t chunk, Tiling* tiling) {
  tiling->chunk = chunk;
  const uint32_t lanes = chunk / kLanes * kBlockFloats;
  tiling->lane_pitch = lanes <= kLanes ? lanes : round_up(lanes, kLanes);
}

bool try_whole_rows(const TilingProblem& problem, const Platform& platform, int64_t leaf_rows, Tiling* tiling) {
  tiling->mode = kWholeRows;
  const int64_t pitch = round_up(problem.columns, int64_t{kLanes});
  if (pitch > 4 * kMaxChunk) return false;
  tiling->pitch = static_cast<uint32_t>(pitch);
  if (tiling->pitch <= kMaxChunk) {
    set_chunk(tiling->pitch, tiling);
    uint32_t most = kMaxRepeats * kLanes / tiling->pitch;
    if (most > kMaxTileRows) most = kMaxTileRows;
    // From row to row in blocks of 32 bytes, 8 bits wide in an instruction; registers have no such stride.
    const bool too_far = tiling->pitch * size_of(problem.dtype) / 32 > kMaxRepeats;
    if (platform.architecture == 2201 && too_far) most = 1;
    // Where rows are few their leaves are short, and the first tile's way in and the last one's way out count: with two
    // tiles to a leaf instead of one the row pass of 64 rows of 512 float16 for each core of a 950DT is predicted to
    // take 207 cycles a row instead of 213, where the bytes take 166. On 2201 larger tiles win, by fewer barriers.
    const uint32_t half_of_leaf = static_cast<uint32_t>(ceil_div(leaf_rows, int64_t{2}));
    if (platform.architecture == 3510 && most > half_of_leaf) most = half_of_leaf;
    for (uint32_t tile_rows = most; tile_rows >= 1; --tile_rows) {
      set_rows(tile_rows, leaf_rows, tiling);
      if (lay_out(problem, platform, tiling) <= platform.buffer_bytes) return true;
    }
  }
  set_rows(1, leaf_rows, tiling);
  // Of the widest rows of 16 bits dy stays instead of w: exact, half as large, and 3 more register writes for 64
  // elements.
  const bool may_keep_dy = platform.architecture == 3510 && problem.dtype != Dtype::kFloat32;
  for (tiling->keeps_dy = 0; tiling->keeps_dy <= (may_keep_dy ? 1 : 0); ++tiling->keeps_dy) {
    for (uint32_t chunks = 2;; ++chunks) {
      const uint32_t chunk = round_up(ceil_div(tiling->pitch, chunks), kLanes);
      if (chunk < kMinResidentChunk) break;
      if (chunk > kMaxChunk) continue;
      set_chunk(chunk, tiling);
      if (lay_out(problem, platform, tiling) <= platform.buffer_bytes) return true;
    }
  }
  tiling->keeps_dy = 0;
  return false;
}

bool try_column_chunks(const TilingProblem& problem, const Platform& platform, int64_t leaf_rows, Tiling* tiling) {
  tiling->mode = kColumnChunks;
  tiling->tile_rows = 1;
  tiling->batch_rows = static_cast<uint32_t>(leaf_rows);
  const uint32_t pitch = static_cast<uint32_t>(round_up(problem.columns, int64_t{kLanes}));
  for (uint32_t chunks = 1;; ++chunks) {
    const uint32_t chunk = round_up(ceil_div(pitch, chunks), kLanes);
    if (chunk > kMaxChunk) continue;
    set_chunk(chunk, tiling);
    tiling->pitch = chunk;
    if (lay_out(problem, platform, tiling) <= platform.buffer_bytes) return true;
    if (chunk == kLanes) return false;
  }
}

bool refuse(char* refusal, size_t size, const char* format, long long a = 0, long long b = 0) {
  if (refusal != nullptr && size > 0) std::snprintf(refusal, size, format, a, b);
  return false;
}

}  // namespace

bool make_tiling(const TilingProblem& problem, const Platform& platform, TilingResult* result, char* refusal,
                 size_t refusal_size) {
  if (platform.architecture != 2201 && platform.architecture != 3510) {
    return refuse(refusal, refusal_size,
                  "architecture %lld has no kernel: it has to be 2201 (Atlas A2, A3) or 3510 (Ascend 950)",
                  platform.architecture);
  }
  if (platform.cores == 0) return refuse(refusal, refusal_size, "the platform has no vector cores");
  if (problem.rows < 0)
    return refuse(refusal, refusal_size, "dy has %lld rows: it has to have at least 0", problem.rows);
  if (problem.columns < 1 || problem.columns > kMaxColumns) {
    return refuse(refusal, refusal_size, "gamma has %lld elements: it has to have 1 to %lld", problem.columns,
                  kMaxColumns);
  }
  if (problem.rows > std::numeric_limits<int64_t>::max() / 8 / round_up(problem.columns, int64_t{kLanes})) {
    return refuse(refusal, refusal_size, "dy has %lld rows of %lld columns: its bytes do not fit 63 bits", problem.rows,
                  problem.columns);
  }
  if (problem.has_gamma && problem.gamma_dtype != problem.dtype && problem.gamma_dtype != Dtype::kFloat32) {
    return refuse(refusal, refusal_size, "gamma's dtype has to be float32 or that of dy");
  }
  *result = TilingResult();
  Tiling* tiling = &result->tiling;
  tiling->rows = problem.rows;
  tiling->columns = problem.columns;
  tiling->inverse_columns = static_cast<float>(1.0 / static_cast<double>(problem.columns));
  tiling->has_gamma = problem.has_gamma;
  tiling->has_dsum = problem.has_dsum;
  tiling->wants_dx = problem.wants_dx;
  tiling->wants_dgamma = problem.wants_dgamma;
  tiling->wants_dbeta = problem.wants_dbeta;
  const int64_t leaf_rows = rows_of_a_leaf(problem.rows, problem.columns);
  tiling->leaves = ceil_div(problem.rows, leaf_rows);
  tiling->slot_floats = 2 * round_up(problem.columns, int64_t{kLanes});
  tiling->column_units = static_cast<uint32_t>(tiling->slot_floats / kLanes);
  if (!try_whole_rows(problem, platform, leaf_rows, tiling) &&
      !try_column_chunks(problem, platform, leaf_rows, tiling)) {
    return refuse(refusal, refusal_size, "a unified buffer of %lld bytes is too small: %lld bytes are needed",
                  platform.buffer_bytes, lay_out(problem, platform, tiling));
  }
  const int64_t busy = tiling->leaves > tiling->column_units ? tiling->leaves : tiling->column_units;
  result->blocks = busy < platform.cores ? static_cast<uint32_t>(busy) : platform.cores;
  const uint32_t rows_use = lay_out(problem, platform, tiling);
  const uint32_t columns_use = lay_out_column_pass(platform, result->blocks, tiling);
  if (columns_use > platform.buffer_bytes) {
    return refuse(refusal, refusal_size, "a unified buffer of %lld bytes is too small: %lld bytes are needed",
                  platform.buffer_bytes, columns_use);
  }
  result->unified_buffer_bytes = rows_use > columns_use ? rows_use : columns_use;
  result->tiling_key = tiling->mode;
  const bool sums = problem.wants_dgamma || problem.wants_dbeta;
  result->workspace_bytes =
      sums ? static_cast<uint64_t>(tiling->leaves) * static_cast<uint64_t>(tiling->slot_floats) * sizeof(float) : 0;
  return true;
}

}  // namespace alng_npu
