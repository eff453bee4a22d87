#include "reference/canonical.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "order/row_sum.h"

namespace alng::impl::canonical {
namespace {

// The sum of at most N terms, padded with +0.
template <std::size_t N, class Distances>
float fold(const float* terms, std::int64_t count, const Distances& distances) noexcept {
  std::array<float, N> a{};
  std::copy_n(terms, count, a.begin());
  std::size_t values = N;
  for (const int d : distances) {
    const auto distance = static_cast<std::size_t>(d);
    values -= distance;
    for (std::size_t i = 0; i < values; ++i) a[i] = a[i] + a[i + distance];
  }
  return a[0];  // the distances add up to N - 1: one value is left
}

float x_of(const Row& row, std::int64_t j) noexcept { return row.x2 ? row.x1[j] + row.x2[j] : row.x1[j]; }

float h_of(const Row& row, std::int64_t j) noexcept { return (x_of(row, j) - row.mean) * row.rstd; }

}  // namespace

float row_sum(const float* terms, std::int64_t columns) noexcept {
  constexpr std::int64_t group_terms = group_segments * segment_terms;
  float sum = 0.0f;
  for (std::int64_t group = 0; group < columns; group += group_terms) {
    const std::int64_t group_end = std::min(group + group_terms, columns);
    std::array<float, group_segments> segments;
    std::int64_t count = 0;
    for (std::int64_t first = group; first < group_end; first += segment_terms) {
      segments[count++] =
          fold<segment_terms>(terms + first, std::min(segment_terms, group_end - first), segment_distances);
    }
    sum = sum + fold<group_segments>(segments.data(), count, group_distances);
  }
  return sum;
}

Statistics forward_row(const ForwardRow& row, float* c, float* squares, float* y) noexcept {
  const float inverse = 1.0f / static_cast<float>(row.columns);
  const float m = row_sum(row.x, row.columns) * inverse;
  for (std::int64_t j = 0; j < row.columns; ++j) {
    c[j] = row.x[j] - m;
    squares[j] = c[j] * c[j];
  }
  const float e = row_sum(c, row.columns) * inverse;
  const float v = std::fma(-e, e, row_sum(squares, row.columns) * inverse);
  const Statistics result{m + e, 1.0f / std::sqrt((v < 0.0f ? 0.0f : v) + row.eps)};
  for (std::int64_t j = 0; j < row.columns; ++j) {
    const float h = (c[j] - e) * result.rstd;
    if (row.gamma) {
      y[j] = row.beta ? std::fma(h, row.gamma[j], row.beta[j]) : h * row.gamma[j];
    } else {
      y[j] = row.beta ? h + row.beta[j] : h;
    }
  }
  return result;
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

}  // namespace alng::impl::canonical
