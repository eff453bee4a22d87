// What a child of fork must keep away from: all that its parent's runtime had made.
#ifndef ALNG_CANN_RUNTIME_FORK_H
#define ALNG_CANN_RUNTIME_FORK_H

#include <mutex>

namespace alng::cann {

/// State of the whole process that a child of fork does not share. Lives as long as the process. fork copies the memory
/// but only one thread, so in the child a lock may be held for ever, and no thread works streams off.
class Forked {
 public:
  Forked() = default;
  Forked(const Forked&) = delete;
  Forked& operator=(const Forked&) = delete;
  virtual ~Forked() = default;

  /// In the thread that forks, just before: takes locks that are held for moments only and under which no other is
  /// taken.
  virtual void before_fork() {}
  /// In the parent, afterwards: gives them back.
  virtual void in_parent() {}
  /// In the child: puts aside what was inherited, so that it is neither used nor destroyed; makes the locks new.
  virtual void in_child() = 0;

 protected:
  /// From now on the three are called; the last that a constructor does.
  void join();

 private:
  friend struct ForkHandlers;
  Forked* next_ = nullptr;
};

/// A lock that is free in a child of fork; what it guards is then as the parent had it. Lives as long as the process.
class ForkedMutex final : public Forked {
 public:
  ForkedMutex() { join(); }
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

  void before_fork() override { mutex_.lock(); }
  void in_parent() override { mutex_.unlock(); }
  void in_child() override { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// How many forks lie between this process and the first that used the runtime.
int fork_count() noexcept;

/// This thread's call met something that was made before fork; a refusal of it then says so.
void note_inherited() noexcept;
/// Forgets that, when a call begins.
void clear_inherited() noexcept;
/// What a refusal adds to its sentence; empty where nothing was met.
const char* inherited_words() noexcept;

}  // namespace alng::cann

#endif
