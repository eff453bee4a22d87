#include "alng/problem.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "problem/out_of_memory.h"
#include "problem/overlap.h"
#include "problem/tensors.h"

namespace alng {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

std::string list(std::span<const std::int64_t> numbers) {
  std::string text = "[";
  for (std::size_t i = 0; i < numbers.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(numbers[i]);
  return text + "]";
}

std::span<const std::int64_t> shape_of(const TensorLayout& layout) {
  return {layout.shape.data(), static_cast<std::size_t>(layout.rank)};
}

bool equal(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

Status refuse(Code code, const char* name, const TensorLayout& layout, const std::string& expected) {
  return {code, std::string(name) + " is " + to_string(layout) + " but " + expected};
}

/// Product of the extents, none of them negative; nothing where it does not fit in 64 bits. A 0 among them makes it 0.
std::optional<std::int64_t> product(std::span<const std::int64_t> extents) {
  std::int64_t result = 1;
  bool overflows = false;
  for (const std::int64_t extent : extents) {
    if (extent == 0) return 0;
    overflows = overflows || __builtin_mul_overflow(result, extent, &result);
  }
  if (overflows) return std::nullopt;
  return result;
}

bool is_float32_always(const NamedLayout& tensor, const ProblemDescription& problem) {
  return tensor.layout == &problem.rstd || tensor.layout == &problem.mean ||
         (problem.dgamma && tensor.layout == &*problem.dgamma) || (problem.dbeta && tensor.layout == &*problem.dbeta);
}

/// The dtypes that a tensor may have, in words; those of the others follow from dy's.
std::string allowed_dtypes(const NamedLayout& tensor, const ProblemDescription& problem) {
  if (tensor.layout == &problem.dy) return "float32 (0), float16 (1) or bfloat16 (2)";
  if (is_float32_always(tensor, problem)) return "float32";
  const DType own = problem.dy.dtype;
  const bool or_float32 = problem.gamma && tensor.layout == &*problem.gamma && own != DType::float32;
  return std::string(dtype_name(own)) + ", the dtype of dy" + (or_float32 ? ", or float32" : "");
}

/// A dtype there is, a rank and extents in range: what the other rules rely on.
Status check_form(const NamedLayout& tensor, const ProblemDescription& problem) {
  const std::string name = tensor.name;
  const TensorLayout& layout = *tensor.layout;
  if (dtype_size(layout.dtype) == 0) {
    return {Code::bad_dtype, name + " has dtype number " + std::to_string(static_cast<std::int32_t>(layout.dtype)) +
                                 " but must be " + allowed_dtypes(tensor, problem)};
  }
  if (layout.rank < 1 || layout.rank > max_rank) {
    return {Code::bad_shape, name + " has rank " + std::to_string(layout.rank) + " but must have rank 1 to " +
                                 std::to_string(max_rank)};
  }
  for (int d = 0; d < layout.rank; ++d) {
    if (layout.shape[d] >= 0) continue;
    return {Code::bad_shape, name + " has extent " + std::to_string(layout.shape[d]) + " in dimension " +
                                 std::to_string(d) + " but must have extents of at least 0"};
  }
  return {};
}

Status check_dtype(const NamedLayout& tensor, const ProblemDescription& problem) {
  const DType dtype = tensor.layout->dtype;
  const bool is_gamma = problem.gamma && tensor.layout == &*problem.gamma;
  const bool float32_always = is_float32_always(tensor, problem);
  if (dtype == (float32_always ? DType::float32 : problem.dy.dtype)) return {};
  if (is_gamma && dtype == DType::float32) return {};
  return refuse(Code::bad_dtype, tensor.name, *tensor.layout, "must be " + allowed_dtypes(tensor, problem));
}

/// How many dimensions are normalised, and which part of the description says so.
struct Normalized {
  int dims = 0;
  std::string told_by;
};

int trailing_ones(const TensorLayout& layout) {
  int ones = 0;
  while (ones < layout.rank && layout.shape[layout.rank - 1 - ones] == 1) ++ones;
  return ones;
}

bool begins_like(const TensorLayout& layout, const TensorLayout& dy, int dims) {
  return std::equal(layout.shape.data(), layout.shape.data() + dims, dy.shape.data());
}

/// Where dy has extents of 1 more than one number fits, and rows and columns are the same for each.
Result<Normalized> told_by_rstd(const TensorLayout& rstd, const TensorLayout& dy) {
  const int ones = trailing_ones(rstd);
  if (rstd.rank == dy.rank && ones > 0) {
    return Normalized{ones, "rstd ends in " + std::to_string(ones) + (ones == 1 ? " one" : " ones")};
  }
  if (rstd.rank >= dy.rank) {
    return refuse(Code::bad_shape, "rstd", rstd,
                  "must have dy's leading dimensions, then 1s, a single 1 or nothing for the normalised ones: dy is " +
                      to_string(dy));
  }
  // The single 1 is none of dy's dimensions.
  if (ones > 0 && !begins_like(rstd, dy, rstd.rank) && begins_like(rstd, dy, rstd.rank - 1)) {
    const int dims = dy.rank - rstd.rank + 1;
    return Normalized{dims, "rstd has a 1 for the last " + std::to_string(dims) + " of dy's dimensions"};
  }
  const int dims = dy.rank - rstd.rank;
  return Normalized{dims, "rstd lacks the last " + std::to_string(dims) + " of dy's dimensions"};
}

Result<Normalized> find_normalized_dims(const ProblemDescription& problem) {
  const TensorLayout& dy = problem.dy;
  if (problem.normalized_dims < 0 || problem.normalized_dims > dy.rank) {
    return Status(Code::bad_option, "normalized_dims is " + std::to_string(problem.normalized_dims) +
                                        " but must be 1 to " + std::to_string(dy.rank) + " or 0: dy is " +
                                        to_string(dy));
  }
  if (problem.normalized_dims > 0) {
    return Normalized{problem.normalized_dims, "normalized_dims is " + std::to_string(problem.normalized_dims)};
  }
  for (const auto& [name, layout] : {NamedLayout{"gamma", problem.gamma ? &*problem.gamma : nullptr},
                                     NamedLayout{"dgamma", problem.dgamma ? &*problem.dgamma : nullptr},
                                     NamedLayout{"dbeta", problem.dbeta ? &*problem.dbeta : nullptr}}) {
    if (layout == nullptr) continue;
    if (layout->rank > dy.rank) {
      return refuse(Code::bad_shape, name, *layout, "must have dy's trailing dimensions: dy is " + to_string(dy));
    }
    return Normalized{layout->rank, std::string(name) + " has rank " + std::to_string(layout->rank)};
  }
  return told_by_rstd(problem.rstd, dy);
}

Status check_like_dy(const NamedLayout& tensor, const TensorLayout& dy) {
  if (equal(shape_of(*tensor.layout), shape_of(dy))) return {};
  return refuse(Code::bad_shape, tensor.name, *tensor.layout, "must be " + list(shape_of(dy)) + ", the shape of dy");
}

Status check_trailing(const NamedLayout& tensor, std::span<const std::int64_t> trailing, const std::string& told_by) {
  if (equal(shape_of(*tensor.layout), trailing)) return {};
  return refuse(Code::bad_shape, tensor.name, *tensor.layout,
                "must be " + list(trailing) + ", dy's trailing dimensions: " + told_by);
}

/// What rstd may be: the leading dimensions, then as many 1s as there are normalised ones, a single 1, or nothing.
std::vector<TensorLayout> statistics_of(const TensorLayout& dy, int normalized_dims) {
  const int leading = dy.rank - normalized_dims;
  TensorLayout layout = dy;
  std::fill(layout.shape.begin() + leading, layout.shape.end(), 1);
  std::vector<TensorLayout> layouts;
  for (const int rank : {dy.rank, leading + 1, leading}) {
    layout.rank = rank;
    const bool twice = !layouts.empty() && layouts.back().rank == rank;
    if (rank > 0 && !twice) layouts.push_back(TensorLayout::contiguous(DType::float32, shape_of(layout)));
  }
  return layouts;
}

Status check_rstd(const TensorLayout& rstd, const TensorLayout& dy, const Normalized& normalized) {
  const std::vector<TensorLayout> allowed = statistics_of(dy, normalized.dims);
  std::string text;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    if (equal(shape_of(rstd), shape_of(allowed[i]))) return {};
    text += (i == 0 ? "" : i + 1 < allowed.size() ? ", " : " or ") + to_string(allowed[i]);
  }
  const auto leading = shape_of(dy).first(static_cast<std::size_t>(dy.rank - normalized.dims));
  return refuse(Code::bad_shape, "rstd", rstd,
                "must be " + text +
                    (leading.empty() ? ", 1s alone: all dimensions of dy are normalised, " + normalized.told_by
                                     : ": dy's leading dimensions " + list(leading) + ", then 1s or nothing"));
}

Status check_shapes(const std::array<NamedLayout, tensor_count>& tensors, const ProblemDescription& problem,
                    const Normalized& normalized) {
  const TensorLayout& dy = problem.dy;
  const auto trailing = shape_of(dy).last(static_cast<std::size_t>(normalized.dims));
  for (const NamedLayout& tensor : tensors) {
    if (tensor.layout == nullptr) continue;
    const std::string_view name = tensor.name;
    Status status;
    if (name == "rstd") {
      status = check_rstd(problem.rstd, dy, normalized);
    } else if (name == "mean") {
      if (!equal(shape_of(problem.mean), shape_of(problem.rstd))) {
        status = refuse(Code::bad_shape, "mean", problem.mean,
                        "must be " + list(shape_of(problem.rstd)) + ", the shape of rstd");
      }
    } else if (name == "gamma" || name == "dgamma" || name == "dbeta") {
      status = check_trailing(tensor, trailing, normalized.told_by);
    } else {
      status = check_like_dy(tensor, dy);
    }
    if (!status.ok()) return status;
  }
  return {};
}

/// Element count and byte offsets in 64 bits, no step backwards; an output steps to an address of its own for every
/// element.
Status check_strides(const NamedLayout& tensor, bool is_output) {
  const TensorLayout& layout = *tensor.layout;
  const std::int64_t size = static_cast<std::int64_t>(dtype_size(layout.dtype));
  const auto elements = product(shape_of(layout));
  if (!elements || *elements > largest / size) {
    return refuse(Code::bad_shape, tensor.name, layout, "must have less than 2^63 bytes");
  }
  std::int64_t bytes = size;
  bool overflows = false;
  for (int d = 0; d < layout.rank; ++d) {
    if (layout.shape[d] <= 1) continue;
    if (layout.strides[d] < 0) {
      return refuse(Code::bad_stride, tensor.name, layout, "must have no negative stride");
    }
    std::int64_t reach;
    overflows = overflows || __builtin_mul_overflow(layout.shape[d] - 1, layout.strides[d], &reach) ||
                __builtin_mul_overflow(reach, size, &reach) || __builtin_add_overflow(bytes, reach, &bytes);
  }
  if (*elements == 0) return {};  // a stride that is never used does no harm
  if (overflows) {
    return refuse(Code::bad_stride, tensor.name, layout, "must have its last byte within 2^63 of its first");
  }
  if (!is_output) return {};
  const Fold fold = find_fold(layout);
  if (fold.dimension < 0) return {};
  return refuse(Code::bad_stride, tensor.name, layout,
                "must give each element of the output its own address: the stride of dimension " +
                    std::to_string(fold.dimension) + " must be at least " + std::to_string(fold.span) +
                    ", what the smaller strides span");
}

/// Distinct elements read through the layout: a broadcast dimension counts once.
std::int64_t stored_elements(const TensorLayout& layout) {
  std::int64_t elements = 1;
  for (int d = 0; d < layout.rank; ++d) {
    if (layout.shape[d] <= 1 || layout.strides[d] != 0) elements *= layout.shape[d];
  }
  return elements;
}

}  // namespace

ProblemDescription ProblemDescription::dense(DType dtype, std::int64_t rows, std::int64_t columns) {
  const TensorLayout matrix = TensorLayout::contiguous(dtype, {rows, columns});
  const TensorLayout statistic = TensorLayout::contiguous(DType::float32, {rows, 1});
  const TensorLayout sum = TensorLayout::contiguous(DType::float32, {columns});
  ProblemDescription problem;
  problem.dy = problem.x1 = matrix;
  problem.x2 = problem.dsum = problem.dx = matrix;
  problem.rstd = problem.mean = statistic;
  problem.gamma = TensorLayout::contiguous(dtype, {columns});
  problem.dgamma = problem.dbeta = sum;
  problem.normalized_dims = 1;
  return problem;
}

Result<Problem> Problem::create(const ProblemDescription& description) noexcept try {
  const auto tensors = tensors_of(description);
  for (const NamedLayout& tensor : tensors) {
    if (tensor.layout == nullptr) continue;
    if (Status status = check_form(tensor, description); !status.ok()) return status;
    if (Status status = check_dtype(tensor, description); !status.ok()) return status;
  }
  const Result<Normalized> normalized = find_normalized_dims(description);
  if (!normalized) return normalized.status();
  if (Status status = check_shapes(tensors, description, normalized.value()); !status.ok()) return status;

  const auto shape = shape_of(description.dy);
  const auto leading = static_cast<std::size_t>(description.dy.rank - normalized->dims);
  const auto rows = product(shape.first(leading));
  const auto columns = product(shape.subspan(leading));
  if (!rows || !columns) {
    return refuse(Code::bad_shape, "dy", description.dy,
                  std::string("must have less than 2^63 ") + (rows ? "columns" : "rows") + ", the product of its " +
                      (rows ? "trailing" : "leading") + " dimensions");
  }
  for (std::size_t i = 0; i < tensor_count; ++i) {
    if (tensors[i].layout == nullptr) continue;
    if (Status status = check_strides(tensors[i], i >= input_count); !status.ok()) return status;
  }
  Problem problem;
  problem.description_ = description;
  problem.description_.normalized_dims = normalized->dims;
  problem.rows_ = *rows;
  problem.columns_ = *columns;
  return problem;
} catch (...) {
  return out_of_memory();
}

std::int64_t Problem::bytes() const noexcept {
  const ProblemDescription& d = description_;
  std::int64_t total = 0;
  const auto add = [&total](const TensorLayout& layout) {
    const std::int64_t bytes = stored_elements(layout) * static_cast<std::int64_t>(dtype_size(layout.dtype));
    if (__builtin_add_overflow(total, bytes, &total)) total = largest;
  };
  const auto add_given = [&add](const std::optional<TensorLayout>& layout) {
    if (layout) add(*layout);
  };
  if (columns_ == 0) return 0;
  for (const auto* sum : {&d.dgamma, &d.dbeta}) {
    add_given(*sum);
    if (d.accumulate) add_given(*sum);
  }
  if (rows_ == 0) return total;
  if (d.dx || d.dgamma || d.dbeta) add(d.dy);
  if (d.dx || d.dgamma) {
    add(d.x1);
    add_given(d.x2);
    add(d.rstd);
    add(d.mean);
  }
  if (d.dx) {
    add_given(d.gamma);
    add_given(d.dsum);
    add(*d.dx);
  }
  return total;
}

std::string Problem::to_string() const {
  const ProblemDescription& d = description_;
  std::string text = std::to_string(rows_) + "x" + std::to_string(columns_) + " " + dtype_name(dtype());
  if (!d.x2) text += ", no x2";
  text += d.gamma ? std::string(", gamma ") + dtype_name(d.gamma->dtype) : ", no gamma";
  text += d.dsum ? ", dsum" : ", no dsum";
  std::string wanted;
  const auto want = [&wanted](bool is_wanted, const char* name) {
    if (is_wanted) wanted += (wanted.empty() ? "" : ", ") + std::string(name);
  };
  want(d.dx.has_value(), "dx");
  want(d.dgamma.has_value(), d.accumulate ? "dgamma +=" : "dgamma");
  want(d.dbeta.has_value(), d.accumulate ? "dbeta +=" : "dbeta");
  return text + "; wants " + (wanted.empty() ? "nothing" : wanted);
}

}  // namespace alng
