// Vector functions: Level 2 with a number of elements, Level 0 with mask, repeats and strides.
#ifndef ALNG_ASCEND_TWIN_VECTOR_H
#define ALNG_ASCEND_TWIN_VECTOR_H

#include <algorithm>
#include <cmath>
#include <utility>

#include "machine/vector_instruction.h"
#include "twin/arithmetic.h"
#include "twin/tensor.h"

// NOLINTBEGIN(readability-identifier-naming, cppcoreguidelines-macro-usage, bugprone-macro-parentheses): CANN's names.
namespace AscendC {

template <typename T>
alng::twin::Operand twin_operand(const LocalTensor<T>& tensor, std::uint32_t block_stride = 1,
                                 std::uint32_t repeat_stride = 8) {
  return {tensor.twin_offset(), tensor.twin_region(), sizeof(T), block_stride, repeat_stride, 32};
}

template <typename T>
T* twin_pointer(const LocalTensor<T>& tensor) {
  return reinterpret_cast<T*>(alng::twin::Core::current().ub(tensor.twin_offset()));
}

/// Lanes of a repeat: 256 bytes of the widest operand.
template <typename... T>
constexpr std::uint32_t twin_lanes = 256 / std::max({sizeof(T)...});

/// A number of lanes, in any integer type, or the bits of a mask.
template <class Mask>
auto twin_mask(Mask mask) {
  if constexpr (std::is_integral_v<Mask>) {
    return static_cast<std::uint64_t>(mask);
  } else {
    return static_cast<const std::uint64_t*>(mask);
  }
}

template <bool isSetMask, class Mask>
alng::twin::Shape twin_shape(std::uint32_t lanes, Mask mask, std::int64_t repeats, const char* name,
                             const Where& where) {
  if constexpr (isSetMask) {
    return alng::twin::masked(lanes, twin_mask(mask), repeats, name, where);
  } else {
    return alng::twin::preset(lanes, repeats, name, where);
  }
}

/// dst = f(dst, src0, src1) lane by lane. `reads_dst`: dst is a source too.
template <bool reads_dst, class F, class D, class A, class B>
void twin_binary(const char* name, const alng::twin::Cost& cost, const LocalTensor<D>& dst, const LocalTensor<A>& src0,
                 const LocalTensor<B>& src1, const alng::twin::Shape& shape, const BinaryRepeatParams& p, F f,
                 const Where& where) {
  alng::twin::VectorInstruction instruction(name, where);
  const alng::twin::Operand d = twin_operand(dst, p.dstBlkStride, p.dstRepStride);
  const alng::twin::Operand a = twin_operand(src0, p.src0BlkStride, p.src0RepStride);
  const alng::twin::Operand b = twin_operand(src1, p.src1BlkStride, p.src1RepStride);
  instruction.reads(a, shape);
  instruction.reads(b, shape);
  if (reads_dst) instruction.reads(d, shape);
  instruction.writes(d, shape);
  alng::twin::for_each_run(
      shape,
      [f](std::uint32_t n, D* x, const A* y, const B* z) {
        for (std::uint32_t i = 0; i < n; ++i) {
          x[i] = twin_narrow<D>(f(twin_widen(x[i]), twin_widen(y[i]), twin_widen(z[i])));
        }
      },
      std::pair(twin_pointer(dst), &d), std::pair(twin_pointer(src0), &a), std::pair(twin_pointer(src1), &b));
  instruction.end(shape, cost, {a, b});
}

/// dst = f(dst, src) lane by lane.
template <bool reads_dst, class F, class D, class A>
void twin_unary(const char* name, const alng::twin::Cost& cost, const LocalTensor<D>& dst, const LocalTensor<A>& src,
                const alng::twin::Shape& shape, const UnaryRepeatParams& p, F f, const Where& where) {
  alng::twin::VectorInstruction instruction(name, where);
  const alng::twin::Operand d = twin_operand(dst, p.dstBlkStride, p.dstRepStride);
  const alng::twin::Operand a = twin_operand(src, p.srcBlkStride, p.srcRepStride);
  instruction.reads(a, shape);
  if (reads_dst) instruction.reads(d, shape);
  instruction.writes(d, shape);
  alng::twin::for_each_run(
      shape,
      [f](std::uint32_t n, D* x, const A* y) {
        for (std::uint32_t i = 0; i < n; ++i) x[i] = f(x[i], y[i]);
      },
      std::pair(twin_pointer(dst), &d), std::pair(twin_pointer(src), &a));
  if (reads_dst) {
    instruction.end(shape, cost, {a, d}, false);
  } else {
    instruction.end(shape, cost, {a}, false);
  }
}

// The strides of a Level 2 call: blocks and repeats next to each other, where element sizes differ at each one's pace.
template <typename T, std::uint32_t lanes>
constexpr std::uint8_t twin_repeat_stride = lanes * sizeof(T) / 32;
template <typename D, typename A, typename B>
BinaryRepeatParams twin_dense() {
  constexpr std::uint32_t lanes = twin_lanes<D, A, B>;
  return {1, 1, 1, twin_repeat_stride<D, lanes>, twin_repeat_stride<A, lanes>, twin_repeat_stride<B, lanes>};
}
template <typename D, typename A>
UnaryRepeatParams twin_dense() {
  constexpr std::uint32_t lanes = twin_lanes<D, A>;
  return {1, 1, twin_repeat_stride<D, lanes>, twin_repeat_stride<A, lanes>};
}

// What takes 2 cycles a repeat on 2201, division and its like, takes 4 on 3510.
constexpr double twin_on_3510(double slope) { return slope >= 2 ? 4 : 1.25; }

// Cycles: slope for operands in different bank groups and in the same ones, head and tail (measured on a 910B3 with
// operands in the same groups; in different ones an instruction takes a repeat each cycle, division half of that).
#define ALNG_TWIN_BINARY_0(Mask, Name, reads_dst, slope, conflicting, fixed, expression)                       \
  template <typename T, bool isSetMask = true>                                                                 \
  void Name(const LocalTensor<T>& dst, const LocalTensor<T>& src0, const LocalTensor<T>& src1, Mask,           \
            std::uint8_t repeatTime, const BinaryRepeatParams& params, const Where where = Where::current()) { \
    twin_binary<reads_dst>(                                                                                    \
        #Name, {slope, conflicting, fixed, twin_on_3510(slope)}, dst, src0, src1,                              \
        twin_shape<isSetMask>(twin_lanes<T>, mask, repeatTime, #Name, where), params,                          \
        []([[maybe_unused]] auto d, auto a, auto b) { return expression; }, where);                            \
  }
#define ALNG_TWIN_BINARY(Name, reads_dst, slope, conflicting, fixed, expression)                 \
  template <typename T>                                                                          \
  void Name(const LocalTensor<T>& dst, const LocalTensor<T>& src0, const LocalTensor<T>& src1,   \
            const std::int32_t& count, const Where where = Where::current()) {                   \
    twin_binary<reads_dst>(                                                                      \
        #Name, {slope, conflicting, fixed, twin_on_3510(slope)}, dst, src0, src1,                \
        alng::twin::counted(twin_lanes<T>, count, #Name, where), BinaryRepeatParams(),           \
        []([[maybe_unused]] auto d, auto a, auto b) { return expression; }, where);              \
  }                                                                                              \
  ALNG_TWIN_BINARY_0(std::uint64_t mask, Name, reads_dst, slope, conflicting, fixed, expression) \
  ALNG_TWIN_BINARY_0(std::uint64_t mask[], Name, reads_dst, slope, conflicting, fixed, expression)

ALNG_TWIN_BINARY(Add, false, 1, 2.11, 24, a + b)
ALNG_TWIN_BINARY(Sub, false, 1, 2.11, 24, a - b)
ALNG_TWIN_BINARY(Mul, false, 1, 2.15, 25, a* b)
ALNG_TWIN_BINARY(Div, false, 2, 4, 31, a / b)
ALNG_TWIN_BINARY(Max, false, 1, 2, 23, std::max(a, b))
ALNG_TWIN_BINARY(Min, false, 1, 2, 23, std::min(a, b))
ALNG_TWIN_BINARY(FusedMulAdd, true, 1, 2, 25, twin_multiply_add(a, d, b))
#undef ALNG_TWIN_BINARY
#undef ALNG_TWIN_BINARY_0

/// dst += src0 * src1; 32 lanes of float32 a cycle.
template <typename T, typename U>
void MulAddDst(const LocalTensor<T>& dst, const LocalTensor<U>& src0, const LocalTensor<U>& src1,
               const std::int32_t& count, const Where where = Where::current()) {
  twin_binary<true>(
      "MulAddDst", {2, 3, 25}, dst, src0, src1, alng::twin::counted(twin_lanes<T, U>, count, "MulAddDst", where),
      twin_dense<T, U, U>(), [](auto d, auto a, auto b) { return twin_multiply_add(a, b, d); }, where);
}
#define ALNG_TWIN_MUL_ADD_DST(Mask)                                                                                 \
  template <typename T, typename U, bool isSetMask = true>                                                          \
  void MulAddDst(const LocalTensor<T>& dst, const LocalTensor<U>& src0, const LocalTensor<U>& src1, Mask,           \
                 std::uint8_t repeatTime, const BinaryRepeatParams& params, const Where where = Where::current()) { \
    twin_binary<true>(                                                                                              \
        "MulAddDst", {2, 3, 25}, dst, src0, src1,                                                                   \
        twin_shape<isSetMask>(twin_lanes<T, U>, mask, repeatTime, "MulAddDst", where), params,                      \
        [](auto d, auto a, auto b) { return twin_multiply_add(a, b, d); }, where);                                  \
  }
ALNG_TWIN_MUL_ADD_DST(std::uint64_t mask)
ALNG_TWIN_MUL_ADD_DST(const std::uint64_t mask[])
#undef ALNG_TWIN_MUL_ADD_DST

#define ALNG_TWIN_SCALAR_0(Mask, Name, slope, fixed, expression)                                                       \
  template <typename T, bool isSetMask = true>                                                                         \
  void Name(const LocalTensor<T>& dst, const LocalTensor<T>& src, const T& scalarValue, Mask, std::uint8_t repeatTime, \
            const UnaryRepeatParams& params, const Where where = Where::current()) {                                   \
    twin_unary<false>(                                                                                                 \
        #Name, {slope, slope, fixed, twin_on_3510(slope)}, dst, src,                                                   \
        twin_shape<isSetMask>(twin_lanes<T>, mask, repeatTime, #Name, where), params,                                  \
        [s = twin_widen(scalarValue)](T, T x) {                                                                        \
          const auto a = twin_widen(x);                                                                                \
          return twin_narrow<T>(expression);                                                                           \
        },                                                                                                             \
        where);                                                                                                        \
  }
#define ALNG_TWIN_SCALAR(Name, slope, fixed, expression)                                                           \
  template <typename T, bool isSetMask = true>                                                                     \
  void Name(const LocalTensor<T>& dst, const LocalTensor<T>& src, const T& scalarValue, const std::int32_t& count, \
            const Where where = Where::current()) {                                                                \
    twin_unary<false>(                                                                                             \
        #Name, {slope, slope, fixed, twin_on_3510(slope)}, dst, src,                                               \
        alng::twin::counted(twin_lanes<T>, count, #Name, where), UnaryRepeatParams(),                              \
        [s = twin_widen(scalarValue)](T, T x) {                                                                    \
          const auto a = twin_widen(x);                                                                            \
          return twin_narrow<T>(expression);                                                                       \
        },                                                                                                         \
        where);                                                                                                    \
  }                                                                                                                \
  ALNG_TWIN_SCALAR_0(std::uint64_t mask, Name, slope, fixed, expression)                                           \
  ALNG_TWIN_SCALAR_0(std::uint64_t mask[], Name, slope, fixed, expression)

ALNG_TWIN_SCALAR(Adds, 1, 31, a + s)
ALNG_TWIN_SCALAR(Muls, 1, 26, a* s)
ALNG_TWIN_SCALAR(Maxs, 1, 23, std::max(a, s))
ALNG_TWIN_SCALAR(Mins, 1, 23, std::min(a, s))
#undef ALNG_TWIN_SCALAR
#undef ALNG_TWIN_SCALAR_0

#define ALNG_TWIN_UNARY_0(Mask, Name, slope, fixed, expression)                                  \
  template <typename T, bool isSetMask = true>                                                   \
  void Name(const LocalTensor<T>& dst, const LocalTensor<T>& src, Mask, std::uint8_t repeatTime, \
            const UnaryRepeatParams& params, const Where where = Where::current()) {             \
    twin_unary<false>(                                                                           \
        #Name, {slope, slope, fixed, twin_on_3510(slope)}, dst, src,                             \
        twin_shape<isSetMask>(twin_lanes<T>, mask, repeatTime, #Name, where), params,            \
        [](T, T x) {                                                                             \
          const auto a = twin_widen(x);                                                          \
          return twin_narrow<T>(expression);                                                     \
        },                                                                                       \
        where);                                                                                  \
  }
#define ALNG_TWIN_UNARY(Name, slope, fixed, expression)                                      \
  template <typename T>                                                                      \
  void Name(const LocalTensor<T>& dst, const LocalTensor<T>& src, const std::int32_t& count, \
            const Where where = Where::current()) {                                          \
    twin_unary<false>(                                                                       \
        #Name, {slope, slope, fixed, twin_on_3510(slope)}, dst, src,                         \
        alng::twin::counted(twin_lanes<T>, count, #Name, where), UnaryRepeatParams(),        \
        [](T, T x) {                                                                         \
          const auto a = twin_widen(x);                                                      \
          return twin_narrow<T>(expression);                                                 \
        },                                                                                   \
        where);                                                                              \
  }                                                                                          \
  ALNG_TWIN_UNARY_0(std::uint64_t mask, Name, slope, fixed, expression)                      \
  ALNG_TWIN_UNARY_0(std::uint64_t mask[], Name, slope, fixed, expression)

ALNG_TWIN_UNARY(Abs, 1, 23, a < 0 ? -a : a)
ALNG_TWIN_UNARY(Relu, 1, 23, a > 0 ? a : 0)
ALNG_TWIN_UNARY(Exp, 2, 31, std::exp(a))
ALNG_TWIN_UNARY(Sqrt, 2, 31, std::sqrt(a))
ALNG_TWIN_UNARY(Rsqrt, 1.07, 24, 1 / std::sqrt(a))
ALNG_TWIN_UNARY(Reciprocal, 1, 24, 1 / a)
#undef ALNG_TWIN_UNARY
#undef ALNG_TWIN_UNARY_0

/// dst += scalar * src.
template <typename T, typename U>
void Axpy(const LocalTensor<T>& dst, const LocalTensor<U>& src, const U& scalarValue, const std::int32_t& count,
          const Where where = Where::current()) {
  twin_unary<true>(
      "Axpy", {1, 2, 26}, dst, src, alng::twin::counted(twin_lanes<T, U>, count, "Axpy", where), twin_dense<T, U>(),
      [s = twin_widen(scalarValue)](T d, U x) {
        return twin_narrow<T>(twin_multiply_add(s, twin_widen(x), twin_widen(d)));
      },
      where);
}
#define ALNG_TWIN_AXPY(Mask)                                                                                           \
  template <typename T, typename U, bool isSetMask = true>                                                             \
  void Axpy(const LocalTensor<T>& dst, const LocalTensor<U>& src, const U& scalarValue, Mask, std::uint8_t repeatTime, \
            const UnaryRepeatParams& params, const Where where = Where::current()) {                                   \
    twin_unary<true>(                                                                                                  \
        "Axpy", {1, 2, 26}, dst, src, twin_shape<isSetMask>(twin_lanes<T, U>, mask, repeatTime, "Axpy", where),        \
        params,                                                                                                        \
        [s = twin_widen(scalarValue)](T d, U x) {                                                                      \
          return twin_narrow<T>(twin_multiply_add(s, twin_widen(x), twin_widen(d)));                                   \
        },                                                                                                             \
        where);                                                                                                        \
  }
ALNG_TWIN_AXPY(std::uint64_t mask)
ALNG_TWIN_AXPY(std::uint64_t mask[])
#undef ALNG_TWIN_AXPY

template <typename D, typename A>
void twin_cast(const LocalTensor<D>& dst, const LocalTensor<A>& src, RoundMode mode, const alng::twin::Shape& shape,
               const UnaryRepeatParams& params, const Where& where) {
  if (const char* why = twin_refused_round_mode<D, A>(mode)) {
    alng::twin::Core::current().give_up(alng::twin::Check::argument, where, std::string("Cast ") + why);
  }
  twin_unary<false>(
      "Cast", {1, 1, 32}, dst, src, shape, params, [mode](D, A x) { return twin_converted<D>(x, mode); }, where);
}

template <typename D, typename A>
void Cast(const LocalTensor<D>& dst, const LocalTensor<A>& src, const RoundMode& roundMode, std::uint32_t count,
          const Where where = Where::current()) {
  twin_cast(dst, src, roundMode, alng::twin::counted(twin_lanes<D, A>, count, "Cast", where), twin_dense<D, A>(),
            where);
}
#define ALNG_TWIN_CAST(Mask)                                                                                         \
  template <typename D, typename A, bool isSetMask = true>                                                           \
  void Cast(const LocalTensor<D>& dst, const LocalTensor<A>& src, const RoundMode& roundMode, Mask,                  \
            std::uint8_t repeatTime, const UnaryRepeatParams& params, const Where where = Where::current()) {        \
    twin_cast(dst, src, roundMode, twin_shape<isSetMask>(twin_lanes<D, A>, mask, repeatTime, "Cast", where), params, \
              where);                                                                                                \
  }
ALNG_TWIN_CAST(std::uint64_t mask)
ALNG_TWIN_CAST(const std::uint64_t mask[])
#undef ALNG_TWIN_CAST

template <typename T>
void twin_fill(const char* name, const LocalTensor<T>& dst, T value, const alng::twin::Shape& shape,
               std::uint32_t block_stride, std::uint32_t repeat_stride, const Where& where) {
  alng::twin::VectorInstruction instruction(name, where);
  const alng::twin::Operand d = twin_operand(dst, block_stride, repeat_stride);
  instruction.writes(d, shape);
  alng::twin::for_each_run(
      shape, [value](std::uint32_t n, T* x) { std::fill_n(x, n, value); }, std::pair(twin_pointer(dst), &d));
  instruction.end(shape, {1, 1, 24}, {});
}

template <typename T>
void Duplicate(const LocalTensor<T>& dst, const T& scalarValue, const std::int32_t& count,
               const Where where = Where::current()) {
  twin_fill("Duplicate", dst, scalarValue, alng::twin::counted(twin_lanes<T>, count, "Duplicate", where), 1, 8, where);
}
#define ALNG_TWIN_DUPLICATE(Mask)                                                                                    \
  template <typename T, bool isSetMask = true>                                                                       \
  void Duplicate(const LocalTensor<T>& dst, const T& scalarValue, Mask, std::uint8_t repeatTime,                     \
                 std::uint16_t dstBlockStride, std::uint8_t dstRepeatStride, const Where where = Where::current()) { \
    twin_fill("Duplicate", dst, scalarValue,                                                                         \
              twin_shape<isSetMask>(twin_lanes<T>, mask, repeatTime, "Duplicate", where), dstBlockStride,            \
              dstRepeatStride, where);                                                                               \
  }
ALNG_TWIN_DUPLICATE(std::uint64_t mask)
ALNG_TWIN_DUPLICATE(std::uint64_t mask[])
#undef ALNG_TWIN_DUPLICATE

#define ALNG_TWIN_COPY(Mask)                                                                                 \
  template <typename T, bool isSetMask = true>                                                               \
  void Copy(const LocalTensor<T>& dst, const LocalTensor<T>& src, Mask, std::uint8_t repeatTime,             \
            const CopyRepeatParams& p, const Where where = Where::current()) {                               \
    twin_unary<false>(                                                                                       \
        "Copy", {1, 1, 24}, dst, src, twin_shape<isSetMask>(twin_lanes<T>, mask, repeatTime, "Copy", where), \
        {p.dstStride, p.srcStride, static_cast<std::uint8_t>(p.dstRepeatSize),                               \
         static_cast<std::uint8_t>(p.srcRepeatSize)},                                                        \
        [](T, T x) { return x; }, where);                                                                    \
  }
ALNG_TWIN_COPY(std::uint64_t mask)
ALNG_TWIN_COPY(const std::uint64_t mask[])
#undef ALNG_TWIN_COPY

/// DataCopy within UB: whole blocks, gaps between runs of them.
template <typename T>
void twin_copy_in_ub(const LocalTensor<T>& dst, const LocalTensor<T>& src, std::uint32_t count, std::uint32_t blocks,
                     std::uint32_t dst_gap, std::uint32_t src_gap, const Where& where) {
  alng::twin::VectorInstruction instruction("DataCopy", where);
  alng::twin::Shape shape;
  shape.lanes_per_repeat = shape.lanes.count = blocks * (32 / sizeof(T));
  shape.repeats = 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    alng::twin::Operand d = twin_operand(dst[i * (blocks + dst_gap) * (32 / sizeof(T))]);
    alng::twin::Operand s = twin_operand(src[i * (blocks + src_gap) * (32 / sizeof(T))]);
    instruction.reads(s, shape);
    instruction.writes(d, shape);
    std::copy_n(instruction.core().ub(s.offset), blocks * 32, instruction.core().ub(d.offset));
  }
  shape.repeats = (count * blocks + 7) / 8;
  instruction.end(shape, {1, 1, 24}, {});
}

inline void SetMaskCount() { alng::twin::Core::current().mask_counts = true; }
inline void SetMaskNorm() { alng::twin::Core::current().mask_counts = false; }
template <typename T, MaskMode mode = MaskMode::NORMAL>
void SetVectorMask(std::uint64_t maskHigh, std::uint64_t maskLow) {
  alng::twin::Core& core = alng::twin::Core::current();
  core.mask = {maskLow, maskHigh};
}
template <typename T, MaskMode mode = MaskMode::NORMAL>
void SetVectorMask(std::int32_t length) {
  alng::twin::Core& core = alng::twin::Core::current();
  const auto lanes = static_cast<std::uint64_t>(length);
  if constexpr (mode == MaskMode::COUNTER) {
    core.mask = {lanes, 0};
  } else {
    for (std::uint64_t i = 0; i < 2; ++i) {
      const std::uint64_t of_word = lanes > i * 64 ? std::min<std::uint64_t>(lanes - i * 64, 64) : 0;
      core.mask[i] = of_word == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << of_word) - 1;
    }
  }
}
inline void ResetMask() { alng::twin::Core::current().mask = {~std::uint64_t{0}, ~std::uint64_t{0}}; }

}  // namespace AscendC
// NOLINTEND(readability-identifier-naming, cppcoreguidelines-macro-usage, bugprone-macro-parentheses)

#endif
