// The numbers behind a word of the values column.
#ifndef ALNG_TESTS_CASES_NUMBERS_H
#define ALNG_TESTS_CASES_NUMBERS_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cases/cases.h"

namespace alng::cases {

/// The elements of one tensor, one after another in row-major order. `tensor` is its place in the gradient's table, or
/// that of the tensor there whose numbers it has.
class NumberSource {
 public:
  NumberSource(const Case& what, int tensor, std::uint64_t seed);
  /// `rows` rows of the case's columns, which lie as `layout` says, in row-major order.
  void fill(const TensorLayout& layout, std::int64_t rows, std::vector<std::byte>& storage);

 private:
  void write(std::int64_t row, DType dtype, std::byte* address);
  std::uint64_t bits();
  double normal();
  double number(std::int64_t row, DType dtype);

  Values values_;
  std::int64_t columns_;
  int tensor_;
  bool x2_;
  std::uint64_t state_;
  std::int64_t row_ = -1;
  double of_row_ = 0;
};

struct Statistics {
  float rstd;
  float mean;
};

/// What is handed in as rstd and mean of a row that has this mean and variance.
Statistics statistics_of(const Case& what, std::int64_t row, double mean, double variance);

}  // namespace alng::cases

#endif
