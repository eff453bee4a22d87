/* LayerNorm of a sum and its gradient, in C. This is everything the library exports; the C++ interface (alng.hpp) is
 * headers over it. C99.
 *
 * A call describes the tensors (alng_forward_problem, alng_grad_problem), makes a plan of them once, and runs the plan
 * with pointers as often as wanted (alng_forward_arguments, alng_grad_arguments). Every function that can refuse
 * returns a code and, where `status` is not NULL, one sentence that names the tensor, what it is and what it should be.
 * A refused call has written nothing but *status and, for alng_..._plan_create, NULL to *plan.
 *
 * Structs that begin with `size` can grow: the caller sets it to sizeof the struct as its own header has it. Members
 * that a newer library has and an older caller doesn't know are taken as 0. A newer caller's members that an older
 * library doesn't know must be 0, else the call is refused (ALNG_UNSUPPORTED). A size below that of this first version,
 * or of 64 KiB and more, is refused (ALNG_BAD_OPTION). */
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

/* Why a call was refused. The numbers are stable. */
typedef enum alng_code {
  ALNG_OK = 0,
  ALNG_NULL_POINTER = 1, /* a required pointer is NULL, or one is given for a tensor that the problem doesn't have */
  ALNG_BAD_DTYPE = 2,    /* not accepted for this tensor, or not the one of the tensor it must agree with */
  ALNG_BAD_SHAPE = 3,    /* a rank or an extent is out of range or disagrees with the tensor it must agree with */
  ALNG_BAD_STRIDE = 4,   /* negative; or an output's elements share addresses; or an offset leaves 64 bits; or a pointer
                            is not a multiple of its element's size */
  ALNG_OVERLAP = 5,      /* an output overlaps another tensor in a way that is not allowed (alng_..._arguments) */
  ALNG_BAD_WORKSPACE = 6, /* absent, or smaller than alng_plan_workspace_size */
  ALNG_BAD_OPTION = 7, /* no such value: device, instruction set, thread count, size, a stream where there is none; or a
                          plan of another operator */
  ALNG_UNSUPPORTED = 8,   /* valid, but the device can't do it; the sentence says why */
  ALNG_OUT_OF_MEMORY = 9, /* for the work, or for the sentence of another refusal */
  ALNG_DEVICE_ERROR = 10  /* the device failed at this run or before it; outputs may be partly written */
} alng_code;

/* Owned by the caller; any call may be given NULL instead. `message` is one sentence, always terminated; empty on
 * success. */
typedef struct alng_status {
  alng_code code;
  char message[2044];
} alng_status;

/* float16 is IEEE binary16, bfloat16 the upper half of binary32. 0 is no dtype: see alng_tensor. */
typedef enum alng_dtype { ALNG_FLOAT32 = 1, ALNG_FLOAT16 = 2, ALNG_BFLOAT16 = 3 } alng_dtype;

#define ALNG_MAX_RANK 8

/* Element type, shape and strides of one tensor, never its data. A tensor that is absent is all 0, {0}. */
typedef struct alng_tensor {
  int32_t dtype;                  /* an alng_dtype */
  int32_t rank;                   /* 1 to ALNG_MAX_RANK */
  int64_t shape[ALNG_MAX_RANK];   /* extents, outermost first, at least 0; entries from `rank` on are not looked at */
  int64_t strides[ALNG_MAX_RANK]; /* elements (not bytes) between neighbours along each dimension, at least 0; 0 on a
                                     dimension longer than 1 repeats the element: inputs only */
} alng_tensor;

/* A dense tensor in row-major order. `shape` has `rank` entries; a rank outside 1..8 or a NULL shape gives a tensor
 * that every problem refuses. */
ALNG_EXPORT alng_tensor alng_contiguous(alng_dtype dtype, int32_t rank, const int64_t* shape);

/* The tensors of one AddLayerNorm. Start from {sizeof(alng_forward_problem)}; what stays all 0 is absent. The formula,
 * and what each tensor means and may be, is in alng/forward.hpp (ForwardDescription), whose members have the same
 * names. */
typedef struct alng_forward_problem {
  size_t size; /* sizeof(alng_forward_problem) */
  /* Inputs. x1's dtype is T. x2: T, x1's shape. gamma, beta: T or float32 each, x1's trailing dimensions. All but x1
   * may be absent. */
  alng_tensor x1, x2, gamma, beta;
  /* Outputs; an absent one is not computed. y, x (the sum): T, x1's shape. mean, rstd: float32, x1's leading
   * dimensions, then as many 1s as dimensions are normalised, one 1, or none. */
  alng_tensor y, mean, rstd, x;
  int32_t normalized_dims; /* how many trailing dimensions are normalised; 0: told by gamma, beta, else by mean, rstd */
  int32_t round_sum;       /* not 0: x1 + x2 is rounded to T before it is normalised */
  float eps;               /* added to the variance; finite, at least 0 */
} alng_forward_problem;

/* The tensors of one AddLayerNormGrad. Start from {sizeof(alng_grad_problem)}; what stays all 0 is absent. The formula,
 * and what each tensor means and may be, is in alng/grad.hpp (GradDescription), whose members have the same names. */
typedef struct alng_grad_problem {
  size_t size; /* sizeof(alng_grad_problem) */
  /* Inputs. dy's dtype is T: dy, x1, x2, dsum have it, and one shape. rstd, mean: float32, dy's leading dimensions,
   * then as many 1s as dimensions are normalised, one 1, or none. gamma: T or float32, dy's trailing dimensions. x2,
   * gamma, dsum may be absent. */
  alng_tensor dy, x1, x2, rstd, mean, gamma, dsum;
  /* Outputs; an absent one is not computed. dx: T, dy's shape. dgamma, dbeta: float32, dy's trailing dimensions. */
  alng_tensor dx, dgamma, dbeta;
  int32_t
      normalized_dims; /* how many trailing dimensions are normalised; 0: told by gamma, dgamma, dbeta, else by rstd */
  int32_t accumulate;  /* not 0: dgamma and dbeta are added to what the outputs hold */
} alng_grad_problem;

/* What a judged problem comes to. */
typedef struct alng_summary {
  size_t size;             /* sizeof(alng_summary) */
  int64_t rows;            /* product of the leading dimensions */
  int64_t columns;         /* product of the trailing, normalised dimensions */
  int64_t bytes;           /* that must cross the memory bus at least once; at most 2^63 - 1 */
  int32_t normalized_dims; /* as given, or as found */
  char text[220];          /* in words: "4096x1600 bfloat16, x2, gamma bfloat16, no dsum; wants dx, dgamma, dbeta" */
} alng_summary;

/* Judges a problem without planning it: ALNG_BAD_DTYPE, _SHAPE, _STRIDE, _OPTION. `summary` may be NULL. No rows and no
 * columns are valid. */
ALNG_EXPORT alng_code alng_forward_judge(const alng_forward_problem* problem, alng_summary* summary,
                                         alng_status* status);
ALNG_EXPORT alng_code alng_grad_judge(const alng_grad_problem* problem, alng_summary* summary, alng_status* status);

/* How a plan shall be made. NULL or {sizeof(alng_options)}: the best there is. Strings may be NULL. */
typedef struct alng_options {
  size_t size;        /* sizeof(alng_options) */
  const char* device; /* as alng_device names it, or "cuda", the calling thread's GPU; NULL or "": the CPU */
  const char*
      isa; /* as alng_instruction_set names it; NULL or "": what ALNG_ISA in the environment says, else the best */
  int32_t threads; /* the most tasks at once; 0: as many as there are processors for the calling thread */
} alng_options;

/* Threads brought by the caller: runs task(task_data, i) once for every i in [0, count), on any threads, in any order,
 * and returns when all have returned. May be called by several threads at once where plans are run so. It must not
 * throw. */
typedef struct alng_executor {
  void (*parallel)(void* context, int32_t count, void (*task)(void* task_data, int32_t index), void* task_data);
  void* context; /* handed through to `parallel` */
} alng_executor;

/* Where the data of one AddLayerNorm is; what is said of alng_grad_arguments holds. y may start at exactly the address
 * of x1 or x2 where the two have the same strides, and so may x; not both at one. */
typedef struct alng_forward_arguments {
  size_t size; /* sizeof(alng_forward_arguments) */
  const void *x1, *x2, *gamma, *beta;
  void* y;
  float *mean, *rstd;
  void* x;
  void* workspace;       /* scratch memory of this run alone, any alignment; contents mean nothing before and after */
  size_t workspace_size; /* at least alng_plan_workspace_size bytes */
  const alng_executor* executor; /* NULL: the library's own threads */
  void* stream; /* of a device that has them, where NULL is its default one (CUDA's legacy one); NULL on all others */
} alng_forward_arguments;

/* Where the data of one AddLayerNormGrad is. Pointers are to the element whose indices are all 0, aligned to their
 * element's size, given exactly for the tensors that the problem has (one without elements may be NULL). The caller
 * owns all of it.
 *
 * dx may start at exactly the address of dy, x1, x2 or dsum where the two have the same strides. Any other overlap of
 * an output with another tensor, or of the workspace with anything, is refused; inputs may overlap inputs. Interleaved
 * tensors that share no byte don't overlap; a layout too tangled to tell is refused. */
typedef struct alng_grad_arguments {
  size_t size; /* sizeof(alng_grad_arguments) */
  const void *dy, *x1, *x2;
  const float *rstd, *mean;
  const void *gamma, *dsum;
  void* dx;
  float *dgamma, *dbeta;
  void* workspace;       /* scratch memory of this run alone, any alignment; contents mean nothing before and after */
  size_t workspace_size; /* at least alng_plan_workspace_size bytes */
  const alng_executor* executor; /* NULL: the library's own threads */
  void* stream; /* of a device that has them, where NULL is its default one (CUDA's legacy one); NULL on all others */
} alng_grad_arguments;

/* How a problem is done on one device. Immutable; may be used by several threads at once. */
typedef struct alng_plan alng_plan;

/* Judges the problem and plans it. On success *plan is to be given to alng_plan_destroy; on a refusal it is NULL. */
ALNG_EXPORT alng_code alng_forward_plan_create(const alng_forward_problem* problem, const alng_options* options,
                                               alng_plan** plan, alng_status* status);
ALNG_EXPORT alng_code alng_grad_plan_create(const alng_grad_problem* problem, const alng_options* options,
                                            alng_plan** plan, alng_status* status);
ALNG_EXPORT void alng_plan_destroy(alng_plan* plan); /* NULL is allowed */

/* Bytes of workspace a run needs. 0 for NULL. */
ALNG_EXPORT size_t alng_plan_workspace_size(const alng_plan* plan);
/* "cpu", "avx512": the device and its instruction set. They live as long as the library. "" for NULL. */
ALNG_EXPORT const char* alng_plan_device(const alng_plan* plan);
ALNG_EXPORT const char* alng_plan_isa(const alng_plan* plan);
/* Tasks that a run hands to its threads; 1: all is done on the calling thread. 0 for NULL. */
ALNG_EXPORT int32_t alng_plan_threads(const alng_plan* plan);
/* The memory that the plan's device has of its own; NULL where all pointers are the host's, and for NULL. It lives as
 * long as the library. */
typedef struct alng_memory alng_memory;
ALNG_EXPORT const alng_memory* alng_plan_memory(const alng_plan* plan);
/* The plan in words, several lines, as snprintf writes: at most `size` bytes with the terminator; returns the length of
 * the whole text. */
ALNG_EXPORT size_t alng_plan_explain(const alng_plan* plan, char* text, size_t size);

/* Computes the outputs; after a refusal they are untouched. On the CPU it allocates, locks and prints nothing on
 * success. Floating-point settings of the caller neither change a bit nor are changed. On a device with streams it only
 * begins the work, on the stream of the arguments, and may be captured in a graph; all pointers are the device's. */
ALNG_EXPORT alng_code alng_forward_run(const alng_plan* plan, const alng_forward_arguments* arguments,
                                       alng_status* status);
ALNG_EXPORT alng_code alng_grad_run(const alng_plan* plan, const alng_grad_arguments* arguments, alng_status* status);

/* Plan, workspace and run in one call; `workspace` and `workspace_size` of the arguments are not looked at. On a device
 * with memory of its own it returns when all is done. */
ALNG_EXPORT alng_code alng_add_layer_norm(const alng_forward_problem* problem, const alng_forward_arguments* arguments,
                                          const alng_options* options, alng_status* status);
ALNG_EXPORT alng_code alng_add_layer_norm_grad(const alng_grad_problem* problem, const alng_grad_arguments* arguments,
                                               const alng_options* options, alng_status* status);

/* For callers whose data is in the host's memory, on the device's default stream. `memory` is that of a plan. Refusals:
 * ALNG_NULL_POINTER, ALNG_OUT_OF_MEMORY, and ALNG_DEVICE_ERROR, which may be that of a run before.
 *
 * Allocates `bytes` (0: as 1), aligned to 256, contents unknown. */
ALNG_EXPORT alng_code alng_memory_allocate(const alng_memory* memory, size_t bytes, void** address,
                                           alng_status* status);
/* Waits for all that uses it; NULL is allowed, for `address` too. */
ALNG_EXPORT void alng_memory_free(const alng_memory* memory, void* address);
/* From the host's memory to the device's, and back; return when it is done. */
ALNG_EXPORT alng_code alng_memory_upload(const alng_memory* memory, void* to, const void* from, size_t bytes,
                                         alng_status* status);
ALNG_EXPORT alng_code alng_memory_download(const alng_memory* memory, void* to, const void* from, size_t bytes,
                                           alng_status* status);
/* Within the device's memory; returns before it is done, as a run does. */
ALNG_EXPORT alng_code alng_memory_copy(const alng_memory* memory, void* to, const void* from, size_t bytes,
                                       alng_status* status);
/* Calls work(context), waits, and gives the seconds that the device took for what was begun there. `work` must not
 * throw. */
ALNG_EXPORT alng_code alng_memory_time(const alng_memory* memory, void (*work)(void* context), void* context,
                                       double* seconds, alng_status* status);

/* The formulas in double precision with compensated sums, from the inputs in `arguments` alone: what results are judged
 * by. x = x1 + x2 is rounded to float32 as it is formed, with round_sum to T. Outputs are dense and row-major, NULL
 * where not wanted: y, x and dx rows * columns values, mean and rstd `rows`, dgamma and dbeta `columns` values, without
 * what `accumulate` would add. Slow; allocates. */
ALNG_EXPORT alng_code alng_forward_oracle(const alng_forward_problem* problem, const alng_forward_arguments* arguments,
                                          double* y, double* mean, double* rstd, double* x, alng_status* status);
ALNG_EXPORT alng_code alng_grad_oracle(const alng_grad_problem* problem, const alng_grad_arguments* arguments,
                                       double* dx, double* dgamma, double* dbeta, alng_status* status);

/* A device or an instruction set that this build knows. */
typedef struct alng_availability {
  char name[32];
  int32_t available; /* not 0: this machine has it */
  char reason[220];  /* why it has it, or why not, in a few words */
} alng_availability;

/* Number `index` of the list: of the devices the CPU, the default, comes first, of the instruction sets the best.
 * Returns 1, or 0 past its end (*entry is then untouched). */
ALNG_EXPORT int32_t alng_device(int32_t index, alng_availability* entry);
ALNG_EXPORT int32_t alng_instruction_set(int32_t index, alng_availability* entry);

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
