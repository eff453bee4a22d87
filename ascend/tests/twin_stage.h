// A kernel of a few lines on the twin.
#ifndef ALNG_TESTS_ASCEND_TWIN_STAGE_H
#define ALNG_TESTS_ASCEND_TWIN_STAGE_H

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "kernel_operator.h"

namespace alng::test {

/// What a kernel of a test has at hand on its core.
class Desk {
 public:
  /// A buffer of so many elements, nothing in it.
  template <class T>
  AscendC::LocalTensor<T> empty(std::size_t count) {
    AscendC::TBuf<AscendC::TPosition::VECCALC> buffer;
    pipe.InitBuffer(buffer, static_cast<std::uint32_t>(count * sizeof(T)));
    return buffer.Get<T>();
  }
  /// A buffer with these elements, of which everybody knows.
  template <class T>
  AscendC::LocalTensor<T> holding(const std::vector<T>& values) {
    const AscendC::LocalTensor<T> tensor = empty<T>(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) tensor.SetValue(static_cast<std::uint32_t>(i), values[i]);
    AscendC::PipeBarrier<PIPE_ALL>();
    return tensor;
  }
  /// What is in UB, without the checks of a read.
  template <class T>
  static std::vector<T> contents(const AscendC::LocalTensor<T>& tensor, std::size_t count) {
    const T* first = AscendC::twin_pointer(tensor);
    return std::vector<T>(first, first + count);
  }

  AscendC::TPipe pipe;
};

/// A launch with global memory of its own. Runs in the constructor's product.
class Stage {
 public:
  explicit Stage(const char* product = "a2", int blocks = 1) {
    options.product = twin::product_named(product);
    options.blocks = blocks;
    options.outputs_complete = false;
  }
  template <class T>
  AscendC::GlobalTensor<T> global(const char* name, std::vector<T>& values, twin::Access access) {
    memory.add(name, values.data(), values.size() * sizeof(T), access);
    AscendC::GlobalTensor<T> tensor;
    tensor.SetGlobalBuffer(values.data(), values.size());
    return tensor;
  }
  twin::Report run(const std::function<void()>& kernel) { return twin::launch(options, memory, kernel); }
  /// The kernel with a desk.
  twin::Report run(const std::function<void(Desk&)>& kernel) {
    return run([&kernel] {
      Desk desk;
      kernel(desk);
    });
  }

  twin::LaunchOptions options;
  twin::GlobalMemory memory;
};

/// On one core of this product; everything must be in order.
inline void run_clean(const std::function<void(Desk&)>& kernel, const char* product = "a2") {
  Stage stage(product);
  const twin::Report report = stage.run(kernel);
  EXPECT_EQ(report.sentences(), "");
}

/// Exactly one finding, of this check, whose sentence contains `sentence`, at this line of the test.
inline void expect_finding(const twin::Report& report, twin::Check check, const std::string& sentence, int line) {
  ASSERT_EQ(report.findings.size(), 1u) << report.sentences();
  const twin::Finding& finding = report.findings[0];
  EXPECT_STREQ(twin::check_name(finding.check), twin::check_name(check));
  EXPECT_NE(finding.sentence.find(sentence), std::string::npos) << finding.sentence;
  EXPECT_EQ(finding.line, static_cast<std::uint32_t>(line)) << finding.sentence;
  EXPECT_EQ(finding.file.rfind("twin_", 0), 0u) << finding.file;
}

/// A mask to be given away at once; the API takes variables alone.
template <class T, AscendC::Reg::MaskPattern pattern = AscendC::Reg::MaskPattern::ALL>
AscendC::Reg::MaskReg& lanes_on() {
  static thread_local AscendC::Reg::MaskReg mask;
  mask = AscendC::Reg::CreateMask<T, pattern>();
  return mask;
}

inline std::vector<float> ramp(std::size_t count, float first = 1, float step = 0.5f) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = first + step * static_cast<float>(i % 1000);
  return values;
}

template <class T>
std::vector<T> converted(const std::vector<float>& values) {
  std::vector<T> out;
  for (const float value : values) out.push_back(T(value));
  return out;
}

template <class T>
std::vector<float> as_float(const std::vector<T>& values) {
  std::vector<float> out;
  for (const T value : values) out.push_back(static_cast<float>(value));
  return out;
}

}  // namespace alng::test

#endif
