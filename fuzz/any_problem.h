// Any bytes as a problem of any operator: shapes, strides, dtypes, options and values. The library refuses with a
// sentence, or every instruction set gives the reference's bits, writes nothing else and reads nothing outside the
// tensors (AddressSanitizer looks on).
#ifndef ALNG_FUZZ_ANY_PROBLEM_H
#define ALNG_FUZZ_ANY_PROBLEM_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alng/alng.hpp"
#include "alng/by_place.hpp"
#include "bytes.h"
#include "check.h"

namespace alng::fuzz {

// Small enough for thousands of executions a second; rows of more than one segment of 512 still fit.
inline constexpr std::int64_t most_elements = 4096;
inline constexpr std::int64_t most_bytes = 1 << 17;

inline void spoil(Bytes& bytes, TensorLayout& layout) {
  const auto d = static_cast<std::size_t>(bytes.below(max_rank));
  switch (bytes.below(5)) {
    case 0:
      layout.dtype = static_cast<DType>(bytes.below(5));
      break;
    case 1:
      layout.rank = static_cast<int>(bytes.below(12)) - 1;
      break;
    case 2:
      layout.shape[d] = bytes.one_in(2) ? bytes.any() : bytes.below(5) - 1;
      break;
    case 3:
      layout.strides[d] = bytes.one_in(2) ? bytes.any() : bytes.below(9) - 1;
      break;
    default:
      break;
  }
}

// A layout of this shape: dense, padded, permuted or broadcast, at times spoilt.
inline TensorLayout layout_of(Bytes& bytes, DType dtype, std::span<const std::int64_t> shape) {
  TensorLayout layout = TensorLayout::contiguous(dtype, shape);
  switch (bytes.below(8)) {
    case 4: {  // the first dimension runs fastest
      std::int64_t stride = 1;
      for (std::size_t d = 0; d < shape.size(); ++d) {
        layout.strides[d] = stride;
        stride *= std::max<std::int64_t>(shape[d], 1);
      }
      break;
    }
    case 5:
    case 6: {  // gaps between the elements and rows
      std::int64_t stride = 1 + bytes.below(3);
      for (std::size_t d = shape.size(); d-- > 0;) {
        layout.strides[d] = stride;
        stride = stride * std::max<std::int64_t>(shape[d], 1) + bytes.below(4);
      }
      break;
    }
    case 7:
      if (!shape.empty())
        layout.strides[static_cast<std::size_t>(bytes.below(static_cast<std::int64_t>(shape.size())))] = 0;
      break;
    default:
      break;
  }
  if (bytes.one_in(24)) spoil(bytes, layout);
  return layout;
}

// From the first element's first byte to the last element's last, or nothing where that is too much for a fuzzer.
inline std::optional<std::size_t> footprint(const TensorLayout& layout) {
  std::int64_t last = 0;
  for (int d = 0; d < layout.rank; ++d) {
    const auto i = static_cast<std::size_t>(d);
    if (layout.shape[i] == 0) return 0;
    if (layout.shape[i] == 1) continue;
    if (layout.shape[i] > most_bytes || layout.strides[i] > most_bytes) return std::nullopt;
    last += (layout.shape[i] - 1) * layout.strides[i];
    if (last > most_bytes) return std::nullopt;
  }
  return static_cast<std::size_t>(last + 1) * dtype_size(layout.dtype);
}

// Element patterns that matter: ordinary numbers, zeros, denormals, the largest, infinities and NaNs.
inline void fill(Bytes& bytes, DType dtype, std::vector<std::uint8_t>& buffer) {
  const bool wild = bytes.one_in(4);
  std::uint64_t state = static_cast<std::uint64_t>(bytes.next()) << 8 | bytes.next();
  const std::size_t size = dtype_size(dtype);
  for (std::size_t at = 0; at + size <= buffer.size(); at += size) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    auto bits = static_cast<std::uint32_t>(state >> 32);
    if (!wild) {  // keep the exponent near 0: numbers of a size from 2^-4 to 2^3
      const auto small = static_cast<std::uint32_t>(state >> 61);
      if (dtype == DType::float32) bits = (bits & 0x807FFFFFu) | (123 + small) << 23;
      if (dtype == DType::bfloat16) bits = (bits & 0x807Fu) | (123 + small) << 7;
      if (dtype == DType::float16) bits = (bits & 0x83FFu) | (11 + small) << 10;
    }
    std::memcpy(&buffer[at], &bits, size);
  }
}

struct Tensors {
  // Each its own allocation of its exact size, so that a step outside is seen.
  std::vector<std::unique_ptr<std::vector<std::uint8_t>>> buffers;
  std::uint8_t* add(std::size_t size, std::uint8_t value) {
    buffers.push_back(std::make_unique<std::vector<std::uint8_t>>(size, value));
    return buffers.back()->data();
  }
};

// The dtype and the three kinds of shapes that the tensors of a problem have.
struct Shapes {
  explicit Shapes(Bytes& bytes) : dtype(static_cast<DType>(1 + bytes.below(3))) {
    const std::int64_t rank = 1 + (bytes.one_in(4) ? bytes.below(8) : bytes.below(3));
    std::int64_t elements = 1;
    for (std::int64_t i = 0; i < rank; ++i) {
      std::int64_t extent = bytes.one_in(3) ? bytes.below(4) : 1 + bytes.next();
      if (i + 1 == rank && bytes.one_in(4)) extent = extent * 8 + bytes.below(8);  // past a segment of 512
      extent = std::min(extent, std::max<std::int64_t>(1, most_elements / std::max<std::int64_t>(1, elements)));
      elements *= extent;
      shape.push_back(extent);
    }
    trailing = 1 + bytes.below(rank);
    columns = std::span(shape).last(static_cast<std::size_t>(trailing));
    statistic.assign(shape.begin(), shape.end() - trailing);
    if (statistic.empty() || bytes.one_in(2)) statistic.resize(shape.size(), 1);
  }

  DType dtype;
  std::vector<std::int64_t> shape, statistic;
  std::int64_t trailing;
  std::span<const std::int64_t> columns;
};

inline const Status& refused(const Status& status) {
  ALNG_FUZZ_CHECK(!status.ok() && !status.message().empty());
  ALNG_FUZZ_CHECK(status.message().find('\n') == std::string::npos);
  return status;
}

template <class Problem, class Plan>
void try_problem(Bytes& bytes, const typename Problem::Description& description) {
  using Arguments = typename Plan::Arguments;
  constexpr auto& operands = Arguments::Table::operands;
  const Result<Problem> made = Problem::create(description);
  if (!made) {
    refused(made.status());
    return;
  }
  const Problem& problem = made.value();
  ALNG_FUZZ_CHECK(!problem.to_string().empty() && problem.bytes() >= 0);
  // Extents of dimensions beside an extent of 0 may be anything.
  bool too_large = problem.rows() > most_bytes || problem.columns() > most_bytes;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const TensorLayout* const layout = layout_at(description, i);
    too_large = too_large || (layout != nullptr && !footprint(*layout));
  }
  if (too_large) return;

  Tensors inputs;
  Arguments arguments;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const TensorLayout* const layout = layout_at(description, i);
    if (layout == nullptr || operands[i].direction == Direction::output) continue;
    inputs.add(*footprint(*layout), 0);
    fill(bytes, layout->dtype, *inputs.buffers.back());
    give_pointer(arguments, i, inputs.buffers.back()->data());
  }
  PlanOptions options;
  options.threads = 1 + static_cast<int>(bytes.below(4));
  const auto execute = [&](const PlanOptions& how) {
    Tensors outputs;
    const Result<Plan> plan = Plan::create(problem, how);
    if (!plan) {
      refused(plan.status());
      return outputs;
    }
    ALNG_FUZZ_CHECK(!plan->explain().empty());
    Arguments with = arguments;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const TensorLayout* const layout = layout_at(description, i);
      if (layout == nullptr || operands[i].direction == Direction::input) continue;
      give_pointer(with, i, outputs.add(*footprint(*layout), 0xA5));
    }
    std::vector<std::uint8_t> workspace(plan->workspace_size(), 0xFF);
    with.workspace = workspace.data();
    with.workspace_size = workspace.size();
    ALNG_FUZZ_CHECK(plan->run(with).ok());
    return outputs;
  };
  options.device = "reference";
  const Tensors expected = execute(options);
  options.device = "cpu";
  for (const Availability& isa : instruction_sets()) {
    if (!isa.available) continue;
    options.isa = isa.name;
    const Tensors found = execute(options);
    ALNG_FUZZ_CHECK(found.buffers.size() == expected.buffers.size());
    for (std::size_t i = 0; i < found.buffers.size(); ++i) ALNG_FUZZ_CHECK(*found.buffers[i] == *expected.buffers[i]);
  }
}

}  // namespace alng::fuzz

#endif
