// What vector instructions of 2201 have in common: repeats of 256 bytes, lanes switched by a mask, operands in blocks
// of 32 bytes with strides, and what they cost.
#ifndef ALNG_ASCEND_TWIN_MACHINE_VECTOR_INSTRUCTION_H
#define ALNG_ASCEND_TWIN_MACHINE_VECTOR_INSTRUCTION_H

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

#include "machine/core.h"

namespace alng::twin {

/// Which lanes of a repeat are on.
struct Lanes {
  std::uint32_t count = 0;  // the first so many, where `first`
  bool first = true;
  std::array<std::uint64_t, 2> bits{};
  bool on(std::uint32_t lane) const { return first ? lane < count : ((bits[lane / 64] >> (lane % 64)) & 1) != 0; }
};

/// `repeats` repeats with `lanes` and then, where `tail` is not 0, one with the first `tail` lanes.
struct Shape {
  Lanes lanes;
  std::uint32_t lanes_per_repeat = 64;
  std::uint32_t repeats = 0;
  std::uint32_t tail = 0;
  /// A number of elements instead of a mask.
  bool counted = false;

  std::uint32_t all_repeats() const { return repeats + (tail != 0 ? 1 : 0); }
};

/// Level 2: so many elements next to each other.
Shape counted(std::uint32_t lanes_per_repeat, std::int64_t count, const char* name, const Where& where);
/// Level 0: the first `mask` lanes, `repeats` times; in counter mode `mask` elements.
Shape masked(std::uint32_t lanes_per_repeat, std::uint64_t mask, std::int64_t repeats, const char* name,
             const Where& where);
Shape masked(std::uint32_t lanes_per_repeat, const std::uint64_t* mask, std::int64_t repeats, const char* name,
             const Where& where);
/// Level 0 without a mask of its own: what SetVectorMask said.
Shape preset(std::uint32_t lanes_per_repeat, std::int64_t repeats, const char* name, const Where& where);

struct Operand {
  std::uint32_t offset = 0;
  Core::Region region{0, 0};
  std::uint32_t size = 4;
  std::uint32_t block_stride = 1;   // in blocks
  std::uint32_t repeat_stride = 8;  // in blocks
  /// The address must be a multiple of this.
  std::uint32_t alignment = 32;

  std::uint32_t per_block() const { return 32 / size; }
  std::uint32_t at(std::uint32_t repeat, std::uint32_t lane) const {
    return offset + (repeat * repeat_stride + lane / per_block() * block_stride) * 32 + lane % per_block() * size;
  }
};

/// Cycles of a vector instruction of 2201: so many for each repeat, with operands in different and in the same bank
/// groups, and once for head and tail. Of 3510: for each repeat.
struct Cost {
  double slope, conflicting, fixed;
  double on_3510 = 1.25;  // measured for element-wise tile operations
};

class VectorInstruction {
 public:
  VectorInstruction(const char* name, const Where& where) : core_(Core::current()) {
    core_.begin(Pipe::vector, name, where);
  }

  Core& core() { return core_; }
  /// Looks at address, strides and extent, and notes the access to every lane that is on. False where functional
  /// execution would leave the buffer.
  void reads(const Operand& operand, const Shape& shape) { touch(operand, shape, false); }
  void writes(const Operand& operand, const Shape& shape) { touch(operand, shape, true); }
  /// Sources are compared for their bank groups.
  void end(const Shape& shape, const Cost& cost, std::initializer_list<Operand> sources, bool two_sources = true);

 private:
  void touch(const Operand& operand, const Shape& shape, bool write);
  void run(const Operand& operand, std::uint64_t offset, std::uint64_t bytes, bool write);
  void blocks(const Operand& operand, const Shape& shape, std::uint32_t repeat, bool tail, bool write);
  void check_operand(const Operand& operand, const Shape& shape, bool write);

  Core& core_;
};

/// Calls f(n, pointers...) for runs of n lanes that lie next to each other in all operands, in order.
template <class F, class... T>
void for_each_run(const Shape& shape, F f, std::pair<T*, const Operand*>... streams) {
  const bool dense = shape.lanes.first && ((streams.second->block_stride == 1) && ...);
  if (dense) {
    const std::uint32_t n = shape.lanes.count;
    if (((streams.second->repeat_stride * 32 == n * streams.second->size || shape.repeats <= 1) && ...) &&
        (shape.tail == 0 || shape.repeats == 0 ||
         ((streams.second->repeat_stride * 32 == n * streams.second->size) && ...))) {
      f(n * shape.repeats + shape.tail, streams.first...);
      return;
    }
    const auto moved = [](auto stream, std::uint32_t repeat) {
      return stream.first + repeat * stream.second->repeat_stride * (32 / stream.second->size);
    };
    for (std::uint32_t r = 0; r < shape.repeats; ++r) f(n, moved(streams, r)...);
    if (shape.tail != 0) f(shape.tail, moved(streams, shape.repeats)...);
    return;
  }
  const std::uint32_t step = std::min({streams.second->per_block()...});
  const auto lane_of = [](auto stream, std::uint32_t repeat, std::uint32_t lane) {
    const std::uint32_t per_block = stream.second->per_block();
    return stream.first +
           (repeat * stream.second->repeat_stride + lane / per_block * stream.second->block_stride) * per_block +
           lane % per_block;
  };
  for (std::uint32_t r = 0; r < shape.all_repeats(); ++r) {
    const bool tail = r == shape.repeats;
    const std::uint32_t lanes = tail ? shape.tail : shape.lanes.first ? shape.lanes.count : shape.lanes_per_repeat;
    for (std::uint32_t lane = 0; lane < lanes; lane += step) {
      const std::uint32_t n = std::min(step, lanes - lane);
      if (tail || shape.lanes.first) {
        f(n, lane_of(streams, r, lane)...);
        continue;
      }
      for (std::uint32_t k = lane; k < lane + n; ++k) {
        if (shape.lanes.on(k)) f(1u, lane_of(streams, r, k)...);
      }
    }
  }
}

}  // namespace alng::twin

#endif
