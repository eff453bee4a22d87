// The package's host side, compiled as C++11 against stand-ins for CANN's headers (package_cann/): what is registered,
// what shapes and dtypes are inferred, what the tiling entry decides, and the sentence of every refusal.
#include <gtest/gtest.h>
#include <register/op_def_registry.h>

#include <cstring>
#include <string>
#include <vector>

#include "op_host/shapes.h"
#include "op_host/tiling.h"

namespace ge {
graphStatus alng_infer_shape(gert::InferShapeContext* context);
graphStatus alng_infer_data_type(gert::InferDataTypeContext* context);
}  // namespace ge
namespace optiling {
ge::graphStatus alng_tiling(gert::TilingContext* context);
}  // namespace optiling

namespace {

enum { kDy, kX1, kX2, kRstd, kMean, kGamma, kDsum };

TEST(PackageDefinition, IsTheOperatorOfTheSpecification) {
  const ops::OpDef* op = ops::registered();
  ASSERT_NE(op, nullptr);
  EXPECT_EQ(op->type(), "AddLayerNormGrad");
  std::string names;
  for (const ops::OpParamDef& input : op->inputs) {
    names += input.name + (input.required ? " " : "? ");
    EXPECT_TRUE(input.contiguous) << input.name;
  }
  for (const ops::OpParamDef& output : op->outputs) names += "-> " + output.name + " ";
  EXPECT_EQ(names, "dy x1 x2 rstd mean gamma? dsum? -> dx -> dgamma -> dbeta ");
  EXPECT_EQ(op->core.units, (std::vector<std::string>{"ascend910b", "ascend910_93", "ascend950"}));
  EXPECT_EQ(op->core.tiling, &optiling::alng_tiling);
  EXPECT_EQ(op->infer_shape, &ge::alng_infer_shape);
  EXPECT_EQ(op->infer_data_type, &ge::alng_infer_data_type);
  // One column for each combination: of every tensor that has T the same, gamma T or float32, the rest float32.
  const std::vector<ge::DataType> of_t = op->inputs[kDy].types;
  const std::vector<ge::DataType> wide(of_t.size(), ge::DT_FLOAT);
  for (const int i : {kX1, kX2, kDsum}) EXPECT_EQ(op->inputs[i].types, of_t);
  for (const int i : {kRstd, kMean}) EXPECT_EQ(op->inputs[i].types, wide);
  EXPECT_EQ(op->outputs[0].types, of_t);
  EXPECT_EQ(op->outputs[1].types, wide);
  EXPECT_EQ(op->outputs[2].types, wide);
  int of_dtype[3][2] = {};
  for (size_t i = 0; i < of_t.size(); ++i) {
    const ge::DataType gamma = op->inputs[kGamma].types[i];
    EXPECT_TRUE(gamma == of_t[i] || gamma == ge::DT_FLOAT);
    ++of_dtype[of_t[i] == ge::DT_FLOAT ? 0 : of_t[i] == ge::DT_FLOAT16 ? 1 : 2][gamma == ge::DT_FLOAT];
  }
  EXPECT_EQ(of_dtype[0][1], 1);
  for (const int dtype : {1, 2}) {
    EXPECT_EQ(of_dtype[dtype][0], 1);
    EXPECT_EQ(of_dtype[dtype][1], 1);
  }
  for (const ops::OpParamDef& input : op->inputs) EXPECT_EQ(input.formats.size(), of_t.size());
}

TEST(PackageInference, DxLikeDyAndTheRestLikeGammaInFloat32) {
  gert::InferShapeContext shapes;
  shapes.inputs = {{kDy, {4, 11, 8, 12}}, {kRstd, {4, 11, 1, 1}}, {kGamma, {8, 12}}};
  shapes.outputs = {{0, {}}, {1, {}}, {2, {}}};
  ASSERT_EQ(ge::alng_infer_shape(&shapes), ge::GRAPH_SUCCESS);
  EXPECT_EQ(shapes.outputs[0].dims(), (std::vector<int64_t>{4, 11, 8, 12}));
  EXPECT_EQ(shapes.outputs[1].dims(), (std::vector<int64_t>{8, 12}));
  EXPECT_EQ(shapes.outputs[2].dims(), (std::vector<int64_t>{8, 12}));
  shapes.inputs.erase(kGamma);
  shapes.outputs = {{0, {}}, {1, {}}, {2, {}}};
  ASSERT_EQ(ge::alng_infer_shape(&shapes), ge::GRAPH_SUCCESS);
  EXPECT_EQ(shapes.outputs[1].dims(), (std::vector<int64_t>{8, 12}));
  shapes.inputs[kRstd] = {4, 11, 2, 1};
  EXPECT_EQ(ge::alng_infer_shape(&shapes), ge::GRAPH_FAILED);

  gert::InferDataTypeContext types;
  types.inputs[kDy] = ge::DT_BF16;
  ASSERT_EQ(ge::alng_infer_data_type(&types), ge::GRAPH_SUCCESS);
  EXPECT_EQ(types.outputs[0], ge::DT_BF16);
  EXPECT_EQ(types.outputs[1], ge::DT_FLOAT);
  EXPECT_EQ(types.outputs[2], ge::DT_FLOAT);
}

class PackageTiling : public testing::Test {
 protected:
  PackageTiling() {
    for (const size_t i : {kDy, kX1, kX2, kDsum}) context.shapes[i] = gert::StorageShape({4, 100, 96});
    for (const size_t i : {kRstd, kMean}) context.shapes[i] = gert::StorageShape({4, 100, 1});
    context.shapes[kGamma] = gert::StorageShape({96});
    for (const size_t i : {kDy, kX1, kX2, kGamma, kDsum}) context.descriptions[i].type = ge::DT_FLOAT16;
    context.platform = &platform;
  }
  // What the entry says where it refuses.
  std::string refusal() {
    testing::internal::CaptureStderr();
    EXPECT_EQ(optiling::alng_tiling(&context), ge::GRAPH_FAILED);
    return testing::internal::GetCapturedStderr();
  }

  gert::PlatformOfTest platform = {true, 48, 196352};
  gert::TilingContext context;
};

TEST_F(PackageTiling, SaysWhatThePureFunctionDecides) {
  for (const bool has_gamma : {true, false}) {
    for (const bool is_910b : {true, false}) {
      platform = {is_910b, 48, is_910b ? uint64_t{196352} : uint64_t{253952}};
      if (!has_gamma) context.shapes.erase(kGamma);
      ASSERT_EQ(optiling::alng_tiling(&context), ge::GRAPH_SUCCESS);
      const alng_npu::TilingProblem problem = {400,
                                               96,
                                               alng_npu::Dtype::kFloat16,
                                               has_gamma ? alng_npu::Dtype::kFloat16 : alng_npu::Dtype::kFloat32,
                                               has_gamma,
                                               true,
                                               true,
                                               true,
                                               true};
      alng_npu::TilingResult expected;
      char sentence[512];
      ASSERT_TRUE(alng_npu::make_tiling(problem,
                                        {is_910b ? 2201u : 3510u, 48, static_cast<uint32_t>(platform.buffer_bytes)},
                                        &expected, sentence, sizeof sentence));
      EXPECT_EQ(std::memcmp(context.tiling.data(), &expected.tiling, sizeof expected.tiling), 0);
      EXPECT_EQ(context.key, expected.tiling_key);
      EXPECT_EQ(context.blocks, expected.blocks);
      EXPECT_EQ(context.workspace, 16u * 1024 * 1024 + expected.workspace_bytes);
      EXPECT_EQ(context.schedule_mode, 1u) << "the cores wait for each other";
    }
  }
}

TEST_F(PackageTiling, RefusesWithASentence) {
  context.descriptions[kDy].type = ge::DT_INT32;
  EXPECT_EQ(refusal(), "AddLayerNormGrad: dy's dtype has to be float32, float16 or bfloat16\n");
  context.descriptions[kDy].type = ge::DT_FLOAT16;
  context.descriptions[kGamma].type = ge::DT_INT32;
  EXPECT_EQ(refusal(), "AddLayerNormGrad: gamma's dtype has to be float32 or that of dy\n");
  context.descriptions[kGamma].type = ge::DT_BF16;
  EXPECT_EQ(refusal(), "AddLayerNormGrad: gamma's dtype has to be float32 or that of dy\n");
  context.descriptions[kGamma].type = ge::DT_FLOAT;
  context.platform = nullptr;
  EXPECT_EQ(refusal(), "AddLayerNormGrad: CANN does not say on which platform the operator runs\n");
  context.platform = &platform;
  context.tiling.resize(8);
  EXPECT_EQ(refusal(), "AddLayerNormGrad: CANN gave no room for the tiling or the workspace size\n");
  context.tiling.resize(4096);
  context.shapes[kDsum] = gert::StorageShape({4, 100, 95});
  EXPECT_EQ(refusal(), "AddLayerNormGrad: dsum has shape [4, 100, 95]: it has to have the shape of dy, [4, 100, 96]\n");
  context.shapes.erase(kMean);
  EXPECT_EQ(refusal(), "AddLayerNormGrad: dy, x1, x2, rstd or mean has no shape\n");
}

struct Asked {
  alng_npu::ShapeOf dy, x1, x2, rstd, mean, gamma, dsum;
  bool has_gamma, has_dsum;
};

Asked usual() {
  return {{3, {4, 11, 96}},
          {3, {4, 11, 96}},
          {3, {4, 11, 96}},
          {3, {4, 11, 1}},
          {3, {4, 11, 1}},
          {1, {96}},
          {3, {4, 11, 96}},
          true,
          true};
}

bool judge(const Asked& a, alng_npu::RowsAndColumns* result, std::string* refusal) {
  char sentence[512] = "";
  const alng_npu::Shapes shapes = {
      &a.dy, &a.x1, &a.x2, &a.rstd, &a.mean, a.has_gamma ? &a.gamma : nullptr, a.has_dsum ? &a.dsum : nullptr};
  const bool accepted = alng_npu::rows_and_columns(shapes, result, sentence, sizeof sentence);
  *refusal = sentence;
  return accepted;
}

std::string refused(const Asked& asked) {
  alng_npu::RowsAndColumns result;
  std::string sentence;
  EXPECT_FALSE(judge(asked, &result, &sentence));
  return sentence;
}

TEST(PackageShapes, RowsAndColumns) {
  const auto expect = [](const Asked& asked, int64_t rows, int64_t columns, size_t normalized) {
    alng_npu::RowsAndColumns result;
    std::string sentence;
    ASSERT_TRUE(judge(asked, &result, &sentence)) << sentence;
    EXPECT_EQ(result.rows, rows);
    EXPECT_EQ(result.columns, columns);
    EXPECT_EQ(result.normalized_dims, normalized);
  };
  Asked a = usual();
  expect(a, 44, 96, 1);
  a.has_gamma = false;
  expect(a, 44, 96, 1);
  a.rstd = a.mean = {3, {4, 1, 1}};
  expect(a, 4, 1056, 2);
  // Where dy has extents of 1 the larger number, as everywhere in alng.
  a.dy = a.x1 = a.x2 = a.dsum = {3, {4, 1, 96}};
  expect(a, 4, 96, 2);
  a = usual();
  a.rstd = a.mean = {3, {4, 1, 1}};
  a.gamma = {2, {11, 96}};
  expect(a, 4, 1056, 2);
  a.gamma = {3, {4, 11, 96}};
  a.rstd = a.mean = {3, {1, 1, 1}};
  expect(a, 1, 4224, 3);
  a = usual();
  a.dy = a.x1 = a.x2 = a.dsum = {3, {0, 11, 96}};
  a.rstd = a.mean = {3, {0, 11, 1}};
  expect(a, 0, 96, 1);
  a = usual();
  a.dy = a.x1 = a.x2 = a.dsum = {1, {96}};
  a.rstd = a.mean = {1, {1}};
  expect(a, 1, 96, 1);
}

TEST(PackageShapes, EveryRefusalIsASentence) {
  Asked a = usual();
  a.dy.rank = 0;
  EXPECT_EQ(refused(a), "dy has rank 0: it has to have 1 to 8");
  a.dy.rank = 9;
  EXPECT_EQ(refused(a), "dy has rank 9: it has to have 1 to 8");
  a = usual();
  a.dy.dims[1] = -1;
  EXPECT_EQ(refused(a), "dy has shape [4, -1, 96]: a dimension is negative or not known");
  a = usual();
  a.x1.dims[0] = 5;
  EXPECT_EQ(refused(a), "x1 has shape [5, 11, 96]: it has to have the shape of dy, [4, 11, 96]");
  a = usual();
  a.x2.rank = 2;
  EXPECT_EQ(refused(a), "x2 has shape [4, 11]: it has to have the shape of dy, [4, 11, 96]");
  a = usual();
  a.dsum.dims[2] = 95;
  EXPECT_EQ(refused(a), "dsum has shape [4, 11, 95]: it has to have the shape of dy, [4, 11, 96]");
  a = usual();
  a.rstd.rank = 0;
  EXPECT_EQ(refused(a), "rstd has rank 0: it has to have 1 to 8");
  a = usual();
  a.mean.dims[0] = 1;
  EXPECT_EQ(refused(a), "mean has shape [1, 11, 1]: it has to have the shape of rstd, [4, 11, 1]");
  a = usual();
  a.gamma.rank = 0;
  EXPECT_EQ(refused(a), "gamma has rank 0: it has to have 1 to 8");
  a = usual();
  a.gamma = {2, {12, 96}};
  EXPECT_EQ(refused(a),
            "gamma has shape [12, 96]: it has to have the trailing dimensions of dy, which has [4, 11, 96]");
  a = usual();
  a.rstd = a.mean = {2, {4, 11}};
  EXPECT_EQ(refused(a),
            "rstd has shape [4, 11]: it has to have dy's leading dimensions and 1 for each normalised one, [4, 11, 1]");
  a = usual();
  a.dy = a.x1 = a.x2 = a.dsum = {4, {1LL << 40, 1LL << 40, 2, 96}};
  a.rstd = a.mean = {4, {1LL << 40, 1LL << 40, 2, 1}};
  EXPECT_EQ(refused(a), "dy has shape [1099511627776, 1099511627776, 2, 96]: its elements do not fit 63 bits");
}

}  // namespace
