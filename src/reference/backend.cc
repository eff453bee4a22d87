// The device "reference": the canonical order run row by row. It gathers every row into float32 scratch, whatever its
// layout, so that no layout has code of its own here.
#include "plan/backend.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "order/leaves.h"
#include "plan/float_environment.h"
#include "problem/float16.h"
#include "problem/rows.h"
#include "reference/canonical.h"

namespace alng::impl {
namespace {

float load(const std::byte* element, DType dtype) noexcept {
  if (dtype == DType::float32) {
    float value;
    std::memcpy(&value, element, sizeof value);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, element, sizeof bits);
  return dtype == DType::float16 ? float32_from_float16(bits) : float32_from_bfloat16(bits);
}

void store(float value, std::byte* element, DType dtype) noexcept {
  if (dtype == DType::float32) {
    if (value != value) value = std::bit_cast<float>(canonical_nan_float32);
    std::memcpy(element, &value, sizeof value);
    return;
  }
  const std::uint16_t bits = dtype == DType::float16 ? float16_from_float32(value) : bfloat16_from_float32(value);
  std::memcpy(element, &bits, sizeof bits);
}

// One run: where everything is, and the walk over leaves, blocks and rows.
class Run {
 public:
  Run(const Problem& problem, const Arguments& arguments) noexcept
      : problem_(problem),
        arguments_(arguments),
        columns_(problem.columns()),
        leaves_(leaf_count(problem.rows(), columns_)) {
    const auto address = reinterpret_cast<std::uintptr_t>(arguments.workspace);
    scratch_ = reinterpret_cast<float*>(static_cast<std::byte*>(arguments.workspace) + (-address % alignof(float)));
    dy_ = take();
    x1_ = take();
    x2_ = take();
    gamma_ = take();
    dsum_ = take();
    w_ = take();
    q_ = take();
    dx_ = take();
  }

  // Rows of scratch: the eight above, a block's two sums, and two sums for each level of the leaf tree.
  static std::int64_t scratch_rows(std::int64_t leaves) noexcept { return 8 + 2 + 2 * (1 + levels(leaves)); }

  void run() noexcept {
    if (problem_.has(grad::gamma)) read_row(grad::gamma, 0, gamma_);
    const Sums sums = node(levels(leaves_), 0);
    write_sums(grad::dgamma, sums.dgamma);
    write_sums(grad::dbeta, sums.dbeta);
  }

 private:
  struct Sums {
    float* dgamma;
    float* dbeta;
  };

  // Levels above the leaves.
  static int levels(std::int64_t leaves) noexcept {
    int levels = 0;
    for (std::int64_t nodes = leaves; nodes > 1; nodes = nodes_above(nodes)) ++levels;
    return levels;
  }

  float* take() noexcept { return std::exchange(scratch_, scratch_ + columns_); }
  Sums take_sums() noexcept {
    Sums sums{take(), take()};
    std::fill_n(sums.dgamma, 2 * columns_, 0.0f);
    return sums;
  }
  void give_back_sums() noexcept { scratch_ -= 2 * columns_; }
  void add(Sums sums, Sums other) noexcept {
    canonical::add(sums.dgamma, other.dgamma, columns_);
    canonical::add(sums.dbeta, other.dbeta, columns_);
  }

  // Node `index` of a level of the leaf tree: its two children added, or its only child.
  Sums node(int level, std::int64_t index) noexcept {
    if (level == 0) return leaf(index);
    std::int64_t children = leaves_;
    for (int below = 1; below < level; ++below) children = nodes_above(children);
    const Sums left = node(level - 1, 2 * index);
    if (has_neighbour(2 * index, children)) {
      add(left, node(level - 1, 2 * index + 1));
      give_back_sums();
    }
    return left;
  }

  Sums leaf(std::int64_t index) noexcept {
    const std::int64_t begin = leaf_begin(index, problem_.rows(), leaves_);
    const std::int64_t end = leaf_begin(index + 1, problem_.rows(), leaves_);
    const Sums sums = block(begin, end);
    for (std::int64_t next = begin + block_rows; next < end; next += block_rows) {
      add(sums, block(next, end));
      give_back_sums();
    }
    return sums;
  }

  Sums block(std::int64_t begin, std::int64_t end) noexcept {
    const Sums sums = take_sums();
    for (std::int64_t r = begin; r < std::min(begin + block_rows, end); ++r) row(r, sums);
    return sums;
  }

  void row(std::int64_t r, Sums block) noexcept {
    canonical::Row row{};
    row.columns = columns_;
    row.dy = read_row(grad::dy, r, dy_);
    row.x1 = read_row(grad::x1, r, x1_);
    if (problem_.has(grad::x2)) row.x2 = read_row(grad::x2, r, x2_);
    if (problem_.has(grad::gamma)) row.gamma = gamma_;
    if (problem_.has(grad::dsum)) row.dsum = read_row(grad::dsum, r, dsum_);
    row.rstd = statistic(grad::rstd, r);
    row.mean = statistic(grad::mean, r);
    canonical::add_row(row, block.dgamma, block.dbeta);
    if (!problem_.has(grad::dx)) return;
    canonical::row_pass(row, w_, q_, dx_);
    const Rows view = rows_of(problem_, grad::dx);
    std::byte* out = data(grad::dx) + view.row.offset(r);
    for (std::int64_t j = 0; j < columns_; ++j) store(dx_[j], out + view.column.offset(j), view.dtype);
  }

  std::byte* data(std::size_t place) const noexcept { return static_cast<std::byte*>(arguments_.data[place]); }

  // Of a tensor with a value for each column, such as gamma, row 0 is all there is.
  const float* read_row(std::size_t place, std::int64_t r, float* dense) noexcept {
    const Rows view = rows_of(problem_, place);
    const std::byte* row = data(place) + view.row.offset(r);
    for (std::int64_t j = 0; j < columns_; ++j) dense[j] = load(row + view.column.offset(j), view.dtype);
    return dense;
  }

  // rstd and mean come with trailing 1s or without; either way all their elements are rows.
  float statistic(std::size_t place, std::int64_t r) const noexcept {
    return load(data(place) + rows_of(problem_, place).row.offset(r), DType::float32);
  }

  void write_sums(std::size_t place, const float* sums) noexcept {
    if (!problem_.has(place)) return;
    const Rows view = rows_of(problem_, place);
    for (std::int64_t j = 0; j < columns_; ++j) {
      std::byte* element = data(place) + view.column.offset(j);
      store(problem_.accumulate() ? load(element, DType::float32) + sums[j] : sums[j], element, DType::float32);
    }
  }

  const Problem& problem_;
  const Arguments& arguments_;
  std::int64_t columns_;
  std::int64_t leaves_;
  float* scratch_;
  float *dy_, *x1_, *x2_, *gamma_, *dsum_, *w_, *q_, *dx_;
};

class ReferenceExecution final : public Execution {
 public:
  explicit ReferenceExecution(const Problem& problem) noexcept : problem_(problem) {}
  std::size_t workspace_size() const noexcept override {
    const std::int64_t leaves = leaf_count(problem_.rows(), problem_.columns());
    if (leaves == 0) return 0;
    return static_cast<std::size_t>(Run::scratch_rows(leaves) * problem_.columns()) * sizeof(float) + alignof(float);
  }
  const char* isa() const noexcept override { return "scalar"; }
  int threads() const noexcept override { return 1; }
  std::string explain() const override {
    return "order: every element as src/reference/canonical.cc writes it, on the calling thread\n";
  }
  Status run(const Arguments& arguments) const noexcept override {
    const FloatEnvironment environment;
    Run(problem_, arguments).run();
    return {};
  }

 private:
  Problem problem_;
};

class ReferenceBackend final : public Backend {
 public:
  const char* device() const noexcept override { return "reference"; }
  // Slow enough that whoever gets it unasked would rather have had the refusal of the others.
  bool chosen_unasked() const noexcept override { return false; }
  Availability availability() const override { return {"reference", true, "scalar code that runs everywhere, slow"}; }
  Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const override {
    if (!options.isa.empty() && options.isa != "scalar") {
      return Status(Code::unsupported,
                    "the reference is scalar code and has no instruction set \"" + options.isa + "\"");
    }
    return std::unique_ptr<Execution>(std::make_unique<ReferenceExecution>(problem));
  }
};

}  // namespace

const Backend& reference_backend() noexcept {
  static constinit const ReferenceBackend backend;
  return backend;
}

}  // namespace alng::impl
