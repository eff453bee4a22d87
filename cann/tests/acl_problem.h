// A device that is this thread's for a while, and a small valid problem on it whose every part a test may spoil.
#ifndef ALNG_TESTS_CANN_ACL_PROBLEM_H
#define ALNG_TESTS_CANN_ACL_PROBLEM_H

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_add_layer_norm_grad.h"

namespace alng::test {

/// The calling thread's recent error message, which is consumed; empty where there is none.
std::string recent_message();

/// `code`, which a call gave, is `expected`, and this is in the message.
void expect_refused(int code, int expected, const std::string& part);

/// aclInit and aclrtSetDevice; at the end everything of it is gone. One at a time.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

/// A stream of the current device.
class TestStream {
 public:
  TestStream();
  ~TestStream();
  TestStream(const TestStream&) = delete;
  TestStream& operator=(const TestStream&) = delete;
  aclrtStream get() const { return stream_; }

 private:
  aclrtStream stream_ = nullptr;
};

/// Device memory that holds a copy of `contents`.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  explicit DeviceMemory(const std::vector<std::byte>& contents);
  explicit DeviceMemory(std::size_t size) : DeviceMemory(std::vector<std::byte>(size)) {}
  void* get() const { return memory_.get(); }
  std::size_t size() const { return size_; }
  std::vector<std::byte> contents() const;

 private:
  std::unique_ptr<void, aclError (*)(void*)> memory_{nullptr, aclrtFree};
  std::size_t size_ = 0;
};

/// In the order of the operator's parameters.
enum Place { dy, x1, x2, rstd, mean, gamma, dsum, dx, dgamma, dbeta, place_count };
const char* place_name(int place);

/// How a tensor is created.
struct TensorSpec {
  bool present = true;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  // empty: null
  std::int64_t offset = 0;
  std::vector<std::int64_t> storage;
  aclDataType dtype = ACL_FLOAT;
  aclFormat format = ACL_FORMAT_ND;
  void* data = nullptr;
};

aclTensor* create_tensor(const TensorSpec& spec);

/// float32 3x4 with every tensor present, in memory of its own; numbers are small and differ from tensor to tensor.
class AclProblem {
 public:
  AclProblem();
  ~AclProblem();
  AclProblem(const AclProblem&) = delete;
  AclProblem& operator=(const AclProblem&) = delete;

  std::array<TensorSpec, place_count> specs;
  std::uint64_t workspace_size = 0;
  aclOpExecutor* executor = nullptr;

  /// Makes the tensors of `specs` that are not made yet, and calls the first phase.
  int phase_1();
  /// With a workspace of the size that the first phase said.
  int phase_2(aclrtStream stream);
  /// Both, and the wait; the first code that is not 0.
  int run(aclrtStream stream);

  aclTensor* tensor(int place) const { return tensors_[static_cast<std::size_t>(place)]; }
  /// Makes it of its spec, where it is not made yet.
  aclTensor* made(int place);
  void destroy(int place);
  DeviceMemory& memory(int place) { return memory_[static_cast<std::size_t>(place)]; }
  void* workspace();
  std::vector<float> values(int place) const;

 private:
  std::array<DeviceMemory, place_count> memory_;
  std::array<aclTensor*, place_count> tensors_{};
  DeviceMemory workspace_;
};

/// What an AclProblem as it is made must give in dx, dgamma and dbeta: the C++ interface's answer.
std::array<std::vector<float>, 3> expected_results();

}  // namespace alng::test

#endif
