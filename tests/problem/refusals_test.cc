// Every refusal of a description, by its code and its exact sentence.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "alng/problem.hpp"

namespace alng {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t two_to_the_40 = std::int64_t{1} << 40;

TensorLayout dense(DType dtype, const Shape& shape) { return TensorLayout::contiguous(dtype, shape); }
TensorLayout dense(const Shape& shape) { return dense(DType::float32, shape); }
TensorLayout strided(const Shape& shape, const Shape& strides) {
  return TensorLayout::strided(DType::float32, shape, strides);
}

/// dy [4, 6, 8], one dimension normalised, every tensor present.
GradDescription base() {
  GradDescription problem;
  problem.dy = problem.x1 = dense({4, 6, 8});
  problem.x2 = problem.dsum = problem.dx = problem.dy;
  problem.rstd = problem.mean = dense({4, 6, 1});
  problem.gamma = problem.dgamma = problem.dbeta = dense({8});
  return problem;
}

/// Nothing but rstd tells the number of normalised dimensions.
GradDescription told_by_rstd() {
  GradDescription problem = base();
  problem.gamma = problem.dgamma = problem.dbeta = std::nullopt;
  return problem;
}

struct Refusal {
  const char* name;
  Status (*judge)();
  Code code;
  const char* sentence;
};

std::ostream& operator<<(std::ostream& stream, const Refusal& refusal) { return stream << refusal.name; }

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, WithThisSentence) {
  const Status status = GetParam().judge();
  EXPECT_EQ(status.message(), GetParam().sentence);
  EXPECT_STREQ(code_name(status.code()), code_name(GetParam().code));
}

/// `change` applied to `start`.
#define PROBLEM(start, change)              \
  [] {                                      \
    GradDescription p = start();            \
    change;                                 \
    return GradProblem::create(p).status(); \
  }
/// `change` applied to bfloat16 [4, 8] with every tensor of a forward.
#define FORWARD(change)                                                      \
  [] {                                                                       \
    ForwardDescription p = ForwardDescription::dense(DType::bfloat16, 4, 8); \
    change;                                                                  \
    return ForwardProblem::create(p).status();                               \
  }

const Refusal dtype_refusals[] = {
    {"UnknownDtype", PROBLEM(base, p.x1.dtype = static_cast<DType>(7)), Code::bad_dtype,
     "x1 has dtype number 7 but must be float32, the dtype of dy"},
    {"UnknownDtypeOfRstd", PROBLEM(base, p.rstd.dtype = static_cast<DType>(9)), Code::bad_dtype,
     "rstd has dtype number 9 but must be float32"},
    {"UnknownDtypeOfGamma",
     PROBLEM(base, (p.dy.dtype = p.x1.dtype = p.x2->dtype = DType::float16, p.gamma->dtype = static_cast<DType>(4))),
     Code::bad_dtype, "gamma has dtype number 4 but must be float16, the dtype of dy, or float32"},
    {"UnknownDtypeOfDy", PROBLEM(base, p.dy.dtype = static_cast<DType>(-1)), Code::bad_dtype,
     "dy has dtype number -1 but must be float32 (1), float16 (2) or bfloat16 (3)"},
    {"X1OfAnotherDtype", PROBLEM(base, p.x1.dtype = DType::float16), Code::bad_dtype,
     "x1 is float16[4, 6, 8] but must be float32, the dtype of dy"},
    {"X2OfAnotherDtype", PROBLEM(base, p.x2->dtype = DType::bfloat16), Code::bad_dtype,
     "x2 is bfloat16[4, 6, 8] but must be float32, the dtype of dy"},
    {"RstdNotFloat32", PROBLEM(base, p.rstd.dtype = DType::float16), Code::bad_dtype,
     "rstd is float16[4, 6, 1] but must be float32"},
    {"MeanNotFloat32", PROBLEM(base, p.mean.dtype = DType::bfloat16), Code::bad_dtype,
     "mean is bfloat16[4, 6, 1] but must be float32"},
    {"GammaNeitherTNorFloat32",
     PROBLEM(base, (p.dy.dtype = p.x1.dtype = p.x2->dtype = p.dsum->dtype = p.dx->dtype = DType::bfloat16,
                    p.gamma->dtype = DType::float16)),
     Code::bad_dtype, "gamma is float16[8] but must be bfloat16, the dtype of dy, or float32"},
    {"GammaNarrowerThanFloat32", PROBLEM(base, p.gamma->dtype = DType::float16), Code::bad_dtype,
     "gamma is float16[8] but must be float32, the dtype of dy"},
    {"DsumOfAnotherDtype", PROBLEM(base, p.dsum->dtype = DType::float16), Code::bad_dtype,
     "dsum is float16[4, 6, 8] but must be float32, the dtype of dy"},
    {"DxOfAnotherDtype", PROBLEM(base, p.dx->dtype = DType::float16), Code::bad_dtype,
     "dx is float16[4, 6, 8] but must be float32, the dtype of dy"},
    {"DgammaNotFloat32", PROBLEM(base, p.dgamma->dtype = DType::float16), Code::bad_dtype,
     "dgamma is float16[8] but must be float32"},
    {"DbetaNotFloat32", PROBLEM(base, p.dbeta->dtype = DType::bfloat16), Code::bad_dtype,
     "dbeta is bfloat16[8] but must be float32"},
    {"DtypeBeforeShape", PROBLEM(base, p.x2 = dense(DType::float16, {3})), Code::bad_dtype,
     "x2 is float16[3] but must be float32, the dtype of dy"},
};

const Refusal form_refusals[] = {
    {"RankZero", PROBLEM(base, p.dy = TensorLayout{}), Code::bad_shape, "dy has rank 0 but must have rank 1 to 8"},
    {"RankNine", PROBLEM(base, p.x1 = dense({1, 1, 1, 1, 1, 1, 1, 1, 1})), Code::bad_shape,
     "x1 has rank 9 but must have rank 1 to 8"},
    {"RankNegative", PROBLEM(base, p.gamma->rank = -3), Code::bad_shape, "gamma has rank -3 but must have rank 1 to 8"},
    {"RankMissing", PROBLEM(base, p.mean = TensorLayout{}), Code::bad_shape,
     "mean has rank 0 but must have rank 1 to 8"},
    {"StridesOfAnotherLength", PROBLEM(base, p.x1 = strided({4, 6, 8}, {8, 1})), Code::bad_shape,
     "x1 has rank 0 but must have rank 1 to 8"},
    {"NegativeExtent", PROBLEM(base, p.dsum->shape[1] = -6), Code::bad_shape,
     "dsum has extent -6 in dimension 1 but must have extents of at least 0"},
    {"NegativeExtentOfDy", PROBLEM(base, p.dy.shape[2] = std::numeric_limits<std::int64_t>::min()), Code::bad_shape,
     "dy has extent -9223372036854775808 in dimension 2 but must have extents of at least 0"},
};

const Refusal shape_refusals[] = {
    {"X1OfAnotherShape", PROBLEM(base, p.x1 = dense({4, 6, 7})), Code::bad_shape,
     "x1 is float32[4, 6, 7] but must be [4, 6, 8], the shape of dy"},
    {"X2FlattenedToTwoDims", PROBLEM(base, p.x2 = dense({24, 8})), Code::bad_shape,
     "x2 is float32[24, 8] but must be [4, 6, 8], the shape of dy"},
    {"DsumTransposedShape", PROBLEM(base, p.dsum = dense({6, 4, 8})), Code::bad_shape,
     "dsum is float32[6, 4, 8] but must be [4, 6, 8], the shape of dy"},
    {"DxOfAnotherShape", PROBLEM(base, p.dx = dense({4, 6, 8, 1})), Code::bad_shape,
     "dx is float32[4, 6, 8, 1] but must be [4, 6, 8], the shape of dy"},
    {"StridesAreNamedWhereNotDense", PROBLEM(base, p.x1 = strided({4, 6, 7}, {48, 8, 1})), Code::bad_shape,
     "x1 is float32[4, 6, 7] with strides [48, 8, 1] but must be [4, 6, 8], the shape of dy"},
    {"RstdWithTwoPerRow", PROBLEM(base, p.rstd = dense({4, 6, 2})), Code::bad_shape,
     "rstd is float32[4, 6, 2] but must be float32[4, 6, 1] or float32[4, 6]: dy's leading dimensions [4, 6], then 1s "
     "or "
     "nothing"},
    {"RstdOfOtherRows", PROBLEM(base, p.rstd = dense({4, 5})), Code::bad_shape,
     "rstd is float32[4, 5] but must be float32[4, 6, 1] or float32[4, 6]: dy's leading dimensions [4, 6], then 1s or "
     "nothing"},
    {"RstdFlattened", PROBLEM(base, p.rstd = dense({24})), Code::bad_shape,
     "rstd is float32[24] but must be float32[4, 6, 1] or float32[4, 6]: dy's leading dimensions [4, 6], then 1s or "
     "nothing"},
    {"RstdWithSomeOfTheOnes",
     PROBLEM(told_by_rstd, (p.dy = p.x1 = *(p.x2 = p.dsum = p.dx = dense({4, 6, 8, 2})), p.normalized_dims = 3,
                            p.rstd = p.mean = dense({4, 1, 1}))),
     Code::bad_shape,
     "rstd is float32[4, 1, 1] but must be float32[4, 1, 1, 1], float32[4, 1] or float32[4]: dy's leading dimensions "
     "[4], then "
     "1s or nothing"},
    {"RstdWithOnesTooMany", PROBLEM(base, p.rstd = dense({4, 6, 1, 1})), Code::bad_shape,
     "rstd is float32[4, 6, 1, 1] but must be float32[4, 6, 1] or float32[4, 6]: dy's leading dimensions [4, 6], "
     "then 1s or nothing"},
    {"RstdOfAllDimensions",
     PROBLEM(base, (p.gamma = p.dgamma = p.dbeta = dense({4, 6, 8}), p.rstd = p.mean = dense({1, 1}))), Code::bad_shape,
     "rstd is float32[1, 1] but must be float32[1, 1, 1] or float32[1], 1s alone: all dimensions of dy are normalised, "
     "gamma has rank "
     "3"},
    {"RstdOfRankOne",
     PROBLEM(base,
             (p = GradDescription{}, p.dy = p.x1 = dense({8}), p.rstd = p.mean = dense({8}), p.normalized_dims = 1)),
     Code::bad_shape,
     "rstd is float32[8] but must be float32[1], 1s alone: all dimensions of dy are normalised, normalized_dims is 1"},
    {"MeanOfOtherRows", PROBLEM(base, p.mean = dense({4, 5})), Code::bad_shape,
     "mean is float32[4, 5] but must be float32[4, 6, 1] or float32[4, 6]: dy's leading dimensions [4, 6], then 1s or "
     "nothing"},
    {"GammaShort", PROBLEM(base, p.gamma = dense({7})), Code::bad_shape,
     "gamma is float32[7] but must be [8], dy's trailing dimensions: gamma has rank 1"},
    {"GammaOfTwoDimsForOne", PROBLEM(base, p.gamma = dense({1, 8})), Code::bad_shape,
     "rstd is float32[4, 6, 1] but must be float32[4, 1, 1], float32[4, 1] or float32[4]: dy's leading dimensions [4], "
     "then "
     "1s or nothing"},
    {"GammaOfHigherRankThanDy", PROBLEM(base, p.gamma = dense({1, 4, 6, 8})), Code::bad_shape,
     "gamma is float32[1, 4, 6, 8] but must have dy's trailing dimensions: dy is float32[4, 6, 8]"},
    {"GammaAgainstNormalizedDims", PROBLEM(base, (p.normalized_dims = 2, p.rstd = p.mean = dense({4, 1, 1}))),
     Code::bad_shape, "gamma is float32[8] but must be [6, 8], dy's trailing dimensions: normalized_dims is 2"},
    {"DgammaAgainstGamma", PROBLEM(base, p.dgamma = dense({6, 8})), Code::bad_shape,
     "dgamma is float32[6, 8] but must be [8], dy's trailing dimensions: gamma has rank 1"},
    {"DbetaAgainstGamma", PROBLEM(base, p.dbeta = dense({1})), Code::bad_shape,
     "dbeta is float32[1] but must be [8], dy's trailing dimensions: gamma has rank 1"},
    {"DbetaAgainstDgamma", PROBLEM(base, (p.gamma.reset(), p.dbeta = dense({6, 8}))), Code::bad_shape,
     "dbeta is float32[6, 8] but must be [8], dy's trailing dimensions: dgamma has rank 1"},
    {"DgammaOfHigherRankThanDy", PROBLEM(base, (p.gamma.reset(), p.dgamma = dense({1, 4, 6, 8}))), Code::bad_shape,
     "dgamma is float32[1, 4, 6, 8] but must have dy's trailing dimensions: dy is float32[4, 6, 8]"},
    {"DbetaOfHigherRankThanDy", PROBLEM(base, (p.gamma.reset(), p.dgamma.reset(), p.dbeta = dense({1, 4, 6, 8}))),
     Code::bad_shape, "dbeta is float32[1, 4, 6, 8] but must have dy's trailing dimensions: dy is float32[4, 6, 8]"},
    {"RstdTellsNothing", PROBLEM(told_by_rstd, p.rstd = dense({4, 6, 2})), Code::bad_shape,
     "rstd is float32[4, 6, 2] but must have dy's leading dimensions, then 1s, a single 1 or nothing for the "
     "normalised ones: dy "
     "is "
     "float32[4, 6, 8]"},
    {"RstdOfHigherRankThanDy", PROBLEM(told_by_rstd, p.rstd = dense({4, 6, 1, 1})), Code::bad_shape,
     "rstd is float32[4, 6, 1, 1] but must have dy's leading dimensions, then 1s, a single 1 or nothing for the "
     "normalised ones: "
     "dy "
     "is float32[4, 6, 8]"},
    {"RstdTellsOneButHasOtherRows", PROBLEM(told_by_rstd, p.rstd = dense({4, 5, 1})), Code::bad_shape,
     "rstd is float32[4, 5, 1] but must be float32[4, 6, 1] or float32[4, 6]: dy's leading dimensions [4, 6], then 1s "
     "or "
     "nothing"},
    {"RstdLacksTwoButHasOtherRows", PROBLEM(told_by_rstd, p.rstd = dense({24})), Code::bad_shape,
     "rstd is float32[24] but must be float32[4, 1, 1], float32[4, 1] or float32[4]: dy's leading dimensions [4], then "
     "1s or nothing"},
    {"RstdOfAllDimensionsButTheLast", PROBLEM(told_by_rstd, p.mean = dense({4, 1, 1})), Code::bad_shape,
     "mean is float32[4, 1, 1] but must be float32[4, 6, 1] or float32[4, 6]: dy's leading dimensions [4, 6], then 1s "
     "or "
     "nothing"},
    {"RstdOfOnesAloneTellsAll", PROBLEM(told_by_rstd, (p.rstd = dense({1, 1, 1}), p.mean = dense({4, 6, 1}))),
     Code::bad_shape,
     "mean is float32[4, 6, 1] but must be float32[1, 1, 1] or float32[1], 1s alone: all dimensions of dy are "
     "normalised, as rstd tells"},
    {"NormalizedDimsNegative", PROBLEM(base, p.normalized_dims = -1), Code::bad_option,
     "normalized_dims is -1 but must be 1 to 3 or 0: dy is float32[4, 6, 8]"},
    {"NormalizedDimsBeyondRank", PROBLEM(base, p.normalized_dims = 4), Code::bad_option,
     "normalized_dims is 4 but must be 1 to 3 or 0: dy is float32[4, 6, 8]"},
};

/// Plain LayerNorm backward of dy with x1 alone: what a description needs at least.
GradDescription smallest(const TensorLayout& dy, const TensorLayout& statistic) {
  GradDescription problem;
  problem.dy = problem.x1 = dy;
  problem.rstd = problem.mean = statistic;
  problem.normalized_dims = 1;
  return problem;
}

const Refusal size_refusals[] = {
    {"ElementsBeyond63Bits", PROBLEM(base, p = smallest(dense({two_to_the_40, two_to_the_40}), dense({two_to_the_40}))),
     Code::bad_shape, "dy is float32[1099511627776, 1099511627776] but must have less than 2^63 bytes"},
    {"BytesBeyond63Bits",
     PROBLEM(base, p = smallest(dense({std::int64_t{1} << 61, 1}), dense({std::int64_t{1} << 61}))), Code::bad_shape,
     "dy is float32[2305843009213693952, 1] but must have less than 2^63 bytes"},
    {"BroadcastBeyond63Bits",
     PROBLEM(base, p = smallest(strided({two_to_the_40, two_to_the_40}, {0, 0}), strided({two_to_the_40}, {0}))),
     Code::bad_shape,
     "dy is float32[1099511627776, 1099511627776] with strides [0, 0] but must have less than 2^63 bytes"},
    {"RowsBeyond63BitsOfNoColumns",
     PROBLEM(base, p = smallest(dense({two_to_the_40, two_to_the_40, 0}), dense({two_to_the_40, two_to_the_40}))),
     Code::bad_shape,
     "dy is float32[1099511627776, 1099511627776, 0] but must have less than 2^63 rows, the product of its leading "
     "dimensions"},
    {"ColumnsBeyond63BitsOfNoRows",
     PROBLEM(base, (p = smallest(dense({0, two_to_the_40, two_to_the_40}), dense({0})), p.normalized_dims = 2)),
     Code::bad_shape,
     "dy is float32[0, 1099511627776, 1099511627776] but must have less than 2^63 columns, the product of its trailing "
     "dimensions"},
    {"GammaBeyond63BitsOfNoRows",
     PROBLEM(base, (p = smallest(dense({0, largest}), dense({0})), p.gamma = dense({largest}))), Code::bad_shape,
     "gamma is float32[9223372036854775807] but must have less than 2^63 bytes"},
};

const Refusal stride_refusals[] = {
    {"NegativeStrideOfAnInput", PROBLEM(base, p.x1 = strided({4, 6, 8}, {48, 8, -1})), Code::bad_stride,
     "x1 is float32[4, 6, 8] with strides [48, 8, -1] but must have no negative stride"},
    {"NegativeStrideOfAnOutput", PROBLEM(base, p.dx = strided({4, 6, 8}, {-48, 8, 1})), Code::bad_stride,
     "dx is float32[4, 6, 8] with strides [-48, 8, 1] but must have no negative stride"},
    {"NegativeStrideOfRstd", PROBLEM(base, p.rstd = strided({4, 6, 1}, {6, -1, 1})), Code::bad_stride,
     "rstd is float32[4, 6, 1] with strides [6, -1, 1] but must have no negative stride"},
    {"OffsetBeyond63Bits", PROBLEM(base, p.x2 = strided({4, 6, 8}, {largest, 8, 1})), Code::bad_stride,
     "x2 is float32[4, 6, 8] with strides [9223372036854775807, 8, 1] but must have its last byte within 2^63 of its "
     "first"},
    // 3 * 4 times the stride is 2^64 - 4, which would wrap to a small number.
    {"OffsetBeyond63BitsInBytesAlone", PROBLEM(base, p.mean = strided({4, 6, 1}, {1537228672809129301, 1, 1})),
     Code::bad_stride,
     "mean is float32[4, 6, 1] with strides [1537228672809129301, 1, 1] but must have its last byte within 2^63 of its "
     "first"},
    {"OffsetBeyond63BitsInTheSumAlone", PROBLEM(base, p.dsum = strided({4, 6, 8}, {largest / 16, largest / 24, 1})),
     Code::bad_stride,
     "dsum is float32[4, 6, 8] with strides [576460752303423487, 384307168202282325, 1] but must have its last byte "
     "within 2^63 of its first"},
    {"BroadcastDx", PROBLEM(base, p.dx = strided({4, 6, 8}, {0, 8, 1})), Code::bad_stride,
     "dx is float32[4, 6, 8] with strides [0, 8, 1] but must give each element of the output its own address: the "
     "stride of dimension 0 must be at least 1, what the smaller strides span"},
    {"BroadcastDgamma", PROBLEM(base, p.dgamma = strided({8}, {0})), Code::bad_stride,
     "dgamma is float32[8] with strides [0] but must give each element of the output its own address: the stride of "
     "dimension 0 must be at least 1, what the smaller strides span"},
    {"SlidingWindowDx", PROBLEM(base, p.dx = strided({4, 6, 8}, {48, 1, 1})), Code::bad_stride,
     "dx is float32[4, 6, 8] with strides [48, 1, 1] but must give each element of the output its own address: the "
     "stride of dimension 1 must be at least 8, what the smaller strides span"},
    {"RowsOneElementTooNear", PROBLEM(base, p.dx = strided({4, 6, 8}, {42, 7, 1})), Code::bad_stride,
     "dx is float32[4, 6, 8] with strides [42, 7, 1] but must give each element of the output its own address: the "
     "stride of dimension 1 must be at least 8, what the smaller strides span"},
    {"OutermostOneElementTooNear", PROBLEM(base, p.dx = strided({4, 6, 8}, {47, 8, 1})), Code::bad_stride,
     "dx is float32[4, 6, 8] with strides [47, 8, 1] but must give each element of the output its own address: the "
     "stride of dimension 0 must be at least 48, what the smaller strides span"},
    {"InterleavedDbeta",
     PROBLEM(base,
             (p.gamma = p.dgamma = dense({6, 8}), p.rstd = p.mean = dense({4}), p.dbeta = strided({6, 8}, {5, 6}))),
     Code::bad_stride,
     "dbeta is float32[6, 8] with strides [5, 6] but must give each element of the output its own address: the stride "
     "of dimension 1 must be at least 26, what the smaller strides span"},
};

const Refusal forward_refusals[] = {
    {"X2OfAnotherShape", FORWARD(p.x2 = dense(DType::bfloat16, {4, 9})), Code::bad_shape,
     "x2 is bfloat16[4, 9] but must be [4, 8], the shape of x1"},
    {"YOfAnotherDtype", FORWARD(p.y = dense({4, 8})), Code::bad_dtype,
     "y is float32[4, 8] but must be bfloat16, the dtype of x1"},
    {"BetaOfAnotherDtype", FORWARD(p.beta = dense(DType::float16, {8})), Code::bad_dtype,
     "beta is float16[8] but must be bfloat16, the dtype of x1, or float32"},
    {"BetaTooLong", FORWARD(p.beta = dense({9})), Code::bad_shape,
     "beta is float32[9] but must be [8], x1's trailing dimensions: normalized_dims is 1"},
    {"MeanOfColumns", FORWARD(p.mean = dense({4, 8})), Code::bad_shape,
     "mean is float32[4, 8] but must be float32[4, 1] or float32[4]: x1's leading dimensions [4], then 1s or nothing"},
    {"BroadcastX", FORWARD(p.x = TensorLayout::strided(DType::bfloat16, Shape{4, 8}, Shape{0, 1})), Code::bad_stride,
     "x is bfloat16[4, 8] with strides [0, 1] but must give each element of the output its own address: the stride of "
     "dimension 0 must be at least 1, what the smaller strides span"},
    {"NoTensorTellsNormalizedDims", FORWARD((p.gamma = p.beta = p.mean = p.rstd = std::nullopt, p.normalized_dims = 0)),
     Code::bad_option, "normalized_dims is 0 but must be 1 to 2, as no tensor tells it: x1 is bfloat16[4, 8]"},
    {"NegativeEps", FORWARD(p.eps = -1e-5f), Code::bad_option, "eps is -1e-05 but must be finite and at least 0"},
    {"InfiniteEps", FORWARD(p.eps = std::numeric_limits<float>::infinity()), Code::bad_option,
     "eps is inf but must be finite and at least 0"},
    {"EpsNotANumber", FORWARD(p.eps = std::numeric_limits<float>::quiet_NaN()), Code::bad_option,
     "eps is nan but must be finite and at least 0"},
};

std::string name_of(const ::testing::TestParamInfo<Refusal>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Dtype, Refused, ::testing::ValuesIn(dtype_refusals), name_of);
INSTANTIATE_TEST_SUITE_P(Form, Refused, ::testing::ValuesIn(form_refusals), name_of);
INSTANTIATE_TEST_SUITE_P(Shape, Refused, ::testing::ValuesIn(shape_refusals), name_of);
INSTANTIATE_TEST_SUITE_P(Size, Refused, ::testing::ValuesIn(size_refusals), name_of);
INSTANTIATE_TEST_SUITE_P(Stride, Refused, ::testing::ValuesIn(stride_refusals), name_of);
INSTANTIATE_TEST_SUITE_P(Forward, Refused, ::testing::ValuesIn(forward_refusals), name_of);

}  // namespace
}  // namespace alng
