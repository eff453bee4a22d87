#include "cuda/simt/block.h"

#include <algorithm>
#include <cstring>

namespace alng::impl::cuda::simt {

thread_local Block* Block::current_ = nullptr;

Block::Block(unsigned threads, std::size_t shared_bytes, Index first, unsigned cluster, Index grid,
             const Schedule& schedule, GlobalMemory& global, Report& report, std::vector<Fiber>& fibers)
    : threads_(threads),
      first_(first),
      grid_(grid),
      schedule_(schedule),
      global_(global),
      report_(report),
      fibers_(fibers),
      clocks_(threads, cluster),
      states_(threads * cluster),
      warps_((threads * cluster + 31) / 32),
      random_(schedule.seed * 7919 + first.x * 31 + first.y + 1) {
  mbarriers_.reserve(Clocks::most_mbarriers);
  for (unsigned rank = 0; rank < cluster; ++rank) {
    parts_.push_back(std::make_unique<Part>(shared_bytes, threads, clocks_, report, schedule.count_banks));
  }
}

// A remainder would take as long as the switch it chooses.
std::size_t Block::any_of(std::size_t count) {
  random_ = random_ * 6364136223846793005u + 1442695040888963407u;
  return static_cast<std::size_t>(((random_ >> 32) * count) >> 32);
}

void Block::enter() {
  current_->body_(current_->parameters_);
  State& state = current_->states_[current_->running_];
  if (!state.uncommitted.empty()) {
    current_->report_.add(current_->clocks_.text(current_->running_) +
                          " ends with asynchronous copies that it has not committed");
  }
  state.done = true;
  current_->leave();
  current_->fibers_[current_->running_].suspend();
}

void Block::leave() {
  Part& part = *parts_[rank()];
  if (--part.running == 0 && cluster() > 1) part.shared.end(rank() * threads_);
  // A cluster barrier waits for the threads that there still are.
  complete_cluster_barrier();
}

void Block::run(void (*body)(const void*), const void* parameters) {
  Block* const outer = current_;
  current_ = this;
  body_ = body;
  parameters_ = parameters;
  if (fibers_.size() < states_.size()) fibers_.resize(states_.size());
  for (unsigned t = 0; t < states_.size(); ++t) {
    fibers_[t].start(&enter);
    ready_.push_back(t);
  }
  while (true) {
    if (ready_.empty() && !deliver_some()) break;
    if (ready_.empty()) continue;
    const std::size_t pick = any_of(ready_.size());
    running_ = ready_[pick];
    rank_ = running_ / threads_;
    ready_[pick] = ready_.back();
    ready_.pop_back();
    states_[running_].waits = nullptr;
    fibers_[running_].resume();
    if (schedule_.arrival == Arrival::any && !mbarriers_.empty() && any_of(64) == 0) deliver_some();
  }
  report_stuck();
  current_ = outer;
}

void Block::report_stuck() {
  std::string stuck;
  int listed = 0;
  for (unsigned t = 0; t < states_.size() && listed < 4; ++t) {
    const State& state = states_[t];
    if (state.done) continue;
    // The first of those that wait at one place.
    if (t > 0 && !states_[t - 1].done && states_[t - 1].place.line == state.place.line) continue;
    stuck += (listed++ > 0 ? ", " : "") + clocks_.text(t) + " at " + state.waits + " in " + text(state.place);
  }
  if (listed > 0) {
    report_.add((cluster() > 1 ? "the cluster of block " : "block ") + std::to_string(first_.x) +
                " waits for ever: " + stuck);
  }
}

void Block::suspend(const char* what, const Place& place) {
  states_[running_].waits = what;
  states_[running_].place = place;
  fibers_[running_].suspend();
}

void Block::wake(std::vector<unsigned>& waiting) {
  ready_.insert(ready_.end(), waiting.begin(), waiting.end());
  waiting.clear();
}

void Block::arrive(Barrier& barrier, unsigned count, bool orders_memory, const char* what, const Place& place) {
  if (barrier.waiting.empty()) barrier.count = count;
  if (barrier.count != count) {
    report_.add(text(place) + ": " + clocks_.text(running_) + " comes to a " + what + " of " + std::to_string(count) +
                " threads where others wait for " + std::to_string(barrier.count));
  }
  barrier.waiting.push_back(running_);
  if (barrier.waiting.size() == barrier.count) {
    if (orders_memory) clocks_.join(barrier.waiting);
    wake(barrier.waiting);
  }
  suspend(what, place);
}

void Block::barrier(unsigned id, unsigned count, const Place& place) {
  auto& barriers = parts_[rank()]->barriers;
  if (id >= barriers.size() || count % 32 != 0 || count == 0 || count > threads()) {
    report_.add(text(place) + ": bar.sync " + std::to_string(id) + ", " + std::to_string(count) + " in a block of " +
                std::to_string(threads()) + " threads: there are 16 barriers, and they count whole warps of the block");
    return;
  }
  arrive(barriers[id], count, true, "bar.sync", place);
}

void Block::warp_barrier(const Place& place) { arrive(warps_[running_ / 32].barrier, 32, true, "__syncwarp", place); }

void Block::cluster_arrive(const Place& place) {
  State& state = states_[running_];
  if (state.at_cluster_barrier) {
    report_.add(text(place) + ": " + clocks_.text(running_) +
                " arrives at a cluster barrier twice without a wait between");
    return;
  }
  state.at_cluster_barrier = true;
  cluster_arrivals_.push_back(clocks_.arrive(running_));
  complete_cluster_barrier();
}

void Block::complete_cluster_barrier() {
  std::size_t alive = 0;
  for (const auto& part : parts_) alive += part->running;
  if (cluster_arrivals_.empty() || cluster_arrivals_.size() < alive) return;
  of_cluster_phase_ = clocks_.together(cluster_arrivals_);
  cluster_arrivals_.clear();
  ++cluster_phase_;
  wake(cluster_waiting_);
}

void Block::cluster_wait(const Place& place) {
  State& state = states_[running_];
  if (!state.at_cluster_barrier) {
    report_.add(text(place) + ": " + clocks_.text(running_) +
                " waits for a cluster barrier that it has not arrived at");
    return;
  }
  while (state.cluster_phases == cluster_phase_) {
    cluster_waiting_.push_back(running_);
    suspend("a cluster barrier", place);
  }
  ++state.cluster_phases;
  state.at_cluster_barrier = false;
  clocks_.learn(running_, of_cluster_phase_);
}

void* Block::write_remote(const void* p, std::size_t bytes, unsigned rank, const Place& place) {
  if (rank >= cluster()) {
    report_.add(text(place) + ": " + clocks_.text(running_) + " writes shared memory of block " + std::to_string(rank) +
                " in a cluster of " + std::to_string(cluster()));
    return nullptr;
  }
  const std::string writes =
      text(place) + ": " + clocks_.text(running_) + " writes shared memory of block " + std::to_string(rank);
  if (states_[running_].cluster_phases == 0) {
    report_.add(writes + " before a cluster barrier has told that it runs");
    return nullptr;
  }
  Part& part = *parts_[rank];
  if (part.running == 0) {
    report_.add(writes + ", which may have ended by then");
    return nullptr;
  }
  const std::ptrdiff_t offset = static_cast<const std::byte*>(p) - shared_data();
  std::byte* const there = part.shared.data() + offset;
  return part.shared.write(there, bytes, running_, place) ? there : nullptr;
}

// Values alternate between two sets of slots, so that a lane's next shuffle can't overwrite what others still have to
// read. A shuffle orders no memory.
std::uint32_t Block::shuffle(std::uint32_t value, unsigned from, const Place& place) {
  Warp& warp = warps_[running_ / 32];
  const unsigned set = states_[running_].shuffles++ & 1;
  if (running_ % 32 == 0) ++report_.shuffles;
  warp.slot[set][running_ % 32] = value;
  arrive(warp.shuffle, 32, false, "__shfl_sync", place);
  return warp.slot[set][from % 32];
}

void Block::deliver(const Copy& copy) {
  std::memset(copy.to, 0xFF, copy.size);
  std::memcpy(copy.to + copy.first, copy.from + copy.first, copy.end - copy.first);
}

bool Block::now_or_later() {
  return schedule_.arrival == Arrival::early || (schedule_.arrival == Arrival::any && any_of(2) == 0);
}

void Block::mbarrier_init(const void* at, unsigned arrivals, const Place& place) {
  if (!shared().write(at, 8, running_, place)) return;
  if (mbarriers_.size() == Clocks::most_mbarriers)
    return report_.add(text(place) + ": too many mbarriers for the model");
  Mbarrier mbarrier{};
  mbarrier.at = at;
  mbarrier.arrivals = arrivals;
  mbarriers_.push_back(mbarrier);
  states_[running_].fenced = false;
}

void Block::mbarrier_fence() { states_[running_].fenced = true; }

Block::Mbarrier* Block::mbarrier_at(const void* at, const Place& place) {
  if (!shared().read(at, 8, running_, place)) return nullptr;
  const auto found = std::ranges::find(mbarriers_, at, &Mbarrier::at);
  if (found != mbarriers_.end()) return &*found;
  report_.add(text(place) + ": there is no mbarrier at this place of shared memory");
  return nullptr;
}

void Block::complete(Mbarrier& mbarrier) {
  if (mbarrier.arrived != mbarrier.arrivals || mbarrier.pending_bytes != 0) return;
  const auto agent = clocks_.agent_of_mbarrier(static_cast<unsigned>(&mbarrier - mbarriers_.data()));
  ++mbarrier.phase;
  mbarrier.arrived = 0;
  mbarrier.of_phase = clocks_.with(mbarrier.handed_over, agent, mbarrier.phase);
  wake(mbarrier.waiting);
}

void Block::mbarrier_expect(const void* at, std::uint32_t bytes, const Place& place) {
  Mbarrier* const mbarrier = mbarrier_at(at, place);
  if (mbarrier == nullptr) return;
  mbarrier->pending_bytes += bytes;
  ++mbarrier->arrived;
  mbarrier->handed_over = clocks_.after_arrival(running_, mbarrier->handed_over);
  complete(*mbarrier);
}

void Block::mbarrier_wait(const void* at, unsigned parity, const Place& place) {
  Mbarrier* const mbarrier = mbarrier_at(at, place);
  if (mbarrier == nullptr) return;
  // What is waited for is the end of the phase with this parity: it is over where the current one has the other.
  while ((mbarrier->phase & 1) == parity) {
    mbarrier->waiting.push_back(running_);
    suspend("mbarrier wait", place);
  }
  clocks_.learn(running_, mbarrier->of_phase);
}

void Block::bulk_copy(void* to, const void* from, std::uint32_t bytes, const void* at, const Place& place) {
  Mbarrier* const mbarrier = mbarrier_at(at, place);
  if (mbarrier == nullptr) return;
  if (!states_[running_].fenced) {
    report_.add(text(place) + ": a bulk copy is started before the mbarrier's initialisation is fenced");
  }
  if (bytes == 0 || bytes % 16 != 0) {
    report_.add(text(place) + ": a bulk copy of " + std::to_string(bytes) + " bytes: it must be a multiple of 16");
    return;
  }
  const auto agent = clocks_.agent_of_mbarrier(static_cast<unsigned>(mbarrier - mbarriers_.data()));
  if (!shared().copy(to, bytes, 16, running_, {1 + agent, mbarrier->phase + 1}, place)) return;
  if (!global_.copy(from, bytes, 16, place)) return;
  mbarrier->late.push_back({static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes, 0, bytes});
  if (now_or_later()) deliver_one(*mbarrier);
}

void Block::deliver_one(Mbarrier& mbarrier) {
  const std::size_t pick = any_of(mbarrier.late.size());
  const Copy copy = mbarrier.late[pick];
  mbarrier.late.erase(mbarrier.late.begin() + static_cast<std::ptrdiff_t>(pick));
  deliver(copy);
  mbarrier.pending_bytes -= static_cast<std::int64_t>(copy.size);
  complete(mbarrier);
}

// True where something has arrived.
bool Block::deliver_some() {
  for (Mbarrier& mbarrier : mbarriers_) {
    if (mbarrier.late.empty()) continue;
    deliver_one(mbarrier);
    return true;
  }
  return false;
}

void Block::async_copy(void* to, const void* from, std::size_t size, std::size_t first, std::size_t end,
                       const Place& place) {
  if (!shared().copy(to, size, size, running_, clocks_.copy_of(running_), place)) return;
  if (reinterpret_cast<std::uintptr_t>(from) % size != 0) {
    return report_.add(text(place) + ": an asynchronous copy of " + std::to_string(size) +
                       " bytes from an address that is no multiple of that");
  }
  const Copy copy{static_cast<std::byte*>(to), static_cast<const std::byte*>(from), size, first, end};
  if (!global_.copy(copy.from + first, end - first, 1, place)) return;
  if (now_or_later()) {
    deliver(copy);
  } else {
    states_[running_].uncommitted.push_back(copy);
  }
}

void Block::async_commit() {
  State& state = states_[running_];
  clocks_.commit(running_);
  state.groups.push_back({std::move(state.uncommitted)});
  state.uncommitted.clear();
}

void Block::async_wait(unsigned pending) {
  State& state = states_[running_];
  clocks_.wait_copies(running_, pending);
  if (state.groups.size() <= pending) return;
  const auto end = state.groups.end() - pending;
  for (auto group = state.groups.begin(); group != end; ++group) {
    for (const Copy& copy : group->copies) deliver(copy);
  }
  state.groups.erase(state.groups.begin(), end);
}

}  // namespace alng::impl::cuda::simt
