#include "execution.h"

#include <chrono>
#include <cstdlib>
#include <new>

#include "failure.h"
#include "progress.h"

namespace alng::cli {

Buffer::Buffer(std::size_t size) : size_(size) {
  constexpr std::size_t page = 4096;
  if (size > SIZE_MAX - page) throw std::bad_alloc();
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(page, (size / page + 1) * page)));
  if (!data_) throw std::bad_alloc();
}

void Buffer::Free::operator()(std::byte* data) const { std::free(data); }

Execution execute(const Plan& plan, const GradArguments& inputs, bool also_warm) {
  const Problem& problem = plan.problem();
  const auto columns = static_cast<std::size_t>(problem.columns());
  const std::size_t elements = static_cast<std::size_t>(problem.rows()) * columns;
  Execution execution{{Buffer(elements * dtype_size(problem.dtype())), Buffer(columns * sizeof(float)),
                       Buffer(columns * sizeof(float))}};
  const Buffer workspace(plan.workspace_size());
  GradArguments arguments = inputs;
  arguments.dx = execution.outputs[0].data();
  arguments.dgamma = reinterpret_cast<float*>(execution.outputs[1].data());
  arguments.dbeta = reinterpret_cast<float*>(execution.outputs[2].data());
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.bytes().size();

  const Progress progress("computing", 0);
  const auto timed = [&] {
    const auto begin = std::chrono::steady_clock::now();
    if (const Status status = plan.run(arguments); !status.ok()) throw Failure(status.message());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  execution.first_seconds = timed();
  if (also_warm && execution.first_seconds <= 10) execution.warm_seconds = timed();
  return execution;
}

}  // namespace alng::cli
