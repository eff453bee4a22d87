// What a person would write, compiled with -O3 -march=native -ffast-math and parallel by OpenMP: for the gradient two
// passes of loops, rows and then columns; for the forward one pass, three loops over each row. The compiler vectorises
// all of them.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "contestant.h"

namespace {

struct BFloat16 {
  std::uint16_t bits;
};

float load(float value) { return value; }
float load(_Float16 value) { return static_cast<float>(value); }
float load(BFloat16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value.bits) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

void store(float& to, float value) { to = value; }
void store(_Float16& to, float value) { to = static_cast<_Float16>(value); }
// To nearest even; NaN is not handled, as in most hand-written loops.
void store(BFloat16& to, float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  to.bits = static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

template <class T>
void gradient(const contestant_problem& p) {
  const std::int64_t rows = p.rows, columns = p.columns;
  const T* const dy = static_cast<const T*>(p.dy);
  const T* const x1 = static_cast<const T*>(p.x1);
  const T* const x2 = static_cast<const T*>(p.x2);
  const T* const dsum = static_cast<const T*>(p.dsum);
  T* const dx = static_cast<T*>(p.dx);
  const float* const gamma = p.gamma;
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t row = i * columns;
    const float mean = p.mean[i], rstd = p.rstd[i];
    float sum_w = 0, sum_wh = 0;
    for (std::int64_t j = 0; j < columns; ++j) {
      const float h = (load(x1[row + j]) + load(x2[row + j]) - mean) * rstd;
      const float w = gamma != nullptr ? load(dy[row + j]) * gamma[j] : load(dy[row + j]);
      sum_w += w;
      sum_wh += w * h;
    }
    const float m1 = sum_w / static_cast<float>(columns), m2 = sum_wh / static_cast<float>(columns);
    for (std::int64_t j = 0; j < columns; ++j) {
      const float h = (load(x1[row + j]) + load(x2[row + j]) - mean) * rstd;
      const float w = gamma != nullptr ? load(dy[row + j]) * gamma[j] : load(dy[row + j]);
      const float d = rstd * (w - m1 - h * m2);
      store(dx[row + j], dsum != nullptr ? d + load(dsum[row + j]) : d);
    }
  }
#pragma omp parallel
  {
    // Whole cache lines of dgamma and dbeta for each thread.
    const std::int64_t lines = (columns + 15) / 16, threads = omp_get_num_threads(), t = omp_get_thread_num();
    const std::int64_t begin = lines * t / threads * 16, end = std::min(columns, lines * (t + 1) / threads * 16);
    for (std::int64_t j = begin; j < end; ++j) p.dgamma[j] = p.dbeta[j] = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int64_t row = i * columns;
      const float mean = p.mean[i], rstd = p.rstd[i];
      for (std::int64_t j = begin; j < end; ++j) {
        const float g = load(dy[row + j]);
        p.dgamma[j] += g * (load(x1[row + j]) + load(x2[row + j]) - mean) * rstd;
        p.dbeta[j] += g;
      }
    }
  }
}

template <class T>
void forward(const contestant_problem& p) {
  const std::int64_t rows = p.rows, columns = p.columns;
  const T* const x1 = static_cast<const T*>(p.x1);
  const T* const x2 = static_cast<const T*>(p.x2);
  T* const y = static_cast<T*>(p.y);
  T* const x = static_cast<T*>(p.x);
  const float *const gamma = p.gamma, *const beta = p.beta;
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t row = i * columns;
    float sum = 0, squares = 0;
    for (std::int64_t j = 0; j < columns; ++j) {
      const float of_both = load(x1[row + j]) + load(x2[row + j]);
      store(x[row + j], of_both);
      sum += of_both;
    }
    const float mean = sum / static_cast<float>(columns);
    for (std::int64_t j = 0; j < columns; ++j) {
      const float c = load(x1[row + j]) + load(x2[row + j]) - mean;
      squares += c * c;
    }
    const float rstd = 1 / std::sqrt(squares / static_cast<float>(columns) + p.eps);
    for (std::int64_t j = 0; j < columns; ++j) {
      const float h = (load(x1[row + j]) + load(x2[row + j]) - mean) * rstd;
      store(y[row + j], gamma != nullptr ? h * gamma[j] + beta[j] : h);
    }
    p.mean[i] = mean;
    p.rstd[i] = rstd;
  }
}

template <class T>
void run(const contestant_problem& p) {
  return p.operation == CONTESTANT_FORWARD ? forward<T>(p) : gradient<T>(p);
}

}  // namespace

extern "C" {

int contestant_variants(void) { return 1; }
void* contestant_create(const contestant_problem* problem, char*, size_t) { return new contestant_problem(*problem); }
void contestant_run(void* handle) {
  const auto& problem = *static_cast<const contestant_problem*>(handle);
  switch (problem.dtype) {
    case CONTESTANT_FLOAT32:
      return run<float>(problem);
    case CONTESTANT_FLOAT16:
      return run<_Float16>(problem);
    default:
      return run<BFloat16>(problem);
  }
}
void contestant_destroy(void* handle) { delete static_cast<contestant_problem*>(handle); }
const char* contestant_version(void) { return "g++ " __VERSION__ ", -O3 -march=native -ffast-math -fopenmp"; }

}  // extern "C"
