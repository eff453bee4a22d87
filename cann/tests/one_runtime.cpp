// Linked with one of the names, it dlopens the others and makes one call with each that only works where all are one
// runtime. Usage: one_runtime FOLDER-OF-THE-LIBRARIES
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "acl/acl.h"
#include "aclnn/acl_meta.h"

namespace {

int fail(const std::string& name, const char* what) {
  std::printf("%s: %s\n", name.c_str(), what);
  return 1;
}

template <class Function>
Function* find(void* library, const char* name, Function*) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

int check(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(path, dlerror());
  // The device that this program has set, memory of the one side freed by the other, a sentence of the one read by the
  // other.
  int32_t device = -1;
  const auto get_device = find(library, "aclrtGetDevice", &aclrtGetDevice);
  const auto release = find(library, "aclrtFree", &aclrtFree);
  const auto get_shape = find(library, "aclGetViewShape", &aclGetViewShape);
  if (get_device == nullptr || release == nullptr || get_shape == nullptr) return fail(path, "has not every name");
  if (get_device(&device) != ACL_SUCCESS || device != 0) return fail(path, "knows nothing of the device");
  void* memory = nullptr;
  if (aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST) != ACL_SUCCESS) return fail(path, "aclrtMalloc");
  if (release(memory) != ACL_SUCCESS) return fail(path, "knows nothing of the memory");
  if (release(memory) == ACL_SUCCESS) return fail(path, "frees twice");
  const char* const message = aclGetRecentErrMsg();
  if (message == nullptr || std::string(message).find("which was freed") == std::string::npos) {
    return fail(path, "keeps its sentences to itself");
  }
  const int64_t extent = 5;
  aclTensor* const tensor = aclCreateTensor(&extent, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &extent, 1, nullptr);
  int64_t* shape = nullptr;
  uint64_t rank = 0;
  if (get_shape(tensor, &shape, &rank) != OK || rank != 1 || shape[0] != 5) return fail(path, "knows no tensors");
  delete[] shape;
  if (aclDestroyTensor(tensor) != OK) return fail(path, "aclDestroyTensor");
  return dlclose(library);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || aclInit(nullptr) != ACL_SUCCESS || aclrtSetDevice(0) != ACL_SUCCESS) return 1;
  // By path, and by the bare name that the loader looks up.
  for (const std::string& folder : {std::string(argv[1]) + "/", std::string()}) {
    for (const char* name : {"cust_opapi", "opapi", "opapi_nn", "opapi_math", "nnopbase", "acl_rt", "ascendcl", "graph",
                             "ge_runner", "graph_base", "ge_compiler", "alng_cann"}) {
      if (check(folder + "lib" + name + ".so") != 0) return 1;
    }
  }
  return aclrtResetDevice(0) != ACL_SUCCESS || aclFinalize() != ACL_SUCCESS;
}
