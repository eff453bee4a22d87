// Rows on their way through shared memory, a few ahead of the one that is computed. One class for each Access.
//
// The kernel calls begin() once, then for the stream's row i: arrive(i), load() of what it needs, then, at a place where
// every warp of the stream is done with row i - 1, refill(i). Row i of the stream is row `first` + i * `step`.
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
  const std::int64_t first, step;
  const int rows;
  std::byte* const memory;  // the stream's
  int now = 0, before;      // stages of this row and of the one before

  ALNG_DEVICE Stages(const StageShape& s, const View* v, const Self& me, std::int64_t first_row, std::int64_t row_step,
                     int count)
      : shape(s),
        views(v),
        self(me),
        first(first_row),
        step(row_step),
        rows(count),
        memory(shared_memory() + me.stream * s.stages * s.stage_bytes),
        before(s.stages - 1) {}
  ALNG_DEVICE std::int64_t row(int i) const { return first + i * step; }
  ALNG_DEVICE std::byte* stage(int s) const { return memory + s * shape.stage_bytes; }
  /// True where the stages begin anew.
  ALNG_DEVICE bool advance() {
    before = now;
    if (++now < shape.stages) return false;
    now = 0;
    return true;
  }
};

template <class T, Access access, int tensors>
class RowStages;

/// Vectors of 16 bytes. A tensor that is not staged is read from its row where it is needed.
template <class T, int tensors>
class VectorStages : protected Stages {
 public:
  using Stages::row;
  using Stages::Stages;
  using L = Layout<T::vector>;
  static constexpr int vector = T::vector;

  ALNG_DEVICE int column(int chunk) const { return 512 * self.segment + L::column(self.lane, chunk); }

 protected:
  ALNG_DEVICE const std::byte* global(int t, int i) const { return views[t].data + row(i) * views[t].stride[0]; }
  ALNG_DEVICE void read(int t, int i, int chunk, const std::byte* staged, uint4 absent, float* to) const {
    uint4 raw = absent;
    if (column(chunk) < shape.columns) {
      if (shape.offset[t] >= 0) {
        raw = read_shared(reinterpret_cast<const uint4*>(staged + shape.offset[t]));
      } else if (views[t].data != nullptr) {
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
    if (this->self.in_row == 0 && i > 0 && next < this->rows) fetch(next, this->before);
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
      if (this->shape.offset[t] >= 0) {
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
    fetch(i + this->shape.stages - 1, this->before);
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
          if (this->shape.offset[t] < 0) continue;
          async_copy_16(slot(s, c) + this->shape.offset[t],
                        this->global(t, i) + this->column(c) * static_cast<int>(sizeof(typename T::Bits)));
        }
      }
    }
    async_commit();
  }
};

/// Any strides. Of dense rows each warp fetches the words of its own segment; elements of others are loaded where they
/// are needed.
template <class T, int tensors>
class RowStages<T, Access::words, tensors> : protected Stages {
 public:
  using Stages::row;
  using Stages::Stages;
  using L = Layout<1>;
  static constexpr int vector = 1;

  ALNG_DEVICE int column(int chunk) const { return 512 * self.segment + L::column(self.lane, chunk); }

  ALNG_DEVICE void begin() {
    for (int i = 0; i + 1 < shape.stages; ++i) fetch(i, i);
  }
  ALNG_DEVICE void arrive(int i) {
    warp_barrier();  // the other lanes are done with row i - 1
    fetch(i + shape.stages - 1, before);
    if (shape.stages == 2) {
      async_wait<1>();
    } else {
      async_wait<2>();
    }
    warp_barrier();  // and have what they fetched
  }
  ALNG_DEVICE void refill(int) {}
  ALNG_DEVICE void load(int t, int i, int chunk, uint4 absent, float* to) const {
    using Bits = typename T::Bits;
    constexpr int size = sizeof(Bits);
    if (column(chunk) >= shape.columns || views[t].data == nullptr) {
      float widened[T::vector];
      T::widen(absent, widened);
      *to = widened[0];
    } else if (shape.offset[t] >= 0) {
      const std::byte* segment = stage(now) + shape.offset[t] + self.segment * words * 4 + between_words(t, i);
      *to = T::widen_one(read_shared(reinterpret_cast<const Bits*>(segment + L::column(self.lane, chunk) * size)));
    } else {
      *to = load_element<T>(row_of(views[t], row(i)) + column_offset(views[t], column(chunk)));
    }
  }
  ALNG_DEVICE void leave() { advance(); }

 private:
  static constexpr int words = sizeof(typename T::Bits) == 2 ? segment_words_16 : segment_words_32;

  /// Bytes by which a row begins behind a word; all segments of a row begin as it does.
  ALNG_DEVICE int between_words(int t, int i) const {
    if constexpr (sizeof(typename T::Bits) == 4) return 0;
    return static_cast<int>(reinterpret_cast<std::uintptr_t>(row_of(views[t], row(i))) & 2);
  }
  ALNG_DEVICE void fetch(int i, int s) {
    if (i < rows) {
      const int columns = shape.columns - 512 * self.segment;
      const int bytes = (columns < 512 ? columns : 512) * static_cast<int>(sizeof(typename T::Bits));
#pragma unroll
      for (int t = 0; t < tensors; ++t) {
        if (shape.offset[t] < 0) continue;
        const std::byte* const from =
            row_of(views[t], row(i)) + 512 * self.segment * static_cast<int>(sizeof(typename T::Bits));
        const int skip = sizeof(typename T::Bits) == 4 ? 0 : static_cast<int>(reinterpret_cast<std::uintptr_t>(from) & 2);
        std::byte* const to = stage(s) + shape.offset[t] + self.segment * words * 4;
        for (int at = 4 * self.lane; at < skip + bytes; at += 4 * 32) {
          const int left = skip + bytes - at;
          async_copy_4(to + at, from - skip + at, at == 0 ? static_cast<unsigned>(skip) : 0,
                       left < 4 ? static_cast<unsigned>(left) : 4);
        }
      }
    }
    async_commit();
  }
};

}  // namespace alng::impl::cuda

#endif
