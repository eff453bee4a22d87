// LocalTensor and GlobalTensor.
#ifndef ALNG_ASCEND_TWIN_TENSOR_H
#define ALNG_ASCEND_TWIN_TENSOR_H

#include "twin/types.h"

// NOLINTBEGIN(readability-identifier-naming): CANN's names.
namespace AscendC {

/// A place in UB: an offset, and the buffer that instructions given this tensor must stay in.
template <typename T>
class LocalTensor {
 public:
  using PrimType = T;

  LocalTensor() = default;
  LocalTensor(std::uint32_t offset, alng::twin::Core::Region region, TPosition position)
      : offset_(offset), region_(region), position_(position) {}
  /// A tensor at an address of its own, without TPipe.
  LocalTensor(TPosition position, std::uint32_t address, std::uint32_t elements, const Where where = Where::current())
      : offset_(address), region_{address, address + elements * std::uint32_t{sizeof(T)}}, position_(position) {
    alng::twin::Core& core = alng::twin::Core::current();
    if (region_.end > core.product().ub_usable) {
      core.find(alng::twin::Check::capacity, where,
                "a tensor ends at byte " + std::to_string(region_.end) + " of UB, of which " + core.product().title +
                    " has " + std::to_string(core.product().ub_usable));
    }
  }

  T GetValue(std::uint32_t index, const Where where = Where::current()) const {
    alng::twin::Core& core = alng::twin::Core::current();
    core.begin(alng::twin::Pipe::scalar, "GetValue", where);
    const std::uint32_t at = element(index, "GetValue", where);
    core.read(at, sizeof(T));
    core.end(1, 0);
    return *reinterpret_cast<const T*>(core.ub(at));
  }
  void SetValue(std::uint32_t index, T value, const Where where = Where::current()) const {
    alng::twin::Core& core = alng::twin::Core::current();
    core.begin(alng::twin::Pipe::scalar, "SetValue", where);
    const std::uint32_t at = element(index, "SetValue", where);
    core.write(at, sizeof(T));
    core.end(1, 0);
    *reinterpret_cast<T*>(core.ub(at)) = value;
  }
  LocalTensor operator[](std::uint32_t elements) const {
    LocalTensor moved = *this;
    moved.offset_ += elements * std::uint32_t{sizeof(T)};
    return moved;
  }
  template <typename U>
  LocalTensor<U> ReinterpretCast() const {
    return LocalTensor<U>(offset_, region_, position_);
  }
  __ubuf__ T* GetPhyAddr() const { return static_cast<T*>(alng::twin::Core::current().address_of(offset_)); }
  __ubuf__ T* GetPhyAddr(std::uint32_t elements) const { return (*this)[elements].GetPhyAddr(); }
  std::uint32_t GetSize() const { return (region_.end - offset_) / sizeof(T); }
  TPosition GetPosition() const { return position_; }

  std::uint32_t twin_offset() const { return offset_; }
  alng::twin::Core::Region twin_region() const { return region_; }

 private:
  std::uint32_t element(std::uint32_t index, const char* name, const Where& where) const {
    const std::uint64_t at = offset_ + std::uint64_t{index} * sizeof(T);
    if (at < region_.begin || at + sizeof(T) > region_.end) {
      alng::twin::Core::current().give_up(alng::twin::Check::buffer, where,
                                          std::string(name) + " of element " + std::to_string(index) +
                                              " leaves the tensor's buffer of " +
                                              std::to_string(region_.end - region_.begin) + " bytes");
    }
    return static_cast<std::uint32_t>(at);
  }

  std::uint32_t offset_ = 0;
  alng::twin::Core::Region region_{0, 0};
  TPosition position_ = TPosition::VECCALC;
};

template <typename T>
class GlobalTensor {
 public:
  using PrimType = T;

  void SetGlobalBuffer(__gm__ T* address, std::uint64_t = 0) { address_ = address; }
  GlobalTensor operator[](std::uint64_t elements) const {
    GlobalTensor moved;
    moved.address_ = address_ + elements;
    return moved;
  }
  T GetValue(std::uint64_t index, const Where where = Where::current()) const {
    alng::twin::Core& core = alng::twin::Core::current();
    core.begin(alng::twin::Pipe::scalar, "GetValue", where);
    core.read_global(address_ + index, sizeof(T));
    core.end(100, 0);
    return address_[index];
  }
  void SetValue(std::uint64_t index, T value, const Where where = Where::current()) const {
    alng::twin::Core& core = alng::twin::Core::current();
    core.begin(alng::twin::Pipe::scalar, "SetValue", where);
    core.write_global(address_ + index, sizeof(T), false);
    core.end(100, 0);
    address_[index] = value;
  }
  const __gm__ T* GetPhyAddr() const { return address_; }
  __gm__ T* GetPhyAddr(std::uint64_t elements) const { return address_ + elements; }
  void SetL2CacheHint(CacheMode) {}

 private:
  T* address_ = nullptr;
};

}  // namespace AscendC
// NOLINTEND(readability-identifier-naming)

#endif
