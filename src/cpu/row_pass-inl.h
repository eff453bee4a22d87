// The row pass: for every row the two row sums in canonical order, then dx and the row's share of the column sums, while the
// row is still in cache. Memory is read once.

// Per-target include guard
#if defined(ALNG_CPU_ROW_PASS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_ROW_PASS_INL_H
#undef ALNG_CPU_ROW_PASS_INL_H
#else
#define ALNG_CPU_ROW_PASS_INL_H
#endif

#include <algorithm>

#include "cpu/column_pass-inl.h"
#include "cpu/kernels.h"
#include "cpu/row_sums-inl.h"
#include "cpu/simd-inl.h"
#include "plan/leaves.h"

HWY_BEFORE_NAMESPACE();
namespace alng::cpu::HWY_NAMESPACE {

// Fetching is done by the line, whatever the vector.
constexpr std::int64_t kLine = 64;

template <class T, bool kGamma, bool kX2, bool kDsum, bool kDx, bool kDgamma, bool kDbeta>
struct RowPassOf {
  static constexpr bool kSums = kDgamma || kDbeta;
  static constexpr bool kNeedsX = kDx || kDgamma;
  // Rows done at once when dx is written: their column sums stay in registers from row to row, which saves loading and
  // storing dgamma and dbeta (and loading gamma) for all rows but one.
  static constexpr int kRows = kDx && kDgamma && kDbeta ? (HWY_TARGET == HWY_AVX3 || HWY_HAVE_SCALABLE ? 4 : 2) : 1;

  struct Row {
    Operands<T> in;
    const T* dsum;
    T* dx;
    float m1, m2;
  };

  // The next rows' lines, as many bytes on as the present rows are.
  struct Ahead {
    const std::byte* dy = nullptr;
    const std::byte* x1 = nullptr;
    const std::byte* x2 = nullptr;
  };

  static HWY_INLINE void Element(const Row& row, std::int64_t i, std::size_t n, V mean, V rstd, V m1, V m2, V gamma,
                                 bool stream, V& dgamma, V& dbeta) {
    const F d;
    const bool whole = n == Lanes();
    const V dy = whole ? HWY_NAMESPACE::Load(row.in.dy + i) : LoadN(row.in.dy + i, n);
    if constexpr (kNeedsX) {
      V x = whole ? HWY_NAMESPACE::Load(row.in.x1 + i) : LoadN(row.in.x1 + i, n);
      if constexpr (kX2) x = hn::Add(x, whole ? HWY_NAMESPACE::Load(row.in.x2 + i) : LoadN(row.in.x2 + i, n));
      const V h = hn::Mul(hn::Sub(x, mean), rstd);
      if constexpr (kDx) {
        V w = dy;
        if constexpr (kGamma) w = hn::Mul(dy, gamma);
        const V t = NegFma(h, m2, hn::Sub(w, m1));
        V dx;
        if constexpr (kDsum) {
          dx = Fma(rstd, t, whole ? HWY_NAMESPACE::Load(row.dsum + i) : LoadN(row.dsum + i, n));
        } else {
          dx = hn::Mul(rstd, t);
        }
        if (!whole) {
          StoreN(dx, row.dx + i, n);
        } else if (stream) {
          HWY_NAMESPACE::Stream(dx, row.dx + i);
        } else {
          HWY_NAMESPACE::Store(dx, row.dx + i);
        }
      }
      if constexpr (kDgamma) dgamma = Fma(dy, h, dgamma);
    }
    if constexpr (kDbeta) dbeta = hn::Add(dbeta, dy);
    (void)d;
  }

  // dx of `R` rows, and their column sums on top of `sums`, or from +0 where they are the `first`.
  template <int R>
  static HWY_NOINLINE void Apply(const Row* rows, const Ahead* ahead, const float* gamma, Sums sums, bool first,
                                 std::int64_t columns, bool stream) {
    const F d;
    const std::int64_t lanes = static_cast<std::int64_t>(Lanes());
    const Row row0 = rows[0];
    const Row row1 = rows[R > 1 ? 1 : 0];
    const Row row2 = rows[R > 2 ? 2 : 0];
    const Row row3 = rows[R > 2 ? 3 : 0];
    const V mean0 = hn::Set(d, row0.in.mean), rstd0 = hn::Set(d, row0.in.rstd);
    const V m10 = hn::Set(d, row0.m1), m20 = hn::Set(d, row0.m2);
    const V mean1 = hn::Set(d, row1.in.mean), rstd1 = hn::Set(d, row1.in.rstd);
    const V m11 = hn::Set(d, row1.m1), m21 = hn::Set(d, row1.m2);
    const V mean2 = hn::Set(d, row2.in.mean), rstd2 = hn::Set(d, row2.in.rstd);
    const V m12 = hn::Set(d, row2.m1), m22 = hn::Set(d, row2.m2);
    const V mean3 = hn::Set(d, row3.in.mean), rstd3 = hn::Set(d, row3.in.rstd);
    const V m13 = hn::Set(d, row3.m1), m23 = hn::Set(d, row3.m2);

    const auto step = [&](std::int64_t i, std::size_t n, bool streamed) HWY_ATTR {
      const bool whole = n == Lanes();
      V g = hn::Zero(d), dgamma = hn::Zero(d), dbeta = hn::Zero(d);
      if constexpr (kDx && kGamma) g = whole ? HWY_NAMESPACE::Load(gamma + i) : LoadN(gamma + i, n);
      if (!first) {
        if constexpr (kDgamma) dgamma = whole ? HWY_NAMESPACE::Load(sums.dgamma + i) : LoadN(sums.dgamma + i, n);
        if constexpr (kDbeta) dbeta = whole ? HWY_NAMESPACE::Load(sums.dbeta + i) : LoadN(sums.dbeta + i, n);
      }
      Element(row0, i, n, mean0, rstd0, m10, m20, g, streamed, dgamma, dbeta);
      if constexpr (R > 1) Element(row1, i, n, mean1, rstd1, m11, m21, g, streamed, dgamma, dbeta);
      if constexpr (R > 2) {
        Element(row2, i, n, mean2, rstd2, m12, m22, g, streamed, dgamma, dbeta);
        Element(row3, i, n, mean3, rstd3, m13, m23, g, streamed, dgamma, dbeta);
      }
      if constexpr (kDgamma) {
        if (whole) {
          hn::StoreU(dgamma, d, sums.dgamma + i);
        } else {
          StoreN(dgamma, sums.dgamma + i, n);
        }
      }
      if constexpr (kDbeta) {
        if (whole) {
          hn::StoreU(dbeta, d, sums.dbeta + i);
        } else {
          StoreN(dbeta, sums.dbeta + i, n);
        }
      }
    };
    const auto fetch = [&](std::int64_t i) HWY_ATTR {
      const std::int64_t bytes = i * static_cast<std::int64_t>(sizeof(T));
      for (int r = 0; r < R; ++r) {
        hwy::Prefetch(ahead[r].dy + bytes);
        if constexpr (kNeedsX) hwy::Prefetch(ahead[r].x1 + bytes);
        if constexpr (kNeedsX && kX2) hwy::Prefetch(ahead[r].x2 + bytes);
      }
    };

    std::int64_t i = 0;
    if (stream) {
      // Up to the first line of dx that is wholly this row's. All rows of a group are aligned alike, or `stream` is off.
      const auto address = reinterpret_cast<std::uintptr_t>(row0.dx);
      const std::int64_t head = static_cast<std::int64_t>((-address % kLine) / sizeof(T));
      for (; i < std::min(head, columns); i += lanes) {
        const std::int64_t n = std::min({lanes, head - i, columns - i});
        step(i, static_cast<std::size_t>(n), false);
        if (n < lanes) {
          i += n;
          break;
        }
      }
    }
    constexpr std::int64_t line_elements = kLine / static_cast<std::int64_t>(sizeof(T));
    if (ahead != nullptr) {
      for (; i + line_elements <= columns; i += line_elements) {
        fetch(i);
        for (std::int64_t k = 0; k < line_elements; k += lanes) step(i + k, Lanes(), stream);
      }
    }
    for (; i + lanes <= columns; i += lanes) step(i, Lanes(), stream);
    if (i < columns) step(i, static_cast<std::size_t>(columns - i), false);
  }

  static HWY_INLINE const T* Input(const RowPass& pass, const Tensor& tensor, std::int64_t r, std::byte* scratch) {
    std::byte* row = tensor.row(r);
    if (tensor.rows->dense_row) return reinterpret_cast<const T*>(row);
    gather_row(tensor.rows->column, sizeof(T), row, scratch, pass.columns);
    return reinterpret_cast<const T*>(scratch);
  }

  static HWY_INLINE Row RowAt(const RowPass& pass, std::int64_t r, std::byte* scratch) {
    const std::int64_t bytes = pass.columns * static_cast<std::int64_t>(sizeof(T));
    Row row{};
    row.in.dy = Input(pass, pass.dy, r, scratch);
    if constexpr (kNeedsX) {
      row.in.x1 = Input(pass, pass.x1, r, scratch + bytes);
      if constexpr (kX2) row.in.x2 = Input(pass, pass.x2, r, scratch + 2 * bytes);
      row.in.mean = *reinterpret_cast<const float*>(pass.mean.row(r));
      row.in.rstd = *reinterpret_cast<const float*>(pass.rstd.row(r));
    }
    if constexpr (kDx) {
      if constexpr (kDsum) row.dsum = Input(pass, pass.dsum, r, scratch + 3 * bytes);
      row.dx = reinterpret_cast<T*>(pass.dx.rows->dense_row ? pass.dx.row(r) : scratch + 4 * bytes);
      float s1, s2;
      RowSums<T, kGamma, kX2>(row.in, pass.gamma, static_cast<std::size_t>(pass.columns), s1, s2);
      row.m1 = s1 * pass.inverse_columns;
      row.m2 = s2 * pass.inverse_columns;
    }
    return row;
  }

  template <int R>
  static HWY_INLINE void Group(const RowPass& pass, std::int64_t r, std::int64_t end, Sums sums, bool first,
                               std::byte* scratch) {
    Row rows[R];
    for (int k = 0; k < R; ++k) rows[k] = RowAt(pass, r + k, scratch);
    bool stream = pass.stream;
    if constexpr (kDx) {
      for (int k = 1; k < R; ++k) {
        const auto distance = reinterpret_cast<std::uintptr_t>(rows[k].dx) - reinterpret_cast<std::uintptr_t>(rows[0].dx);
        stream = stream && distance % kLine == 0;
      }
    }
    Ahead ahead[R];
    const bool prefetch = pass.prefetch && r + 2 * R <= end;
    if (prefetch) {
      for (int k = 0; k < R; ++k) {
        ahead[k].dy = pass.dy.row(r + R + k);
        if constexpr (kNeedsX) ahead[k].x1 = pass.x1.row(r + R + k);
        if constexpr (kNeedsX && kX2) ahead[k].x2 = pass.x2.row(r + R + k);
      }
    }
    Apply<R>(rows, prefetch ? ahead : nullptr, pass.gamma, sums, first, pass.columns, stream);
    if constexpr (kDx) {
      if (!pass.dx.rows->dense_row) {
        scatter_row(pass.dx.rows->column, sizeof(T), reinterpret_cast<const std::byte*>(rows[0].dx), pass.dx.row(r),
                    pass.columns);
      }
    }
  }

  // At most block_rows rows, in order, from +0.
  static HWY_NOINLINE void Block(const RowPass& pass, std::int64_t begin, std::int64_t end, Sums sums,
                                 std::byte* scratch) {
    std::int64_t r = begin;
    if constexpr (kRows > 1) {
      if (pass.dense) {
        for (; r + kRows <= end; r += kRows) Group<kRows>(pass, r, end, sums, r == begin, scratch);
      }
    }
    for (; r < end; ++r) Group<1>(pass, r, end, sums, r == begin, scratch);
  }

  static void Run(const RowPass& pass, std::int64_t begin, std::int64_t end, Sums sums, Sums block, std::byte* scratch) {
    if constexpr (!kSums) {
      Block(pass, begin, end, sums, scratch);
    } else {
      Block(pass, begin, std::min(begin + block_rows, end), sums, scratch);
      for (std::int64_t r = begin + block_rows; r < end; r += block_rows) {
        Block(pass, r, std::min(r + block_rows, end), block, scratch);
        if constexpr (kDgamma) Add(sums.dgamma, block.dgamma, pass.columns);
        if constexpr (kDbeta) Add(sums.dbeta, block.dbeta, pass.columns);
      }
    }
    if (pass.stream) hwy::FlushStream();
  }
};

// From run-time facts to the one instance that is specialised for them. What does not matter without dx is not multiplied out.
template <class T>
RowPassFunction ChooseRowPass(const Variant& v) {
  const auto with_sums = [&]<bool kGamma, bool kX2, bool kDsum>() -> RowPassFunction {
    if (v.dgamma && v.dbeta) return &RowPassOf<T, kGamma, kX2, kDsum, true, true, true>::Run;
    if (v.dgamma) return &RowPassOf<T, kGamma, kX2, kDsum, true, true, false>::Run;
    if (v.dbeta) return &RowPassOf<T, kGamma, kX2, kDsum, true, false, true>::Run;
    return &RowPassOf<T, kGamma, kX2, kDsum, true, false, false>::Run;
  };
  const auto with_dsum = [&]<bool kGamma, bool kX2>() -> RowPassFunction {
    return v.dsum ? with_sums.template operator()<kGamma, kX2, true>()
                  : with_sums.template operator()<kGamma, kX2, false>();
  };
  const auto with_x2 = [&]<bool kGamma>() -> RowPassFunction {
    return v.x2 ? with_dsum.template operator()<kGamma, true>() : with_dsum.template operator()<kGamma, false>();
  };
  if (v.dx) return v.gamma ? with_x2.template operator()<true>() : with_x2.template operator()<false>();
  if (!v.dgamma) return &RowPassOf<T, false, false, false, false, false, true>::Run;
  if (v.x2) {
    return v.dbeta ? &RowPassOf<T, false, true, false, false, true, true>::Run
                   : &RowPassOf<T, false, true, false, false, true, false>::Run;
  }
  return v.dbeta ? &RowPassOf<T, false, false, false, false, true, true>::Run
                 : &RowPassOf<T, false, false, false, false, true, false>::Run;
}

}  // namespace alng::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
