#include "measuring/arrays.h"

#include <fmt/format.h>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>

#include "judge/computation.h"
#include "terminal/failure.h"

namespace alng::cli {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

std::uint32_t random_bits(std::uint64_t seed) {  // the finaliser of SplitMix64
  seed += 0x9E3779B97F4A7C15U;
  seed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9U;
  seed = (seed ^ (seed >> 27)) * 0x94D049BB133111EBU;
  return static_cast<std::uint32_t>(seed >> 32);
}

float uniform(std::uint64_t seed) {  // [-1, 1)
  return 2 * (std::bit_cast<float>(0x3F800000U | random_bits(seed) >> 9) - 1.5F);
}

// float32 in [-1, 1); the 16-bit types in +-[0.5, 1), a random sign and mantissa with a fixed exponent.
void fill(DType dtype, std::byte* to, std::int64_t count, std::uint64_t stream) {
  tbb::parallel_for(tbb::blocked_range<std::int64_t>(0, count, 1 << 18), [=](const auto& range) {
    for (std::int64_t i = range.begin(); i < range.end(); ++i) {
      const std::uint64_t seed = stream << 48 | static_cast<std::uint64_t>(i);
      if (dtype == DType::float32) {
        reinterpret_cast<float*>(to)[i] = uniform(seed);
      } else {
        const std::uint32_t bits = random_bits(seed);
        const std::uint32_t element = dtype == DType::float16 ? (bits & 0x83FFU) | 0x3800U : (bits & 0x807FU) | 0x3F00U;
        reinterpret_cast<std::uint16_t*>(to)[i] = static_cast<std::uint16_t>(element);
      }
    }
  });
}

std::size_t count_of(const TensorLayout& layout) {
  std::size_t count = 1;
  for (int i = 0; i < layout.rank; ++i) count *= static_cast<std::size_t>(layout.shape[static_cast<std::size_t>(i)]);
  return count;
}

void leave_out(const BenchShape& shape, GradDescription& description) {
  if (!shape.gamma) description.gamma.reset();
  if (!shape.dsum) description.dsum.reset();
}
void leave_out(const BenchShape& shape, ForwardDescription& description) {
  if (shape.gamma) return;
  description.gamma.reset();
  description.beta.reset();
}

}  // namespace

template <class Operator>
ProblemOf<Operator> bench_problem(const BenchShape& shape) {
  using Description = typename Operator::Description;
  Description description = Description::dense(shape.dtype, shape.rows, shape.columns);
  description.normalized_dims = 1;
  leave_out(shape, description);
  ProblemOf<Operator> problem = or_fail(ProblemOf<Operator>::create(description));
  double needed = 0;
  for (std::size_t place = 0; place < Description::Table::operands.size(); ++place) {
    const TensorLayout* const layout = layout_at(description, place);
    if (layout != nullptr) needed += static_cast<double>(count_of(*layout) * dtype_size(layout->dtype));
  }
  const double memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  constexpr double gib = 1 << 30;
  if (needed > 0.9 * memory) {
    throw Failure(fmt::format("--shape {}x{} takes {:.1f} GiB of {} tensors but this machine has {:.1f} GiB of memory",
                              shape.rows, shape.columns, needed / gib, dtype_name(shape.dtype), memory / gib));
  }
  return problem;
}

template <class Operator>
BenchArrays<Operator>::BenchArrays(const ProblemOf<Operator>& problem) {
  constexpr auto& operands = Operator::Description::Table::operands;
  for (std::size_t place = 0; place < operands.size(); ++place) {
    const TensorLayout* const layout = layout_at(problem.description(), place);
    if (layout == nullptr) continue;
    const std::size_t count = count_of(*layout);
    std::byte* const data = allocate(count * dtype_size(layout->dtype));
    give_pointer(arguments_, place, data);
    fill(layout->dtype, data, static_cast<std::int64_t>(count), place);
    // A mean of any size and an rstd near 1.
    if (operands[place].role != Role::row) continue;
    auto* const values = reinterpret_cast<float*>(data);
    std::transform(values, values + count, values, [](float value) { return 1 + value / 8; });
  }
}

// In 2 MB pages where the system gives them, as numpy asks for, too: with 4 KB pages the stream and alng lose a quarter
// alike. Each array starts 69 lines further into its page than the one before: with all at the same place, and rows of
// 4 KB, loads would wait for stores that only look as if they were to the same address.
template <class Operator>
std::byte* BenchArrays<Operator>::allocate(std::size_t size) {
  const std::size_t offset = memory_.size() % 16 * 69 * 64;
  const std::size_t total = (size + offset + huge_page) / huge_page * huge_page;
  memory_.emplace_back(static_cast<std::byte*>(std::aligned_alloc(huge_page, total)));
  if (!memory_.back()) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  ::madvise(memory_.back().get(), total, MADV_HUGEPAGE);
#endif
  return memory_.back().get() + offset;
}

template <class Operator>
void BenchArrays<Operator>::Free::operator()(std::byte* memory) const {
  std::free(memory);
}

template ForwardProblem bench_problem<Forward>(const BenchShape&);
template GradProblem bench_problem<Grad>(const BenchShape&);
template class BenchArrays<Forward>;
template class BenchArrays<Grad>;

// From /sys: sysconf(_SC_LEVEL3_CACHE_SIZE) says 320 MB on an EPYC whose cores share 32 MB.
std::array<std::int64_t, 4> cache_sizes() {
  std::array<std::int64_t, 4> sizes{};
  for (int index = 0; index < 8; ++index) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", index);
    std::size_t level = 0;
    std::string type;
    std::int64_t kilobytes = 0;
    std::ifstream(folder + "level") >> level;
    std::ifstream(folder + "type") >> type;
    std::ifstream(folder + "size") >> kilobytes;  // "32768K"
    if (level < 1 || level > sizes.size() || type == "Instruction") continue;
    sizes[level - 1] = std::max(sizes[level - 1], kilobytes * 1024);
  }
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  if (std::ranges::all_of(sizes, [](std::int64_t size) { return size == 0; })) {
    const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL4_CACHE_SIZE};
    for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = std::max<std::int64_t>(0, ::sysconf(names[i]));
  }
#endif
  return sizes;
}

}  // namespace alng::cli
