// Problems on the fake GPUs, ready to run.
#ifndef ALNG_TESTS_ON_GPU_H
#define ALNG_TESTS_ON_GPU_H

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "cuda_door/fake_cuda.h"
#include "operator/case_list.h"
#include "operator/run_case.h"

namespace alng::test {

/// Of the library that ALNG_CUDA_LIBRARY names.
inline FakeCuda& fake_cuda() {
  static FakeCuda& fake = [&]() -> FakeCuda& {
    void* const library = dlopen(std::getenv("ALNG_CUDA_LIBRARY"), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    return *reinterpret_cast<FakeCuda* (*)()>(dlsym(library, "alng_fake_cuda"))();
  }();
  return fake;
}

inline PlanOptions on(const std::string& device) {
  PlanOptions options;
  options.device = device;
  return options;
}

/// Two GPUs of sm_90, the first of them current.
class OnGpus : public testing::Test {
 protected:
  OnGpus() : gpus(fake_cuda()) { gpus.reset(2, 90); }
  ~OnGpus() override { gpus.reset(2, 90); }
  FakeCuda& gpus;
};

/// A case of the list on a GPU, with everything but the run done.
template <class Plan, class Instance>
struct ReadyOf {
  ReadyOf(const Instance& what, const std::string& device)
      : instance(what), plan(Plan::create(Plan::Problem::create(what.description()).value(), on(device)).value()) {
    for (int t = 0; t < instance.count(); ++t) {
      memory.push_back(instance.layout(t) ? allocated(instance.storage(t)) : nullptr);
      give_pointer(arguments, static_cast<std::size_t>(t), memory.back());
    }
    arguments.workspace_size = plan.workspace_size();
    arguments.workspace = allocated(std::vector<std::byte>(arguments.workspace_size, std::byte{0xFF}));
    memory.push_back(arguments.workspace);
  }
  ~ReadyOf() {
    for (void* const address : memory) plan.memory().free(address);
  }
  ReadyOf(const ReadyOf&) = delete;
  ReadyOf& operator=(const ReadyOf&) = delete;

  /// The bits of the reference are there. Looks at memory as it is now, without waiting for anything.
  bool is_done() const {
    const Outcome expected = run_reference(instance);
    Outcome now;
    const int first = first_output(instance);
    for (int t = first; t < instance.count(); ++t) {
      if (!instance.layout(t)) continue;
      now.outputs[static_cast<std::size_t>(t - first)] =
          instance.elements(t, static_cast<const std::byte*>(memory[static_cast<std::size_t>(t)]));
    }
    return difference(instance, expected, now).empty();
  }
  /// All outputs hold what they held at first.
  bool is_untouched() const {
    for (int t = first_output(instance); t < instance.count(); ++t) {
      const auto& before = instance.storage(t);
      if (instance.layout(t) && !before.empty() &&
          std::memcmp(memory[static_cast<std::size_t>(t)], before.data(), before.size()) != 0) {
        return false;
      }
    }
    return true;
  }

  void* allocated(const std::vector<std::byte>& contents) {
    void* const address = plan.memory().allocate(contents.size()).value();
    EXPECT_TRUE(plan.memory().upload(address, contents.data(), contents.size()).ok());
    return address;
  }

  Instance instance;
  Plan plan;
  std::vector<void*> memory;
  typename Plan::Arguments arguments;
};

using Ready = ReadyOf<GradPlan, cases::Instance>;
using ReadyForward = ReadyOf<ForwardPlan, cases::ForwardInstance>;

/// Expects a refusal by this code whose sentence has these words, in one line.
inline void expect_refused(const Status& status, Code code, const std::vector<std::string>& words) {
  EXPECT_EQ(status.code(), code) << code_name(status.code()) << ": " << status.message();
  for (const std::string& word : words) {
    EXPECT_NE(status.message().find(word), std::string::npos) << word << " in: " << status.message();
  }
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
}

}  // namespace alng::test

#endif
