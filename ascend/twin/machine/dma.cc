#include "machine/dma.h"

#include <cstring>
#include <limits>
#include <string>

namespace alng::twin {
namespace {

constexpr std::uint64_t max_blocks = 4095;

std::uint64_t rounded_up(std::uint64_t bytes) { return (bytes + 31) / 32 * 32; }

// What both directions have in common: fields that hold their values, aligned UB, the buffer not left.
bool judge(Core& core, const Dma& dma, const Where& where, std::uint64_t ub_bytes) {
  const std::string name = dma.name;
  bool right = true;
  const auto wrong = [&](Check check, const std::string& sentence) {
    core.find(check, where, name + " " + sentence);
    right = false;
  };
  if (dma.ub % 32 != 0) wrong(Check::alignment, "at UB byte " + std::to_string(dma.ub) + ": not a multiple of 32");
  if (dma.length == 0 || dma.blocks == 0) wrong(Check::length, "of no bytes");
  if (dma.whole_blocks && dma.length % 32 != 0) {
    wrong(Check::length,
          "of " + std::to_string(dma.length) + " bytes: not a multiple of 32; DataCopyPad takes any length");
  }
  if (dma.length % dma.element != 0) {
    wrong(Check::length, "of blocks of " + std::to_string(dma.length) + " bytes: not a whole number of elements");
  }
  if (dma.blocks > max_blocks)
    wrong(Check::length, "of " + std::to_string(dma.blocks) + " blocks: at most 4095 are taken");
  const std::int64_t widest = core.product().architecture == 3510 ? std::numeric_limits<std::int64_t>::max()
                                                                  : std::numeric_limits<std::uint32_t>::max();
  const std::int64_t global_gap = dma.whole_blocks ? dma.global_gap / 32 : dma.global_gap;
  if (dma.blocks > 1 && (global_gap > widest || global_gap < 0)) {
    wrong(Check::stride, "with a stride of " + std::to_string(global_gap) + " in global memory: 0 to " +
                             std::to_string(widest) + " are taken");
  }
  if (dma.ub_gap < 0 || dma.ub_gap > 65535) {
    wrong(Check::stride, "with a stride of " + std::to_string(dma.ub_gap) + " blocks in UB: 0 to 65535 are taken");
  }
  if (dma.compact && core.product().architecture != 3510) {
    wrong(Check::argument, "with PaddingMode::Compact, which architecture 3510 alone has");
  }
  if (dma.compact && dma.ub_gap != 0) {
    wrong(Check::stride, "with PaddingMode::Compact and a stride in UB: compact blocks lie next to each other");
  }
  if (dma.left * dma.element > 32 || dma.right * dma.element > 32) {
    wrong(Check::length, "with padding of " + std::to_string(std::max(dma.left, dma.right) * dma.element) +
                             " bytes: at most 32 are taken");
  }
  if (!dma.pad && (dma.left != 0 || dma.right != 0)) wrong(Check::argument, "with padding but isPad false");
  if (dma.ub < dma.region.begin || dma.ub + ub_bytes > dma.region.end) {
    wrong(Check::buffer, "covers UB bytes [" + std::to_string(dma.ub) + ", " + std::to_string(dma.ub + ub_bytes) +
                             "), outside of the tensor's buffer [" + std::to_string(dma.region.begin) + ", " +
                             std::to_string(dma.region.end) + ")");
  }
  return right;
}

// Bytes of UB from one block to the next, and of all blocks.
std::uint64_t ub_step(const Dma& dma) {
  const std::uint64_t padded = dma.length + (dma.left + dma.right) * dma.element;
  return dma.compact ? padded : rounded_up(padded) + static_cast<std::uint64_t>(dma.ub_gap) * 32;
}

std::uint64_t ub_extent(const Dma& dma) {
  if (dma.blocks == 0) return 0;
  const std::uint64_t padded = dma.length + (dma.left + dma.right) * dma.element;
  return rounded_up((dma.blocks - 1) * ub_step(dma) + padded);
}

void add(std::byte* to, const std::byte* from, std::size_t bytes, AtomicType type) {
  for (std::size_t i = 0; i + 4 <= bytes; i += 4) {
    if (type == AtomicType::float32) {
      float a, b;
      std::memcpy(&a, to + i, 4);
      std::memcpy(&b, from + i, 4);
      a += b;
      std::memcpy(to + i, &a, 4);
    } else {
      std::int32_t a, b;
      std::memcpy(&a, to + i, 4);
      std::memcpy(&b, from + i, 4);
      a += b;
      std::memcpy(to + i, &a, 4);
    }
  }
}

double padded_bytes(const Dma& dma) {
  if (dma.compact) return static_cast<double>(rounded_up(dma.length * dma.blocks));
  return static_cast<double>(rounded_up(dma.length) * dma.blocks);
}

}  // namespace

void load(const Dma& dma, const Where& where) {
  Core& core = Core::current();
  core.begin(Pipe::mte2, dma.name, where);
  if (!judge(core, dma, where, ub_extent(dma))) throw Abandoned{};
  const std::byte* from = dma.global;
  std::uint32_t at = dma.ub;
  const auto left = dma.left * dma.element;
  const auto right = dma.right * dma.element;
  const auto length = static_cast<std::uint32_t>(dma.length);
  for (std::uint64_t block = 0; block < dma.blocks; ++block) {
    core.read_global(from, dma.length);
    if (!dma.compact) {
      // What hardware leaves behind a block up to 32 bytes is anything.
      const auto used = left + length + right;
      const auto whole = static_cast<std::uint32_t>(rounded_up(used));
      core.write(at, used);
      core.spoil(at + used, whole - used);
    } else {
      core.write(at, left + length + right);
    }
    std::memcpy(core.ub(at + left), from, dma.length);
    for (std::uint32_t i = 0; i < left; i += dma.element) std::memcpy(core.ub(at + i), &dma.pad_value, dma.element);
    for (std::uint32_t i = 0; i < right; i += dma.element) {
      std::memcpy(core.ub(at + left + length + i), &dma.pad_value, dma.element);
    }
    from += static_cast<std::int64_t>(dma.length) + dma.global_gap;
    at += static_cast<std::uint32_t>(ub_step(dma));
  }
  if (dma.compact) {
    const auto end = dma.ub + static_cast<std::uint32_t>((dma.blocks - 1) * ub_step(dma)) + left + length + right;
    core.spoil(end, static_cast<std::uint32_t>(rounded_up(end) - end));
  }
  core.end_dma(padded_bytes(dma));
}

void store(const Dma& dma, const Where& where) {
  Core& core = Core::current();
  core.begin(Pipe::mte3, dma.name, where);
  if (!judge(core, dma, where, ub_extent(dma))) throw Abandoned{};
  if (core.atomic_add && dma.atomic == AtomicType::none) {
    core.give_up(Check::argument, where, std::string(dma.name) + " in atomic mode of elements that can't be added");
  }
  std::byte* to = dma.global;
  std::uint32_t at = dma.ub;
  for (std::uint64_t block = 0; block < dma.blocks; ++block) {
    core.read(at, static_cast<std::uint32_t>(dma.length));
    core.write_global(to, dma.length, core.atomic_add);
    if (core.atomic_add) {
      add(to, core.ub(at), dma.length, dma.atomic);
    } else {
      std::memcpy(to, core.ub(at), dma.length);
    }
    to += static_cast<std::int64_t>(dma.length) + dma.global_gap;
    at += static_cast<std::uint32_t>(ub_step(dma));
  }
  // An atomic store reads what it adds to: twice the traffic.
  core.end_dma(padded_bytes(dma) * (core.atomic_add ? 2 : 1));
}

}  // namespace alng::twin
