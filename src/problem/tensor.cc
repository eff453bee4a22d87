#include "alng/tensor.hpp"

#include <algorithm>
#include <limits>

namespace alng {
namespace {

/// Product of non-negative numbers; the largest 64-bit number where it does not fit.
std::int64_t saturated_product(std::int64_t a, std::int64_t b) {
  std::int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::int64_t>::max() : product;
}

/// Dimensions of extent 1 don't count, their strides being never used; nor does anything in a tensor without elements.
bool has_dense_strides(const TensorLayout& layout) {
  std::int64_t dense = 1;
  bool matches = true;
  for (int d = layout.rank - 1; d >= 0; --d) {
    if (layout.shape[d] == 0) return true;
    if (layout.shape[d] != 1 && layout.strides[d] != dense) matches = false;
    dense = saturated_product(dense, layout.shape[d]);
  }
  return matches;
}

}  // namespace

const char* dtype_name(DType dtype) noexcept {
  switch (dtype) {
    case DType::float32:
      return "float32";
    case DType::float16:
      return "float16";
    case DType::bfloat16:
      return "bfloat16";
  }
  return "unknown dtype";  // a number that came through the C interface
}

std::size_t dtype_size(DType dtype) noexcept {
  switch (dtype) {
    case DType::float32:
      return 4;
    case DType::float16:
    case DType::bfloat16:
      return 2;
  }
  return 0;
}

// A rank beyond max_rank is kept, so that Problem::create can say what is wrong; only the dimensions that fit are
// copied.
TensorLayout TensorLayout::contiguous(DType dtype, std::span<const std::int64_t> shape) noexcept {
  TensorLayout layout;
  layout.dtype = dtype;
  layout.rank = static_cast<int>(std::min<std::size_t>(shape.size(), std::numeric_limits<int>::max()));
  const int stored = std::min(layout.rank, max_rank);
  std::int64_t stride = 1;
  for (int d = stored - 1; d >= 0; --d) {
    layout.shape[d] = shape[d];
    layout.strides[d] = stride;
    // Saturates on a shape that Problem::create refuses or that has no elements; a negative extent is refused as well.
    stride = saturated_product(stride, std::max<std::int64_t>(shape[d], 0));
  }
  return layout;
}

TensorLayout TensorLayout::contiguous(DType dtype, std::initializer_list<std::int64_t> shape) noexcept {
  return contiguous(dtype, std::span<const std::int64_t>(shape.begin(), shape.size()));
}

TensorLayout TensorLayout::strided(DType dtype, std::span<const std::int64_t> shape,
                                   std::span<const std::int64_t> strides) noexcept {
  TensorLayout layout = contiguous(dtype, shape);
  if (strides.size() != shape.size()) {
    layout.rank = 0;  // what no problem accepts: the two lists don't describe one tensor
    return layout;
  }
  for (int d = 0; d < std::min(layout.rank, max_rank); ++d) layout.strides[d] = strides[d];
  return layout;
}

std::string to_string(const TensorLayout& layout) {
  std::string text = dtype_name(layout.dtype);
  if (layout.rank < 0 || layout.rank > max_rank) return text + " of rank " + std::to_string(layout.rank);
  const auto list = [&layout](const std::array<std::int64_t, max_rank>& numbers) {
    std::string out = "[";
    for (int d = 0; d < layout.rank; ++d) out += (d > 0 ? ", " : "") + std::to_string(numbers[d]);
    return out + "]";
  };
  text += list(layout.shape);
  if (!has_dense_strides(layout)) text += " with strides " + list(layout.strides);
  return text;
}

}  // namespace alng
