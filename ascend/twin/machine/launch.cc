#include "machine/launch.h"

#include <signal.h>

#include <algorithm>
#include <exception>
#include <thread>

#include "plan/float_environment.h"

namespace alng::twin {
namespace {

// A few microseconds, whatever the product.
constexpr double sync_all_seconds = 3e-6;

// Buffers go from launch to launch: fresh pages cost more than most launches do.
class BufferPool {
 public:
  std::unique_ptr<UnifiedBuffer> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<UnifiedBuffer>();
    std::unique_ptr<UnifiedBuffer> buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void give_back(std::unique_ptr<UnifiedBuffer> buffer) {
    // Far from where the numbers of instructions would overflow.
    if (std::ranges::any_of(buffer->issued, [](std::int32_t n) { return n > 1'000'000'000; })) return;
    if (buffer->segments > 1'000'000'000) return;
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(buffer));
  }
  static BufferPool& instance() {
    static BufferPool& pool = *new BufferPool;
    return pool;
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<UnifiedBuffer>> free_;
};

struct sigaction handler_before;

// The core of the thread that faulted, where it touched its watched UB; else it is somebody else's fault.
void on_fault(int, siginfo_t* info, void*) {
  if (Core* core = Core::of_this_thread(); core != nullptr && core->touched(info->si_addr)) return;
  sigaction(SIGSEGV, &handler_before, nullptr);
}

// Takes over SIGSEGV while it lives.
class Watch {
 public:
  explicit Watch(bool on) : on_(on) {
    if (!on_) return;
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &handler_before);
  }
  ~Watch() {
    if (on_) sigaction(SIGSEGV, &handler_before, nullptr);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  bool on_;
};

}  // namespace

struct Launch::Seat {
  std::unique_ptr<UnifiedBuffer> buffer;
  std::unique_ptr<Core> core;
  std::thread thread;
  std::condition_variable my_turn;
  State state = State::runnable;
  Where waits_at;
  bool abandoned = false;
  std::exception_ptr failure;
};

Launch::Launch(const LaunchOptions& options, GlobalMemory& memory) : options_(options), memory_(memory) {
  for (int i = 0; i < options.blocks; ++i) {
    auto seat = std::make_unique<Seat>();
    seat->buffer = BufferPool::instance().take();
    seat->core = std::make_unique<Core>(*this, i, *seat->buffer);
    seats_.push_back(std::move(seat));
  }
}

Launch::~Launch() {
  for (std::unique_ptr<Seat>& seat : seats_) BufferPool::instance().give_back(std::move(seat->buffer));
}

void Launch::run_core(Seat& seat, const std::function<void()>& kernel) {
  {
    std::unique_lock lock(mutex_);
    seat.my_turn.wait(lock, [&] { return turn_ == &seat; });
  }
  const impl::FloatEnvironment environment;
  Core::set_current(seat.core.get());
  try {
    kernel();
    seat.core->finish();
  } catch (const Abandoned&) {
    seat.core->report().cycles = seat.core->time();
  } catch (...) {
    seat.failure = std::current_exception();
  }
  Core::set_current(nullptr);
  const std::lock_guard lock(mutex_);
  seat.state = State::finished;
  turn_ = nullptr;
  changed_.notify_one();
}

void Launch::give_turn(Seat& seat) {
  std::unique_lock lock(mutex_);
  turn_ = &seat;
  seat.my_turn.notify_one();
  changed_.wait(lock, [&] { return turn_ == nullptr; });
}

void Launch::end_stretch() { memory_.end_of_stretch(findings_); }

void Launch::sync_all(Core& core, const Where& where) {
  Seat& seat = *seats_[static_cast<std::size_t>(core.index())];
  std::unique_lock lock(mutex_);
  seat.state = State::waiting;
  seat.waits_at = where;
  turn_ = nullptr;
  changed_.notify_one();
  seat.my_turn.wait(lock, [&] { return turn_ == &seat; });
  if (seat.abandoned) throw Abandoned{};
}

Report Launch::run(const std::function<void()>& kernel) {
  const Watch watch(options_.watch_scalar_access);
  for (auto& seat : seats_) seat->thread = std::thread([this, &seat, &kernel] { run_core(*seat, kernel); });
  const auto in_state = [this](State state) {
    return std::ranges::count_if(seats_, [state](const auto& seat) { return seat->state == state; });
  };
  while (in_state(State::finished) < std::ssize(seats_)) {
    for (auto& seat : seats_) {
      if (seat->state == State::runnable) give_turn(*seat);
    }
    const auto waiting = in_state(State::waiting);
    if (waiting == 0) break;
    if (waiting < std::ssize(seats_)) {
      // Somebody has finished, or was stopped by a finding of its own: the others would wait forever.
      const auto gone = std::ranges::find_if(seats_, [](const auto& seat) { return seat->state == State::finished; });
      for (auto& seat : seats_) {
        if (seat->state != State::waiting) continue;
        if (!seat->abandoned) {
          seat->core->find(Check::deadlock, seat->waits_at,
                           "core " + std::to_string(seat->core->index()) + " waits in SyncAll, which core " +
                               std::to_string((*gone)->core->index()) + " never reaches");
        }
        seat->abandoned = true;
        seat->state = State::runnable;
        give_turn(*seat);
      }
      continue;
    }
    end_stretch();
    double time = 0;
    for (const auto& seat : seats_) time = std::max(time, seat->core->time());
    time += sync_all_seconds * options_.product->gigahertz * 1e9;
    for (auto& seat : seats_) {
      seat->core->set_time(time);
      seat->state = State::runnable;
    }
  }
  for (auto& seat : seats_) seat->thread.join();
  end_stretch();
  Report report;
  for (auto& seat : seats_) {
    if (seat->failure) std::rethrow_exception(seat->failure);
    report.cores.push_back(seat->core->report());
    report.cycles = std::max(report.cycles, seat->core->report().cycles);
  }
  if (options_.outputs_complete && findings_.empty()) {
    if (std::string why = memory_.unwritten_output(); !why.empty()) {
      findings_.add(Check::unwritten, 0, Where{}, "the kernel ends and " + why);
    }
  }
  report.findings = findings_.all();
  return report;
}

Report launch(const LaunchOptions& options, GlobalMemory& memory, const std::function<void()>& kernel) {
  Launch launch(options, memory);
  return launch.run(kernel);
}

std::string Report::sentences() const {
  std::string text;
  for (const Finding& finding : findings) text += to_string(finding) + "\n";
  return text;
}

}  // namespace alng::twin
