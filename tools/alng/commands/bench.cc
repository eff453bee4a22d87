#include <fmt/format.h>
#include <oneapi/tbb/info.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#ifdef ALNG_HAS_ASCEND
#include "measuring/ascend.h"
#endif
#include "commands/commands.h"
#include "commands/shared_options.h"
#include "judge/computation.h"
#include "measuring/door.h"
#include "measuring/row.h"
#include "terminal/report.h"

namespace alng::cli {
namespace {

struct BenchChoices {
  std::vector<std::string> shapes;
  std::vector<std::string> dtypes;
  bool no_gamma = false;
  bool no_dsum = false;
  bool forward = false;
  bool json = false;
  std::string door;
  BenchOptions options;
};

// What is measured where nothing is asked for: out of any cache, then in cache.
constexpr BenchShape default_shapes[] = {
    {8192, 4096, DType::float32},   {16384, 1024, DType::float32}, {16384, 4096, DType::bfloat16},
    {65536, 1024, DType::bfloat16}, {16384, 4096, DType::float16}, {65536, 1024, DType::float16},
    {64, 768, DType::float32},      {64, 768, DType::bfloat16},    {512, 1024, DType::float32},
    {512, 1024, DType::bfloat16},
};

// "8192x4096"
std::pair<std::int64_t, std::int64_t> parse_shape(const std::string& text) {
  std::int64_t extent[2] = {};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int i = 0; i < 2; ++i) {
    const auto [next, error] = std::from_chars(at, end, extent[i]);
    if (error != std::errc() || extent[i] < 1 || (i == 0 ? next == end || *next != 'x' : next != end)) {
      throw Failure(fmt::format(
          "--shape is \"{}\" but must be rows and columns, whole numbers from 1 on joined by x, as in 8192x4096",
          text));
    }
    at = next + 1;
  }
  return {extent[0], extent[1]};
}

// A door's cost shows where there is little to compute.
constexpr BenchShape door_shapes[] = {{8, 768, DType::float32}};

std::vector<BenchShape> shapes_of(const BenchChoices& choices) {
  std::vector<DType> dtypes;
  for (const std::string& text : choices.dtypes) dtypes.push_back(parse_dtype("--dtype", text));
  const auto asked_for = [&](DType dtype) {
    return dtypes.empty() || std::ranges::find(dtypes, dtype) != dtypes.end();
  };
  std::vector<BenchShape> shapes;
  if (choices.shapes.empty()) {
    for (const BenchShape& shape : choices.door.empty() ? std::span<const BenchShape>(default_shapes) : door_shapes) {
      if (asked_for(shape.dtype)) shapes.push_back(shape);
    }
  }
  for (const std::string& text : choices.shapes) {
    const auto [rows, columns] = parse_shape(text);
    for (const DType dtype : dtypes.empty() ? std::vector{DType::float32} : dtypes) {
      shapes.push_back({rows, columns, dtype});
    }
  }
  for (BenchShape& shape : shapes) {
    shape.gamma = !choices.no_gamma;
    shape.dsum = !choices.no_dsum;
    shape.forward = choices.forward;
  }
  return shapes;
}

double nanoseconds_per_element(const BenchResult& result, double seconds) {
  return seconds * 1e9 / static_cast<double>(result.shape.rows) / static_cast<double>(result.shape.columns);
}

double gigabytes_per_second(const BenchResult& result, double seconds) {
  return static_cast<double>(result.bytes) / seconds / 1e9;
}

nlohmann::ordered_json to_json(const BenchResult& result) {
  const auto comparison = [&](const Comparison& other) {
    return nlohmann::ordered_json{{"variant", other.name},
                                  {"threads", other.threads},
                                  {"ns_per_element", nanoseconds_per_element(result, other.seconds)},
                                  {"speed_quartiles", {other.speed.lower, other.speed.median, other.speed.upper}}};
  };
  const Quartiles& seconds = result.seconds;
  nlohmann::ordered_json json{
      {"operator", result.shape.forward ? "forward" : "gradient"},
      {"rows", result.shape.rows},
      {"columns", result.shape.columns},
      {"dtype", dtype_name(result.shape.dtype)},
      {"threads", result.threads},
      {"ns_per_element", nanoseconds_per_element(result, seconds.median)},
      {"gb_per_s", gigabytes_per_second(result, seconds.median)},
      {"stream_fraction", result.stream.speed.median},
      {"ns_per_element_quartiles",
       {nanoseconds_per_element(result, seconds.lower), nanoseconds_per_element(result, seconds.median),
        nanoseconds_per_element(result, seconds.upper)}},
      {"calls", result.calls},
      {"device", result.device},
      {"isa", result.isa},
      {"gamma", result.shape.gamma},
      {"dsum", result.shape.dsum && !result.shape.forward},
      {"in_cache", result.in_cache},
      {"stream", comparison(result.stream)},
      {"free_order", nullptr}};
  if (result.free_order) json["free_order"] = comparison(*result.free_order);
  return json;
}

std::string in_words(std::int64_t bytes) {
  return bytes >= 1 << 20 ? fmt::format("{} MiB", bytes >> 20) : fmt::format("{} KiB", bytes >> 10);
}

// Runnable threads over the last minute; 0 where the system doesn't say.
double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

void print_columns() {
  fmt::print("{:<16} {:<9} {:>7} {:>9}  {:<17} {:>7}  {}\n", "shape", "dtype", "threads", "ns/elem", "", "GB/s",
             "against");
  std::fflush(stdout);
}

void print_heading(const std::string& device) {
  fmt::print(
      "{}: medians of the time that the device takes, of calls and copies of as many bytes there that take turns; the\n"
      "range in brackets is from quartile to quartile. Below some 200 MB the device's cache may hold part of both.\n\n",
      device);
  print_columns();
}

void print_heading() {
  std::string caches;
  int level = 0;
  for (const std::int64_t size : cache_sizes()) {
    ++level;
    if (size > 0) caches += fmt::format("{}L{} {}", caches.empty() ? "" : ", ", level, in_words(size));
  }
  fmt::print(
      "Caches: {}. Medians of calls that take turns; the range in brackets is from quartile to quartile.\n"
      "Against: how fast alng is beside the fastest non-temporal stream of the same reads and writes (out of cache),\n"
      "or beside the fastest of hand-tuned kernels that sum in any order (in cache).\n\n",
      caches.empty() ? "unknown" : caches);
  const double load = load_average();
  const int processors = tbb::info::default_concurrency();
  if (load > 0.5 * processors) {
    fmt::print(
        "Other programs are running (load {:.1f} on {} processors): expect low figures, and widely spread ones.\n\n",
        load, processors);
  }
  print_columns();
}

std::string in_words(const Comparison& other, const char* what, const BenchResult& result) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}] of {} ({:.4f} ns/elem: {}, {} thread{})", other.speed.median,
                     other.speed.lower, other.speed.upper, what, nanoseconds_per_element(result, other.seconds),
                     other.name, other.threads, other.threads == 1 ? "" : "s");
}

void print_row(const BenchResult& result) {
  const Quartiles& seconds = result.seconds;
  std::string against;
  if (!result.in_cache || !result.free_order) against = in_words(result.stream, result.beside, result);
  if (result.free_order) {
    against += against.empty() ? "" : ", ";
    against += in_words(*result.free_order, "free order", result);
  }
  fmt::print("{:<16} {:<9} {:>7} {:>9.4f}  {:<17} {:>7.2f}  {}{}\n",
             fmt::format("{}x{}", result.shape.rows, result.shape.columns), dtype_name(result.shape.dtype),
             result.threads, nanoseconds_per_element(result, seconds.median),
             fmt::format("[{:.4f}, {:.4f}]", nanoseconds_per_element(result, seconds.lower),
                         nanoseconds_per_element(result, seconds.upper)),
             gigabytes_per_second(result, seconds.median), result.in_cache ? "in cache: " : "", against);
  std::fflush(stdout);
}

// A shape that is refused shall not cost the minutes of those before it. Returns whether the device has memory of its
// own.
template <class Operator>
bool refuse(const std::vector<BenchShape>& shapes, const PlanOptions& options) {
  bool own_memory = false;
  for (const BenchShape& shape : shapes) {
    own_memory = static_cast<bool>(or_fail(PlanOf<Operator>::create(bench_problem<Operator>(shape), options)).memory());
  }
  return own_memory;
}

void bench(const BenchChoices& choices) {
  const std::vector<BenchShape> shapes = shapes_of(choices);
#ifdef ALNG_HAS_ASCEND
  if (is_predicted(choices.options.plan.device) && choices.door.empty() && !choices.forward) {
    const bool asked = !choices.shapes.empty() || !choices.dtypes.empty();
    bench_ascend(choices.options.plan.device, asked ? shapes : std::vector<BenchShape>(), choices.json);
    return;
  }
#endif
  const bool own_memory =
      choices.forward ? refuse<Forward>(shapes, choices.options.plan) : refuse<Grad>(shapes, choices.options.plan);
  if (!choices.door.empty()) {
    if (own_memory) {
      throw Failure(fmt::format("--door {} works in the host's memory, not in that of --device {}", choices.door,
                                choices.options.plan.device));
    }
    bench_door(shapes, choices.options, choices.json);
    return;
  }
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  if (!choices.json) own_memory ? print_heading(choices.options.plan.device) : print_heading();
  for (const BenchShape& shape : shapes) {
    const BenchResult result = measure(shape, choices.options);
    if (choices.json) {
      results.push_back(to_json(result));
    } else {
      print_row(result);
    }
  }
  if (choices.json) print_json({{"results", results}});
}

}  // namespace

void add_bench(CLI::App& app, int&) {
  const auto choices = std::make_shared<BenchChoices>();
  CLI::App& command = add_command(app, "bench",
                                  "Measure speed, beside a non-temporal stream with the same reads and writes "
                                  "(out of cache) or a hand-tuned kernel that "
                                  "sums in any order (in cache).",
                                  [choices] { bench(*choices); });
  command.add_option(
      "--shape", choices->shapes,
      "Rows and columns, as in 8192x4096; may be given more than once. Default: a table. On ascend devices, whose "
      "cycles are predicted, the rows are those of one core.");
  command.add_option("--dtype", choices->dtypes,
                     "fp32, fp16 or bf16; may be given more than once. Default: fp32, or the table's.");
  add_plan_options(command, choices->options.plan);
  CLI::Option* const forward = add_flag(command, "--forward", choices->forward, "The forward, not the gradient.");
  add_flag(command, "--no-gamma", choices->no_gamma, "Without gamma; of a forward, without gamma and beta.");
  add_flag(command, "--no-dsum", choices->no_dsum, "Without dsum.", forward);
  CLI::Option* const repeats =
      add_number<int>(command, "--repeats", choices->options.repeats, "Rounds in which every contestant has its turn.")
          ->check(CLI::Range(1, 1000000));
  add_number<double>(command, "--seconds", choices->options.seconds,
                     "Seconds for each row, instead of --repeats. Default: 2.")
      ->check(CLI::Range(0.0, 3600.0))
      ->excludes(repeats);
  add_flag(command, "--free-order", choices->options.free_order,
           "Compare with the free-order kernel out of cache, too.");
  command
      .add_option("--door", choices->door,
                  "aclnn: what its two phases and the wait for the stream cost beside the C++ run alone. Default "
                  "shape: 8x768.")
      ->check(CLI::IsMember(std::vector<std::string>{"aclnn"}))
      ->excludes(forward);
  add_json_option(command, choices->json);
}

}  // namespace alng::cli
