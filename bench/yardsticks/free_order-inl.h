// What the row kernels share, written against the vector type that the including file defines:
//
//   ALNG_TARGET            the function attribute that switches the instruction set on
//   Vector, lanes          a vector of floats and its length; zero, broadcast, load, store, add, sub, mul, multiply_add
//   (a*b+c),
//                          multiply_subtract (c-a*b), sum
//   Elements<DType>        Storage, parts, and load, store and their *_part forms for `count` elements between memory
//   and
//                          `parts` vectors; write_floats, which undoes the order of elements that `load` made
//
// No include guard: each instruction set has a copy in its own namespace.

#define ALNG_INLINE ALNG_TARGET inline __attribute__((always_inline))

// Memory access to a whole step of a row, or to the `count` elements left at its end.
template <DType dtype, bool whole>
struct Access {
  using E = Elements<dtype>;
  using S = typename E::Storage;
  int count;

  ALNG_INLINE void load(Vector* to, const S* from) const {
    if constexpr (whole) {
      E::load(to, from);
    } else {
      E::load_part(to, from, count);
    }
  }
  ALNG_INLINE void store(S* to, const Vector* from) const {
    if constexpr (whole) {
      E::store(to, from);
    } else {
      E::store_part(to, from, count);
    }
  }
};

// A block is some neighbouring rows: `start`, `accumulate` for each step of the columns, which makes the sums,
// `finish`, then `apply` for each step, which applies them. Here one block after the other.
template <class B>
ALNG_TARGET void in_turn(const FreeOrderSlice& slice, std::int64_t row, std::int64_t end) {
  constexpr int rows = B::row_count;
  const std::int64_t columns = slice.problem->columns;
  const std::int64_t body = columns / B::step * B::step;
  const Access<B::dtype, true> whole{B::step};
  const Access<B::dtype, false> rest{static_cast<int>(columns - body)};
  for (; row + rows <= end; row += rows) {
    B block;
    block.start(slice, row);
    for (std::int64_t j = 0; j < body; j += B::step) block.accumulate(whole, j);
    if (body < columns) block.accumulate(rest, body);
    block.finish(slice, row);
    for (std::int64_t j = 0; j < body; j += B::step) block.apply(whole, j);
    if (body < columns) block.apply(rest, body);
  }
  if constexpr (rows > 1) {
    if (row < end) in_turn<typename B::OneRow>(slice, row, end);
  }
}

// A block is applied in the same loop that accumulates the next one, so that loads from L2 never pause and the
// dependent additions at the end of the sums have other work beside them.
template <class B>
ALNG_TARGET void overlapped(const FreeOrderSlice& slice, std::int64_t row, std::int64_t end) {
  constexpr int rows = B::row_count;
  const std::int64_t columns = slice.problem->columns;
  const std::int64_t body = columns / B::step * B::step;
  const Access<B::dtype, true> whole{B::step};
  const Access<B::dtype, false> rest{static_cast<int>(columns - body)};
  if (row + rows <= end) {
    B block;
    block.start(slice, row);
    for (std::int64_t j = 0; j < body; j += B::step) block.accumulate(whole, j);
    if (body < columns) block.accumulate(rest, body);
    block.finish(slice, row);
    for (row += rows; row + rows <= end; row += rows) {
      B next;
      next.start(slice, row);
      for (std::int64_t j = 0; j < body; j += B::step) {
        block.apply(whole, j);
        next.accumulate(whole, j);
      }
      if (body < columns) {
        block.apply(rest, body);
        next.accumulate(rest, body);
      }
      next.finish(slice, row);
      block = next;
    }
    for (std::int64_t j = 0; j < body; j += B::step) block.apply(whole, j);
    if (body < columns) block.apply(rest, body);
  }
  if constexpr (rows > 1) {
    if (row < end) in_turn<typename B::OneRow>(slice, row, end);
  }
}

// Brings gamma or beta to floats in the order in which `load` gives elements; `absent` everywhere where there is none.
template <DType dtype>
ALNG_TARGET void widen_column(const void* from, float absent, std::int64_t columns, float* to) {
  using E = Elements<dtype>;
  constexpr int step = E::parts * lanes;
  const auto* elements = static_cast<const typename E::Storage*>(from);
  for (std::int64_t j = 0; j < columns; j += step) {
    Vector values[E::parts];
    for (Vector& part : values) part = broadcast(absent);
    if (elements != nullptr && j + step <= columns) {
      E::load(values, elements + j);
    } else if (elements != nullptr) {
      E::load_part(values, elements + j, static_cast<int>(columns - j));
    }
    for (int h = 0; h < E::parts; ++h) store(to + j + h * lanes, values[h]);
  }
}

#undef ALNG_INLINE
