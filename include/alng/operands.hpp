// The operands of every operator as tables: each rule about shapes, dtypes, presence and overlap is written over their
// roles, and whoever goes over all tensors of a problem (file readers, bindings, tests) goes over the table.
#ifndef ALNG_OPERANDS_HPP
#define ALNG_OPERANDS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "alng/language.h"

namespace alng {

/// What a tensor has a value for, which tells its shape.
enum class Role {
  element,  ///< every element: the shape of the operator's first operand
  row,      ///< every row: that operand's leading dimensions, then 1s, a single 1 or nothing
  column,   ///< every column: its trailing, normalised dimensions
};

/// Which dtypes a tensor may have; T is the first operand's.
enum class Type { T, float32, T_or_float32 };

enum class Presence { required, optional };

/// An output may be written over an input (start at its address, with its strides) where both have a value for every
/// element; no other overlap with an output is allowed.
enum class Direction { input, output };

struct Operand {
  const char* name;
  Role role;
  Type type;
  Presence presence;
  Direction direction;
  /// The outputs whose values depend on it (an output on itself): bit i stands for operand i.
  std::uint32_t needed_for;
};

/// More operands than any operator has.
inline constexpr std::size_t max_operands = 16;

/// Each table lists name, role, dtype, presence, direction, and the outputs that depend on the operand; inputs first.
#define ALNG_FORWARD_OPERANDS(OPERAND)                       \
  OPERAND(x1, element, T, required, input, y, mean, rstd, x) \
  OPERAND(x2, element, T, optional, input, y, mean, rstd, x) \
  OPERAND(gamma, column, T_or_float32, optional, input, y)   \
  OPERAND(beta, column, T_or_float32, optional, input, y)    \
  OPERAND(y, element, T, optional, output, y)                \
  OPERAND(mean, row, float32, optional, output, mean)        \
  OPERAND(rstd, row, float32, optional, output, rstd)        \
  OPERAND(x, element, T, optional, output, x)

#define ALNG_GRAD_OPERANDS(OPERAND)                           \
  OPERAND(dy, element, T, required, input, dx, dgamma, dbeta) \
  OPERAND(x1, element, T, required, input, dx, dgamma)        \
  OPERAND(x2, element, T, optional, input, dx, dgamma)        \
  OPERAND(rstd, row, float32, required, input, dx, dgamma)    \
  OPERAND(mean, row, float32, required, input, dx, dgamma)    \
  OPERAND(gamma, column, T_or_float32, optional, input, dx)   \
  OPERAND(dsum, element, T, optional, input, dx)              \
  OPERAND(dx, element, T, optional, output, dx)               \
  OPERAND(dgamma, column, float32, optional, output, dgamma)  \
  OPERAND(dbeta, column, float32, optional, output, dbeta)

constexpr std::uint32_t bits_of(std::initializer_list<int> places) noexcept {
  std::uint32_t bits = 0;
  for (const int place : places) bits |= std::uint32_t{1} << place;
  return bits;
}

#define ALNG_PLACE(name, ...) name,
#define ALNG_OPERAND(name, role, type, presence, direction, ...) \
  {#name, Role::role, Type::type, Presence::presence, Direction::direction, bits_of({__VA_ARGS__})},
#define ALNG_VISIT(name, ...) \
  case name:                  \
    visit(tensors.name);      \
    break;

/// AddLayerNorm.
namespace forward {

/// Places in the table.
enum Place : int { ALNG_FORWARD_OPERANDS(ALNG_PLACE) count };

inline constexpr std::array<Operand, count> operands = {{ALNG_FORWARD_OPERANDS(ALNG_OPERAND)}};

struct Table {
  static constexpr const std::array<Operand, count>& operands = forward::operands;

  /// Calls visit(member) with the member at that place of any struct whose members have the table's names.
  template <class Tensors, class Visit>
  static constexpr void at(Tensors& tensors, std::size_t place, Visit visit) {
    switch (place) { ALNG_FORWARD_OPERANDS(ALNG_VISIT) }
  }
};

}  // namespace forward

/// AddLayerNormGrad.
namespace grad {

/// Places in the table.
enum Place : int { ALNG_GRAD_OPERANDS(ALNG_PLACE) count };

inline constexpr std::array<Operand, count> operands = {{ALNG_GRAD_OPERANDS(ALNG_OPERAND)}};

struct Table {
  static constexpr const std::array<Operand, count>& operands = grad::operands;

  /// Calls visit(member) with the member at that place of any struct whose members have the table's names.
  template <class Tensors, class Visit>
  static constexpr void at(Tensors& tensors, std::size_t place, Visit visit) {
    switch (place) { ALNG_GRAD_OPERANDS(ALNG_VISIT) }
  }
};

}  // namespace grad

#undef ALNG_PLACE
#undef ALNG_OPERAND
#undef ALNG_VISIT

}  // namespace alng

#endif
