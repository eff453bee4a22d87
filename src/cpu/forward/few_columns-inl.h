// Rows of few columns, in batches: x of 16 rows, then their deviations, then their y. What happens once a row takes
// longer there than the row's elements, and is done for the batch in one vector. With AVX-512, where a step is a span.

// Per-target include guard
#if defined(ALNG_CPU_FORWARD_FEW_COLUMNS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_FORWARD_FEW_COLUMNS_INL_H
#undef ALNG_CPU_FORWARD_FEW_COLUMNS_INL_H
#else
#define ALNG_CPU_FORWARD_FEW_COLUMNS_INL_H
#endif

#include <algorithm>

#include "cpu/forward/kernels.h"
#include "cpu/forward/row_step-inl.h"
#include "cpu/row_access-inl.h"
#include "cpu/row_fetch-inl.h"
#include "cpu/row_fold-inl.h"
#include "cpu/simd-inl.h"
#include "problem/element.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3
// Rows of a batch: one stride from each to the next.
template <class T>
class BatchRows {
 public:
  HWY_INLINE BatchRows(const Tensor& tensor, std::int64_t begin)
      : first_(tensor.base != nullptr ? tensor.row(begin) : nullptr),
        stride_(tensor.base != nullptr ? tensor.rows->row.stride[0] : 0) {}

  // Null where there is no tensor.
  HWY_INLINE T* row(std::size_t k) const {
    return reinterpret_cast<T*>(first_ + static_cast<std::int64_t>(k) * stride_);
  }

 private:
  std::byte* const first_;
  const std::int64_t stride_;
};

// Whether the rows of every tensor have one stride, and those that are written past the caches begin on lines.
inline bool InBatches(const ForwardOperands& run) {
  if (!run.tuning.in_batches) return false;
  const auto can = [](const Tensor& tensor, bool on_lines) {
    if (tensor.base == nullptr) return true;
    const StridedDims& row = tensor.rows->row;
    return row.rank == 1 && !(on_lines && (reinterpret_cast<std::uintptr_t>(tensor.base) % kLine != 0 ||
                                           row.stride[0] % static_cast<std::int64_t>(kLine) != 0));
  };
  const bool stream = run.tuning.stream;
  return can(run.x1, false) && can(run.x2, false) && can(run.mean, false) && can(run.rstd, false) &&
         can(run.x, stream) && can(run.y, stream);
}

// Statistics of the rows of a batch, every NaN canonical.
HWY_INLINE void WriteBatch(const Tensor& tensor, std::int64_t begin, std::size_t rows, const float* values) {
  const BatchRows<float> at(tensor, begin);
  if (tensor.base == nullptr) return;
  for (std::size_t k = 0; k < rows; ++k) store(values[k], reinterpret_cast<std::byte*>(at.row(k)), DType::float32);
}

static_assert(batch_rows == 16 && batch_columns <= kPart);

// Of each row of a batch 16 values of a sum, before they meet across lanes.
struct alignas(64) BatchSums {
  float of_row[batch_rows][16];
};

// Puts the two sums of row k into w and q, from `terms` as in FoldRow. The row has one part.
template <class T, class Terms>
HWY_INLINE void SumShortRow(std::size_t columns, const Terms& terms, std::size_t k, BatchSums& w, BatchSums& q) {
  Step w_row = hn::Zero(F()), q_row = hn::Zero(F());
#pragma GCC unroll 1
  for (std::size_t two = 0; two < columns; two += 2 * kSpan) {
    Step w_two = hn::Zero(F()), q_two = hn::Zero(F());
#pragma GCC unroll 1
    for (std::size_t i = two; i < std::min(columns, two + 2 * kSpan); i += kSpan) {
      Step w_step, q_step;
      if (i + kSpan <= columns) {
        terms.template operator()<true>(i, 0, w_step, q_step);
      } else {
        terms.template operator()<false>(i, columns - i, w_step, q_step);
      }
      w_two = Add(w_two, w_step);
      q_two = Add(q_two, q_step);
    }
    w_row = Add(w_row, w_two);
    q_row = Add(q_row, q_two);
  }
  hn::Store(FoldTo16<T>(w_row), F(), w.of_row[k]);
  hn::Store(FoldTo16<T>(q_row), F(), q.of_row[k]);
}

// Distances 2 and 1 within each quarter of four vectors; lane l of a quarter is then of vector l.
HWY_INLINE V FoldWithinQuarters(V v0, V v1, V v2, V v3) {
  const auto at_2 = [](V a, V b) HWY_ATTR {
    return _mm512_add_ps(_mm512_shuffle_ps(a.raw, b.raw, 0x44), _mm512_shuffle_ps(a.raw, b.raw, 0xEE));
  };
  const __m512 low = at_2(v0, v1), high = at_2(v2, v3);
  return V{_mm512_add_ps(_mm512_shuffle_ps(low, high, 0x88), _mm512_shuffle_ps(low, high, 0xDD))};
}

// The sums of the 16 rows at distances 8, 4, 2 and 1.
template <class T>
HWY_INLINE V FoldBatch(const BatchSums& sums) {
  const auto row = [&](int k) HWY_ATTR { return hn::Load(F(), sums.of_row[k]); };
  if constexpr (kPaired<T>) {
    // A quarter is of elements 0, 2, 4, 6 or 1, 3, 5, 7 after distance 8; distances 4 and 2 are within it.
    const auto rows = [&](int k) HWY_ATTR {
      const auto at_8 = [&](int l) HWY_ATTR { return FoldQuarters(row(k + l), row(k + 4 + l)); };
      return FoldWithinQuarters(at_8(0), at_8(1), at_8(2), at_8(3));
    };
    return FoldQuarters(rows(0), rows(8));
  } else {
    const auto at_4 = [&](int l) HWY_ATTR {
      return FoldQuarters(FoldHalves(row(l), row(4 + l)), FoldHalves(row(8 + l), row(12 + l)));
    };
    return FoldWithinQuarters(at_4(0), at_4(1), at_4(2), at_4(3));
  }
}

// Rows [begin, begin + rows), at most batch_rows, where InBatches is true. `own_x` has room for batch_rows rows in
// float32. kFull: as in SweepThree.
template <class T, bool kFull>
HWY_NOINLINE void ForwardBatch(const ForwardOperands& run, std::int64_t begin, std::size_t rows, float* own_x) {
  const F d;
  const auto columns = static_cast<std::size_t>(run.columns);
  const auto padded_columns = static_cast<std::size_t>(padded(run.columns));
  const BatchRows<T> x1(run.x1, begin), x2(run.x2, begin), x(run.x, begin), y(run.y, begin);
  const BuildingRow out(run.tuning.stream);
  const bool fetch_far = run.tuning.fetch != Fetch::nowhere, round_sum = run.round_sum;
  const V inverse_columns = hn::Set(d, run.inverse_columns);
  BatchSums w{}, q{};

  for (std::size_t k = 0; k < rows; ++k) {
    const Summands<T, kFull> summands{x1.row(k), x2.row(k), round_sum};
    const InputLines<T, kFull, 2> lines{{summands.x1, summands.x2}};
    T* const x_at = x.row(k);
    float* const own = own_x + k * padded_columns;
    SumShortRow<T>(
        columns,
        [&]<bool kWhole>(std::size_t i, std::size_t n, Step& sum, Step& unused) ALNG_INLINE_LAMBDA {
          if (fetch_far) lines.FetchFar(i, StepElements());
          sum = unused = FormX<kWhole>(As<Step>(), summands, x_at, out, own, i, n);
        },
        k, w, q);
  }
  alignas(64) float m[batch_rows], e[batch_rows], rstd[batch_rows];
  const V all_m = Mul(FoldBatch<T>(w), inverse_columns);
  hn::Store(all_m, d, m);

  for (std::size_t k = 0; k < rows; ++k) {
    const V m_row = hn::Set(d, m[k]);
    const float* const own = own_x + k * padded_columns;
    SumShortRow<T>(
        columns,
        [&]<bool kWhole>(std::size_t i, std::size_t n, Step& c, Step& c2)
            ALNG_INLINE_LAMBDA { Deviations<T, kWhole>(LoadOwn(As<Step>(), own + i), m_row, n, c, c2); },
        k, w, q);
  }
  const V all_e = Mul(FoldBatch<T>(w), inverse_columns);
  const V v = NegFma(all_e, all_e, Mul(FoldBatch<T>(q), inverse_columns));
  const V not_negative = hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Zero(d), v);
  hn::Store(all_e, d, e);
  hn::Store(hn::Div(hn::Set(d, 1.0f), hn::Sqrt(Add(not_negative, hn::Set(d, run.eps)))), d, rstd);
  alignas(64) float mean[batch_rows];
  hn::Store(Add(all_m, all_e), d, mean);
  WriteBatch(run.mean, begin, rows, mean);
  WriteBatch(run.rstd, begin, rows, rstd);
  if (!kFull && run.y.base == nullptr) return;

  const Affine<T, kFull> affine{run.gamma, run.beta};
  for (std::size_t k = 0; k < rows; ++k) {
    const V m_row = hn::Set(d, m[k]), e_row = hn::Set(d, e[k]), rstd_row = hn::Set(d, rstd[k]);
    WriteY<T, kFull>(columns, affine, own_x + k * padded_columns, m_row, e_row, rstd_row, y.row(k), out);
  }
}

// Rows [begin, end), in batches.
template <class T>
void RowsInBatches(const ForwardOperands& run, std::int64_t begin, std::int64_t end, float* own_x) {
  const bool full = run.has_all();
  for (std::int64_t r = begin; r < end; r += batch_rows) {
    const auto rows = static_cast<std::size_t>(std::min(batch_rows, end - r));
    full ? ForwardBatch<T, true>(run, r, rows, own_x) : ForwardBatch<T, false>(run, r, rows, own_x);
  }
}
#endif

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
