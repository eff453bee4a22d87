#include "problem/problem.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "problem/out_of_memory.h"
#include "problem/overlap.h"

namespace alng::impl {
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

/// The shortest decimal that reads back as the same float.
std::string number(float value) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
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

/// One of the tensors a description has, together with the rules for it.
struct Tensor {
  const Operand& operand;
  const TensorLayout& layout;

  const char* name() const { return operand.name; }
};

/// Calls `visit(Tensor)`, which returns a Status, for each tensor of the description until one is refused.
template <class Visit>
Status for_each_tensor(const Description& problem, Visit visit) {
  const auto operands = problem.what().operands;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const TensorLayout* const layout = problem.layout(i);
    if (layout == nullptr) continue;
    if (Status status = visit(Tensor{operands[i], *layout}); !status.ok()) return status;
  }
  return {};
}

/// The first tensor of the operator: its dtype is T and its dimensions are the problem's.
Tensor first_of(const Description& problem) { return {problem.what().operands[0], problem.first()}; }

/// The dtypes that a tensor may have, in words; those of the others follow from the first one's.
std::string allowed_dtypes(const Tensor& tensor, const Tensor& first) {
  if (&tensor.operand == &first.operand) return "float32 (1), float16 (2) or bfloat16 (3)";
  if (tensor.operand.type == Type::float32) return "float32";
  const DType own = first.layout.dtype;
  const bool or_float32 = tensor.operand.type == Type::T_or_float32 && own != DType::float32;
  return std::string(dtype_name(own)) + ", the dtype of " + first.name() + (or_float32 ? ", or float32" : "");
}

/// A dtype there is, a rank and extents in range: what the other rules rely on.
Status check_form(const Tensor& tensor, const Tensor& first) {
  const std::string name = tensor.name();
  const TensorLayout& layout = tensor.layout;
  if (dtype_size(layout.dtype) == 0) {
    return {Code::bad_dtype, name + " has dtype number " + std::to_string(static_cast<std::int32_t>(layout.dtype)) +
                                 " but must be " + allowed_dtypes(tensor, first)};
  }
  if (layout.rank < 1 || layout.rank > max_rank) {
    return {Code::bad_shape,
            name + " has rank " + std::to_string(layout.rank) + " but must have rank 1 to " + std::to_string(max_rank)};
  }
  for (int d = 0; d < layout.rank; ++d) {
    if (layout.shape[d] >= 0) continue;
    return {Code::bad_shape, name + " has extent " + std::to_string(layout.shape[d]) + " in dimension " +
                                 std::to_string(d) + " but must have extents of at least 0"};
  }
  return {};
}

Status check_dtype(const Tensor& tensor, const Tensor& first) {
  const DType dtype = tensor.layout.dtype;
  const Type type = tensor.operand.type;
  if (type != Type::float32 && dtype == first.layout.dtype) return {};
  if (type != Type::T && dtype == DType::float32) return {};
  return refuse(Code::bad_dtype, tensor.name(), tensor.layout, "must be " + allowed_dtypes(tensor, first));
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

bool begins_like(const TensorLayout& layout, const TensorLayout& first, int dims) {
  return std::equal(layout.shape.data(), layout.shape.data() + dims, first.shape.data());
}

std::string with_layout(const Tensor& tensor) { return std::string(tensor.name()) + " is " + to_string(tensor.layout); }

/// By a tensor with a value for each row. Where the first tensor has extents of 1 more than one number fits, and rows
/// and columns are the same for each.
Result<Normalized> told_by_rows(const Tensor& rows, const Tensor& first) {
  const int ones = trailing_ones(rows.layout);
  const int lacking = first.layout.rank - rows.layout.rank;
  const std::string told_by = std::string("as ") + rows.name() + " tells";
  if (lacking == 0 && ones > 0) return Normalized{ones, told_by};
  if (lacking <= 0) {
    return refuse(
        Code::bad_shape, rows.name(), rows.layout,
        std::string("must have ") + first.name() +
            "'s leading dimensions, then 1s, a single 1 or nothing for the normalised ones: " + with_layout(first));
  }
  // The single 1 is none of the first tensor's dimensions.
  const int rank = rows.layout.rank;
  if (ones > 0 && !begins_like(rows.layout, first.layout, rank) && begins_like(rows.layout, first.layout, rank - 1)) {
    return Normalized{lacking + 1, told_by};
  }
  return Normalized{lacking, told_by};
}

/// By what is asked, else by the rank of the first tensor with a value for each column, else of the first one with a
/// value for each row.
Result<Normalized> find_normalized_dims(const Description& problem) {
  const Tensor first = first_of(problem);
  const int rank = first.layout.rank;
  if (problem.normalized_dims < 0 || problem.normalized_dims > rank) {
    return Status(Code::bad_option, "normalized_dims is " + std::to_string(problem.normalized_dims) +
                                        " but must be 1 to " + std::to_string(rank) + " or 0: " + with_layout(first));
  }
  if (problem.normalized_dims > 0) {
    return Normalized{problem.normalized_dims, "normalized_dims is " + std::to_string(problem.normalized_dims)};
  }
  const auto operands = problem.what().operands;
  for (const Role role : {Role::column, Role::row}) {
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const TensorLayout* const layout = problem.layout(i);
      if (operands[i].role != role || layout == nullptr) continue;
      const Tensor tensor{operands[i], *layout};
      if (role == Role::row) return told_by_rows(tensor, first);
      if (tensor.layout.rank > rank) {
        return refuse(Code::bad_shape, tensor.name(), tensor.layout,
                      std::string("must have ") + first.name() + "'s trailing dimensions: " + with_layout(first));
      }
      return Normalized{tensor.layout.rank,
                        std::string(tensor.name()) + " has rank " + std::to_string(tensor.layout.rank)};
    }
  }
  return Status(Code::bad_option, std::string("normalized_dims is 0 but must be 1 to ") + std::to_string(rank) +
                                      ", as no tensor tells it: " + with_layout(first));
}

Status check_eps(float eps) {
  if (eps >= 0 && eps <= std::numeric_limits<float>::max()) return {};
  return {Code::bad_option, "eps is " + number(eps) + " but must be finite and at least 0"};
}

/// What a tensor with a value for each row may be: the leading dimensions, then as many 1s as there are normalised
/// ones, a single 1, or nothing.
std::vector<TensorLayout> row_layouts(const TensorLayout& first, int normalized_dims) {
  const int leading = first.rank - normalized_dims;
  TensorLayout layout = first;
  std::fill(layout.shape.begin() + leading, layout.shape.end(), 1);
  std::vector<TensorLayout> layouts;
  for (const int rank : {first.rank, leading + 1, leading}) {
    layout.rank = rank;
    const bool twice = !layouts.empty() && layouts.back().rank == rank;
    if (rank > 0 && !twice) layouts.push_back(TensorLayout::contiguous(DType::float32, shape_of(layout)));
  }
  return layouts;
}

Status check_row_shape(const Tensor& tensor, const Tensor& first, const Normalized& normalized) {
  const std::vector<TensorLayout> allowed = row_layouts(first.layout, normalized.dims);
  std::string text;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    if (equal(shape_of(tensor.layout), shape_of(allowed[i]))) return {};
    text += (i == 0 ? "" : i + 1 < allowed.size() ? ", " : " or ") + to_string(allowed[i]);
  }
  const std::string name = first.name();
  const auto leading = shape_of(first.layout).first(static_cast<std::size_t>(first.layout.rank - normalized.dims));
  return refuse(
      Code::bad_shape, tensor.name(), tensor.layout,
      "must be " + text +
          (leading.empty() ? ", 1s alone: all dimensions of " + name + " are normalised, " + normalized.told_by
                           : ": " + name + "'s leading dimensions " + list(leading) + ", then 1s or nothing"));
}

Status check_shape(const Tensor& tensor, const Tensor& first, const Normalized& normalized) {
  if (tensor.operand.role == Role::row) return check_row_shape(tensor, first, normalized);
  const auto all = shape_of(first.layout);
  const bool of_columns = tensor.operand.role == Role::column;
  const auto expected = of_columns ? all.last(static_cast<std::size_t>(normalized.dims)) : all;
  if (equal(shape_of(tensor.layout), expected)) return {};
  const std::string name = first.name();
  return refuse(
      Code::bad_shape, tensor.name(), tensor.layout,
      "must be " + list(expected) +
          (of_columns ? ", " + name + "'s trailing dimensions: " + normalized.told_by : ", the shape of " + name));
}

/// Element count and byte offsets in 64 bits, no step backwards; an output steps to an address of its own for every
/// element.
Status check_strides(const Tensor& tensor) {
  const TensorLayout& layout = tensor.layout;
  const std::int64_t size = static_cast<std::int64_t>(dtype_size(layout.dtype));
  const auto elements = product(shape_of(layout));
  if (!elements || *elements > largest / size) {
    return refuse(Code::bad_shape, tensor.name(), layout, "must have less than 2^63 bytes");
  }
  std::int64_t bytes = size;
  bool overflows = false;
  for (int d = 0; d < layout.rank; ++d) {
    if (layout.shape[d] <= 1) continue;
    if (layout.strides[d] < 0) {
      return refuse(Code::bad_stride, tensor.name(), layout, "must have no negative stride");
    }
    std::int64_t reach;
    overflows = overflows || __builtin_mul_overflow(layout.shape[d] - 1, layout.strides[d], &reach) ||
                __builtin_mul_overflow(reach, size, &reach) || __builtin_add_overflow(bytes, reach, &bytes);
  }
  if (*elements == 0) return {};  // a stride that is never used does no harm
  if (overflows) {
    return refuse(Code::bad_stride, tensor.name(), layout, "must have its last byte within 2^63 of its first");
  }
  if (tensor.operand.direction == Direction::input) return {};
  const Fold fold = find_fold(layout);
  if (fold.dimension < 0) return {};
  return refuse(Code::bad_stride, tensor.name(), layout,
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

Result<Problem> Problem::create(const Description& description) noexcept try {
  const Tensor first = first_of(description);
  Status status = for_each_tensor(description, [&](const Tensor& tensor) {
    Status form = check_form(tensor, first);
    return form.ok() ? check_dtype(tensor, first) : form;
  });
  if (!status.ok()) return status;
  const Result<Normalized> normalized = find_normalized_dims(description);
  if (!normalized) return normalized.status();
  status = for_each_tensor(description,
                           [&](const Tensor& tensor) { return check_shape(tensor, first, normalized.value()); });
  if (!status.ok()) return status;

  const auto shape = shape_of(first.layout);
  const auto leading = static_cast<std::size_t>(first.layout.rank - normalized->dims);
  const auto rows = product(shape.first(leading));
  const auto columns = product(shape.subspan(leading));
  if (!rows || !columns) {
    return refuse(Code::bad_shape, first.name(), first.layout,
                  std::string("must have less than 2^63 ") + (rows ? "columns" : "rows") + ", the product of its " +
                      (rows ? "trailing" : "leading") + " dimensions");
  }
  status = for_each_tensor(description, check_strides);
  if (status.ok()) status = check_eps(description.eps);
  if (!status.ok()) return status;
  Problem problem(description);
  problem.description_.normalized_dims = normalized->dims;
  problem.rows_ = *rows;
  problem.columns_ = *columns;
  return problem;
} catch (...) {
  return out_of_memory();
}

bool Problem::is_needed(std::size_t place) const noexcept {
  const auto operands = what().operands;
  for (std::size_t output = 0; output < operands.size(); ++output) {
    if ((operands[place].needed_for >> output & 1) != 0 && has(output)) return true;
  }
  return false;
}

std::int64_t Problem::bytes() const noexcept {
  const auto operands = what().operands;
  std::int64_t total = 0;
  if (columns_ == 0) return 0;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const bool sum = operands[i].direction == Direction::output && operands[i].role == Role::column;
    // Without rows the column sums are all there is.
    if (!has(i) || !is_needed(i) || (rows_ == 0 && !sum)) continue;
    const std::int64_t bytes = stored_elements(*layout(i)) * static_cast<std::int64_t>(dtype_size(layout(i)->dtype));
    for (int times = sum && accumulate() ? 2 : 1; times > 0; --times) {
      if (__builtin_add_overflow(total, bytes, &total)) total = largest;
    }
  }
  return total;
}

std::string Problem::to_string() const {
  const auto operands = what().operands;
  std::string text = std::to_string(rows_) + "x" + std::to_string(columns_) + " " + dtype_name(dtype());
  std::string wanted;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const Operand& operand = operands[i];
    if (operand.direction == Direction::output) {
      if (!has(i)) continue;
      wanted += std::string(wanted.empty() ? "" : ", ") + operand.name;
      if (operand.role == Role::column && accumulate()) wanted += " +=";
    } else if (operand.presence == Presence::optional) {
      text += std::string(has(i) ? ", " : ", no ") + operand.name;
      if (has(i) && operand.type == Type::T_or_float32) text += std::string(" ") + dtype_name(layout(i)->dtype);
    }
  }
  if (what().kind == Kind::forward) text += ", eps " + number(eps()) + (round_sum() ? ", sum rounded" : "");
  return text + "; wants " + (wanted.empty() ? "nothing" : wanted);
}

}  // namespace alng::impl
