// The list of problems read for the forward: every case as a problem of AddLayerNorm.
//
// x1, x2 and gamma are those of the case; the column dsum says whether there is a beta; +in_place_x1 and _x2 put y over
// that input, _dy puts x over x1, and _dsum y over x1 and x over x2; of the outputs dx stands for y, dgamma for mean
// and rstd, dbeta for x. Cases that differ in dy, accumulation or handed-in statistics alone are left out.
#ifndef ALNG_TESTS_CASES_FORWARD_INSTANCE_H
#define ALNG_TESTS_CASES_FORWARD_INSTANCE_H

#include <cstdint>
#include <vector>

#include "alng/alng.hpp"
#include "cases/cases.h"
#include "cases/stored_tensors.h"

namespace alng::cases {

/// Those of all_cases() that say something about the forward.
std::vector<Case> forward_cases();

/// Tensors are named by their place in `forward::operands`.
class ForwardInstance : public StoredTensors {
 public:
  explicit ForwardInstance(const Case& what, bool round_sum, std::uint64_t seed = 1);

  const Case& what() const { return case_; }
  const ForwardDescription& description() const { return description_; }

 private:
  void describe(bool round_sum);

  Case case_;
  ForwardDescription description_;
};

}  // namespace alng::cases

#endif
