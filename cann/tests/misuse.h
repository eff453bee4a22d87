// Wrong calls as a table: what each must answer, and that nothing is the worse for it.
#ifndef ALNG_TESTS_CANN_MISUSE_H
#define ALNG_TESTS_CANN_MISUSE_H

#include <functional>
#include <string>
#include <vector>

#include "cann/tests/acl_problem.h"

namespace alng::test {

/// What there is to misuse, all of it valid.
struct Scene {
  Session session;
  TestStream stream;
  AclProblem problem;
  DeviceMemory memory{64};
  std::vector<char> host = std::vector<char>(64);
  // Places for what calls give.
  void* made = nullptr;
  std::int32_t number = 0;
  std::int64_t value = 0;
  std::size_t free = 0, total = 0;
  std::uint64_t count = 0;
  float ms = 0;

  TensorSpec& spec(int place) { return problem.specs[static_cast<std::size_t>(place)]; }
};

struct Misuse {
  const char* name;
  int code;
  /// Part of the message.
  const char* sentence;
  std::function<int(Scene&)> call;
};

std::vector<Misuse> misuse_of_runtime();
std::vector<Misuse> misuse_of_operator();

}  // namespace alng::test

#endif
