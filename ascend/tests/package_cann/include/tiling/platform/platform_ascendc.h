// What op_host uses of CANN's platform, answered by the test.
#ifndef ALNG_TESTS_ASCEND_PACKAGE_CANN_PLATFORM_ASCENDC_H
#define ALNG_TESTS_ASCEND_PACKAGE_CANN_PLATFORM_ASCENDC_H

#include <register/op_def_registry.h>

namespace platform_ascendc {

enum class SocVersion { ASCEND910B, OTHER };
enum class CoreMemType { UB };

class PlatformAscendC {
 public:
  explicit PlatformAscendC(gert::PlatformOfTest* platform) : platform_(*platform) {}
  void GetCoreMemSize(const CoreMemType&, uint64_t& size) const { size = platform_.buffer_bytes; }
  uint32_t GetCoreNumAiv() const { return platform_.cores; }
  SocVersion GetSocVersion() const { return platform_.is_910b ? SocVersion::ASCEND910B : SocVersion::OTHER; }
  uint32_t GetLibApiWorkSpaceSize() const { return 16 * 1024 * 1024; }

 private:
  gert::PlatformOfTest platform_;
};

}  // namespace platform_ascendc

#endif
