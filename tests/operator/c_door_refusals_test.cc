// What the C interface refuses: by which code, in which words, and with every output left as it was.
#include <ostream>
#include <string>

#include "operator/c_door_call.h"

namespace alng::test {
namespace {

/// `sentence` is a part of what is said where it goes on with addresses or sizes.
struct Refusal {
  const char* name;
  alng_code code;
  std::string sentence;
  alng_code (*call)(CDoorCall& c);
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

template <class Struct>
std::string size_of(const char* name, std::size_t size) {
  return std::string("the size of ") + name + " is " + std::to_string(size) + " but must be its sizeof, " +
         std::to_string(sizeof(Struct)) + " or more";
}

/// `change` of what a plan is made of, or of what a run of the right plan is given.
#define CREATED(change) \
  [](CDoorCall& c) {    \
    change;             \
    return c.create();  \
  }
#define RUN(change)  \
  [](CDoorCall& c) { \
    c.create();      \
    change;          \
    return c.run();  \
  }
#define CALLED(change) \
  [](CDoorCall& c) {   \
    change;            \
    return c.call();   \
  }

const Refusal refusals[] = {
    {"Dtype", ALNG_BAD_DTYPE, "x2 has dtype number 7 but must be float32, the dtype of dy",
     CREATED(c.problem_.x2.dtype = 7)},
    {"DtypeInOneCall", ALNG_BAD_DTYPE, "x2 has dtype number 7 but must be float32", CALLED(c.problem_.x2.dtype = 7)},
    {"Shape", ALNG_BAD_SHAPE, "dbeta is float32[12] but must be [", CREATED(c.problem_.dbeta.shape[0] = 12)},
    {"Rank9", ALNG_BAD_SHAPE, "mean has rank 9 but must have rank 1 to 8", CREATED(c.problem_.mean.rank = 9)},
    {"Stride", ALNG_BAD_STRIDE, "but must give each element of the output its own address",
     CREATED(c.problem_.dx.strides[0] = 0)},
    {"NormalizedDims", ALNG_BAD_OPTION, "normalized_dims is 3 but must be 1 to 2 or 0",
     CREATED(c.problem_.normalized_dims = 3)},
    // What is required is never taken for absent.
    {"NoDy", ALNG_BAD_DTYPE, "dy has dtype number 0 but must be ", CREATED(c.problem_.dy = {})},
    {"NoX1", ALNG_BAD_DTYPE, "x1 has dtype number 0 but must be ", CREATED(c.problem_.x1 = {})},
    {"NoRstd", ALNG_BAD_DTYPE, "rstd has dtype number 0 but must be ", CREATED(c.problem_.rstd = {})},
    {"NoMean", ALNG_BAD_DTYPE, "mean has dtype number 0 but must be ", CREATED(c.problem_.mean = {})},
    // A dtype without a rank is not absent.
    {"X2OfRank0", ALNG_BAD_SHAPE, "x2 has rank 0 but must have rank 1 to 8", CREATED(c.problem_.x2.rank = 0)},
    {"GammaOfRank0", ALNG_BAD_SHAPE, "gamma has rank 0 but must", CREATED(c.problem_.gamma.rank = 0)},
    {"DsumOfRank0", ALNG_BAD_SHAPE, "dsum has rank 0 but must", CREATED(c.problem_.dsum.rank = 0)},
    {"DxOfRank0", ALNG_BAD_SHAPE, "dx has rank 0 but must", CREATED(c.problem_.dx.rank = 0)},
    // Nor is one of which only dtype and rank were left out.
    {"X2WithoutDtypeAndRank", ALNG_BAD_DTYPE, "x2 has dtype number 0 but must be float32, the dtype of dy",
     CREATED(c.problem_.x2.dtype = 0; c.problem_.x2.rank = 0)},
    {"GammaOfNoDtypeAndNoShape", ALNG_BAD_DTYPE, "gamma has dtype number 0 but must be float32, the dtype of dy",
     CREATED(c.problem_.gamma = alng_contiguous(static_cast<alng_dtype>(0), 1, nullptr))},
    {"DxOfNoDtypeAndRank0", ALNG_BAD_DTYPE, "dx has dtype number 0 but must be float32, the dtype of dy",
     CREATED(c.problem_.dx = alng_contiguous(static_cast<alng_dtype>(0), 0, nullptr))},
    {"SizeOfAProblem", ALNG_BAD_OPTION, size_of<alng_grad_problem>("alng_grad_problem", sizeof(alng_grad_problem) - 1),
     CREATED(--c.problem_.size)},
    {"SizeOfOptions", ALNG_BAD_OPTION, size_of<alng_options>("alng_options", 8), CREATED(c.options_.size = 8)},
    {"SizeOfArguments", ALNG_BAD_OPTION, size_of<alng_grad_arguments>("alng_grad_arguments", 0),
     RUN(c.arguments_.size = 0)},
    {"SizeNeverSet", ALNG_BAD_OPTION,
     size_of<alng_grad_problem>("alng_grad_problem", SIZE_MAX) + " and less than 65536",
     CREATED(c.problem_.size = SIZE_MAX)},
    {"SizeOfASummary", ALNG_BAD_OPTION, size_of<alng_summary>("alng_summary", 0),
     [](CDoorCall& c) {
       alng_summary none{};
       return alng_grad_judge(&c.problem_, &none, &c.status_);
     }},
    {"Threads", ALNG_BAD_OPTION, "threads is -2 but must not be negative", CREATED(c.options_.threads = -2)},
    {"Device", ALNG_BAD_OPTION, "device is \"gpu7\" but must be one of cpu, reference",
     CREATED(c.options_.device = "gpu7")},
    {"Isa", ALNG_BAD_OPTION, "isa is \"mmx\" but must be one of avx512, avx2, sve, neon, scalar, or empty",
     CREATED(c.options_.isa = "mmx")},
    {"IsaOfTheReference", ALNG_UNSUPPORTED, "the reference is scalar code and has no instruction set \"avx2\"",
     CREATED(c.options_.device = "reference"; c.options_.isa = "avx2")},
    {"NoDsum", ALNG_NULL_POINTER, "dsum is null but must point to float32[", RUN(c.arguments_.dsum = nullptr)},
    {"BetweenTwoElements", ALNG_BAD_STRIDE, "but must point to a multiple of 4 bytes",
     RUN(c.arguments_.rstd = reinterpret_cast<const float*>(reinterpret_cast<const char*>(c.arguments_.rstd) + 1))},
    {"Overlap", ALNG_OVERLAP, " overlaps dgamma at bytes ", RUN(c.arguments_.dgamma = c.arguments_.dbeta)},
    {"NoWorkspace", ALNG_BAD_WORKSPACE, "the workspace is null but must have ", RUN(c.arguments_.workspace = nullptr)},
    {"SmallWorkspace", ALNG_BAD_WORKSPACE, "the workspace has 1 bytes but must have ",
     RUN(c.arguments_.workspace_size = 1)},
    {"Stream", ALNG_BAD_OPTION, "the stream is given but must be null: the device cpu has none",
     RUN(c.arguments_.stream = &c)},
    {"Executor", ALNG_NULL_POINTER, "the executor's parallel is null but must be a function",
     RUN(static const alng_executor none{}; c.arguments_.executor = &none)},
    {"NoProblem", ALNG_NULL_POINTER, "problem is null",
     [](CDoorCall& c) {
       alng_plan* plan = reinterpret_cast<alng_plan*>(&c);
       const alng_code code = alng_grad_plan_create(nullptr, nullptr, &plan, &c.status_);
       EXPECT_EQ(plan, nullptr);
       return code;
     }},
    {"NoProblemInOneCall", ALNG_NULL_POINTER, "problem is null",
     [](CDoorCall& c) { return alng_add_layer_norm_grad(nullptr, &c.arguments_, nullptr, &c.status_); }},
    {"NoPlaceForAPlan", ALNG_NULL_POINTER, "plan is null",
     [](CDoorCall& c) { return alng_grad_plan_create(&c.problem_, nullptr, nullptr, &c.status_); }},
    {"NoPlan", ALNG_NULL_POINTER, "plan is null", [](CDoorCall& c) { return c.run(); }},
    {"NoArguments", ALNG_NULL_POINTER, "arguments is null",
     [](CDoorCall& c) {
       c.create();
       return alng_grad_run(c.plan_, nullptr, &c.status_);
     }},
    {"NoArgumentsInOneCall", ALNG_NULL_POINTER, "arguments is null",
     [](CDoorCall& c) { return alng_add_layer_norm_grad(&c.problem_, nullptr, nullptr, &c.status_); }},
    {"NoMemory", ALNG_NULL_POINTER, "memory is null",
     [](CDoorCall& c) {
       void* address = nullptr;
       return alng_memory_allocate(nullptr, 8, &address, &c.status_);
     }},
    {"AnotherOperator", ALNG_BAD_OPTION, "the arguments are of AddLayerNorm but the plan is of AddLayerNormGrad",
     [](CDoorCall& c) {
       c.create();
       alng_forward_arguments forward{};
       forward.size = sizeof forward;
       return alng_forward_run(c.plan_, &forward, &c.status_);
     }},
};

class CDoorRefused : public CDoorCall, public testing::WithParamInterface<Refusal> {};

TEST_P(CDoorRefused, IsSaidAndWritesNothing) {
  const Outcome before = prepared_.outcome();
  expect_said(GetParam().call(*this), GetParam().code, GetParam().sentence);
  EXPECT_EQ(difference(instance_, before, prepared_.outcome()), "") << "something was written";
}

INSTANTIATE_TEST_SUITE_P(Table, CDoorRefused, testing::ValuesIn(refusals),
                         [](const auto& which) { return which.param.name; });

}  // namespace
}  // namespace alng::test
