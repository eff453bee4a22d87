// What a kernel's entry uses: tiling data, tiling keys, workspace.
#ifndef ALNG_ASCEND_TWIN_ENTRY_H
#define ALNG_ASCEND_TWIN_ENTRY_H

#include <cstring>

#include "machine/launch.h"
#include "twin/types.h"

// NOLINTBEGIN(readability-identifier-naming, cppcoreguidelines-macro-usage): CANN's names.
namespace AscendC {

/// The launcher gives the kernel the user's part of the workspace.
inline GM_ADDR GetUserWorkspace(GM_ADDR workspace) { return workspace; }

inline std::int64_t twin_tiling_key() { return alng::twin::Core::current().launch().options().tiling_key; }

}  // namespace AscendC

#define REGISTER_TILING_DEFAULT(type) using TwinTilingDefault [[maybe_unused]] = type
#define GET_TILING_DATA_WITH_STRUCT(type, name, pointer) \
  type name;                                             \
  std::memcpy(static_cast<void*>(&name), pointer, sizeof(type))
#define GET_TILING_DATA(name, pointer) GET_TILING_DATA_WITH_STRUCT(TwinTilingDefault, name, pointer)
#define TILING_KEY_IS(key) (AscendC::twin_tiling_key() == (key))
#define KERNEL_TASK_TYPE_DEFAULT(type) static_assert(true)
#define ASCEND_IS_AIV true
#define ASCEND_IS_AIC false
// NOLINTEND(readability-identifier-naming, cppcoreguidelines-macro-usage)

#endif
