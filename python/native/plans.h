// Plans of one operator, kept for repeated calls, and their runs. Knows nothing of Python: the GIL need not be held.
#ifndef ALNG_PYTHON_PLANS_H
#define ALNG_PYTHON_PLANS_H

#include <algorithm>
#include <alng/c_structs.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace alng::python {

template <class Operator>
using Table = typename Operator::Description::Table;

/// What tells one plan from another. Compared and hashed as bytes: all of them are set, padding too.
template <class Operator>
struct Key {
  typename Operator::Problem problem;
  std::int64_t threads;
  std::int64_t gpu;  // negative: the CPU
  char isa[32];

  Key(std::int32_t most_threads, std::string_view isa_name) noexcept {
    std::memset(static_cast<void*>(this), 0, sizeof *this);
    problem.size = sizeof problem;
    threads = most_threads;
    gpu = -1;
    std::copy_n(isa_name.begin(), std::min(isa_name.size(), sizeof isa - 1), isa);  // no name is as long
  }
  // NOLINTBEGIN(bugprone-undefined-memory-manipulation, bugprone-suspicious-memory-comparison): every byte is set
  Key(const Key& other) noexcept { std::memcpy(static_cast<void*>(this), &other, sizeof *this); }
  Key& operator=(const Key&) = delete;
  ~Key() = default;

  friend bool operator==(const Key& a, const Key& b) noexcept { return std::memcmp(&a, &b, sizeof a) == 0; }
  // NOLINTEND(bugprone-undefined-memory-manipulation, bugprone-suspicious-memory-comparison)
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<std::string_view>()({reinterpret_cast<const char*>(&key), sizeof key});
    }
  };
};

struct DestroyPlan {
  void operator()(alng_plan* plan) const noexcept { alng_plan_destroy(plan); }
};
using OwnedPlan = std::unique_ptr<alng_plan, DestroyPlan>;

/// Null with *said filled where the library refuses.
template <class Operator>
OwnedPlan make_plan(const Key<Operator>& key, alng_status* said) noexcept {
  char device[32] = "";
  if (key.gpu >= 0) std::snprintf(device, sizeof device, "cuda:%d", static_cast<int>(key.gpu));
  const alng_options options{sizeof options, device, key.isa, static_cast<std::int32_t>(key.threads)};
  alng_plan* plan = nullptr;
  Operator::plan_create(&key.problem, &options, &plan, said);
  return OwnedPlan(plan);
}

/// How often this process has been forked off. Plans made before have no threads in the child, plans made anew do.
const std::atomic<int>& forks() noexcept;

/// The plan that the calling thread made for this key, else a new one; null with *said filled where it is refused.
/// Every thread keeps its own: no lock is taken, and a fork leaves none locked.
template <class Operator>
const alng_plan* kept_plan(const Key<Operator>& key, alng_status* said) {
  static constexpr std::size_t most_plans = 256;
  thread_local std::unordered_map<Key<Operator>, OwnedPlan, typename Key<Operator>::Hash> plans;
  thread_local const std::pair<const Key<Operator>, OwnedPlan>* latest = nullptr;  // hashing a key takes longer
  thread_local int made_after = 0;
  if (const int now = forks().load(std::memory_order_relaxed); made_after != now) {
    plans.clear();
    latest = nullptr;
    made_after = now;
  }
  if (latest != nullptr && latest->first == key) return latest->second.get();
  auto found = plans.find(key);
  if (found == plans.end()) {
    OwnedPlan plan = make_plan(key, said);
    if (plan == nullptr) return nullptr;
    latest = nullptr;
    if (plans.size() >= most_plans) plans.clear();
    found = plans.emplace(key, std::move(plan)).first;
  }
  latest = &*found;
  return latest->second.get();
}

/// Scratch memory of one run: the calling thread's own where it is small, else allocated for this run.
class Workspace {
 public:
  explicit Workspace(std::size_t bytes);

  std::byte* data() const noexcept { return data_; }

 private:
  std::unique_ptr<std::byte[]> large_;
  std::byte* data_;
};

template <class Operator>
alng_code run_plan(const alng_plan* plan, typename Operator::Where& where, alng_status* said) {
  where.size = sizeof where;
  where.workspace_size = alng_plan_workspace_size(plan);
  const Workspace workspace(where.workspace_size);
  where.workspace = workspace.data();
  return Operator::run(plan, &where, said);
}

/// Plans, or finds the plan, and runs it. Throws std::bad_alloc alone.
template <class Operator>
alng_code run_kept_plan(const Key<Operator>& key, typename Operator::Where& where, alng_status* said) {
  const alng_plan* const plan = kept_plan(key, said);
  return plan != nullptr ? run_plan<Operator>(plan, where, said) : said->code;
}

}  // namespace alng::python

#endif
