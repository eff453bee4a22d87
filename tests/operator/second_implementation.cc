#include "operator/second_implementation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "cases/element.h"

namespace alng::test {
namespace {

using cases::Instance;

using Floats = std::vector<float>;

// Distances of the row tree; the last one named is the last addition, so the recursion starts from the back.
constexpr std::array<std::size_t, 9> segment_distances = {32, 64, 128, 256, 16, 8, 4, 2, 1};
constexpr std::array<std::size_t, 5> group_distances = {16, 8, 4, 2, 1};

float at(const Floats& values, std::size_t i) { return i < values.size() ? values[i] : 0.0f; }

float tree(const Floats& values, std::size_t first, std::span<const std::size_t> distances) {
  if (distances.empty()) return at(values, first);
  const auto before = distances.first(distances.size() - 1);
  return tree(values, first, before) + tree(values, first + distances.back(), before);
}

// Sums of `length` neighbours each, as many as it takes to reach the end.
Floats tree_of_each(const Floats& values, std::size_t length, std::span<const std::size_t> distances) {
  Floats sums;
  for (std::size_t first = 0; first < values.size(); first += length) sums.push_back(tree(values, first, distances));
  return sums;
}

float row_sum(const Floats& values) {
  const Floats groups = tree_of_each(tree_of_each(values, 512, segment_distances), 32, group_distances);
  float sum = 0.0f;
  for (const float group : groups) sum += group;
  return sum;
}

// Adjacent pairs, level by level, an odd last one passed up, is: the largest power of two below the number on the left,
// the rest on the right, each summed the same way.
Floats pairwise(std::span<const Floats> leaves) {
  if (leaves.size() == 1) return leaves.front();
  std::size_t left = 1;
  while (left * 2 < leaves.size()) left *= 2;
  Floats sum = pairwise(leaves.first(left));
  const Floats right = pairwise(leaves.subspan(left));
  for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += right[j];
  return sum;
}

/// Folds one row after another into column sums.
using Fold = std::function<void(std::int64_t row, Floats& sums)>;

Floats leaf_sum(std::int64_t first, std::int64_t last, std::size_t columns, const Fold& fold) {
  if (last - first <= 32) {
    Floats block(columns, 0.0f);
    for (std::int64_t row = first; row < last; ++row) fold(row, block);
    return block;
  }
  // Blocks of 32 from the leaf's first row; the last block is the short one.
  const std::int64_t split = first + (last - first - 1) / 32 * 32;
  Floats sum = leaf_sum(first, split, columns, fold);
  const Floats block = leaf_sum(split, last, columns, fold);
  for (std::size_t j = 0; j < columns; ++j) sum[j] += block[j];
  return sum;
}

Floats column_sum(std::int64_t rows, std::int64_t columns, const Fold& fold) {
  if (rows == 0) return Floats(static_cast<std::size_t>(columns), 0.0f);
  const std::int64_t by_width = std::min({rows, columns / 4096, std::int64_t{32}});
  const std::int64_t leaves = std::min<std::int64_t>(1056, std::max((rows + 7) / 8, by_width));
  std::vector<Floats> sums;
  for (std::int64_t g = 0; g < leaves; ++g) {
    sums.push_back(leaf_sum(g * rows / leaves, (g + 1) * rows / leaves, static_cast<std::size_t>(columns), fold));
  }
  return pairwise(sums);
}

Floats floats(const cases::StoredTensors& tensors, int tensor) {
  if (!tensors.layout(tensor)) return {};
  const std::vector<double> numbers = tensors.numbers(tensor);
  return Floats(numbers.begin(), numbers.end());
}

struct Inputs {
  std::size_t columns;
  Floats dy, x1, x2, rstd, mean, gamma, dsum;
};

float normalized(const Inputs& in, std::size_t row, std::size_t column) {
  const std::size_t i = row * in.columns + column;
  const float x = in.x2.empty() ? in.x1[i] : in.x1[i] + in.x2[i];
  const float c = x - in.mean[row];
  return c * in.rstd[row];
}

void write_dx(const Inputs& in, std::size_t row, DType dtype, std::byte* out) {
  const float reciprocal = static_cast<float>(1.0 / static_cast<double>(in.columns));
  Floats h(in.columns), w(in.columns), q(in.columns);
  for (std::size_t j = 0; j < in.columns; ++j) {
    const float dy = in.dy[row * in.columns + j];
    h[j] = normalized(in, row, j);
    w[j] = in.gamma.empty() ? dy : dy * in.gamma[j];
    q[j] = w[j] * h[j];
  }
  const float m1 = row_sum(w) * reciprocal;
  const float m2 = row_sum(q) * reciprocal;
  for (std::size_t j = 0; j < in.columns; ++j) {
    const float t = std::fma(-h[j], m2, w[j] - m1);
    const float rstd = in.rstd[row];
    const float dx = in.dsum.empty() ? rstd * t : std::fma(rstd, t, in.dsum[row * in.columns + j]);
    cases::store(dtype, dx, out + j * dtype_size(dtype));
  }
}

// One row of the forward.
struct Normalized {
  Floats y;
  float mean, rstd;
};

Normalized normalized(const Floats& x, const Floats& gamma, const Floats& beta, float eps) {
  const auto reciprocal = static_cast<float>(1.0 / static_cast<double>(x.size()));
  const float m = row_sum(x) * reciprocal;
  Floats c, squares;
  for (const float value : x) c.push_back(value - m);
  for (const float value : c) squares.push_back(value * value);
  const float e = row_sum(c) * reciprocal;
  const float variance = std::fma(-e, e, row_sum(squares) * reciprocal);
  Normalized row;
  row.mean = m + e;
  row.rstd = 1.0f / std::sqrt((std::isnan(variance) || variance > 0 ? variance : 0.0f) + eps);
  for (std::size_t j = 0; j < x.size(); ++j) {
    float y = (c[j] - e) * row.rstd;
    if (!gamma.empty() && !beta.empty()) {
      y = std::fma(y, gamma[j], beta[j]);
    } else if (!gamma.empty()) {
      y *= gamma[j];
    } else if (!beta.empty()) {
      y += beta[j];
    }
    row.y.push_back(y);
  }
  return row;
}

std::vector<std::byte> as_output(const Instance& instance, int tensor, const Floats& sums) {
  std::vector<std::byte> out(sums.size() * sizeof(float));
  const Floats before = instance.what().accumulate ? floats(instance, tensor) : Floats();
  for (std::size_t j = 0; j < sums.size(); ++j) {
    const float value = before.empty() ? sums[j] : before[j] + sums[j];
    cases::store(DType::float32, value, out.data() + j * sizeof(float));
  }
  return out;
}

}  // namespace

Outcome second_implementation(const cases::ForwardInstance& instance) {
  const cases::Case& what = instance.what();
  const auto columns = static_cast<std::size_t>(what.columns());
  const Floats x1 = floats(instance, forward::x1), x2 = floats(instance, forward::x2);
  const Floats gamma = floats(instance, forward::gamma), beta = floats(instance, forward::beta);
  Outcome out;
  const auto append = [&](int tensor, float value) {
    if (!instance.layout(tensor)) return;
    std::vector<std::byte>& output = out.outputs[static_cast<std::size_t>(tensor - forward::y)];
    const DType dtype = instance.layout(tensor)->dtype;
    output.resize(output.size() + dtype_size(dtype));
    cases::store(dtype, value, output.data() + output.size() - dtype_size(dtype));
  };
  for (std::size_t row = 0; row < static_cast<std::size_t>(what.rows()); ++row) {
    Floats x(columns);
    for (std::size_t j = 0; j < columns; ++j) {
      const std::size_t i = row * columns + j;
      x[j] = x2.empty() ? x1[i] : x1[i] + x2[i];
      if (instance.description().round_sum) x[j] = static_cast<float>(cases::round_to(what.dtype, x[j]));
    }
    const Normalized of_row = normalized(x, gamma, beta, instance.description().eps);
    for (std::size_t j = 0; j < columns; ++j) append(forward::y, of_row.y[j]);
    for (std::size_t j = 0; j < columns; ++j) append(forward::x, x[j]);
    append(forward::mean, columns > 0 ? of_row.mean : NAN);
    append(forward::rstd, columns > 0 ? of_row.rstd : NAN);
  }
  return out;
}

Outcome second_implementation(const Instance& instance) {
  const cases::Case& what = instance.what();
  Outcome out;
  Inputs in{static_cast<std::size_t>(what.columns()), {}, {}, {}, {}, {}, {}, {}};
  in.dy = floats(instance, grad::dy);
  in.x1 = floats(instance, grad::x1);
  in.x2 = floats(instance, grad::x2);
  in.rstd = floats(instance, grad::rstd);
  in.mean = floats(instance, grad::mean);
  in.gamma = floats(instance, grad::gamma);
  in.dsum = floats(instance, grad::dsum);

  if (what.wants_dx) {
    const std::size_t row_bytes = in.columns * dtype_size(what.dtype);
    out.outputs[0].resize(static_cast<std::size_t>(what.rows()) * row_bytes);
    for (std::size_t row = 0; row < static_cast<std::size_t>(what.rows()); ++row) {
      write_dx(in, row, what.dtype, out.outputs[0].data() + row * row_bytes);
    }
  }
  if (what.wants_dgamma) {
    const Floats sums = column_sum(what.rows(), what.columns(), [&](std::int64_t row, Floats& sum) {
      const auto r = static_cast<std::size_t>(row);
      for (std::size_t j = 0; j < in.columns; ++j) {
        sum[j] = std::fma(in.dy[r * in.columns + j], normalized(in, r, j), sum[j]);
      }
    });
    out.outputs[1] = as_output(instance, grad::dgamma, sums);
  }
  if (what.wants_dbeta) {
    const Floats sums = column_sum(what.rows(), what.columns(), [&](std::int64_t row, Floats& sum) {
      const auto r = static_cast<std::size_t>(row);
      for (std::size_t j = 0; j < in.columns; ++j) sum[j] += in.dy[r * in.columns + j];
    });
    out.outputs[2] = as_output(instance, grad::dbeta, sums);
  }
  return out;
}

}  // namespace alng::test
