// One thread block on the model, or the blocks of a cluster, which run together: their threads as fibers of the calling
// thread, their barriers, shuffles, mbarriers and asynchronous copies, in an order that the schedule's seed tells.
#ifndef ALNG_CUDA_SIMT_BLOCK_H
#define ALNG_CUDA_SIMT_BLOCK_H

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cuda/simt/clocks.h"
#include "cuda/simt/fiber.h"
#include "cuda/simt/global_memory.h"
#include "cuda/simt/report.h"
#include "cuda/simt/shared_memory.h"

namespace alng::impl::cuda::simt {

/// When asynchronous copies arrive: as they are started, as late as the waits allow, or anywhere between.
enum class Arrival { early, late, any };

struct Schedule {
  std::uint32_t seed = 1;
  Arrival arrival = Arrival::any;
  bool count_banks = false;
};

struct Index {
  unsigned x = 0, y = 0;
};

class Block {
 public:
  /// `first`: the first block of a cluster, or the block.
  Block(unsigned threads, std::size_t shared_bytes, Index first, unsigned cluster, Index grid, const Schedule& schedule,
        GlobalMemory& global, Report& report, std::vector<Fiber>& fibers);
  Block(const Block&) = delete;

  /// Every thread calls body(parameters). Threads that wait for ever are reported and left.
  void run(void (*body)(const void*), const void* parameters);

  /// That of the running thread.
  static Block& current() { return *current_; }

  // Of the running thread and its block.
  unsigned thread() const { return running_ - rank_ * threads_; }
  unsigned threads() const { return threads_; }
  unsigned rank() const { return rank_; }
  unsigned cluster() const { return static_cast<unsigned>(parts_.size()); }
  Index block() const { return {first_.x + rank(), first_.y}; }
  Index grid() const { return grid_; }
  bool read_shared(const void* p, std::size_t bytes, const Place& place) {
    return shared().read(p, bytes, running_, place);
  }
  bool write_shared(const void* p, std::size_t bytes, const Place& place) {
    return shared().write(p, bytes, running_, place);
  }
  /// Where in another block of the cluster it is what is `p` here; null where it must not be written.
  void* write_remote(const void* p, std::size_t bytes, unsigned rank, const Place& place);
  std::byte* shared_data() { return shared().data(); }
  GlobalMemory& global() { return global_; }
  Report& report() { return report_; }

  void barrier(unsigned id, unsigned count, const Place& place);
  void warp_barrier(const Place& place);
  void cluster_arrive(const Place& place);
  void cluster_wait(const Place& place);
  /// The value that lane `from` of the warp brings to the same shuffle.
  std::uint32_t shuffle(std::uint32_t value, unsigned from, const Place& place);

  void mbarrier_init(const void* at, unsigned arrivals, const Place& place);
  void mbarrier_fence();
  void mbarrier_expect(const void* at, std::uint32_t bytes, const Place& place);
  void mbarrier_wait(const void* at, unsigned parity, const Place& place);
  /// `at`: the mbarrier that is told when it has arrived.
  void bulk_copy(void* to, const void* from, std::uint32_t bytes, const void* at, const Place& place);

  /// Of `size` bytes those from `first` to `end` are copied; the others become NaN.
  void async_copy(void* to, const void* from, std::size_t size, std::size_t first, std::size_t end, const Place& place);
  void async_commit();
  void async_wait(unsigned pending);

 private:
  struct Copy {
    std::byte* to;
    const std::byte* from;
    std::size_t size, first, end;
  };
  struct Group {
    std::vector<Copy> copies;
  };
  struct State {
    bool done = false;
    const char* waits = nullptr;
    Place place;
    std::vector<Copy> uncommitted;
    std::vector<Group> groups;  // not yet sure to be there
    bool fenced = true;
    std::uint32_t shuffles = 0;
    bool at_cluster_barrier = false;
    /// Cluster barriers that the thread has waited for.
    std::uint32_t cluster_phases = 0;
  };
  struct Barrier {
    unsigned count = 0;
    std::vector<unsigned> waiting;
  };
  struct Warp {
    Barrier barrier;
    Barrier shuffle;
    std::uint32_t slot[2][32];
  };
  /// What each block of the cluster has for itself.
  struct Part {
    Part(std::size_t shared_bytes, unsigned threads, Clocks& clocks, Report& report, bool count_banks)
        : shared(shared_bytes, clocks, report, count_banks), running(threads) {}
    SharedMemory shared;
    std::array<Barrier, 16> barriers;
    /// Threads that have not ended.
    unsigned running;
  };
  struct Mbarrier {
    const void* at;
    unsigned arrivals = 0, arrived = 0;
    std::uint32_t phase = 0;
    std::int64_t pending_bytes = 0;
    Knowledge handed_over, of_phase;
    std::vector<Copy> late;
    std::vector<unsigned> waiting;
  };

  SharedMemory& shared() { return parts_[rank()]->shared; }
  static void enter();
  void leave();
  void complete_cluster_barrier();
  void suspend(const char* what, const Place& place);
  void wake(std::vector<unsigned>& waiting);
  /// True for the thread that completes the barrier.
  void arrive(Barrier& barrier, unsigned count, bool orders_memory, const char* what, const Place& place);
  std::size_t any_of(std::size_t count);
  bool now_or_later();
  static void deliver(const Copy& copy);
  Mbarrier* mbarrier_at(const void* at, const Place& place);
  void deliver_one(Mbarrier& mbarrier);
  void complete(Mbarrier& mbarrier);
  bool deliver_some();
  void report_stuck();

  static thread_local Block* current_;

  unsigned threads_;
  Index first_, grid_;
  const Schedule& schedule_;
  GlobalMemory& global_;
  Report& report_;
  std::vector<Fiber>& fibers_;
  Clocks clocks_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<State> states_;  // of the threads of all blocks, one block after the other
  std::vector<Warp> warps_;
  std::vector<Mbarrier> mbarriers_;
  std::vector<Clocks::Arrival> cluster_arrivals_;
  std::vector<unsigned> cluster_waiting_;
  std::uint32_t cluster_phase_ = 0;
  Knowledge of_cluster_phase_;
  std::vector<unsigned> ready_;
  unsigned running_ = 0, rank_ = 0;  // of the cluster, and its block
  void (*body_)(const void*) = nullptr;
  const void* parameters_ = nullptr;
  std::uint64_t random_;
};

}  // namespace alng::impl::cuda::simt

#endif
