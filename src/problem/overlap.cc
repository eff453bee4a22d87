#include "problem/overlap.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace alng::impl {
namespace {

/// Bytes from the first to one past the last, of the dimensions with strides below `limit` alone.
std::uint64_t span_below(const Footprint& footprint, std::uint64_t limit) noexcept {
  std::uint64_t span = footprint.element;
  for (int d = 0; d < footprint.rank && footprint.stride[d] < limit; ++d) {
    span += (footprint.extent[d] - 1) * footprint.stride[d];
  }
  return span;
}

std::uint64_t gcd_from(const Footprint& footprint, std::uint64_t limit, std::uint64_t period) noexcept {
  for (int d = 0; d < footprint.rank; ++d) {
    if (footprint.stride[d] >= limit) period = std::gcd(period, footprint.stride[d]);
  }
  return period;
}

/// Strides of at least `limit` are multiples of their common divisor, the period, so they don't move an address within
/// the period; the smaller strides cover one stretch of it. Two stretches that don't meet on the circle never meet in
/// memory.
bool keep_apart_within_period(const Footprint& a, const Footprint& b, std::uint64_t limit) noexcept {
  const std::uint64_t period = gcd_from(b, limit, gcd_from(a, limit, 0));
  const std::uint64_t length_a = span_below(a, limit);
  const std::uint64_t length_b = span_below(b, limit);
  if (period == 0 || length_a > period || length_b > period) return false;
  const std::uintptr_t begin_a = a.range.begin, begin_b = b.range.begin;
  const std::uint64_t start_b =
      begin_b >= begin_a ? (begin_b - begin_a) % period : (period - (begin_a - begin_b) % period) % period;
  return start_b >= length_a && start_b <= period - length_b;
}

}  // namespace

bool is_empty(const TensorLayout& layout) noexcept {
  const auto* end = layout.shape.data() + layout.rank;
  return std::find(layout.shape.data(), end, 0) != end;
}

ByteRange range_of(const TensorLayout& layout, const void* address) noexcept {
  std::uint64_t bytes = dtype_size(layout.dtype);
  for (int d = 0; d < layout.rank; ++d) {
    if (layout.shape[d] == 0) return range_of(address, 0);
    if (layout.shape[d] == 1) continue;
    bytes += static_cast<std::uint64_t>(layout.shape[d] - 1) * static_cast<std::uint64_t>(layout.strides[d]) *
             dtype_size(layout.dtype);
  }
  return range_of(address, bytes);
}

ByteRange range_of(const void* address, std::size_t bytes) noexcept {
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(address);
  std::uintptr_t end;
  if (__builtin_add_overflow(begin, bytes, &end)) end = std::numeric_limits<std::uintptr_t>::max();
  return {begin, end};
}

Footprint footprint_of(const TensorLayout& layout, const void* address) noexcept {
  Footprint footprint;
  footprint.range = range_of(layout, address);
  if (is_empty(layout)) return footprint;
  footprint.element = dtype_size(layout.dtype);
  // From the last dimension on, so that a row-major tensor comes sorted already.
  for (int d = layout.rank - 1; d >= 0; --d) {
    if (layout.shape[d] == 1 || layout.strides[d] == 0) continue;
    const std::uint64_t stride = static_cast<std::uint64_t>(layout.strides[d]) * footprint.element;
    int place = footprint.rank++;
    for (; place > 0 && footprint.stride[place - 1] > stride; --place) {
      footprint.extent[place] = footprint.extent[place - 1];
      footprint.stride[place] = footprint.stride[place - 1];
    }
    footprint.extent[place] = static_cast<std::uint64_t>(layout.shape[d]);
    footprint.stride[place] = stride;
  }
  return footprint;
}

Footprint footprint_of(const void* address, std::size_t bytes) noexcept {
  Footprint footprint;
  footprint.range = range_of(address, bytes);
  footprint.element = bytes;
  return footprint;
}

bool are_disjoint(const Footprint& a, const Footprint& b) noexcept {
  if (!intersect(a.range, b.range)) return true;
  for (int d = 0; d < a.rank; ++d) {
    if (keep_apart_within_period(a, b, a.stride[d])) return true;
  }
  for (int d = 0; d < b.rank; ++d) {
    if (keep_apart_within_period(a, b, b.stride[d])) return true;
  }
  return false;
}

bool have_same_strides(const TensorLayout& a, const TensorLayout& b) noexcept {
  for (int d = 0; d < a.rank; ++d) {
    if (a.shape[d] > 1 && a.strides[d] != b.strides[d]) return false;
  }
  return true;
}

Fold find_fold(const TensorLayout& layout) noexcept {
  if (is_empty(layout)) return {};
  for (int d = layout.rank - 1; d >= 0; --d) {
    if (layout.shape[d] == 1) continue;
    std::int64_t span = 1;
    for (int other = 0; other < layout.rank; ++other) {
      // Of two equal strides the inner dimension counts as the smaller.
      const bool smaller =
          layout.strides[other] < layout.strides[d] || (layout.strides[other] == layout.strides[d] && other > d);
      if (smaller && layout.shape[other] > 1) span += (layout.shape[other] - 1) * layout.strides[other];
    }
    if (layout.strides[d] < span) return {d, span};
  }
  return {};
}

}  // namespace alng::impl
