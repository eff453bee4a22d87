#include "cpu/tuning.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "cpu/forward/kernels.h"
#include "cpu/memory.h"

namespace alng::impl::cpu {
namespace {

// In the last-level cache fetching ahead costs. Into the second level 6 % at 10 MB, while at 20 MB it gains 13 % (Zen
// 4).
constexpr std::int64_t second_level_problem_bytes = 17 << 20;
// Into the first level, where lines are asked for several times, 1.5 times the time at 10 to 17 MB and 1.1 to 1.4 times
// at 21 MB; at 26 MB it gained 4 to 23 % in one hour and nothing in another, when bfloat16 lost 17 %; at 29 MB it gains
// 13 % (Zen 5, two threads, 32 MB shared with strangers).
constexpr std::int64_t first_level_problem_bytes = 26 << 20;

// From this size on the first-level cache of an AMD processor has room for the lines on their way beside what the sums
// of a row touch. On a Zen 5 (48 KB) fetching into it takes 0.675, 0.583 (float32 8192x4096, 16384x1024), 0.334, 0.285
// (bfloat16 16384x4096, 65536x1024) ns an element on one thread, fetching into the second level 0.830, 0.732, 0.474,
// 0.359. On a Zen 4 (32 KB) it is the other way round: four streams read and summed come at 25 GB/s with their lines
// fetched into the first level, at 31 GB/s with them in the second.
constexpr long amd_first_level_bytes = 48 << 10;

// dx is written past the caches from here on: half of a common share of the last-level cache, so that a smaller dx is
// still there for its reader.
constexpr std::int64_t stream_bytes = 8 << 20;

// In cache, rows up to this length are done one by one: their sums, then dx with h computed again, instead of dx in the
// sweep of the next row. What the sums of a float32 row touch, 24 bytes a column, must stay in a first-level cache of
// 32 KB: up to 1280 columns this takes 0.36 to 0.43 instead of 0.41 to 0.48 ns an element on Zen 4, from 1536 on it is
// up to 10 % slower. To convert 16-bit inputs twice pays only where a row's end is most of it: 1.2 times faster at 128
// columns, 1.1 at 256, equal at 384, 5 % slower at 768.
constexpr std::int64_t row_by_row_columns_float32 = 1280;
constexpr std::int64_t row_by_row_columns_16_bit = 256;
// The first and the last row of a task never share their sweep with another: one or two rows of a gradient take 5 to
// 10 % less so. Of a forward one row takes 0.65 to 0.83 of the time, two 0.83 to 0.91, four 0.94 to 0.98 (768 and 4096
// columns, Emerald Rapids); 64 rows take 1.1 to 1.26 times as long.
constexpr std::int64_t row_by_row_rows = 2;
// With AVX2 a forward is done row by row where that is faster than a loop over three rows, in which 16 registers can't
// hold enough and what is touched leaves little of a first-level cache of 32 KB (Zen 3, all tensors 64 bytes into a
// page, as glibc places large ones):
// - In cache: 16x1024 takes 0.84 (float32) and 0.78 (bfloat16) of the time, 64x768 0.89, 0.84, 512x1024 0.88, 0.84.
// - Where lines of y and x are written in turns at the same place of a page, because two rows are whole pages: 0.65 for
//   16384x1024 in float32, 0.67 for 8192x4096; with 768 or 1600 columns the loop over three rows takes 0.82.
// - In 16 bits, where steps are half a line: halves of y and x often leave the processor by themselves. 0.34 for
//   16384x1024 in bfloat16, 0.49 for 32768x1025, 0.88 for 12345x777.
bool forward_is_faster_row_by_row(const Problem& problem, InstructionSet isa, bool in_cache) {
  constexpr std::size_t half_page = 2048;
  return isa == InstructionSet::avx2 &&
         (in_cache || problem.dtype() != DType::float32 || row_bytes(problem) % half_page == 0);
}

// Rows are added to the sums two at a time where the first of them is still there in the second's sweep: half the loads
// and stores of the sums, and 5 to 7 % less time at 4096 columns, where these come from the second-level cache. Not
// where inputs stream through a first-level cache in which the sums stay: every row then costs the same, which is up
// to 1.08 times faster (Zen 5, float32 with 512 columns), and at 1024 columns 1.01 (float32) and 1.04 (bfloat16).
constexpr std::int64_t sums_stay_columns = 1024;

// Forward: rows this short are done in batches. 64 columns 1.9 times as fast in bfloat16 and 1.7 in float32 in cache,
// 1.54 and 1.08 out of it; 128 columns 1.36 and 1.06, 1.2 and 0.97 (Emerald Rapids).
constexpr std::size_t batch_row_bytes = 256;

// Below this many bytes for each task, waking another thread costs more than it saves.
constexpr std::int64_t min_task_bytes = 160 << 10;
// A task of a gradient also moves its column sums to another core, at 2.7 GB/s, and that must not take longer than the
// rows it does. With bfloat16 8x8192 two threads took 46 us and one 30, float32 43 and 36; 16x8192 the same in
// bfloat16, 67 and 130 in float32 (Emerald Rapids).
constexpr std::int64_t sums_weight = 12;

// Not by the size alone: an Intel Xeon of 2023 (Emerald Rapids) has 48 KB, too, and takes 1.49, 1.43 (float32)
// and 2.12, 1.78 times (bfloat16) as long on two threads with lines fetched into the first level as with them in the
// second.
bool first_level_is_faster() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_is("amd") && sysconf(_SC_LEVEL1_DCACHE_SIZE) >= amd_first_level_bytes;
#else
  return false;
#endif
}

Fetch fastest_fetch(std::int64_t bytes) {
  // The lower bound first: of a small problem, planned at every call, the processor is asked nothing.
  static_assert(second_level_problem_bytes <= first_level_problem_bytes);
  if (bytes < second_level_problem_bytes) return Fetch::nowhere;
  if (!first_level_is_faster()) return Fetch::second_level;
  return bytes < first_level_problem_bytes ? Fetch::nowhere : Fetch::first_level;
}

// One `name=value` of ALNG_TUNING; false where there is no such name or value.
bool force(Tuning& tuning, std::string_view name, std::string_view value) {
  if (name == "fetch") {
    if (value != "nowhere" && value != "first" && value != "second") return false;
    tuning.fetch = value == "nowhere" ? Fetch::nowhere : value == "first" ? Fetch::first_level : Fetch::second_level;
    return true;
  }
  bool* const choice = name == "stream"       ? &tuning.stream
                       : name == "row_by_row" ? &tuning.row_by_row
                       : name == "in_twos"    ? &tuning.in_twos
                       : name == "in_batches" ? &tuning.in_batches
                       : name == "own_copies" ? &tuning.own_copies
                                              : nullptr;
  if (choice == nullptr || (value != "on" && value != "off")) return false;
  *choice = value == "on";
  return true;
}

Status force(Tuning& tuning, std::string_view list) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    const std::size_t equals = std::min(item.find('='), item.size());
    if (!force(tuning, item.substr(0, equals), item.substr(std::min(equals + 1, item.size())))) {
      return {Code::bad_option, "the environment variable ALNG_TUNING has \"" + std::string(item) +
                                    "\" but must be a list of fetch=nowhere, first or second and stream=, in_batches=, "
                                    "row_by_row=, in_twos= and own_copies=on or off"};
    }
  }
  return {};
}

std::int64_t tensor_bytes(const Problem& problem) {
  return problem.rows() * static_cast<std::int64_t>(row_bytes(problem));
}

/// What both operators choose by the same rules.
Tuning common_tuning(const Problem& problem) {
  Tuning tuning;
  tuning.fetch = fastest_fetch(problem.bytes());
  tuning.stream = tensor_bytes(problem) >= stream_bytes;
  tuning.own_copies = tuning.fetch == Fetch::nowhere;
  tuning.most_tasks = std::max<std::int64_t>(1, problem.bytes() / min_task_bytes);
  return tuning;
}

Status force_by_environment(Tuning& tuning) {
  const char* const forced = std::getenv("ALNG_TUNING");
  return forced != nullptr ? force(tuning, forced) : Status();
}

}  // namespace

std::string Tuning::explain_inputs() const {
  if (fetch == Fetch::nowhere) return {};
  return std::string("inputs: fetched ahead into the ") + (fetch == Fetch::first_level ? "first" : "second") +
         "-level cache\n";
}

std::string Tuning::explain_dx() const {
  return std::string("dx: written ") + where_written() + ", " +
         (row_by_row ? "before the next row begins" : "while the next row is read") + "\n" +
         (in_twos ? "column sums: two rows at a time\n" : "");
}

Result<Tuning> choose_forward_tuning(const Problem& problem, InstructionSet isa, DenseRows dense) {
  Tuning tuning = common_tuning(problem);
  tuning.in_batches = row_bytes(problem) <= batch_row_bytes;
  const bool in_cache = tuning.fetch == Fetch::nowhere;
  tuning.row_by_row =
      (in_cache && problem.rows() <= row_by_row_rows) || forward_is_faster_row_by_row(problem, isa, in_cache);
  if (Status status = force_by_environment(tuning); !status.ok()) return status;
  tuning.in_batches =
      tuning.in_batches && problem.columns() <= batch_columns && isa == InstructionSet::avx512 && dense.all;
  // There are no kernels that fetch into the first level, and scalar code has no stores past the caches.
  if (!dense.all) tuning.fetch = Fetch::nowhere;
  if (tuning.fetch == Fetch::first_level) tuning.fetch = Fetch::second_level;
  tuning.stream = tuning.stream && dense.outputs && (problem.has(forward::y) || problem.has(forward::x)) &&
                  isa != InstructionSet::scalar;
  tuning.row_by_row = tuning.row_by_row && dense.all && !tuning.in_batches;
  // Rows by themselves are fetched ahead only past the caches.
  if (tuning.row_by_row && !tuning.stream) tuning.fetch = Fetch::nowhere;
  return tuning;
}

Result<Tuning> choose_grad_tuning(const Problem& problem, InstructionSet isa, DenseRows dense) {
  const std::int64_t columns = problem.columns();
  const bool sums_and_dx = problem.has(grad::dx) && problem.has(grad::dgamma) && problem.has(grad::dbeta);
  const bool short_row =
      columns <= (problem.dtype() == DType::float32 ? row_by_row_columns_float32 : row_by_row_columns_16_bit);
  Tuning tuning = common_tuning(problem);
  tuning.row_by_row =
      !tuning.stream && tuning.fetch == Fetch::nowhere && (short_row || problem.rows() <= row_by_row_rows);
  tuning.in_twos = tuning.fetch != Fetch::first_level || columns > sums_stay_columns;
  tuning.most_tasks = std::max<std::int64_t>(
      1, problem.bytes() / (min_task_bytes + sums_weight * 2 * columns * static_cast<std::int64_t>(sizeof(float))));
  if (Status status = force_by_environment(tuning); !status.ok()) return status;
  // What there are no kernels for: only AVX-512 has those that fetch into the first level, scalar code has no stores
  // past the caches, and those that do row by row have all tensors.
  if (!dense.all) tuning.fetch = Fetch::nowhere;
  if (tuning.fetch == Fetch::first_level && isa != InstructionSet::avx512) tuning.fetch = Fetch::second_level;
  tuning.stream = tuning.stream && problem.has(grad::dx) && dense.outputs && isa != InstructionSet::scalar;
  tuning.row_by_row = tuning.row_by_row && sums_and_dx && problem.has(grad::x2) && problem.has(grad::gamma) &&
                      problem.has(grad::dsum) && dense.all && !tuning.stream;
  tuning.in_twos = tuning.in_twos && sums_and_dx && dense.all && !tuning.row_by_row;
  return tuning;
}

}  // namespace alng::impl::cpu
