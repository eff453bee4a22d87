#include <utility>

#include "ge/message.h"
#include "ge/session_impl.h"

namespace ge {
namespace {

using alng::cann::engine::guarded;
using alng::cann::engine::quoted;
using alng::cann::engine::refused;
using alng::cann::engine::TensorSpec;

}  // namespace

class CompiledGraphSummaryImpl {
 public:
  static CompiledGraphSummaryPtr make(std::shared_ptr<const CompiledGraphSummaryImpl> impl) {
    auto summary = std::make_shared<CompiledGraphSummary>();
    summary->impl_ = std::move(impl);
    return summary;
  }

  bool is_static = false;
  size_t feature_bytes = 0;
  size_t constant_bytes = 0;
  std::vector<Shape> shapes;
  std::vector<DataType> types;
};

SessionImpl::SessionImpl(const Options& options)
    : epoch_(alng::cann::engine::current_epoch()), device_(alng::cann::engine::current_device()) {
  broken_ = alng::cann::engine::check_options(options, device_);
}

alng::Status SessionImpl::named(uint32_t id, const std::string& name, const alng::Status& status) {
  if (status.ok()) return status;
  return {status.code(), "graph " + std::to_string(id) + " " + quoted(name) + ": " + status.message()};
}

alng::Status SessionImpl::find(uint32_t id, std::shared_ptr<LoadedGraph>& graph) const {
  if (alng::Status status = alng::cann::engine::check_epoch(epoch_); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  const auto found = graphs_.find(id);
  if (found == graphs_.end()) return refused("there is no graph " + std::to_string(id) + " in the session");
  graph = found->second;
  return {};
}

alng::Status SessionImpl::add(uint32_t id, const Graph& graph, const Options& options) {
  if (alng::Status status = alng::cann::engine::check_epoch(epoch_); !status.ok()) return status;
  if (!broken_.ok()) return {broken_.code(), "the session's " + broken_.message()};
  int device = device_;
  if (alng::Status status = alng::cann::engine::check_options(options, device); !status.ok()) return status;
  const auto checked = alng::cann::engine::CheckedGraph::create(graph);
  if (!checked) return named(id, graph.GetName(), checked.status());
  for (std::size_t slot = 0; slot < checked.value()->fed().size(); ++slot) {
    if (checked.value()->fed()[slot] != alng::cann::engine::nothing) continue;
    alng::cann::engine::warn("AddGraph", "graph " + std::to_string(id) + ": no output needs " +
                                             checked.value()->fed_labels()[slot] + "; runs must bring its tensor");
  }
  auto loaded = std::make_shared<LoadedGraph>(checked.value(), device);
  const std::lock_guard lock(mutex_);
  if (!graphs_.emplace(id, std::move(loaded)).second) {
    return refused("there is a graph " + std::to_string(id) + " in the session already; RemoveGraph makes room");
  }
  return {};
}

alng::Status SessionImpl::remove(uint32_t id) {
  std::shared_ptr<LoadedGraph> graph;  // freed outside the lock
  if (alng::Status status = find(id, graph); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  graphs_.erase(id);
  return {};
}

alng::Status SessionImpl::compile(uint32_t id) {
  std::shared_ptr<LoadedGraph> graph;
  if (alng::Status status = find(id, graph); !status.ok()) return status;
  for (const TensorSpec& told : graph->checked().told()) {
    if (!told.known()) return {};  // what is known was checked when the graph was added
  }
  return named(id, graph->checked().name(), graph->program_for(graph->checked().told()).status());
}

template <class Specs>
alng::Status SessionImpl::build(uint32_t id, const Specs& specs_of) {
  std::shared_ptr<LoadedGraph> graph;
  if (alng::Status status = find(id, graph); !status.ok()) return status;
  std::vector<TensorSpec> specs;
  alng::Status status = specs_of(*graph, specs);
  if (status.ok()) status = graph->program_for(specs).status();
  return named(id, graph->checked().name(), status);
}

CompiledGraphSummaryPtr SessionImpl::summary(uint32_t id) const {
  std::shared_ptr<LoadedGraph> graph;
  if (!find(id, graph).ok()) return nullptr;
  const auto program = graph->latest();
  if (program == nullptr) return nullptr;
  auto impl = std::make_shared<CompiledGraphSummaryImpl>();
  impl->is_static = true;
  for (const TensorSpec& told : graph->checked().told()) impl->is_static = impl->is_static && told.known();
  impl->feature_bytes = program->scratch_size();
  impl->constant_bytes = graph->checked().constant_bytes();
  for (const TensorSpec& spec : program->output_specs()) {
    impl->shapes.emplace_back(*spec.dims);
    impl->types.push_back(spec.dtype);
  }
  return CompiledGraphSummaryImpl::make(std::move(impl));
}

alng::Status SessionImpl::run(uint32_t id, const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs) {
  std::shared_ptr<LoadedGraph> graph;
  if (alng::Status status = find(id, graph); !status.ok()) return status;
  return named(id, graph->checked().name(), graph->run(inputs, outputs));
}

alng::Status SessionImpl::run_later(uint32_t id, const std::vector<Tensor>& inputs, RunAsyncCallback callback) {
  if (callback == nullptr) return refused("callback is null but must be a function");
  std::shared_ptr<LoadedGraph> graph;
  if (alng::Status status = find(id, graph); !status.ok()) return status;
  if (alng::Status status = graph->check_count(inputs.size()); !status.ok()) {
    return named(id, graph->checked().name(), status);
  }
  // Copies of the tensors keep their memory.
  worker_.submit([id, graph, inputs, callback = std::move(callback)] {
    std::vector<Tensor> outputs;
    const Status status =
        guarded("RunGraphAsync", [&] { return named(id, graph->checked().name(), graph->run(inputs, outputs)); });
    callback(status, outputs);
  });
  return {};
}

Session::Session(const std::map<AscendString, AscendString>& options) : impl_(std::make_shared<SessionImpl>(options)) {
  alng::cann::engine::remember(impl_);
}

Session::~Session() { impl_->drain(); }

Status Session::AddGraph(uint32_t graph_id, const Graph& graph) {
  return AddGraph(graph_id, graph, SessionImpl::Options());
}

Status Session::AddGraph(uint32_t graph_id, const Graph& graph, const std::map<AscendString, AscendString>& options) {
  return guarded("AddGraph", [&] { return impl_->add(graph_id, graph, options); });
}

Status Session::RemoveGraph(uint32_t graph_id) {
  return guarded("RemoveGraph", [&] { return impl_->remove(graph_id); });
}

Status Session::CompileGraph(uint32_t graph_id) {
  return guarded("CompileGraph", [&] { return impl_->compile(graph_id); });
}

Status Session::BuildGraph(uint32_t graph_id, const std::vector<InputTensorInfo>& inputs) {
  return guarded("BuildGraph", [&] {
    return impl_->build(graph_id, [&](const SessionImpl::LoadedGraph& graph, std::vector<TensorSpec>& specs) {
      for (const InputTensorInfo& input : inputs) specs.push_back({static_cast<DataType>(input.data_type), input.dims});
      return graph.check_specs(specs);
    });
  });
}

Status Session::BuildGraph(uint32_t graph_id, const std::vector<Tensor>& inputs) {
  return guarded("BuildGraph", [&] {
    return impl_->build(graph_id, [&](const SessionImpl::LoadedGraph& graph, std::vector<TensorSpec>& specs) {
      return graph.specs_of(inputs, specs);
    });
  });
}

CompiledGraphSummaryPtr Session::GetCompiledGraphSummary(uint32_t graph_id) {
  CompiledGraphSummaryPtr summary;
  guarded("GetCompiledGraphSummary", [&]() -> alng::Status {
    summary = impl_->summary(graph_id);
    if (summary == nullptr) {
      return refused("graph " + std::to_string(graph_id) + " is not in the session, or was not compiled, built or run");
    }
    return {};
  });
  return summary;
}

Status Session::RunGraph(uint32_t graph_id, const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs) {
  return guarded("RunGraph", [&] { return impl_->run(graph_id, inputs, outputs); });
}

Status Session::RunGraphAsync(uint32_t graph_id, const std::vector<Tensor>& inputs, RunAsyncCallback callback) {
  return guarded("RunGraphAsync", [&] { return impl_->run_later(graph_id, inputs, std::move(callback)); });
}

bool CompiledGraphSummary::IsStatic() const { return impl_ != nullptr && impl_->is_static; }

Status CompiledGraphSummary::GetFeatureMemorySize(size_t& size) const {
  if (impl_ == nullptr) return FAILED;
  size = impl_->feature_bytes;
  return SUCCESS;
}

Status CompiledGraphSummary::GetConstMemorySize(size_t& size) const {
  if (impl_ == nullptr) return FAILED;
  size = impl_->constant_bytes;
  return SUCCESS;
}

Status CompiledGraphSummary::GetOutputShapes(std::vector<Shape>& shapes) const {
  if (impl_ == nullptr) return FAILED;
  shapes = impl_->shapes;
  return SUCCESS;
}

Status CompiledGraphSummary::GetOutputDtypes(std::vector<DataType>& types) const {
  if (impl_ == nullptr) return FAILED;
  types = impl_->types;
  return SUCCESS;
}

}  // namespace ge
