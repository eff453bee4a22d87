#include "judge/verification.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace alng::cli {

double expected_bound(DType coarser) {
  return coarser == DType::float32 ? 1e-5 : coarser == DType::float16 ? 8 * 0x1p-11 : 8 * 0x1p-8;
}

bool Verification::ok() const { return std::ranges::all_of(checks, &Check::ok); }

void Verification::append(Verification other) {
  std::ranges::move(other.checks, std::back_inserter(checks));
  std::ranges::move(other.notes, std::back_inserter(notes));
  std::ranges::move(other.warnings, std::back_inserter(warnings));
}

void report_lost(Verification& verification, const std::string& name, std::int64_t count) {
  if (count == 0) return;
  verification.notes.push_back(fmt::format(
      "{}: {} elements are not judged: sums in the canonical order overflow float32 there, though the exact "
      "value does not",
      name, count));
}

}  // namespace alng::cli
