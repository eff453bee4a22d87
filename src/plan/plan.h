// How a problem is done on one device: the chosen back end's execution, and what is the same for all of them.
#ifndef ALNG_PLAN_PLAN_H
#define ALNG_PLAN_PLAN_H

#include <memory>
#include <string>

#include "plan/backend.h"

namespace alng::impl {

/// Immutable. See alng::PlanOf for every member.
class Plan {
 public:
  static Result<Plan> create(const Problem& problem, const PlanOptions& options) noexcept;

  std::size_t workspace_size() const noexcept { return execution_->workspace_size(); }
  const char* device() const noexcept { return device_; }
  const char* isa() const noexcept { return execution_->isa(); }
  int threads() const noexcept { return execution_->threads(); }
  const Memory* memory() const noexcept { return execution_->memory(); }
  std::string explain() const;
  Status run(const Arguments& arguments) const noexcept;

 private:
  Plan(const Problem& problem, const char* device, std::unique_ptr<Execution> execution)
      : problem_(problem), device_(device), execution_(std::move(execution)) {}

  Problem problem_;
  const char* device_;
  std::unique_ptr<Execution> execution_;
};

}  // namespace alng::impl

#endif
