// Reductions and broadcasts across lanes. The old names and the new ones (CANN 9.1) take the same arguments in
// different order.
#ifndef ALNG_ASCEND_TWIN_REDUCE_H
#define ALNG_ASCEND_TWIN_REDUCE_H

#include "twin/vector.h"

// NOLINTBEGIN(readability-identifier-naming, cppcoreguidelines-macro-usage): CANN's names.
namespace AscendC {

/// Sum of the lanes that are on among `lanes` of them, in pairs: neighbours first. Lanes that are off count nothing.
template <typename T>
T twin_sum(const alng::twin::Operand& operand, std::uint32_t repeat, std::uint32_t first, std::uint32_t lanes,
           const alng::twin::Lanes& on) {
  float tree[128];
  const alng::twin::Core& core = alng::twin::Core::current();
  for (std::uint32_t i = 0; i < lanes; ++i) {
    tree[i] = on.on(first + i) ? twin_widen(*reinterpret_cast<const T*>(
                                     const_cast<alng::twin::Core&>(core).ub(operand.at(repeat, first + i))))
                               : 0.0f;
  }
  for (std::uint32_t n = lanes; n > 1; n /= 2) {
    for (std::uint32_t i = 0; i < n / 2; ++i) tree[i] = twin_widen(twin_narrow<T>(tree[2 * i] + tree[2 * i + 1]));
  }
  return twin_narrow<T>(tree[0]);
}

/// One sum for every `lanes` lanes: a block or a whole repeat. Sums of one repeat lie next to each other.
template <typename T>
void twin_reduce(const char* name, const alng::twin::Cost& cost, const LocalTensor<T>& dst, const LocalTensor<T>& src,
                 alng::twin::Shape shape, std::uint32_t lanes, std::uint64_t dst_step, std::uint32_t dst_alignment,
                 std::uint32_t block_stride, std::uint32_t repeat_stride, const Where& where) {
  alng::twin::VectorInstruction instruction(name, where);
  const alng::twin::Operand s = twin_operand(src, block_stride, repeat_stride);
  instruction.reads(s, shape);
  const std::uint32_t sums = shape.lanes_per_repeat / lanes;
  alng::twin::Shape out;
  out.lanes_per_repeat = out.lanes.count = sums;
  out.repeats = 1;
  std::vector<T> results(sums);
  for (std::uint32_t r = 0; r < shape.all_repeats(); ++r) {
    alng::twin::Lanes on = shape.lanes;
    if (r == shape.repeats) on.count = shape.tail;
    for (std::uint32_t i = 0; i < sums; ++i) results[i] = twin_sum<T>(s, r, i * lanes, lanes, on);
    alng::twin::Operand d = twin_operand(dst[static_cast<std::uint32_t>(r * dst_step)]);
    d.alignment = dst_alignment;
    instruction.writes(d, out);
    std::copy(results.begin(), results.end(), reinterpret_cast<T*>(instruction.core().ub(d.offset)));
  }
  instruction.end(shape, cost, {s}, false);
}

// vcadd: 7 cycles a repeat. vcgadd: 1.
inline constexpr alng::twin::Cost twin_repeat_cost{7, 7, 46, 6.25};
inline constexpr alng::twin::Cost twin_block_cost{1, 1, 38};

/// One sum for each repeat. `dstRepStride` in elements.
#define ALNG_TWIN_WHOLE_REDUCE_SUM(Mask)                                                                        \
  template <typename T, bool isSetMask = true>                                                                  \
  void WholeReduceSum(const LocalTensor<T>& dst, const LocalTensor<T>& src, Mask, std::int32_t repeatTime,      \
                      std::int32_t dstRepStride, std::int32_t srcBlkStride, std::int32_t srcRepStride,          \
                      const Where where = Where::current()) {                                                   \
    twin_reduce("WholeReduceSum", twin_repeat_cost, dst, src,                                                   \
                twin_shape<isSetMask>(twin_lanes<T>, mask, repeatTime, "WholeReduceSum", where), twin_lanes<T>, \
                static_cast<std::uint64_t>(dstRepStride), sizeof(T), static_cast<std::uint32_t>(srcBlkStride),  \
                static_cast<std::uint32_t>(srcRepStride), where);                                               \
  }
ALNG_TWIN_WHOLE_REDUCE_SUM(std::int32_t mask)
ALNG_TWIN_WHOLE_REDUCE_SUM(const std::uint64_t mask[])
#undef ALNG_TWIN_WHOLE_REDUCE_SUM

/// One sum for each block: 8 a repeat. `dstRepStride` in 8 elements. Note where the mask is.
#define ALNG_TWIN_BLOCK_REDUCE_SUM(Mask)                                                                               \
  template <typename T, bool isSetMask = true>                                                                         \
  void BlockReduceSum(const LocalTensor<T>& dst, const LocalTensor<T>& src, std::int32_t repeatTime, Mask,             \
                      std::int32_t dstRepStride, std::int32_t srcBlkStride, std::int32_t srcRepStride,                 \
                      const Where where = Where::current()) {                                                          \
    twin_reduce("BlockReduceSum", twin_block_cost, dst, src,                                                           \
                twin_shape<isSetMask>(twin_lanes<T>, mask, repeatTime, "BlockReduceSum", where), 32 / sizeof(T),       \
                static_cast<std::uint64_t>(dstRepStride) * 8, 8 * sizeof(T), static_cast<std::uint32_t>(srcBlkStride), \
                static_cast<std::uint32_t>(srcRepStride), where);                                                      \
  }
ALNG_TWIN_BLOCK_REDUCE_SUM(std::int32_t mask)
ALNG_TWIN_BLOCK_REDUCE_SUM(const std::uint64_t mask[])
#undef ALNG_TWIN_BLOCK_REDUCE_SUM

#define ALNG_TWIN_REDUCE_REPEAT(Mask)                                                                          \
  template <ReduceType type, typename T, bool isSetMask = true>                                                \
  void ReduceRepeat(const LocalTensor<T>& dst, const LocalTensor<T>& src, Mask, std::int32_t repeatTime,       \
                    std::int32_t dstRepStride, std::int32_t srcBlkStride, std::int32_t srcRepStride,           \
                    const Where where = Where::current()) {                                                    \
    static_assert(type == ReduceType::SUM, "the twin reduces to sums");                                        \
    twin_reduce("ReduceRepeat", twin_repeat_cost, dst, src,                                                    \
                twin_shape<isSetMask>(twin_lanes<T>, mask, repeatTime, "ReduceRepeat", where), twin_lanes<T>,  \
                static_cast<std::uint64_t>(dstRepStride), sizeof(T), static_cast<std::uint32_t>(srcBlkStride), \
                static_cast<std::uint32_t>(srcRepStride), where);                                              \
  }
ALNG_TWIN_REDUCE_REPEAT(std::int32_t mask)
ALNG_TWIN_REDUCE_REPEAT(const std::uint64_t mask[])
#undef ALNG_TWIN_REDUCE_REPEAT

#define ALNG_TWIN_REDUCE_DATA_BLOCK(Mask)                                                                              \
  template <ReduceType type, typename T, bool isSetMask = true>                                                        \
  void ReduceDataBlock(const LocalTensor<T>& dst, const LocalTensor<T>& src, Mask, std::int32_t repeatTime,            \
                       std::int32_t dstRepStride, std::int32_t srcBlkStride, std::int32_t srcRepStride,                \
                       const Where where = Where::current()) {                                                         \
    static_assert(type == ReduceType::SUM, "the twin reduces to sums");                                                \
    twin_reduce("ReduceDataBlock", twin_block_cost, dst, src,                                                          \
                twin_shape<isSetMask>(twin_lanes<T>, mask, repeatTime, "ReduceDataBlock", where), 32 / sizeof(T),      \
                static_cast<std::uint64_t>(dstRepStride) * 8, 8 * sizeof(T), static_cast<std::uint32_t>(srcBlkStride), \
                static_cast<std::uint32_t>(srcRepStride), where);                                                      \
  }
ALNG_TWIN_REDUCE_DATA_BLOCK(std::int32_t mask)
ALNG_TWIN_REDUCE_DATA_BLOCK(const std::uint64_t mask[])
#undef ALNG_TWIN_REDUCE_DATA_BLOCK

/// The sum of `count` elements, in dst's first; `work` takes the sums of the repeats on the way. As many instructions
/// as it takes to come down to one.
template <typename T>
void ReduceSum(const LocalTensor<T>& dst, const LocalTensor<T>& src, const LocalTensor<T>& work, std::int32_t count,
               const Where where = Where::current()) {
  alng::twin::Core& core = alng::twin::Core::current();
  constexpr std::uint32_t lanes = twin_lanes<T>;
  LocalTensor<T> from = src;
  auto left = static_cast<std::uint32_t>(count);
  while (true) {
    const bool last = left <= lanes;
    const LocalTensor<T>& to = last ? dst : work;
    twin_reduce("ReduceSum", twin_repeat_cost, to, from, alng::twin::counted(lanes, left, "ReduceSum", where), lanes, 1,
                sizeof(T), 1, 8, where);
    if (last) return;
    core.pipe_barrier(alng::twin::Pipe::vector, where);
    left = (left + lanes - 1) / lanes;
    from = work;
  }
}

/// Eight elements to eight blocks, in each repeat.
template <typename T>
void Brcb(const LocalTensor<T>& dst, const LocalTensor<T>& src, std::uint8_t repeatTime, const BrcbRepeatParams& params,
          const Where where = Where::current()) {
  constexpr std::uint32_t per_block = 32 / sizeof(T);
  alng::twin::Shape shape = alng::twin::masked(8 * per_block, std::uint64_t{8} * per_block, repeatTime, "Brcb", where);
  alng::twin::VectorInstruction instruction("Brcb", where);
  alng::twin::Shape in = shape;
  in.lanes_per_repeat = in.lanes.count = static_cast<std::uint32_t>(8 * repeatTime);
  in.repeats = 1;
  const alng::twin::Operand s = twin_operand(src);
  const alng::twin::Operand d = twin_operand(dst, params.dstBlkStride, params.dstRepStride);
  instruction.reads(s, in);
  std::vector<T> values(twin_pointer(src), twin_pointer(src) + 8 * repeatTime);
  instruction.writes(d, shape);
  for (std::uint32_t r = 0; r < shape.repeats; ++r) {
    for (std::uint32_t k = 0; k < 8; ++k) {
      std::fill_n(reinterpret_cast<T*>(instruction.core().ub(d.at(r, k * per_block))), per_block, values[r * 8 + k]);
    }
  }
  instruction.end(shape, {1, 1, 17}, {});
}

}  // namespace AscendC
// NOLINTEND(readability-identifier-naming, cppcoreguidelines-macro-usage)

#endif
