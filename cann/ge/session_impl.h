// What a session holds.
#ifndef ALNG_CANN_GE_SESSION_IMPL_H
#define ALNG_CANN_GE_SESSION_IMPL_H

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ge/engine.h"
#include "ge/ge_api.h"
#include "ge/loaded_graph.h"
#include "ge/worker.h"

namespace ge {

class SessionImpl {
 public:
  using Options = alng::cann::engine::Options;
  using LoadedGraph = alng::cann::engine::LoadedGraph;

  explicit SessionImpl(const Options& options);

  alng::Status add(uint32_t id, const Graph& graph, const Options& options);
  alng::Status remove(uint32_t id);
  alng::Status compile(uint32_t id);
  template <class Specs>
  alng::Status build(uint32_t id, const Specs& specs_of);
  CompiledGraphSummaryPtr summary(uint32_t id) const;
  alng::Status run(uint32_t id, const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs);
  alng::Status run_later(uint32_t id, const std::vector<Tensor>& inputs, RunAsyncCallback callback);
  void drain() { worker_.drain(); }

 private:
  alng::Status find(uint32_t id, std::shared_ptr<LoadedGraph>& graph) const;
  // With the graph's number and name before the sentence.
  static alng::Status named(uint32_t id, const std::string& name, const alng::Status& status);

  const uint64_t epoch_;
  // Why nothing can be done with it; success: it can.
  alng::Status broken_;
  int device_;
  mutable std::mutex mutex_;
  std::map<uint32_t, std::shared_ptr<LoadedGraph>> graphs_;
  alng::cann::engine::Worker worker_;
};

}  // namespace ge

#endif
