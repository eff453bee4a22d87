// The row pass: rows one after another, each read once from memory (row_step-inl.h).

// Per-target include guard
#if defined(ALNG_CPU_FORWARD_ROW_PASS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_FORWARD_ROW_PASS_INL_H
#undef ALNG_CPU_FORWARD_ROW_PASS_INL_H
#else
#define ALNG_CPU_FORWARD_ROW_PASS_INL_H
#endif

#include <cmath>
#include <utility>

#include "cpu/forward/few_columns-inl.h"
#include "cpu/forward/kernels.h"
#include "cpu/forward/row_step-inl.h"
#include "cpu/row_access-inl.h"
#include "cpu/simd-inl.h"
#include "problem/element.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

template <class T>
class ForwardPass {
 public:
  ForwardPass(const ForwardOperands& run, ForwardTask& task)
      : run_(run), task_(task), columns_(static_cast<std::size_t>(run.columns)) {}

  // ForwardKernels::row_pass
  static void Rows(const ForwardOperands& run, std::int64_t begin, std::int64_t end, ForwardTask& task) {
#if HWY_TARGET == HWY_AVX3
    if (InBatches(run)) return RowsInBatches<T>(run, begin, end, task.x_formed);
#endif
    ForwardPass pass(run, task);
    for (std::int64_t r = begin; r < end; ++r) run.tuning.row_by_row ? pass.WholeRow(r) : pass.OneRow(r);
  }

  // ForwardKernels::finish
  static void Finish(const ForwardOperands& run, ForwardTask& task) { ForwardPass(run, task).Finish(); }

 private:
  void OneRow(std::int64_t r) {
    NewRow<T> row{Input(run_.x1, r, 0), nullptr, {}};
    if (run_.x2.base != nullptr) row.x2 = Input(run_.x2, r, 1);
    if (run_.x.base != nullptr)
      row.x = BeginRow<T>(run_.x, r, run_.tuning.stream, ScratchRow(2), task_.x_staging, columns_);
    Advance(r, row);
    // Gathered rows share their scratch with the next row, so that nothing may stay pending.
    if (!run_.dense) Finish();
  }

  // Every pending row goes on by one sweep, and row r becomes pending (negative: none).
  void Advance(std::int64_t r, const NewRow<T>& row) {
    const UnfinishedRow formed = task_.formed;
    JudgedRow judged{{}, task_.judged.m, task_.judged.e, task_.judged.rstd};
    if (task_.judged.r >= 0) {
      judged.y = BeginRow<T>(run_.y, task_.judged.r, run_.tuning.stream, ScratchRow(3), task_.y_staging, columns_);
    }
    const bool full = row.x1 != nullptr && row.x2 != nullptr && row.x.at != nullptr && run_.gamma != nullptr &&
                      run_.beta != nullptr && formed.r >= 0 && judged.y.at != nullptr;
    const RowSums sums = full ? SweepRows<true>(row, judged) : SweepRows<false>(row, judged);
    EndRow<T>(run_.y, judged.y, task_.y_staging, columns_, true);
    EndRow<T>(run_.x, row.x, task_.x_staging, columns_, true);

    task_.judged = {};
    if (formed.r >= 0) task_.judged = Judged(formed.r, formed.m, sums);
    task_.formed = {r, sums.u * run_.inverse_columns};
    std::swap(task_.x_formed, task_.x_outer);
  }

  // The statistics of row r, from m and the sums of what that left. The row is done where no y is wanted.
  HWY_INLINE UnfinishedRow Judged(std::int64_t r, float m, const RowSums& sums) const {
    const float e = sums.w * run_.inverse_columns;
    const float v = std::fma(-e, e, sums.q * run_.inverse_columns);
    const float rstd = 1.0f / std::sqrt((v < 0.0f ? 0.0f : v) + run_.eps);
    WriteStatistic(run_.mean, r, m + e);
    WriteStatistic(run_.rstd, r, rstd);
    return run_.y.base != nullptr ? UnfinishedRow{r, m, e, rstd} : UnfinishedRow{};
  }

  // All of a row by itself.
  void WholeRow(std::int64_t r) {
    if (!run_.has_all()) return WholeRow<false, true>(r);
    run_.tuning.stream ? WholeRow<true, true>(r) : WholeRow<true, false>(r);
  }

  // kMayStream: the row may be written past the caches; in cache a row takes 3 to 6 % less time without it.
  template <bool kFull, bool kMayStream>
  HWY_NOINLINE void WholeRow(std::int64_t r) {
    const auto of = [r](const Tensor& tensor) {
      return kFull || tensor.base != nullptr ? reinterpret_cast<const T*>(tensor.row(r)) : nullptr;
    };
    const auto begin = [&](const Tensor& tensor, Staging& staging) {
      if (!kFull && tensor.base == nullptr) return BuiltRow();
      return BeginRow<T>(tensor, r, kMayStream && run_.tuning.stream, nullptr, staging, columns_);
    };
    const auto building = [](const BuiltRow& row) { return kMayStream ? BuildingRow(row) : BuildingRow(false); };
    float* const x = task_.x_formed;
    const BuiltRow x_row = begin(run_.x, task_.x_staging);
    const bool fetches = kMayStream && run_.tuning.fetch != Fetch::nowhere;
    const float m = run_.inverse_columns * SumX<T, kFull>(columns_, {of(run_.x1), of(run_.x2), run_.round_sum}, fetches,
                                                          static_cast<T*>(x_row.at), building(x_row), x);
    if (kMayStream) EndRow<T>(run_.x, x_row, task_.x_staging, columns_, true);
    const UnfinishedRow judged = Judged(r, m, SumDeviations<T>(columns_, x, m));
    if (judged.r < 0) return;
    const BuiltRow y_row = begin(run_.y, task_.y_staging);
    const F d;
    WriteY<T, kFull>(columns_, {run_.gamma, run_.beta}, x, hn::Set(d, m), hn::Set(d, judged.e), hn::Set(d, judged.rstd),
                     static_cast<T*>(y_row.at), building(y_row));
    if (kMayStream) EndRow<T>(run_.y, y_row, task_.y_staging, columns_, true);
  }

  template <bool kFull>
  HWY_NOINLINE RowSums SweepRows(const NewRow<T>& row, const JudgedRow& judged) {
    const float* const x_formed = task_.formed.r >= 0 ? task_.x_formed : nullptr;
    return SweepThree<T, kFull>(run_, row, x_formed, task_.formed.m, judged, task_.x_outer);
  }

  // What is left to do of the rows that are pending, and what waits of lines of y and x.
  void Finish() {
    while (task_.formed.r >= 0 || task_.judged.r >= 0) Advance(-1, {nullptr, nullptr, {}});
    for (Staging* const staging : {&task_.y_staging, &task_.x_staging}) LineWriter{*staging}.Finish();
    if (run_.tuning.stream) hwy::FlushStream();
  }

  // A tensor's row, or `scratch` row of the task where it must be gathered.
  HWY_INLINE const T* Input(const Tensor& tensor, std::int64_t r, std::size_t scratch) const {
    return DenseRow<T>(tensor, r, columns_, ScratchRow(scratch));
  }

  HWY_INLINE std::byte* ScratchRow(std::size_t i) const { return task_.rows + i * columns_ * sizeof(T); }

  static HWY_INLINE void WriteStatistic(const Tensor& tensor, std::int64_t r, float value) {
    if (tensor.base != nullptr) store(value, tensor.row(r), DType::float32);
  }

  const ForwardOperands& run_;
  ForwardTask& task_;
  const std::size_t columns_;
};

// What src/cpu/forward/kernels.h lists, for one dtype.
template <class T>
ForwardKernels ForwardKernelsOf() {
  return {&ForwardPass<T>::Rows, &ForwardPass<T>::Finish, OwnOrderOf<T>()};
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
