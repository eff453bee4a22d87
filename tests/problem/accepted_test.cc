// What GradProblem::create accepts, and what it then knows.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "alng/problem.hpp"

namespace alng {
namespace {

using Shape = std::vector<std::int64_t>;

/// A dense float32 problem with every tensor, rstd and mean with or without their trailing 1s.
GradDescription describe(const Shape& shape, int normalized, bool keepdims) {
  const auto leading = static_cast<std::size_t>(static_cast<int>(shape.size()) - normalized);
  const Shape trailing(shape.begin() + static_cast<std::ptrdiff_t>(leading), shape.end());
  Shape statistic(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(leading));
  if (keepdims) statistic.resize(shape.size(), 1);
  GradDescription problem;
  problem.dy = problem.x1 = TensorLayout::contiguous(DType::float32, shape);
  problem.x2 = problem.dsum = problem.dx = problem.dy;
  problem.rstd = problem.mean = TensorLayout::contiguous(DType::float32, statistic);
  problem.gamma = TensorLayout::contiguous(DType::float32, trailing);
  problem.dgamma = problem.dbeta = problem.gamma;
  return problem;
}

/// The problem, or a failure that shows the refusal's sentence.
void expect_problem(const GradDescription& description, std::int64_t rows, std::int64_t columns, int normalized) {
  const Result<GradProblem> problem = GradProblem::create(description);
  ASSERT_TRUE(problem.ok()) << problem.status().message();
  EXPECT_EQ(problem->rows(), rows);
  EXPECT_EQ(problem->columns(), columns);
  EXPECT_EQ(problem->description().normalized_dims, normalized);
}

TEST(Accepted, EveryRankAndOneToThreeNormalizedDims) {
  for (int rank = 1; rank <= max_rank; ++rank) {
    for (int normalized = 1; normalized <= std::min(rank, 3); ++normalized) {
      for (const bool keepdims : {true, false}) {
        if (!keepdims && normalized == rank) continue;  // a rank of 0
        Shape shape;
        std::int64_t rows = 1, columns = 1;
        for (int d = 0; d < rank; ++d) {
          shape.push_back(2 + d);
          (d < rank - normalized ? rows : columns) *= 2 + d;
        }
        SCOPED_TRACE("rank " + std::to_string(rank) + ", " + std::to_string(normalized) + " normalised");
        GradDescription problem = describe(shape, normalized, keepdims);
        expect_problem(problem, rows, columns, normalized);
        problem.normalized_dims = normalized;
        expect_problem(problem, rows, columns, normalized);
        problem.normalized_dims = 0;
        problem.gamma.reset();  // told by dgamma
        expect_problem(problem, rows, columns, normalized);
        problem.dgamma.reset();  // told by dbeta
        expect_problem(problem, rows, columns, normalized);
        problem.dbeta.reset();  // told by rstd
        expect_problem(problem, rows, columns, normalized);
      }
    }
  }
}

TEST(Accepted, DenseIsAProblemOfEachDtype) {
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    const GradDescription description = GradDescription::dense(dtype, 64, 768);
    expect_problem(description, 64, 768, 1);
    const Result<GradProblem> problem = GradProblem::create(description);
    EXPECT_EQ(problem->dtype(), dtype);
    EXPECT_EQ(problem->description().gamma->dtype, dtype);
    EXPECT_EQ(problem->description().dgamma->dtype, DType::float32);
    EXPECT_EQ(problem->description().rstd.shape[1], 1);
  }
}

// Of dy [1, 768] rstd [1, 1] alone tells two normalised dimensions.
TEST(Accepted, DenseOfOneRowNormalizesOneDimensionWithoutGamma) {
  GradDescription problem = GradDescription::dense(DType::float32, 1, 768);
  problem.gamma.reset();
  expect_problem(problem, 1, 768, 1);
  problem.dgamma.reset();
  problem.dbeta.reset();
  expect_problem(problem, 1, 768, 1);
}

// pytorch PR 195638: bf16 activations with fp32 weights.
TEST(Accepted, GammaMayBeFloat32BesideSixteenBitTensors) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    GradDescription problem = GradDescription::dense(dtype, 4, 8);
    problem.gamma = TensorLayout::contiguous(DType::float32, {8});
    expect_problem(problem, 4, 8, 1);
  }
}

TEST(Accepted, EveryOptionalTensorMayBeAbsent) {
  for (unsigned absent = 0; absent < 64; ++absent) {
    GradDescription problem = describe({3, 4, 8}, 2, true);
    if ((absent & 1) != 0) problem.x2.reset();
    if ((absent & 2) != 0) problem.gamma.reset();
    if ((absent & 4) != 0) problem.dsum.reset();
    if ((absent & 8) != 0) problem.dx.reset();
    if ((absent & 16) != 0) problem.dgamma.reset();
    if ((absent & 32) != 0) problem.dbeta.reset();
    SCOPED_TRACE(absent);
    expect_problem(problem, 3, 32, 2);
  }
}

TEST(Accepted, RankOneIsOneRow) {
  GradDescription problem = describe({768}, 1, true);
  EXPECT_EQ(problem.rstd.rank, 1);
  expect_problem(problem, 1, 768, 1);
  problem.gamma.reset();
  problem.dgamma.reset();
  problem.dbeta.reset();
  expect_problem(problem, 1, 768, 1);
}

// rstd [64, 1, 1] of dy [64, 1, 768] reads as 1 or as 2 normalised dimensions.
TEST(Accepted, ExtentsOfOneLeaveRstdAChoice) {
  GradDescription problem = describe({64, 1, 768}, 1, true);
  expect_problem(problem, 64, 768, 1);  // gamma [768] decides
  problem.gamma.reset();
  expect_problem(problem, 64, 768, 1);  // dgamma [768] decides
  problem.dgamma.reset();
  expect_problem(problem, 64, 768, 1);  // dbeta [768] decides
  problem.dbeta.reset();
  expect_problem(problem, 64, 768, 2);  // all trailing 1s of rstd; rows and columns are the same
  problem.normalized_dims = 1;
  expect_problem(problem, 64, 768, 1);
}

TEST(Accepted, OneOfEverything) {
  GradDescription problem = describe({1, 1, 1}, 2, true);
  expect_problem(problem, 1, 1, 2);
  problem.gamma.reset();
  problem.dgamma.reset();
  problem.dbeta.reset();
  expect_problem(problem, 1, 1, 3);
}

TEST(Accepted, OneColumn) {
  GradDescription problem = describe({64, 1}, 1, true);
  problem.gamma.reset();
  expect_problem(problem, 64, 1, 1);
}

// pytorch PR 80893, PR 94210: sizes of 0.
TEST(Accepted, NoRows) {
  expect_problem(describe({0, 768}, 1, true), 0, 768, 1);
  expect_problem(describe({4, 0, 768}, 1, false), 0, 768, 1);
  expect_problem(describe({std::int64_t{1} << 62, 4, 0, 768}, 1, true), 0, 768, 1);
}

TEST(Accepted, NoColumns) {
  expect_problem(describe({64, 0}, 1, true), 64, 0, 1);
  expect_problem(describe({64, 3, 0}, 2, true), 64, 0, 2);
  expect_problem(describe({0, 0}, 1, true), 0, 0, 1);
}

TEST(Accepted, StridesOfAnEmptyOutputDoNotMatter) {
  GradDescription problem = describe({0, 4}, 1, true);
  problem.dx = TensorLayout::strided(DType::float32, Shape{0, 4}, Shape{0, 0});
  problem.x1 = TensorLayout::strided(DType::float32, Shape{0, 4}, Shape{1, std::numeric_limits<std::int64_t>::max()});
  expect_problem(problem, 0, 4, 1);
}

TEST(Accepted, StridesOfExtentsOfOneDoNotMatter) {
  GradDescription problem = describe({1, 8}, 1, true);
  problem.gamma.reset();
  problem.normalized_dims = 1;
  problem.dx = TensorLayout::strided(DType::float32, Shape{1, 8}, Shape{-8, 1});
  problem.x1 = TensorLayout::strided(DType::float32, Shape{1, 8}, Shape{std::numeric_limits<std::int64_t>::max(), 1});
  expect_problem(problem, 1, 8, 1);
}

// pytorch #181555, vllm #22419 and others: offsets beyond 32 bits.
TEST(Accepted, MoreThan32BitsOfRowsColumnsAndOffsets) {
  expect_problem(GradDescription::dense(DType::float32, std::int64_t{1} << 33, 16), std::int64_t{1} << 33, 16, 1);
  expect_problem(GradDescription::dense(DType::bfloat16, 16, std::int64_t{1} << 33), 16, std::int64_t{1} << 33, 1);
  GradDescription problem = GradDescription::dense(DType::float32, 3, 8);
  problem.x1 = TensorLayout::strided(DType::float32, Shape{3, 8}, Shape{std::int64_t{1} << 31, 1});
  expect_problem(problem, 3, 8, 1);
}

TEST(Accepted, LargestTensorThatHasOffsets) {
  // 2^61 - 1 float32 elements take 2^63 - 4 bytes.
  const std::int64_t rows = (std::int64_t{1} << 61) - 1;
  expect_problem(GradDescription::dense(DType::float32, rows, 1), rows, 1, 1);
}

TEST(Accepted, InputsOfAnyStridesAndOutputsWithoutFolds) {
  GradDescription problem = describe({3, 4, 8}, 1, true);
  const Shape shape = {3, 4, 8};
  problem.dy = TensorLayout::strided(DType::float32, shape, Shape{0, 0, 0});    // one element
  problem.x1 = TensorLayout::strided(DType::float32, shape, Shape{1, 3, 12});   // column-major
  problem.x2 = TensorLayout::strided(DType::float32, shape, Shape{0, 8, 1});    // broadcast over the first dimension
  problem.dsum = TensorLayout::strided(DType::float32, shape, Shape{1, 1, 1});  // sliding window
  problem.rstd = TensorLayout::strided(DType::float32, Shape{3, 4, 1}, Shape{1, 3, 0});
  problem.mean = TensorLayout::strided(DType::float32, Shape{3, 4, 1}, Shape{0, 0, 5});
  problem.gamma = TensorLayout::strided(DType::float32, Shape{8}, Shape{0});
  problem.dx = TensorLayout::strided(DType::float32, shape, Shape{1, 24, 3});  // middle dimension outermost
  problem.dgamma = TensorLayout::strided(DType::float32, Shape{8}, Shape{2});
  problem.dbeta = TensorLayout::strided(DType::float32, Shape{8}, Shape{100});
  expect_problem(problem, 12, 8, 1);
}

GradProblem valid(const GradDescription& description) { return GradProblem::create(description).value(); }

TEST(Bytes, EveryTensorOnce) {
  // dy x1 x2 dsum dx of 2 bytes, gamma of 2, rstd mean of 4 per row, dgamma dbeta of 4 per column.
  const GradDescription problem = GradDescription::dense(DType::bfloat16, 64, 768);
  EXPECT_EQ(valid(problem).bytes(), 5 * 64 * 768 * 2 + 768 * 2 + 2 * 64 * 4 + 2 * 768 * 4);
}

TEST(Bytes, AccumulationReadsTheSumsToo) {
  GradDescription problem = GradDescription::dense(DType::float32, 64, 768);
  const std::int64_t overwriting = valid(problem).bytes();
  problem.accumulate = true;
  EXPECT_EQ(valid(problem).bytes(), overwriting + 2 * 768 * 4);
}

TEST(Bytes, OnlyWhatTheWantedOutputsNeed) {
  GradDescription problem = GradDescription::dense(DType::float32, 64, 768);
  problem.dx.reset();
  EXPECT_EQ(valid(problem).bytes(), 3 * 64 * 768 * 4 + 2 * 64 * 4 + 2 * 768 * 4);
  problem.dgamma.reset();
  EXPECT_EQ(valid(problem).bytes(), 64 * 768 * 4 + 768 * 4);
  problem.dbeta.reset();
  EXPECT_EQ(valid(problem).bytes(), 0);
}

TEST(Bytes, BroadcastCountsOnce) {
  GradDescription problem = GradDescription::dense(DType::float32, 64, 768);
  const std::int64_t dense = valid(problem).bytes();
  problem.dy = TensorLayout::strided(DType::float32, Shape{64, 768}, Shape{0, 1});
  EXPECT_EQ(valid(problem).bytes(), dense - 63 * 768 * 4);
}

TEST(Bytes, EmptyProblemsWriteTheSumsAlone) {
  EXPECT_EQ(valid(GradDescription::dense(DType::float32, 0, 768)).bytes(), 2 * 768 * 4);
  EXPECT_EQ(valid(GradDescription::dense(DType::float32, 64, 0)).bytes(), 0);
}

TEST(Bytes, SumsBeyond63BitsSaturate) {
  EXPECT_EQ(valid(GradDescription::dense(DType::float32, (std::int64_t{1} << 61) - 1, 1)).bytes(),
            std::numeric_limits<std::int64_t>::max());
}

TEST(ProblemToString, NamesSizeDtypesAndOutputs) {
  GradDescription problem = GradDescription::dense(DType::bfloat16, 4096, 1600);
  EXPECT_EQ(valid(problem).to_string(), "4096x1600 bfloat16, x2, gamma bfloat16, dsum; wants dx, dgamma, dbeta");
  problem.gamma->dtype = DType::float32;
  problem.accumulate = true;
  problem.x2.reset();
  EXPECT_EQ(valid(problem).to_string(),
            "4096x1600 bfloat16, no x2, gamma float32, dsum; wants dx, dgamma +=, dbeta +=");
  problem.gamma.reset();
  problem.dsum.reset();
  problem.dx.reset();
  problem.dgamma.reset();
  problem.accumulate = false;
  EXPECT_EQ(valid(problem).to_string(), "4096x1600 bfloat16, no x2, no gamma, no dsum; wants dbeta");
  problem.dbeta.reset();
  EXPECT_EQ(valid(problem).to_string(), "4096x1600 bfloat16, no x2, no gamma, no dsum; wants nothing");
}

}  // namespace
}  // namespace alng
