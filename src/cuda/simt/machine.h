// A GPU on the model: runs launches block by block, or cluster by cluster, on the calling thread, exactly and slowly.
#ifndef ALNG_CUDA_SIMT_MACHINE_H
#define ALNG_CUDA_SIMT_MACHINE_H

#include <vector>

#include "cuda/launch.h"
#include "cuda/simt/block.h"
#include "cuda/simt/global_memory.h"
#include "cuda/simt/report.h"

namespace alng::impl::cuda::simt {

class Machine {
 public:
  explicit Machine(const Schedule& schedule) : schedule_(schedule), memory_(report_) {}

  GlobalMemory& memory() { return memory_; }
  /// Blocks in an order that the seed tells. After a finding the rest of the blocks is left out: what they would
  /// compute means nothing.
  void launch(const Launch& launch);
  const Report& report() const { return report_; }

 private:
  Schedule schedule_;
  Report report_;
  GlobalMemory memory_;
  std::vector<Fiber> fibers_;
};

}  // namespace alng::impl::cuda::simt

#endif
