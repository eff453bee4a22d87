// What the engine knows of a tensor before it computes it: dtype and shape, or parts of them.
#ifndef ALNG_CANN_GE_TENSOR_SPEC_H
#define ALNG_CANN_GE_TENSOR_SPEC_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alng/alng.hpp"
#include "ge/message.h"
#include "graph/tensor.h"

namespace alng::cann::engine {

using Dims = std::vector<std::int64_t>;

struct TensorSpec {
  ge::DataType dtype = ge::DT_UNDEFINED;
  /// Extents, outermost first; -1: not known. Nothing: not even the rank is.
  std::optional<Dims> dims;

  bool operator==(const TensorSpec&) const = default;
  bool dims_known() const;
  bool known() const { return dtype != ge::DT_UNDEFINED && dims_known(); }
};

/// `"float32[4, -1]"`, `"float32 of any shape"`, `"any dtype [4]"`.
std::string to_string(const TensorSpec& spec);

/// `"float32"`; `"dtype number 38"` for those without a name here.
std::string dtype_text(ge::DataType dtype);

/// alng's name of a dtype, where it has it.
std::optional<DType> dtype_of(ge::DataType dtype);

/// Of a known spec that `judge` accepts.
std::size_t bytes_of(const TensorSpec& spec);

/// Refuses an extent below -1, and sizes beyond 63 bits.
Status judge(const TensorSpec& spec);

/// What a description says. Rank 0, which a description has when nobody says otherwise, and {-2} leave the rank open.
Result<TensorSpec> spec_of(const ge::TensorDesc& desc);

/// What a run's tensor is, in `spec`: what it says of itself, or, where its description has rank 0, what was `told` of
/// it if it has that many bytes. Refuses tensors whose bytes are not those of their shape.
Status spec_of(const ge::Tensor& tensor, const TensorSpec& told, TensorSpec& spec);

/// Whether a tensor that is `given` is one of those that `told` stands for.
bool fits(const TensorSpec& given, const TensorSpec& told);

/// Takes over into `known` what `given`, dims of the same shape, knows beside it. False, and nothing is taken over,
/// where the two contradict each other.
bool add_known(const std::optional<Dims>& given, std::optional<Dims>& known);

/// For a known spec of a dtype that alng has, and at most its greatest rank; a greater one stays, for alng to refuse.
TensorLayout layout_of(const TensorSpec& spec);

ge::TensorDesc desc_of(const TensorSpec& spec);

}  // namespace alng::cann::engine

#endif
