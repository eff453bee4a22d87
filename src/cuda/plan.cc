#include "cuda/plan.h"

#include <algorithm>
#include <limits>

#include "problem/rows.h"

namespace alng::impl::cuda {
namespace {

// Rows of a stream are counted in 31 bits, and there are no more than max_leaves = 1056 streams of long rows.
constexpr std::int64_t most_rows = std::int64_t{1} << 40;
// Column numbers and padded rows of sums are kept in 31 bits.
constexpr std::int64_t most_columns = std::int64_t{1} << 30;

Status too_many(std::int64_t count, const char* what, std::int64_t most) {
  return {Code::unsupported, "the problem has " + std::to_string(count) + " " + what +
                                 " but the kernels for GPUs take at most " + std::to_string(most)};
}

/// Of those places where there is a tensor.
template <class Predicate>
bool all_of(const Problem& problem, std::span<const int> places, Predicate predicate) noexcept {
  return std::ranges::all_of(places, [&](int place) {
    const auto at = static_cast<std::size_t>(place);
    return !problem.has(at) || predicate(at);
  });
}

/// Whether the rows of these tensors can be copied in vectors of 16 bytes, as far as their layouts tell: dense, a
/// single distance from row to row, and that and their size multiples of 16. The addresses remain to be asked.
bool in_vectors(const Problem& problem, std::span<const int> places) noexcept {
  return all_of(problem, places, [&](std::size_t place) {
    const Rows rows = rows_of(problem, place);
    const std::int64_t bytes = problem.columns() * static_cast<std::int64_t>(dtype_size(rows.dtype));
    return rows.dense_row && bytes % 16 == 0 && rows.row.rank == 1 && rows.row.stride[0] % 16 == 0;
  });
}

}  // namespace

const Kernel* find_kernel(const KernelName& name) noexcept {
  const auto table = [&] {
    const bool grad = name.kind == Kind::grad;
    switch (name.dtype) {
      case DType::float16:
        return grad ? grad_kernels_float16() : forward_kernels_float16();
      case DType::bfloat16:
        return grad ? grad_kernels_bfloat16() : forward_kernels_bfloat16();
      default:
        return grad ? grad_kernels_float32() : forward_kernels_float32();
    }
  }();
  const auto found = std::ranges::find(table, name, &Kernel::name);
  return found == table.end() ? nullptr : &*found;
}

const char* text(Access access) noexcept {
  switch (access) {
    case Access::bulk:
      return "bulk copies of rows";
    case Access::own:
      return "asynchronous copies of 16 bytes";
    case Access::runs:
      return "asynchronous copies of 16 bytes where there are no gaps, else single loads";
    case Access::plain:
      return "single loads";
  }
  return "";
}

Views views_of(const Problem& problem) noexcept {
  Views views{};
  for (std::size_t place = 0; place < problem.what().operands.size(); ++place) {
    if (!problem.has(place)) continue;
    View& view = views[place];
    const Rows rows = rows_of(problem, place);
    view.is_float32 = rows.dtype == DType::float32;
    view.row_rank = static_cast<std::int8_t>(rows.row.rank);
    view.column_rank = static_cast<std::int8_t>(rows.column.rank);
    int at = 0;
    for (const StridedDims* dims : {&rows.row, &rows.column}) {
      for (int d = 0; d < dims->rank; ++d, ++at) {
        view.extent[at] = dims->extent[static_cast<std::size_t>(d)];
        view.stride[at] = dims->stride[static_cast<std::size_t>(d)];
      }
    }
  }
  return views;
}

bool on_16_bytes(const Problem& problem, std::span<const int> places, const Arguments& arguments) noexcept {
  return all_of(problem, places,
                [&](std::size_t place) { return reinterpret_cast<std::uintptr_t>(arguments.data[place]) % 16 == 0; });
}

std::vector<Access> staged_accesses(const Problem& problem, const Gpu& gpu, std::span<const int> elements,
                                    std::span<const int> outputs) {
  std::vector<Access> accesses;
  if (problem.columns() > most_cluster_columns || problem.rows() > most_staged_rows) return accesses;
  const bool bulk = gpu.architecture >= 90 && problem.columns() > most_narrow_columns;
  const bool in_block = problem.columns() <= most_block_columns;
  if (in_vectors(problem, elements) && (bulk || in_block)) accesses.push_back(bulk ? Access::bulk : Access::own);
  if (in_block &&
      all_of(problem, outputs, [&](std::size_t place) { return rows_of(problem, place).column.rank == 1; })) {
    accesses.push_back(Access::runs);
  }
  return accesses;
}

unsigned blocks_for(std::int64_t count, std::int64_t each, std::int64_t most) noexcept {
  return static_cast<unsigned>(std::clamp<std::int64_t>((count + each - 1) / each, 1, most));
}

std::string explain_rows(const RowTuning& tuning, Access access) {
  const StageShape& shape = tuning.shape;
  const std::string block = tuning.cluster > 1 ? "cluster of " + std::to_string(tuning.cluster) + " blocks" : "block";
  return "rows: " + std::to_string(shape.streams * tuning.rows_at_once) + " at a time in a " + block + " of " +
         std::to_string(tuning.threads) + " threads, " + std::to_string(tuning.blocks_per_multiprocessor) +
         (tuning.blocks_per_multiprocessor > 1 ? " blocks" : " block") + " to a multiprocessor\n" +
         "inputs: " + text(access) + ", " + std::to_string(shape.stages) + " stages, " +
         std::to_string(tuning.shared_bytes) + " bytes of shared memory in a block\n";
}

Result<std::unique_ptr<LaunchPlan>> plan_launches(const Problem& problem, const Gpu& gpu, const PlanOptions& options) {
  if (problem.rows() > most_rows) return too_many(problem.rows(), "rows", most_rows);
  if (problem.columns() > most_columns) return too_many(problem.columns(), "columns", most_columns);
  const Share share{gpu, options.threads > 0 ? options.threads : std::numeric_limits<std::int64_t>::max()};
  return problem.what().kind == Kind::forward ? plan_forward(problem, share) : plan_grad(problem, share);
}

}  // namespace alng::impl::cuda
