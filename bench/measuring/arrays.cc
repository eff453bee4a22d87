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

}  // namespace

GradProblem bench_problem(const BenchShape& shape) {
  GradDescription description = GradDescription::dense(shape.dtype, shape.rows, shape.columns);
  if (!shape.gamma) {
    description.gamma.reset();
    description.normalized_dims = 1;
  }
  if (!shape.dsum) description.dsum.reset();
  GradProblem problem = or_fail(GradProblem::create(description));
  const double elements = static_cast<double>(shape.rows) * static_cast<double>(shape.columns);
  const double needed = elements * static_cast<double>(dtype_size(shape.dtype)) * (shape.dsum ? 5 : 4);
  const double memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  constexpr double gib = 1 << 30;
  if (needed > 0.9 * memory) {
    throw Failure(fmt::format("--shape {}x{} takes {:.1f} GiB of {} tensors but this machine has {:.1f} GiB of memory",
                              shape.rows, shape.columns, needed / gib, dtype_name(shape.dtype), memory / gib));
  }
  return problem;
}

BenchArrays::BenchArrays(const BenchShape& shape) {
  const std::int64_t count = shape.rows * shape.columns;
  const auto tensor = [&](std::uint64_t stream) {
    std::byte* const data = allocate(static_cast<std::size_t>(count) * dtype_size(shape.dtype));
    fill(shape.dtype, data, count, stream);
    return data;
  };
  const auto floats = [&](std::int64_t length) {
    return reinterpret_cast<float*>(allocate(static_cast<std::size_t>(length) * sizeof(float)));
  };
  arguments_.dy = tensor(1);
  arguments_.x1 = tensor(2);
  arguments_.x2 = tensor(3);
  if (shape.dsum) arguments_.dsum = tensor(4);
  arguments_.dx = tensor(5);
  if (shape.gamma) {
    std::byte* const gamma = allocate(static_cast<std::size_t>(shape.columns) * dtype_size(shape.dtype));
    fill(shape.dtype, gamma, shape.columns, 6);
    arguments_.gamma = gamma;
  }
  float* const rstd = floats(shape.rows);
  float* const mean = floats(shape.rows);
  for (std::int64_t i = 0; i < shape.rows; ++i) {
    rstd[i] = 1 + uniform(std::uint64_t{7} << 48 | static_cast<std::uint64_t>(i)) / 8;
    mean[i] = uniform(std::uint64_t{8} << 48 | static_cast<std::uint64_t>(i)) / 8;
  }
  arguments_.rstd = rstd;
  arguments_.mean = mean;
  arguments_.dgamma = floats(shape.columns);
  arguments_.dbeta = floats(shape.columns);
}

// In 2 MB pages where the system gives them, as numpy asks for, too: with 4 KB pages the stream and alng lose a quarter
// alike. Each array starts 69 lines further into its page than the one before: with all at the same place, and rows of
// 4 KB, loads would wait for stores that only look as if they were to the same address.
std::byte* BenchArrays::allocate(std::size_t size) {
  const std::size_t offset = memory_.size() % 16 * 69 * 64;
  const std::size_t total = (size + offset + huge_page) / huge_page * huge_page;
  memory_.emplace_back(static_cast<std::byte*>(std::aligned_alloc(huge_page, total)));
  if (!memory_.back()) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  ::madvise(memory_.back().get(), total, MADV_HUGEPAGE);
#endif
  return memory_.back().get() + offset;
}

void BenchArrays::Free::operator()(std::byte* memory) const { std::free(memory); }

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
