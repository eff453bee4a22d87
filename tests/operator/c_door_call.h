// A call through the C interface, for a test to change.
#ifndef ALNG_TESTS_OPERATOR_C_DOOR_CALL_H
#define ALNG_TESTS_OPERATOR_C_DOOR_CALL_H

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "alng/alng.h"
#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/prepared_run.h"

namespace alng::test {

using cases::Instance;

inline alng_tensor in_c(const TensorLayout* layout) {
  alng_tensor tensor{};
  if (layout == nullptr) return tensor;
  tensor.dtype = static_cast<std::int32_t>(layout->dtype);
  tensor.rank = layout->rank;
  std::copy(layout->shape.begin(), layout->shape.end(), tensor.shape);
  std::copy(layout->strides.begin(), layout->strides.end(), tensor.strides);
  return tensor;
}

inline alng_grad_problem in_c(const GradDescription& d) {
  const auto of = [&](grad::Place place) { return in_c(layout_at(d, place)); };
  return {sizeof(alng_grad_problem), of(grad::dy),   of(grad::x1), of(grad::x2),     of(grad::rstd),  of(grad::mean),
          of(grad::gamma),           of(grad::dsum), of(grad::dx), of(grad::dgamma), of(grad::dbeta), d.normalized_dims,
          d.accumulate ? 1 : 0};
}

inline alng_grad_arguments in_c(const GradArguments& a) {
  return {sizeof(alng_grad_arguments),
          a.dy,
          a.x1,
          a.x2,
          a.rstd,
          a.mean,
          a.gamma,
          a.dsum,
          a.dx,
          a.dgamma,
          a.dbeta,
          a.workspace,
          a.workspace_size,
          nullptr,
          nullptr};
}

/// A small problem, ready to be spoilt.
class CDoorCall : public testing::Test {
 public:
  alng_code create() {
    alng_plan_destroy(plan_);
    plan_ = reinterpret_cast<alng_plan*>(this);  // a refusal must set it to null
    const alng_code code = alng_grad_plan_create(&problem_, &options_, &plan_, &status_);
    EXPECT_EQ(plan_ != nullptr, code == ALNG_OK);
    return code;
  }
  alng_code run() { return alng_grad_run(plan_, &arguments_, &status_); }
  alng_code call() { return alng_add_layer_norm_grad(&problem_, &arguments_, &options_, &status_); }
  ~CDoorCall() override { alng_plan_destroy(plan_); }

  void expect_said(alng_code code, alng_code expected, const std::string& sentence) const {
    EXPECT_EQ(code, expected) << status_.message;
    EXPECT_EQ(status_.code, expected);
    EXPECT_NE(std::string(status_.message).find(sentence), std::string::npos) << sentence << " in: " << status_.message;
  }

  const Instance instance_{case_named("threads_options_fp32_gammaT_dsum_x2")};
  PreparedRun prepared_{instance_, {}};
  std::vector<std::byte> workspace_ = std::vector<std::byte>(2 << 20);
  alng_grad_problem problem_ = in_c(instance_.description());
  alng_options options_{sizeof options_, nullptr, nullptr, 0};
  alng_grad_arguments arguments_ = [this] {
    alng_grad_arguments arguments = in_c(prepared_.arguments);
    arguments.workspace = workspace_.data();
    arguments.workspace_size = workspace_.size();
    return arguments;
  }();
  alng_plan* plan_ = nullptr;
  alng_status status_{};
};

}  // namespace alng::test

#endif
