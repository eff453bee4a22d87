// What a sequence of acl and aclnn calls has made so far, and what it may reach for: living objects, destroyed ones,
// null, objects of another kind, plain addresses.
#ifndef ALNG_FUZZ_ACL_WORLD_H
#define ALNG_FUZZ_ACL_WORLD_H

#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_add_layer_norm_grad.h"
#include "bytes.h"

namespace alng::fuzz {

/// Handles of one kind: all that were ever made. Destroyed ones stay in reach.
template <class Handle>
class Pool {
 public:
  void add(Handle handle) {
    if (handle != nullptr) made_.push_back(handle);
  }
  const std::vector<Handle>& all() const { return made_; }
  /// One of the latest 8; now and then null or an address that is no handle.
  Handle pick(Bytes& bytes) const {
    if (bytes.one_in(64)) return nullptr;
    if (bytes.one_in(64)) return reinterpret_cast<Handle>(static_cast<std::uintptr_t>(bytes.next()) << 4);
    if (made_.empty()) return nullptr;
    const std::size_t reach = made_.size() < 8 ? made_.size() : 8;
    return made_[made_.size() - 1 - bytes.below(reach)];
  }

 private:
  std::vector<Handle> made_;
};

struct World {
  Pool<aclrtStream> streams;
  Pool<aclrtEvent> events;
  Pool<aclrtContext> contexts;
  Pool<void*> device_memory;
  Pool<void*> host_memory;
  Pool<aclTensor*> tensors;
  Pool<aclOpExecutor*> executors;
  Pool<aclTensorList*> lists;
  /// The tensors of the latest problem, in the order of the operator's parameters; null where it has none.
  std::array<aclTensor*, 10> problem{};
  /// What the latest first phase asked for.
  std::uint64_t workspace_size = 0;
  /// Events that were recorded and not reset since.
  std::set<aclrtEvent> recorded;
  /// A stream may wait for a record that never comes: calls that wait without end are left out from now on.
  bool may_hang = false;
  std::vector<char> plain = std::vector<char>(4096);
};

/// A problem of small random shapes, mostly valid, in memory of its own.
void make_problem(Bytes& bytes, World& world);
/// A tensor of anything.
aclTensor* make_tensor(Bytes& bytes, World& world);

/// `code` is one that the interface has, and one that is not 0 comes with a message.
void judge(int code);

}  // namespace alng::fuzz

#endif
