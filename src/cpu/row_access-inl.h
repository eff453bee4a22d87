// How a row gets from its place to a kernel and back. Inputs are read in place or gathered into scratch; outputs are
// built in place, or in scratch and then scattered, or in staging and then copied line by line.

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

// Rows that are written past the caches but do not begin on a line: each is built in `staging` at the same
// distance from a line and goes to its place line by line. A row's last, partial line is kept until the next row fills
// it. Storing it at once, through the caches, reads the line from memory first, and all later stores wait for that read
// (16-bit 12345x777: 1.25 times the time on Zen 5).
class LineWriter {
 public:
  explicit LineWriter(Staging& staging) : s_(staging) {}

  // Where to build the row that belongs to `out`.
  HWY_INLINE std::byte* Begin(std::byte* out) const {
    const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(out) % kLine;
    if (s_.carried != misaligned || s_.carried_to != out - misaligned) PutCarried();
    s_.written = s_.carried > 0 ? 0 : misaligned;
    s_.carried = 0;
    return s_.memory + misaligned;
  }

  // The row that belongs to `out` is built up to byte `end`, the last one where `last`.
  HWY_INLINE void CopyOut(std::byte* out, std::size_t end, bool last) const {
    const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(out) % kLine;
    std::byte* const to = out - misaligned;
    end += misaligned;
    if (s_.written % kLine != 0) {  // the rest of a line that another row has begun
      const std::size_t line_end = std::min(end, kLine);
      std::memcpy(to + s_.written, s_.memory + s_.written, line_end - s_.written);
      s_.written = line_end;
    }
    const hn::CappedTag<std::uint8_t, kLine> d8;
    for (; s_.written + kLine <= end; s_.written += kLine) {
      for (std::size_t k = 0; k < kLine; k += hn::Lanes(d8)) {
        const auto* line = reinterpret_cast<const std::uint8_t*>(s_.memory + s_.written + k);
        hn::Stream(hn::Load(d8, line), d8, reinterpret_cast<std::uint8_t*>(to + s_.written + k));
      }
    }
    if (!last || s_.written == end) return;
    s_.carried = end - s_.written;
    s_.carried_to = to + s_.written;
    std::memmove(s_.memory, s_.memory + s_.written, s_.carried);
  }

  HWY_INLINE void PutCarried() const {
    if (s_.carried > 0) std::memcpy(s_.carried_to, s_.memory, s_.carried);
    s_.carried = 0;
  }

 private:
  Staging& s_;
};

// Where to build row r of `tensor`, which is written past the caches where `stream`. `scratch` has room for a row.
HWY_INLINE BuiltRow BeginRow(const Tensor& tensor, std::int64_t r, bool stream, std::byte* scratch, Staging& staging) {
  BuiltRow row;
  row.out = tensor.row(r);
  row.stream = stream && reinterpret_cast<std::uintptr_t>(row.out) % kLine == 0;
  if (!tensor.rows->dense_row) {
    row.at = scratch;
  } else if (row.stream || !stream) {
    row.at = row.out;
  } else {
    row.at = LineWriter(staging).Begin(row.out);
  }
  return row;
}

// A row that is not built in its place is there up to column `end`.
HWY_INLINE bool IsElsewhere(const BuiltRow& row) { return row.at != nullptr && row.at != row.out; }
template <class T>
HWY_NOINLINE void CopyOut(const Tensor& tensor, const BuiltRow& row, Staging& staging, std::size_t end,
                          std::size_t columns) {
  if (tensor.rows->dense_row) {
    LineWriter(staging).CopyOut(row.out, end * sizeof(T), end == columns);
  } else if (end == columns) {
    scatter_row(tensor.rows->column, sizeof(T), static_cast<const std::byte*>(row.at), row.out,
                static_cast<std::int64_t>(columns));
  }
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
