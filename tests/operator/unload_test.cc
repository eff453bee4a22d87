// Loading a library, running on its threads and unloading it, many times: the threads must not find their code gone.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "alng/alng.h"
#if defined(ALNG_CANN_LIBRARY)
#include "acl/acl.h"
#endif

namespace {

template <class Function>
Function* find(void* library, const char* name) {
  void* const symbol = dlsym(library, name);
  EXPECT_NE(symbol, nullptr) << name;
  return reinterpret_cast<Function*>(symbol);
}
#define FIND(library, name) find<decltype(name)>(library, #name)

#if defined(ALNG_LIBRARY)
// 512 rows of 1024 columns, 8 MiB: as many tasks as there are processors.
void run_alng(void* library) {
  const std::int64_t shape[] = {512, 1024}, rows[] = {512};
  const std::vector<float> input(512 * 1024, 1);
  std::vector<float> dx(input.size(), -1);
  auto* const contiguous = FIND(library, alng_contiguous);
  alng_grad_problem problem{};
  problem.size = sizeof problem;
  problem.dy = problem.x1 = problem.dx = contiguous(ALNG_FLOAT32, 2, shape);
  problem.rstd = problem.mean = contiguous(ALNG_FLOAT32, 1, rows);
  alng_grad_arguments arguments{};
  arguments.size = sizeof arguments;
  arguments.dy = arguments.x1 = arguments.rstd = arguments.mean = input.data();
  arguments.dx = dx.data();
  alng_status status;
  EXPECT_EQ(FIND(library, alng_add_layer_norm_grad)(&problem, &arguments, nullptr, &status), ALNG_OK) << status.message;
  EXPECT_EQ(dx, std::vector<float>(input.size(), 0));
}
#endif

#if defined(ALNG_CANN_LIBRARY)
// A stream that has work when the library is unloaded.
void run_cann(void* library) {
  static const aclError once = FIND(library, aclInit)(nullptr);
  EXPECT_EQ(once, ACL_SUCCESS);
  EXPECT_EQ(FIND(library, aclrtSetDevice)(0), ACL_SUCCESS);
  aclrtStream stream;
  void* memory;
  EXPECT_EQ(FIND(library, aclrtCreateStream)(&stream), ACL_SUCCESS);
  EXPECT_EQ(FIND(library, aclrtMalloc)(&memory, 1 << 20, ACL_MEM_MALLOC_HUGE_FIRST), ACL_SUCCESS);
  EXPECT_EQ(FIND(library, aclrtMemsetAsync)(memory, 1 << 20, 1, 1 << 20, stream), ACL_SUCCESS);
}
#endif

struct Library {
  const char* path;
  void (*run)(void* library);
};

void load_run_unload(const std::vector<Library>& libraries, bool first_goes_first) {
  std::vector<void*> loaded;
  for (const Library& library : libraries) {
    loaded.push_back(dlopen(library.path, RTLD_NOW | RTLD_LOCAL));
    ASSERT_NE(loaded.back(), nullptr) << dlerror();
    library.run(loaded.back());
  }
  if (!first_goes_first) std::reverse(loaded.begin(), loaded.end());
  for (void* library : loaded) {
    EXPECT_EQ(dlclose(library), 0);
    // Its threads look for work now, then fall asleep.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST(Unload, WhileThreadsWait) {
  std::vector<std::vector<Library>> orders;
#if defined(ALNG_LIBRARY)
  orders.push_back({{ALNG_LIBRARY, &run_alng}});
#endif
#if defined(ALNG_CANN_LIBRARY)
  orders.push_back({{ALNG_CANN_LIBRARY, &run_cann}});
#endif
#if defined(ALNG_LIBRARY) && defined(ALNG_CANN_LIBRARY)
  orders.push_back({{ALNG_LIBRARY, &run_alng}, {ALNG_CANN_LIBRARY, &run_cann}});
  orders.push_back({{ALNG_CANN_LIBRARY, &run_cann}, {ALNG_LIBRARY, &run_alng}});
#endif
  for (int round = 0; round < 10; ++round) {
    for (const std::vector<Library>& order : orders) {
      for (const bool first_goes_first : {true, false}) load_run_unload(order, first_goes_first);
    }
  }
  for (const std::vector<Library>& order : orders) {
    EXPECT_NE(dlopen(order[0].path, RTLD_NOW | RTLD_NOLOAD), nullptr) << order[0].path << " did not stay";
  }
}

}  // namespace
