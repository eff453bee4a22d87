// AddLayerNormGrad: the walk over leaves, blocks and rows.
#include <algorithm>

#include "order/leaves.h"
#include "reference/canonical.h"
#include "reference/walk.h"

namespace alng::impl::reference {
namespace {

class Grad : Walk {
 public:
  Grad(const Problem& problem, const Arguments& arguments) noexcept
      : Walk(problem, arguments), leaves_(leaf_count(problem.rows(), problem.columns())) {
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
    read_gamma_ = read_row(grad::gamma, 0, gamma_);
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

  Sums take_sums() noexcept {
    Sums sums{take(), take()};
    std::fill_n(sums.dgamma, 2 * columns_, 0.0f);
    return sums;
  }
  void give_back_sums() noexcept { give_back(2); }
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
    row.x2 = read_row(grad::x2, r, x2_);
    row.gamma = read_gamma_;
    row.dsum = read_row(grad::dsum, r, dsum_);
    row.rstd = load(of_row(grad::rstd, r), DType::float32);
    row.mean = load(of_row(grad::mean, r), DType::float32);
    canonical::add_row(row, block.dgamma, block.dbeta);
    if (!problem_.has(grad::dx)) return;
    canonical::row_pass(row, w_, q_, dx_);
    write_row(grad::dx, r, dx_);
  }

  void write_sums(std::size_t place, const float* sums) noexcept {
    if (!problem_.has(place)) return;
    const Rows view = rows_of(problem_, place);
    for (std::int64_t j = 0; j < columns_; ++j) {
      std::byte* element = data(place) + view.column.offset(j);
      store(problem_.accumulate() ? load(element, DType::float32) + sums[j] : sums[j], element, DType::float32);
    }
  }

  std::int64_t leaves_;
  float *dy_, *x1_, *x2_, *gamma_, *dsum_, *w_, *q_, *dx_;
  /// Null without gamma.
  const float* read_gamma_ = nullptr;
};

}  // namespace

std::int64_t grad_scratch(const Problem& problem) noexcept {
  const std::int64_t leaves = leaf_count(problem.rows(), problem.columns());
  return leaves == 0 ? 0 : Grad::scratch_rows(leaves) * problem.columns();
}

void run_grad(const Problem& problem, const Arguments& arguments) noexcept { Grad(problem, arguments).run(); }

}  // namespace alng::impl::reference
