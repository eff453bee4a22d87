#include "machine/vector_instruction.h"

#include <bit>
#include <string>

namespace alng::twin {
namespace {

constexpr std::int64_t most_repeats = 255;
constexpr std::uint32_t widest_repeat_stride = 255;
constexpr std::uint32_t widest_block_stride = 65535;
// A Level 2 function with a number of elements that does not fill its last repeat.
constexpr double unaligned_count = 16;

void check_repeats(std::int64_t repeats, const char* name, const Where& where) {
  if (repeats > 0 && repeats <= most_repeats) return;
  Core::current().give_up(
      Check::repeat, where,
      std::string(name) + " with " + std::to_string(repeats) + " repeats: an instruction takes 1 to 255");
}

Shape of_count(std::uint32_t lanes_per_repeat, std::uint64_t count) {
  Shape shape;
  shape.lanes_per_repeat = lanes_per_repeat;
  shape.lanes.count = lanes_per_repeat;
  shape.repeats = static_cast<std::uint32_t>(count / lanes_per_repeat);
  shape.tail = static_cast<std::uint32_t>(count % lanes_per_repeat);
  shape.counted = true;
  return shape;
}

}  // namespace

Shape counted(std::uint32_t lanes_per_repeat, std::int64_t count, const char* name, const Where& where) {
  Core& core = Core::current();
  if (count <= 0) core.give_up(Check::length, where, std::string(name) + " of " + std::to_string(count) + " elements");
  // Level 2 functions leave the mask full and in normal mode.
  core.mask_counts = false;
  core.mask = {~std::uint64_t{0}, ~std::uint64_t{0}};
  return of_count(lanes_per_repeat, static_cast<std::uint64_t>(count));
}

Shape masked(std::uint32_t lanes_per_repeat, std::uint64_t mask, std::int64_t repeats, const char* name,
             const Where& where) {
  Core& core = Core::current();
  if (core.mask_counts) {
    core.mask = {mask, 0};
    return of_count(lanes_per_repeat, mask);
  }
  check_repeats(repeats, name, where);
  if (mask == 0 || mask > lanes_per_repeat) {
    core.give_up(Check::mask, where,
                 std::string(name) + " with a mask of " + std::to_string(mask) + " lanes: a repeat has 1 to " +
                     std::to_string(lanes_per_repeat));
  }
  Shape shape;
  shape.lanes_per_repeat = lanes_per_repeat;
  shape.lanes.count = static_cast<std::uint32_t>(mask);
  shape.repeats = static_cast<std::uint32_t>(repeats);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::uint64_t lanes = mask > i * 64 ? std::min<std::uint64_t>(mask - i * 64, 64) : 0;
    core.mask[i] = lanes == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << lanes) - 1;
  }
  return shape;
}

Shape masked(std::uint32_t lanes_per_repeat, const std::uint64_t* mask, std::int64_t repeats, const char* name,
             const Where& where) {
  Core& core = Core::current();
  check_repeats(repeats, name, where);
  const std::uint64_t high = lanes_per_repeat > 64 ? mask[1] : 0;
  if (lanes_per_repeat <= 64 && mask[1] != 0) {
    core.give_up(
        Check::mask, where,
        std::string(name) + " with a mask of lanes 64 and above: a repeat has " + std::to_string(lanes_per_repeat));
  }
  if (mask[0] == 0 && high == 0) core.give_up(Check::mask, where, std::string(name) + " with no lane on");
  Shape shape;
  shape.lanes_per_repeat = lanes_per_repeat;
  shape.repeats = static_cast<std::uint32_t>(repeats);
  shape.lanes.bits = {mask[0], high};
  core.mask = shape.lanes.bits;
  // The first lanes are the usual case, and the quick one.
  const auto ones = static_cast<std::uint32_t>(std::countr_one(mask[0]));
  const std::uint32_t all = ones == 64 ? 64 + static_cast<std::uint32_t>(std::countr_one(high)) : ones;
  shape.lanes.first = all == static_cast<std::uint32_t>(std::popcount(mask[0]) + std::popcount(high));
  shape.lanes.count = all;
  return shape;
}

Shape preset(std::uint32_t lanes_per_repeat, std::int64_t repeats, const char* name, const Where& where) {
  Core& core = Core::current();
  if (core.mask_counts) return of_count(lanes_per_repeat, core.mask[0]);
  std::array<std::uint64_t, 2> mask = core.mask;
  if (lanes_per_repeat <= 64) mask[1] = 0;
  const Shape shape = masked(lanes_per_repeat, mask.data(), repeats, name, where);
  return shape;
}

void VectorInstruction::check_operand(const Operand& operand, const Shape& shape, bool write) {
  const Where& where = core_.where();
  const std::string name = std::string(core_.name()) + (write ? ": destination" : ": source");
  if (operand.offset % operand.alignment != 0) {
    core_.find(Check::alignment, where,
               name + " at UB byte " + std::to_string(operand.offset) + ": not a multiple of " +
                   std::to_string(operand.alignment));
  }
  if (operand.repeat_stride > widest_repeat_stride) {
    core_.give_up(
        Check::stride, where,
        name + " with a repeat stride of " + std::to_string(operand.repeat_stride) + " blocks: at most 255 are taken");
  }
  if (operand.block_stride > widest_block_stride) {
    core_.give_up(
        Check::stride, where,
        name + " with a block stride of " + std::to_string(operand.block_stride) + " blocks: at most 65535 are taken");
  }
  if (write && operand.block_stride == 0 && shape.lanes.count > operand.per_block()) {
    core_.find(Check::stride, where, name + " with a block stride of 0: its blocks overwrite each other");
  }
}

void VectorInstruction::run(const Operand& operand, std::uint64_t offset, std::uint64_t bytes, bool write) {
  if (offset < operand.region.begin || offset + bytes > operand.region.end) {
    core_.give_up(Check::buffer, core_.where(),
                  std::string(core_.name()) + (write ? " writes" : " reads") + " UB bytes [" + std::to_string(offset) +
                      ", " + std::to_string(offset + bytes) + "), outside of the tensor's buffer [" +
                      std::to_string(operand.region.begin) + ", " + std::to_string(operand.region.end) + ")");
  }
  if (write) {
    core_.write(static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(bytes));
  } else {
    core_.read(static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(bytes));
  }
}

void VectorInstruction::blocks(const Operand& operand, const Shape& shape, std::uint32_t repeat, bool tail,
                               bool write) {
  const std::uint32_t per_block = operand.per_block();
  const std::uint32_t lanes = tail ? shape.tail : shape.lanes.first ? shape.lanes.count : shape.lanes_per_repeat;
  for (std::uint32_t lane = 0; lane < lanes; lane += per_block) {
    const std::uint32_t n = std::min(per_block, lanes - lane);
    if (tail || shape.lanes.first) {
      run(operand, operand.at(repeat, lane), n * operand.size, write);
      continue;
    }
    for (std::uint32_t k = lane; k < lane + n; ++k) {
      if (shape.lanes.on(k)) run(operand, operand.at(repeat, k), operand.size, write);
    }
  }
}

void VectorInstruction::touch(const Operand& operand, const Shape& shape, bool write) {
  check_operand(operand, shape, write);
  if (!shape.lanes.first || operand.block_stride != 1) {
    // With no stride every repeat is the first one again.
    const std::uint32_t repeats = operand.repeat_stride == 0 ? std::min(shape.repeats, 1u) : shape.repeats;
    for (std::uint32_t r = 0; r < repeats; ++r) blocks(operand, shape, r, false, write);
    if (shape.tail != 0) blocks(operand, shape, shape.repeats, true, write);
    return;
  }
  const std::uint64_t bytes = std::uint64_t{shape.lanes.count} * operand.size;
  const std::uint64_t step = std::uint64_t{operand.repeat_stride} * 32;
  std::uint64_t offset = operand.offset;
  if (step == bytes) {
    run(operand, offset, bytes * shape.repeats + std::uint64_t{shape.tail} * operand.size, write);
    return;
  }
  for (std::uint32_t r = 0; r < shape.repeats; ++r, offset += step) {
    if (r == 0 || step != 0) run(operand, offset, bytes, write);
  }
  if (shape.tail != 0) run(operand, offset, std::uint64_t{shape.tail} * operand.size, write);
}

namespace {

// Which of the 16 bank groups (32 bytes each) the blocks of a repeat lie in.
std::uint32_t groups(const Operand& operand, std::uint32_t repeat, std::uint32_t lanes) {
  std::uint32_t mask = 0;
  for (std::uint32_t lane = 0; lane < lanes; lane += operand.per_block())
    mask |= 1u << (operand.at(repeat, lane) / 32 % 16);
  return mask;
}

}  // namespace

void VectorInstruction::end(const Shape& shape, const Cost& cost, std::initializer_list<Operand> sources,
                            bool two_sources) {
  const std::uint32_t repeats = shape.all_repeats();
  if (core_.product().architecture != 2201) {
    core_.end(cost.on_3510 * repeats, cost.on_3510 > 4 ? 77 : 55);
    return;
  }
  double share = 0;
  if (sources.size() == 2 && cost.conflicting != cost.slope && repeats > 0) {
    // Strides are the same for all repeats and the pattern comes back after 16 at the latest.
    const std::uint32_t looked_at = std::min(repeats, 16u);
    const std::uint32_t lanes = shape.lanes.first ? std::max(shape.lanes.count, shape.tail) : shape.lanes_per_repeat;
    std::uint32_t conflicts = 0;
    for (std::uint32_t r = 0; r < looked_at; ++r) {
      conflicts += (groups(sources.begin()[0], r, lanes) & groups(sources.begin()[1], r, lanes)) != 0;
    }
    share = static_cast<double>(conflicts) / looked_at;
  }
  const double extra = (cost.conflicting - cost.slope) * share * repeats;
  core_.report().conflict_cycles += extra;
  const double count = shape.counted && shape.tail != 0 && two_sources && sources.size() == 2 ? unaligned_count : 0;
  core_.end(cost.slope * repeats + extra, cost.fixed + count);
}

}  // namespace alng::twin
