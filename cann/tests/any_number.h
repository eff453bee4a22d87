/* Calls with numbers that are no enumerator. */
#ifndef ALNG_TESTS_CANN_ANY_NUMBER_H
#define ALNG_TESTS_CANN_ANY_NUMBER_H

#include "acl/acl.h"

#ifdef __cplusplus
extern "C" {
#endif

int set_option(int option, int64_t value);
int get_option(int option, int64_t* value);
int malloc_with_policy(void** memory, size_t size, int policy);
int copy_of_kind(void* dst, size_t most, const void* src, size_t count, int kind);
int info_of_memory(int attr, size_t* free, size_t* total);
size_t size_of_dtype(int dtype);

#ifdef __cplusplus
}
#endif

#endif
