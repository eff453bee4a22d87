// Plans for GPUs: which kernels, what they need of the machine, and what is refused.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "alng/alng.hpp"
#include "cuda/launch.h"
#include "cuda/simt/machine.h"

namespace alng::test {
namespace {

using impl::cuda::Access;
using impl::cuda::Pass;

impl::Problem grad_problem(DType dtype, std::int64_t rows, std::int64_t columns, bool dsum = true) {
  impl::Description d(impl::add_layer_norm_grad);
  const TensorLayout matrix = TensorLayout::contiguous(dtype, {rows, columns});
  const TensorLayout of_rows = TensorLayout::contiguous(DType::float32, {rows, 1});
  for (const auto t : {grad::dy, grad::x1, grad::x2, grad::dx}) d.give(t, matrix);
  if (dsum) d.give(grad::dsum, matrix);
  for (const auto t : {grad::rstd, grad::mean}) d.give(t, of_rows);
  d.give(grad::gamma, TensorLayout::contiguous(dtype, {columns}));
  for (const auto t : {grad::dgamma, grad::dbeta}) d.give(t, TensorLayout::contiguous(DType::float32, {columns}));
  return impl::Problem::create(d).value();
}

impl::Problem forward_problem(DType dtype, std::int64_t rows, std::int64_t columns) {
  impl::Description d(impl::add_layer_norm);
  const TensorLayout matrix = TensorLayout::contiguous(dtype, {rows, columns});
  const TensorLayout of_rows = TensorLayout::contiguous(DType::float32, {rows, 1});
  for (const auto t : {forward::x1, forward::x2, forward::y, forward::x}) d.give(t, matrix);
  for (const auto t : {forward::rstd, forward::mean}) d.give(t, of_rows);
  for (const auto t : {forward::gamma, forward::beta}) d.give(t, TensorLayout::contiguous(dtype, {columns}));
  return impl::Problem::create(d).value();
}

std::unique_ptr<impl::cuda::LaunchPlan> plan_of(const impl::Problem& problem, const impl::cuda::Gpu& gpu,
                                                int blocks = 0) {
  PlanOptions options;
  options.threads = blocks;
  auto plan = plan_launches(problem, gpu, options);
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  return std::move(plan).value();
}

// All tensors and the workspace at one address, which nobody reads.
impl::Arguments all_at(std::uintptr_t address) {
  impl::Arguments arguments;
  arguments.data.fill(reinterpret_cast<void*>(address));
  arguments.workspace = reinterpret_cast<void*>(address);
  return arguments;
}

// An L4 or RTX 40, whose blocks have less than half of an A100's shared memory.
constexpr impl::cuda::Gpu small_gpu{89, 58, 101376, 102400};

TEST(CudaPlan, HasKernelsThatExistAndFitTheMachine) {
  for (const impl::cuda::Gpu& gpu : {impl::cuda::presets[0].gpu, impl::cuda::presets[1].gpu, small_gpu}) {
    for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
      for (const std::int64_t columns :
           {1, 8, 64, 100, 256, 512, 520, 1600, 2056, 4096, 4100, 8192, 8200, 20000, 65536, 1 << 20}) {
        for (const std::int64_t rows : {1, 7, 4096, 1000000}) {
          for (const impl::Problem& problem :
               {grad_problem(dtype, rows, columns), forward_problem(dtype, rows, columns)}) {
            const auto plan = plan_of(problem, gpu);
            SCOPED_TRACE(problem.to_string() + "\n" + plan->explain());
            ASSERT_FALSE(plan->uses().empty());
            for (const impl::cuda::Use& use : plan->uses()) {
              ASSERT_NE(use.kernel, nullptr);
              EXPECT_EQ(use.kernel->name.kind, problem.what().kind);
              EXPECT_EQ(use.kernel->name.dtype, dtype);
              EXPECT_NE(use.kernel->function, nullptr);
              EXPECT_LE(use.shared_bytes, gpu.shared_per_block);
              EXPECT_TRUE(gpu.architecture >= 90 || use.kernel->name.access != Access::bulk);
            }
            for (const std::uintptr_t address : {1 << 12, (1 << 12) + 4}) {
              const impl::cuda::Launches launches = plan->launches(all_at(address));
              for (int i = 0; i < launches.count; ++i) {
                const impl::cuda::Launch& launch = launches.list[static_cast<std::size_t>(i)];
                EXPECT_EQ(launch.early, i > 0 && gpu.architecture >= 90);
                EXPECT_LE(launch.threads, 1024u);
                EXPECT_EQ(launch.threads % 32, 0u);
                EXPECT_LE(launch.grid_y, 65535u);
                EXPECT_EQ(launch.grid_x % launch.cluster, 0u);
                EXPECT_LE(launch.cluster, gpu.architecture >= 90 ? 8u : 1u);
                bool told = false;
                for (const impl::cuda::Use& use : plan->uses()) {
                  told = told || (use.kernel == launch.kernel && launch.shared_bytes <= use.shared_bytes);
                }
                EXPECT_TRUE(told) << "launch " << i;
              }
            }
          }
        }
      }
    }
  }
}

TEST(CudaPlan, TakesBulkCopiesWhereTensorsLieOn16Bytes) {
  const auto access = [](DType dtype, std::int64_t columns, std::uintptr_t address, int gpu) {
    const auto plan = plan_of(grad_problem(dtype, 64, columns), impl::cuda::presets[gpu].gpu);
    return plan->launches(all_at(address)).list[0].kernel->name.access;
  };
  EXPECT_EQ(access(DType::bfloat16, 4096, 4096, 0), Access::bulk);
  EXPECT_EQ(access(DType::bfloat16, 4096, 4096, 1), Access::own);
  EXPECT_EQ(access(DType::bfloat16, 4096, 4098, 0), Access::runs);
  EXPECT_EQ(access(DType::bfloat16, 4095, 4096, 0), Access::runs);
  EXPECT_EQ(access(DType::float32, 4092, 4096, 0), Access::bulk);
  EXPECT_EQ(access(DType::float32, 8200, 4096, 0), Access::bulk);
  EXPECT_EQ(access(DType::float32, 8200, 4100, 0), Access::plain);
  EXPECT_EQ(access(DType::float32, 8200, 4096, 1), Access::plain);
  EXPECT_EQ(access(DType::float32, 65536, 4096, 0), Access::bulk);
  EXPECT_EQ(access(DType::float32, 65540, 4096, 0), Access::plain);
}

// As many leaves at a time as there are: on an H200 four to each of 264 blocks of rows of 4096.
TEST(CudaPlan, SharesLeavesEvenly) {
  const auto explained = plan_of(grad_problem(DType::bfloat16, 16384, 4096), impl::cuda::presets[0].gpu)->explain();
  EXPECT_NE(explained.find("leaves: 1056, in units of 4 on 264 streams\n"), std::string::npos) << explained;
  EXPECT_NE(explained.find("2 blocks to a multiprocessor\ninputs: bulk copies of rows, 3 stages, 114"),
            std::string::npos)
      << explained;
}

TEST(CudaPlan, HasSeveralRowsToAWarpWhereColumnsAreFew) {
  const auto explained = [](const impl::Problem& problem) {
    return plan_of(problem, impl::cuda::presets[0].gpu)->explain();
  };
  EXPECT_EQ(
      explained(grad_problem(DType::bfloat16, 1 << 20, 64)).find("rows: 64 at a time in a block of 256 threads, 2 "),
      0u);
  EXPECT_EQ(
      explained(grad_problem(DType::float32, 1 << 20, 256)).find("rows: 16 at a time in a block of 256 threads, "), 0u);
  EXPECT_EQ(explained(forward_problem(DType::bfloat16, 1 << 20, 64)).find("rows: 64 at a time in a block of 256 "), 0u);
  EXPECT_EQ(explained(forward_problem(DType::float32, 1 << 20, 65)).find("rows: 32 at a time in a block of 256 "), 0u);
}

// A block has fewer rows at once there.
TEST(CudaPlan, ReadsRowsOnceWhereSharedMemoryIsShort) {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const std::int64_t columns : {8, 64, 128, 256, 512, 1024, 2048}) {
      for (const impl::Problem& problem : {grad_problem(dtype, 4096, columns), forward_problem(dtype, 4096, columns)}) {
        const auto plan = plan_of(problem, small_gpu);
        for (const std::uintptr_t address : {4096, 4100}) {
          EXPECT_NE(plan->launches(all_at(address)).list[0].kernel->name.access, Access::plain)
              << problem.to_string() << "\n"
              << plan->explain();
        }
      }
    }
  }
}

TEST(CudaPlan, HasAClusterForLongerRowsThanABlockHasRoomFor) {
  const auto explained = [](const impl::Problem& problem, impl::cuda::Gpu gpu) {
    const std::string text = plan_of(problem, gpu)->explain();
    return text.substr(0, text.find(" threads"));
  };
  impl::cuda::Gpu gpu = impl::cuda::presets[0].gpu;
  EXPECT_EQ(explained(grad_problem(DType::bfloat16, 4096, 12288), gpu),
            "rows: 1 at a time in a cluster of 2 blocks of 384");
  EXPECT_EQ(explained(grad_problem(DType::float32, 4096, 16392), gpu),
            "rows: 1 at a time in a cluster of 4 blocks of 288");
  EXPECT_EQ(explained(forward_problem(DType::float32, 9, 65536), gpu),
            "rows: 1 at a time in a cluster of 8 blocks of 512");
  // A part of a GPU may have no room for clusters.
  gpu.clusters[1] = 0;
  EXPECT_EQ(explained(grad_problem(DType::float32, 4096, 16392), gpu),
            "rows: in tiles of 4096 columns, read twice\nleaves: 512, in units of 1 on 171 streams\n");
}

// What the test of leaves within units relies on.
TEST(CudaPlan, TakesTheLargestUnitsThatMakeNoStreamLonger) {
  const auto explained = [](std::int64_t rows) {
    return plan_of(grad_problem(DType::bfloat16, rows, 2056), impl::cuda::presets[0].gpu, 2)->explain();
  };
  EXPECT_NE(explained(120).find("leaves: 15, in units of 8 on 2 streams\n"), std::string::npos) << explained(120);
  EXPECT_NE(explained(150).find("leaves: 19, in units of 2 on 2 streams\n"), std::string::npos) << explained(150);
}

TEST(CudaPlan, HasNoMoreBlocksThanTold) {
  const auto plan = plan_of(grad_problem(DType::bfloat16, 16384, 4096), impl::cuda::presets[0].gpu, 3);
  EXPECT_EQ(plan->blocks(), 3);
  EXPECT_EQ(plan_of(forward_problem(DType::float32, 16384, 4096), impl::cuda::presets[0].gpu, 3)->blocks(), 3);
}

// No access of a row meets a bank twice, those of few columns included where they are read in vectors. What does is
// gamma on its way in, once for a block: 16 values of each thread, 2 warps, 3 passes more than one.
TEST(CudaPlan, KeepsRowsInSharedMemoryWithoutConflicts) {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const auto& [columns, gpu, shift] : {std::array{1024, 0, 0}, std::array{1024, 1, 0}, std::array{1024, 0, 4},
                                              std::array{64, 0, 0}, std::array{128, 0, 0}, std::array{256, 0, 0}}) {
      const impl::Problem problem = grad_problem(dtype, 5, columns);
      const auto plan = plan_of(problem, impl::cuda::presets[gpu].gpu, 1);
      alignas(16) static std::array<std::byte, 5 * 1024 * 4 + 16> zeros{};
      impl::cuda::simt::Machine machine({1, impl::cuda::simt::Arrival::early, true});
      impl::Arguments arguments;
      std::vector<std::vector<std::byte>> outputs(grad::count, std::vector<std::byte>(zeros.size()));
      for (std::size_t t = 0; t < grad::count; ++t) {
        const bool writes = grad::operands[t].direction == Direction::output;
        std::byte* const memory = writes ? outputs[t].data() : zeros.data();
        arguments.data[t] = memory + shift;
        machine.memory().add(
            grad::operands[t].name, memory, zeros.size(),
            writes ? impl::cuda::simt::GlobalMemory::Use::write : impl::cuda::simt::GlobalMemory::Use::read);
      }
      std::vector<std::byte> workspace(plan->workspace_size());
      arguments.workspace = workspace.data();
      machine.memory().add("workspace", workspace.data(), workspace.size(),
                           impl::cuda::simt::GlobalMemory::Use::scratch);
      machine.launch(plan->launches(arguments).list[0]);
      EXPECT_EQ(machine.report().sentences(), "");
      EXPECT_GT(machine.report().shared_accesses, 80);
      EXPECT_EQ(machine.report().bank_conflicts, 16 * 2 * 3) << problem.to_string() << ", " << gpu << ", " << shift;
    }
  }
}

TEST(CudaPlan, OfNothingLaunchesWhatIsLeft) {
  impl::Arguments arguments;
  const auto launches = [&](const impl::Problem& problem) {
    return plan_of(problem, impl::cuda::presets[0].gpu)->launches(arguments);
  };
  EXPECT_EQ(launches(grad_problem(DType::float32, 5, 0)).count, 0);
  EXPECT_EQ(launches(forward_problem(DType::float32, 0, 5)).count, 0);
  const impl::cuda::Launches sums = launches(grad_problem(DType::float32, 0, 5));
  ASSERT_EQ(sums.count, 1);
  EXPECT_EQ(sums.list[0].kernel->name.pass, Pass::columns);
  const impl::cuda::Launches statistics = launches(forward_problem(DType::float32, 5, 0));
  ASSERT_EQ(statistics.count, 1);
  EXPECT_EQ(statistics.list[0].kernel->name.pass, Pass::statistics);
}

TEST(CudaPlan, RefusesSizesBeyondItsNumbers) {
  const auto refusal = [](const impl::Problem& problem) {
    const auto plan = plan_launches(problem, impl::cuda::presets[0].gpu, {});
    EXPECT_FALSE(plan.ok());
    EXPECT_EQ(plan.status().code(), Code::unsupported);
    return plan.status().message();
  };
  EXPECT_EQ(refusal(grad_problem(DType::float16, (std::int64_t{1} << 40) + 1, 8)),
            "the problem has 1099511627777 rows but the kernels for GPUs take at most 1099511627776");
  EXPECT_EQ(refusal(forward_problem(DType::float16, 3, (std::int64_t{1} << 30) + 1)),
            "the problem has 1073741825 columns but the kernels for GPUs take at most 1073741824");
}

}  // namespace
}  // namespace alng::test
