// Rows on their way through shared memory, a few ahead of the one that is computed. One class for each Access.
//
// The kernel calls begin() once, then for the stream's row i: arrive(i), load() of what it needs, then, at a place
// where every warp of the stream is done with row i - 1, refill(i). Row i of the stream is row `first` + i * `step`.
#ifndef ALNG_CUDA_ROW_STAGES_H
#define ALNG_CUDA_ROW_STAGES_H

#include "cuda/access.h"
#include "cuda/launch.h"
#include "cuda/row_fold.h"
#include "cuda/stage_shape.h"

namespace alng::impl::cuda {

/// Who a thread is.
struct Self {
  int lane, segment;
  /// Stream of the block, and thread of the stream.
  int stream, in_row;
};

ALNG_DEVICE Self self_of(const StageShape& shape) {
  const int thread = static_cast<int>(thread_index()), of_row = 32 * shape.warps;
  const int in_row = thread % of_row;
  return {thread & 31, in_row / 32, thread / of_row, in_row};
}

/// What all accesses share: which row is in which stage.
struct Stages {
  const StageShape& shape;
  const View* const views;
  const Self self;
  const std::uint32_t first, step;
  const int rows;
  std::byte* const memory;  // the stream's
  int now = 0;              // this row's stage

  ALNG_DEVICE Stages(const StageShape& s, const View* v, const Self& me, std::uint32_t first_row,
                     std::uint32_t row_step, int count)
      : shape(s),
        views(v),
        self(me),
        first(first_row),
        step(row_step),
        rows(count),
        memory(shared_memory() + me.stream * s.stages * s.stage_bytes) {}
  ALNG_DEVICE std::uint32_t row(int i) const { return first + static_cast<std::uint32_t>(i) * step; }
  ALNG_DEVICE std::byte* stage(int s) const { return memory + s * shape.stage_bytes; }
  /// The stage of the row before.
  ALNG_DEVICE int before() const { return (now > 0 ? now : shape.stages) - 1; }
  /// True where the stages begin anew.
  ALNG_DEVICE bool advance() {
    if (++now < shape.stages) return false;
    now = 0;
    return true;
  }
};

template <class T, Access access, int tensors>
class RowStages;

/// Vectors of 16 bytes.
template <class T, int tensors>
class VectorStages : protected Stages {
 public:
  using Stages::row;
  using Stages::Stages;
  using L = Layout<T::vector>;
  static constexpr int vector = T::vector;

  ALNG_DEVICE int column(int chunk) const { return 512 * self.segment + L::column(self.lane, chunk); }
  /// Of a tensor that is written.
  ALNG_DEVICE std::byte* row_of(const View& view, int i) const {
    return view.data + std::int64_t{row(i)} * view.stride[0];
  }

 protected:
  /// The first ones are in every problem: dy and x1, or x1.
  static constexpr int required = tensors / 2;

  ALNG_DEVICE const std::byte* global(int t, int i) const {
    return views[t].data + std::int64_t{row(i)} * views[t].stride[0];
  }
  ALNG_DEVICE void read(int t, int i, int chunk, const std::byte* staged, uint4 absent, float* to) const {
    uint4 raw = absent;
    if (column(chunk) < shape.columns) {
      if (t < required || shape.offset[t] >= 0) {
        raw = read_shared(reinterpret_cast<const uint4*>(staged + shape.offset[t]));
      } else if (t == 3 && views[t].data != nullptr) {  // dsum, where shared memory is short
        raw = read_global(
            reinterpret_cast<const uint4*>(global(t, i) + column(chunk) * static_cast<int>(sizeof(typename T::Bits))));
      }
    }
    T::widen(raw, to);
  }
};

template <class T, int tensors>
class RowStages<T, Access::bulk, tensors> : public VectorStages<T, tensors> {
  using Base = VectorStages<T, tensors>;

 public:
  using Base::Base;

  /// A barrier of the block stands between this and the first arrive().
  ALNG_DEVICE void begin() {
    if (this->self.in_row != 0) return;
    for (int s = 0; s < this->shape.stages; ++s) mbarrier_init(mbarrier(s), 1);
    mbarrier_fence();
    for (int i = 0; i < this->shape.stages && i < this->rows; ++i) fetch(i, i);
  }
  ALNG_DEVICE void arrive(int) { mbarrier_wait(mbarrier(this->now), phase_); }
  ALNG_DEVICE void refill(int i) {
    const int next = i - 1 + this->shape.stages;
    if (this->self.in_row == 0 && i > 0 && next < this->rows) fetch(next, this->before());
  }
  ALNG_DEVICE void load(int t, int i, int chunk, uint4 absent, float* to) const {
    const auto size = static_cast<int>(sizeof(typename T::Bits));
    this->read(t, i, chunk, this->stage(this->now) + this->column(chunk) * size, absent, to);
  }
  ALNG_DEVICE void leave() {
    if (this->advance()) phase_ ^= 1;
  }

 private:
  ALNG_DEVICE Mbarrier* mbarrier(int s) const {
    return reinterpret_cast<Mbarrier*>(shared_memory() + this->shape.mbarriers) +
           this->self.stream * this->shape.stages + s;
  }
  ALNG_DEVICE void fetch(int i, int s) {
    const auto bytes = static_cast<unsigned>(this->shape.row_bytes);
    unsigned staged = 0;
#pragma unroll
    for (int t = 0; t < tensors; ++t) staged += this->shape.offset[t] >= 0 ? 1 : 0;
    mbarrier_expect(mbarrier(s), staged * bytes);
#pragma unroll
    for (int t = 0; t < tensors; ++t) {
      if (t < Base::required || this->shape.offset[t] >= 0) {
        bulk_copy(this->stage(s) + this->shape.offset[t], this->global(t, i), bytes, mbarrier(s));
      }
    }
  }

  unsigned phase_ = 0;
};

/// Every thread fetches what it reads itself, into slots of its own [chunk][thread of the stream], so nobody waits for
/// anybody.
template <class T, int tensors>
class RowStages<T, Access::own, tensors> : public VectorStages<T, tensors> {
  using Base = VectorStages<T, tensors>;

 public:
  using Base::Base;

  ALNG_DEVICE void begin() {
    for (int i = 0; i + 1 < this->shape.stages; ++i) fetch(i, i);
  }
  ALNG_DEVICE void arrive(int i) {
    fetch(i + this->shape.stages - 1, this->before());
    if (this->shape.stages == 2) {
      async_wait<1>();
    } else {
      async_wait<2>();
    }
  }
  ALNG_DEVICE void refill(int) {}
  ALNG_DEVICE void load(int t, int i, int chunk, uint4 absent, float* to) const {
    this->read(t, i, chunk, slot(this->now, chunk), absent, to);
  }
  ALNG_DEVICE void leave() { this->advance(); }

 private:
  ALNG_DEVICE std::byte* slot(int s, int chunk) const {
    return this->stage(s) + (chunk * 32 * this->shape.warps + this->self.in_row) * 16;
  }
  ALNG_DEVICE void fetch(int i, int s) {
    if (i < this->rows) {
#pragma unroll
      for (int c = 0; c < Base::L::chunks; ++c) {
        if (this->column(c) >= this->shape.columns) continue;
#pragma unroll
        for (int t = 0; t < tensors; ++t) {
          if (t >= Base::required && this->shape.offset[t] < 0) continue;
          async_copy_16(slot(s, c) + this->shape.offset[t],
                        this->global(t, i) + this->column(c) * static_cast<int>(sizeof(typename T::Bits)));
        }
      }
    }
    async_commit();
  }
};

/// Any strides. Each warp fetches its own segment: of dense rows the words that it touches, of others element by
/// element.
template <class T, int tensors>
class RowStages<T, Access::words, tensors> : protected Stages {
  using Bits = typename T::Bits;
  static constexpr int size = sizeof(Bits);

 public:
  using Stages::row;
  using Stages::Stages;
  using L = Layout<1>;
  static constexpr int vector = 1;

  ALNG_DEVICE int column(int chunk) const { return 512 * self.segment + L::column(self.lane, chunk); }
  ALNG_DEVICE std::byte* row_of(const View& view, int i) const { return cuda::row_of(view, row(i)); }

  ALNG_DEVICE void begin() {
    for (int i = 0; i + 1 < shape.stages; ++i) fetch(i, i);
  }
  ALNG_DEVICE void arrive(int i) {
    warp_barrier();  // the other lanes are done with row i - 1
    fetch(i + shape.stages - 1, before());
    if (shape.stages == 2) {
      async_wait<1>();
    } else {
      async_wait<2>();
    }
    warp_barrier();  // and have what they fetched
    skips_now_ = skips_ >> tensors * (shape.stages - 1);
  }
  ALNG_DEVICE void refill(int) {}
  ALNG_DEVICE void load(int t, int, int chunk, uint4 absent, float* to) const {
    if (column(chunk) < shape.columns && shape.offset[t] >= 0) {
      const int skip = size == 4 ? 0 : static_cast<int>(skips_now_ >> t & 1) * 2;
      const std::byte* const at = segment(now, t) + skip + L::column(self.lane, chunk) * size;
      *to = T::widen_one(read_shared(reinterpret_cast<const Bits*>(at)));
    } else {
      float widened[T::vector];
      T::widen(absent, widened);
      *to = widened[0];
    }
  }
  ALNG_DEVICE void leave() { advance(); }

 private:
  static constexpr int words = size == 2 ? segment_words_16 : segment_words_32;

  ALNG_DEVICE std::byte* segment(int s, int t) const { return stage(s) + shape.offset[t] + self.segment * words * 4; }
  ALNG_DEVICE bool is_dense(int t) const {
    const View& view = views[t];
    return view.column_rank == 1 && view.stride[view.row_rank] == size;
  }
  ALNG_DEVICE void fetch(int i, int s) {
    skips_ <<= tensors;
    if (i < rows) {
      const int behind = shape.columns - 512 * self.segment, columns = behind < 512 ? behind : 512;
#pragma unroll 1
      for (int t = 0; t < tensors; ++t) {
        if (shape.offset[t] < 0) continue;
        const std::byte* const from = row_of(views[t], i);
        if (is_dense(t)) {
          const int skip = size == 4 ? 0 : static_cast<int>(reinterpret_cast<std::uintptr_t>(from) & 2);
          skips_ |= static_cast<unsigned>(skip / 2) << t;
          fetch_words(segment(s, t), from + 512 * self.segment * size, skip, columns * size);
        } else {
          gather(segment(s, t), views[t], from, columns);
        }
      }
    }
    async_commit();
  }
  ALNG_DEVICE void fetch_words(std::byte* to, const std::byte* from, int skip, int bytes) const {
    for (int at = 4 * self.lane; at < skip + bytes; at += 4 * 32) {
      const int left = skip + bytes - at;
      async_copy_4(to + at, from - skip + at, at == 0 ? static_cast<unsigned>(skip) : 0,
                   left < 4 ? static_cast<unsigned>(left) : 4);
    }
  }
  ALNG_DEVICE void gather(std::byte* to, const View& view, const std::byte* from, int columns) const {
    constexpr int in_word = 4 / size;
    const auto bits = [&](int column) {
      if (column >= columns) return std::uint32_t{0};
      const std::byte* const at = from + column_offset(view, static_cast<std::uint32_t>(512 * self.segment + column));
      if constexpr (size == 4) {
        return read_global(reinterpret_cast<const std::uint32_t*>(at));
      } else {
        return std::uint32_t{read_global(reinterpret_cast<const std::uint16_t*>(at))};
      }
    };
#pragma unroll 1
    for (int at = self.lane; at * in_word < columns; at += 32) {
      const std::uint32_t word = in_word == 1 ? bits(at) : bits(2 * at) | bits(2 * at + 1) << 16;
      write_shared(reinterpret_cast<std::uint32_t*>(to) + at, word);
    }
  }

  /// Whether a row of 16-bit elements begins between two words, and so in its stage: a bit for each tensor, those of
  /// the row fetched last lowest. All segments of a row begin as it does.
  unsigned skips_ = 0, skips_now_ = 0;
};

}  // namespace alng::impl::cuda

#endif
