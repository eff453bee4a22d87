// What a vector function of 3510 (one __VEC_SCOPE__) costs: ports that are busy, banks that collide, results that are
// waited for.
#ifndef ALNG_ASCEND_TWIN_MACHINE_VECTOR_FUNCTION_H
#define ALNG_ASCEND_TWIN_MACHINE_VECTOR_FUNCTION_H

#include <array>
#include <cstdint>

#include "machine/core.h"

namespace alng::twin {

class VectorFunction {
 public:
  explicit VectorFunction(const Where& where);
  ~VectorFunction();
  VectorFunction(const VectorFunction&) = delete;
  VectorFunction& operator=(const VectorFunction&) = delete;

  /// The one that is open on this thread; a finding and the end where there is none.
  static VectorFunction& current(const char* name, const Where& where);
  Core& core() { return core_; }

  /// An arithmetic instruction whose operands are there at `ready`; when its result is. `on_one_unit`: where it runs on
  /// one of the two units only, so many cycles.
  double compute(double ready, double latency, double on_one_unit = 0);
  /// A load; when its result is there.
  double loaded(std::uint32_t offset, std::uint32_t bytes);
  void stored(std::uint32_t offset, std::uint32_t bytes, double ready);
  void barrier(const Where& where);
  void wait_for_flush(int change) { unflushed_ += change; }

  // Registers alive, for the report.
  static void count_registers(int change);

 private:
  void access(std::uint32_t offset, std::uint32_t bytes);
  void close_window();

  Core& core_;
  Where where_;
  VectorFunction* outer_;
  // Cycles of both units together, of the one unit; numbers of instructions.
  double arithmetic_ = 0, one_unit_ = 0;
  double arithmetic_instructions_ = 0, loads_ = 0, stores_ = 0;
  double bank_cycles_ = 0;
  double floor_ = 0, longest_ = 0, barriers_ = 0;
  int in_window_ = 0;
  int unflushed_ = 0;
  // 8 groups of 32 bytes by 2 banks (address bit 8), each with one access a cycle.
  std::array<int, 16> cells_{};
};

}  // namespace alng::twin

#endif
