// A graph of a session, with the programs that its runs have needed so far.
#ifndef ALNG_CANN_GE_LOADED_GRAPH_H
#define ALNG_CANN_GE_LOADED_GRAPH_H

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ge/checked_graph.h"
#include "ge/program.h"
#include "ge/scratch.h"
#include "graph/tensor.h"

namespace alng::cann::engine {

class LoadedGraph {
 public:
  LoadedGraph(std::shared_ptr<const CheckedGraph> graph, int device) : graph_(std::move(graph)), device_(device) {}

  const CheckedGraph& checked() const { return *graph_; }

  /// What a run's tensors are, held against what the graph was told of them.
  Status specs_of(const std::vector<ge::Tensor>& inputs, std::vector<TensorSpec>& specs) const;
  /// The same of descriptions. Refuses what is not known.
  Status check_specs(const std::vector<TensorSpec>& specs) const;
  /// Refuses any other number of tensors than the graph takes.
  Status check_count(std::size_t count) const;

  /// The program for these tensors: one that came before, or a new one.
  Result<std::shared_ptr<const Program>> program_for(const std::vector<TensorSpec>& specs);
  /// The latest that was asked for; null where none was.
  std::shared_ptr<const Program> latest() const;

  Status run(const std::vector<ge::Tensor>& inputs, std::vector<ge::Tensor>& outputs);

 private:
  using Key = std::vector<std::int64_t>;
  struct Entry {
    std::shared_ptr<const Program> program;
    std::list<Key>::iterator place;
  };
  // Shapes of a training loop with buckets; the one that was used longest ago goes.
  static constexpr std::size_t kept = 64;

  Status check_spec(std::size_t slot, const TensorSpec& spec) const;

  const std::shared_ptr<const CheckedGraph> graph_;
  const int device_;
  ScratchPool pool_;
  mutable std::mutex mutex_;
  std::list<Key> order_;  // the latest first
  std::map<Key, Entry> programs_;
};

}  // namespace alng::cann::engine

#endif
