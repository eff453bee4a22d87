// The rules of pointers, each refusal by its code and its exact sentence.
#include "problem/arguments.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "separate_arguments.h"

namespace alng {
namespace {

using Shape = std::vector<std::int64_t>;

/// float32 [4, 8] with every tensor present.
GradDescription description() { return GradDescription::dense(DType::float32, 4, 8); }

void expect_accepted(const GradDescription& problem, const GradArguments& arguments, std::size_t workspace = 1000) {
  const Status status = impl::check_arguments(inside(problem), inside(arguments), workspace);
  EXPECT_EQ(status.message(), "");
  EXPECT_STREQ(code_name(status.code()), "ok");
}

void expect_refused(const GradDescription& problem, const GradArguments& arguments, Code code,
                    const std::string& sentence, std::size_t workspace = 1000) {
  const Status status = impl::check_arguments(inside(problem), inside(arguments), workspace);
  EXPECT_EQ(status.message(), sentence);
  EXPECT_STREQ(code_name(status.code()), code_name(code));
}

TEST(Arguments, SeparateTensorsAreAccepted) { expect_accepted(description(), separate_arguments()); }

struct Pointer {
  std::size_t place;
  std::string name;
  std::string layout;
  std::uintptr_t bytes;
  bool is_input = true;

  void set(GradArguments& arguments, std::uintptr_t address) const {
    give_pointer(arguments, place, at<void>(address));
  }
  /// False where every problem has it.
  bool remove(GradDescription& problem) const {
    bool optional = false;
    grad::Table::at(problem, place, [&]<class Layout>(Layout& tensor) {
      if constexpr (!std::is_same_v<Layout, TensorLayout>) tensor.reset(), optional = true;
    });
    return optional;
  }
  /// "x1 at bytes [0x1000, 0x1080)"
  std::string at_bytes(std::uintptr_t begin) const {
    std::ostringstream text;
    text << name << " at bytes [0x" << std::hex << begin << ", 0x" << begin + bytes << ")";
    return text.str();
  }
};

const Pointer pointers[] = {
    {grad::dy, "dy", "float32[4, 8]", 128},
    {grad::x1, "x1", "float32[4, 8]", 128},
    {grad::x2, "x2", "float32[4, 8]", 128},
    {grad::rstd, "rstd", "float32[4, 1]", 16},
    {grad::mean, "mean", "float32[4, 1]", 16},
    {grad::gamma, "gamma", "float32[8]", 32},
    {grad::dsum, "dsum", "float32[4, 8]", 128},
    {grad::dx, "dx", "float32[4, 8]", 128, false},
    {grad::dgamma, "dgamma", "float32[8]", 32, false},
    {grad::dbeta, "dbeta", "float32[8]", 32, false},
};

TEST(Arguments, NullForATensorOfTheProblemIsRefused) {
  for (const Pointer& pointer : pointers) {
    GradArguments arguments = separate_arguments();
    pointer.set(arguments, 0);
    expect_refused(description(), arguments, Code::null_pointer,
                   pointer.name + " is null but must point to " + pointer.layout);
  }
}

TEST(Arguments, PointerForATensorTheProblemDoesNotHaveIsRefused) {
  for (const Pointer& pointer : pointers) {
    GradDescription problem = description();
    if (!pointer.remove(problem)) continue;
    expect_refused(problem, separate_arguments(), Code::null_pointer,
                   pointer.name + " is given but must be null: the problem has no " + pointer.name);
    GradArguments arguments = separate_arguments();
    pointer.set(arguments, 0);
    expect_accepted(problem, arguments);
  }
}

TEST(Arguments, PointerBetweenTwoElementsIsRefused) {
  for (const Pointer& pointer : pointers) {
    for (const std::uintptr_t shift : {1u, 2u, 3u}) {
      GradArguments arguments = separate_arguments();
      pointer.set(arguments, 0xdead0000 + shift);
      expect_refused(description(), arguments, Code::bad_stride,
                     pointer.name + " points to 0xdead000" + std::to_string(shift) +
                         " but must point to a multiple of 4 bytes, the size of float32");
    }
    GradArguments arguments = separate_arguments();
    pointer.set(arguments, 0xdead0004);
    expect_accepted(description(), arguments);
  }
}

TEST(Arguments, SixteenBitTensorsNeedTwoBytes) {
  const GradDescription problem = GradDescription::dense(DType::bfloat16, 4, 8);
  GradArguments arguments = separate_arguments();
  arguments.dy = at<void>(0x10002);
  arguments.gamma = at<void>(0x15002);
  expect_accepted(problem, arguments);
  arguments.dy = at<void>(0x10001);
  expect_refused(problem, arguments, Code::bad_stride,
                 "dy points to 0x10001 but must point to a multiple of 2 bytes, the size of bfloat16");
  arguments = separate_arguments();
  arguments.rstd = at<float>(0x13002);
  expect_refused(problem, arguments, Code::bad_stride,
                 "rstd points to 0x13002 but must point to a multiple of 4 bytes, the size of float32");
}

TEST(Arguments, TensorsWithoutElementsMayBeNull) {
  GradArguments no_rows = separate_arguments();
  no_rows.dy = no_rows.x1 = no_rows.x2 = no_rows.dsum = nullptr;
  no_rows.dx = nullptr;
  no_rows.rstd = no_rows.mean = nullptr;
  expect_accepted(GradDescription::dense(DType::float32, 0, 8), no_rows);
  GradArguments no_columns = separate_arguments();
  no_columns.dy = no_columns.x1 = no_columns.x2 = no_columns.dsum = no_columns.gamma = nullptr;
  no_columns.dx = nullptr;
  no_columns.dgamma = no_columns.dbeta = nullptr;
  expect_accepted(GradDescription::dense(DType::float32, 4, 0), no_columns);
  no_rows.dgamma = nullptr;
  expect_refused(GradDescription::dense(DType::float32, 0, 8), no_rows, Code::null_pointer,
                 "dgamma is null but must point to float32[8]");
}

TEST(Arguments, TensorsWithoutElementsOverlapNothing) {
  GradArguments arguments = separate_arguments();
  arguments.dx = at<void>(0x15004);  // inside gamma, and at no multiple of anything
  arguments.dy = at<void>(0x1a001);
  expect_accepted(GradDescription::dense(DType::float32, 0, 8), arguments);
}

TEST(Arguments, ExecutorNeedsItsFunction) {
  GradArguments arguments = separate_arguments();
  Executor executor;
  arguments.executor = &executor;
  expect_refused(description(), arguments, Code::null_pointer,
                 "the executor's parallel is null but must be a function");
  executor.parallel = [](void*, std::int32_t, void (*)(void*, std::int32_t), void*) {};
  expect_accepted(description(), arguments);
}

TEST(Workspace, NullOrSmallIsRefused) {
  GradArguments arguments = separate_arguments();
  arguments.workspace = nullptr;
  expect_refused(description(), arguments, Code::bad_workspace, "the workspace is null but must have 1000 bytes");
  arguments = separate_arguments();
  arguments.workspace_size = 999;
  expect_refused(description(), arguments, Code::bad_workspace, "the workspace has 999 bytes but must have 1000");
}

TEST(Workspace, MayHaveAnyAlignmentAndBeLarger) {
  GradArguments arguments = separate_arguments();
  arguments.workspace = at<void>(0x1a001);
  arguments.workspace_size = 1001;
  expect_accepted(description(), arguments);
}

TEST(Workspace, IsNotLookedAtWhereNoneIsNeeded) {
  GradArguments arguments = separate_arguments();
  arguments.workspace = nullptr;
  arguments.workspace_size = 0;
  expect_accepted(description(), arguments, 0);
  arguments.workspace = at<void>(0x10000);
  arguments.workspace_size = 1 << 20;
  expect_accepted(description(), arguments, 0);
}

TEST(Workspace, OverlapWithAnyTensorIsRefused) {
  for (const Pointer& pointer : pointers) {
    GradArguments arguments = separate_arguments();
    pointer.set(arguments, 0x1a3e4);  // the last of 1000 bytes is at 0x1a3e7
    expect_refused(description(), arguments, Code::overlap,
                   "the workspace at bytes [0x1a000, 0x1a3e8) overlaps " + pointer.at_bytes(0x1a3e4) +
                       ": the two must not share memory");
    pointer.set(arguments, 0x1a3e8);
    expect_accepted(description(), arguments);
  }
}

TEST(Workspace, AllOfItCountsEvenWhereLessIsNeeded) {
  GradArguments arguments = separate_arguments();
  arguments.workspace_size = 0x1001;
  arguments.dx = at<void>(0x1b000);
  expect_refused(description(), arguments, Code::overlap,
                 "the workspace at bytes [0x1a000, 0x1b001) overlaps dx at bytes [0x1b000, 0x1b080): the two must not "
                 "share memory");
}

TEST(Overlap, DxInPlaceOfEachLikeTensor) {
  for (const Pointer& pointer : pointers) {
    if (!pointer.is_input || pointer.bytes != 128) continue;
    GradArguments arguments = separate_arguments();
    pointer.set(arguments, 0x17000);
    expect_accepted(description(), arguments);
    // One element off, in both directions.
    for (const std::uintptr_t begin : {0x17004u, 0x16ffcu}) {
      pointer.set(arguments, begin);
      expect_refused(description(), arguments, Code::overlap,
                     "dx at bytes [0x17000, 0x17080) overlaps " + pointer.at_bytes(begin) +
                         ": the two may share memory only with the same address and the same strides");
    }
    // Side by side.
    for (const std::uintptr_t begin : {0x17080u, 0x16f80u}) {
      pointer.set(arguments, begin);
      expect_accepted(description(), arguments);
    }
  }
}

TEST(Overlap, DxInPlaceOfAllAtOnce) {
  GradArguments arguments = separate_arguments();
  arguments.dy = arguments.x1 = arguments.x2 = arguments.dsum = arguments.dx;
  expect_accepted(description(), arguments);
}

TEST(Overlap, DxInPlaceOfOneButPartlyOverAnother) {
  GradArguments arguments = separate_arguments();
  arguments.dy = arguments.dx;
  arguments.x1 = at<void>(0x17010);
  expect_refused(
      description(), arguments, Code::overlap,
      "dx at bytes [0x17000, 0x17080) overlaps x1 at bytes [0x17010, 0x17090): the two may share memory only "
      "with the same address and the same strides");
}

TEST(Overlap, DxInPlaceWithOtherStridesIsRefused) {
  GradDescription problem = description();
  problem.x1 = TensorLayout::strided(DType::float32, Shape{4, 8}, Shape{1, 4});
  GradArguments arguments = separate_arguments();
  arguments.x1 = arguments.dx;
  expect_refused(
      problem, arguments, Code::overlap,
      "dx at bytes [0x17000, 0x17080) overlaps x1 at bytes [0x17000, 0x17080): the two may share memory only "
      "with the same address and the same strides");
  problem.dx = problem.x1;
  expect_accepted(problem, arguments);
}

TEST(Overlap, StridesOfExtentsOfOneDoNotStandInTheWay) {
  GradDescription problem = GradDescription::dense(DType::float32, 1, 8);
  problem.x1 = TensorLayout::strided(DType::float32, Shape{1, 8}, Shape{77, 1});
  GradArguments arguments = separate_arguments();
  arguments.x1 = arguments.dx;
  expect_accepted(problem, arguments);
}

TEST(Overlap, DxOverStatisticsOrGammaIsRefusedEvenAtTheSameAddress) {
  for (const Pointer& pointer : pointers) {
    if (!pointer.is_input || pointer.bytes == 128) continue;
    GradArguments arguments = separate_arguments();
    pointer.set(arguments, 0x17000);
    expect_refused(
        description(), arguments, Code::overlap,
        "dx at bytes [0x17000, 0x17080) overlaps " + pointer.at_bytes(0x17000) + ": the two must not share memory");
  }
}

TEST(Overlap, SumsShareMemoryWithNothing) {
  const Pointer& dgamma = pointers[grad::dgamma];
  for (const Pointer& pointer : pointers) {
    if (pointer.place == grad::dgamma) continue;
    GradArguments arguments = separate_arguments();
    dgamma.set(arguments, 0x30000);
    pointer.set(arguments, 0x3001c);  // the last element of dgamma
    const std::string sum = dgamma.at_bytes(0x30000), other = pointer.at_bytes(0x3001c);
    // Of two outputs the later one in the list is the one that is found to overlap.
    expect_refused(description(), arguments, Code::overlap,
                   (pointer.place == grad::dbeta ? other + " overlaps " + sum : sum + " overlaps " + other) +
                       ": the two must not share memory");
    pointer.set(arguments, 0x30020);
    expect_accepted(description(), arguments);
  }
}

TEST(Overlap, InputsMayOverlapInputs) {
  GradArguments arguments = separate_arguments();
  arguments.x2 = arguments.x1;
  arguments.dsum = at<void>(0x10004);
  arguments.mean = arguments.rstd;
  expect_accepted(description(), arguments);
}

TEST(Overlap, ColumnSlicesOfOneWideBuffer) {
  GradDescription problem = description();
  const TensorLayout slice = TensorLayout::strided(DType::float32, Shape{4, 8}, Shape{32, 1});
  problem.dy = problem.x1 = slice;
  problem.x2 = problem.dx = slice;
  GradArguments arguments = separate_arguments();
  arguments.dy = at<void>(0x30000);
  arguments.x1 = at<void>(0x30020);
  arguments.x2 = at<void>(0x30040);
  arguments.dx = at<void>(0x30060);
  expect_accepted(problem, arguments);
  arguments.dx = at<void>(0x30064);  // its last column is dy's first, a row further down
  expect_refused(
      problem, arguments, Code::overlap,
      "dx at bytes [0x30064, 0x30204) overlaps dy at bytes [0x30000, 0x301a0): the two may share memory only "
      "with the same address and the same strides");
}

// A plan of one operator can't be run with the arguments of another.
TEST(Arguments, OfAnotherOperatorAreRefused) {
  constexpr impl::Operator other{impl::Kind::forward, "AnotherOperator", grad::operands};
  impl::Arguments arguments = inside(separate_arguments());
  arguments.what = &other;
  const Status status = impl::check_arguments(inside(description()), arguments, 1000);
  EXPECT_EQ(status.code(), Code::bad_option);
  EXPECT_EQ(status.message(), "the arguments are of AnotherOperator but the plan is of AddLayerNormGrad");
}

TEST(Inputs, AreJudgedAlone) {
  const impl::Problem problem = inside(description());
  for (const Pointer& pointer : pointers) {
    GradArguments arguments = separate_arguments();
    pointer.set(arguments, 0);
    const Status status = impl::check_inputs(problem, inside(arguments));
    EXPECT_EQ(status.ok(), !pointer.is_input) << pointer.name;
    if (pointer.is_input) {
      EXPECT_EQ(status.message(), pointer.name + " is null but must point to " + pointer.layout);
    }
  }
  GradArguments in_place = separate_arguments();
  in_place.dx = at<void>(0x10004);
  in_place.workspace = nullptr;
  EXPECT_TRUE(impl::check_inputs(problem, inside(in_place)).ok());
}

TEST(Inputs, PointerForAnAbsentInputIsRefused) {
  GradDescription problem = description();
  problem.dsum.reset();
  const Status status = impl::check_inputs(inside(problem), inside(separate_arguments()));
  EXPECT_EQ(status.code(), Code::null_pointer);
  EXPECT_EQ(status.message(), "dsum is given but must be null: the problem has no dsum");
}

}  // namespace
}  // namespace alng
