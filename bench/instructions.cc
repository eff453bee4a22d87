// For callgrind: `bench_instructions ROWS COLUMNS fp32|bf16 CALLS` runs one problem so many times on one thread. The
// difference between two numbers of calls is what a call costs, free of noise. AVX2: valgrind knows no AVX-512.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "alng/alng.hpp"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: bench_instructions ROWS COLUMNS fp32|bf16 CALLS\n");
    return 2;
  }
  const std::int64_t rows = std::atoll(argv[1]), columns = std::atoll(argv[2]);
  const alng::DType dtype = std::strcmp(argv[3], "bf16") == 0 ? alng::DType::bfloat16 : alng::DType::float32;
  const int calls = std::atoi(argv[4]);

  const auto data = alng::TensorLayout::contiguous(dtype, {rows, columns});
  const auto statistics = alng::TensorLayout::contiguous(alng::DType::float32, {rows, 1});
  const auto parameters = alng::TensorLayout::contiguous(alng::DType::float32, {columns});
  alng::GradDescription description;
  description.dy = description.x1 = data;
  description.x2 = description.dsum = description.dx = data;
  description.rstd = description.mean = statistics;
  description.gamma = alng::TensorLayout::contiguous(dtype, {columns});
  description.dgamma = description.dbeta = parameters;
  const auto problem = alng::GradProblem::create(description);
  alng::PlanOptions options;
  options.isa = "avx2";
  options.threads = 1;
  const auto plan = problem ? alng::GradPlan::create(problem.value(), options) : problem.status();
  if (!plan) {
    std::fprintf(stderr, "bench_instructions: %s\n", plan.status().message().c_str());
    return 1;
  }
  // Every element the same small number: instructions do not depend on it.
  const std::size_t bytes = static_cast<std::size_t>(rows * columns) * alng::dtype_size(dtype);
  std::vector<std::byte> dy(bytes, std::byte{0x3c}), x1 = dy, x2 = dy, dsum = dy, dx(bytes);
  std::vector<std::byte> gamma(static_cast<std::size_t>(columns) * alng::dtype_size(dtype), std::byte{0x3c});
  std::vector<float> mean(static_cast<std::size_t>(rows), 0.5F), rstd = mean;
  std::vector<float> dgamma(static_cast<std::size_t>(columns)), dbeta = dgamma;
  std::vector<std::byte> workspace(plan->workspace_size());
  alng::GradArguments arguments;
  arguments.dy = dy.data();
  arguments.x1 = x1.data();
  arguments.x2 = x2.data();
  arguments.rstd = rstd.data();
  arguments.mean = mean.data();
  arguments.gamma = gamma.data();
  arguments.dsum = dsum.data();
  arguments.dx = dx.data();
  arguments.dgamma = dgamma.data();
  arguments.dbeta = dbeta.data();
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
  for (int i = 0; i < calls; ++i) {
    if (const alng::Status status = plan->run(arguments); !status.ok()) {
      std::fprintf(stderr, "bench_instructions: %s\n", status.message().c_str());
      return 1;
    }
  }
}
