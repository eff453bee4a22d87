// The row kernels, written against the vector type that the including file defines:
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

// `rows` neighbouring rows. One sweep makes their sums and adds them to dgamma and dbeta, the next applies the sums.
template <DType dtype, int rows, bool has_dsum>
struct Block {
  using E = Elements<dtype>;
  using S = typename E::Storage;
  static constexpr int parts = E::parts;
  static constexpr int step = parts * lanes;

  const S *dy, *x1, *x2, *dsum;
  S* dx;
  const float* gamma;
  float *dgamma, *dbeta, *centred;
  std::int64_t columns, padded;
  Vector s1[rows], s2[rows], mean[rows], rstd[rows], offset[rows], slope[rows];

  ALNG_INLINE void start(const FreeOrderSlice& slice, std::int64_t row) {
    const FreeOrderProblem& p = *slice.problem;
    columns = p.columns;
    padded = (columns + step - 1) / step * step;
    const std::int64_t first = row * columns;
    dy = static_cast<const S*>(p.dy) + first;
    x1 = static_cast<const S*>(p.x1) + first;
    x2 = static_cast<const S*>(p.x2) + first;
    dsum = has_dsum ? static_cast<const S*>(p.dsum) + first : nullptr;
    dx = static_cast<S*>(p.dx) + first;
    gamma = slice.gamma;
    dgamma = slice.dgamma;
    dbeta = slice.dbeta;
    centred = slice.centred;
    for (int r = 0; r < rows; ++r) {
      s1[r] = s2[r] = zero();
      mean[r] = broadcast(p.mean[row + r]);
      rstd[r] = broadcast(p.rstd[row + r]);
    }
  }

  // dx = dsum - rstd*m1 - c * rstd^2*m2 + w*rstd, where m2 = rstd * s2 / D since s2 is the sum of w*c.
  ALNG_INLINE void finish(const FreeOrderSlice& slice, std::int64_t row) {
    const float scale = 1.0F / static_cast<float>(columns);
    for (int r = 0; r < rows; ++r) {
      const float inverse = slice.problem->rstd[row + r];
      offset[r] = broadcast(sum(s1[r]) * scale * inverse);
      slope[r] = broadcast(sum(s2[r]) * scale * inverse * inverse * inverse);
    }
  }

  // c = x - mean waits for `apply` in L1: for the 16-bit types 10 to 25 % faster than two conversions, an addition and
  // a subtraction more, and no slower for float32 up to two rows at once.
  static constexpr bool keep = rows <= 2;

  template <bool whole>
  ALNG_INLINE void accumulate(Access<dtype, whole> access, std::int64_t j) {
    Vector scale[parts], g[parts], b[parts];
    for (int h = 0; h < parts; ++h) {
      scale[h] = load(gamma + j + h * lanes);
      g[h] = load(dgamma + j + h * lanes);
      b[h] = load(dbeta + j + h * lanes);
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      Vector d[parts], u[parts], v[parts];
      access.load(d, dy + r * columns + j);
      access.load(u, x1 + r * columns + j);
      access.load(v, x2 + r * columns + j);
#pragma GCC unroll 2
      for (int h = 0; h < parts; ++h) {
        const Vector c = sub(add(u[h], v[h]), mean[r]);
        const Vector w = mul(d[h], scale[h]);
        s1[r] = add(s1[r], w);
        s2[r] = multiply_add(w, c, s2[r]);
        g[h] = multiply_add(mul(d[h], rstd[r]), c, g[h]);
        b[h] = add(b[h], d[h]);
        if constexpr (keep) store(centred + r * padded + j + h * lanes, c);
      }
    }
    for (int h = 0; h < parts; ++h) {
      store(dgamma + j + h * lanes, g[h]);
      store(dbeta + j + h * lanes, b[h]);
    }
  }

  template <bool whole>
  ALNG_INLINE void apply(Access<dtype, whole> access, std::int64_t j) const {
    Vector scale[parts];
    for (int h = 0; h < parts; ++h) scale[h] = load(gamma + j + h * lanes);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      Vector d[parts], t[parts], u[parts], v[parts];
      access.load(d, dy + r * columns + j);
      if constexpr (has_dsum) access.load(t, dsum + r * columns + j);
      if constexpr (!keep) {
        access.load(u, x1 + r * columns + j);
        access.load(v, x2 + r * columns + j);
      }
#pragma GCC unroll 2
      for (int h = 0; h < parts; ++h) {
        const Vector c = keep ? load(centred + r * padded + j + h * lanes) : sub(add(u[h], v[h]), mean[r]);
        const Vector base = has_dsum ? sub(t[h], offset[r]) : sub(zero(), offset[r]);
        t[h] = multiply_add(mul(d[h], scale[h]), rstd[r], multiply_subtract(slope[r], c, base));
      }
      access.store(dx + r * columns + j, t);
    }
  }
};

// One block after the other.
template <DType dtype, int rows, bool has_dsum>
ALNG_TARGET void in_turn(const FreeOrderSlice& slice, std::int64_t row, std::int64_t end) {
  using B = Block<dtype, rows, has_dsum>;
  const std::int64_t columns = slice.problem->columns;
  const std::int64_t body = columns / B::step * B::step;
  const Access<dtype, true> whole{B::step};
  const Access<dtype, false> rest{static_cast<int>(columns - body)};
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
    if (row < end) in_turn<dtype, 1, has_dsum>(slice, row, end);
  }
}

// A block is applied in the same loop that accumulates the next one, so that loads from L2 never pause and the
// dependent additions at the end of the sums have other work beside them.
template <DType dtype, int rows, bool has_dsum>
ALNG_TARGET void overlapped(const FreeOrderSlice& slice, std::int64_t row, std::int64_t end) {
  using B = Block<dtype, rows, has_dsum>;
  const std::int64_t columns = slice.problem->columns;
  const std::int64_t body = columns / B::step * B::step;
  const Access<dtype, true> whole{B::step};
  const Access<dtype, false> rest{static_cast<int>(columns - body)};
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
    if (row < end) in_turn<dtype, 1, has_dsum>(slice, row, end);
  }
}

// Clears the sums and brings gamma, 1 where there is none, to floats in the order in which `load` gives elements.
template <DType dtype>
ALNG_TARGET void prepare(const FreeOrderSlice& slice) {
  using E = Elements<dtype>;
  constexpr int step = E::parts * lanes;
  const std::int64_t columns = slice.problem->columns;
  const auto* gamma = static_cast<const typename E::Storage*>(slice.problem->gamma);
  for (std::int64_t j = 0; j < columns; j += step) {
    Vector scale[E::parts];
    for (Vector& part : scale) part = broadcast(1.0F);
    if (gamma != nullptr && j + step <= columns) {
      E::load(scale, gamma + j);
    } else if (gamma != nullptr) {
      E::load_part(scale, gamma + j, static_cast<int>(columns - j));
    }
    for (int h = 0; h < E::parts; ++h) {
      store(slice.gamma + j + h * lanes, scale[h]);
      store(slice.dgamma + j + h * lanes, zero());
      store(slice.dbeta + j + h * lanes, zero());
    }
  }
}

template <DType dtype, int rows, bool is_overlapped, bool has_dsum>
ALNG_TARGET void run_rows(const FreeOrderSlice& slice) {
  prepare<dtype>(slice);
  if constexpr (is_overlapped) {
    overlapped<dtype, rows, has_dsum>(slice, slice.begin, slice.end);
  } else {
    in_turn<dtype, rows, has_dsum>(slice, slice.begin, slice.end);
  }
}

template <DType dtype>
ALNG_TARGET void combine(const FreeOrderProblem& problem, const std::vector<FreeOrderSlice>& slices) {
  using E = Elements<dtype>;
  constexpr int step = E::parts * lanes;
  const auto total = [&](float* const FreeOrderSlice::*partial, float* out) ALNG_TARGET {
    for (std::int64_t j = 0; j < problem.columns; j += step) {
      Vector v[E::parts];
      for (int h = 0; h < E::parts; ++h) {
        v[h] = load(slices[0].*partial + j + h * lanes);
        for (std::size_t t = 1; t < slices.size(); ++t) v[h] = add(v[h], load(slices[t].*partial + j + h * lanes));
      }
      if (j + step <= problem.columns) {
        E::write_floats(out + j, v);
      } else {
        float buffer[step];
        E::write_floats(buffer, v);
        std::memcpy(out + j, buffer, sizeof(float) * static_cast<std::size_t>(problem.columns - j));
      }
    }
  };
  total(&FreeOrderSlice::dgamma, problem.dgamma);
  total(&FreeOrderSlice::dbeta, problem.dbeta);
}

template <DType dtype, bool has_dsum>
FreeOrderKernels kernels(const char* isa) {
  return {isa,
          {{"1 row", run_rows<dtype, 1, false, has_dsum>},
           {"1 row overlapped", run_rows<dtype, 1, true, has_dsum>},
           {"2 rows overlapped", run_rows<dtype, 2, true, has_dsum>},
           {"4 rows", run_rows<dtype, 4, false, has_dsum>}},
          combine<dtype>};
}

inline FreeOrderKernels kernels_for(const char* isa, DType dtype, bool dsum) {
  switch (dtype) {
    case DType::float32:
      return dsum ? kernels<DType::float32, true>(isa) : kernels<DType::float32, false>(isa);
    case DType::float16:
      return dsum ? kernels<DType::float16, true>(isa) : kernels<DType::float16, false>(isa);
    case DType::bfloat16:
      return dsum ? kernels<DType::bfloat16, true>(isa) : kernels<DType::bfloat16, false>(isa);
  }
  return {};
}

#undef ALNG_INLINE
