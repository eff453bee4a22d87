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

/// AddLayerNormGrad; the inputs come first. Name, role, dtype, presence, direction, and the outputs that depend on it.
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

namespace grad {

/// Places in the table.
enum Place : int {
#define ALNG_PLACE(name, ...) name,
  ALNG_GRAD_OPERANDS(ALNG_PLACE)
#undef ALNG_PLACE
      count
};

constexpr std::uint32_t bits_of(std::initializer_list<Place> places) noexcept {
  std::uint32_t bits = 0;
  for (const Place place : places) bits |= std::uint32_t{1} << place;
  return bits;
}

inline constexpr std::array<Operand, count> operands = {{
#define ALNG_OPERAND(name, role, type, presence, direction, ...) \
  {#name, Role::role, Type::type, Presence::presence, Direction::direction, bits_of({__VA_ARGS__})},
    ALNG_GRAD_OPERANDS(ALNG_OPERAND)
#undef ALNG_OPERAND
}};

}  // namespace grad
}  // namespace alng

#endif
