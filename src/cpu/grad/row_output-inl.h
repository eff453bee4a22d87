// dx of one row by itself, and how a row of dx gets from scratch to its place.

// Per-target include guard
#if defined(ALNG_CPU_GRAD_ROW_OUTPUT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_GRAD_ROW_OUTPUT_INL_H
#undef ALNG_CPU_GRAD_ROW_OUTPUT_INL_H
#else
#define ALNG_CPU_GRAD_ROW_OUTPUT_INL_H
#endif

#include <algorithm>
#include <cstring>

#include "cpu/grad/row_step-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

// dx from the inputs and sums of its row: of the last row of a task, and of short rows, which are done one by one. h is
// computed once more, as it was for the sums. kFull: x2, gamma and dsum are all there; else each may be null.
template <class T, bool kFull>
HWY_INLINE void WriteDx(std::size_t columns, const Row<T>& row, const float* gamma, float row_m1, float row_m2,
                        const T* dsum, T* dx) {
  const F d;
  const V mean = hn::Set(d, row.mean), rstd = hn::Set(d, row.rstd), m1 = hn::Set(d, row_m1), m2 = hn::Set(d, row_m2);
  using S = Step;
  const As<S> as;
  ForEachStep(columns, [&]<bool kWhole>(std::size_t i, std::size_t n) ALNG_INLINE_LAMBDA {
    const auto load = [&](const T* p) ALNG_INLINE_LAMBDA { return LoadStep<kWhole>(as, p + i, n); };
    S x = load(row.x1), g = hn::Zero(d), s = hn::Zero(d);
    if (kFull || row.x2 != nullptr) x = Add(x, load(row.x2));
    if (kFull || gamma != nullptr) g = LoadGamma<T, kWhole>(as, gamma + i, n);
    if (kFull || dsum != nullptr) s = load(dsum);
    const S h = Mul(Sub(x, S(mean)), S(rstd));
    const S w = Scaled<S>(kFull || gamma != nullptr, load(row.dy), g);
    StoreStep<kWhole>(Dx<S>(kFull || dsum != nullptr, w, h, m1, m2, rstd, s), dx + i, n, false);
  });
}

// Rows of dx that are written past the caches but do not begin on a line: each is built in `staging` at the same
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

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
