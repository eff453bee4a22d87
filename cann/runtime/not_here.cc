// What acl has and this runtime has not: operators compiled by name, profiling. Who calls that is told so.
#include <array>
#include <cstring>
#include <optional>

#include "acl/acl_op_compiler.h"
#include "acl/acl_prof.h"
#include "runtime/answer.h"

namespace alng::cann {
namespace {

constexpr std::size_t option_count = ACL_ALLOW_HF32 + 1;

struct CompileOptions {
  ForkedMutex mutex;
  std::array<std::optional<std::string>, option_count> values;
};

CompileOptions& compile_options() {
  static CompileOptions& all = *new CompileOptions;
  return all;
}

Answer check_option(const char* function, aclCompileOpt option) {
  if (static_cast<std::size_t>(option) < option_count) return {};
  return invalid(wrong_number(function, "opt", option, "0 to " + std::to_string(option_count - 1)));
}

Answer no_operator(const char* function, const char* type) {
  if (type == nullptr) return null_pointer(function, "opType");
  return {ACL_ERROR_API_NOT_SUPPORT, Kind::inner,
          std::string(function) + ": opType is \"" + type +
              "\" but no operator is called by name here; aclnnAddLayerNormGrad is the one there is"};
}

aclError no_profiling(const char* function) {
  return guarded([function]() -> Answer {
    return {ACL_ERROR_API_NOT_SUPPORT, Kind::inner, std::string(function) + ": there is no profiling here"};
  });
}

}  // namespace
}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclError aclSetCompileopt(aclCompileOpt opt, const char* value) {
  return guarded([&]() -> Answer {
    if (value == nullptr) return null_pointer("aclSetCompileopt", "value");
    if (Answer answer = check_option("aclSetCompileopt", opt); !answer.ok()) return answer;
    const std::lock_guard lock(compile_options().mutex);
    compile_options().values[static_cast<std::size_t>(opt)] = value;
    return {};
  });
}

size_t aclGetCompileoptSize(aclCompileOpt opt) {
  std::size_t size = 0;
  guarded([&]() -> Answer {
    if (Answer answer = check_option("aclGetCompileoptSize", opt); !answer.ok()) return answer;
    const std::lock_guard lock(compile_options().mutex);
    const auto& value = compile_options().values[static_cast<std::size_t>(opt)];
    if (value) size = value->size() + 1;
    return {};
  });
  return size;
}

aclError aclGetCompileopt(aclCompileOpt opt, char* value, size_t length) {
  return guarded([&]() -> Answer {
    constexpr const char* function = "aclGetCompileopt";
    if (value == nullptr) return null_pointer(function, "value");
    if (Answer answer = check_option(function, opt); !answer.ok()) return answer;
    const std::lock_guard lock(compile_options().mutex);
    const auto& kept = compile_options().values[static_cast<std::size_t>(opt)];
    if (!kept) return invalid(std::string(function) + ": opt is " + std::to_string(opt) + ", which was not set");
    if (length <= kept->size()) {
      return invalid(wrong_number(function, "length", length, "at least " + std::to_string(kept->size() + 1)));
    }
    std::memcpy(value, kept->c_str(), kept->size() + 1);
    return {};
  });
}

aclError aclopSetCompileFlag(aclOpCompileFlag flag) {
  return guarded([&]() -> Answer {
    if (flag == ACL_OP_COMPILE_DEFAULT || flag == ACL_OP_COMPILE_FUZZ) return {};
    return invalid(wrong_number("aclopSetCompileFlag", "flag", flag, "0 or 1"));
  });
}

aclError aclopCompile(const char* opType, int, const aclTensorDesc* const*, int, const aclTensorDesc* const*,
                      const aclopAttr*, aclopEngineType, aclopCompileType, const char*) {
  return guarded([&] { return no_operator("aclopCompile", opType); });
}

aclError aclopCompileAndExecute(const char* opType, int, const aclTensorDesc* const*, const aclDataBuffer* const*, int,
                                const aclTensorDesc* const*, aclDataBuffer* const*, const aclopAttr*, aclopEngineType,
                                aclopCompileType, const char*, aclrtStream) {
  return guarded([&] { return no_operator("aclopCompileAndExecute", opType); });
}

aclError aclopCompileAndExecuteV2(const char* opType, int, aclTensorDesc**, aclDataBuffer**, int, aclTensorDesc**,
                                  aclDataBuffer**, aclopAttr*, aclopEngineType, aclopCompileType, const char*,
                                  aclrtStream) {
  return guarded([&] { return no_operator("aclopCompileAndExecuteV2", opType); });
}

aclError aclprofInit(const char*, size_t) { return no_profiling("aclprofInit"); }
aclError aclprofStart(const aclprofConfig*) { return no_profiling("aclprofStart"); }
aclError aclprofStop(const aclprofConfig*) { return no_profiling("aclprofStop"); }
aclError aclprofDestroyConfig(const aclprofConfig*) { return no_profiling("aclprofDestroyConfig"); }
aclError aclprofFinalize(void) { return no_profiling("aclprofFinalize"); }

aclprofConfig* aclprofCreateConfig(uint32_t*, uint32_t, aclprofAicoreMetrics, const aclprofAicoreEvents*, uint64_t) {
  no_profiling("aclprofCreateConfig");
  return nullptr;
}

}  // extern "C"
