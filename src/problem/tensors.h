// The ten tensors of a problem as a list, in the order in which they are judged.
#ifndef ALNG_PROBLEM_TENSORS_H
#define ALNG_PROBLEM_TENSORS_H

#include <array>
#include <cstddef>
#include <optional>

#include "alng/problem.hpp"

namespace alng {

inline constexpr std::size_t tensor_count = 10;
/// The first `input_count` tensors are inputs, the others outputs.
inline constexpr std::size_t input_count = 7;

struct NamedLayout {
  const char* name;
  /// Null where the problem does not have the tensor.
  const TensorLayout* layout;
};

/// Points into `problem`, which must outlive the list.
inline std::array<NamedLayout, tensor_count> tensors_of(const ProblemDescription& problem) noexcept {
  const auto given = [](const std::optional<TensorLayout>& layout) { return layout ? &*layout : nullptr; };
  return {{{"dy", &problem.dy},
           {"x1", &problem.x1},
           {"x2", given(problem.x2)},
           {"rstd", &problem.rstd},
           {"mean", &problem.mean},
           {"gamma", given(problem.gamma)},
           {"dsum", given(problem.dsum)},
           {"dx", given(problem.dx)},
           {"dgamma", given(problem.dgamma)},
           {"dbeta", given(problem.dbeta)}}};
}

}  // namespace alng

#endif
