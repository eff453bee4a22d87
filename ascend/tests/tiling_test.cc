// The tiling: what it promises about leaves, tiles, buffers and workspace, for every width and option on every product.
#include "ascend/op_host/tiling.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

namespace alng_npu {
namespace {

struct NamedPlatform {
  const char* name;
  Platform platform;
};

// Usable bytes of the unified buffer and vector cores, see docs/ascend.md.
constexpr std::array<NamedPlatform, 5> kPlatforms = {{{"A2", {2201, 48, 196352}},
                                                      {"A2 of 40 cores", {2201, 40, 196352}},
                                                      {"A3", {2201, 48, 196352}},
                                                      {"950PR", {3510, 72, 253952}},
                                                      {"950DT", {3510, 64, 253952}}}};

TilingProblem problem_of(std::int64_t rows, std::int64_t columns, Dtype dtype = Dtype::kFloat16) {
  return {rows, columns, dtype, dtype, true, true, true, true, true};
}

TilingResult tiling_of(const TilingProblem& problem, const Platform& platform) {
  TilingResult result{};
  std::array<char, 256> refusal{};
  EXPECT_TRUE(make_tiling(problem, platform, &result, refusal.data(), refusal.size())) << refusal.data();
  return result;
}

// All dtypes of the element and of gamma, gamma or none, dsum or none, dx wanted or not.
template <typename Do>
void for_every_option(std::int64_t rows, std::int64_t columns, Do what) {
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kFloat16, Dtype::kBfloat16}) {
    for (const int gamma : {0, 1, 2}) {
      if (gamma == 2 && dtype == Dtype::kFloat32) continue;
      for (const bool has_dsum : {false, true}) {
        for (const bool wants_dx : {false, true}) {
          TilingProblem problem = problem_of(rows, columns, dtype);
          problem.has_gamma = gamma != 0;
          problem.gamma_dtype = gamma == 2 ? Dtype::kFloat32 : dtype;
          problem.has_dsum = has_dsum;
          problem.wants_dx = wants_dx;
          what(problem);
        }
      }
    }
  }
}

// What the kernel takes for granted, see ascend/op_kernel/arch22/vectors.h.
void expect_kernel_can(const TilingProblem& problem, const Platform& platform, const TilingResult& result) {
  const Tiling& t = result.tiling;
  ASSERT_GE(t.tile_rows, 1u);
  ASSERT_EQ(t.chunk % kLanes, 0u);
  ASSERT_LE(t.chunk, 4096u);
  ASSERT_LE(t.tile_rows * (t.chunk / kLanes), 255u) << "repeats of an instruction over a tile";
  ASSERT_LE(t.tile_rows, 255u) << "repeats of an instruction down the rows";
  ASSERT_EQ(t.batch_rows % t.tile_rows, 0u);
  const std::int64_t size = problem.dtype == Dtype::kFloat32 ? 4 : 2;
  if (t.tile_rows > 1) {
    ASSERT_EQ(t.mode, kWholeRows);
    ASSERT_EQ(t.chunk, t.pitch) << "several rows are never in chunks";
    // Strides of 8 bits; registers have none.
    if (platform.architecture == 2201) {
      ASSERT_LE(t.pitch * size / 32, 255) << "stride of clear_tail";
      if (t.tile_rows > t.pitch / kLanes) {
        ASSERT_LE(t.pitch / 8, 255u) << "stride down the rows";
      }
    }
  }
  if (t.mode == kWholeRows) {
    ASSERT_GE(t.pitch, problem.columns);
    ASSERT_LT(t.pitch, problem.columns + kLanes);
  } else {
    ASSERT_EQ(t.pitch, t.chunk);
    // mean and rstd of a whole leaf are fetched at once.
    ASSERT_GE(t.batch_rows, (t.rows + t.leaves - 1) / (t.leaves > 0 ? t.leaves : 1));
  }
  // Partial row sums: one level of 64 lanes, or two.
  ASSERT_GE(t.lane_pitch, t.chunk / 8);
  ASSERT_TRUE(t.lane_pitch <= 64 || (t.lane_pitch % 64 == 0 && t.lane_pitch <= 512));
  const std::uint64_t rows_use =
      std::accumulate(std::begin(t.buffer_bytes), std::end(t.buffer_bytes), std::uint64_t{0});
  const std::uint64_t columns_use = std::uint64_t{t.column_buffer_bytes[0]} + t.column_buffer_bytes[1];
  ASSERT_EQ(result.unified_buffer_bytes, std::max(rows_use, columns_use));
  ASSERT_LE(result.unified_buffer_bytes, platform.buffer_bytes);
  for (const std::uint32_t bytes : t.buffer_bytes) ASSERT_EQ(bytes % 32, 0u);
  // Buffers begin at 256 modulo 512 from kX2 to kDbeta, at 0 before and where blocks are.
  std::uint32_t offset = 0;
  for (std::uint32_t b = 0; b < kBuffers; ++b) {
    const bool blocks = b == kMeanBlocks || b == kRstdBlocks || b == kM1Blocks || b == kM2Blocks;
    if (t.buffer_bytes[b] > 0 && (b <= kDbeta || blocks)) {
      ASSERT_EQ(offset % 512, b >= kX2 && b <= kDbeta ? 256u : 0u) << "buffer " << b;
    }
    offset += t.buffer_bytes[b];
  }
  ASSERT_LE(t.column_chunk / kLanes * (kFoldedLeaves / 2), 255u) << "repeats of a fold";
  ASSERT_EQ(t.column_chunk % kLanes, 0u);
  ASSERT_GE(result.blocks, 1u);
  ASSERT_LE(result.blocks, platform.cores);
}

TEST(Tiling, FitsTheUnifiedBufferForEveryWidthAndOption) {
  std::int64_t seen = 0;
  for (const NamedPlatform& on : kPlatforms) {
    for (std::int64_t columns = 1; columns <= 20000; ++columns) {
      for_every_option(4096, columns, [&](const TilingProblem& problem) {
        const TilingResult result = tiling_of(problem, on.platform);
        ++seen;
        expect_kernel_can(problem, on.platform, result);
      });
      if (HasFatalFailure()) FAIL() << on.name << ", " << columns << " columns";
    }
  }
  EXPECT_EQ(seen, 5 * 20000 * 8 * 4);
}

TEST(Tiling, FitsTheUnifiedBufferForWideRowsAndForAnyNumberOfRows) {
  for (const NamedPlatform& on : kPlatforms) {
    for (const std::int64_t columns : {20001, 32768, 65537, 262144, 1000003, 1048575, 1048576}) {
      for (const std::int64_t rows : {0, 1, 2, 7, 64, 1000, 100000, 1 << 20}) {
        for_every_option(rows, columns, [&](const TilingProblem& problem) {
          expect_kernel_can(problem, on.platform, tiling_of(problem, on.platform));
        });
      }
    }
    for (const std::int64_t columns : {1, 8, 63, 64, 65, 768, 1024, 4096, 8192}) {
      for (const std::int64_t rows : {0, 1, 2, 3, 17, 95, 96, 97, 719, 721, 12345, 1 << 20, 1 << 30}) {
        for_every_option(rows, columns, [&](const TilingProblem& problem) {
          expect_kernel_can(problem, on.platform, tiling_of(problem, on.platform));
        });
      }
      if (HasFatalFailure()) FAIL() << on.name << ", " << columns << " columns";
    }
  }
}

TEST(Tiling, LeavesDependOnTheShapeAlone) {
  for (const std::int64_t columns : {1, 48, 768, 1024, 8192, 131072}) {
    for (const std::int64_t rows : {1, 64, 1000, 4096, 65537, 1 << 20}) {
      const Tiling one = tiling_of(problem_of(rows, columns), {2201, 1, 196352}).tiling;
      for (const std::uint32_t cores : {1u, 20u, 40u, 48u, 72u}) {
        for (const NamedPlatform& on : kPlatforms) {
          for_every_option(rows, columns, [&](const TilingProblem& problem) {
            Platform platform = on.platform;
            platform.cores = cores;
            const Tiling other = tiling_of(problem, platform).tiling;
            ASSERT_EQ(other.leaves, one.leaves);
            ASSERT_EQ(other.slot_floats, one.slot_floats);
          });
        }
      }
      // Everything that orders the row pass's additions is the same for any number of cores.
      Tiling many = tiling_of(problem_of(rows, columns), {2201, 48, 196352}).tiling;
      Tiling few = one;
      for (Tiling* t : {&many, &few}) {
        t->column_chunk = 0;
        t->column_buffer_bytes[0] = t->column_buffer_bytes[1] = 0;
      }
      EXPECT_EQ(std::memcmp(&many, &few, sizeof(Tiling)), 0) << rows << " x " << columns;
    }
  }
}

TEST(Tiling, LeavesAreNeverEmptyAndChainsOfAdditionsShort) {
  for (const std::int64_t columns : {64, 768, 4096, 65536}) {
    for (std::int64_t rows = 1; rows < 2000000; rows += 1 + rows / 7) {
      const Tiling t = tiling_of(problem_of(rows, columns), kPlatforms[0].platform).tiling;
      ASSERT_GE(t.leaves, 1);
      ASSERT_LE(t.leaves, rows);
      const std::int64_t leaf = (rows + t.leaves - 1) / t.leaves;
      // Additions one after another: tiles of a leaf, then trees of leaves.
      ASSERT_LE((leaf + t.tile_rows - 1) / t.tile_rows, 64) << rows << " x " << columns;
      ASSERT_LE((t.leaves + kFoldedLeaves - 1) / kFoldedLeaves, 512) << rows << " x " << columns;
    }
  }
}

TEST(Tiling, WorkspaceIsWhatIsWrittenAndLittle) {
  const Platform platform = kPlatforms[0].platform;
  // The vendor's operator takes 20 MiB for four elements.
  EXPECT_EQ(tiling_of(problem_of(2, 2), platform).workspace_bytes, 2u * 2 * 64 * 4);
  EXPECT_EQ(tiling_of(problem_of(0, 1024), platform).workspace_bytes, 0u);
  TilingProblem dx_alone = problem_of(4096, 1024);
  dx_alone.wants_dgamma = dx_alone.wants_dbeta = false;
  EXPECT_EQ(tiling_of(dx_alone, platform).workspace_bytes, 0u);
  for (const std::int64_t columns : {768, 4096, 16384}) {
    for (const std::int64_t rows : {4096, 65536, 1 << 20}) {
      const TilingResult result = tiling_of(problem_of(rows, columns), platform);
      EXPECT_EQ(result.workspace_bytes,
                static_cast<std::uint64_t>(result.tiling.leaves * result.tiling.slot_floats * 4));
      // Against the bytes of dy, x1, x2, dsum and dx in float16: 8 / (16 * 10) at worst.
      EXPECT_LE(static_cast<double>(result.workspace_bytes), 0.051 * 10 * static_cast<double>(rows * columns));
    }
  }
}

TEST(Tiling, KeepsRowsInTheBufferWhereTheVendorCutsThem) {
  // float16 with dsum: the vendor's kernel cuts rows from 4433 columns on, and reads them twice.
  EXPECT_EQ(tiling_of(problem_of(4096, 1024), kPlatforms[0].platform).tiling.tile_rows, 4u);
  EXPECT_EQ(tiling_of(problem_of(4096, 4096), kPlatforms[0].platform).tiling.chunk, 4096u);
  EXPECT_EQ(tiling_of(problem_of(4096, 8192), kPlatforms[0].platform).tiling.mode, kWholeRows);
  EXPECT_EQ(tiling_of(problem_of(4096, 8192), kPlatforms[0].platform).tiling_key, 1u);
  EXPECT_EQ(tiling_of(problem_of(4096, 12288), kPlatforms[0].platform).tiling_key, 2u);
}

TEST(Tiling, BlocksAreAsManyAsHaveWork) {
  EXPECT_EQ(tiling_of(problem_of(4096, 1024), kPlatforms[0].platform).blocks, 48u);
  // One row of 64 columns: dgamma is one core's, dbeta another's.
  EXPECT_EQ(tiling_of(problem_of(1, 64), kPlatforms[0].platform).blocks, 2u);
  EXPECT_EQ(tiling_of(problem_of(1, 1 << 20), kPlatforms[0].platform).blocks, 48u);
}

std::string refusal_of(const TilingProblem& problem, const Platform& platform = kPlatforms[0].platform) {
  TilingResult result{};
  std::array<char, 256> refusal{};
  EXPECT_FALSE(make_tiling(problem, platform, &result, refusal.data(), refusal.size()));
  return refusal.data();
}

TEST(TilingRefusal, SaysWhatIsWrong) {
  EXPECT_EQ(refusal_of(problem_of(1, 1), {2200, 48, 196352}),
            "architecture 2200 has no kernel: it has to be 2201 (Atlas A2, A3) or 3510 (Ascend 950)");
  EXPECT_EQ(refusal_of(problem_of(1, 1), {2201, 0, 196352}), "the platform has no vector cores");
  EXPECT_EQ(refusal_of(problem_of(-1, 1)), "dy has -1 rows: it has to have at least 0");
  EXPECT_EQ(refusal_of(problem_of(1, 0)), "gamma has 0 elements: it has to have 1 to 1048576");
  EXPECT_EQ(refusal_of(problem_of(1, 1048577)), "gamma has 1048577 elements: it has to have 1 to 1048576");
  EXPECT_EQ(refusal_of(problem_of(std::int64_t{1} << 60, 1024)),
            "dy has 1152921504606846976 rows of 1024 columns: its bytes do not fit 63 bits");
  TilingProblem mixed = problem_of(1, 1, Dtype::kFloat16);
  mixed.gamma_dtype = Dtype::kBfloat16;
  EXPECT_EQ(refusal_of(mixed), "gamma's dtype has to be float32 or that of dy");
  EXPECT_EQ(refusal_of(problem_of(4096, 64), {2201, 48, 2048}),
            "a unified buffer of 2048 bytes is too small: 22016 bytes are needed");
}

}  // namespace
}  // namespace alng_npu
