// Memory that runs out is a refusal, never an exception; and where nothing is refused, nothing is allocated per run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "alng/problem.hpp"
#include "separate_arguments.h"

namespace {

// Allocations that still succeed on this thread; negative: no limit.
thread_local long allowed_allocations = -1;
thread_local long counted_allocations = 0;

void* allocate(std::size_t bytes) {
  ++counted_allocations;
  if (allowed_allocations == 0) throw std::bad_alloc();
  if (allowed_allocations > 0) --allowed_allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// All forms of new and delete, so that none pairs with the standard library's.
void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace alng {
namespace {

const Status& status_of(const Status& status) { return status; }
const Status& status_of(const Result<GradProblem>& problem) { return problem.status(); }

/// Calls `call` with 0, 1, 2, ... allocations allowed until memory suffices; every call before must say out_of_memory.
/// Returns how many calls ran out.
template <class Call>
int run_out_of_memory(Call call, Code expected) {
  for (int allowed = 0;; ++allowed) {
    allowed_allocations = allowed;
    const auto answer = call();
    allowed_allocations = -1;
    const Status& status = status_of(answer);
    if (status.code() != Code::out_of_memory) {
      EXPECT_STREQ(code_name(status.code()), code_name(expected));
      return allowed;
    }
    EXPECT_EQ(status.message(), "out of memory");
    if (allowed > 1000) {
      ADD_FAILURE() << "memory never suffices";
      return allowed;
    }
  }
}

TEST(OutOfMemory, CreateOfAValidProblem) {
  const GradDescription problem = GradDescription::dense(DType::float32, 4, 8);
  run_out_of_memory([&] { return GradProblem::create(problem); }, Code::ok);
}

TEST(OutOfMemory, CreateThatRefuses) {
  GradDescription problem = GradDescription::dense(DType::float32, 4, 8);
  problem.x1 = TensorLayout::contiguous(DType::float32, {4, 9});
  // The sentence alone is longer than a string holds within itself.
  EXPECT_GT(run_out_of_memory([&] { return GradProblem::create(problem); }, Code::bad_shape), 0);
}

TEST(OutOfMemory, CheckArgumentsThatRefuses) {
  const impl::Problem problem = inside(GradDescription::dense(DType::float32, 4, 8));
  GradArguments overlapping = separate_arguments();
  overlapping.dx = overlapping.dgamma;
  EXPECT_GT(run_out_of_memory([&] { return impl::check_arguments(problem, inside(overlapping), 1000); }, Code::overlap),
            0);
  GradArguments missing = separate_arguments();
  missing.dy = nullptr;
  EXPECT_GT(run_out_of_memory([&] { return impl::check_inputs(problem, inside(missing)); }, Code::null_pointer), 0);
}

TEST(NoAllocation, ArgumentsThatAreAccepted) {
  const impl::Problem problem = inside(GradDescription::dense(DType::float32, 4, 8));
  GradArguments arguments = separate_arguments();
  arguments.dx = const_cast<void*>(arguments.dy);  // in place, so that the slow path of the overlap rule runs too
  counted_allocations = 0;
  const Status checked = impl::check_arguments(problem, inside(arguments), 1000);
  const Status inputs = impl::check_inputs(problem, inside(arguments));
  EXPECT_EQ(counted_allocations, 0);
  EXPECT_TRUE(checked.ok());
  EXPECT_TRUE(inputs.ok());
}

TEST(NoAllocation, CountingSeesAllocations) {
  counted_allocations = 0;
  const std::string sentence(100, 'x');
  EXPECT_EQ(counted_allocations, 1);
}

}  // namespace
}  // namespace alng
