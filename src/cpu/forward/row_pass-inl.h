// The row pass: rows one after another, each read once from memory (row_step-inl.h).

// Per-target include guard
#if defined(ALNG_CPU_FORWARD_ROW_PASS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_FORWARD_ROW_PASS_INL_H
#undef ALNG_CPU_FORWARD_ROW_PASS_INL_H
#else
#define ALNG_CPU_FORWARD_ROW_PASS_INL_H
#endif

#include <utility>

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
    ForwardPass pass(run, task);
    for (std::int64_t r = begin; r < end; ++r) pass.OneRow(r);
  }

  // ForwardKernels::finish
  static void Finish(const ForwardOperands& run, ForwardTask& task) { ForwardPass(run, task).Finish(); }

 private:
  void OneRow(std::int64_t r) {
    FormedRow<T> row{Input(run_.x1, r, 0), nullptr, {}};
    if (run_.x2.base != nullptr) row.x2 = Input(run_.x2, r, 1);
    if (run_.x.base != nullptr) row.x = BeginRow(run_.x, r, run_.tuning.stream, ScratchRow(2), task_.x_staging);

    const PendingY& before = task_.pending;
    const bool full = row.x2 != nullptr && row.x.at != nullptr && run_.gamma != nullptr && run_.beta != nullptr &&
                      before.y.at != nullptr;
    const float sum = full ? Form<true>(row) : Form<false>(row);
    const float m = sum * run_.inverse_columns;
    const RowStatistics s = Statistics(m);
    WriteStatistic(run_.mean, r, s.mean);
    WriteStatistic(run_.rstd, r, s.rstd);
    task_.pending = {{}, m, s.e, s.rstd};
    if (run_.y.base != nullptr) {
      task_.pending.y = BeginRow(run_.y, r, run_.tuning.stream, ScratchRow(3), task_.y_staging);
    }
    std::swap(task_.x_now, task_.x_before);
    // Gathered rows share their scratch with the next row, so that nothing may stay pending.
    if (!run_.dense) Finish();
  }

  template <bool kFull>
  HWY_NOINLINE float Form(const FormedRow<T>& row) {
    const PendingY before = task_.pending;
    const bool y_elsewhere = IsElsewhere(before.y), x_elsewhere = IsElsewhere(row.x);
    return FormRow<T, kFull>(run_, row, before, task_.x_now, task_.x_before, [&](std::size_t end) ALNG_INLINE_LAMBDA {
      if (y_elsewhere) CopyOut<T>(run_.y, before.y, task_.y_staging, end, columns_);
      if (x_elsewhere) CopyOut<T>(run_.x, row.x, task_.x_staging, end, columns_);
    });
  }

  HWY_NOINLINE RowStatistics Statistics(float m) { return StatisticsOf<T>(run_, task_.x_now, m); }

  // y of the row that is pending, if any, and what waits of lines of y and x.
  void Finish() {
    const PendingY& before = task_.pending;
    if (before.y.at != nullptr) {
      WriteY<T>(columns_, before, task_.x_before, run_.gamma, run_.beta);
      if (IsElsewhere(before.y)) CopyOut<T>(run_.y, before.y, task_.y_staging, columns_, columns_);
    }
    for (Staging* const staging : {&task_.y_staging, &task_.x_staging}) LineWriter{*staging}.PutCarried();
    task_.pending = {};
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
