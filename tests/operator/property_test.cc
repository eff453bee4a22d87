// Properties that hold for every problem, tried on random problems.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cases/element.h"
#include "cases/instance.h"
#include "operator/accuracy.h"
#include "operator/run_case.h"
#include "operator/second_implementation.h"

namespace alng::test {
namespace {

using cases::Arrangement;
using cases::Case;
using cases::InPlace;
using cases::Instance;
using cases::Values;

template <class T>
T pick(const char* what, const std::vector<T>& from) {
  return from[*rc::gen::inRange<std::size_t>(0, from.size()).as(what)];
}

bool coin(const char* what) { return *rc::gen::arbitrary<bool>().as(what); }

std::int64_t between(const char* what, std::int64_t first, std::int64_t last) {
  return *rc::gen::inRange<std::int64_t>(first, last + 1).as(what);
}

Case any_case(std::int64_t most_elements = 30000) {
  Case what;
  what.name = "property";
  const std::int64_t columns = pick<std::int64_t>(
      "columns", {between("few columns", 1, 40), between("some columns", 1, 1100), between("many columns", 1, 18000)});
  const std::int64_t rows =
      between("rows", 1, std::max<std::int64_t>(1, std::min<std::int64_t>(most_elements / columns, 600)));
  what.shape = {rows, columns};
  if (coin("rank 3")) what.shape = {(rows + 2) / 3, 3, columns};
  if (coin("two normalised")) {
    what.shape.back() = (columns + 1) / 2;
    what.shape.push_back(2);
    what.normalized_dims = 2;
  }
  what.dtype = pick<DType>("dtype", {DType::float32, DType::float16, DType::bfloat16});
  what.gamma = pick<std::optional<DType>>("gamma", {std::nullopt, what.dtype, DType::float32});
  what.dsum = coin("dsum");
  what.x2 = coin("x2");
  what.arrangement = pick<Arrangement>(
      "layout", {Arrangement::dense, Arrangement::dense, Arrangement::row_strided, Arrangement::column_strided,
                 Arrangement::transposed, Arrangement::leading_swapped, Arrangement::broadcast_rows,
                 Arrangement::broadcast_columns, Arrangement::gamma_strided, Arrangement::mixed});
  what.short_statistics = coin("short statistics");
  what.wants_dx = coin("dx") || coin("dx after all");
  what.wants_dgamma = coin("dgamma") || coin("dgamma after all");
  what.wants_dbeta = coin("dbeta") || coin("dbeta after all");
  what.accumulate = coin("accumulate");
  what.values = pick<Values>("values", {Values::normal, Values::normal, Values::ratio_1000, Values::nan_inf,
                                        Values::denormal, Values::huge, Values::signed_zero, Values::odd_statistics});
  const bool repeats =
      what.arrangement == Arrangement::broadcast_rows || what.arrangement == Arrangement::broadcast_columns;
  if (what.wants_dx && !repeats && coin("in place")) {
    std::vector<InPlace> places = {InPlace::dy, InPlace::x1};
    if (what.x2) places.push_back(InPlace::x2);
    if (what.dsum) places.push_back(InPlace::dsum);
    what.in_place = pick("place", places);
  }
  return what;
}

HowToRun any_way() {
  HowToRun how;
  how.plan.device = "cpu";
  std::vector<std::string> names;
  for (const Availability& isa : instruction_sets()) {
    if (isa.available) names.push_back(isa.name);
  }
  how.plan.isa = pick("instruction set", names);
  how.plan.threads = static_cast<int>(between("threads", 1, 9));
  how.placement = pick<Placement>("placement", {Placement::end, Placement::start, Placement::offset_by_one});
  how.shift = static_cast<std::size_t>(between("shift", 0, 17));
  how.executor = pick<const Executor*>("executor", {nullptr, &backward_executor(), &thread_per_task_executor()});
  return how;
}

void require_ok(const Outcome& outcome) {
  if (!outcome.status.ok()) RC_FAIL(outcome.status.message());
  if (!outcome.damage.empty()) RC_FAIL(outcome.damage);
}

void require_equal(const cases::StoredTensors& instance, const Outcome& expected, const Outcome& got) {
  const std::string text = difference(instance, expected, got);
  if (!text.empty()) RC_FAIL(text);
}

/// What a run in any way leaves, which has the bits of the reference.
template <class Instance>
Outcome bits_of_the_reference(const Instance& instance) {
  HowToRun reference;
  reference.plan.device = "reference";
  const Outcome expected = run_case(instance, reference);
  require_ok(expected);
  const Outcome got = run_case(instance, any_way());
  require_ok(got);
  require_equal(instance, expected, got);
  return got;
}

RC_GTEST_PROP(Property, CpuHasTheBitsOfTheReference, ()) {
  bits_of_the_reference(Instance(any_case(), *rc::gen::arbitrary<std::uint64_t>().as("seed")));
}

RC_GTEST_PROP(Property, TheForwardHasTheBitsOfTheReferenceAndOfASecondImplementation, ()) {
  const cases::ForwardInstance instance(any_case(8000), coin("rounded sum"),
                                        *rc::gen::arbitrary<std::uint64_t>().as("seed"));
  require_equal(instance, second_implementation(instance), bits_of_the_reference(instance));
}

RC_GTEST_PROP(Property, CpuHasTheBitsOfASecondImplementation, ()) {
  const Instance instance(any_case(8000), *rc::gen::arbitrary<std::uint64_t>().as("seed"));
  const Outcome got = run_case(instance, any_way());
  require_ok(got);
  require_equal(instance, second_implementation(instance), got);
}

RC_GTEST_PROP(Property, IsWithinTheBounds, ()) {
  Case what = any_case();
  what.values = coin("far mean") ? Values::ratio_1000 : Values::normal;
  what.in_place = InPlace::none;
  const Instance instance(what, *rc::gen::arbitrary<std::uint64_t>().as("seed"));
  const Outcome got = run_case(instance, any_way());
  require_ok(got);
  const std::string text = beyond_bounds(instance, truth_of(instance), got);
  if (!text.empty()) RC_FAIL(text);
}

/// A dense problem whose numbers a property may change before running it.
struct Dense {
  explicit Dense(std::uint64_t seed) {
    what = any_case(6000);
    what.arrangement = Arrangement::dense;
    what.in_place = InPlace::none;
    what.values = Values::normal;
    what.dtype = DType::float32;
    if (what.gamma) what.gamma = DType::float32;
    what.wants_dx = what.wants_dgamma = what.wants_dbeta = true;
    what.accumulate = false;
    const Instance instance(what, seed);
    description = instance.description();
    for (int t = 0; t < grad::dx; ++t) {
      tensors.emplace_back();
      if (!instance.layout(t)) continue;
      const std::vector<double> numbers = instance.numbers(t);
      tensors.back().assign(numbers.begin(), numbers.end());
    }
  }

  struct Gradients {
    std::vector<float> dx, dgamma, dbeta;
  };

  Gradients run() const {
    const GradPlan plan = GradPlan::create(GradProblem::create(description).value()).value();
    Gradients out;
    out.dx.resize(static_cast<std::size_t>(what.elements()));
    out.dgamma.resize(static_cast<std::size_t>(what.columns()));
    out.dbeta.resize(out.dgamma.size());
    std::vector<std::byte> workspace(plan.workspace_size());
    GradArguments arguments;
    const auto pointer = [&](int t) {
      return tensors[static_cast<std::size_t>(t)].empty() ? nullptr : tensors[static_cast<std::size_t>(t)].data();
    };
    arguments.dy = pointer(grad::dy);
    arguments.x1 = pointer(grad::x1);
    arguments.x2 = pointer(grad::x2);
    arguments.rstd = pointer(grad::rstd);
    arguments.mean = pointer(grad::mean);
    arguments.gamma = pointer(grad::gamma);
    arguments.dsum = pointer(grad::dsum);
    arguments.dx = out.dx.data();
    arguments.dgamma = out.dgamma.data();
    arguments.dbeta = out.dbeta.data();
    arguments.workspace = workspace.data();
    arguments.workspace_size = workspace.size();
    const Status status = plan.run(arguments);
    if (!status.ok()) RC_FAIL(status.message());
    return out;
  }

  Case what;
  GradDescription description;
  std::vector<std::vector<float>> tensors;
};

void require_same(const char* name, const std::vector<float>& expected, const std::vector<float>& got) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::memcmp(&expected[i], &got[i], sizeof(float)) != 0) {
      RC_FAIL(std::string(name) + " at " + std::to_string(i) + ": expected " + std::to_string(expected[i]) + ", got " +
              std::to_string(got[i]));
    }
  }
}

// The operator is linear in (dy, dsum); a power of two commutes with every rounding.
RC_GTEST_PROP(Property, TwiceTheGradientIsTwiceTheResult, ()) {
  Dense problem(*rc::gen::arbitrary<std::uint64_t>().as("seed"));
  Dense::Gradients once = problem.run();
  for (const int t : {grad::dy, grad::dsum}) {
    for (float& value : problem.tensors[static_cast<std::size_t>(t)]) value *= 2;
  }
  const Dense::Gradients twice = problem.run();
  for (std::vector<float>* values : {&once.dx, &once.dgamma, &once.dbeta}) {
    for (float& value : *values) value *= 2;
  }
  require_same("dx", once.dx, twice.dx);
  require_same("dgamma", once.dgamma, twice.dgamma);
  require_same("dbeta", once.dbeta, twice.dbeta);
}

RC_GTEST_PROP(Property, PermutedRowsHavePermutedDx, ()) {
  Dense problem(*rc::gen::arbitrary<std::uint64_t>().as("seed"));
  const Dense::Gradients before = problem.run();
  const auto rows = static_cast<std::size_t>(problem.what.rows()),
             columns = static_cast<std::size_t>(problem.what.columns());
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937_64(*rc::gen::arbitrary<std::uint64_t>().as("order")));
  const auto permuted = [&](const std::vector<float>& values) {
    std::vector<float> out;
    const std::size_t width = values.size() / rows;
    for (const std::size_t row : order) {
      out.insert(out.end(), values.begin() + static_cast<std::ptrdiff_t>(row * width),
                 values.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
    }
    return out;
  };
  for (const int t : {grad::dy, grad::x1, grad::x2, grad::rstd, grad::mean, grad::dsum}) {
    std::vector<float>& values = problem.tensors[static_cast<std::size_t>(t)];
    if (!values.empty()) values = permuted(values);
  }
  RC_TAG(columns > 512 ? "wide" : "narrow");
  require_same("dx", permuted(before.dx), problem.run().dx);
}

// Negating x and mean negates h: dgamma changes its sign, dx and dbeta do not.
RC_GTEST_PROP(Property, NegatedInputsNegateDgammaAlone, ()) {
  Dense problem(*rc::gen::arbitrary<std::uint64_t>().as("seed"));
  Dense::Gradients before = problem.run();
  for (const int t : {grad::x1, grad::x2, grad::mean}) {
    for (float& value : problem.tensors[static_cast<std::size_t>(t)]) value = -value;
  }
  Dense::Gradients after = problem.run();
  // A sum that comes out as zero is +0 either way; +0 is taken off the comparison.
  for (float& value : before.dgamma) value = 0.0f - value;
  for (float& value : after.dgamma) value = 0.0f + value;
  require_same("dx", before.dx, after.dx);
  require_same("dgamma", before.dgamma, after.dgamma);
  require_same("dbeta", before.dbeta, after.dbeta);
}

}  // namespace
}  // namespace alng::test
