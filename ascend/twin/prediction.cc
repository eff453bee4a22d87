#include "prediction.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "operator.h"

namespace alng::twin {
namespace {

// Cycles per row of the vendor's kernel, simulated with these same costs but one: 25 bytes a cycle for each core, 64
// rows a core, all pipes one after another, without the latency of its serial DMAs. A Cast took 2 cycles for 64
// elements there; here it takes 1, which vendor_cycles takes off for each of the kernel's casts.
struct Vendor {
  std::int64_t columns;
  double float32_dsum, float16, float16_dsum;
  bool in_chunks = false;
};
constexpr std::array<Vendor, 6> simulated = {{{256, 1030, 1072, 1168},
                                              {768, 1819, 1677, 1872},
                                              {1024, 2226, 1991, 2244},
                                              {2048, 4065, 3462, 4079},
                                              {4096, 9370, 8024, 8687},
                                              {8192, 27361, 0, 23958, true}}};

std::optional<double> vendor_cycles(const PredictionQuestion& question, const Product& product) {
  if (std::string_view(product.device) != "a2" || !question.gamma || question.rows_per_core != 64) return std::nullopt;
  for (const Vendor& vendor : simulated) {
    if (vendor.columns != question.columns) continue;
    if (question.dtype == DType::float32) {
      if (!question.dsum) return std::nullopt;
      return vendor.float32_dsum;
    }
    // bfloat16 takes the same instructions as float16: of each row dy, x1, x2, gamma and dsum are widened and dx is
    // narrowed. Rows that come in chunks are read twice, the second time without dsum.
    const double cycles = question.dsum ? vendor.float16_dsum : vendor.float16;
    if (cycles == 0) return std::nullopt;
    const int casts = (question.dsum ? 6 : 5) + (vendor.in_chunks ? 4 : 0);
    return cycles - casts * static_cast<double>(vendor.columns) / 64;
  }
  return std::nullopt;
}

}  // namespace

Prediction predict(const PredictionQuestion& question) {
  constexpr std::string_view prefix = "ascend:";
  const Product* product =
      question.device.starts_with(prefix) ? product_named(question.device.substr(prefix.size())) : nullptr;
  if (product == nullptr) throw std::runtime_error("the model has no device \"" + std::string(question.device) + "\"");
  OperatorProblem problem;
  problem.rows = question.rows_per_core * product->cores;
  problem.columns = question.columns;
  problem.dtype = question.dtype;
  problem.gamma_dtype = question.dtype;
  problem.has_gamma = question.gamma;
  problem.has_dsum = question.dsum;
  const OperatorTiling tiling = tile(problem, *product);
  if (!tiling.refusal.empty()) throw std::runtime_error(tiling.refusal);

  // Cycles don't depend on the numbers.
  const auto elements = static_cast<std::size_t>(problem.rows * problem.columns);
  const std::vector<std::byte> tensor(elements * dtype_size(problem.dtype));
  const std::vector<float> statistic(static_cast<std::size_t>(problem.rows), 1);
  std::vector<std::byte> dx(tensor.size());
  std::vector<float> dgamma(static_cast<std::size_t>(problem.columns)), dbeta(dgamma.size());
  std::vector<std::byte> workspace(tiling.result.workspace_bytes);
  OperatorArguments arguments;
  arguments.dy = arguments.x1 = arguments.x2 = tensor.data();
  if (question.gamma) arguments.gamma = tensor.data();
  if (question.dsum) arguments.dsum = tensor.data();
  arguments.rstd = arguments.mean = statistic.data();
  arguments.dx = dx.data();
  arguments.dgamma = dgamma.data();
  arguments.dbeta = dbeta.data();
  arguments.workspace = workspace.data();
  const Report report = run(problem, arguments, *product, tiling.result, false);
  if (!report.clean()) throw std::runtime_error("the kernel breaks rules of the hardware:\n" + report.sentences());

  Prediction prediction;
  const double rate = product->bytes_per_cycle(product->cores);
  std::ostringstream text;
  text.precision(3);
  text << product->title << " (" << product->soc << "), " << product->cores << " cores at " << product->gigahertz
       << " GHz, " << rate << " bytes a cycle for each core";
  prediction.product = text.str();
  const auto rows = static_cast<double>(question.rows_per_core);
  for (const CoreReport& core : report.cores) {
    prediction.row_pass = std::max(prediction.row_pass, core.cycles_to_sync / rows);
    prediction.vector = std::max(prediction.vector, core.busy[static_cast<std::size_t>(Pipe::vector)] / rows);
    prediction.load = std::max(prediction.load, core.busy[static_cast<std::size_t>(Pipe::mte2)] / rows);
    prediction.store = std::max(prediction.store, core.busy[static_cast<std::size_t>(Pipe::mte3)] / rows);
  }
  prediction.all = report.cycles / rows;
  const std::size_t tensors = 4 + (question.dsum ? 1 : 0);
  prediction.floor =
      static_cast<double>(tensors * dtype_size(problem.dtype)) * static_cast<double>(question.columns) / rate;
  prediction.vendor = vendor_cycles(question, *product);
  return prediction;
}

}  // namespace alng::twin
