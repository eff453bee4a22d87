// A tensor as the library sees one: element type, shape and strides. Never the data: pointers come with `Arguments`.
#ifndef ALNG_TENSOR_HPP
#define ALNG_TENSOR_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "alng/export.h"
#include "alng/language.h"

namespace alng {

/// Element types. `float16` is IEEE binary16, `bfloat16` the upper half of binary32.
enum class DType : std::int32_t { float32 = 0, float16 = 1, bfloat16 = 2 };

/// `"float32"`, `"float16"`, `"bfloat16"`.
ALNG_EXPORT const char* dtype_name(DType dtype) noexcept;

/// Bytes of one element: 4, 2, 2.
ALNG_EXPORT std::size_t dtype_size(DType dtype) noexcept;

/// The largest rank a tensor may have.
inline constexpr int max_rank = 8;

/// Element type, shape and strides of one tensor. A plain value; it is judged when a `Problem` is made of it.
struct ALNG_EXPORT TensorLayout {
  DType dtype = DType::float32;
  /// Number of dimensions, 1 to `max_rank`.
  int rank = 0;
  /// Extents, outermost first; each at least 0. Entries from `rank` on are ignored.
  std::array<std::int64_t, max_rank> shape{};
  /// Distance in elements (not bytes) between neighbours along each dimension; at least 0. Stride 0 on a dimension
  /// longer than 1 repeats the element and is accepted for inputs only. The stride of a dimension of extent 1 is
  /// never used.
  std::array<std::int64_t, max_rank> strides{};

  /// A dense tensor in row-major order.
  static TensorLayout contiguous(DType dtype, std::span<const std::int64_t> shape) noexcept;
  static TensorLayout contiguous(DType dtype, std::initializer_list<std::int64_t> shape) noexcept;
  /// A tensor with strides of its own; `strides` is as long as `shape` (else the rank becomes 0, which no problem
  /// accepts).
  static TensorLayout strided(DType dtype, std::span<const std::int64_t> shape,
                              std::span<const std::int64_t> strides) noexcept;
};

/// `"float32[64, 128, 768]"`, where it is not dense followed by `" with strides [196608, 1536, 1]"`.
ALNG_EXPORT std::string to_string(const TensorLayout& layout);

}  // namespace alng

#endif
