// Tensors and pointers of any operator by their places in its table of operands.
#ifndef ALNG_BY_PLACE_HPP
#define ALNG_BY_PLACE_HPP

#include <cstddef>
#include <optional>
#include <type_traits>

#include "alng/language.h"
#include "alng/operands.hpp"
#include "alng/tensor.hpp"

namespace alng {

inline const TensorLayout* given(const TensorLayout& layout) noexcept { return &layout; }
inline const TensorLayout* given(const std::optional<TensorLayout>& layout) noexcept {
  return layout ? &*layout : nullptr;
}

/// Null where the problem does not have the tensor.
template <class Description>
const TensorLayout* layout_at(const Description& description, std::size_t place) noexcept {
  const TensorLayout* result = nullptr;
  Description::Table::at(description, place, [&](const auto& layout) { result = given(layout); });
  return result;
}

/// Gives the problem the tensor.
template <class Description>
void give_layout(Description& description, std::size_t place, const TensorLayout& layout) noexcept {
  Description::Table::at(description, place, [&](auto& member) { member = layout; });
}

template <class Arguments>
const void* pointer_at(const Arguments& arguments, std::size_t place) noexcept {
  const void* result = nullptr;
  Arguments::Table::at(arguments, place, [&](const auto& pointer) { result = pointer; });
  return result;
}

/// `data` of an output is what the run writes to.
template <class Arguments, class Table = typename Arguments::Table>
void give_pointer(Arguments& arguments, std::size_t place, const void* data) noexcept {
  Table::at(arguments, place,
            [&](auto& pointer) { pointer = static_cast<std::decay_t<decltype(pointer)>>(const_cast<void*>(data)); });
}

}  // namespace alng

#endif
