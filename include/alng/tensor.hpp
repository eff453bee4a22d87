// A tensor as the library sees one: element type, shape and strides. Never the data: pointers come with the arguments.
#ifndef ALNG_TENSOR_HPP
#define ALNG_TENSOR_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

#include "alng/alng.h"
#include "alng/language.h"

namespace alng {

/// Element types, with the numbers of alng_dtype. `float16` is IEEE binary16, `bfloat16` the upper half of binary32.
enum class DType : std::int32_t { float32 = ALNG_FLOAT32, float16 = ALNG_FLOAT16, bfloat16 = ALNG_BFLOAT16 };

/// `"float32"`, `"float16"`, `"bfloat16"`.
inline const char* dtype_name(DType dtype) noexcept {
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

/// Bytes of one element: 4, 2, 2; 0 for a number that is no dtype.
inline constexpr std::size_t dtype_size(DType dtype) noexcept {
  return dtype == DType::float32 ? 4 : dtype == DType::float16 || dtype == DType::bfloat16 ? 2 : 0;
}

/// The largest rank a tensor may have.
inline constexpr int max_rank = ALNG_MAX_RANK;

/// Element type, shape and strides of one tensor. A plain value; it is judged when a `Problem` is made of it.
struct TensorLayout {
  DType dtype = DType::float32;
  /// Number of dimensions, 1 to `max_rank`.
  int rank = 0;
  /// Extents, outermost first; each at least 0. Entries from `rank` on are ignored.
  std::array<std::int64_t, max_rank> shape{};
  /// Distance in elements (not bytes) between neighbours along each dimension; at least 0. Stride 0 on a dimension
  /// longer than 1 repeats the element and is accepted for inputs only. The stride of a dimension of extent 1 is
  /// never used.
  std::array<std::int64_t, max_rank> strides{};

  /// A dense tensor in row-major order. `Shape` is any array of std::int64_t with data() and size(). A rank beyond
  /// `max_rank` is kept, with the dimensions that fit, for Problem::create to refuse.
  template <class Shape>
  static TensorLayout contiguous(DType dtype, const Shape& shape) noexcept {
    TensorLayout layout;
    layout.dtype = dtype;
    layout.rank = static_cast<int>(std::min<std::size_t>(shape.size(), std::numeric_limits<int>::max()));
    std::int64_t stride = 1;
    for (int d = layout.stored() - 1; d >= 0; --d) {
      layout.shape[static_cast<std::size_t>(d)] = shape.data()[d];
      layout.strides[static_cast<std::size_t>(d)] = stride;
      stride = saturated_product(stride, shape.data()[d]);
    }
    return layout;
  }
  static TensorLayout contiguous(DType dtype, std::initializer_list<std::int64_t> shape) noexcept {
    return contiguous(dtype, List{shape.begin(), shape.size()});
  }

  /// A tensor with strides of its own; `strides` is as long as `shape` (else the rank becomes 0, which no problem
  /// accepts).
  template <class Shape, class Strides>
  static TensorLayout strided(DType dtype, const Shape& shape, const Strides& strides) noexcept {
    TensorLayout layout = contiguous(dtype, shape);
    if (strides.size() != shape.size()) layout.rank = 0;
    for (int d = 0; d < layout.stored(); ++d) layout.strides[static_cast<std::size_t>(d)] = strides.data()[d];
    return layout;
  }
  static TensorLayout strided(DType dtype, std::initializer_list<std::int64_t> shape,
                              std::initializer_list<std::int64_t> strides) noexcept {
    return strided(dtype, List{shape.begin(), shape.size()}, List{strides.begin(), strides.size()});
  }

  /// The same dtype, rank, extents and strides; entries from `rank` on don't count.
  friend bool operator==(const TensorLayout& a, const TensorLayout& b) noexcept {
    const auto same = [&](const auto& left, const auto& right) {
      return std::equal(left.begin(), left.begin() + a.stored(), right.begin());
    };
    return a.dtype == b.dtype && a.rank == b.rank && same(a.shape, b.shape) && same(a.strides, b.strides);
  }
  friend bool operator!=(const TensorLayout& a, const TensorLayout& b) noexcept { return !(a == b); }

  /// True where the elements lie next to each other in row-major order. Dimensions of extent 1 don't count, their
  /// strides being never used; nor does anything in a tensor without elements.
  bool is_dense() const noexcept {
    std::int64_t dense = 1;
    bool matches = true;
    for (int d = stored() - 1; d >= 0; --d) {
      const std::int64_t extent = shape[static_cast<std::size_t>(d)];
      if (extent == 0) return true;
      if (extent != 1 && strides[static_cast<std::size_t>(d)] != dense) matches = false;
      dense = saturated_product(dense, extent);
    }
    return matches;
  }

 private:
  struct List {
    const std::int64_t* first;
    std::size_t count;
    const std::int64_t* data() const noexcept { return first; }
    std::size_t size() const noexcept { return count; }
  };

  int stored() const noexcept { return rank < 0 ? 0 : rank < max_rank ? rank : max_rank; }

  // Of a shape that no problem accepts, or that has no elements, strides that leave 64 bits are never used.
  static std::int64_t saturated_product(std::int64_t a, std::int64_t b) noexcept {
    constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
    if (a <= 0 || b <= 0) return 0;
    return a > largest / b ? largest : a * b;
  }
};

/// `"float32[64, 128, 768]"`, where it is not dense followed by `" with strides [196608, 1536, 1]"`.
inline std::string to_string(const TensorLayout& layout) {
  std::string text = dtype_name(layout.dtype);
  if (layout.rank < 0 || layout.rank > max_rank) return text + " of rank " + std::to_string(layout.rank);
  const auto list = [&layout](const std::array<std::int64_t, max_rank>& numbers) {
    std::string out = "[";
    for (int d = 0; d < layout.rank; ++d) {
      out += (d > 0 ? ", " : "") + std::to_string(numbers[static_cast<std::size_t>(d)]);
    }
    return out + "]";
  };
  text += list(layout.shape);
  if (!layout.is_dense()) text += " with strides " + list(layout.strides);
  return text;
}

}  // namespace alng

#endif
