/* AddLayerNormGrad, the backward pass of LayerNorm(x1 + x2), in aclnn's two phases. C99 and C++14.
 *
 * docs/aclnnAddLayerNormGrad.md has formula, shapes, dtypes and return codes in full. */
#ifndef ALNG_CANN_ACLNN_ADD_LAYER_NORM_GRAD_H
#define ALNG_CANN_ACLNN_ADD_LAYER_NORM_GRAD_H

#include "acl/acl_rt.h"
#include "aclnn/aclnn_base.h"

/* NOLINTBEGIN(readability-identifier-naming, modernize-deprecated-headers) */

#ifdef __cplusplus
extern "C" {
#endif

/* First phase: judges the tensors and says how much workspace the second phase needs.
 *
 * T is one of float, float16 and bfloat16. Any strides and offset are accepted.
 * `dy`, `x1`, `x2`: T, of one shape, rank 1 to 8.
 * `rstd`, `mean`: float, as given by the forward pass (eps is in rstd); dy's leading dimensions, then 1 for each
 * normalised one. rstd comes before mean.
 * `gamma`: T, dy's trailing, normalised dimensions; may be null, which is a scale of 1.
 * `dsumOptional`: T, shape of dy, added to dxOut; may be null.
 * `dxOut`: T, shape of dy.
 * `dgammaOut`, `dbetaOut`: float, dy's trailing dimensions.
 * `workspaceSize`: receives the bytes of device memory that the second phase needs.
 * `executor`: receives what the second phase runs.
 *
 * In this order: 161001 for a null pointer (tensors first), 161002 for a tensor that is destroyed, a format, a dtype,
 * 561002 for a shape, 161002 for a stride. The tensors may be destroyed as soon as this returns. */
ACL_FUNC_VISIBILITY aclnnStatus aclnnAddLayerNormGradGetWorkspaceSize(
    const aclTensor* dy, const aclTensor* x1, const aclTensor* x2, const aclTensor* rstd, const aclTensor* mean,
    const aclTensor* gamma, const aclTensor* dsumOptional, const aclTensor* dxOut, const aclTensor* dgammaOut,
    const aclTensor* dbetaOut, uint64_t* workspaceSize, aclOpExecutor** executor);

/* Second phase: queues the computation in a stream and uses the executor up, unless it was made repeatable.
 *
 * `workspace`: device memory, this run's own until it is done; may be null where none is needed.
 * `workspaceSize`: its bytes, at least what the first phase said.
 * `executor`: the first phase's.
 * `stream`: where to compute; null is the current context's own stream.
 *
 * 161001: executor null, workspaceSize not 0 with workspace null, a tensor without memory; 161002: an executor that is
 * used up or destroyed, a workspace that is too small (the executor can still be run then); 361001: a stream that is
 * destroyed. What is wrong with the memory itself shows at aclrtSynchronizeStream: 507015. */
ACL_FUNC_VISIBILITY aclnnStatus aclnnAddLayerNormGrad(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,
                                                      aclrtStream stream);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming, modernize-deprecated-headers) */

#endif
