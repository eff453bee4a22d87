#include "operator/run_case.h"

#include <cstring>
#include <optional>
#include <sstream>
#include <thread>

#include "cases/element.h"

namespace alng::test {
namespace {

using cases::StoredTensors;

std::size_t element_of(const StoredTensors& tensors, int tensor) { return dtype_size(tensors.layout(tensor)->dtype); }

// What the tensor's memory must hold after a run that left these elements: they, and everything else as it was.
std::vector<std::byte> with_elements(const StoredTensors& tensors, int tensor, std::vector<std::byte> memory,
                                     const std::vector<std::byte>& elements) {
  const std::size_t size = element_of(tensors, tensor);
  cases::Offsets offsets(*tensors.layout(tensor));
  for (std::size_t i = 0; i < elements.size() / size; ++i) {
    std::memcpy(memory.data() + static_cast<std::size_t>(offsets.next()) * size, elements.data() + i * size, size);
  }
  return memory;
}

/// The tensors of one run, in the device's memory where it has its own.
template <class Arguments>
class Placed {
 public:
  Placed(const StoredTensors& tensors, const HowToRun& how, Memory memory) : tensors_(tensors) {
    for (int t = 0; t < tensors.count(); ++t) {
      if (!tensors.layout(t) || tensors.over(t) >= 0) continue;
      const std::size_t size = element_of(tensors, t);
      if (memory) {
        const std::size_t elements = tensors.is_output(t)                        ? how.shift
                                     : how.placement == Placement::offset_by_one ? 1
                                                                                 : 0;
        on_device_[index(t)].emplace(memory, tensors.storage(t), elements * size);
      } else if (tensors.is_output(t)) {
        outputs_[index(t)].emplace(tensors.storage(t), 64, how.shift * size);
      } else {
        inputs_[index(t)].emplace(tensors.storage(t), size, how.placement);
      }
    }
    for (int t = 0; t < tensors.count(); ++t) {
      if (tensors.layout(t)) give_pointer(arguments_, index(t), address(t));
    }
  }

  void fetch() {
    for (auto& memory : on_device_) {
      if (memory) memory->fetch();
    }
  }

  Arguments& arguments() { return arguments_; }

  std::vector<std::byte> elements(int tensor) { return tensors_.elements(tensor, data(tensor)); }

  std::string damage() {
    std::string found;
    for (int t = 0; t < tensors_.count(); ++t) {
      if (!tensors_.layout(t)) continue;
      const std::string name = tensors_.name(t) + std::string(": ");
      if (tensors_.is_output(t)) {
        if (outputs_[index(t)] && !outputs_[index(t)]->damage().empty()) {
          found += name + outputs_[index(t)]->damage() + "\n";
        }
        if (on_device_[index(t)] && !on_device_[index(t)]->damage().empty()) {
          found += name + on_device_[index(t)]->damage() + "\n";
        }
        if (tensors_.layout(t)->is_dense()) continue;
        const std::vector<std::byte>& before = tensors_.storage(tensors_.over(t) >= 0 ? tensors_.over(t) : t);
        const std::vector<std::byte> expected = with_elements(tensors_, t, before, elements(t));
        if (!holds(t, expected)) found += name + "written between its elements\n";
      } else if (!is_under_an_output(t) && !holds(t, tensors_.storage(t))) {
        found += name + "an input was written\n";
      }
    }
    return found;
  }

 private:
  static std::size_t index(int tensor) { return static_cast<std::size_t>(tensor); }
  bool is_under_an_output(int input) const {
    for (int t = 0; t < tensors_.count(); ++t) {
      if (tensors_.layout(t) && tensors_.over(t) == input) return true;
    }
    return false;
  }
  bool holds(int tensor, const std::vector<std::byte>& bytes) {
    return bytes.empty() || std::memcmp(data(tensor), bytes.data(), bytes.size()) == 0;
  }
  /// What the run is given.
  std::byte* address(int tensor) {
    const auto& device = on_device_[index(owner(tensor))];
    return device ? device->data() : data(tensor);
  }
  /// On the host, as last fetched.
  std::byte* data(int tensor) {
    tensor = owner(tensor);
    if (on_device_[index(tensor)]) return on_device_[index(tensor)]->fetched();
    return tensors_.is_output(tensor) ? outputs_[index(tensor)]->data() : inputs_[index(tensor)]->data();
  }
  /// The tensor in whose memory it is.
  int owner(int tensor) const { return tensors_.over(tensor) >= 0 ? tensors_.over(tensor) : tensor; }

  const StoredTensors& tensors_;
  std::array<std::optional<InputMemory>, max_operands> inputs_;
  std::array<std::optional<OutputMemory>, max_operands> outputs_;
  std::array<std::optional<MemoryOnDevice>, max_operands> on_device_;
  Arguments arguments_;
};

template <class Problem, class Plan, class Instance>
Outcome run(const Instance& instance, const HowToRun& how) {
  Outcome out;
  const Result<Problem> problem = Problem::create(instance.description());
  if (!problem.ok()) {
    out.status = problem.status();
    return out;
  }
  const Result<Plan> plan = Plan::create(problem.value(), how.plan);
  if (!plan.ok()) {
    out.status = plan.status();
    return out;
  }
  out.isa = plan.value().isa();
  out.threads = plan.value().threads();
  out.workspace_size = plan.value().workspace_size();

  const Memory memory = plan.value().memory();
  Placed<typename Plan::Arguments> placed(instance, how, memory);
  // One byte behind a page: whatever alignment the library makes for itself, this wastes the most.
  const std::vector<std::byte> unwritten(out.workspace_size, std::byte{0xFF});
  OutputMemory workspace(unwritten, 4096, 1 + how.shift);
  std::optional<MemoryOnDevice> workspace_on_device;
  placed.arguments().workspace = workspace.data();
  if (memory) placed.arguments().workspace = workspace_on_device.emplace(memory, unwritten, 1 + how.shift).data();
  placed.arguments().workspace_size = workspace.size();
  placed.arguments().executor = how.executor;
  out.status = plan.value().run(placed.arguments());
  if (memory) {
    placed.fetch();
    workspace_on_device->fetch();
    if (!workspace_on_device->damage().empty()) out.damage = "workspace: " + workspace_on_device->damage() + "\n";
  }
  for (int t = first_output(instance); t < instance.count(); ++t) {
    if (instance.layout(t)) out.outputs[static_cast<std::size_t>(t - first_output(instance))] = placed.elements(t);
  }
  out.damage += placed.damage();
  if (!workspace.damage().empty()) out.damage += "workspace: " + workspace.damage() + "\n";
  return out;
}

}  // namespace

int first_output(const StoredTensors& tensors) {
  int t = 0;
  while (!tensors.is_output(t)) ++t;
  return t;
}

Outcome run_case(const cases::Instance& instance, const HowToRun& how) {
  return run<GradProblem, GradPlan>(instance, how);
}
Outcome run_case(const cases::ForwardInstance& instance, const HowToRun& how) {
  return run<ForwardProblem, ForwardPlan>(instance, how);
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

std::string difference(const StoredTensors& tensors, const Outcome& expected, const Outcome& got) {
  std::string out;
  for (int t = first_output(tensors); t < tensors.count(); ++t) {
    if (!tensors.layout(t)) continue;
    const auto i = static_cast<std::size_t>(t - first_output(tensors));
    out += difference(tensors.name(t), tensors.layout(t)->dtype, expected.outputs[i], got.outputs[i]);
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
