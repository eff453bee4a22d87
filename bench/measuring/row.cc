#include "measuring/row.h"

#include <fmt/format.h>
#include <oneapi/tbb/info.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "alng/oracle.hpp"
#include "judge/computation.h"
#include "judge/element.h"
#include "measuring/device.h"
#include "terminal/failure.h"
#include "terminal/progress.h"
#include "yardsticks/free_order.h"
#include "yardsticks/stream.h"

namespace alng::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Contestant {
  std::string name;
  int threads = 1;
  std::function<void()> run;
  std::vector<double> seconds;
};

// The fastest of the others, by its median, beside the first.
Comparison compare(const std::vector<Contestant>& contestants) {
  const Contestant* best = nullptr;
  double best_seconds = 0;
  for (std::size_t i = 1; i < contestants.size(); ++i) {
    const double seconds = quartiles(contestants[i].seconds).median;
    if (best == nullptr || seconds < best_seconds) {
      best = &contestants[i];
      best_seconds = seconds;
    }
  }
  std::vector<double> speed;
  for (std::size_t i = 0; i < best->seconds.size(); ++i) speed.push_back(best->seconds[i] / contestants[0].seconds[i]);
  return {best->name, best->threads, best_seconds, quartiles(speed)};
}

// The contestants take turns, a different one first in each round, so that a disturbance of the machine hits all of
// them. In cache, `warm` untimed calls come first, because the contestant before left the data in another core's cache
// or in memory.
void take_turns(std::vector<Contestant>& contestants, int warm, int timed, int rounds, double seconds) {
  constexpr int fewest_rounds = 5;
  const Clock::time_point begin = Clock::now();
  for (int round = 0; rounds > 0 ? round < rounds : round < fewest_rounds || seconds_since(begin) < seconds; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      Contestant& contestant = contestants[(i + static_cast<std::size_t>(round)) % contestants.size()];
      for (int call = 0; call < warm; ++call) contestant.run();
      for (int call = 0; call < timed; ++call) {
        const Clock::time_point start = Clock::now();
        contestant.run();
        contestant.seconds.push_back(seconds_since(start));
      }
    }
  }
}

std::vector<double> oracle_of(const ForwardProblem& problem, const ForwardArguments& arguments, std::size_t place,
                              std::size_t count) {
  std::vector<double> values(count);
  double* const out = values.data();
  or_fail(oracle(problem, arguments,
                 {.y = place == forward::y ? out : nullptr,
                  .mean = place == forward::mean ? out : nullptr,
                  .rstd = place == forward::rstd ? out : nullptr,
                  .x = place == forward::x ? out : nullptr}));
  return values;
}
std::vector<double> oracle_of(const GradProblem& problem, const GradArguments& arguments, std::size_t place,
                              std::size_t count) {
  std::vector<double> values(count);
  double* const out = values.data();
  or_fail(oracle(problem, arguments,
                 {.dx = place == grad::dx ? out : nullptr,
                  .dgamma = place == grad::dgamma ? out : nullptr,
                  .dbeta = place == grad::dbeta ? out : nullptr}));
  return values;
}

void ask_for(FreeOrderProblem& problem, const ForwardProblem& asked, const ForwardArguments& arguments) {
  problem.forward = arguments;
  problem.eps = asked.description().eps;
}
void ask_for(FreeOrderProblem& problem, const GradProblem&, const GradArguments& arguments) {
  problem.grad = arguments;
}

/// An output that a yardstick has to compute.
struct Expected {
  const char* name;
  DType dtype;
  std::byte* data;
  std::vector<double> values;
  double bound;
};

// Checks that the yardstick computes the operator. The bounds are loose, since they only have to find a wrong formula
// or a forgotten element; those of sums over the rows grow with the square root of their number.
void check(const FreeOrder& kernel, const BenchShape& shape, const std::vector<Expected>& outputs) {
  for (const Expected& output : outputs) {
    for (std::size_t i = 0; i < output.values.size(); ++i) {
      const double found = load_element(output.dtype, output.data + i * dtype_size(output.dtype));
      if (std::abs(found - output.values[i]) <= output.bound * (1 + std::abs(output.values[i]))) continue;
      throw Failure(
          fmt::format("the free-order kernel \"{}\" computes a wrong {} for {}x{} {}: nothing to compare with",
                      kernel.variant(), output.name, shape.rows, shape.columns, dtype_name(shape.dtype)));
    }
  }
}

template <class Operator>
std::vector<std::unique_ptr<FreeOrder>> free_order_contestants(const ProblemOf<Operator>& problem,
                                                               const BenchShape& shape,
                                                               const typename Operator::Arguments& arguments,
                                                               int threads) {
  std::vector<std::unique_ptr<FreeOrder>> contestants;
  FreeOrderProblem free_problem;
  free_problem.dtype = shape.dtype;
  free_problem.rows = shape.rows;
  free_problem.columns = shape.columns;
  ask_for(free_problem, problem, arguments);
  const FreeOrderKernels kernels = free_order_kernels(free_problem);
  if (kernels.variants.empty()) return contestants;

  constexpr auto& operands = Operator::Description::Table::operands;
  std::vector<Expected> expected;
  for (std::size_t place = 0; place < operands.size(); ++place) {
    const Operand& operand = operands[place];
    if (operand.direction == Direction::input) continue;
    const std::int64_t count = operand.role == Role::element  ? shape.rows * shape.columns
                               : operand.role == Role::column ? shape.columns
                                                              : shape.rows;
    const DType dtype = layout_at(problem.description(), place)->dtype;
    const double rounding = dtype == DType::float32 ? 1e-5 : dtype == DType::float16 ? 1e-3 : 8e-3;
    const double terms = operand.role == Role::column ? static_cast<double>(shape.rows) : 1;
    expected.push_back({operand.name, dtype, static_cast<std::byte*>(const_cast<void*>(pointer_at(arguments, place))),
                        oracle_of(problem, arguments, place, static_cast<std::size_t>(count)),
                        rounding * std::sqrt(terms)});
  }
  for (const int count : {1, threads}) {
    for (std::size_t variant = 0; variant < kernels.variants.size(); ++variant) {
      contestants.push_back(std::make_unique<FreeOrder>(free_problem, kernels, variant, count));
      // All bits set is NaN in every dtype: what a kernel leaves out shows.
      for (const Expected& output : expected) {
        std::memset(output.data, 0xFF, output.values.size() * dtype_size(output.dtype));
      }
      contestants.back()->run();
      check(*contestants.back(), shape, expected);
    }
    if (threads == 1) break;
  }
  return contestants;
}

template <class Operator>
StreamArrays stream_of(const ProblemOf<Operator>& problem, const typename Operator::Arguments& arguments) {
  constexpr auto& operands = Operator::Description::Table::operands;
  StreamArrays streams;
  for (std::size_t place = 0; place < operands.size(); ++place) {
    const void* const data = pointer_at(arguments, place);
    if (operands[place].role != Role::element || data == nullptr) continue;
    if (operands[place].direction == Direction::input) {
      streams.read[streams.mix.reads++] = static_cast<const std::byte*>(data);
    } else {
      streams.write[streams.mix.writes++] = static_cast<std::byte*>(const_cast<void*>(data));
    }
  }
  streams.bytes = static_cast<std::size_t>(problem.rows() * problem.columns()) * dtype_size(problem.dtype());
  return streams;
}

template <class Operator>
BenchResult measure_operator(const BenchShape& shape, const BenchOptions& options) {
  const Progress progress(fmt::format("measuring {}x{} {}", shape.rows, shape.columns, dtype_name(shape.dtype)), 0);
  const ProblemOf<Operator> problem = bench_problem<Operator>(shape);
  const auto plan = or_fail(PlanOf<Operator>::create(problem, options.plan));
  BenchResult result;
  result.shape = shape;
  result.device = plan.device();
  result.isa = plan.isa();
  result.threads = plan.threads();
  result.bytes = problem.bytes();
  if (plan.memory()) {
    measure_on_device(problem, plan, options, result);
    return result;
  }
  const BenchArrays<Operator> arrays(problem);
  typename Operator::Arguments arguments = arrays.arguments();
  std::vector<std::byte> workspace(plan.workspace_size());
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();

  result.in_cache = result.bytes <= std::ranges::max(cache_sizes());

  const Contestant alng{"alng", result.threads, [&] { or_fail(plan.run(arguments)); }, {}};
  alng.run();

  const StreamArrays streams = stream_of(problem, arguments);
  std::vector<Contestant> beside_stream{alng};
  for (const StreamVariant& variant : stream_variants(streams.mix)) {
    beside_stream.push_back(
        {variant.name, result.threads, [&, variant] { run_stream(variant, streams, result.threads); }, {}});
  }

  const int processors = options.plan.threads > 0 ? options.plan.threads : tbb::info::default_concurrency();
  std::vector<Contestant> beside_free_order{alng};
  std::vector<std::unique_ptr<FreeOrder>> kernels;
  if (result.in_cache || options.free_order) {
    kernels = free_order_contestants<Operator>(problem, shape, arguments, processors);
    for (const auto& kernel : kernels) {
      beside_free_order.push_back({kernel->variant(), kernel->threads(), [&] { kernel->run(); }, {}});
    }
  }
  const bool compares = beside_free_order.size() > 1;
  // In cache the stream is measured by itself and briefly, because it throws its outputs out of the cache.
  take_turns(beside_stream, 0, 1, options.repeats,
             result.in_cache && compares ? options.seconds / 10 : options.seconds);
  result.stream = compare(beside_stream);
  if (compares) {
    take_turns(beside_free_order, result.in_cache ? 2 : 0, result.in_cache ? 6 : 1, options.repeats, options.seconds);
    result.free_order = compare(beside_free_order);
  }
  const Contestant& measured = result.in_cache && compares ? beside_free_order[0] : beside_stream[0];
  result.calls = static_cast<std::int64_t>(measured.seconds.size());
  result.seconds = quartiles(measured.seconds);
  return result;
}

}  // namespace

Quartiles quartiles(std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&](double part) {
    const double place = part * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - std::floor(place)) * (values[above] - values[below]);
  };
  return {at(0.25), at(0.5), at(0.75)};
}

BenchResult measure(const BenchShape& shape, const BenchOptions& options) {
  return shape.forward ? measure_operator<Forward>(shape, options) : measure_operator<Grad>(shape, options);
}

}  // namespace alng::cli
