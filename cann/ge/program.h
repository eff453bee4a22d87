// A checked graph for tensors of given dtypes and shapes: what computes each node, and where every value lies.
#ifndef ALNG_CANN_GE_PROGRAM_H
#define ALNG_CANN_GE_PROGRAM_H

#include <cstddef>
#include <memory>
#include <vector>

#include "ge/checked_graph.h"
#include "ge/scratch.h"
#include "graph/tensor.h"

namespace alng::cann::engine {

/// Immutable: several threads may run it at once.
///
/// A kernel reads its inputs where they lie: in the memory of the run's tensors, in constants, in what other nodes have
/// written; and writes what is an output of the graph into the memory of the tensor that is handed out. All else lies
/// in scratch memory, each value from the node that writes it to the last one that reads it; where a kernel allows it,
/// its output takes the place of an input that nobody reads after it. Outputs that nobody reads are not computed.
class Program {
 public:
  /// Where a value lies: of which tensor of the run, of which node, at which byte of the scratch memory.
  struct Place {
    enum class Where { nowhere, input, constant, output, scratch } where = Where::nowhere;
    std::size_t at = 0;
  };
  struct Step {
    std::size_t node;
    std::shared_ptr<const Kernel> kernel;
    /// The first byte of its workspace in the scratch memory.
    std::size_t workspace = 0;
  };

  static Result<std::shared_ptr<const Program>> create(std::shared_ptr<const CheckedGraph> graph,
                                                       const std::vector<TensorSpec>& fed, int device);

  /// `inputs` are of the specs that the program was made for. `outputs` is replaced where all is well.
  Status run(const std::vector<ge::Tensor>& inputs, std::vector<ge::Tensor>& outputs, ScratchPool& pool) const;

  /// Bytes of scratch memory that a run takes.
  std::size_t scratch_size() const { return scratch_.size(); }
  /// Of values.
  const std::vector<Place>& places() const { return places_; }
  const std::vector<Step>& steps() const { return steps_; }
  /// Of the graph's outputs.
  const std::vector<TensorSpec>& output_specs() const { return output_specs_; }

 private:
  class Layout;

  std::shared_ptr<const CheckedGraph> graph_;
  std::vector<TensorSpec> output_specs_;
  std::vector<Place> places_;
  std::vector<Step> steps_;
  ScratchPlan scratch_;
};

}  // namespace alng::cann::engine

#endif
