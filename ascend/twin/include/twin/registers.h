// The register level of architecture 3510: vector functions over registers of 256 bytes.
#ifndef ALNG_ASCEND_TWIN_REGISTERS_H
#define ALNG_ASCEND_TWIN_REGISTERS_H

#include <algorithm>
#include <cstring>

#include "machine/vector_function.h"
#include "twin/arithmetic.h"

// NOLINTBEGIN(readability-identifier-naming, cppcoreguidelines-macro-usage): CANN's names.

#define __VEC_SCOPE__ if (const ::alng::twin::VectorFunction twin_function(::alng::twin::Where::current()); true)
#define __simd_callee__
#define __simd_vf__

namespace AscendC {
namespace Reg {

using AscendC::ReduceType;
using AscendC::RoundMode;

enum class MaskPattern : std::uint8_t { ALL, VL1, VL2, VL3, VL4, VL8, VL16, VL32, VL64, VL128, H, Q, ALLF };
enum class LoadDist : std::uint8_t { DIST_NORM, DIST_UNPACK_B16, DIST_BRC_B32, DIST_BRC_B16 };
enum class StoreDist : std::uint8_t {
  DIST_NORM,
  DIST_NORM_B16,
  DIST_NORM_B32,
  DIST_PACK_B32,
  DIST_FIRST_ELEMENT_B16,
  DIST_FIRST_ELEMENT_B32
};
enum class RegLayout : std::uint8_t { ZERO, ONE };
enum class SatMode : std::uint8_t { NO_SAT, SAT, UNKNOWN };
enum class MaskMergeMode : std::uint8_t { ZEROING, MERGING, UNKNOWN };
enum class PostLiteral : std::uint8_t { POST_MODE_NORMAL, POST_MODE_UPDATE };
enum class MemType : std::uint8_t { VEC_STORE, VEC_LOAD, VEC_ALL, SCALAR_STORE, SCALAR_LOAD, SCALAR_ALL };
enum class HighLowPart : std::uint8_t { LOWEST, HIGHEST };

struct CastTrait {
  RegLayout layoutMode = RegLayout::ZERO;
  SatMode satMode = SatMode::UNKNOWN;
  MaskMergeMode mrgMode = MaskMergeMode::ZEROING;
  RoundMode roundMode = RoundMode::CAST_NONE;
};

inline constexpr std::uint32_t twin_register_bytes = 256;

/// The first so many bytes are on; in lanes, those divided by the element's size.
struct MaskReg {
  std::uint32_t bytes = 0;
  template <typename T>
  std::uint32_t lanes() const {
    return bytes / std::uint32_t{sizeof(T)};
  }
};

template <typename T>
class RegTensor {
 public:
  using ActualT = T;
  static constexpr std::uint32_t lanes = twin_register_bytes / sizeof(T);

  RegTensor() { alng::twin::VectorFunction::count_registers(1); }
  ~RegTensor() { alng::twin::VectorFunction::count_registers(-1); }
  RegTensor(const RegTensor&) = delete;
  RegTensor& operator=(const RegTensor&) = delete;

  T* data() { return reinterpret_cast<T*>(bytes); }
  const T* data() const { return reinterpret_cast<const T*>(bytes); }

  alignas(64) std::byte bytes[twin_register_bytes];
  /// Bytes from the start that hold something; the others are what nobody wrote, in UB or here.
  std::uint32_t defined = 0;
  double ready = 0;
};

struct UnalignRegForLoad {
  const void* prepared = nullptr;
};
struct UnalignRegForStore {
  bool pending = false;
};
struct AddrReg {
  std::uint32_t elements = 0;
};

template <typename T, MaskPattern pattern = MaskPattern::ALL>
MaskReg CreateMask() {
  constexpr std::uint32_t all = twin_register_bytes / sizeof(T);
  constexpr std::uint32_t lanes = pattern == MaskPattern::ALL     ? all
                                  : pattern == MaskPattern::VL1   ? 1
                                  : pattern == MaskPattern::VL2   ? 2
                                  : pattern == MaskPattern::VL3   ? 3
                                  : pattern == MaskPattern::VL4   ? 4
                                  : pattern == MaskPattern::VL8   ? 8
                                  : pattern == MaskPattern::VL16  ? 16
                                  : pattern == MaskPattern::VL32  ? 32
                                  : pattern == MaskPattern::VL64  ? 64
                                  : pattern == MaskPattern::VL128 ? 128
                                  : pattern == MaskPattern::H     ? all / 2
                                  : pattern == MaskPattern::Q     ? all / 4
                                                                  : 0;
  return {std::min(lanes, all) * std::uint32_t{sizeof(T)}};
}

/// The next lanes of `remaining` elements, which become so many fewer.
template <typename T>
MaskReg UpdateMask(std::uint32_t& remaining) {
  const std::uint32_t lanes = std::min<std::uint32_t>(remaining, twin_register_bytes / sizeof(T));
  remaining -= lanes;
  return {lanes * std::uint32_t{sizeof(T)}};
}

// Arithmetic. `defined` stays a prefix: lanes that are off become 0, so a register is wholly defined where all lanes
// that are on are.
template <typename D>
void twin_result(RegTensor<D>& dst, const MaskReg& mask, std::uint32_t defined, double ready, bool merging = false) {
  const std::uint32_t before = merging ? dst.defined : twin_register_bytes;
  dst.defined = mask.bytes <= defined ? (mask.bytes == twin_register_bytes ? twin_register_bytes : before)
                                      : std::min(defined, before);
  dst.ready = ready;
}

template <MaskMergeMode mode, typename D, typename F>
void twin_lanes_of(RegTensor<D>& dst, const MaskReg& mask, F f) {
  const std::uint32_t lanes = mask.lanes<D>();
  D* out = dst.data();
  if (lanes == RegTensor<D>::lanes) {
    for (std::uint32_t i = 0; i < RegTensor<D>::lanes; ++i) out[i] = f(i);
    return;
  }
  for (std::uint32_t i = 0; i < lanes; ++i) out[i] = f(i);
  if (mode == MaskMergeMode::ZEROING) std::fill(out + lanes, out + RegTensor<D>::lanes, D(0.0f));
}

// ALU results are forwarded to the next instruction after 4 cycles; written back they take 7 to 8.
inline constexpr double twin_latency = 4;
// Division, square root and exponential: 16 elements a cycle.
inline constexpr double twin_slow_latency = 16;
inline constexpr double twin_slow_cycles = 4;
inline constexpr double twin_reduce_latency = 22;

#define ALNG_TWIN_REGISTER_BINARY(Name, latency, cycles, expression)                                                  \
  template <typename T = void, MaskMergeMode mode = MaskMergeMode::ZEROING, typename U>                               \
  void Name(RegTensor<U>& dst, RegTensor<U>& src0, RegTensor<U>& src1, MaskReg& mask,                                 \
            const Where where = Where::current()) {                                                                   \
    auto& function = alng::twin::VectorFunction::current(#Name, where);                                               \
    twin_lanes_of<mode>(dst, mask, [x = src0.data(), y = src1.data()](std::uint32_t i) {                              \
      const auto a = twin_widen(x[i]);                                                                                \
      const auto b = twin_widen(y[i]);                                                                                \
      return twin_narrow<U>(expression);                                                                              \
    });                                                                                                               \
    twin_result(dst, mask, std::min(src0.defined, src1.defined),                                                      \
                function.compute(std::max(src0.ready, src1.ready), latency, cycles), mode == MaskMergeMode::MERGING); \
  }

ALNG_TWIN_REGISTER_BINARY(Add, twin_latency, 0, a + b)
ALNG_TWIN_REGISTER_BINARY(Sub, twin_latency, 0, a - b)
ALNG_TWIN_REGISTER_BINARY(Mul, twin_latency, 0, a* b)
ALNG_TWIN_REGISTER_BINARY(Div, twin_slow_latency, twin_slow_cycles, a / b)
ALNG_TWIN_REGISTER_BINARY(Max, twin_latency, 0, std::max(a, b))
ALNG_TWIN_REGISTER_BINARY(Min, twin_latency, 0, std::min(a, b))
#undef ALNG_TWIN_REGISTER_BINARY

#define ALNG_TWIN_REGISTER_UNARY(Name, latency, cycles, expression)                                                    \
  template <typename T = void, MaskMergeMode mode = MaskMergeMode::ZEROING, typename U>                                \
  void Name(RegTensor<U>& dst, RegTensor<U>& src, MaskReg& mask, const Where where = Where::current()) {               \
    auto& function = alng::twin::VectorFunction::current(#Name, where);                                                \
    twin_lanes_of<mode>(dst, mask, [x = src.data()](std::uint32_t i) {                                                 \
      const auto a = twin_widen(x[i]);                                                                                 \
      return twin_narrow<U>(expression);                                                                               \
    });                                                                                                                \
    twin_result(dst, mask, src.defined, function.compute(src.ready, latency, cycles), mode == MaskMergeMode::MERGING); \
  }

ALNG_TWIN_REGISTER_UNARY(Neg, twin_latency, 0, -a)
ALNG_TWIN_REGISTER_UNARY(Abs, twin_latency, 0, a < 0 ? -a : a)
ALNG_TWIN_REGISTER_UNARY(Relu, twin_latency, 0, a > 0 ? a : 0)
ALNG_TWIN_REGISTER_UNARY(Sqrt, twin_slow_latency, twin_slow_cycles, std::sqrt(a))
ALNG_TWIN_REGISTER_UNARY(Exp, twin_slow_latency, twin_slow_cycles, std::exp(a))
#undef ALNG_TWIN_REGISTER_UNARY

#define ALNG_TWIN_REGISTER_SCALAR(Name, expression)                                                                 \
  template <typename T = void, MaskMergeMode mode = MaskMergeMode::ZEROING, typename U>                             \
  void Name(RegTensor<U>& dst, RegTensor<U>& src, U scalar, MaskReg& mask, const Where where = Where::current()) {  \
    auto& function = alng::twin::VectorFunction::current(#Name, where);                                             \
    twin_lanes_of<mode>(dst, mask, [x = src.data(), s = twin_widen(scalar)](std::uint32_t i) {                      \
      const auto a = twin_widen(x[i]);                                                                              \
      return twin_narrow<U>(expression);                                                                            \
    });                                                                                                             \
    twin_result(dst, mask, src.defined, function.compute(src.ready, twin_latency), mode == MaskMergeMode::MERGING); \
  }

ALNG_TWIN_REGISTER_SCALAR(Adds, a + s)
ALNG_TWIN_REGISTER_SCALAR(Muls, a* s)
ALNG_TWIN_REGISTER_SCALAR(Maxs, std::max(a, s))
ALNG_TWIN_REGISTER_SCALAR(Mins, std::min(a, s))
#undef ALNG_TWIN_REGISTER_SCALAR

template <typename U, typename F>
void twin_register_multiply_add(const char* name, RegTensor<U>& dst, const RegTensor<U>& src0, const RegTensor<U>& src1,
                                const MaskReg& mask, F f, const Where& where) {
  auto& function = alng::twin::VectorFunction::current(name, where);
  const std::uint32_t defined = std::min({dst.defined, src0.defined, src1.defined});
  const double ready = std::max({dst.ready, src0.ready, src1.ready});
  twin_lanes_of<MaskMergeMode::ZEROING>(
      dst, mask, [d = dst.data(), x = src0.data(), y = src1.data(), f](std::uint32_t i) {
        return twin_narrow<U>(f(twin_widen(d[i]), twin_widen(x[i]), twin_widen(y[i])));
      });
  twin_result(dst, mask, defined, function.compute(ready, twin_latency));
}

/// dst += src0 * src1.
template <typename T = void, MaskMergeMode mode = MaskMergeMode::ZEROING, typename U>
void MulAddDst(RegTensor<U>& dst, RegTensor<U>& src0, RegTensor<U>& src1, MaskReg& mask,
               const Where where = Where::current()) {
  twin_register_multiply_add(
      "MulAddDst", dst, src0, src1, mask, [](auto d, auto a, auto b) { return twin_multiply_add(a, b, d); }, where);
}
/// dst = dst * src0 + src1.
template <typename T = void, MaskMergeMode mode = MaskMergeMode::ZEROING, typename U>
void MulDstAdd(RegTensor<U>& dst, RegTensor<U>& src0, RegTensor<U>& src1, MaskReg& mask,
               const Where where = Where::current()) {
  twin_register_multiply_add(
      "MulDstAdd", dst, src0, src1, mask, [](auto d, auto a, auto b) { return twin_multiply_add(d, a, b); }, where);
}
/// dst += scalar * src.
template <typename T = void, MaskMergeMode mode = MaskMergeMode::ZEROING, typename U>
void Axpy(RegTensor<U>& dst, RegTensor<U>& src, U scalar, MaskReg& mask, const Where where = Where::current()) {
  const float s = static_cast<float>(scalar);
  twin_register_multiply_add(
      "Axpy", dst, src, src, mask, [s](auto d, auto a, auto) { return twin_multiply_add(a, s, d); }, where);
}

template <typename T = void, typename U>
void Duplicate(RegTensor<U>& dst, U scalar, MaskReg& mask, const Where where = Where::current()) {
  auto& function = alng::twin::VectorFunction::current("Duplicate", where);
  twin_lanes_of<MaskMergeMode::ZEROING>(dst, mask, [value = scalar](std::uint32_t) { return value; });
  twin_result(dst, mask, twin_register_bytes, function.compute(0, twin_latency));
}
template <typename T = void, typename U>
void Duplicate(RegTensor<U>& dst, U scalar, const Where where = Where::current()) {
  MaskReg all = CreateMask<U>();
  Duplicate(dst, scalar, all, where);
}
/// Every lane becomes the source's lowest (or highest).
template <typename T = void, HighLowPart part = HighLowPart::LOWEST, typename U>
void Duplicate(RegTensor<U>& dst, RegTensor<U>& src, MaskReg& mask, const Where where = Where::current()) {
  auto& function = alng::twin::VectorFunction::current("Duplicate", where);
  constexpr std::uint32_t lane = part == HighLowPart::LOWEST ? 0 : RegTensor<U>::lanes - 1;
  const bool defined = (lane + 1) * sizeof(U) <= src.defined;
  twin_lanes_of<MaskMergeMode::ZEROING>(dst, mask, [value = src.data()[lane]](std::uint32_t) { return value; });
  twin_result(dst, mask, defined ? twin_register_bytes : 0, function.compute(src.ready, twin_latency));
}

template <typename T = void, MaskMergeMode mode = MaskMergeMode::ZEROING, typename U>
void Copy(RegTensor<U>& dst, RegTensor<U>& src, MaskReg& mask, const Where where = Where::current()) {
  auto& function = alng::twin::VectorFunction::current("Copy", where);
  twin_lanes_of<mode>(dst, mask, [x = src.data()](std::uint32_t i) { return x[i]; });
  twin_result(dst, mask, src.defined, function.compute(src.ready, twin_latency), mode == MaskMergeMode::MERGING);
}
template <typename U>
void Copy(RegTensor<U>& dst, RegTensor<U>& src, const Where where = Where::current()) {
  MaskReg all = CreateMask<U>();
  Copy(dst, src, all, where);
}

/// Between 16 and 32 bits the 16-bit elements are every second one: the lower or the upper half of each 32-bit lane.
template <typename D, typename A, const CastTrait& trait>
void Cast(RegTensor<D>& dst, RegTensor<A>& src, MaskReg& mask, const Where where = Where::current()) {
  auto& function = alng::twin::VectorFunction::current("Cast", where);
  constexpr std::uint32_t part = trait.layoutMode == RegLayout::ONE ? 1 : 0;
  if constexpr (sizeof(D) == sizeof(A)) {
    twin_lanes_of<MaskMergeMode::ZEROING>(
        dst, mask, [x = src.data()](std::uint32_t i) { return twin_converted<D>(x[i], trait.roundMode); });
  } else {
    if (const char* why = twin_refused_round_mode<D, A>(trait.roundMode)) {
      function.core().give_up(alng::twin::Check::argument, where, std::string("Cast ") + why);
    }
    const std::uint32_t lanes = mask.bytes / 4;
    if constexpr (sizeof(D) > sizeof(A)) {
      twin_lanes_of<MaskMergeMode::ZEROING>(dst, mask, [x = src.data()](std::uint32_t i) {
        return twin_converted<D>(x[2 * i + part], RoundMode::CAST_NONE);
      });
    } else {
      D out[RegTensor<D>::lanes] = {};
      for (std::uint32_t i = 0; i < lanes; ++i) out[2 * i + part] = twin_converted<D>(src.data()[i], trait.roundMode);
      std::memcpy(dst.bytes, out, sizeof out);
    }
  }
  twin_result(dst, mask, src.defined, function.compute(src.ready, twin_latency));
}

template <typename U>
void twin_register_reduce(const char* name, RegTensor<U>& dst, const RegTensor<U>& src, const MaskReg& mask,
                          std::uint32_t group, const Where& where) {
  auto& function = alng::twin::VectorFunction::current(name, where);
  if (mask.bytes > src.defined) {
    function.core().find(alng::twin::Check::unwritten, where,
                         std::string(name) + " of lanes that hold what nobody wrote: byte " +
                             std::to_string(src.defined) + " of the register and on");
  }
  float tree[RegTensor<U>::lanes];
  const std::uint32_t lanes = mask.lanes<U>();
  for (std::uint32_t i = 0; i < RegTensor<U>::lanes; ++i) tree[i] = i < lanes ? twin_widen(src.data()[i]) : 0.0f;
  for (std::uint32_t width = 1; width < group; width *= 2) {
    for (std::uint32_t i = 0; i + width < RegTensor<U>::lanes; i += 2 * width) tree[i] += tree[i + width];
  }
  std::fill_n(dst.data(), RegTensor<U>::lanes, U(0.0f));
  for (std::uint32_t i = 0; i * group < RegTensor<U>::lanes; ++i) dst.data()[i] = twin_narrow<U>(tree[i * group]);
  dst.defined = twin_register_bytes;
  dst.ready = function.compute(src.ready, twin_reduce_latency, 1);
}

/// The sum of the lanes that are on, in lane 0; 0 elsewhere.
template <ReduceType type, typename U>
void Reduce(RegTensor<U>& dst, RegTensor<U>& src, MaskReg& mask, const Where where = Where::current()) {
  static_assert(type == ReduceType::SUM, "the twin reduces to sums");
  twin_register_reduce("Reduce", dst, src, mask, RegTensor<U>::lanes, where);
}
template <typename T = void, typename U>
void ReduceSum(RegTensor<U>& dst, RegTensor<U>& src, MaskReg& mask, const Where where = Where::current()) {
  twin_register_reduce("ReduceSum", dst, src, mask, RegTensor<U>::lanes, where);
}
/// The sum of each 32 bytes, in the first eight lanes.
template <ReduceType type, typename U>
void ReduceDataBlock(RegTensor<U>& dst, RegTensor<U>& src, MaskReg& mask, const Where where = Where::current()) {
  static_assert(type == ReduceType::SUM, "the twin reduces to sums");
  twin_register_reduce("ReduceDataBlock", dst, src, mask, 32 / sizeof(U), where);
}

}  // namespace Reg

namespace MicroAPI = Reg;

}  // namespace AscendC
// NOLINTEND(readability-identifier-naming, cppcoreguidelines-macro-usage)

#include "twin/register_memory.h"

#endif
