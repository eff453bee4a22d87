#include "ge/loaded_graph.h"

#include <utility>

#include "runtime/product.h"

namespace alng::cann::engine {

Status LoadedGraph::check_count(std::size_t count) const {
  if (count == graph_->fed().size()) return {};
  return refused(std::to_string(count) + " tensors are given but the graph takes " +
                 std::to_string(graph_->fed().size()) + ", one for each Data of its inputs");
}

Status LoadedGraph::check_spec(std::size_t slot, const TensorSpec& spec) const {
  const TensorSpec& told = graph_->told()[slot];
  if (fits(spec, told)) return {};
  return refused("tensor " + std::to_string(slot) + " is " + to_string(spec) + " but " + graph_->fed_labels()[slot] +
                 " is described as " + to_string(told));
}

Status LoadedGraph::specs_of(const std::vector<ge::Tensor>& inputs, std::vector<TensorSpec>& specs) const {
  if (Status status = check_count(inputs.size()); !status.ok()) return status;
  specs.resize(inputs.size());
  for (std::size_t slot = 0; slot < inputs.size(); ++slot) {
    if (Status status = spec_of(inputs[slot], graph_->told()[slot], specs[slot]); !status.ok()) {
      return refused("tensor " + std::to_string(slot) + " (" + graph_->fed_labels()[slot] + ") " + status.message());
    }
    if (Status status = check_spec(slot, specs[slot]); !status.ok()) return status;
  }
  return {};
}

Status LoadedGraph::check_specs(const std::vector<TensorSpec>& specs) const {
  if (Status status = check_count(specs.size()); !status.ok()) return status;
  for (std::size_t slot = 0; slot < specs.size(); ++slot) {
    Status status = judge(specs[slot]);
    if (status.ok() && !specs[slot].known()) {
      status = refused("is " + to_string(specs[slot]) + " but dtype and extents must be known");
    }
    if (!status.ok()) {
      return refused("tensor " + std::to_string(slot) + " (" + graph_->fed_labels()[slot] + ") " + status.message());
    }
    if (status = check_spec(slot, specs[slot]); !status.ok()) return status;
  }
  return {};
}

Result<std::shared_ptr<const Program>> LoadedGraph::program_for(const std::vector<TensorSpec>& specs) {
  // A program may be of a product's own kernel; another product's is another program.
  Key key = {reinterpret_cast<std::intptr_t>(current_product())};
  for (const TensorSpec& spec : specs) {
    key.push_back(spec.dtype);
    key.push_back(static_cast<std::int64_t>(spec.dims->size()));
    key.insert(key.end(), spec.dims->begin(), spec.dims->end());
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = programs_.find(key);
    if (found != programs_.end()) {
      order_.splice(order_.begin(), order_, found->second.place);
      return found->second.program;
    }
  }
  // Two threads may make the same at once; that is rare, and waiting for each other would not be quicker.
  Result<std::shared_ptr<const Program>> program = Program::create(graph_, specs, device_);
  if (!program) return program;
  const std::lock_guard lock(mutex_);
  if (programs_.count(key) == 0) {
    order_.push_front(key);
    programs_.emplace(key, Entry{program.value(), order_.begin()});
    if (programs_.size() > kept) {
      programs_.erase(order_.back());
      order_.pop_back();
    }
  }
  return program;
}

std::shared_ptr<const Program> LoadedGraph::latest() const {
  const std::lock_guard lock(mutex_);
  return order_.empty() ? nullptr : programs_.at(order_.front()).program;
}

Status LoadedGraph::run(const std::vector<ge::Tensor>& inputs, std::vector<ge::Tensor>& outputs) {
  std::vector<TensorSpec> specs;
  if (Status status = specs_of(inputs, specs); !status.ok()) return status;
  const Result<std::shared_ptr<const Program>> program = program_for(specs);
  if (!program) return program.status();
  return program.value()->run(inputs, outputs, pool_);
}

}  // namespace alng::cann::engine
