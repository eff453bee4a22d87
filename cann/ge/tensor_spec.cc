#include "ge/tensor_spec.h"

#include <algorithm>
#include <limits>
#include <span>

namespace alng::cann::engine {
namespace {

// Nothing where the number leaves 63 bits, zeros not counted: an empty tensor's strides must fit too.
std::optional<std::size_t> size_of(std::span<const std::int64_t> dims, int element) {
  std::int64_t bytes = element;
  bool empty = false;
  for (const std::int64_t extent : dims) {
    if (extent == 0) {
      empty = true;
    } else if (bytes > std::numeric_limits<std::int64_t>::max() / extent) {
      return std::nullopt;
    } else {
      bytes *= extent;
    }
  }
  return empty ? 0 : static_cast<std::size_t>(bytes);
}

}  // namespace

bool TensorSpec::dims_known() const {
  return dims && std::all_of(dims->begin(), dims->end(), [](std::int64_t extent) { return extent >= 0; });
}

std::string dtype_text(ge::DataType dtype) {
  switch (dtype) {
    case ge::DT_FLOAT:
      return "float32";
    case ge::DT_FLOAT16:
      return "float16";
    case ge::DT_BF16:
      return "bfloat16";
    case ge::DT_INT32:
      return "int32";
    case ge::DT_INT64:
      return "int64";
    case ge::DT_DOUBLE:
      return "float64";
    case ge::DT_BOOL:
      return "bool";
    case ge::DT_UNDEFINED:
      return "any dtype";
    default:
      return "dtype number " + std::to_string(dtype);
  }
}

std::string to_string(const TensorSpec& spec) {
  std::string text = dtype_text(spec.dtype);
  if (!spec.dims) return text + " of any shape";
  if (spec.dtype == ge::DT_UNDEFINED) text += ' ';
  text += '[';
  for (std::size_t d = 0; d < spec.dims->size(); ++d) {
    text += (d > 0 ? ", " : "") + std::to_string((*spec.dims)[d]);
  }
  return text + "]";
}

std::optional<DType> dtype_of(ge::DataType dtype) {
  switch (dtype) {
    case ge::DT_FLOAT:
      return DType::float32;
    case ge::DT_FLOAT16:
      return DType::float16;
    case ge::DT_BF16:
      return DType::bfloat16;
    default:
      return std::nullopt;
  }
}

std::size_t bytes_of(const TensorSpec& spec) {
  return size_of(*spec.dims, ge::GetSizeByDataType(spec.dtype)).value_or(0);
}

Status judge(const TensorSpec& spec) {
  if (!spec.dims) return {};
  for (const std::int64_t extent : *spec.dims) {
    if (extent < -1) {
      return refused(to_string(spec) + " has an extent of " + std::to_string(extent) +
                     " but extents must be at least 0, or -1 for one that is not known");
    }
  }
  if (!spec.known()) return {};
  if (ge::GetSizeByDataType(spec.dtype) == 0) {
    return refused(to_string(spec) + " has elements that are not whole bytes");
  }
  if (!size_of(*spec.dims, ge::GetSizeByDataType(spec.dtype))) {
    return refused(to_string(spec) + " takes more than 2^63 bytes");
  }
  return {};
}

Result<TensorSpec> spec_of(const ge::TensorDesc& desc) {
  TensorSpec spec;
  spec.dtype = desc.GetDataType();
  Dims dims = desc.GetShape().GetDims();
  const bool open = dims.empty() || (dims.size() == 1 && dims[0] == ge::UNKNOWN_DIM_NUM);
  if (!open) spec.dims = std::move(dims);
  if (Status status = judge(spec); !status.ok()) return status;
  return spec;
}

Status spec_of(const ge::Tensor& tensor, const TensorSpec& told, TensorSpec& spec) {
  const ge::TensorDesc desc = tensor.GetTensorDesc();
  spec = {desc.GetDataType(), desc.GetShape().GetDims()};
  if (spec.dims->empty() && told.known() && bytes_of(told) == tensor.GetSize()) spec = told;
  if (Status status = judge(spec); !status.ok()) return status;
  if (!spec.known()) return refused("is " + to_string(spec) + " but a tensor's dtype and extents must be known");
  if (bytes_of(spec) == tensor.GetSize()) return {};
  return refused("holds " + std::to_string(tensor.GetSize()) + " bytes but " + to_string(spec) + " takes " +
                 std::to_string(bytes_of(spec)));
}

bool fits(const TensorSpec& given, const TensorSpec& told) {
  if (told.dtype != ge::DT_UNDEFINED && given.dtype != told.dtype) return false;
  if (!told.dims) return true;
  return given.dims && std::equal(given.dims->begin(), given.dims->end(), told.dims->begin(), told.dims->end(),
                                  [](std::int64_t a, std::int64_t b) { return b < 0 || a == b; });
}

bool add_known(const std::optional<Dims>& given, std::optional<Dims>& known) {
  if (!given) return true;
  if (!known) known = given;
  const bool agree = std::equal(given->begin(), given->end(), known->begin(), known->end(),
                                [](std::int64_t a, std::int64_t b) { return a < 0 || b < 0 || a == b; });
  if (!agree) return false;
  std::transform(given->begin(), given->end(), known->begin(), known->begin(),
                 [](std::int64_t a, std::int64_t b) { return std::max(a, b); });
  return true;
}

TensorLayout layout_of(const TensorSpec& spec) {
  const std::size_t rank = spec.dims->size();
  TensorLayout layout = TensorLayout::contiguous(dtype_of(spec.dtype).value_or(DType::float32),
                                                 std::span(*spec.dims).first(std::min<std::size_t>(rank, max_rank)));
  layout.rank = static_cast<int>(rank);
  return layout;
}

ge::TensorDesc desc_of(const TensorSpec& spec) {
  return ge::TensorDesc(spec.dims ? ge::Shape(*spec.dims) : ge::Shape({ge::UNKNOWN_DIM_NUM}), ge::FORMAT_ND,
                        spec.dtype);
}

}  // namespace alng::cann::engine
