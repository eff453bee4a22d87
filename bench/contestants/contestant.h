/* What a contestant of the comparison is, as a shared library: a problem's tensors come in, and each call of
 * `contestant_run` does the whole of one operator on them. Everything that can be made once is made before. */
#ifndef ALNG_BENCH_CONTESTANT_H
#define ALNG_BENCH_CONTESTANT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CONTESTANT_FLOAT32 = 0, CONTESTANT_FLOAT16 = 1, CONTESTANT_BFLOAT16 = 2 };
enum { CONTESTANT_GRADIENT = 0, CONTESTANT_FORWARD = 1 };

/* Dense tensors; null are those that the operator doesn't have, and gamma, beta and dsum where a problem is without.
 * gamma and beta are float32 whatever `dtype` is: PyTorch (with float32 statistics) and oneDNN take them so. All is the
 * caller's and outlives the contestant. */
typedef struct contestant_problem {
  int64_t rows, columns;
  int32_t operation;
  int32_t dtype; /* of x1, x2, dy, dsum, dx, y, x */
  int32_t variant;
  float eps; /* of the forward */
  const void *x1, *x2;
  const float* gamma;
  float *mean, *rstd; /* the gradient's inputs, the forward's outputs */
  /* The gradient's. */
  const void *dy, *dsum;
  void* dx;
  float *dgamma, *dbeta;
  /* The forward's. */
  const float* beta;
  void *y, *x;
} contestant_problem;

#if defined(__GNUC__)
#define CONTESTANT_EXPORT __attribute__((visibility("default")))
#else
#define CONTESTANT_EXPORT
#endif

/* How many ways of doing it there are; the fastest one counts. */
CONTESTANT_EXPORT int contestant_variants(void);
/* Null where it can't do this; `why` then says so, in at most `size` bytes. */
CONTESTANT_EXPORT void* contestant_create(const contestant_problem* problem, char* why, size_t size);
CONTESTANT_EXPORT void contestant_run(void* contestant);
/* Only where a contestant gives something else in the place of an output: puts it right, after the timed calls. */
CONTESTANT_EXPORT void contestant_finish(void* contestant);
CONTESTANT_EXPORT void contestant_destroy(void* contestant);
CONTESTANT_EXPORT const char* contestant_version(void);

#ifdef __cplusplus
}
#endif

#endif
