// What the model has seen.
#ifndef ALNG_CUDA_SIMT_REPORT_H
#define ALNG_CUDA_SIMT_REPORT_H

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace alng::impl::cuda::simt {

/// A place in a kernel. (clang 14 has no std::source_location.)
struct Place {
  const char* file = "";
  int line = 0;

  static constexpr Place current(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// `"row_pass.h:120"`
inline std::string text(const Place& place) {
  const std::string file = place.file;
  return file.substr(file.rfind('/') + 1) + ":" + std::to_string(place.line);
}

struct Report {
  /// Rules of the hardware that a kernel breaks, a sentence each; the first of each place.
  std::vector<std::string> findings;
  /// Of warps.
  std::int64_t shuffles = 0;
  /// Of warps, where asked for (Schedule::count_banks).
  std::int64_t shared_accesses = 0;
  /// Further passes over the banks that those took.
  std::int64_t bank_conflicts = 0;

  bool clean() const { return findings.empty(); }
  void add(const std::string& sentence) {
    if (findings.size() < 20 && std::ranges::find(findings, sentence) == findings.end()) findings.push_back(sentence);
  }
  std::string sentences() const {
    std::string all;
    for (const std::string& finding : findings) all += (all.empty() ? "" : "; ") + finding;
    return all;
  }
};

}  // namespace alng::impl::cuda::simt

#endif
