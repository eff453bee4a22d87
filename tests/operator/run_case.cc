#include "operator/run_case.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <sstream>
#include <thread>

#include "cases/element.h"

namespace alng::test {
namespace {

using cases::Instance;
using grad::count;
using grad::dx;

std::size_t element_of(const Instance& instance, int tensor) { return dtype_size(instance.layout(tensor)->dtype); }

// What the tensor's memory must hold after a run that left these elements: they, and everything else as it was.
std::vector<std::byte> with_elements(const Instance& instance, int tensor, std::vector<std::byte> memory,
                                     const std::vector<std::byte>& elements) {
  const std::size_t size = element_of(instance, tensor);
  cases::Offsets offsets(*instance.layout(tensor));
  for (std::size_t i = 0; i < elements.size() / size; ++i) {
    std::memcpy(memory.data() + static_cast<std::size_t>(offsets.next()) * size, elements.data() + i * size, size);
  }
  return memory;
}

/// The tensors of one run.
class Placed {
 public:
  Placed(const Instance& instance, const HowToRun& how) : instance_(instance) {
    for (int t = 0; t < grad::count; ++t) {
      if (!instance.layout(t) || is_dx_in_place(t)) continue;
      const std::size_t size = element_of(instance, t);
      if (t < grad::dx) {
        inputs_[index(t)].emplace(instance.storage(t), size, how.placement);
      } else {
        outputs_[index(t)].emplace(instance.storage(t), 64, how.shift * size);
      }
    }
    for (int t = 0; t < grad::count; ++t) {
      if (instance.layout(t)) give_pointer(arguments_, t, data(t));
    }
  }

  GradArguments& arguments() { return arguments_; }

  std::vector<std::byte> elements(int tensor) { return instance_.elements(tensor, data(tensor)); }

  std::string damage() {
    std::string found;
    for (int t = 0; t < grad::count; ++t) {
      if (!instance_.layout(t)) continue;
      const std::string name = std::string(grad::operands[static_cast<std::size_t>(t)].name) + ": ";
      if (t >= grad::dx) {
        if (outputs_[index(t)] && !outputs_[index(t)]->damage().empty()) {
          found += name + outputs_[index(t)]->damage() + "\n";
        }
        if (instance_.layout(t)->is_dense()) continue;
        const std::vector<std::byte>& before = instance_.storage(is_dx_in_place(t) ? instance_.dx_over() : t);
        const std::vector<std::byte> expected = with_elements(instance_, t, before, elements(t));
        if (!holds(t, expected)) found += name + "written between its elements\n";
      } else if (t != instance_.dx_over() && !holds(t, instance_.storage(t))) {
        found += name + "an input was written\n";
      }
    }
    return found;
  }

 private:
  static std::size_t index(int tensor) { return static_cast<std::size_t>(tensor); }
  bool is_dx_in_place(int tensor) const { return tensor == grad::dx && instance_.dx_over() >= 0; }
  bool holds(int tensor, const std::vector<std::byte>& bytes) {
    return bytes.empty() || std::memcmp(data(tensor), bytes.data(), bytes.size()) == 0;
  }
  std::byte* data(int tensor) {
    if (is_dx_in_place(tensor)) tensor = instance_.dx_over();
    return tensor < grad::dx ? inputs_[index(tensor)]->data() : outputs_[index(tensor)]->data();
  }

  const Instance& instance_;
  std::array<std::optional<InputMemory>, grad::count> inputs_;
  std::array<std::optional<OutputMemory>, grad::count> outputs_;
  GradArguments arguments_;
};

}  // namespace

Outcome run_case(const Instance& instance, const HowToRun& how) {
  Outcome out;
  const Result<GradProblem> problem = GradProblem::create(instance.description());
  if (!problem.ok()) {
    out.status = problem.status();
    return out;
  }
  const Result<GradPlan> plan = GradPlan::create(problem.value(), how.plan);
  if (!plan.ok()) {
    out.status = plan.status();
    return out;
  }
  out.isa = plan.value().isa();
  out.threads = plan.value().threads();
  out.workspace_size = plan.value().workspace_size();

  Placed placed(instance, how);
  // One byte behind a page: whatever alignment the library makes for itself, this wastes the most.
  OutputMemory workspace(std::vector<std::byte>(out.workspace_size, std::byte{0xFF}), 4096, 1 + how.shift);
  placed.arguments().workspace = workspace.data();
  placed.arguments().workspace_size = workspace.size();
  placed.arguments().executor = how.executor;
  out.status = plan.value().run(placed.arguments());
  for (int t = grad::dx; t < grad::count; ++t) {
    if (instance.layout(t)) out.outputs[static_cast<std::size_t>(t - grad::dx)] = placed.elements(t);
  }
  out.damage = placed.damage();
  if (!workspace.damage().empty()) out.damage += "workspace: " + workspace.damage() + "\n";
  return out;
}

Outcome run_reference(const Instance& instance) {
  HowToRun how;
  how.plan.device = "reference";
  Outcome out = run_case(instance, how);
  EXPECT_TRUE(out.status.ok()) << out.status.message();
  EXPECT_EQ(out.damage, "");
  return out;
}

std::string difference(const char* name, DType dtype, const std::vector<std::byte>& expected,
                       const std::vector<std::byte>& got) {
  if (expected.size() != got.size()) return std::string(name) + ": another number of elements";
  if (expected.empty() || std::memcmp(expected.data(), got.data(), expected.size()) == 0) return {};
  const std::size_t size = dtype_size(dtype);
  std::size_t count = 0, first = 0;
  for (std::size_t i = expected.size() / size; i-- > 0;) {
    if (std::memcmp(expected.data() + i * size, got.data() + i * size, size) != 0) {
      ++count;
      first = i;
    }
  }
  std::ostringstream text;
  text.precision(17);
  text << name << ": " << count << " of " << expected.size() / size << " elements differ, the first at " << first
       << ": expected " << cases::load(dtype, expected.data() + first * size) << ", got "
       << cases::load(dtype, got.data() + first * size) << " (bits";
  for (const auto* bytes : {&expected, &got}) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, bytes->data() + first * size, size);
    text << " 0x" << std::hex << bits << std::dec;
  }
  text << ")\n";
  return text.str();
}

std::string difference(const Instance& instance, const Outcome& expected, const Outcome& got) {
  std::string out;
  for (int t = grad::dx; t < grad::count; ++t) {
    if (!instance.layout(t)) continue;
    const auto i = static_cast<std::size_t>(t - grad::dx);
    out += difference(grad::operands[static_cast<std::size_t>(t)].name, instance.layout(t)->dtype, expected.outputs[i],
                      got.outputs[i]);
  }
  return out;
}

const Executor& backward_executor() {
  static const Executor executor{[](void*, std::int32_t count, void (*task)(void*, std::int32_t), void* task_data) {
                                   for (std::int32_t i = count; i-- > 0;) task(task_data, i);
                                 },
                                 nullptr};
  return executor;
}

const Executor& thread_per_task_executor() {
  static const Executor executor{[](void*, std::int32_t count, void (*task)(void*, std::int32_t), void* task_data) {
                                   std::vector<std::thread> threads;
                                   for (std::int32_t i = 0; i < count; ++i) threads.emplace_back(task, task_data, i);
                                   for (std::thread& thread : threads) thread.join();
                                 },
                                 nullptr};
  return executor;
}

}  // namespace alng::test
