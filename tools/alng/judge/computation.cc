#include "judge/computation.h"

#include <chrono>
#include <cstdlib>
#include <new>

#include "terminal/failure.h"
#include "terminal/progress.h"

namespace alng::cli {

Buffer::Buffer(std::size_t size) : size_(size) {
  constexpr std::size_t page = 4096;
  if (size > SIZE_MAX - page) throw std::bad_alloc();
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(page, (size / page + 1) * page)));
  if (!data_) throw std::bad_alloc();
}

void Buffer::Free::operator()(std::byte* data) const { std::free(data); }

void or_fail(const Status& status) {
  if (!status.ok()) throw Failure(status.message());
}

Computation compute(const GradPlan& plan, const GradArguments& inputs, bool also_warm) {
  const GradProblem& problem = plan.problem();
  const auto columns = static_cast<std::size_t>(problem.columns());
  const std::size_t elements = static_cast<std::size_t>(problem.rows()) * columns;
  Computation result{{Buffer(elements * dtype_size(problem.dtype())), Buffer(columns * sizeof(float)),
                      Buffer(columns * sizeof(float))}};
  const Buffer workspace(plan.workspace_size());
  GradArguments arguments = inputs;
  arguments.dx = result.outputs[0].data();
  arguments.dgamma = reinterpret_cast<float*>(result.outputs[1].data());
  arguments.dbeta = reinterpret_cast<float*>(result.outputs[2].data());
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.bytes().size();

  const Progress progress("computing", 0);
  const auto timed = [&] {
    const auto begin = std::chrono::steady_clock::now();
    or_fail(plan.run(arguments));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  result.first_seconds = timed();
  if (also_warm && result.first_seconds <= 10) result.warm_seconds = timed();
  return result;
}

}  // namespace alng::cli
