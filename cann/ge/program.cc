#include "ge/program.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace alng::cann::engine {

// Finds places for what is handed from node to node.
class Program::Layout {
 public:
  Layout(Program& program, const std::vector<TensorSpec>& specs)
      : program_(program), graph_(*program.graph_), specs_(specs) {
    last_read_.assign(graph_.value_count(), nothing);
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      for (const std::size_t value : graph_.nodes()[n].inputs) {
        if (value != nothing) last_read_[value] = n;
      }
    }
    for (std::size_t slot = 0; slot < graph_.fed().size(); ++slot) {
      const std::size_t node = graph_.fed()[slot];
      if (node != nothing) program_.places_[graph_.nodes()[node].first_value] = {Place::Where::input, slot};
    }
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      const Node& node = graph_.nodes()[n];
      if (node.kind->role() == Role::constant) program_.places_[node.first_value] = {Place::Where::constant, n};
    }
    // A value that is handed out more than once is computed into the first of its tensors.
    for (std::size_t i = graph_.outputs().size(); i-- > 0;) {
      Place& place = program_.places_[graph_.outputs()[i]];
      if (place.where == Place::Where::nowhere || place.where == Place::Where::output) {
        place = {Place::Where::output, i};
      }
    }
  }

  std::vector<bool> wanted(std::size_t n) const {
    const Node& node = graph_.nodes()[n];
    std::vector<bool> out;
    for (std::size_t i = 0; i < node.kind->outputs().size(); ++i) {
      const std::size_t value = node.first_value + i;
      out.push_back(last_read_[value] != nothing || program_.places_[value].where == Place::Where::output);
    }
    return out;
  }

  // Places for the outputs of a node that is computed next, and for its workspace.
  void place(Step& step) {
    taken_over_.clear();
    const Node& node = graph_.nodes()[step.node];
    const std::vector<bool> wanted_outputs = wanted(step.node);
    for (std::size_t i = 0; i < wanted_outputs.size(); ++i) {
      const std::size_t value = node.first_value + i;
      if (!wanted_outputs[i] || program_.places_[value].where == Place::Where::output) continue;
      const std::size_t over = overwritten(step, i);
      if (over != nothing) {
        program_.places_[value] = program_.places_[over];
        taken_over_.push_back(over);
      } else {
        program_.places_[value] = {Place::Where::scratch, program_.scratch_.take(bytes_of(specs_[value]))};
      }
    }
    step.workspace = program_.scratch_.take(step.kernel->workspace_size());
    program_.scratch_.give_back(step.workspace, step.kernel->workspace_size());
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const std::size_t value = node.inputs[i];
      if (ends_here(step.node, value) && first_use(node, i) && !contains(taken_over_, value)) {
        program_.scratch_.give_back(program_.places_[value].at, bytes_of(specs_[value]));
      }
    }
  }

 private:
  static bool contains(const std::vector<std::size_t>& list, std::size_t value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }

  // A node may read a value by several of its inputs.
  static bool first_use(const Node& node, std::size_t input) {
    return std::find(node.inputs.begin(), node.inputs.end(), node.inputs[input]) ==
           node.inputs.begin() + static_cast<std::ptrdiff_t>(input);
  }

  bool ends_here(std::size_t n, std::size_t value) const {
    return value != nothing && last_read_[value] == n && program_.places_[value].where == Place::Where::scratch;
  }

  // An input's value whose place the output may take, or nothing.
  std::size_t overwritten(const Step& step, std::size_t output) const {
    const Node& node = graph_.nodes()[step.node];
    for (const std::size_t value : node.inputs) {
      if (!ends_here(step.node, value) || contains(taken_over_, value)) continue;
      if (bytes_of(specs_[value]) != bytes_of(specs_[node.first_value + output])) continue;
      bool allowed = true;
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        allowed = allowed && (node.inputs[i] != value || step.kernel->may_overwrite(i, output));
      }
      if (allowed) return value;
    }
    return nothing;
  }

  Program& program_;
  const CheckedGraph& graph_;
  const std::vector<TensorSpec>& specs_;
  std::vector<std::size_t> last_read_;   // node, by value
  std::vector<std::size_t> taken_over_;  // by the outputs of the node at hand
};

Result<std::shared_ptr<const Program>> Program::create(std::shared_ptr<const CheckedGraph> graph,
                                                       const std::vector<TensorSpec>& fed, int device) {
  const auto program = std::make_shared<Program>();
  program->graph_ = std::move(graph);
  const CheckedGraph& checked = *program->graph_;
  const Result<std::vector<TensorSpec>> inferred = checked.infer(fed);
  if (!inferred) return inferred.status();
  const std::vector<TensorSpec>& specs = inferred.value();
  program->places_.resize(checked.value_count());
  Layout layout(*program, specs);
  for (std::size_t n = 0; n < checked.nodes().size(); ++n) {
    const Node& node = checked.nodes()[n];
    if (node.kind->role() != Role::computed) continue;
    Result<std::shared_ptr<const Kernel>> kernel = node.kind->prepare(
        node, CheckedGraph::inputs_of(node, specs),
        std::span(specs).subspan(node.first_value, node.kind->outputs().size()), layout.wanted(n), device);
    if (!kernel) return Status(kernel.status().code(), node.label + ": " + kernel.status().message());
    program->steps_.push_back({n, std::move(kernel).value()});
    layout.place(program->steps_.back());
  }
  for (const std::size_t value : checked.outputs()) program->output_specs_.push_back(specs[value]);
  return std::shared_ptr<const Program>(program);
}

Status Program::run(const std::vector<ge::Tensor>& inputs, std::vector<ge::Tensor>& outputs, ScratchPool& pool) const {
  std::vector<ge::Tensor> made;
  for (const TensorSpec& spec : output_specs_) {
    made.emplace_back(desc_of(spec));
    const std::size_t bytes = bytes_of(spec);
    const ge::Tensor::DeleteFunc release = AlignedDelete();
    if (made.back().SetData(allocate_aligned(bytes).release(), bytes, release) != ge::GRAPH_SUCCESS) {
      return {Code::out_of_memory, "memory ran out"};
    }
  }
  // Taken for this run alone, and given back however it ends.
  struct Taken {
    ScratchPool& pool;
    ScratchPool::Block block;
    ~Taken() { pool.give_back(std::move(block)); }
  } const scratch{pool, pool.take(scratch_.size())};
  auto* const scratch_at = reinterpret_cast<std::byte*>(scratch.block.memory.get());

  const auto address = [&](std::size_t value) -> std::byte* {
    const Place& place = places_[value];
    switch (place.where) {
      case Place::Where::input:
        // Kernels do not write to inputs, and neither does the layout.
        return const_cast<std::byte*>(reinterpret_cast<const std::byte*>(inputs[place.at].GetData()));
      case Place::Where::constant:
        return const_cast<std::byte*>(reinterpret_cast<const std::byte*>(graph_->nodes()[place.at].constant.get()));
      case Place::Where::output:
        return reinterpret_cast<std::byte*>(made[place.at].GetData());
      case Place::Where::scratch:
        return scratch_at + place.at;
      case Place::Where::nowhere:
        break;
    }
    return nullptr;
  };

  std::vector<const std::byte*> read;
  std::vector<std::byte*> written;
  for (const Step& step : steps_) {
    const Node& node = graph_->nodes()[step.node];
    read.clear();
    written.clear();
    for (const std::size_t value : node.inputs) read.push_back(value == nothing ? nullptr : address(value));
    for (std::size_t i = 0; i < node.kind->outputs().size(); ++i) written.push_back(address(node.first_value + i));
    const Status status = step.kernel->run(read.data(), written.data(), scratch_at + step.workspace);
    if (!status.ok()) return {status.code(), node.label + ": " + status.message()};
  }
  // Handed out again, or never computed: there is nothing to write it there, and tensors share no memory.
  for (std::size_t i = 0; i < made.size(); ++i) {
    const std::size_t value = graph_->outputs()[i];
    const Place& place = places_[value];
    const bool there = place.where == Place::Where::output && place.at == i;
    if (!there && made[i].GetSize() > 0) std::memcpy(made[i].GetData(), address(value), made[i].GetSize());
  }
  outputs = std::move(made);
  return {};
}

}  // namespace alng::cann::engine
