#include "runtime/fork.h"

#include <pthread.h>

#include <atomic>

namespace alng::cann {
namespace {

std::atomic<Forked*> all = nullptr;
std::atomic<int> forks = 0;
thread_local bool met_inherited = false;
// What before_fork began with: others may join while the process forks.
thread_local Forked* first = nullptr;

}  // namespace

struct ForkHandlers {
  static void before_fork() {
    first = all.load();
    for (Forked* each = first; each != nullptr; each = each->next_) each->before_fork();
  }
  static void in_parent() {
    for (Forked* each = first; each != nullptr; each = each->next_) each->in_parent();
  }
  static void in_child() {
    forks.fetch_add(1);
    for (Forked* each = first; each != nullptr; each = each->next_) each->in_child();
  }
};

void Forked::join() {
  // Where there is no room for the handlers, fork is as without them.
  static const int handled =
      ::pthread_atfork(ForkHandlers::before_fork, ForkHandlers::in_parent, ForkHandlers::in_child);
  static_cast<void>(handled);
  next_ = all.load();
  while (!all.compare_exchange_weak(next_, this)) {
  }
}

int fork_count() noexcept { return forks.load(std::memory_order_relaxed); }

void note_inherited() noexcept { met_inherited = true; }
void clear_inherited() noexcept { met_inherited = false; }

const char* inherited_words() noexcept {
  return met_inherited
             ? " (it was made before fork, in the parent process; a child of fork may use what it makes itself "
               "after an aclrtSetDevice of its own)"
             : "";
}

}  // namespace alng::cann
