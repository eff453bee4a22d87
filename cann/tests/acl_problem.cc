#include "cann/tests/acl_problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "alng/alng.hpp"

namespace alng::test {
namespace {

constexpr std::int64_t rows = 3, columns = 4;

void must(int code, const char* call) {
  if (code != 0) throw std::runtime_error(std::string(call) + ": " + std::to_string(code) + ", " + recent_message());
}

// Sixteenths between -1 and 1, another run of them for each tensor; rstd positive.
std::vector<float> numbers(int place, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto step = static_cast<int>((i * 7 + static_cast<std::size_t>(place) * 5) % 31) - 15;
    values[i] = place == rstd ? 0.5F + static_cast<float>(i) : static_cast<float>(step) / 16;
  }
  return values;
}

std::vector<std::byte> bytes_of(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<std::int64_t> shape_of(int place) {
  if (place == rstd || place == mean) return {rows, 1};
  if (place == gamma || place == dgamma || place == dbeta) return {columns};
  return {rows, columns};
}

std::size_t count_of(int place) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape_of(place)) count *= static_cast<std::size_t>(extent);
  return count;
}

}  // namespace

void expect_refused(int code, int expected, const std::string& part) {
  EXPECT_EQ(code, expected);
  const std::string message = recent_message();
  EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
}

std::string recent_message() {
  const char* const message = aclGetRecentErrMsg();
  return message != nullptr ? message : "";
}

Session::Session() {
  must(aclInit(nullptr), "aclInit");
  must(aclrtSetDevice(0), "aclrtSetDevice");
}

Session::~Session() {
  aclrtResetDeviceForce(0);
  aclFinalize();
  recent_message();
}

TestStream::TestStream() { must(aclrtCreateStream(&stream_), "aclrtCreateStream"); }

TestStream::~TestStream() { aclrtDestroyStream(stream_); }

DeviceMemory::DeviceMemory(const std::vector<std::byte>& contents) : size_(contents.size()) {
  if (size_ == 0) return;
  void* memory = nullptr;
  must(aclrtMalloc(&memory, size_, ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc");
  memory_.reset(memory);
  must(aclrtMemcpy(memory, size_, contents.data(), size_, ACL_MEMCPY_HOST_TO_DEVICE), "aclrtMemcpy");
}

std::vector<std::byte> DeviceMemory::contents() const {
  std::vector<std::byte> copy(size_);
  if (size_ > 0) must(aclrtMemcpy(copy.data(), size_, get(), size_, ACL_MEMCPY_DEVICE_TO_HOST), "aclrtMemcpy");
  return copy;
}

const char* place_name(int place) {
  static const char* const names[place_count] = {"dy",    "x1",           "x2",    "rstd",      "mean",
                                                 "gamma", "dsumOptional", "dxOut", "dgammaOut", "dbetaOut"};
  return names[place];
}

aclTensor* create_tensor(const TensorSpec& spec) {
  return aclCreateTensor(spec.shape.data(), spec.shape.size(), spec.dtype,
                         spec.strides.empty() ? nullptr : spec.strides.data(), spec.offset, spec.format,
                         spec.storage.data(), spec.storage.size(), spec.data);
}

AclProblem::AclProblem() {
  for (int place = 0; place < place_count; ++place) {
    const auto i = static_cast<std::size_t>(place);
    memory_[i] = DeviceMemory(bytes_of(numbers(place, count_of(place))));
    specs[i].shape = specs[i].storage = shape_of(place);
    specs[i].data = memory_[i].get();
  }
}

AclProblem::~AclProblem() {
  for (int place = 0; place < place_count; ++place) destroy(place);
}

aclTensor* AclProblem::made(int place) {
  const auto i = static_cast<std::size_t>(place);
  if (tensors_[i] == nullptr && specs[i].present) tensors_[i] = create_tensor(specs[i]);
  return tensors_[i];
}

void AclProblem::destroy(int place) {
  aclDestroyTensor(tensors_[static_cast<std::size_t>(place)]);
  tensors_[static_cast<std::size_t>(place)] = nullptr;
}

int AclProblem::phase_1() {
  for (int place = 0; place < place_count; ++place) made(place);
  return aclnnAddLayerNormGradGetWorkspaceSize(tensor(dy), tensor(x1), tensor(x2), tensor(rstd), tensor(mean),
                                               tensor(gamma), tensor(dsum), tensor(dx), tensor(dgamma), tensor(dbeta),
                                               &workspace_size, &executor);
}

void* AclProblem::workspace() {
  if (workspace_.size() < workspace_size) workspace_ = DeviceMemory(workspace_size);
  return workspace_.get();
}

int AclProblem::phase_2(aclrtStream stream) {
  return aclnnAddLayerNormGrad(workspace(), workspace_size, executor, stream);
}

int AclProblem::run(aclrtStream stream) {
  if (const int code = phase_1(); code != 0) return code;
  if (const int code = phase_2(stream); code != 0) return code;
  return aclrtSynchronizeStream(stream);
}

std::vector<float> AclProblem::values(int place) const {
  const std::vector<std::byte> bytes = memory_[static_cast<std::size_t>(place)].contents();
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::array<std::vector<float>, 3> expected_results() {
  std::array<std::vector<float>, place_count> t;
  for (int place = 0; place < place_count; ++place) {
    t[static_cast<std::size_t>(place)] = numbers(place, count_of(place));
  }
  GradArguments arguments{t[dy].data(),     t[x1].data(),    t[x2].data(),   t[rstd].data(),
                          t[mean].data(),   t[gamma].data(), t[dsum].data(), t[dx].data(),
                          t[dgamma].data(), t[dbeta].data(), nullptr,        0,
                          nullptr};
  const Status status = add_layer_norm_grad(GradDescription::dense(DType::float32, rows, columns), arguments);
  if (!status.ok()) throw std::runtime_error(status.message());
  return {t[dx], t[dgamma], t[dbeta]};
}

}  // namespace alng::test
