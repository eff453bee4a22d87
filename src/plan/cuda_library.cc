// The device "cuda" as libalng knows it: where its library is looked for, and that it fits.
#include "plan/cuda_library.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "problem/out_of_memory.h"

namespace alng::impl {
namespace {

constexpr const char* file_name = "libalng_cuda.so";
constexpr const char* variable = "ALNG_CUDA_LIBRARY";

/// The folder of the file that this code is in: of libalng.so, or of what a static one is linked to. It ends in a
/// slash; empty where the system doesn't tell.
std::string own_folder() {
  Dl_info file{};
  void* found = nullptr;
  // Any address in this file will do.
  if (dladdr1(file_name, &file, &found, RTLD_DL_LINKMAP) == 0 || found == nullptr) return {};
  std::string path(static_cast<const link_map*>(found)->l_name);
  if (path.empty()) {  // the program itself, whose name the dynamic linker has from whoever started it
    std::array<char, 4096> program;
    const ssize_t size = readlink("/proc/self/exe", program.data(), program.size());
    if (size > 0) path.assign(program.data(), static_cast<std::size_t>(size));
  }
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

/// The library there, or why not in a sentence.
Result<const Backend*> open(const std::string& path) {
  // Never unloaded: plans point into it.
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* const words = dlerror();
    std::string reason = words != nullptr ? words : "the system doesn't say why";
    if (reason.starts_with(path + ": ")) reason.erase(0, path.size() + 2);
    return Status(Code::unsupported, path + " can't be loaded: " + reason);
  }
  const auto* const found = static_cast<const CudaLibrary*>(dlsym(library, "alng_internal_cuda_library"));
  if (found == nullptr) return Status(Code::unsupported, path + " is no back end of alng");
  if (found->interface != backend_interface || std::strcmp(found->version, ALNG_VERSION) != 0) {
    return Status(Code::unsupported,
                  path + " is of alng " + found->version + ", back-end interface " + std::to_string(found->interface) +
                      ", but must be of alng " ALNG_VERSION ", interface " + std::to_string(backend_interface));
  }
  return found->backend;
}

Result<const Backend*> find() {
  if (const char* const named = secure_getenv(variable); named != nullptr && *named != '\0') return open(named);
  const std::string path = own_folder() + file_name;
  if (path == file_name || access(path.c_str(), F_OK) != 0) {
    return Status(Code::unsupported, "there is no " + path + ", and " + variable + " names no other");
  }
  return open(path);
}

/// Without a lock, as in registry.cc; the dynamic linker has its own, which a fork leaves in order. What could not be
/// loaded is looked for again the next time.
Result<const Backend*> loaded() {
  constinit static std::atomic<const Backend*> known = nullptr;
  if (const Backend* const backend = known.load(std::memory_order_acquire)) return backend;
  Result<const Backend*> result = find();
  if (result.ok()) known.store(result.value(), std::memory_order_release);
  return result;
}

class CudaBackend final : public Backend {
 public:
  const char* device() const noexcept override { return "cuda"; }
  bool answers_to(std::string_view name) const noexcept override {
    if (!name.starts_with(device())) return false;
    name.remove_prefix(std::strlen(device()));
    if (name.empty()) return true;
    // ":0" to ":999" as alng_device writes them; "cuda:model" is another back end's.
    return name.size() >= 2 && name.size() <= 4 && name[0] == ':' && (name[1] != '0' || name.size() == 2) &&
           std::all_of(name.begin() + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
  }
  std::vector<Availability> availability() const override {
    const Result<const Backend*> backend = loaded();
    if (!backend.ok()) return {{device(), false, backend.status().message()}};
    return backend.value()->availability();
  }
  Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const override {
    const Result<const Backend*> backend = loaded();
    if (!backend.ok()) return Status(Code::unsupported, "cuda can't be used: " + backend.status().message());
    return backend.value()->plan(problem, options);
  }
};

}  // namespace

const Backend& cuda_backend() noexcept {
  static constinit const CudaBackend backend;
  return backend;
}

}  // namespace alng::impl
