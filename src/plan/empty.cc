// What is left to write where a problem has no rows or no columns, in the host's memory.
#include <bit>
#include <cstring>

#include "plan/backend.h"
#include "plan/float_environment.h"
#include "problem/float16.h"
#include "problem/rows.h"

namespace alng::impl {
namespace {

// The outputs may have any strides. Adding +0 is an addition all the same: -0 becomes +0 and every NaN the canonical
// one.
void write_empty_sums(const Problem& problem, const Arguments& arguments) noexcept {
  const FloatEnvironment environment;
  const auto operands = problem.what().operands;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].direction == Direction::input || operands[i].role != Role::column || !problem.has(i)) continue;
    const Rows rows = rows_of(problem, i);
    for (std::int64_t j = 0; j < problem.columns(); ++j) {
      auto* element = reinterpret_cast<float*>(static_cast<std::byte*>(arguments.data[i]) + rows.column.offset(j));
      const float value = problem.accumulate() ? *element + 0.0f : 0.0f;
      *element = value == value ? value : std::bit_cast<float>(canonical_nan_float32);
    }
  }
}

// What each row's mean and rstd would be the mean of is nothing. As 0 / 0 they are NaN.
void write_empty_statistics(const Problem& problem, const Arguments& arguments) noexcept {
  const auto operands = problem.what().operands;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].direction == Direction::input || operands[i].role != Role::row || !problem.has(i)) continue;
    const Rows rows = rows_of(problem, i);
    for (std::int64_t r = 0; r < problem.rows(); ++r) {
      std::memcpy(static_cast<std::byte*>(arguments.data[i]) + rows.row.offset(r), &canonical_nan_float32,
                  sizeof canonical_nan_float32);
    }
  }
}

}  // namespace

Status Execution::run_empty(const Problem& problem, const Arguments& arguments) const noexcept {
  problem.columns() == 0 ? write_empty_statistics(problem, arguments) : write_empty_sums(problem, arguments);
  return {};
}

}  // namespace alng::impl
