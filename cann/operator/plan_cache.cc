#include "operator/plan_cache.h"

#include <algorithm>
#include <array>
#include <memory>

#include "runtime/device.h"

namespace alng::cann {
namespace {

struct Entry {
  GradDescription description;
  const std::string* device;
  GradPlan plan;
};

constexpr std::size_t places = 64;
thread_local std::array<std::unique_ptr<Entry>, places> cache;

bool same(const GradDescription& a, const GradDescription& b) {
  if (a.normalized_dims != b.normalized_dims || a.accumulate != b.accumulate) return false;
  for (std::size_t place = 0; place < grad::count; ++place) {
    const TensorLayout* const one = layout_at(a, place);
    const TensorLayout* const other = layout_at(b, place);
    if ((one == nullptr) != (other == nullptr) || (one != nullptr && *one != *other)) return false;
  }
  return true;
}

// Problems of one program mostly differ in the shape of dy, the number of columns and what is optional.
std::size_t place_of(const GradDescription& description) {
  const TensorLayout& dy = description.dy;
  std::uint64_t hash =
      static_cast<std::uint64_t>(dy.dtype) * 4 + (description.gamma ? 2 : 0) + (description.dsum ? 1 : 0);
  const auto mix = [&hash](std::int64_t number) {
    hash = (hash ^ static_cast<std::uint64_t>(number)) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32;
  };
  for (int d = 0; d < std::min(dy.rank, max_rank); ++d) mix(dy.shape[static_cast<std::size_t>(d)]);
  mix(description.dgamma ? description.dgamma->rank : 0);
  return hash % places;
}

}  // namespace

Result<GradPlan> plan_for(const GradDescription& description, int device) {
  std::unique_ptr<Entry>& entry = cache[place_of(description)];
  const std::string& on = device_of_plans(device);
  if (entry != nullptr && entry->device == &on && same(entry->description, description)) return entry->plan;
  const Result<GradProblem> problem = GradProblem::create(description);
  if (!problem) return problem.status();
  PlanOptions options;
  options.device = on;
  Result<GradPlan> plan = GradPlan::create(problem.value(), options);
  if (plan) entry = std::make_unique<Entry>(Entry{description, &on, plan.value()});
  return plan;
}

}  // namespace alng::cann
