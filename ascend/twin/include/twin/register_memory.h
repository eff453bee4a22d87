// Loads and stores of registers, aligned and not.
#ifndef ALNG_ASCEND_TWIN_REGISTER_MEMORY_H
#define ALNG_ASCEND_TWIN_REGISTER_MEMORY_H

#include "twin/registers.h"

// NOLINTBEGIN(readability-identifier-naming): CANN's names.
namespace AscendC::Reg {

struct TwinLoaded {
  const std::byte* bytes;
  /// How many of them, from the start, somebody wrote: registers are loaded whole, and what lies behind a tail matters
  /// only where a lane of it is used.
  std::uint32_t defined;
};

inline TwinLoaded twin_load(const char* name, const void* address, std::uint32_t bytes, std::uint32_t alignment,
                            double& ready, const Where& where) {
  auto& function = alng::twin::VectorFunction::current(name, where);
  alng::twin::Core& core = function.core();
  const std::uint32_t offset = core.offset_of(address, where);
  if (offset % alignment != 0) {
    core.find(alng::twin::Check::alignment, where,
              std::string(name) + " at UB byte " + std::to_string(offset) + ": not a multiple of " +
                  std::to_string(alignment));
  }
  ready = function.loaded(offset, bytes);
  return {core.ub(offset), core.load(offset, bytes, name, where)};
}

template <typename T>
void twin_store(const char* name, const T* address, const std::byte* from, std::uint32_t bytes, std::uint32_t alignment,
                const RegTensor<T>& src, std::uint32_t needed, const Where& where) {
  auto& function = alng::twin::VectorFunction::current(name, where);
  alng::twin::Core& core = function.core();
  if (needed > src.defined) {
    core.find(alng::twin::Check::unwritten, where,
              std::string(name) + " of lanes that hold what nobody wrote: byte " + std::to_string(src.defined) +
                  " of the register and on");
  }
  if (bytes == 0) return;
  const std::uint32_t offset = core.offset_of(address, where);
  if (offset % alignment != 0) {
    core.find(alng::twin::Check::alignment, where,
              std::string(name) + " at UB byte " + std::to_string(offset) + ": not a multiple of " +
                  std::to_string(alignment));
  }
  core.store(offset, bytes, name, where);
  std::memcpy(core.ub(offset), from, bytes);
  function.stored(offset, bytes, src.ready);
}

template <typename T, LoadDist dist = LoadDist::DIST_NORM>
void LoadAlign(RegTensor<T>& dst, __ubuf__ const T* src, const Where where = Where::current()) {
  if constexpr (dist == LoadDist::DIST_NORM) {
    const TwinLoaded loaded = twin_load("LoadAlign", src, twin_register_bytes, 32, dst.ready, where);
    dst.defined = loaded.defined;
    std::memcpy(dst.bytes, loaded.bytes, loaded.defined);
  } else if constexpr (dist == LoadDist::DIST_UNPACK_B16) {
    static_assert(sizeof(T) == 2, "DIST_UNPACK_B16 takes 16-bit elements");
    const TwinLoaded loaded = twin_load("LoadAlign", src, twin_register_bytes / 2, 32, dst.ready, where);
    std::uint32_t lanes[twin_register_bytes / 4] = {};
    for (std::uint32_t i = 0; i < loaded.defined / 2; ++i) {
      std::uint16_t bits;
      std::memcpy(&bits, loaded.bytes + 2 * i, 2);
      lanes[i] = bits;
    }
    std::memcpy(dst.bytes, lanes, sizeof lanes);
    dst.defined = loaded.defined * 2;
  } else {
    static_assert(sizeof(T) == (dist == LoadDist::DIST_BRC_B32 ? 4 : 2),
                  "the element's size is that of the distribution");
    const TwinLoaded loaded = twin_load("LoadAlign", src, sizeof(T), sizeof(T), dst.ready, where);
    for (std::uint32_t i = 0; i < RegTensor<T>::lanes; ++i) {
      std::memcpy(dst.bytes + i * sizeof(T), loaded.bytes, sizeof(T));
    }
    dst.defined = loaded.defined == sizeof(T) ? twin_register_bytes : 0;
  }
}
template <typename T, PostLiteral post, LoadDist dist = LoadDist::DIST_NORM>
void LoadAlign(RegTensor<T>& dst, __ubuf__ T*& src, std::int32_t stride, const Where where = Where::current()) {
  LoadAlign<T, dist>(dst, src, where);
  if constexpr (post == PostLiteral::POST_MODE_UPDATE) src += stride;
}
template <typename T, LoadDist dist = LoadDist::DIST_NORM>
void LoadAlign(RegTensor<T>& dst, __ubuf__ const T* src, AddrReg offset, const Where where = Where::current()) {
  LoadAlign<T, dist>(dst, src + offset.elements, where);
}

template <typename T, StoreDist dist = StoreDist::DIST_NORM>
void StoreAlign(__ubuf__ T* dst, RegTensor<T>& src, MaskReg& mask, const Where where = Where::current()) {
  if constexpr (dist == StoreDist::DIST_PACK_B32) {
    static_assert(sizeof(T) <= 4, "DIST_PACK_B32 stores the lower half of each 32-bit lane");
    std::uint16_t packed[twin_register_bytes / 4];
    for (std::uint32_t i = 0; i < twin_register_bytes / 4; ++i) std::memcpy(&packed[i], src.bytes + 4 * i, 2);
    twin_store("StoreAlign", dst, reinterpret_cast<const std::byte*>(packed), mask.bytes / 2, 32, src, mask.bytes,
               where);
  } else if constexpr (dist == StoreDist::DIST_FIRST_ELEMENT_B32 || dist == StoreDist::DIST_FIRST_ELEMENT_B16) {
    constexpr std::uint32_t size = dist == StoreDist::DIST_FIRST_ELEMENT_B32 ? 4 : 2;
    twin_store("StoreAlign", dst, src.bytes, mask.bytes >= size ? size : 0, size, src, mask.bytes >= size ? size : 0,
               where);
  } else {
    twin_store("StoreAlign", dst, src.bytes, mask.bytes, 32, src, mask.bytes, where);
  }
}
template <typename T, PostLiteral post, StoreDist dist = StoreDist::DIST_NORM>
void StoreAlign(__ubuf__ T*& dst, RegTensor<T>& src, std::int32_t stride, MaskReg& mask,
                const Where where = Where::current()) {
  StoreAlign<T, dist>(dst, src, mask, where);
  if constexpr (post == PostLiteral::POST_MODE_UPDATE) dst += stride;
}
template <typename T, StoreDist dist = StoreDist::DIST_NORM>
void StoreAlign(__ubuf__ T* dst, RegTensor<T>& src, AddrReg offset, MaskReg& mask,
                const Where where = Where::current()) {
  StoreAlign<T, dist>(dst + offset.elements, src, mask, where);
}

// The names before LoadAlign and StoreAlign.
template <typename T, LoadDist dist = LoadDist::DIST_NORM>
void DataCopy(RegTensor<T>& dst, __ubuf__ const T* src, const Where where = Where::current()) {
  LoadAlign<T, dist>(dst, src, where);
}
template <typename T, PostLiteral post, LoadDist dist = LoadDist::DIST_NORM>
void DataCopy(RegTensor<T>& dst, __ubuf__ T*& src, std::int32_t stride, const Where where = Where::current()) {
  LoadAlign<T, post, dist>(dst, src, stride, where);
}
template <typename T, LoadDist dist = LoadDist::DIST_NORM>
void DataCopy(RegTensor<T>& dst, __ubuf__ const T* src, AddrReg offset, const Where where = Where::current()) {
  LoadAlign<T, dist>(dst, src, offset, where);
}
template <typename T, StoreDist dist = StoreDist::DIST_NORM>
void DataCopy(__ubuf__ T* dst, RegTensor<T>& src, MaskReg& mask, const Where where = Where::current()) {
  StoreAlign<T, dist>(dst, src, mask, where);
}
template <typename T, PostLiteral post, StoreDist dist = StoreDist::DIST_NORM>
void DataCopy(__ubuf__ T*& dst, RegTensor<T>& src, std::int32_t stride, MaskReg& mask,
              const Where where = Where::current()) {
  StoreAlign<T, post, dist>(dst, src, stride, mask, where);
}
template <typename T, StoreDist dist = StoreDist::DIST_NORM>
void DataCopy(__ubuf__ T* dst, RegTensor<T>& src, AddrReg offset, MaskReg& mask, const Where where = Where::current()) {
  StoreAlign<T, dist>(dst, src, offset, mask, where);
}

/// index * stride elements, of up to four nested loops.
template <typename T>
AddrReg CreateAddrReg(std::uint16_t index0, std::uint32_t stride0, std::uint16_t index1 = 0, std::uint32_t stride1 = 0,
                      std::uint16_t index2 = 0, std::uint32_t stride2 = 0, std::uint16_t index3 = 0,
                      std::uint32_t stride3 = 0) {
  return {index0 * stride0 + index1 * stride1 + index2 * stride2 + index3 * stride3};
}

/// The first block of an unaligned run of loads.
template <typename T>
void LoadUnAlignPre(UnalignRegForLoad& unaligned, __ubuf__ const T* src, const Where where = Where::current()) {
  alng::twin::VectorFunction::current("LoadUnAlignPre", where)
      .loaded(alng::twin::Core::current().offset_of(src, where) / 32 * 32, 32);
  unaligned.prepared = src;
}
template <typename T>
void twin_load_unaligned(RegTensor<T>& dst, UnalignRegForLoad& unaligned, const T* src, std::uint32_t advanced,
                         const Where& where) {
  if (unaligned.prepared != src) {
    alng::twin::Core::current().find(
        alng::twin::Check::vector_function, where,
        "LoadUnAlign of an address that neither LoadUnAlignPre nor the load before came to");
  }
  const TwinLoaded loaded = twin_load("LoadUnAlign", src, twin_register_bytes, sizeof(T), dst.ready, where);
  dst.defined = loaded.defined;
  std::memcpy(dst.bytes, loaded.bytes, loaded.defined);
  unaligned.prepared = src + advanced;
}
template <typename T>
void LoadUnAlign(RegTensor<T>& dst, UnalignRegForLoad& unaligned, __ubuf__ const T* src,
                 const Where where = Where::current()) {
  twin_load_unaligned(dst, unaligned, src, RegTensor<T>::lanes, where);
}
template <typename T, PostLiteral post = PostLiteral::POST_MODE_UPDATE>
void LoadUnAlign(RegTensor<T>& dst, UnalignRegForLoad& unaligned, __ubuf__ T*& src, std::uint32_t stride,
                 const Where where = Where::current()) {
  twin_load_unaligned(dst, unaligned, static_cast<const T*>(src), stride, where);
  src += stride;
}

/// The first `elements` lanes to any address, which moves on by as many. What ends within a block reaches UB with the
/// next store or with StoreUnAlignPost.
template <typename T, PostLiteral post = PostLiteral::POST_MODE_UPDATE>
void StoreUnAlign(__ubuf__ T*& dst, RegTensor<T>& src, UnalignRegForStore& unaligned, std::uint32_t elements,
                  const Where where = Where::current()) {
  const auto bytes = elements * std::uint32_t{sizeof(T)};
  twin_store("StoreUnAlign", dst, src.bytes, bytes, sizeof(T), src, bytes, where);
  if (!unaligned.pending) alng::twin::VectorFunction::current("StoreUnAlign", where).wait_for_flush(1);
  unaligned.pending = true;
  dst += elements;
}
template <typename T, PostLiteral post = PostLiteral::POST_MODE_UPDATE>
void StoreUnAlignPost(__ubuf__ T*&, UnalignRegForStore& unaligned, std::int32_t, const Where where = Where::current()) {
  if (unaligned.pending) alng::twin::VectorFunction::current("StoreUnAlignPost", where).wait_for_flush(-1);
  unaligned.pending = false;
}

/// What stands before it is in UB before what stands after it. Needed between a store and a load, or two stores, of the
/// same bytes.
template <MemType src, MemType dst>
void LocalMemBar(const Where where = Where::current()) {
  alng::twin::VectorFunction::current("LocalMemBar", where).barrier(where);
}

}  // namespace AscendC::Reg
// NOLINTEND(readability-identifier-naming)

#endif
