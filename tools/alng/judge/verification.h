// Results judged in double precision: against the oracle, by finite differences through the forward, and beside
// another implementation's results. Each bound below says what is measured and what is allowed.
#ifndef ALNG_TOOLS_VERIFICATION_H
#define ALNG_TOOLS_VERIFICATION_H

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "judge/dense_rows.h"

namespace alng::cli {

/// The error of dx or y before it is rounded to its dtype, as a part of its row's scale. A row's scale is its largest
/// sum of the magnitudes of the terms of one element: of dx, rstd*|w| + rstd*|m1| + rstd*|h*m2| + |dsum|; of y,
/// |h*gamma| + |beta|. Where terms cancel (D = 2: those of dx nearly annihilate each other) no float32 formula can be
/// near relative to the value itself.
///
/// Where they don't, the error of dx is also held against the row's max |dx|: on rows of at least `plain_columns`
/// columns whose max |dx| is at least half of their scale. Narrower rows are too often somewhere in between.
inline constexpr double element_bound = 3e-7;
inline constexpr std::size_t plain_columns = 64;
/// 16-bit dx and y: the part of the elements that must be the oracle's value correctly rounded. Elements "in
/// cancellation" are left out: those so small beside their row's scale that element_bound spans `in_cancellation_from`
/// of an ulp or more. With D = 2 there are few others, and with half an ulp for the limit 0.6 to 1.3 % of those were
/// misrounded; with 1/32 at most 0.4 %. Of fewer than 800 elements all but `misrounded_by_chance`: up to 5 of 10,000
/// are, and one alone would be more than 0.5 % of 112.
inline constexpr double rounded_share_bound = 0.995;
inline constexpr double in_cancellation_from = 1.0 / 32;
inline constexpr double misrounded_by_chance = 4;
/// dgamma and dbeta: max error over rms. The rms is that of the sums, or that of sums of the same terms with random
/// signs where those are larger (a handful of columns may all happen to be near 0).
inline constexpr double sum_bound = 2e-6;
/// mean as a part of max(|mean|, std), rstd of itself: an ulp and two of the numbers just above a power of two. x must
/// be the sum rounded once, exactly.
inline constexpr double mean_bound = 0x1p-23;
inline constexpr double rstd_bound = 0x1p-22;
/// How far another implementation's result may be from ours, as a part of the same scales, where the coarser of the
/// two is of this dtype. float32: 100 roundings and room for another order of the sums (the recordings of examples/data
/// are within 2e-6). 16-bit types: 8 roundings, since frameworks may round x, dx and dgamma on the way.
///
/// Our dgamma and dbeta are float32 whatever the problem is, so the dtype is that of expected_dgamma and
/// expected_dbeta: a framework that keeps them in float32 has summed in float32 and is held to it, also beside 16-bit
/// tensors. One that rounded x1 + x2 to 16 bits before its LayerNorm solved another problem, and the check fails.
double expected_bound(DType coarser);

/// One line of the error table.
struct Check {
  std::string tensor;
  std::string measure;
  double error = 0;
  double bound = 0;
  /// True: `error` must not exceed `bound`; false: must not be below it.
  bool at_most = true;

  bool ok() const { return at_most ? error <= bound : error >= bound; }
};

struct Verification {
  std::vector<Check> checks;
  /// What the reader should know beside the table, one sentence each.
  std::vector<std::string> notes;
  /// What is probably wrong with the problem itself, one sentence each. The results may be right all the same.
  std::vector<std::string> warnings;

  bool ok() const;
  void append(Verification other);
};

/// A note about values that are not judged, where there are any: the sums of the canonical order overflow float32 there
/// although the exact value is in its range.
void report_lost(Verification& verification, const std::string& name, std::int64_t count);

class PairDifferences;

/// The results to judge, dense; absent ones are not judged.
struct GradResults {
  std::optional<DenseTensor> dx, dgamma, dbeta;
};
struct ForwardResults {
  std::optional<DenseTensor> y, mean, rstd, x;
};

/// Judges `results`, beside those of another implementation. `advance` is told the number of rows done, piece by piece.
/// With `pair`, dx is also held against differences of the library's own forward.
Verification verify(const DenseGrad& problem, const GradResults& results, const GradResults& expected,
                    const std::function<void(std::int64_t)>& advance, PairDifferences* pair = nullptr);
Verification verify(const DenseForward& problem, const ForwardResults& results, const ForwardResults& expected,
                    const std::function<void(std::int64_t)>& advance);

}  // namespace alng::cli

#endif
