// Handles that can be judged: what a program passes in is looked up, never followed.
#ifndef ALNG_CANN_RUNTIME_REGISTRY_H
#define ALNG_CANN_RUNTIME_REGISTRY_H

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/fork.h"

namespace alng::cann {

/// The living objects of one kind. A handle is a number in a pointer's clothes: `tag` in its top byte, which no address
/// has there, and a count that is never used twice. So a handle of another kind, of a destroyed object or of nothing is
/// told for certain, where an address could meanwhile belong to another object. Objects are held by shared_ptr: one
/// that is destroyed while another thread works with it lives until that is done. In a child of fork it is empty.
template <class T>
class Registry final : public Forked {
 public:
  explicit Registry(std::uint8_t tag) : next_(static_cast<std::uint64_t>(tag) << 56) { join(); }

  void* add(std::shared_ptr<T> object) {
    const std::lock_guard lock(mutex_);
    next_ += 16;
    objects_.emplace(next_, std::move(object));
    return reinterpret_cast<void*>(next_);
  }

  /// Null where there is no such object.
  std::shared_ptr<T> find(const void* handle) const {
    const std::lock_guard lock(mutex_);
    return object_of(handle);
  }

  /// The same for several, under one lock.
  template <std::size_t n>
  void find(const void* const (&handles)[n], std::shared_ptr<T> (&found)[n]) const {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < n; ++i) found[i] = object_of(handles[i]);
  }

  /// Takes it out; null where there is no such object. Of several threads one gets it.
  std::shared_ptr<T> remove(const void* handle) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<T> object = object_of(handle);
    if (object != nullptr) objects_.erase(key_of(handle));
    return object;
  }

  /// Takes out all for which `condition(*object)` holds.
  template <class Condition>
  std::vector<std::shared_ptr<T>> remove_where(const Condition& condition) {
    std::vector<std::shared_ptr<T>> removed;
    const std::lock_guard lock(mutex_);
    for (auto at = objects_.begin(); at != objects_.end();) {
      if (condition(*at->second)) {
        removed.push_back(std::move(at->second));
        at = objects_.erase(at);
      } else {
        ++at;
      }
    }
    return removed;
  }

  template <class Condition>
  std::vector<std::shared_ptr<T>> find_where(const Condition& condition) const {
    std::vector<std::shared_ptr<T>> found;
    const std::lock_guard lock(mutex_);
    for (const auto& [handle, object] : objects_) {
      if (condition(*object)) found.push_back(object);
    }
    return found;
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return objects_.size();
  }

  void before_fork() override { mutex_.lock(); }
  void in_parent() override { mutex_.unlock(); }
  void in_child() override {
    inherited_.merge(objects_);
    mutex_.unlock();
  }

 private:
  static std::uint64_t key_of(const void* handle) { return reinterpret_cast<std::uint64_t>(handle); }
  // The lock is the caller's.
  std::shared_ptr<T> object_of(const void* handle) const {
    const auto found = objects_.find(key_of(handle));
    if (found != objects_.end()) return found->second;
    if (inherited_.count(key_of(handle)) > 0) note_inherited();
    return nullptr;
  }

  mutable std::mutex mutex_;
  std::uint64_t next_;
  std::unordered_map<std::uint64_t, std::shared_ptr<T>> objects_;
  // Kept for its keys; never touched, for other threads of the parent may have been in the middle of them.
  std::unordered_map<std::uint64_t, std::shared_ptr<T>> inherited_;
};

}  // namespace alng::cann

#endif
