/* Element types, formats, and IEEE binary16 numbers. C99 and C++14. */
#ifndef ALNG_CANN_ACL_BASE_H
#define ALNG_CANN_ACL_BASE_H

#include "acl/acl_base_rt.h"

/* NOLINTBEGIN(readability-identifier-naming, modernize-deprecated-headers) */

#ifdef __cplusplus
extern "C" {
#endif

/* Element types. The operator takes ACL_FLOAT, ACL_FLOAT16 and ACL_BF16. */
typedef enum {
  ACL_DT_UNDEFINED = -1,
  ACL_FLOAT = 0,
  ACL_FLOAT16 = 1,
  ACL_INT8 = 2,
  ACL_INT32 = 3,
  ACL_UINT8 = 4,
  ACL_INT16 = 6,
  ACL_UINT16 = 7,
  ACL_UINT32 = 8,
  ACL_INT64 = 9,
  ACL_UINT64 = 10,
  ACL_DOUBLE = 11,
  ACL_BOOL = 12,
  ACL_STRING = 13,
  ACL_COMPLEX64 = 16,
  ACL_COMPLEX128 = 17,
  ACL_BF16 = 27,
  ACL_INT4 = 29,
  ACL_UINT1 = 30,
  ACL_COMPLEX32 = 33,
  ACL_HIFLOAT8 = 34,
  ACL_FLOAT8_E5M2 = 35,
  ACL_FLOAT8_E4M3FN = 36,
  ACL_FLOAT8_E8M0 = 37,
  ACL_FLOAT6_E3M2 = 38,
  ACL_FLOAT6_E2M3 = 39,
  ACL_FLOAT4_E2M1 = 40,
  ACL_FLOAT4_E1M2 = 41
} aclDataType;

/* How a tensor's dimensions are meant; its strides tell where the elements lie. The operator takes ND, and NCL, NCHW,
 * NHWC and NCDHW as if they were ND. */
typedef enum {
  ACL_FORMAT_UNDEFINED = -1,
  ACL_FORMAT_NCHW = 0,
  ACL_FORMAT_NHWC = 1,
  ACL_FORMAT_ND = 2,
  ACL_FORMAT_NC1HWC0 = 3,
  ACL_FORMAT_FRACTAL_Z = 4,
  ACL_FORMAT_NC1HWC0_C04 = 12,
  ACL_FORMAT_HWCN = 16,
  ACL_FORMAT_NDHWC = 27,
  ACL_FORMAT_FRACTAL_NZ = 29,
  ACL_FORMAT_NCDHW = 30,
  ACL_FORMAT_NDC1HWC0 = 32,
  ACL_FRACTAL_Z_3D = 33,
  ACL_FORMAT_NC = 35,
  ACL_FORMAT_NCL = 47
} aclFormat;

/* The bits of an IEEE binary16 number. */
typedef uint16_t aclFloat16;

/* Bytes of one element of `dataType`; 0 where an element has no whole number of them (string, 1, 4 and 6 bits) or there
 * is no such type. */
ACL_FUNC_VISIBILITY size_t aclDataTypeSize(aclDataType dataType);

/* The number `value` stands for; exact. */
ACL_FUNC_VISIBILITY float aclFloat16ToFloat(aclFloat16 value);

/* The binary16 nearest to `value`, ties to even; infinity from 65520 on; a NaN as the quiet one, 0x7E00. */
ACL_FUNC_VISIBILITY aclFloat16 aclFloatToFloat16(float value);

/* What went wrong in this thread's latest call that failed: one sentence behind process, time and kind. Null where
 * nothing did, or where it was read already: reading consumes it. The text lives until this thread's next call of this
 * function. */
ACL_FUNC_VISIBILITY const char* aclGetRecentErrMsg(void);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming, modernize-deprecated-headers) */

#endif
