// Which accesses of a cluster are sure to have happened before which: vector clocks, one entry for each agent. Agents
// are the threads of all its blocks, each thread's asynchronous copies (cp.async), and each mbarrier's bulk copies.
#ifndef ALNG_CUDA_SIMT_CLOCKS_H
#define ALNG_CUDA_SIMT_CLOCKS_H

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace alng::impl::cuda::simt {

struct Access {
  /// 0: none. Else 1 + the agent.
  std::uint32_t by = 0;
  std::uint32_t epoch = 0;
};

/// What somebody knows of all agents: the last epoch of each that is over. Shared, since all threads of a barrier leave
/// it knowing the same.
using Knowledge = std::shared_ptr<const std::vector<std::uint32_t>>;

class Clocks {
 public:
  Clocks(unsigned threads_of_block, unsigned blocks)
      : threads_of_block_(threads_of_block), threads_(threads_of_block * blocks), of_(threads_) {}

  unsigned threads_of_block() const { return threads_of_block_; }
  /// "thread 5", "thread 5 of block 1": threads are numbered through the cluster.
  std::string text(unsigned thread) const {
    return "thread " + std::to_string(thread % threads_of_block_) +
           (threads_ > threads_of_block_ ? " of block " + std::to_string(thread / threads_of_block_) : "");
  }

  static constexpr unsigned most_mbarriers = 128;
  unsigned agent_of_copies(unsigned thread) const { return threads_ + thread; }
  unsigned agent_of_mbarrier(unsigned mbarrier) const { return 2 * threads_ + mbarrier; }

  Access now(unsigned thread) const { return {1 + thread, of_[thread].epoch}; }
  /// A copy of the group that the thread will commit next.
  Access copy_of(unsigned thread) const { return {1 + agent_of_copies(thread), of_[thread].committed + 1}; }
  void commit(unsigned thread) { ++of_[thread].committed; }
  /// The thread has waited until all but `pending` of its groups were there.
  void wait_copies(unsigned thread, std::uint32_t pending) {
    Of& mine = of_[thread];
    if (mine.committed > pending) mine.arrived = mine.committed - pending;
  }

  bool before(const Access& access, unsigned thread) const {
    const unsigned agent = access.by - 1;
    const Of& mine = of_[thread];
    if (agent == thread) return true;
    if (agent == agent_of_copies(thread)) return access.epoch <= mine.arrived;
    return mine.knowledge != nullptr && (*mine.knowledge)[agent] >= access.epoch;
  }

  /// A barrier: everybody knows what anybody knew.
  void join(std::span<const unsigned> threads) {
    auto all = fresh();
    const void* last = nullptr;
    for (const unsigned thread : threads) {
      if (of_[thread].knowledge.get() != last) raise(*all, of_[thread].knowledge);
      last = of_[thread].knowledge.get();
      release(*all, thread);
    }
    const Knowledge known = std::move(all);
    for (const unsigned thread : threads) of_[thread].knowledge = known;
  }

  /// What a thread hands over where it arrives at a barrier that it doesn't wait at.
  struct Arrival {
    unsigned thread;
    std::uint32_t epoch, copies;
    Knowledge knowledge;
  };
  Arrival arrive(unsigned thread) {
    Of& mine = of_[thread];
    return {thread, mine.epoch++, mine.arrived, mine.knowledge};
  }
  Knowledge together(std::span<const Arrival> arrivals) const {
    auto all = fresh();
    std::vector<const void*> seen;  // those who come from the same barriers know the same
    for (const Arrival& one : arrivals) {
      if (std::ranges::find(seen, one.knowledge.get()) == seen.end()) {
        raise(*all, one.knowledge);
        seen.push_back(one.knowledge.get());
      }
    }
    for (const Arrival& one : arrivals) {
      (*all)[one.thread] = one.epoch;
      (*all)[agent_of_copies(one.thread)] = one.copies;
    }
    return all;
  }

  /// An arrival at an mbarrier hands over what the thread knows, and a wait takes it.
  Knowledge after_arrival(unsigned thread, const Knowledge& before) {
    auto all = fresh();
    raise(*all, before);
    raise(*all, of_[thread].knowledge);
    release(*all, thread);
    return all;
  }
  Knowledge with(const Knowledge& known, unsigned agent, std::uint32_t epoch) const {
    auto all = fresh();
    raise(*all, known);
    (*all)[agent] = epoch;
    return all;
  }
  void learn(unsigned thread, const Knowledge& from) {
    Knowledge& mine = of_[thread].knowledge;
    // Waiters mostly come from the same barrier and wait for the same phase.
    if (mine != cached_mine_ || from != cached_from_) {
      auto all = fresh();
      raise(*all, mine);
      raise(*all, from);
      cached_mine_ = mine;
      cached_from_ = from;
      cached_result_ = std::move(all);
    }
    mine = cached_result_;
  }

 private:
  using Entries = std::vector<std::uint32_t>;
  struct Of {
    std::uint32_t epoch = 1;
    std::uint32_t committed = 0, arrived = 0;
    Knowledge knowledge;
  };

  std::shared_ptr<Entries> fresh() const { return std::make_shared<Entries>(2 * threads_ + most_mbarriers); }
  static void raise(Entries& all, const Knowledge& by) {
    if (by == nullptr) return;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = all[i] < (*by)[i] ? (*by)[i] : all[i];
  }
  void release(Entries& all, unsigned thread) {
    all[thread] = of_[thread].epoch++;
    all[agent_of_copies(thread)] = of_[thread].arrived;
  }

  unsigned threads_of_block_, threads_;
  std::vector<Of> of_;
  Knowledge cached_mine_, cached_from_, cached_result_;
};

}  // namespace alng::impl::cuda::simt

#endif
