// DMA between global memory and UB, and copies within UB.
#ifndef ALNG_ASCEND_TWIN_COPY_H
#define ALNG_ASCEND_TWIN_COPY_H

#include <cstring>

#include "machine/dma.h"
#include "twin/events.h"
#include "twin/tensor.h"
#include "twin/vector.h"

// NOLINTBEGIN(readability-identifier-naming): CANN's names.
namespace AscendC {

template <typename T>
alng::twin::AtomicType twin_atomic_type() {
  if constexpr (std::is_same_v<T, float>) return alng::twin::AtomicType::float32;
  if constexpr (std::is_same_v<T, std::int32_t>) return alng::twin::AtomicType::int32;
  return alng::twin::AtomicType::none;
}

template <typename T>
alng::twin::Dma twin_dma(const char* name, const LocalTensor<T>& ub, const GlobalTensor<T>& global) {
  return {.ub = ub.twin_offset(),
          .region = ub.twin_region(),
          .global = const_cast<std::byte*>(reinterpret_cast<const std::byte*>(global.GetPhyAddr())),
          .element = sizeof(T),
          .atomic = twin_atomic_type<T>(),
          .name = name};
}

template <typename T>
void DataCopy(const LocalTensor<T>& dst, const GlobalTensor<T>& src, const DataCopyParams& params,
              const Where where = Where::current()) {
  alng::twin::Dma dma = twin_dma("DataCopy", dst, src);
  dma.set_blocks(params.blockCount, params.blockLen, params.srcStride, params.dstStride);
  alng::twin::load(dma, where);
}

template <typename T>
void DataCopy(const GlobalTensor<T>& dst, const LocalTensor<T>& src, const DataCopyParams& params,
              const Where where = Where::current()) {
  alng::twin::Dma dma = twin_dma("DataCopy", src, dst);
  dma.set_blocks(params.blockCount, params.blockLen, params.dstStride, params.srcStride);
  alng::twin::store(dma, where);
}

template <typename T>
void DataCopy(const LocalTensor<T>& dst, const GlobalTensor<T>& src, std::uint32_t count,
              const Where where = Where::current()) {
  alng::twin::Dma dma = twin_dma("DataCopy", dst, src);
  dma.set_count(std::uint64_t{count} * sizeof(T));
  alng::twin::load(dma, where);
}

template <typename T>
void DataCopy(const GlobalTensor<T>& dst, const LocalTensor<T>& src, std::uint32_t count,
              const Where where = Where::current()) {
  alng::twin::Dma dma = twin_dma("DataCopy", src, dst);
  dma.set_count(std::uint64_t{count} * sizeof(T));
  alng::twin::store(dma, where);
}

/// Within UB, on the vector pipe, in whole blocks.
template <typename T>
void DataCopy(const LocalTensor<T>& dst, const LocalTensor<T>& src, const DataCopyParams& params,
              const Where where = Where::current()) {
  twin_copy_in_ub(dst, src, params.blockCount, params.blockLen, params.dstStride, params.srcStride, where);
}

template <typename T>
void DataCopy(const LocalTensor<T>& dst, const LocalTensor<T>& src, std::uint32_t count,
              const Where where = Where::current()) {
  if (count * sizeof(T) % 32 != 0) {
    alng::twin::Core::current().find(
        alng::twin::Check::length, where,
        "DataCopy of " + std::to_string(count * sizeof(T)) + " bytes: not a multiple of 32");
  }
  twin_copy_in_ub(dst, src, 1, static_cast<std::uint32_t>((count * sizeof(T) + 31) / 32), 0, 0, where);
}

template <typename T, PaddingMode mode = PaddingMode::Normal>
void DataCopyPad(const LocalTensor<T>& dst, const GlobalTensor<T>& src, const DataCopyExtParams& params,
                 const DataCopyPadExtParams<T>& pad, const Where where = Where::current()) {
  alng::twin::Dma dma = twin_dma("DataCopyPad", dst, src);
  dma.set_bytes(params.blockCount, params.blockLen, params.srcStride, params.dstStride);
  dma.compact = mode == PaddingMode::Compact;
  dma.pad = pad.isPad;
  dma.left = pad.leftPadding;
  dma.right = pad.rightPadding;
  std::memcpy(&dma.pad_value, &pad.paddingValue, sizeof(T));
  alng::twin::load(dma, where);
}

template <typename T>
void DataCopyPad(const LocalTensor<T>& dst, const GlobalTensor<T>& src, const DataCopyParams& params,
                 const DataCopyPadParams& pad, const Where where = Where::current()) {
  alng::twin::Dma dma = twin_dma("DataCopyPad", dst, src);
  dma.set_bytes(params.blockCount, params.blockLen, params.srcStride, params.dstStride);
  dma.pad = pad.isPad;
  dma.left = pad.leftPadding;
  dma.right = pad.rightPadding;
  dma.pad_value = pad.paddingValue;
  alng::twin::load(dma, where);
}

template <typename T, PaddingMode mode = PaddingMode::Normal>
void DataCopyPad(const GlobalTensor<T>& dst, const LocalTensor<T>& src, const DataCopyExtParams& params,
                 const Where where = Where::current()) {
  alng::twin::Dma dma = twin_dma("DataCopyPad", src, dst);
  dma.set_bytes(params.blockCount, params.blockLen, params.dstStride, params.srcStride);
  dma.compact = mode == PaddingMode::Compact;
  alng::twin::store(dma, where);
}

template <typename T>
void DataCopyPad(const GlobalTensor<T>& dst, const LocalTensor<T>& src, const DataCopyParams& params,
                 const Where where = Where::current()) {
  alng::twin::Dma dma = twin_dma("DataCopyPad", src, dst);
  dma.set_bytes(params.blockCount, params.blockLen, params.dstStride, params.srcStride);
  alng::twin::store(dma, where);
}

template <typename T>
void SetAtomicAdd() {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, std::int32_t>, "the twin adds float and int32_t");
  alng::twin::Core::current().atomic_add = true;
}
inline void SetAtomicNone() { alng::twin::Core::current().atomic_add = false; }
inline void DisableDmaAtomic() { alng::twin::Core::current().atomic_add = false; }

}  // namespace AscendC
// NOLINTEND(readability-identifier-naming)

#endif
