// A case of the gradient with its numbers.
#ifndef ALNG_TESTS_CASES_INSTANCE_H
#define ALNG_TESTS_CASES_INSTANCE_H

#include <cstdint>

#include "alng/alng.hpp"
#include "cases/cases.h"
#include "cases/stored_tensors.h"

namespace alng::cases {

/// Tensors are named by their place in `grad::operands`.
class Instance : public StoredTensors {
 public:
  explicit Instance(const Case& what, std::uint64_t seed = 1);

  const Case& what() const { return case_; }
  const GradDescription& description() const { return description_; }
  /// The input whose memory dx shares, or -1.
  int dx_over() const { return over(grad::dx); }

 private:
  void describe();
  void fill(std::uint64_t seed);
  void fill_statistics();

  Case case_;
  GradDescription description_;
};

}  // namespace alng::cases

#endif
