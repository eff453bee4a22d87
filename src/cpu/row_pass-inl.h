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
#include <type_traits>

#include "cpu/column_pass-inl.h"
#include "cpu/kernels.h"
#include "cpu/row_output-inl.h"
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
    const Pending& p = task.pending;
    const std::size_t columns = static_cast<std::size_t>(pass.columns);
    const RowOutput<T, false> output{
        {static_cast<const T*>(p.dy), static_cast<const T*>(p.x1), static_cast<const T*>(p.x2), p.mean, p.rstd},
        static_cast<const T*>(p.dsum),
        static_cast<T*>(p.dx),
        pass.gamma};
    output.Write(columns, p.m1, p.m2);
    Written(pass, task, columns);
    PutCarried(task);
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
    const bool both_sums = sums.dgamma != nullptr && sums.dbeta != nullptr;
    const bool whole_rows = pass.row_by_row && both_sums && pass.dx.base != nullptr && pass.gamma != nullptr &&
                            pass.x2.base != nullptr && pass.dsum.base != nullptr;
    if (whole_rows) {
      for (std::int64_t r = begin; r < end; ++r) WholeRow(pass, r, r == begin, sums);
      return;
    }
    // Rows are added to the sums two at a time where the first of them is still there in the second's sweep. Not where
    // inputs stream through a first-level cache in which the sums stay: every row then costs the same, which is up to
    // 1.08 times faster (Zen 5, float32 with 512 columns), and at 1024 columns 1.01 (float32) and 1.04 (bfloat16).
    const bool sums_stay = pass.fetch == Fetch::first_level && pass.columns <= 1024;
    const bool in_twos = both_sums && pass.dx.base != nullptr && pass.dense && !sums_stay;
    for (std::int64_t r = begin; r < end; ++r) {
      const bool second = (r - begin) % 2 == 1;
      const Adds adds = !in_twos ? Adds::row : second ? Adds::both_rows : r + 1 < end ? Adds::nothing : Adds::row;
      OneRow(pass, r, adds, r - begin < (in_twos ? 2 : 1), sums, task);
    }
  }

  static HWY_INLINE const T* Input(const RowPass& pass, const Tensor& tensor, std::int64_t r, std::byte* scratch) {
    std::byte* row = tensor.row(r);
    if (tensor.rows->dense_row) return reinterpret_cast<const T*>(row);
    gather_row(tensor.rows->column, sizeof(T), row, scratch, pass.columns);
    return reinterpret_cast<const T*>(scratch);
  }

  // A row's mean or rstd. The line after it is fetched, or else every 16th row waits for a line of each.
  static HWY_INLINE float Statistic(const Tensor& tensor, std::int64_t r) {
    const std::byte* value = tensor.row(r);
    __builtin_prefetch(value + kLine);
    return *reinterpret_cast<const float*>(value);
  }

  static void OneRow(const RowPass& pass, std::int64_t r, Adds adds, bool first, Sums sums, Task& task) {
    const std::int64_t bytes = pass.columns * static_cast<std::int64_t>(sizeof(T));
    Row<T> row{};
    row.dy = Input(pass, pass.dy, r, task.rows);
    const bool needs_x = pass.dx.base != nullptr || sums.dgamma != nullptr;
    if (needs_x) {
      row.x1 = Input(pass, pass.x1, r, task.rows + bytes);
      if (pass.x2.base != nullptr) row.x2 = Input(pass, pass.x2, r, task.rows + 2 * bytes);
      row.mean = Statistic(pass.mean, r);
      row.rstd = Statistic(pass.rstd, r);
    }
    if (pass.dx.base == nullptr) return ColumnSums(pass, row, first, sums);

    const bool full =
        pass.gamma != nullptr && row.x2 != nullptr && task.pending.dx != nullptr && task.pending.dsum != nullptr;
    const auto sweep = [&]<Adds kAdds, bool kFirst>() HWY_ATTR {
      return full ? Sweep<true, kAdds, kFirst>(pass, task, sums, row)
                  : Sweep<false, kAdds, kFirst>(pass, task, sums, row);
    };
    const bool both_sums = sums.dgamma != nullptr && sums.dbeta != nullptr;
    RowSums s;
    if (!both_sums || adds == Adds::nothing) {
      s = sweep.template operator()<Adds::nothing, false>();
      if (!both_sums && (sums.dgamma != nullptr || sums.dbeta != nullptr)) ColumnSums(pass, row, first, sums);
    } else if (adds == Adds::both_rows) {
      s = first ? sweep.template operator()<Adds::both_rows, true>()
                : sweep.template operator()<Adds::both_rows, false>();
    } else {
      s = first ? sweep.template operator()<Adds::row, true>() : sweep.template operator()<Adds::row, false>();
    }

    Pending& p = task.pending;
    p.dy = row.dy;
    p.x1 = row.x1;
    p.x2 = row.x2;
    p.mean = row.mean;
    p.dsum = pass.dsum.base != nullptr ? Input(pass, pass.dsum, r, task.rows + 3 * bytes) : nullptr;
    p.rstd = row.rstd;
    p.m1 = s.w * pass.inverse_columns;
    p.m2 = s.q * pass.inverse_columns;
    p.out = pass.dx.row(r);
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
      if (task.carried != misaligned || task.carried_to != p.out - misaligned) PutCarried(task);
      p.written = task.carried > 0 ? 0 : misaligned;
      task.carried = 0;
    }
    // Gathered rows share their scratch with the next row, so that nothing may stay pending.
    if (!pass.dense) Finish(pass, task);
  }

  template <bool kFull, Adds kAdds, bool kFirst>
  static HWY_INLINE RowSums Sweep(const RowPass& pass, Task& task, Sums sums, const Row<T>& r) {
    if (pass.fetch != Fetch::first_level) {
      return Sweep<kFull, Memory::any, kAdds, kFirst>(pass, task, sums, pass.gamma, r.dy, r.x1, r.x2, r.mean, r.rstd);
    }
    if constexpr (kFull && !std::is_same_v<T, float>) {
      if (pass.narrow_gamma != nullptr) {
        return SweepNear<kFull, kAdds, kFirst>(pass, task, sums, static_cast<const T*>(pass.narrow_gamma), r);
      }
    }
    return SweepNear<kFull, kAdds, kFirst>(pass, task, sums, pass.gamma, r);
  }

  template <bool kFull, Adds kAdds, bool kFirst, class Gamma>
  static HWY_INLINE RowSums SweepNear(const RowPass& pass, Task& task, Sums sums, const Gamma* gamma, const Row<T>& r) {
    if (!task.pending.stream) {
      return Sweep<kFull, Memory::near, kAdds, kFirst>(pass, task, sums, gamma, r.dy, r.x1, r.x2, r.mean, r.rstd);
    }
    return Sweep<kFull, Memory::near_streamed, kAdds, kFirst>(pass, task, sums, gamma, r.dy, r.x1, r.x2, r.mean,
                                                              r.rstd);
  }

  // The row comes in registers: as a struct it would be stored piece by piece and loaded as one vector, which waits
  // until all the stores are done, 20 cycles for each row.
  template <bool kFull, Memory kMemory, Adds kAdds, bool kFirst, class Gamma>
  static HWY_NOINLINE RowSums Sweep(const RowPass& pass, Task& task, Sums sums, const Gamma* gamma, const T* dy,
                                    const T* x1, const T* x2, float mean, float rstd) {
    const RowSweep<T, kFull, kMemory, kAdds, kFirst, Gamma> sweep{
        {dy, x1, x2, mean, rstd},         PendingOf(task), gamma, task.h, sums.dgamma, sums.dbeta,
        pass.fetch == Fetch::second_level};
    const bool staged = task.pending.dx != nullptr && task.pending.dx != task.pending.out;
    return sweep.Sweep(static_cast<std::size_t>(pass.columns), [&](std::size_t end) HWY_ATTR {
      if (staged) CopyOut(pass, task, end);
    });
  }

  // All of a row, which the first-level cache keeps until it is done: its sums, then its dx.
  static void WholeRow(const RowPass& pass, std::int64_t r, bool first, Sums sums) {
    const auto of = [r](const Tensor& tensor) { return reinterpret_cast<T*>(tensor.row(r)); };
    const float mean = *reinterpret_cast<const float*>(pass.mean.row(r));
    const float rstd = *reinterpret_cast<const float*>(pass.rstd.row(r));
    if (first) {
      WholeRow<true>(pass, sums, of(pass.dy), of(pass.x1), of(pass.x2), mean, rstd, of(pass.dsum), of(pass.dx));
    } else {
      WholeRow<false>(pass, sums, of(pass.dy), of(pass.x1), of(pass.x2), mean, rstd, of(pass.dsum), of(pass.dx));
    }
  }

  template <bool kFirst>
  static HWY_NOINLINE void WholeRow(const RowPass& pass, Sums sums, const T* dy, const T* x1, const T* x2, float mean,
                                    float rstd, const T* dsum, T* dx) {
    const std::size_t columns = static_cast<std::size_t>(pass.columns);
    const RowSweep<T, true, Memory::any, Adds::row, kFirst, float, true> sweep{
        {dy, x1, x2, mean, rstd}, {}, pass.gamma, nullptr, sums.dgamma, sums.dbeta, false};
    const RowSums s = sweep.Sweep(columns, [](std::size_t) {});
    const RowOutput<T, true> output{{dy, x1, x2, mean, rstd}, dsum, dx, pass.gamma};
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
    const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(p.out) % kLine;
    std::byte* const to = p.out - misaligned;
    const std::size_t written_end = misaligned + end * sizeof(T);
    if (p.written % kLine != 0) {  // the rest of a line that another row has begun
      const std::size_t line_end = std::min(written_end, kLine);
      std::memcpy(to + p.written, task.staging + p.written, line_end - p.written);
      p.written = line_end;
    }
    const hn::CappedTag<std::uint8_t, kLine> d8;
    for (; p.written + kLine <= written_end; p.written += kLine) {
      for (std::size_t k = 0; k < kLine; k += hn::Lanes(d8)) {
        const auto* line = reinterpret_cast<const std::uint8_t*>(task.staging + p.written + k);
        hn::Stream(hn::Load(d8, line), d8, reinterpret_cast<std::uint8_t*>(to + p.written + k));
      }
    }
    if (!last || p.written == written_end) return;
    // The line that the next row begins in waits for it. Stored now, through the caches, it would be read from memory
    // first, and all later stores would wait for that.
    task.carried = written_end - p.written;
    task.carried_to = to + p.written;
    std::memmove(task.staging, task.staging + p.written, task.carried);
  }

  static HWY_INLINE void PutCarried(Task& task) {
    if (task.carried > 0) std::memcpy(task.carried_to, task.staging, task.carried);
    task.carried = 0;
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
