// Results judged in double precision: against the oracle, by finite differences through the forward, and beside
// another implementation's gradients. Each bound below says what is measured and what is allowed.
#ifndef ALNG_TOOLS_VERIFICATION_H
#define ALNG_TOOLS_VERIFICATION_H

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "judge/dense_rows.h"

namespace alng::cli {

/// The error of dx before it is rounded to its dtype, as a part of its row's scale. A row's scale is its largest sum of
/// the magnitudes of the terms of one element of dx, rstd*|w| + rstd*|m1| + rstd*|h*m2| + |dsum|: where terms cancel (D
/// = 2: they nearly annihilate each other) no float32 formula can be near relative to dx itself.
///
/// Where they don't, the error is also held against the row's max |dx|: on rows of at least `plain_columns` columns
/// whose max |dx| is at least half of their scale. Narrower rows are too often somewhere in between.
inline constexpr double dx_bound = 3e-7;
inline constexpr std::size_t plain_columns = 64;
/// 16-bit dx: the part of the elements that must be the oracle's value correctly rounded. Elements "in cancellation"
/// are left out: those so small beside their row's scale that dx_bound spans `in_cancellation_from` of an ulp or more.
/// With D = 2 there are few others, and with half an ulp for the limit 0.6 to 1.3 % of those were misrounded; with 1/32
/// at most 0.4 %. Of fewer than 800 elements all but `misrounded_by_chance`: up to 5 of 10,000 are, and one alone would
/// be more than 0.5 % of 112.
inline constexpr double rounded_share_bound = 0.995;
inline constexpr double in_cancellation_from = 1.0 / 32;
inline constexpr double misrounded_by_chance = 4;
/// dgamma and dbeta: max error over rms. The rms is that of the sums, or that of sums of the same terms with random
/// signs where those are larger (a handful of columns may all happen to be near 0).
inline constexpr double sum_bound = 2e-6;
/// How far another implementation's gradient may be from ours, as a part of the same scales, where the coarser of the
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
};

/// The results to judge, dense; absent ones are not judged.
struct Results {
  std::optional<DenseTensor> dx, dgamma, dbeta;
};

/// Judges `results`. `advance` is told the number of rows done, piece by piece.
Verification verify(const DenseProblem& problem, const Results& results, const Results& expected,
                    const std::function<void(std::int64_t)>& advance);

}  // namespace alng::cli

#endif
