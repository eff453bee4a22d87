/* AddLayerNormGrad in C: the same Problem, Plan and run as alng.hpp, which documents the operator, every tensor's shape
 * and every rule. C99. */
#ifndef ALNG_ALNG_H
#define ALNG_ALNG_H

/* C names and C headers, also where this is read as C++. */
/* NOLINTBEGIN(readability-identifier-naming, modernize-deprecated-headers) */

#include <stddef.h>
#include <stdint.h>

#include "alng/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Codes, with the values of alng::Code (status.hpp). */
typedef enum alng_code {
  ALNG_OK = 0,
  ALNG_NULL_POINTER = 1,
  ALNG_BAD_DTYPE = 2,
  ALNG_BAD_SHAPE = 3,
  ALNG_BAD_STRIDE = 4,
  ALNG_OVERLAP = 5,
  ALNG_BAD_WORKSPACE = 6,
  ALNG_BAD_OPTION = 7,
  ALNG_UNSUPPORTED = 8,
  ALNG_OUT_OF_MEMORY = 9
} alng_code;

/* Why a call was refused. Owned by the caller; any call may be given NULL instead. `message` is one sentence, cut to
 * fit and always terminated; empty on success. */
typedef struct alng_status {
  alng_code code;
  char message[1020];
} alng_status;

typedef enum alng_dtype { ALNG_FLOAT32 = 0, ALNG_FLOAT16 = 1, ALNG_BFLOAT16 = 2 } alng_dtype;

#define ALNG_MAX_RANK 8

/* Element type, shape and strides (in elements, not bytes) of one tensor. A tensor that is absent has rank 0. */
typedef struct alng_tensor {
  alng_dtype dtype;
  int32_t rank;
  int64_t shape[ALNG_MAX_RANK];
  int64_t strides[ALNG_MAX_RANK];
} alng_tensor;

/* A dense tensor in row-major order. `shape` has `rank` entries; a rank outside 1..8 gives a tensor that
 * alng_plan_create refuses. */
ALNG_EXPORT alng_tensor alng_contiguous(alng_dtype dtype, int32_t rank, const int64_t* shape);

/* alng::ProblemDescription. Start from {0}; dy, x1, rstd and mean are required, the others have rank 0 where absent. */
typedef struct alng_problem {
  alng_tensor dy, x1, x2, rstd, mean, gamma, dsum; /* inputs */
  alng_tensor dx, dgamma, dbeta;                   /* outputs; absent: not computed */
  int32_t normalized_dims;                         /* 0: told by gamma, else by rstd */
  int32_t accumulate;                              /* not 0: dgamma and dbeta are added to what the outputs hold */
} alng_problem;

/* alng::PlanOptions; {0} is the default. Strings may be NULL. */
typedef struct alng_options {
  const char* device; /* "cpu", "reference"; NULL or "": the best */
  const char* isa;    /* "scalar", "avx2", "avx512", "neon", "sve"; NULL or "": the best */
  int32_t threads;    /* 0: as many as there are processors */
} alng_options;

/* alng::Executor: runs task(task_data, i) once for every i in [0, count) and returns when all have returned. */
typedef struct alng_executor {
  void (*parallel)(void* context, int32_t count, void (*task)(void* task_data, int32_t index), void* task_data);
  void* context;
} alng_executor;

/* alng::Arguments: where the data is. Everything is owned by the caller. */
typedef struct alng_arguments {
  const void *dy, *x1, *x2;
  const float *rstd, *mean;
  const void *gamma, *dsum;
  void* dx;
  float *dgamma, *dbeta;
  void* workspace; /* at least alng_plan_workspace_size bytes */
  size_t workspace_size;
  const alng_executor* executor; /* NULL: the library's own threads */
} alng_arguments;

/* An immutable plan; may be used by several threads at once. */
typedef struct alng_plan alng_plan;

/* Judges the problem and plans it. On success *plan is to be given to alng_plan_destroy; on a refusal it is NULL. */
ALNG_EXPORT alng_code alng_plan_create(const alng_problem* problem, const alng_options* options, alng_plan** plan,
                                       alng_status* status);
ALNG_EXPORT void alng_plan_destroy(alng_plan* plan); /* NULL is allowed */

/* Bytes of workspace a run needs. 0 for NULL. */
ALNG_EXPORT size_t alng_plan_workspace_size(const alng_plan* plan);

/* The plan in words, as snprintf writes: at most `size` bytes with the terminator; returns the length of the whole
 * text. */
ALNG_EXPORT size_t alng_plan_explain(const alng_plan* plan, char* text, size_t size);

/* Computes the outputs; after a refusal they are untouched. Allocates, locks and prints nothing on success. */
ALNG_EXPORT alng_code alng_plan_run(const alng_plan* plan, const alng_arguments* arguments, alng_status* status);

/* All of the above in one call, with a workspace of its own. */
ALNG_EXPORT alng_code alng_add_layer_norm_grad(const alng_problem* problem, const alng_arguments* arguments,
                                               const alng_options* options, alng_status* status);

/* The code's own name: "bad_shape". */
ALNG_EXPORT const char* alng_code_name(alng_code code);

/* "0.1.0" */
ALNG_EXPORT const char* alng_version(void);

/* The version of the canonical order: results of equal versions are the same bits. */
ALNG_EXPORT int32_t alng_canonical_order(void);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming, modernize-deprecated-headers) */

#endif
