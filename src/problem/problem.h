// A problem of any operator: which of the operator's tensors there are and how they lie in memory, judged once.
#ifndef ALNG_PROBLEM_PROBLEM_H
#define ALNG_PROBLEM_PROBLEM_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "alng/operands.hpp"
#include "alng/status.hpp"
#include "alng/tensor.hpp"

namespace alng::impl {

/// By which operators are told apart: a back end in another library has tables of its own at other addresses.
enum class Kind { forward, grad };

struct Operator {
  Kind kind;
  const char* name;
  /// Inputs first. The first one tells T, the leading and the trailing dimensions.
  std::span<const Operand> operands;
};

inline constexpr Operator add_layer_norm{Kind::forward, "AddLayerNorm", forward::operands};
inline constexpr Operator add_layer_norm_grad{Kind::grad, "AddLayerNormGrad", grad::operands};

/// The tensors of a problem before anybody has looked at them, by their places in the operator's table.
class Description {
 public:
  explicit Description(const Operator& what) noexcept : operator_(&what) {}

  const Operator& what() const noexcept { return *operator_; }
  void give(std::size_t place, const TensorLayout& layout) noexcept {
    layouts_[place] = layout;
    given_[place] = true;
  }
  /// The operator's first tensor, which every problem has.
  const TensorLayout& first() const noexcept { return layouts_[0]; }
  /// Null where the tensor is absent.
  const TensorLayout* layout(std::size_t place) const noexcept { return given_[place] ? &layouts_[place] : nullptr; }

  /// As ForwardDescription and GradDescription have them; what the operator does not know stays as it is here.
  int normalized_dims = 0;
  bool accumulate = false;
  bool round_sum = false;
  float eps = 0;

 private:
  const Operator* operator_;
  std::array<TensorLayout, max_operands> layouts_{};
  std::array<bool, max_operands> given_{};
};

/// A valid problem.
class Problem {
 public:
  /// Every rule about the tensors; see alng::ProblemOf::create.
  static Result<Problem> create(const Description& description) noexcept;

  const Operator& what() const noexcept { return description_.what(); }
  /// Null where the problem does not have the tensor.
  const TensorLayout* layout(std::size_t place) const noexcept { return description_.layout(place); }
  bool has(std::size_t place) const noexcept { return layout(place) != nullptr; }
  /// Some output that depends on the tensor is wanted; an output itself, where it is.
  bool is_needed(std::size_t place) const noexcept;
  int normalized_dims() const noexcept { return description_.normalized_dims; }
  bool accumulate() const noexcept { return description_.accumulate; }
  bool round_sum() const noexcept { return description_.round_sum; }
  float eps() const noexcept { return description_.eps; }
  std::int64_t rows() const noexcept { return rows_; }
  std::int64_t columns() const noexcept { return columns_; }
  DType dtype() const noexcept { return description_.first().dtype; }
  /// See alng::ProblemOf.
  std::int64_t bytes() const noexcept;
  std::string to_string() const;

 private:
  explicit Problem(const Description& description) noexcept : description_(description) {}
  Description description_;
  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
};

}  // namespace alng::impl

#endif
