// Rows on their way through shared memory, a few ahead of the one that is computed. One class for each Access.
//
// The kernel calls begin() once, then for the stream's row i: arrive(i), load() of what it needs, then, at a place
// where every warp of the stream is done with row i - 1, refill(i). A thread's row i is row `first` + i * `step`, as
// long as that is before `end`. `lanes` of a warp have a row: all 32, or fewer where rows have few columns.
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
  /// Of the block; 0 but in a cluster.
  int first_segment;
  /// Stream of the block, and thread of the stream.
  int stream, in_row;
};

template <bool clustered = false>
ALNG_DEVICE Self self_of(const StageShape& shape) {
  const int thread = static_cast<int>(thread_index()), of_row = 32 * shape.warps;
  const int in_row = thread % of_row;
  const int first_segment = clustered ? static_cast<int>(cluster_rank()) * shape.warps : 0;
  return {thread & 31, first_segment + in_row / 32, first_segment, thread / of_row, in_row};
}

/// Column of the first term of a thread's chunk.
template <class L>
ALNG_DEVICE int column_of(const Self& self, int chunk) {
  return (L::row_lanes == 32 ? 512 * self.segment : 0) + L::column(self.lane, chunk);
}

/// Threads of a block, and blocks that a multiprocessor should have room for.
constexpr int most_threads(int row_threads) { return row_threads >= most_block_threads ? most_block_threads : 256; }
constexpr int least_blocks(int row_threads) { return row_threads >= most_block_threads ? 1 : 2; }

/// What all accesses share: which row is in which stage, and which columns are the thread's.
template <class L>
struct Stages {
  const StageShape& shape;
  const View* const views;
  const Self self;
  const std::uint32_t first, step, end;
  std::byte* const memory;  // the stream's
  int now = 0;              // this row's stage

  ALNG_DEVICE Stages(const StageShape& s, const View* v, const Self& me, std::uint32_t first_row,
                     std::uint32_t row_step, std::uint32_t end_row)
      : shape(s),
        views(v),
        self(me),
        first(first_row),
        step(row_step),
        end(end_row),
        memory(shared_memory() + me.stream * s.stages * s.stage_bytes) {}
  ALNG_DEVICE std::uint32_t row(int i) const { return first + static_cast<std::uint32_t>(i) * step; }
  ALNG_DEVICE bool has_row(int i) const { return row(i) < end; }
  ALNG_DEVICE int column(int chunk) const { return column_of<L>(self, chunk); }
  /// Whether the thread's row i is one, and has this chunk.
  ALNG_DEVICE bool has(int i, int chunk) const {
    return column(chunk) < shape.columns && (L::row_lanes == 32 || has_row(i));
  }
  ALNG_DEVICE std::byte* stage(int s) const { return memory + s * shape.stage_bytes; }
  /// The stage of the row before.
  ALNG_DEVICE int before() const { return (now > 0 ? now : shape.stages) - 1; }
  /// True where the stages begin anew.
  ALNG_DEVICE bool advance() {
    if (++now < shape.stages) return false;
    now = 0;
    return true;
  }
  /// For the copies into the stage of this row, those into all later ones being under way.
  ALNG_DEVICE void wait_for_copies() const {
    if (shape.stages == 2) {
      async_wait<1>();
    } else {
      async_wait<2>();
    }
  }
};

template <class T, Access access, int tensors, int lanes>
class RowStages;

/// Vectors of 16 bytes.
template <class T, int tensors, int lanes>
class VectorStages : protected Stages<Layout<T::vector, lanes>> {
  using Base = Stages<Layout<T::vector, lanes>>;

 public:
  using Base::Base;
  using Base::column, Base::has, Base::has_row, Base::row;
  using L = Layout<T::vector, lanes>;
  static constexpr int vector = T::vector;

  /// Of a tensor that is written.
  ALNG_DEVICE std::byte* row_of(const View& view, int i) const {
    return view.data + std::int64_t{row(i)} * view.stride[0];
  }

 protected:
  /// The first ones are in every problem: dy and x1, or x1.
  static constexpr int required = tensors / 2;

  ALNG_DEVICE const std::byte* global(int t, int i) const {
    return this->views[t].data + std::int64_t{row(i)} * this->views[t].stride[0];
  }
  ALNG_DEVICE void read(int t, int i, int chunk, const std::byte* staged, uint4 absent, float* to) const {
    uint4 raw = absent;
    if (has(i, chunk)) {
      if (t < required || this->shape.offset[t] >= 0) {
        raw = read_shared(reinterpret_cast<const uint4*>(staged + this->shape.offset[t]));
      } else if (t == 3 && this->views[t].data != nullptr) {  // dsum, where shared memory is short
        raw = read_global(
            reinterpret_cast<const uint4*>(global(t, i) + column(chunk) * static_cast<int>(sizeof(typename T::Bits))));
      }
    }
    T::widen(raw, to);
  }
};

template <class T, int tensors, int lanes>
class RowStages<T, Access::bulk, tensors, lanes> : public VectorStages<T, tensors, lanes> {
  using Base = VectorStages<T, tensors, lanes>;

 public:
  using Base::Base;

  /// A barrier of the block stands between this and the first arrive().
  ALNG_DEVICE void begin() {
    if (this->self.in_row != 0) return;
    for (int s = 0; s < this->shape.stages; ++s) mbarrier_init(mbarrier(s), 1);
    mbarrier_fence();
    for (int i = 0; i < this->shape.stages && this->has_row(i); ++i) fetch(i, i);
  }
  ALNG_DEVICE void arrive(int) { mbarrier_wait(mbarrier(this->now), phase_); }
  ALNG_DEVICE void refill(int i) {
    const int next = i - 1 + this->shape.stages;
    if (this->self.in_row == 0 && i > 0 && this->has_row(next)) fetch(next, this->before());
  }
  ALNG_DEVICE void load(int t, int i, int chunk, uint4 absent, float* to) const {
    const auto size = static_cast<int>(sizeof(typename T::Bits));
    const int here = this->column(chunk) - 512 * this->self.first_segment;
    this->read(t, i, chunk, this->stage(this->now) + here * size, absent, to);
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
    // Of a cluster each block has its own segments.
    const int behind = 512 * this->self.first_segment * static_cast<int>(sizeof(typename T::Bits)),
              left = this->shape.row_bytes - behind,
              most = 512 * this->shape.warps * static_cast<int>(sizeof(typename T::Bits));
    const auto bytes = static_cast<unsigned>(left < most ? left : most);
    unsigned staged = 0;
#pragma unroll
    for (int t = 0; t < tensors; ++t) staged += this->shape.offset[t] >= 0 ? 1 : 0;
    mbarrier_expect(mbarrier(s), staged * bytes);
#pragma unroll
    for (int t = 0; t < tensors; ++t) {
      if (t < Base::required || this->shape.offset[t] >= 0) {
        bulk_copy(this->stage(s) + this->shape.offset[t], this->global(t, i) + behind, bytes, mbarrier(s));
      }
    }
  }

  unsigned phase_ = 0;
};

/// Every thread fetches what it reads itself, into slots of its own [chunk][thread of the stream], so nobody waits for
/// anybody.
template <class T, int tensors, int lanes>
class RowStages<T, Access::own, tensors, lanes> : public VectorStages<T, tensors, lanes> {
  using Base = VectorStages<T, tensors, lanes>;

 public:
  using Base::Base;

  ALNG_DEVICE void begin() {
    for (int i = 0; i + 1 < this->shape.stages; ++i) fetch(i, i);
  }
  ALNG_DEVICE void arrive(int i) {
    fetch(i + this->shape.stages - 1, this->before());
    this->wait_for_copies();
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
    if (this->has_row(i)) {
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

/// Any strides. Each warp fetches its own segment, or all rows of few columns that it has: where they lie without a gap
/// the vectors of 16 bytes that they touch, else element by element.
template <class T, int tensors, int lanes>
class RowStages<T, Access::runs, tensors, lanes> : protected Stages<Layout<1, lanes>> {
  using Base = Stages<Layout<1, lanes>>;
  using Bits = typename T::Bits;
  static constexpr int size = sizeof(Bits);
  static constexpr int at_once = 32 / lanes;  // rows of a warp

 public:
  using Base::Base;
  using Base::column, Base::has, Base::has_row, Base::row;
  using L = Layout<1, lanes>;
  static constexpr int vector = 1;

  ALNG_DEVICE std::byte* row_of(const View& view, int i) const { return cuda::row_of(view, row(i)); }

  ALNG_DEVICE void begin() {
    for (int i = 0; i + 1 < this->shape.stages; ++i) fetch(i, i);
  }
  ALNG_DEVICE void arrive(int i) {
    warp_barrier();  // the other lanes are done with row i - 1
    fetch(i + this->shape.stages - 1, this->before());
    this->wait_for_copies();
    warp_barrier();  // and have what they fetched
    skips_now_ = static_cast<unsigned>(skips_ >> 4 * tensors * (this->shape.stages - 1));
  }
  ALNG_DEVICE void refill(int) {}
  ALNG_DEVICE void load(int t, int i, int chunk, uint4 absent, float* to) const {
    if (has(i, chunk) && this->shape.offset[t] >= 0) {
      const int skip = static_cast<int>(skips_now_ >> 4 * t & 15);
      const int in_warp = lanes == 32 ? 0 : this->self.lane / lanes * this->shape.columns;
      const std::byte* const at = run(this->now, t) + skip + (in_warp + L::column(this->self.lane, chunk)) * size;
      *to = T::widen_one(read_shared(reinterpret_cast<const Bits*>(at)));
    } else {
      float widened[T::vector];
      T::widen(absent, widened);
      *to = widened[0];
    }
  }
  ALNG_DEVICE void leave() { this->advance(); }

 private:
  /// Of a tensor in a stage, what this warp fetches.
  ALNG_DEVICE std::byte* run(int s, int t) const {
    return this->stage(s) + this->shape.offset[t] + this->self.segment * (512 * size + run_margin);
  }
  /// Whether what a warp fetches is without a gap.
  ALNG_DEVICE bool is_dense(const View& view) const {
    return view.column_rank == 1 && view.stride[view.row_rank] == size &&
           (at_once == 1 || (view.row_rank == 1 && view.stride[0] == this->shape.columns * size));
  }
  ALNG_DEVICE void fetch(int i, int s) {
    skips_ <<= 4 * tensors;
    const std::uint32_t warp_row = row(i) - static_cast<std::uint32_t>(this->self.lane / lanes);
    if (warp_row < this->end) {
      const int first_column = at_once == 1 ? 512 * this->self.segment : 0;
      const int left =
          at_once == 1
              ? this->shape.columns - first_column
              : static_cast<int>(this->end - warp_row < at_once ? this->end - warp_row : at_once) * this->shape.columns;
      const int count = left < 512 ? left : 512;
#pragma unroll 1
      for (int t = 0; t < tensors; ++t) {
        if (this->shape.offset[t] < 0) continue;
        const View& view = this->views[t];
        const std::byte* const from = cuda::row_of(view, warp_row);
        if (is_dense(view)) {
          const int skip = static_cast<int>(reinterpret_cast<std::uintptr_t>(from) & 15);
          skips_ |= std::uint64_t{static_cast<unsigned>(skip)} << 4 * t;
          fetch_vectors(run(s, t), from + first_column * size, skip, count * size);
        } else {
          gather(run(s, t), view, from, warp_row, first_column, count);
        }
      }
    }
    async_commit();
  }
  ALNG_DEVICE void fetch_vectors(std::byte* to, const std::byte* from, int skip, int bytes) const {
    for (int at = 16 * this->self.lane; at < skip + bytes; at += 16 * 32) {
      const int left = skip + bytes - at;
      async_copy_part(to + at, from - skip + at, at == 0 ? static_cast<unsigned>(skip) : 0,
                      left < 16 ? static_cast<unsigned>(left) : 16);
    }
  }
  ALNG_DEVICE void gather(std::byte* to, const View& view, const std::byte* from, std::uint32_t warp_row,
                          int first_column, int count) const {
    constexpr int in_word = 4 / size;
    const auto bits = [&](int n) {
      if (n >= count) return std::uint32_t{0};
      const std::byte* row_begin = from;
      auto at_column = static_cast<std::uint32_t>(first_column + n);
      if constexpr (at_once > 1) {
        row_begin = cuda::row_of(view, warp_row + at_column / static_cast<std::uint32_t>(this->shape.columns));
        at_column %= static_cast<std::uint32_t>(this->shape.columns);
      }
      const std::byte* const at = row_begin + column_offset(view, at_column);
      if constexpr (size == 4) {
        return read_global(reinterpret_cast<const std::uint32_t*>(at));
      } else {
        return std::uint32_t{read_global(reinterpret_cast<const std::uint16_t*>(at))};
      }
    };
#pragma unroll 1
    for (int at = this->self.lane; at * in_word < count; at += 32) {
      const std::uint32_t word = in_word == 1 ? bits(at) : bits(2 * at) | bits(2 * at + 1) << 16;
      write_shared(reinterpret_cast<std::uint32_t*>(to) + at, word);
    }
  }

  /// How far behind a multiple of 16 bytes what a warp fetches begins, and so in its stage: 4 bits for each tensor,
  /// those of the row fetched last lowest. All segments of a row begin as it does.
  std::uint64_t skips_ = 0;
  unsigned skips_now_ = 0;
};

}  // namespace alng::impl::cuda

#endif
