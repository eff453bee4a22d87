// The rows of the gradient, on top of free_order-inl.h. No include guard, as there.

#define ALNG_INLINE ALNG_TARGET inline __attribute__((always_inline))

// `rows` neighbouring rows. One sweep makes their sums and adds them to dgamma and dbeta, the next applies the sums.
template <DType type, int rows, bool has_dsum>
struct GradBlock {
  static constexpr DType dtype = type;
  static constexpr int row_count = rows;
  using OneRow = GradBlock<type, 1, has_dsum>;
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
    const GradArguments& p = slice.problem->grad;
    columns = slice.problem->columns;
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
      const float inverse = slice.problem->grad.rstd[row + r];
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

// Clears the sums and widens gamma.
template <DType dtype>
ALNG_TARGET void prepare_grad(const FreeOrderSlice& slice) {
  constexpr int step = Elements<dtype>::parts * lanes;
  const std::int64_t columns = slice.problem->columns;
  widen_column<dtype>(slice.problem->grad.gamma, 1, columns, slice.gamma);
  for (std::int64_t j = 0; j < columns; j += step) {
    for (int h = 0; h < Elements<dtype>::parts; ++h) {
      store(slice.dgamma + j + h * lanes, zero());
      store(slice.dbeta + j + h * lanes, zero());
    }
  }
}

template <DType dtype, int rows, bool is_overlapped, bool has_dsum>
ALNG_TARGET void run_grad(const FreeOrderSlice& slice) {
  prepare_grad<dtype>(slice);
  if constexpr (is_overlapped) {
    overlapped<GradBlock<dtype, rows, has_dsum>>(slice, slice.begin, slice.end);
  } else {
    in_turn<GradBlock<dtype, rows, has_dsum>>(slice, slice.begin, slice.end);
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
  total(&FreeOrderSlice::dgamma, problem.grad.dgamma);
  total(&FreeOrderSlice::dbeta, problem.grad.dbeta);
}

template <DType dtype, bool has_dsum>
FreeOrderKernels grad_kernels(const char* isa) {
  return {isa,
          {{"1 row", run_grad<dtype, 1, false, has_dsum>},
           {"1 row overlapped", run_grad<dtype, 1, true, has_dsum>},
           {"2 rows overlapped", run_grad<dtype, 2, true, has_dsum>},
           {"4 rows", run_grad<dtype, 4, false, has_dsum>}},
          combine<dtype>};
}

inline FreeOrderKernels grad_kernels_for(const char* isa, DType dtype, bool dsum) {
  switch (dtype) {
    case DType::float32:
      return dsum ? grad_kernels<DType::float32, true>(isa) : grad_kernels<DType::float32, false>(isa);
    case DType::float16:
      return dsum ? grad_kernels<DType::float16, true>(isa) : grad_kernels<DType::float16, false>(isa);
    case DType::bfloat16:
      return dsum ? grad_kernels<DType::bfloat16, true>(isa) : grad_kernels<DType::bfloat16, false>(isa);
  }
  return {};
}

#undef ALNG_INLINE
