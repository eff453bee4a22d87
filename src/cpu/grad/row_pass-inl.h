// The row pass: rows one after another, each swept once from memory (row_step-inl.h), their column sums gathered in
// blocks.

// Per-target include guard
#if defined(ALNG_CPU_GRAD_ROW_PASS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_GRAD_ROW_PASS_INL_H
#undef ALNG_CPU_GRAD_ROW_PASS_INL_H
#else
#define ALNG_CPU_GRAD_ROW_PASS_INL_H
#endif

#include <algorithm>

#include "cpu/grad/column_pass-inl.h"
#include "cpu/grad/kernels.h"
#include "cpu/grad/row_dx-inl.h"
#include "cpu/grad/row_step-inl.h"
#include "cpu/own_order-inl.h"
#include "cpu/row_access-inl.h"
#include "cpu/simd-inl.h"
#include "order/leaves.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

// One task's rows of one leaf. `task.pending` is what it carries from one row, and one leaf, to the next.
template <class T>
class RowPass {
 public:
  RowPass(const RunOperands& run, Task& task)
      : run_(run), task_(task), columns_(static_cast<std::size_t>(run.columns)) {}

  // Kernels::row_pass
  static void Rows(const RunOperands& run, std::int64_t begin, std::int64_t end, Sums sums, Sums block, Task& task) {
    RowPass pass(run, task);
    pass.Block(begin, std::min(begin + block_rows, end), sums);
    for (std::int64_t r = begin + block_rows; r < end; r += block_rows) {
      pass.Block(r, std::min(r + block_rows, end), block);
      if (sums.dgamma != nullptr) Add(sums.dgamma, block.dgamma, run.padded_columns);
      if (sums.dbeta != nullptr) Add(sums.dbeta, block.dbeta, run.padded_columns);
    }
  }

  // Kernels::finish
  static void Finish(const RunOperands& run, Task& task) { RowPass(run, task).Finish(); }

 private:
  // At most block_rows rows, in order; their column sums from +0.
  void Block(std::int64_t begin, std::int64_t end, Sums sums) {
    for (std::int64_t r = begin; r < end; ++r) {
      if (run_.tuning.row_by_row) {
        WholeRow(r, r == begin, sums);
      } else {
        const bool second = (r - begin) % 2 == 1;
        const Adds adds = !run_.tuning.in_twos ? Adds::row
                          : second             ? Adds::both_rows
                          : r + 1 < end        ? Adds::nothing
                                               : Adds::row;
        OneRow(r, adds, r - begin < (run_.tuning.in_twos ? 2 : 1), sums);
      }
    }
  }

  void OneRow(std::int64_t r, Adds adds, bool first, Sums sums) {
    Row<T> row{};
    row.dy = Input(run_.dy, r, 0);
    if (run_.dx.base != nullptr || sums.dgamma != nullptr) {
      row.x1 = Input(run_.x1, r, 1);
      if (run_.x2.base != nullptr) row.x2 = Input(run_.x2, r, 2);
      row.mean = Statistic(run_.mean, r);
      row.rstd = Statistic(run_.rstd, r);
    }
    const bool both_sums = sums.dgamma != nullptr && sums.dbeta != nullptr;
    if ((run_.dx.base == nullptr || !both_sums) && (sums.dgamma != nullptr || sums.dbeta != nullptr))
      ColumnSums(row, first, sums);
    if (run_.dx.base == nullptr) return;

    const RowSums s = !both_sums || adds == Adds::nothing ? SweepRow<Adds::nothing>(row, first, sums)
                      : adds == Adds::both_rows           ? SweepRow<Adds::both_rows>(row, first, sums)
                                                          : SweepRow<Adds::row>(row, first, sums);
    EndRow<T>(run_.dx, task_.pending.dx, task_.staging, columns_, true);
    MakePending(r, row, s);
    // Gathered rows share their scratch with the next row, so that nothing may stay pending.
    if (!run_.dense) Finish();
  }

  // A tensor's row, or `scratch` row of the task where it must be gathered.
  HWY_INLINE const T* Input(const Tensor& tensor, std::int64_t r, std::size_t scratch) const {
    return DenseRow<T>(tensor, r, columns_, ScratchRow(scratch));
  }

  HWY_INLINE std::byte* ScratchRow(std::size_t i) const { return task_.rows + i * columns_ * sizeof(T); }

  // A row's mean or rstd. The line after it is fetched, or else every 16th row waits for a line of each.
  static HWY_INLINE float Statistic(const Tensor& tensor, std::int64_t r) {
    const std::byte* value = tensor.row(r);
    __builtin_prefetch(value + kLine);
    return *reinterpret_cast<const float*>(value);
  }

  template <Adds kAdds>
  HWY_INLINE RowSums SweepRow(const Row<T>& r, bool first, Sums sums) {
    const Pending& p = task_.pending;
    const bool full = run_.gamma != nullptr && r.x2 != nullptr && p.dx.at != nullptr && p.dsum != nullptr;
    if constexpr (kStepIsSpan) {
      if (run_.tuning.fetch == Fetch::first_level) {
        return full ? SweepRow<Kind{true, true, kAdds}>(r.dy, r.x1, r.x2, r.mean, r.rstd, first, sums)
                    : SweepRow<Kind{false, true, kAdds}>(r.dy, r.x1, r.x2, r.mean, r.rstd, first, sums);
      }
    }
    return full ? SweepRow<Kind{true, false, kAdds}>(r.dy, r.x1, r.x2, r.mean, r.rstd, first, sums)
                : SweepRow<Kind{false, false, kAdds}>(r.dy, r.x1, r.x2, r.mean, r.rstd, first, sums);
  }

  // The row comes in registers: as a struct it would be stored piece by piece and loaded as one vector, which waits
  // until all the stores are done, 20 cycles for each row.
  template <Kind kKind>
  HWY_NOINLINE RowSums SweepRow(const T* dy, const T* x1, const T* x2, float mean, float rstd, bool first, Sums sums) {
    const Pending& p = task_.pending;
    const PendingRow<T> before{static_cast<const T*>(p.dy), static_cast<const T*>(p.dsum), p.dx, p.rstd, p.m1, p.m2};
    return Sweep<T, kKind>(columns_, Row<T>{dy, x1, x2, mean, rstd}, before, run_.gamma, task_.h, sums, first,
                           run_.tuning.fetch == Fetch::second_level);
  }

  // All of a row, which the first-level cache keeps until it is done: its sums, then its dx.
  HWY_NOINLINE void WholeRow(std::int64_t r, bool first, Sums sums) {
    const auto of = [r](const Tensor& tensor) { return reinterpret_cast<T*>(tensor.row(r)); };
    const Row<T> row{of(run_.dy), of(run_.x1), of(run_.x2), Statistic(run_.mean, r), Statistic(run_.rstd, r)};
    constexpr Kind kind{true, false, Adds::row, true};
    const RowSums s = Sweep<T, kind>(columns_, row, PendingRow<T>{}, run_.gamma, nullptr, sums, first, false);
    WriteDx<T, true>(columns_, row, run_.gamma, s.w * run_.inverse_columns, s.q * run_.inverse_columns, of(run_.dsum),
                     of(run_.dx));
  }

  // `row` is swept and becomes the one whose dx the next sweep writes.
  HWY_INLINE void MakePending(std::int64_t r, const Row<T>& row, const RowSums& s) {
    Pending& p = task_.pending;
    p.dy = row.dy;
    p.x1 = row.x1;
    p.x2 = row.x2;
    p.mean = row.mean;
    p.dsum = run_.dsum.base != nullptr ? Input(run_.dsum, r, 3) : nullptr;
    p.rstd = row.rstd;
    p.m1 = s.w * run_.inverse_columns;
    p.m2 = s.q * run_.inverse_columns;
    p.dx = BeginRow<T>(run_.dx, r, run_.tuning.stream, ScratchRow(4), task_.staging, columns_);
  }

  // dx of the row that is pending, if any.
  void Finish() {
    Pending& p = task_.pending;
    if (p.dx.at == nullptr) return;
    const Row<T> row{static_cast<const T*>(p.dy), static_cast<const T*>(p.x1), static_cast<const T*>(p.x2), p.mean,
                     p.rstd};
    WriteDx<T, false>(columns_, row, run_.gamma, p.m1, p.m2, static_cast<const T*>(p.dsum), static_cast<T*>(p.dx.at));
    EndRow<T>(run_.dx, p.dx, task_.staging, columns_, false);
    LineWriter{task_.staging}.Finish();
    p.dx = {};
    if (run_.tuning.stream) hwy::FlushStream();
  }

  // The column sums alone, of one row.
  HWY_NOINLINE void ColumnSums(const Row<T>& row, bool first, Sums sums) {
    const V mean = hn::Set(F(), row.mean), rstd = hn::Set(F(), row.rstd);
    using S = Step;
    const As<S> as;
    ForEachStep(columns_, [&]<bool kWhole>(std::size_t i, std::size_t n) ALNG_INLINE_LAMBDA {
      const S dy = LoadStep<kWhole>(as, row.dy + i, n);
      if (sums.dgamma != nullptr) {
        S x = LoadStep<kWhole>(as, row.x1 + i, n);
        if (row.x2 != nullptr) x = Add(x, LoadStep<kWhole>(as, row.x2 + i, n));
        const S h = Mul(Sub(x, S(mean)), S(rstd));
        StoreOwn(Fma(dy, h, LoadOwnOrZero(as, first, sums.dgamma + i)), sums.dgamma + i);
      }
      if (sums.dbeta != nullptr) StoreOwn(Add(LoadOwnOrZero(as, first, sums.dbeta + i), dy), sums.dbeta + i);
    });
  }

  const RunOperands& run_;
  Task& task_;
  const std::size_t columns_;
};

// What src/cpu/grad/kernels.h lists, for one dtype.
template <class T>
Kernels KernelsOf() {
  return {&RowPass<T>::Rows, &RowPass<T>::Finish, &Add, &WriteSums, OwnOrderOf<T>()};
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
