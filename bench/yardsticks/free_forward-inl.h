// The rows of the forward, on top of free_order-inl.h. No include guard, as there.

#define ALNG_INLINE ALNG_TARGET inline __attribute__((always_inline))

// `rows` neighbouring rows. One sweep stores x, keeps it in L1 as floats and makes its sum; from L1 come the squares
// and then y.
template <DType type, int rows>
struct ForwardBlock {
  static constexpr DType dtype = type;
  static constexpr int row_count = rows;
  using OneRow = ForwardBlock<type, 1>;
  using E = Elements<dtype>;
  using S = typename E::Storage;
  static constexpr int parts = E::parts;
  static constexpr int step = parts * lanes;

  const S *x1, *x2;
  S *y, *x;
  const float *gamma, *beta;
  float* kept;
  std::int64_t columns, padded;
  // Two sums for each row, or the latency of an addition would be all the time.
  Vector s[rows][2], mean[rows], rstd[rows];

  static constexpr auto ones = [] {
    std::array<S, step> elements{};
    elements.fill(static_cast<S>(type == DType::float32 ? 1 : type == DType::float16 ? 0x3C00 : 0x3F80));
    return elements;
  }();

  ALNG_INLINE void start(const FreeOrderSlice& slice, std::int64_t row) {
    const ForwardArguments& p = slice.problem->forward;
    columns = slice.problem->columns;
    padded = (columns + step - 1) / step * step;
    const std::int64_t first = row * columns;
    x1 = static_cast<const S*>(p.x1) + first;
    x2 = static_cast<const S*>(p.x2) + first;
    y = static_cast<S*>(p.y) + first;
    x = static_cast<S*>(p.x) + first;
    gamma = slice.gamma;
    beta = slice.beta;
    kept = slice.centred;
    for (int r = 0; r < rows; ++r) s[r][0] = s[r][1] = zero();
  }

  template <bool whole>
  ALNG_INLINE void accumulate(Access<dtype, whole> access, std::int64_t j) {
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      Vector u[parts], v[parts];
      access.load(u, x1 + r * columns + j);
      access.load(v, x2 + r * columns + j);
#pragma GCC unroll 2
      for (int h = 0; h < parts; ++h) {
        u[h] = add(u[h], v[h]);
        s[r][h] = add(s[r][h], u[h]);
        store(kept + r * padded + j + h * lanes, u[h]);
      }
      access.store(x + r * columns + j, u);
    }
  }

  ALNG_INLINE void finish(const FreeOrderSlice& slice, std::int64_t row) {
    const auto n = static_cast<float>(columns);
    const std::int64_t body = columns / step * step;
    for (int r = 0; r < rows; ++r) {
      const float average = sum(add(s[r][0], s[r][1])) / n;
      mean[r] = broadcast(average);
      Vector squares[4] = {zero(), zero(), zero(), zero()};
      std::int64_t j = 0;
      const float* const row_of_x = kept + r * padded;
      for (; j + 4 * lanes <= body; j += 4 * lanes) {
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          const Vector c = sub(load(row_of_x + j + k * lanes), mean[r]);
          squares[k] = multiply_add(c, c, squares[k]);
        }
      }
      for (; j < body; j += lanes) {
        const Vector c = sub(load(row_of_x + j), mean[r]);
        squares[0] = multiply_add(c, c, squares[0]);
      }
      if (body < columns) {
        // 1 where there is an element, 0 behind the row's end.
        Vector there[parts];
        E::load_part(there, ones.data(), static_cast<int>(columns - body));
        for (int h = 0; h < parts; ++h) {
          const Vector c = mul(sub(load(row_of_x + body + h * lanes), mean[r]), there[h]);
          squares[h] = multiply_add(c, c, squares[h]);
        }
      }
      const float variance = sum(add(add(squares[0], squares[1]), add(squares[2], squares[3]))) / n;
      const float inverse = 1.0F / std::sqrt(variance + slice.problem->eps);
      rstd[r] = broadcast(inverse);
      slice.problem->forward.mean[row + r] = average;
      slice.problem->forward.rstd[row + r] = inverse;
    }
  }

  template <bool whole>
  ALNG_INLINE void apply(Access<dtype, whole> access, std::int64_t j) const {
    Vector scale[parts], shift[parts];
    for (int h = 0; h < parts; ++h) {
      scale[h] = load(gamma + j + h * lanes);
      shift[h] = load(beta + j + h * lanes);
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      Vector out[parts];
#pragma GCC unroll 2
      for (int h = 0; h < parts; ++h) {
        const Vector c = sub(load(kept + r * padded + j + h * lanes), mean[r]);
        out[h] = multiply_add(mul(c, rstd[r]), scale[h], shift[h]);
      }
      access.store(y + r * columns + j, out);
    }
  }
};

template <DType dtype, int rows, bool is_overlapped>
ALNG_TARGET void run_forward(const FreeOrderSlice& slice) {
  const ForwardArguments& p = slice.problem->forward;
  widen_column<dtype>(p.gamma, 1, slice.problem->columns, slice.gamma);
  widen_column<dtype>(p.beta, 0, slice.problem->columns, slice.beta);
  if constexpr (is_overlapped) {
    overlapped<ForwardBlock<dtype, rows>>(slice, slice.begin, slice.end);
  } else {
    in_turn<ForwardBlock<dtype, rows>>(slice, slice.begin, slice.end);
  }
}

template <DType dtype>
FreeOrderKernels forward_kernels(const char* isa) {
  return {isa,
          {{"1 row", run_forward<dtype, 1, false>},
           {"1 row overlapped", run_forward<dtype, 1, true>},
           {"2 rows", run_forward<dtype, 2, false>},
           {"2 rows overlapped", run_forward<dtype, 2, true>},
           {"4 rows", run_forward<dtype, 4, false>}},
          nullptr};
}

inline FreeOrderKernels forward_kernels_for(const char* isa, DType dtype) {
  switch (dtype) {
    case DType::float32:
      return forward_kernels<DType::float32>(isa);
    case DType::float16:
      return forward_kernels<DType::float16>(isa);
    case DType::bfloat16:
      return forward_kernels<DType::bfloat16>(isa);
  }
  return {};
}

#undef ALNG_INLINE
