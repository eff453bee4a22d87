// What is known of a graph that was compiled. C++14.
#ifndef ALNG_CANN_GE_GE_GRAPH_COMPILE_SUMMARY_H
#define ALNG_CANN_GE_GE_GRAPH_COMPILE_SUMMARY_H

#include <cstddef>
#include <memory>
#include <vector>

#include "ge/ge_api_error_codes.h"
#include "graph/tensor.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CANN's

namespace ge {

class CompiledGraphSummaryImpl;

// A graph's outputs and memory for the shapes that it was compiled, built or last run for.
class GE_FUNC_VISIBILITY CompiledGraphSummary {
 public:
  // Whether all shapes are known without a run's tensors.
  bool IsStatic() const;
  // Bytes of memory that a run takes beside its inputs and outputs: what nodes hand to each other, reused as soon as it
  // has been read, and what they need while they compute.
  Status GetFeatureMemorySize(size_t& size) const;
  // Bytes of the graph's constants.
  Status GetConstMemorySize(size_t& size) const;
  Status GetOutputShapes(std::vector<Shape>& shapes) const;
  Status GetOutputDtypes(std::vector<DataType>& types) const;

 private:
  friend class CompiledGraphSummaryImpl;
  std::shared_ptr<const CompiledGraphSummaryImpl> impl_;
};

using CompiledGraphSummaryPtr = std::shared_ptr<CompiledGraphSummary>;

}  // namespace ge

// NOLINTEND(readability-identifier-naming)

#endif
