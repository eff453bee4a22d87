// The tensors of a problem as dense rows, whatever their order in the file: what `verify` walks over.
#ifndef ALNG_TOOLS_DENSE_ROWS_H
#define ALNG_TOOLS_DENSE_ROWS_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "alng/alng.hpp"
#include "alng/oracle.hpp"
#include "files/problem_file.h"

namespace alng::cli {

/// A tensor in row-major order, seen as a list of elements. In place where it is row-major in the file, else a copy.
class DenseTensor {
 public:
  explicit DenseTensor(const FileTensor& tensor);
  DenseTensor(DType dtype, const void* data) : dtype_(dtype), data_(static_cast<const std::byte*>(data)) {}

  DType dtype() const { return dtype_; }
  const std::byte* at(std::int64_t index) const {
    return (copy_.empty() ? data_ : copy_.data()) + index * static_cast<std::int64_t>(dtype_size(dtype_));
  }
  double value(std::int64_t index) const;
  void read(std::int64_t begin, std::int64_t count, double* out) const;

 private:
  DType dtype_;
  const std::byte* data_ = nullptr;
  std::vector<std::byte> copy_;
};

struct DenseGrad {
  DenseGrad(const TensorFile& file, const GradProblem& problem);

  std::int64_t rows;
  std::int64_t columns;
  DenseTensor dy, x1;
  std::optional<DenseTensor> x2;
  DenseTensor rstd, mean;
  std::optional<DenseTensor> gamma, dsum;

  /// x1 + x2 of one row, rounded to float32 as the forward formed it.
  void read_x(std::int64_t row, double* out) const;
  /// The oracle's results for the rows [begin, begin + count): dx dense, the sums over these rows alone.
  void oracle(std::int64_t begin, std::int64_t count, double* dx, double* dgamma, double* dbeta) const;
  /// What float32 makes of these rows in the canonical order (the device `reference`): dx in the problem's dtype, the
  /// sums over these rows alone. Null where not wanted.
  void canonical(std::int64_t begin, std::int64_t count, std::byte* dx, float* dgamma, float* dbeta) const;

 private:
  struct Part {
    GradDescription description;
    GradArguments arguments;
  };
  Part part(std::int64_t begin, std::int64_t count) const;
};

struct DenseForward {
  DenseForward(const TensorFile& file, const ForwardProblem& problem);

  std::int64_t rows;
  std::int64_t columns;
  DenseTensor x1;
  std::optional<DenseTensor> x2, gamma, beta;
  float eps;
  bool round_sum;

  /// The oracle's results for the rows [begin, begin + count).
  void oracle(std::int64_t begin, std::int64_t count, const ForwardOracleOutputs& outputs) const;
  /// What float32 makes of one row in the canonical order: y in the problem's dtype.
  void canonical(std::int64_t row, std::byte* y, float* mean, float* rstd) const;

 private:
  struct Part {
    ForwardDescription description;
    ForwardArguments arguments;
  };
  Part part(std::int64_t begin, std::int64_t count) const;
};

}  // namespace alng::cli

#endif
