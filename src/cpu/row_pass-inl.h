// The row pass: rows one after another, each swept once from memory (row_step-inl.h), their column sums gathered in
// blocks.

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
#include "cpu/row_step-inl.h"
#include "cpu/simd-inl.h"
#include "plan/leaves.h"

HWY_BEFORE_NAMESPACE();
namespace alng::cpu::HWY_NAMESPACE {

// One task's rows. `Pending` in kernels.h is what it carries from one leaf to the next.
template <class T>
class RowPassOf {
 public:
  static void Run(const RowPass& pass, std::int64_t begin, std::int64_t end, Sums sums, Sums block, Task& task) {
    Block(pass, begin, std::min(begin + block_rows, end), sums, task);
    for (std::int64_t r = begin + block_rows; r < end; r += block_rows) {
      Block(pass, r, std::min(r + block_rows, end), block, task);
      if (sums.dgamma != nullptr) Add(sums.dgamma, block.dgamma, pass.padded_columns);
      if (sums.dbeta != nullptr) Add(sums.dbeta, block.dbeta, pass.padded_columns);
    }
  }

  // dx of the row that is still pending, if any.
  static void Finish(const RowPass& pass, Task& task) {
    if (task.pending.dx == nullptr) return;
    const PendingRow<T> pending = PendingOf(task);
    const std::size_t columns = static_cast<std::size_t>(pass.columns);
    const F d;
    const V rstd = hn::Set(d, pending.rstd);
    const V m1 = hn::Set(d, pending.m1);
    const V m2 = hn::Set(d, pending.m2);
    const auto dx_of = [&](std::size_t at, V dy, V gamma, V dsum) HWY_ATTR {
      const V w = pass.gamma != nullptr ? hn::Mul(dy, gamma) : dy;
      const V t = NegFma(hn::LoadU(d, task.h + at), m2, hn::Sub(w, m1));
      return pending.dsum != nullptr ? Fma(rstd, t, dsum) : hn::Mul(rstd, t);
    };
    const V zero = hn::Zero(d);
    for (std::size_t i = 0; i < columns; i += AccessElements<T>()) {
      const std::size_t n = std::min(AccessElements<T>(), columns - i);
#if ALNG_HAVE_PAIRS
      if constexpr (kPaired<T>) {
        V dy0, dy1, dsum0 = zero, dsum1 = zero, gamma0 = zero, gamma1 = zero;
        LoadPair<false>(pending.dy + i, n, dy0, dy1);
        if (pending.dsum != nullptr) LoadPair<false>(pending.dsum + i, n, dsum0, dsum1);
        if (pass.gamma != nullptr) {
          gamma0 = hn::LoadU(d, pass.gamma + i);
          gamma1 = hn::LoadU(d, pass.gamma + i + 16);
        }
        StorePair<false>(dx_of(i, dy0, gamma0, dsum0), dx_of(i + 16, dy1, gamma1, dsum1), pending.dx + i, n, false);
        continue;
      }
#endif
      const V dsum = pending.dsum != nullptr ? LoadAny(pending.dsum + i, n) : zero;
      const V gamma = pass.gamma != nullptr ? LoadAny(pass.gamma + i, n) : zero;
      StoreAny(dx_of(i, LoadAny(pending.dy + i, n), gamma, dsum), pending.dx + i, n);
    }
    Written(pass, task, columns);
    task.pending.dx = nullptr;
    if (pass.stream) hwy::FlushStream();
  }

 private:
  static HWY_INLINE PendingRow<T> PendingOf(const Task& task) {
    const Pending& p = task.pending;
    return {static_cast<const T*>(p.dy),
            static_cast<const T*>(p.dsum),
            static_cast<T*>(p.dx),
            p.rstd,
            p.m1,
            p.m2,
            p.stream};
  }

  // At most block_rows rows, in order; their column sums from +0.
  static void Block(const RowPass& pass, std::int64_t begin, std::int64_t end, Sums sums, Task& task) {
    for (std::int64_t r = begin; r < end; ++r) OneRow(pass, r, r == begin, sums, task);
  }

  static HWY_INLINE const T* Input(const RowPass& pass, const Tensor& tensor, std::int64_t r, std::byte* scratch) {
    std::byte* row = tensor.row(r);
    if (tensor.rows->dense_row) return reinterpret_cast<const T*>(row);
    gather_row(tensor.rows->column, sizeof(T), row, scratch, pass.columns);
    return reinterpret_cast<const T*>(scratch);
  }

  static void OneRow(const RowPass& pass, std::int64_t r, bool first, Sums sums, Task& task) {
    const std::int64_t bytes = pass.columns * static_cast<std::int64_t>(sizeof(T));
    Row<T> row{};
    row.dy = Input(pass, pass.dy, r, task.rows);
    const bool needs_x = pass.dx.base != nullptr || sums.dgamma != nullptr;
    if (needs_x) {
      row.x1 = Input(pass, pass.x1, r, task.rows + bytes);
      if (pass.x2.base != nullptr) row.x2 = Input(pass, pass.x2, r, task.rows + 2 * bytes);
      row.mean = *reinterpret_cast<const float*>(pass.mean.row(r));
      row.rstd = *reinterpret_cast<const float*>(pass.rstd.row(r));
    }
    if (pass.dx.base == nullptr) return ColumnSums(pass, row, first, sums);

    const bool both = sums.dgamma != nullptr && sums.dbeta != nullptr;
    if (pass.row_by_row && both && pass.gamma != nullptr && row.x2 != nullptr && pass.dsum.base != nullptr) {
      const auto* dsum = reinterpret_cast<const T*>(pass.dsum.row(r));
      auto* dx = reinterpret_cast<T*>(pass.dx.row(r));
      if (first) {
        WholeRow<true>(pass, sums, row.dy, row.x1, row.x2, row.mean, row.rstd, dsum, dx);
      } else {
        WholeRow<false>(pass, sums, row.dy, row.x1, row.x2, row.mean, row.rstd, dsum, dx);
      }
      return;
    }
    const bool full =
        pass.gamma != nullptr && row.x2 != nullptr && task.pending.dx != nullptr && task.pending.dsum != nullptr;
    RowSums s;
    if (both && full && !first) {
      s = Sweep<true, true, false>(pass, task, sums, row.dy, row.x1, row.x2, row.mean, row.rstd);
    } else if (both && full) {
      s = Sweep<true, true, true>(pass, task, sums, row.dy, row.x1, row.x2, row.mean, row.rstd);
    } else if (both && !first) {
      s = Sweep<false, true, false>(pass, task, sums, row.dy, row.x1, row.x2, row.mean, row.rstd);
    } else if (both) {
      s = Sweep<false, true, true>(pass, task, sums, row.dy, row.x1, row.x2, row.mean, row.rstd);
    } else {
      s = Sweep<false, false, false>(pass, task, sums, row.dy, row.x1, row.x2, row.mean, row.rstd);
      if (sums.dgamma != nullptr || sums.dbeta != nullptr) ColumnSums(pass, row, first, sums);
    }

    Pending& p = task.pending;
    p.dy = row.dy;
    p.dsum = pass.dsum.base != nullptr ? Input(pass, pass.dsum, r, task.rows + 3 * bytes) : nullptr;
    p.rstd = row.rstd;
    p.m1 = s.w * pass.inverse_columns;
    p.m2 = s.q * pass.inverse_columns;
    p.out = pass.dx.row(r);
    p.written = 0;
    if (!pass.dx.rows->dense_row) {
      p.dx = task.rows + 4 * bytes;
      p.stream = false;
    } else if (!pass.stream) {
      p.dx = p.out;
      p.stream = false;
    } else {
      // A row that does not begin on a line is built in scratch, at the same distance from a line, and copied from
      // there.
      const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(p.out) % kLine;
      p.stream = misaligned == 0;
      p.dx = p.stream ? p.out : task.staging + misaligned;
    }
    // Gathered rows share their scratch with the next row, so that nothing may stay pending.
    if (!pass.dense) Finish(pass, task);
  }

  // The row comes in registers: as a struct it would be stored piece by piece and loaded as one vector, which waits
  // until all the stores are done, 20 cycles for each row.
  template <bool kFull, bool kSums, bool kFirst>
  static HWY_NOINLINE RowSums Sweep(const RowPass& pass, Task& task, Sums sums, const T* dy, const T* x1, const T* x2,
                                    float mean, float rstd) {
    const RowSweep<T, kFull, kSums, kFirst> sweep{
        {dy, x1, x2, mean, rstd}, PendingOf(task), pass.gamma, task.h, sums.dgamma, sums.dbeta, pass.fetch_ahead};
    const bool staged = task.pending.dx != nullptr && task.pending.dx != task.pending.out;
    return sweep.Sweep(static_cast<std::size_t>(pass.columns), [&](std::size_t end) HWY_ATTR {
      if (staged) CopyOut(pass, task, end);
    });
  }

  // All of a row, which the first-level cache keeps until it is done: its sums, then its dx.
  template <bool kFirst>
  static HWY_NOINLINE void WholeRow(const RowPass& pass, Sums sums, const T* dy, const T* x1, const T* x2, float mean,
                                    float rstd, const T* dsum, T* dx) {
    const std::size_t columns = static_cast<std::size_t>(pass.columns);
    const RowSweep<T, true, true, kFirst, true> sweep{
        {dy, x1, x2, mean, rstd}, {}, pass.gamma, nullptr, sums.dgamma, sums.dbeta, 0};
    const RowSums s = sweep.Sweep(columns, [](std::size_t) {});
    const RowOutput<T> output{{dy, x1, x2, mean, rstd}, dsum, dx, pass.gamma};
    output.Write(columns, s.w * pass.inverse_columns, s.q * pass.inverse_columns);
  }

  // dx of the pending row is there up to column `end`: what was built in scratch goes to its place.
  static HWY_INLINE void Written(const RowPass& pass, Task& task, std::size_t end) {
    if (task.pending.dx != task.pending.out) CopyOut(pass, task, end);
  }

  static HWY_NOINLINE void CopyOut(const RowPass& pass, Task& task, std::size_t end) {
    Pending& p = task.pending;
    const bool last = end == static_cast<std::size_t>(pass.columns);
    if (!pass.dx.rows->dense_row) {
      if (last) scatter_row(pass.dx.rows->column, sizeof(T), static_cast<const std::byte*>(p.dx), p.out, pass.columns);
      return;
    }
    const std::byte* from = static_cast<const std::byte*>(p.dx);
    const std::size_t end_bytes = end * sizeof(T);
    const auto copy = [&](std::size_t bytes) {
      std::memcpy(p.out + p.written, from + p.written, bytes);
      p.written += bytes;
    };
    if (p.written == 0) copy(std::min(end_bytes, kLine - reinterpret_cast<std::uintptr_t>(p.out) % kLine));
    // Whole lines go past the caches; lines shared with a neighbouring row can't.
    const hn::CappedTag<std::uint8_t, kLine> d8;
    for (; p.written + kLine <= end_bytes; p.written += kLine) {
      for (std::size_t k = 0; k < kLine; k += hn::Lanes(d8)) {
        const auto* line = reinterpret_cast<const std::uint8_t*>(from + p.written + k);
        hn::Stream(hn::Load(d8, line), d8, reinterpret_cast<std::uint8_t*>(p.out + p.written + k));
      }
    }
    if (last) copy(end_bytes - p.written);
  }

  // The column sums alone, of one row.
  static HWY_NOINLINE void ColumnSums(const RowPass& pass, const Row<T>& row, bool first, Sums sums) {
    const F d;
    const std::size_t columns = static_cast<std::size_t>(pass.columns);
    const V mean = hn::Set(d, row.mean);
    const V rstd = hn::Set(d, row.rstd);
    const auto add = [&](std::size_t at, V dy, V x1, V x2) HWY_ATTR {
      if (sums.dgamma != nullptr) {
        const V x = row.x2 != nullptr ? hn::Add(x1, x2) : x1;
        const V h = hn::Mul(hn::Sub(x, mean), rstd);
        hn::StoreU(Fma(dy, h, first ? hn::Zero(d) : hn::LoadU(d, sums.dgamma + at)), d, sums.dgamma + at);
      }
      if (sums.dbeta != nullptr) {
        hn::StoreU(hn::Add(first ? hn::Zero(d) : hn::LoadU(d, sums.dbeta + at), dy), d, sums.dbeta + at);
      }
    };
    const V zero = hn::Zero(d);
    for (std::size_t i = 0; i < columns; i += AccessElements<T>()) {
      const std::size_t n = std::min(AccessElements<T>(), columns - i);
#if ALNG_HAVE_PAIRS
      if constexpr (kPaired<T>) {
        V dy0, dy1, x10 = zero, x11 = zero, x20 = zero, x21 = zero;
        LoadPair<false>(row.dy + i, n, dy0, dy1);
        if (sums.dgamma != nullptr) {
          LoadPair<false>(row.x1 + i, n, x10, x11);
          if (row.x2 != nullptr) LoadPair<false>(row.x2 + i, n, x20, x21);
        }
        add(i, dy0, x10, x20);
        add(i + 16, dy1, x11, x21);
        continue;
      }
#endif
      const bool needs_x = sums.dgamma != nullptr;
      const V x1 = needs_x ? LoadAny(row.x1 + i, n) : zero;
      const V x2 = needs_x && row.x2 != nullptr ? LoadAny(row.x2 + i, n) : zero;
      add(i, LoadAny(row.dy + i, n), x1, x2);
    }
  }
};

template <class T>
void Widen(const void* gamma, float* wide, std::int64_t columns) {
  const F d;
  const T* const from = static_cast<const T*>(gamma);
  const std::size_t end = static_cast<std::size_t>(columns);
  for (std::size_t i = 0; i < end; i += AccessElements<T>()) {
    const std::size_t n = std::min(AccessElements<T>(), end - i);
#if ALNG_HAVE_PAIRS
    if constexpr (kPaired<T>) {
      V even, odd;
      LoadPair<false>(from + i, n, even, odd);
      hn::StoreU(even, d, wide + i);
      hn::StoreU(odd, d, wide + i + 16);
      continue;
    }
#endif
    hn::StoreU(LoadAny(from + i, n), d, wide + i);
  }
}

}  // namespace alng::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
