// are_disjoint and find_fold against sets of addresses.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "any_in.h"
#include "problem/overlap.h"
#include "separate_arguments.h"

namespace alng::impl {
namespace {

using Numbers = std::vector<std::int64_t>;

/// Asked both ways, which must agree.
bool disjoint(const TensorLayout& a, std::uintptr_t address_a, const TensorLayout& b, std::uintptr_t address_b) {
  const bool told = are_disjoint(footprint_of(a, at<void>(address_a)), footprint_of(b, at<void>(address_b)));
  RC_ASSERT(told == are_disjoint(footprint_of(b, at<void>(address_b)), footprint_of(a, at<void>(address_a))));
  return told;
}

/// Few and small numbers, so that all relations occur: nested, equal, coprime, broadcast.
TensorLayout any_layout() {
  const int rank = static_cast<int>(any_in(1, 4));
  TensorLayout layout;
  layout.dtype = *rc::gen::element(DType::float32, DType::float16);
  layout.rank = rank;
  for (int d = 0; d < rank; ++d) {
    layout.shape[d] = any_in(0, 5);
    layout.strides[d] = *rc::gen::element<std::int64_t>(0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 5, 7);
  }
  return layout;
}

/// Every byte the tensor covers, an entry for each element that covers it.
std::multiset<std::uintptr_t> bytes_of(const TensorLayout& layout, std::uintptr_t address) {
  std::multiset<std::uintptr_t> bytes;
  std::int64_t count = 1;
  for (int d = 0; d < layout.rank; ++d) count *= layout.shape[d];
  const std::size_t size = dtype_size(layout.dtype);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t index = i, offset = 0;
    for (int d = layout.rank - 1; d >= 0; --d) {
      offset += index % layout.shape[d] * layout.strides[d];
      index /= layout.shape[d];
    }
    for (std::size_t byte = 0; byte < size; ++byte)
      bytes.insert(address + static_cast<std::size_t>(offset) * size + byte);
  }
  return bytes;
}

RC_GTEST_PROP(DisjointProperty, NeverSaidOfTensorsThatShareAByte, ()) {
  const TensorLayout a = any_layout();
  const TensorLayout b = any_layout();
  const std::uintptr_t address_a = 4096;
  const auto address_b = static_cast<std::uintptr_t>(4096 + 2 * any_in(-24, 25));
  const auto bytes_a = bytes_of(a, address_a);
  const auto bytes_b = bytes_of(b, address_b);
  const bool share =
      std::any_of(bytes_a.begin(), bytes_a.end(), [&bytes_b](std::uintptr_t byte) { return bytes_b.count(byte) != 0; });
  const bool told = disjoint(a, address_a, b, address_b);
  RC_ASSERT(!(share && told));
  RC_CLASSIFY(told, "told apart");
  RC_CLASSIFY(!told && !share, "apart but not told");
}

RC_GTEST_PROP(DisjointProperty, AlwaysSaidOfRectanglesOfOneBuffer, ()) {
  const std::int64_t pitch = any_in(1, 12);
  struct Rectangle {
    TensorLayout layout;
    std::uintptr_t address;
  };
  const auto any_rectangle = [pitch] {
    const std::int64_t column = any_in(0, pitch);
    const std::int64_t width = any_in(1, pitch - column + 1);
    const std::int64_t row = any_in(0, 6);
    const std::int64_t height = any_in(1, 6);
    return Rectangle{TensorLayout::strided(DType::float32, Numbers{height, width}, Numbers{pitch, 1}),
                     static_cast<std::uintptr_t>(4096 + (row * pitch + column) * 4)};
  };
  const Rectangle a = any_rectangle();
  const Rectangle b = any_rectangle();
  const auto bytes_a = bytes_of(a.layout, a.address);
  const auto bytes_b = bytes_of(b.layout, b.address);
  const bool share =
      std::any_of(bytes_a.begin(), bytes_a.end(), [&bytes_b](std::uintptr_t byte) { return bytes_b.count(byte) != 0; });
  const bool columns_meet = [&] {
    const auto column = [pitch](const Rectangle& r) {
      return static_cast<std::int64_t>((r.address - 4096) / 4) % pitch;
    };
    return column(a) < column(b) + b.layout.shape[1] && column(b) < column(a) + a.layout.shape[1];
  }();
  if (!columns_meet) RC_ASSERT(disjoint(a.layout, a.address, b.layout, b.address));
  if (share) RC_ASSERT(!disjoint(a.layout, a.address, b.layout, b.address));
}

RC_GTEST_PROP(FoldProperty, WithoutAFoldNoTwoElementsShareAnAddress, ()) {
  const TensorLayout layout = any_layout();
  const auto bytes = bytes_of(layout, 4096);
  const bool repeats = std::adjacent_find(bytes.begin(), bytes.end()) != bytes.end();
  const bool folded = find_fold(layout).dimension >= 0;
  RC_ASSERT(!repeats || folded);
}

RC_GTEST_PROP(FoldProperty, NestedStridesInAnyOrderHaveNone, ()) {
  const int rank = static_cast<int>(any_in(1, 7));
  std::vector<int> order(static_cast<std::size_t>(rank));
  for (int d = 0; d < rank; ++d) order[static_cast<std::size_t>(d)] = d;
  for (int d = rank - 1; d > 0; --d) {
    std::swap(order[static_cast<std::size_t>(d)], order[static_cast<std::size_t>(any_in(0, d + 1))]);
  }
  TensorLayout layout;
  layout.rank = rank;
  std::int64_t span = 1;
  for (const int d : order) {
    layout.shape[d] = any_in(1, 6);
    layout.strides[d] = span + any_in(0, 3);
    span += (layout.shape[d] - 1) * layout.strides[d];
  }
  RC_ASSERT(find_fold(layout).dimension == -1);
}

}  // namespace
}  // namespace alng::impl
