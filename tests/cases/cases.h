// The one list of problems (cases.txt) as data: what every back end, the fuzzers' seeds and the benchmark are tried on.
#ifndef ALNG_TESTS_CASES_CASES_H
#define ALNG_TESTS_CASES_CASES_H

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "alng/alng.hpp"

namespace alng::cases {

/// How the tensors lie in memory. cases.txt says what each word means.
enum class Arrangement {
  dense,
  row_strided,
  column_strided,
  transposed,
  leading_swapped,
  broadcast_rows,
  broadcast_columns,
  gamma_strided,
  mixed
};

/// Which input dx is written over.
enum class InPlace { none, dy, x1, x2, dsum };

/// What the numbers are. cases.txt says what each word means.
enum class Values {
  normal,
  ratio_1000,
  dy_zero,
  dy_one,
  dy_constant,
  x_constant,
  odd_statistics,
  nan_inf,
  denormal,
  huge,
  signed_zero
};

struct Case {
  std::string name;
  std::vector<std::int64_t> shape;
  int normalized_dims = 1;
  DType dtype = DType::float32;
  std::optional<DType> gamma;
  bool dsum = true;
  bool x2 = true;
  Arrangement arrangement = Arrangement::dense;
  InPlace in_place = InPlace::none;
  /// rstd and mean without the trailing 1s.
  bool short_statistics = false;
  /// rstd and mean with a single 1, however many dimensions are normalised.
  bool single_one = false;
  bool wants_dx = true;
  bool wants_dgamma = true;
  bool wants_dbeta = true;
  bool accumulate = false;
  Values values = Values::normal;
  /// What went wrong elsewhere that this case guards against.
  std::string incident;

  std::int64_t rows() const;
  std::int64_t columns() const;
  std::int64_t elements() const { return rows() * columns(); }
};

/// Every case of a list, each line of it multiplied out over its dtypes and options. Throws std::runtime_error with
/// line number on a line it does not understand: a case that is silently skipped guards nothing.
std::vector<Case> read_cases(std::istream& list);

/// The list that comes with the sources.
const std::vector<Case>& all_cases();

}  // namespace alng::cases

#endif
