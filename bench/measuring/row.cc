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

struct Expected {
  std::vector<double> dx, dgamma, dbeta;
};

// Checks that the yardstick computes the gradients. The bounds are loose, since they only have to find a wrong formula
// or a forgotten element; those of the sums grow with the square root of the number of rows.
void check(const FreeOrder& kernel, const BenchShape& shape, const GradArguments& arguments, const Expected& expected) {
  const double dx_bound = shape.dtype == DType::float32 ? 1e-5 : shape.dtype == DType::float16 ? 1e-3 : 8e-3;
  const double sum_bound = 1e-5 * std::sqrt(static_cast<double>(shape.rows));
  const auto beyond = [&](DType dtype, const void* data, const std::vector<double>& values, double bound) {
    const auto* const bytes = static_cast<const std::byte*>(data);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double error = std::abs(load_element(dtype, bytes + i * dtype_size(dtype)) - values[i]);
      if (!(error <= bound * (1 + std::abs(values[i])))) return true;
    }
    return false;
  };
  const char* const wrong = beyond(shape.dtype, arguments.dx, expected.dx, dx_bound)               ? "dx"
                            : beyond(DType::float32, arguments.dgamma, expected.dgamma, sum_bound) ? "dgamma"
                            : beyond(DType::float32, arguments.dbeta, expected.dbeta, sum_bound)   ? "dbeta"
                                                                                                   : nullptr;
  if (wrong != nullptr) {
    throw Failure(fmt::format("the free-order kernel \"{}\" computes a wrong {} for {}x{} {}: nothing to compare with",
                              kernel.variant(), wrong, shape.rows, shape.columns, dtype_name(shape.dtype)));
  }
}

std::vector<std::unique_ptr<FreeOrder>> free_order_contestants(const GradProblem& problem, const BenchShape& shape,
                                                               const GradArguments& a, int threads) {
  std::vector<std::unique_ptr<FreeOrder>> contestants;
  const FreeOrderKernels kernels = free_order_kernels(shape.dtype, shape.dsum);
  if (kernels.variants.empty()) return contestants;
  const std::vector<double> column(static_cast<std::size_t>(shape.columns));
  Expected expected{std::vector<double>(static_cast<std::size_t>(shape.rows * shape.columns)), column, column};
  or_fail(oracle(problem, a, {expected.dx.data(), expected.dgamma.data(), expected.dbeta.data()}));

  const FreeOrderProblem free_problem{shape.dtype, shape.rows, shape.columns, a.dy, a.x1,     a.x2,   a.rstd,
                                      a.mean,      a.gamma,    a.dsum,        a.dx, a.dgamma, a.dbeta};
  for (const int count : {1, threads}) {
    for (std::size_t variant = 0; variant < kernels.variants.size(); ++variant) {
      contestants.push_back(std::make_unique<FreeOrder>(free_problem, kernels, variant, count));
      // All bits set is NaN in every dtype: what a kernel leaves out shows.
      std::memset(a.dx, 0xFF, expected.dx.size() * dtype_size(shape.dtype));
      std::memset(a.dgamma, 0xFF, expected.dgamma.size() * sizeof(float));
      std::memset(a.dbeta, 0xFF, expected.dbeta.size() * sizeof(float));
      contestants.back()->run();
      check(*contestants.back(), shape, a, expected);
    }
    if (threads == 1) break;
  }
  return contestants;
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
  const Progress progress(fmt::format("measuring {}x{} {}", shape.rows, shape.columns, dtype_name(shape.dtype)), 0);
  const GradProblem problem = bench_problem(shape);
  const GradPlan plan = or_fail(GradPlan::create(problem, options.plan));
  const BenchArrays arrays(shape);
  GradArguments arguments = arrays.arguments();
  std::vector<std::byte> workspace(plan.workspace_size());
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();

  BenchResult result;
  result.shape = shape;
  result.device = plan.device();
  result.isa = plan.isa();
  result.threads = plan.threads();
  result.bytes = problem.bytes();
  result.in_cache = result.bytes <= std::ranges::max(cache_sizes());

  const Contestant alng{"alng", result.threads, [&] { or_fail(plan.run(arguments)); }, {}};
  alng.run();

  StreamArrays streams;
  for (const void* input : {arguments.dy, arguments.x1, arguments.x2, arguments.dsum}) {
    if (input != nullptr) streams.read[streams.count++] = static_cast<const std::byte*>(input);
  }
  streams.write = static_cast<std::byte*>(arguments.dx);
  streams.bytes = static_cast<std::size_t>(shape.rows * shape.columns) * dtype_size(shape.dtype);
  std::vector<Contestant> beside_stream{alng};
  for (const StreamVariant& variant : stream_variants(streams.count)) {
    beside_stream.push_back(
        {variant.name, result.threads, [&, variant] { run_stream(variant, streams, result.threads); }, {}});
  }

  const int processors = options.plan.threads > 0 ? options.plan.threads : tbb::info::default_concurrency();
  std::vector<Contestant> beside_free_order{alng};
  std::vector<std::unique_ptr<FreeOrder>> kernels;
  if (result.in_cache || options.free_order) {
    kernels = free_order_contestants(problem, shape, arguments, processors);
    for (const auto& kernel : kernels) {
      beside_free_order.push_back({kernel->variant(), kernel->threads(), [&] { kernel->run(); }, {}});
    }
  }
  const bool compares = beside_free_order.size() > 1;
  // In cache the stream is measured by itself and briefly, because it throws dx out of the cache.
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

}  // namespace alng::cli
