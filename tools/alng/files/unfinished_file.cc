#include "files/unfinished_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

namespace alng::cli {
namespace {

// The names, where a signal handler can reach them: fixed memory, no locks. 16: a problem has 7 tensors, a result 3.
struct Slot {
  std::atomic<bool> used{false};
  char path[PATH_MAX];
};
std::array<Slot, 16> slots;

// What happens to the names: nothing, one thread is at work on them, or the program is ending.
enum State { idle, held, ending };
std::atomic<int> state{idle};
// A signal that came meanwhile.
std::atomic<int> waiting{0};
static_assert(std::atomic<int>::is_always_lock_free);

bool is_fault(int number, const siginfo_t& info) {
  if (info.si_code <= 0) return false;  // sent by a program
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
    if (number == fault) return true;
  }
  return false;
}

void end(int number, siginfo_t* info, void*) {
  // Stored before `state` is read, so that a thread that delays the end sees the signal when it is done.
  waiting.store(number);
  // After a fault the program can't continue.
  if (!discard_unfinished_files() && !is_fault(number, *info)) return;
  std::signal(number, SIG_DFL);
  std::raise(number);
}

// Every signal that ends a program unless it is caught. One that is ignored (nohup) or handled already stays so.
void catch_signals() {
  static const bool done = [] {
    struct sigaction action {};
    action.sa_sigaction = end;
    action.sa_flags = SA_SIGINFO;
    ::sigfillset(&action.sa_mask);
    for (int number = 1; number <= SIGRTMAX; ++number) {
      constexpr std::array harmless{SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGTSTP, SIGTTIN, SIGTTOU};
      struct sigaction old {};
      if (std::ranges::find(harmless, number) != harmless.end() || ::sigaction(number, nullptr, &old) != 0) continue;
      if ((old.sa_flags & SA_SIGINFO) == 0 && old.sa_handler == SIG_DFL) ::sigaction(number, &action, nullptr);
    }
    return true;
  }();
  static_cast<void>(done);
}

[[noreturn]] void fail(int error) { throw std::system_error(error, std::generic_category()); }

std::filesystem::path random_name() {
  std::uint64_t bits = 0;
  if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) fail(errno);
  return fmt::format(".alng-{:016x}.partial", bits);
}

}  // namespace

EndingHeld::EndingHeld() {
  int was = idle;
  // Another thread's signal is about to end the program.
  while (!state.compare_exchange_strong(was, held)) ::pause(), was = idle;
}

EndingHeld::~EndingHeld() {
  state.store(idle);
  if (const int number = waiting.exchange(0); number != 0) std::raise(number);
}

bool EndingHeld::asked() { return waiting.load() != 0; }

UnfinishedFile::UnfinishedFile(const std::filesystem::path& folder, mode_t mode) : path_(folder / random_name()) {
  catch_signals();
  const std::string& name = path_.native();
  const EndingHeld hold;
  const auto slot = std::ranges::find_if(slots, [](const Slot& s) { return !s.used.load(); });
  if (slot == slots.end()) fail(EMFILE);
  if (name.size() >= sizeof slot->path) fail(ENAMETOOLONG);
  descriptor_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor_ < 0) fail(errno);
  std::memcpy(slot->path, name.c_str(), name.size() + 1);
  slot->used.store(true);
  slot_ = static_cast<int>(slot - slots.begin());
}

UnfinishedFile::~UnfinishedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (slot_ < 0) return;
  const EndingHeld hold;
  ::unlink(path_.c_str());
  release();
}

UnfinishedFile::UnfinishedFile(UnfinishedFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      slot_(std::exchange(other.slot_, -1)) {}

void UnfinishedFile::finish() {
  while (::fsync(descriptor_) != 0) {
    // The file system does not support it.
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) break;
    if (errno != EINTR) fail(errno);
  }
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(errno);
}

void UnfinishedFile::release() noexcept { slots[static_cast<std::size_t>(std::exchange(slot_, -1))].used.store(false); }

bool discard_unfinished_files() noexcept {
  int was = idle;
  if (!state.compare_exchange_strong(was, ending)) return false;
  for (const Slot& slot : slots) {
    if (slot.used.load()) ::unlink(slot.path);
  }
  return true;
}

}  // namespace alng::cli
