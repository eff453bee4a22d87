/* Enumerators are ints in C, where a program may pass any number; in C++ the conversion alone would be undefined. */
#include "cann/tests/any_number.h"

int set_option(int option, int64_t value) { return aclrtSetSysParamOpt((aclSysParamOpt)option, value); }
int get_option(int option, int64_t* value) { return aclrtGetSysParamOpt((aclSysParamOpt)option, value); }
int malloc_with_policy(void** memory, size_t size, int policy) {
  return aclrtMallocCached(memory, size, (aclrtMemMallocPolicy)policy);
}
int copy_of_kind(void* dst, size_t most, const void* src, size_t count, int kind) {
  return aclrtMemcpy(dst, most, src, count, (aclrtMemcpyKind)kind);
}
int info_of_memory(int attr, size_t* free, size_t* total) { return aclrtGetMemInfo((aclrtMemAttr)attr, free, total); }
size_t size_of_dtype(int dtype) { return aclDataTypeSize((aclDataType)dtype); }
