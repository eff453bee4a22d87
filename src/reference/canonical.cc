#include "reference/canonical.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace alng::canonical {
namespace {

constexpr std::int64_t segment_terms = 512;
constexpr std::int64_t group_segments = 32;

// a[i] += a[i + distance], over all pairs at this distance within the first `width` values whose partners are in reach.
template <std::size_t N>
void fold(std::array<float, N>& a, std::size_t distance) noexcept {
  for (std::size_t i = 0; i + distance < N; ++i) a[i] = a[i] + a[i + distance];
}

// a[0] becomes the sum. Folding in place overwrites values only with sums that later folds never pair with a[0]'s tree
// again: after a fold at distance d, a[i] for i a multiple of every folded distance below the next one holds its
// subtree.
float segment_sum(const float* terms, std::int64_t count) noexcept {
  std::array<float, segment_terms> a{};
  std::copy_n(terms, count, a.begin());
  for (const std::size_t distance : {32, 64, 128, 256, 16, 8, 4, 2, 1}) fold(a, distance);
  return a[0];
}

float group_sum(const std::array<float, group_segments>& sums) noexcept {
  std::array<float, group_segments> a = sums;
  for (const std::size_t distance : {16, 8, 4, 2, 1}) fold(a, distance);
  return a[0];
}

float x_of(const Row& row, std::int64_t j) noexcept { return row.x2 ? row.x1[j] + row.x2[j] : row.x1[j]; }

float h_of(const Row& row, std::int64_t j) noexcept { return (x_of(row, j) - row.mean) * row.rstd; }

}  // namespace

float row_sum(const float* terms, std::int64_t columns) noexcept {
  float sum = 0.0f;
  for (std::int64_t group = 0; group < columns; group += group_segments * segment_terms) {
    std::array<float, group_segments> sums{};
    for (std::int64_t s = 0; s < group_segments; ++s) {
      const std::int64_t first = group + s * segment_terms;
      if (first < columns) sums[s] = segment_sum(terms + first, std::min(segment_terms, columns - first));
    }
    sum = sum + group_sum(sums);
  }
  return sum;
}

void row_pass(const Row& row, float* w, float* q, float* dx) noexcept {
  for (std::int64_t j = 0; j < row.columns; ++j) {
    w[j] = row.gamma ? row.dy[j] * row.gamma[j] : row.dy[j];
    q[j] = w[j] * h_of(row, j);
  }
  const float inverse = 1.0f / static_cast<float>(row.columns);
  const float m1 = row_sum(w, row.columns) * inverse;
  const float m2 = row_sum(q, row.columns) * inverse;
  for (std::int64_t j = 0; j < row.columns; ++j) {
    const float t = std::fma(-h_of(row, j), m2, w[j] - m1);
    dx[j] = row.dsum ? std::fma(row.rstd, t, row.dsum[j]) : row.rstd * t;
  }
}

void add_row(const Row& row, float* dgamma, float* dbeta) noexcept {
  for (std::int64_t j = 0; j < row.columns; ++j) {
    dgamma[j] = std::fma(row.dy[j], h_of(row, j), dgamma[j]);
    dbeta[j] = dbeta[j] + row.dy[j];
  }
}

void add(float* sum, const float* other, std::int64_t columns) noexcept {
  for (std::int64_t j = 0; j < columns; ++j) sum[j] = sum[j] + other[j];
}

}  // namespace alng::canonical
