// Handles that can be judged: what a program passes in is looked up, never followed.
#ifndef ALNG_CANN_RUNTIME_REGISTRY_H
#define ALNG_CANN_RUNTIME_REGISTRY_H

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace alng::cann {

/// The living objects of one kind. A handle is a number in a pointer's clothes: `tag` in its top byte, which no address
/// has there, and a count that is never used twice. So a handle of another kind, of a destroyed object or of nothing is
/// told for certain, where an address could meanwhile belong to another object. Objects are held by shared_ptr: one
/// that is destroyed while another thread works with it lives until that is done.
template <class T>
class Registry {
 public:
  explicit Registry(std::uint8_t tag) : next_(static_cast<std::uint64_t>(tag) << 56) {}

  void* add(std::shared_ptr<T> object) {
    const std::lock_guard lock(mutex_);
    next_ += 16;
    objects_.emplace(next_, std::move(object));
    return reinterpret_cast<void*>(next_);
  }

  /// Null where there is no such object.
  std::shared_ptr<T> find(const void* handle) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(reinterpret_cast<std::uint64_t>(handle));
    return found == objects_.end() ? nullptr : found->second;
  }

  /// The same for several, under one lock.
  template <std::size_t n>
  void find(const void* const (&handles)[n], std::shared_ptr<T> (&found)[n]) const {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < n; ++i) {
      const auto at = objects_.find(reinterpret_cast<std::uint64_t>(handles[i]));
      if (at != objects_.end()) found[i] = at->second;
    }
  }

  /// Takes it out; null where there is no such object. Of several threads one gets it.
  std::shared_ptr<T> remove(const void* handle) {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(reinterpret_cast<std::uint64_t>(handle));
    if (found == objects_.end()) return nullptr;
    std::shared_ptr<T> object = std::move(found->second);
    objects_.erase(found);
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

 private:
  mutable std::mutex mutex_;
  std::uint64_t next_;
  std::unordered_map<std::uint64_t, std::shared_ptr<T>> objects_;
};

}  // namespace alng::cann

#endif
