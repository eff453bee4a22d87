#include "cann/tests/graph/wrong_graphs.h"

// Types that no engine knows, or that say something else than the engine does.
namespace ge {
// clang-format off
REG_OP(Sub)
    .INPUT(x1, TensorType::ALL())
    .INPUT(x2, TensorType::ALL())
    .OUTPUT(y, TensorType::ALL())
    .OP_END_FACTORY_REG(Sub)
// clang-format on
}  // namespace ge

namespace alng::test {

// clang-format off
const std::vector<Wrong>& wrong_graphs() {
  static const std::vector<Wrong> all = {
      {"NoOutputs", "the graph has no outputs: SetOutputs says what to compute",
       [](Scene& s) { s.outputs.clear(); }},
      {"EmptyOutput", "output 1 of the graph is an empty operator",
       [](Scene& s) { s.outputs.emplace_back(); }},
      {"EmptyInput", "input 7 of the graph is an empty operator",
       [](Scene& s) { s.feeds.operators.emplace_back(); }},
      {"RequiredInputMissing",
       "node \"bare\" (AddLayerNormGrad): its input dy is not connected but must be",
       [](Scene& s) { s.outputs = {ge::op::AddLayerNormGrad("bare")}; }},
      {"RequiredInputMissingBehindAnother",
       "node \"half\" (Add): its input x2 is not connected but must be",
       [](Scene& s) { s.grad.set_input_dsum(ge::op::Add("half").set_input_x1(s.data("a", {3, 4}))); }},
      {"InputOfNothing", "node \"grad\" (AddLayerNormGrad): its input x2 is connected to an operator that is empty",
       [](Scene& s) { s.grad.set_input_x2(ge::Operator()); }},
      {"UnknownType",
       "node \"minus\" (Sub): there is no operator of this type here; there are Add, AddLayerNormGrad, Cast, Const and Data",
       [](Scene& s) {
         const auto a = s.data("a", {3, 4});
         s.grad.set_input_dsum(ge::op::Sub("minus").set_input_x1(a).set_input_x2(a));
       }},
      {"UnknownInput",
       "node \"grad\" (AddLayerNormGrad): something is connected to its input \"beta\", but its inputs are dy, x1, x2, "
       "rstd, mean, gamma, dsum",
       [](Scene& s) { s.grad.SetInput("beta", s.data("a", {3, 4})); }},
      {"DataConnected",
       "node \"a\" (Data): something is connected to its input \"x\", but its inputs are none",
       [](Scene& s) {
         auto a = s.data("a", {3, 4});
         a.set_input_x(s.data("b", {3, 4}));
         s.grad.set_input_dsum(a);
       }},
      {"UnknownOutputByName",
       "node \"grad\" (AddLayerNormGrad): its input dsum comes from output \"dx\" of node \"a\" (Data), whose outputs are y",
       [](Scene& s) { s.grad.set_input_dsum_by_name(s.data("a", {3, 4}), "dx"); }},
      {"UnknownOutputByIndex",
       "node \"grad\" (AddLayerNormGrad): its input dsum comes from output number 1 of node \"a\" (Data), whose outputs "
       "are y",
       [](Scene& s) { s.grad.set_input_dsum(s.data("a", {3, 4}), 1); }},
      {"OwnOutput",
       "node \"grad\" (AddLayerNormGrad): it needs its own output: \"grad\" needs \"grad\"; a graph must have no cycle",
       [](Scene& s) { s.grad.set_input_dsum(s.grad, "dx"); }},
      {"Cycle",
       "node \"a\" (Add): it needs its own output: \"a\" needs \"c\" needs \"b\" needs \"a\"; a graph must have no cycle",
       [](Scene& s) {
         const auto data = s.data("data", {3, 4});
         ge::op::Add a("a"), b("b"), c("c");
         a.set_input_x1(data);
         b.set_input_x1(a).set_input_x2(data);
         c.set_input_x1(b).set_input_x2(data);
         a.set_input_x2(c);
         s.outputs = {a, b, c};
       }},
      {"CycleOfOneThatIsGone",
       "node \"b\" (Add): its input x2 is connected to an operator that is gone, and was computed of this one",
       [](Scene& s) {
         const auto data = s.data("data", {3, 4});
         auto b = ge::op::Add("b").set_input_x1(data);
         {
           const auto c = ge::op::Add("c").set_input_x1(b).set_input_x2(data);
           b.set_input_x2(c);
         }
         s.outputs = {b};
       }},
      {"DataNotAmongInputs",
       "node \"late\" (Data): it is not among the graph's inputs, so that no run brings its tensor",
       [](Scene& s) { s.grad.set_input_dsum(ge::op::Data("late")); }},
      {"DataTwiceAmongInputs", "node \"grad.dy\" (Data): it is more than once among the graph's inputs",
       [](Scene& s) { s.feeds.operators.push_back(s.feeds.operators[0]); }},
      {"InputThatIsNoData",
       "node \"grad\" (AddLayerNormGrad): it is input 7 of the graph but only Data brings a run's tensors in",
       [](Scene& s) { s.feeds.operators.push_back(s.grad); }},
      {"DataDescribedTwice",
       "node \"a\" (Data): its input x is described as float32[3, 4] but its output y as float32[3, 5], which are the "
       "same tensor",
       [](Scene& s) { s.data("a", {3, 4}).update_output_desc_y(desc(ge::DT_FLOAT, {3, 5})); }},
      {"DataOfNegativeExtent",
       "node \"a\" (Data): input x: float32[3, -4] has an extent of -4 but extents must be at least 0, or -1 for one that "
       "is not known",
       [](Scene& s) { s.data("a", {3, 4}).update_input_desc_x(desc(ge::DT_FLOAT, {3, -4})); }},
      {"DataTooLarge", "takes more than 2^63 bytes",
       [](Scene& s) { s.data("a", {3, 4}).update_input_desc_x(desc(ge::DT_FLOAT, {1LL << 40, 1LL << 40})); }},
      {"DataOfHalfBytes", "node \"a\" (Data): input x: dtype number 29[4] has elements that are not whole bytes",
       [](Scene& s) { s.data("a", {3, 4}).update_input_desc_x(desc(ge::DT_INT4, {4})); }},
      {"ConstWithoutValue",
       "node \"c\" (Const): its value holds 0 bytes but float32[] takes 4",
       [](Scene& s) { s.grad.set_input_dsum(ge::op::Const("c")); }},
      {"ConstWithoutAttribute",
       "node \"c\" (Const): it has no attribute value, which must be a tensor",
       [](Scene& s) {
         ge::op::Const c("c");
         c.SetAttr("value", 3);
         s.grad.set_input_dsum(c);
       }},
      {"ConstOfOtherSize", "node \"c\" (Const): its value holds 8 bytes but float32[3] takes 12",
       [](Scene& s) {
         const std::vector<std::uint8_t> eight(8);
         s.grad.set_input_dsum(ge::op::Const("c").set_attr_value(ge::Tensor(desc(ge::DT_FLOAT, {3}), eight)));
       }},
      {"ConstOfUnknownExtent",
       "node \"c\" (Const): its value is float32[-1] but a tensor's dtype and extents must be known",
       [](Scene& s) { s.grad.set_input_dsum(ge::op::Const("c").set_attr_value(ge::Tensor(desc(ge::DT_FLOAT, {-1})))); }},
      {"CastToNothing", "node \"cast\" (Cast): its attribute dst_type is not set",
       [](Scene& s) { s.grad.set_input_dsum(ge::op::Cast("cast").set_input_x(s.data("a", {3, 4}))); }},
      {"CastToInt32",
       "node \"cast\" (Cast): its attribute dst_type is 3 but must be 0 (float32), 1 (float16) or 27 (bfloat16)",
       [](Scene& s) {
         s.grad.set_input_dsum(ge::op::Cast("cast").set_input_x(s.data("a", {3, 4})).set_attr_dst_type(ge::DT_INT32));
       }},
      {"CastToWords", "node \"cast\" (Cast): its attribute dst_type must be the number of a dtype",
       [](Scene& s) {
         auto cast = ge::op::Cast("cast").set_input_x(s.data("a", {3, 4}));
         cast.SetAttr("dst_type", "float16");
         s.grad.set_input_dsum(cast);
       }},
      {"CastOfInt32", "node \"cast\" (Cast): x is int32[3, 4] but must be float32, float16 or bfloat16",
       [](Scene& s) {
         s.grad.set_input_dsum(ge::op::Cast("cast").set_input_x(s.data("a", {3, 4}, ge::DT_INT32)).set_attr_dst_type(0));
       }},
      {"AddOfTwoDtypes", "node \"add\" (Add): x2 is float16[3, 4] but must be float32, the dtype of x1",
       [](Scene& s) {
         s.grad.set_input_dsum(
             ge::op::Add("add").set_input_x1(s.data("a", {3, 4})).set_input_x2(s.data("b", {3, 4}, ge::DT_FLOAT16)));
       }},
      {"AddOfInt32", "node \"add\" (Add): x1 is int32[3, 4] but must be float32, float16 or bfloat16",
       [](Scene& s) {
         const auto a = s.data("a", {3, 4}, ge::DT_INT32);
         s.grad.set_input_dsum(ge::op::Add("add").set_input_x1(a).set_input_x2(a));
       }},
      {"AddOfShapesThatDoNotMeet",
       "node \"add\" (Add): x2 is float32[3] beside x1 of float32[3, 4], but aligned at the last dimension, extents must "
       "be equal or one of them 1; 4 and 3 are not",
       [](Scene& s) {
         s.grad.set_input_dsum(ge::op::Add("add").set_input_x1(s.data("a", {3, 4})).set_input_x2(s.data("b", {3})));
       }},
      {"SumTooLarge", "node \"add\" (Add): output y: float32[1099511627776, 1099511627776] takes more than 2^63 bytes",
       [](Scene& s) {
         auto a = s.data("a", {1, 1}), b = s.data("b", {1, 1});
         a.update_input_desc_x(desc(ge::DT_FLOAT, {1LL << 40, 1}));
         b.update_input_desc_x(desc(ge::DT_FLOAT, {1, 1LL << 40}));
         s.grad.set_input_dsum(ge::op::Add("add").set_input_x1(a).set_input_x2(b));
       }},
      {"DyOfInt32", "node \"grad\" (AddLayerNormGrad): dy is int32[3, 4] but must be float32, float16 or bfloat16",
       [](Scene& s) { s.replace("dy", {3, 4}, ge::DT_INT32); }},
      {"X1OfAnotherDtype",
       "node \"grad\" (AddLayerNormGrad): x1 is float16[3, 4] but must be float32, the dtype of dy",
       [](Scene& s) { s.replace("x1", {3, 4}, ge::DT_FLOAT16); }},
      {"RstdOfFloat16", "node \"grad\" (AddLayerNormGrad): rstd is float16[3, 1] but must be float32",
       [](Scene& s) { s.replace("rstd", {3, 1}, ge::DT_FLOAT16); }},
      {"MeanOfOtherRows",
       "node \"grad\" (AddLayerNormGrad): mean is float32[4] but must be float32[3, 1] or float32[3]: dy's leading",
       [](Scene& s) { s.replace("mean", {4}); }},
      {"X1OfAnotherKnownExtent",
       "node \"grad\" (AddLayerNormGrad): x1 is float32[-1, 5] but must be float32[-1, 4], as dy",
       [](Scene& s) { s.describe("dy", {-1, 4}); s.describe("x1", {-1, 5}); }},
      {"GammaOfAnotherKnownExtent",
       "node \"grad\" (AddLayerNormGrad): gamma is float32[5] but must have dy's trailing dimensions: dy is float32[3, 4]",
       [](Scene& s) { s.describe("dy", {-1, 4}); s.replace("gamma", {5}); }},
      {"X2OfAnotherShape", "node \"grad\" (AddLayerNormGrad): x2 is float32[3, 5] but",
       [](Scene& s) { s.replace("x2", {3, 5}); }},
      {"GammaOfAnotherLength", "node \"grad\" (AddLayerNormGrad): gamma is float32[5] but",
       [](Scene& s) { s.replace("gamma", {5}); }},
      {"RankNine", "node \"grad\" (AddLayerNormGrad): dy has rank 9",
       [](Scene& s) {
         for (const char* name : {"dy", "x1", "x2", "rstd", "mean", "dsum"}) s.replace(name, Dims(9, 1));
         s.replace("gamma", {1});
       }},
  };
  return all;
}
// clang-format on

}  // namespace alng::test
