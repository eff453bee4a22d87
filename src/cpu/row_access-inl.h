// How a row gets from its place to a kernel and back. Inputs are read in place or gathered into scratch; outputs are
// built in place, or in scratch and then scattered, or in staging and copied from there line by line.

// Per-target include guard
#if defined(ALNG_CPU_ROW_ACCESS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_ROW_ACCESS_INL_H
#undef ALNG_CPU_ROW_ACCESS_INL_H
#else
#define ALNG_CPU_ROW_ACCESS_INL_H
#endif

#include <algorithm>
#include <cstring>

#include "cpu/memory.h"
#include "cpu/row_fetch-inl.h"
#include "cpu/row_fold-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

// Row r of a tensor in dense memory: where it is, or gathered into `scratch`, which has room for a row.
template <class T>
HWY_INLINE const T* DenseRow(const Tensor& tensor, std::int64_t r, std::size_t columns, std::byte* scratch) {
  std::byte* const row = tensor.row(r);
  if (tensor.rows->dense_row) return reinterpret_cast<const T*>(row);
  gather_row(tensor.rows->column, sizeof(T), row, scratch, static_cast<std::int64_t>(columns));
  return reinterpret_cast<const T*>(scratch);
}

// Rows that are written past the caches but do not begin on a line: they are built in staging, one behind the other,
// and each step that builds elements copies as many older ones to their line. All lines of a row at once, at its end,
// keep memory from being read meanwhile: the forward took 1.3 (float32) and 1.65 times (bfloat16) as long as on rows
// that begin on a line (8192x1024, Emerald Rapids). A line that is not complete waits for the next row: stored at once,
// through the caches, it is read from memory first, and all later stores wait for that read (16-bit 12345x777: 1.25
// times the time on Zen 5).
class LineWriter {
 public:
  explicit LineWriter(Staging& staging) : s_(staging) {}

  // Whether the row that belongs to `out` continues what waits.
  HWY_INLINE bool Continues(const std::byte* out) const { return out == s_.out_end && s_.waiting != 0; }

  // Where to build the row that belongs to `out`, and what to copy meanwhile.
  template <class T>
  HWY_INLINE BuiltRow Begin(std::byte* out, std::size_t columns) const {
    if (!Continues(out)) {
      Finish();
      const auto in_line = static_cast<std::ptrdiff_t>(reinterpret_cast<std::uintptr_t>(out) % kLine);
      s_.end = s_.memory;
      s_.out_end = out;
      s_.waiting = in_line == 0 ? 0 : in_line - static_cast<std::ptrdiff_t>(kLine);
    }
    constexpr auto delay = static_cast<std::ptrdiff_t>(Staging::delay);
    if (s_.waiting >= delay + static_cast<std::ptrdiff_t>(kLine)) WriteLines(s_.waiting - delay);
    if (s_.end + columns * sizeof(T) > s_.memory + s_.size) {
      const std::size_t kept = static_cast<std::size_t>(std::max<std::ptrdiff_t>(s_.waiting, 0));
      std::byte* const end = s_.memory + round_up(kept);
      std::memmove(end - kept, s_.end - kept, kept);
      s_.end = end;
    }
    BuiltRow row;
    row.at = s_.end;
    row.out = out;
    row.way = BuiltRow::Way::staged;
    const std::ptrdiff_t first = Skipped(static_cast<std::ptrdiff_t>(StepElements() * sizeof(T)));
    row.copy_begin = s_.end + first;
    row.copy_back = s_.waiting + first;
    row.copy_distance = (out - s_.end) - row.copy_back;
    return row;
  }

  // The row is built; `copied`: step by step, as it says.
  template <class T>
  HWY_INLINE void End(const BuiltRow& row, std::size_t columns, bool copied) const {
    const std::size_t bytes = columns * sizeof(T), step_bytes = StepElements() * sizeof(T);
    if (s_.waiting < 0) std::memcpy(row.out, row.at, std::min(bytes, static_cast<std::size_t>(-s_.waiting)));
    const std::byte* const steps_end = s_.end + bytes / step_bytes * step_bytes;
    if (copied && row.copy_begin < steps_end) s_.waiting -= steps_end - row.copy_begin;
    s_.end += bytes;
    s_.out_end += bytes;
    s_.waiting += static_cast<std::ptrdiff_t>(bytes);
  }

  // Writes all that waits.
  HWY_INLINE void Finish() const {
    if (s_.waiting > 0) {
      WriteLines(s_.waiting);
      const auto rest = static_cast<std::size_t>(s_.waiting);
      std::memcpy(s_.out_end - rest, s_.end - rest, rest);
    }
    s_.waiting = 0;
  }

 private:
  // How much is built, in steps, before there is enough to begin with copies.
  HWY_INLINE std::ptrdiff_t Skipped(std::ptrdiff_t step) const {
    const auto delay = static_cast<std::ptrdiff_t>(Staging::delay);
    return s_.waiting < delay ? (delay - s_.waiting + step - 1) / step * step : 0;
  }

  // The whole lines of the first `bytes` that wait.
  HWY_INLINE void WriteLines(std::ptrdiff_t bytes) const {
    const hn::CappedTag<std::uint8_t, kLine> d8;
    for (; bytes >= static_cast<std::ptrdiff_t>(kLine); bytes -= kLine, s_.waiting -= kLine) {
      const std::byte* const from = s_.end - s_.waiting;
      std::byte* const to = s_.out_end - s_.waiting;
      for (std::size_t k = 0; k < kLine; k += hn::Lanes(d8)) {
        hn::Stream(hn::LoadU(d8, reinterpret_cast<const std::uint8_t*>(from + k)), d8,
                   reinterpret_cast<std::uint8_t*>(to + k));
      }
    }
  }

  Staging& s_;
};

// Where to build row r of `tensor`, which is written past the caches where `stream`. `scratch` has room for a row.
template <class T>
HWY_INLINE BuiltRow BeginRow(const Tensor& tensor, std::int64_t r, bool stream, std::byte* scratch, Staging& staging,
                             std::size_t columns) {
  BuiltRow row;
  row.out = tensor.row(r);
  row.at = tensor.rows->dense_row ? row.out : scratch;
  if (!stream) return row;
  if (reinterpret_cast<std::uintptr_t>(row.out) % kLine != 0 || LineWriter(staging).Continues(row.out)) {
    return LineWriter(staging).Begin<T>(row.out, columns);
  }
  row.way = BuiltRow::Way::past_caches;
  return row;
}

// A row is built; `swept`: by a sweep, which copies older elements meanwhile.
template <class T>
HWY_INLINE void EndRow(const Tensor& tensor, const BuiltRow& row, Staging& staging, std::size_t columns, bool swept) {
  if (row.at == nullptr || row.at == row.out) return;
  if (tensor.rows->dense_row) {
    LineWriter(staging).End<T>(row, columns, swept);
  } else {
    scatter_row(tensor.rows->column, sizeof(T), static_cast<const std::byte*>(row.at), row.out,
                static_cast<std::int64_t>(columns));
  }
}

// Puts elements of the row where and how it is built; to be called with whole vectors that begin on a step.
class BuildingRow {
 public:
  explicit BuildingRow(const BuiltRow& row)
      : past_caches_(row.way != BuiltRow::Way::through_caches),
        staged_(row.way == BuiltRow::Way::staged),
        copy_begin_(row.copy_begin),
        copy_back_(row.copy_back),
        copy_distance_(row.copy_distance) {}

  // Built in its place, on a line where `past_caches`.
  explicit BuildingRow(bool past_caches)
      : past_caches_(past_caches), staged_(false), copy_begin_(nullptr), copy_back_(0), copy_distance_(0) {}

  template <class D, class E>
  HWY_INLINE void Put(D d, hn::Vec<D> v, E* p) const {
    if (HWY_LIKELY(!past_caches_)) return hn::StoreU(v, d, p);
    if (HWY_LIKELY(!staged_)) return hn::Stream(v, d, p);
    hn::StoreU(v, d, p);
    auto* const at = reinterpret_cast<std::byte*>(p);
    if (at < copy_begin_) return;
    hn::Stream(hn::LoadU(d, reinterpret_cast<const E*>(at - copy_back_)), d, reinterpret_cast<E*>(at + copy_distance_));
  }

 private:
  const bool past_caches_, staged_;
  const std::byte* const copy_begin_;
  const std::ptrdiff_t copy_back_, copy_distance_;
};

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
