#include "measuring/ascend.h"

#include <fmt/format.h>

#include <cstdio>
#include <stdexcept>

#include "ascend/twin/prediction.h"
#include "terminal/failure.h"
#include "terminal/report.h"

namespace alng::cli {
namespace {

constexpr std::int64_t rows_per_core = 64;

std::vector<BenchShape> table() {
  std::vector<BenchShape> shapes;
  for (const auto& [dtype, dsum] :
       {std::pair(DType::float16, true), std::pair(DType::float16, false), std::pair(DType::float32, true)}) {
    for (const std::int64_t columns : {256, 768, 1024, 2048, 4096, 8192}) {
      shapes.push_back({rows_per_core, columns, dtype, true, dsum});
    }
  }
  return shapes;
}

twin::Prediction predict(const std::string& device, const BenchShape& shape) {
  try {
    return twin::predict({device, shape.dtype, shape.gamma, shape.dsum, shape.columns, shape.rows});
  } catch (const std::runtime_error& error) {
    throw Failure(error.what());
  }
}

nlohmann::ordered_json to_json(const BenchShape& shape, const twin::Prediction& p) {
  nlohmann::ordered_json json{{"predicted", true},
                              {"product", p.product},
                              {"rows_per_core", shape.rows},
                              {"columns", shape.columns},
                              {"dtype", dtype_name(shape.dtype)},
                              {"gamma", shape.gamma},
                              {"dsum", shape.dsum},
                              {"cycles_per_row", p.row_pass},
                              {"cycles_per_row_with_column_pass", p.all},
                              {"vector_cycles_per_row", p.vector},
                              {"load_cycles_per_row", p.load},
                              {"store_cycles_per_row", p.store},
                              {"byte_floor_cycles_per_row", p.floor},
                              {"vendor_cycles_per_row", nullptr}};
  if (p.vendor) json["vendor_cycles_per_row"] = *p.vendor;
  return json;
}

void print_heading(const twin::Prediction& first) {
  fmt::print(
      "PREDICTED by a cost model, not measured: {}.\n"
      "Cycles for one row of one core. all: with SyncAll and the pass over the columns, without the launch. V, load "
      "and\n"
      "store: how long those pipes are at work in all of it. floor: what the bytes take that must cross memory. "
      "vendor: the\n"
      "vendor's kernel by the same model (A2, 64 rows a core), without the latency of its DMAs.\n\n",
      first.product);
  fmt::print("{:<9} {:<5} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>7} {:>8} {:>7}\n", "dtype", "dsum", "columns",
             "row pass", "all", "V", "load", "store", "floor", "/floor", "vendor", "faster");
}

void print_row(const BenchShape& shape, const twin::Prediction& p) {
  fmt::print("{:<9} {:<5} {:>8} {:>8.0f} {:>8.0f} {:>8.0f} {:>8.0f} {:>8.0f} {:>8.0f} {:>7.2f} {:>8} {:>7}\n",
             dtype_name(shape.dtype), shape.dsum ? "yes" : "no", shape.columns, p.row_pass, p.all, p.vector, p.load,
             p.store, p.floor, p.row_pass / p.floor, p.vendor ? fmt::format("{:.0f}", *p.vendor) : "-",
             p.vendor ? fmt::format("{:.2f}x", *p.vendor / p.all) : "-");
  std::fflush(stdout);
}

}  // namespace

bool is_predicted(const std::string& device) { return device.rfind("ascend:", 0) == 0; }

void bench_ascend(const std::string& device, std::vector<BenchShape> shapes, bool json) {
  if (shapes.empty()) shapes = table();
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  bool first = true;
  for (const BenchShape& shape : shapes) {
    const twin::Prediction prediction = predict(device, shape);
    if (json) {
      results.push_back(to_json(shape, prediction));
      continue;
    }
    if (first) print_heading(prediction);
    first = false;
    print_row(shape, prediction);
  }
  if (json) print_json({{"results", results}});
}

}  // namespace alng::cli
