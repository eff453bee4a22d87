// The C functions of memory: allocate, copy, fill.
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/device.h"
#include "runtime/memory.h"

namespace alng::cann {
namespace {

bool reads_device(aclrtMemcpyKind kind) {
  return kind == ACL_MEMCPY_DEVICE_TO_HOST || kind == ACL_MEMCPY_DEVICE_TO_DEVICE;
}
bool writes_device(aclrtMemcpyKind kind) {
  return kind == ACL_MEMCPY_HOST_TO_DEVICE || kind == ACL_MEMCPY_DEVICE_TO_DEVICE;
}

struct Copy {
  const char* function;
  void* dst;
  std::size_t dst_max;
  const void* src;
  std::size_t count;
  aclrtMemcpyKind kind;
  int device;

  // What it touches on the device, held while it runs.
  std::shared_ptr<Block> of_src;
  std::shared_ptr<Block> of_dst;

  Answer check() {
    if (dst == nullptr) return null_pointer(function, "dst");
    if (src == nullptr) return null_pointer(function, "src");
    if (kind < ACL_MEMCPY_HOST_TO_HOST || kind > ACL_MEMCPY_DEFAULT) {
      return invalid(wrong_number(function, "kind", kind, "0 to 4"));
    }
    if (count > dst_max) {
      return invalid(wrong_number(function, "count", count, "at most destMax, " + std::to_string(dst_max)));
    }
    if (kind == ACL_MEMCPY_DEFAULT) {
      const bool from = memory().touches_device(src, count);
      const bool to = memory().touches_device(dst, count);
      kind = from ? (to ? ACL_MEMCPY_DEVICE_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_HOST)
                  : (to ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_HOST_TO_HOST);
    }
    return hold();
  }

  Answer hold() {
    if (Answer answer = side("src", src, reads_device(kind), of_src); !answer.ok()) return answer;
    return side("dst", dst, writes_device(kind), of_dst);
  }

  Answer side(const char* name, const void* pointer, bool of_device, std::shared_ptr<Block>& block) const {
    if (of_device) {
      block = memory().holding(pointer, count, device);
      if (block != nullptr) return {};
    } else if (!memory().touches_device(pointer, count)) {
      return {};
    }
    return not_so(std::string(function) + ": " + name + " " + memory().words(pointer) + ", but all " +
                  std::to_string(count) + " bytes must be memory of the " + (of_device ? "device" : "host"));
  }

  void let_go() { of_src = of_dst = nullptr; }

  // Whether it touches memory of the host that is not aclrtMallocHost's.
  bool is_pageable() const {
    const auto pageable = [this](const void* pointer, bool of_device) {
      return !of_device && memory().holding(pointer, count, host) == nullptr;
    };
    return count > 0 && (pageable(src, reads_device(kind)) || pageable(dst, writes_device(kind)));
  }

  Answer run() {
    // Either may be part of the other.
    std::memmove(dst, src, count);
    let_go();
    return {};
  }
};

struct Fill {
  const char* function;
  void* pointer;
  std::size_t most;
  std::int32_t value;
  std::size_t count;
  int device;
  std::shared_ptr<Block> block;

  Answer check() {
    if (pointer == nullptr) return null_pointer(function, "devPtr");
    if (count > most) {
      return invalid(wrong_number(function, "count", count, "at most maxCount, " + std::to_string(most)));
    }
    return hold();
  }

  Answer hold() {
    block = memory().holding(pointer, count, device);
    if (block != nullptr) return {};
    return not_so(std::string(function) + ": devPtr " + memory().words(pointer) + ", but all " + std::to_string(count) +
                  " bytes must be memory of the device");
  }

  void let_go() { block = nullptr; }

  bool is_pageable() const { return false; }

  Answer run() {
    std::memset(pointer, value, count);
    let_go();
    return {};
  }
};

// Copies of which all are judged before the first is made.
struct Batch {
  const char* function;
  std::vector<Copy> copies;
  int device;
  std::size_t* fail_index;  // receives the number of the copy that is refused

  Answer check() {
    return each([this](Copy& copy) {
      copy.device = device;
      return copy.check();
    });
  }
  Answer hold() {
    return each([](Copy& copy) { return copy.hold(); });
  }
  void let_go() {
    for (Copy& copy : copies) copy.let_go();
  }
  bool is_pageable() const {
    return std::any_of(copies.begin(), copies.end(), [](const Copy& copy) { return copy.is_pageable(); });
  }
  Answer run() {
    return each([](Copy& copy) { return copy.run(); });
  }

 private:
  template <class Call>
  Answer each(const Call& call) {
    for (std::size_t i = 0; i < copies.size(); ++i) {
      Answer answer = call(copies[i]);
      if (answer.ok()) continue;
      if (fail_index != nullptr) *fail_index = i;
      answer.sentence += " (copy " + std::to_string(i) + " of " + std::to_string(copies.size()) + ")";
      return answer;
    }
    return {};
  }
};

// Where one side of a copy is, as its attribute says.
Answer check_location(const char* function, std::size_t attribute, const char* side, const aclrtMemLocation& at) {
  const std::string name = "attrs[" + std::to_string(attribute) + "]." + side;
  if (at.type == ACL_MEM_LOCATION_TYPE_HOST) return {};
  if (at.type == ACL_MEM_LOCATION_TYPE_DEVICE) return check_device(function, name + ".id", at.id);
  return invalid(wrong_number(function, name + ".type", at.type, "0, the host, or 1, a device"));
}

aclrtMemcpyKind kind_of(const aclrtMemcpyBatchAttr& attribute) {
  const bool to_device = attribute.dstLoc.type == ACL_MEM_LOCATION_TYPE_DEVICE;
  if (attribute.srcLoc.type == ACL_MEM_LOCATION_TYPE_DEVICE) {
    return to_device ? ACL_MEMCPY_DEVICE_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_HOST;
  }
  return to_device ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_HOST_TO_HOST;
}

Answer make_batch(Batch& batch, void** dsts, const std::size_t* dst_most, void** srcs, const std::size_t* sizes,
                  std::size_t count, const aclrtMemcpyBatchAttr* attributes, const std::size_t* begins,
                  std::size_t attribute_count) {
  const std::pair<const char*, const void*> arrays[] = {
      {"dsts", dsts},           {"destMaxs", dst_most},         {"srcs", srcs}, {"sizes", sizes}, {"attrs", attributes},
      {"attrsIndexes", begins}, {"failIndex", batch.fail_index}};
  for (const auto& [name, array] : arrays) {
    if (array == nullptr) return null_pointer(batch.function, name);
  }
  *batch.fail_index = SIZE_MAX;
  const char* const function = batch.function;
  if (count == 0) return invalid(std::string(function) + ": numBatches is 0 but must be at least 1");
  if (attribute_count == 0 || attribute_count > count) {
    return invalid(wrong_number(function, "numAttrs", attribute_count, "1 to numBatches, " + std::to_string(count)));
  }
  for (std::size_t k = 0; k < attribute_count; ++k) {
    const std::size_t least = k == 0 ? 0 : begins[k - 1] + 1;
    if (begins[k] < least || begins[k] >= count || (k == 0 && begins[k] != 0)) {
      return invalid(std::string(function) + ": attrsIndexes[" + std::to_string(k) + "] is " +
                     std::to_string(begins[k]) + " but must begin with 0 and rise, below numBatches, " +
                     std::to_string(count));
    }
    if (Answer answer = check_location(batch.function, k, "dstLoc", attributes[k].dstLoc); !answer.ok()) return answer;
    if (Answer answer = check_location(batch.function, k, "srcLoc", attributes[k].srcLoc); !answer.ok()) return answer;
  }
  std::size_t k = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (k + 1 < attribute_count && begins[k + 1] == i) ++k;
    batch.copies.push_back(
        {batch.function, dsts[i], dst_most[i], srcs[i], sizes[i], kind_of(attributes[k]), 0, {}, {}});
  }
  return {};
}

// A copy or fill as work of a stream. Memory that is freed before its turn is an error then.
template <class Transfer>
class TransferWork final : public Work {
 public:
  explicit TransferWork(Transfer transfer) : transfer_(std::move(transfer)) {}
  Answer run() override {
    if (Answer answer = transfer_.hold(); !answer.ok()) {
      return {ACL_ERROR_RT_FAILURE, answer.kind, std::move(answer.sentence)};
    }
    return transfer_.run();
  }

 private:
  Transfer transfer_;
};

template <class Transfer>
Answer now(Transfer transfer) {
  std::shared_ptr<Context> context;
  if (Answer answer = current_context(transfer.function, context); !answer.ok()) return answer;
  transfer.device = context->device();
  if (Answer answer = transfer.check(); !answer.ok()) return answer;
  return transfer.run();
}

template <class Transfer>
Answer later(Transfer transfer, aclrtStream handle) {
  std::shared_ptr<Stream> stream;
  if (Answer answer = find_stream(transfer.function, handle, stream); !answer.ok()) return answer;
  transfer.device = stream->device();
  if (Answer answer = transfer.check(); !answer.ok()) return answer;
  transfer.let_go();
  // As the vendor has it: the program may use such memory for something else when the call has returned.
  const bool waits = transfer.is_pageable();
  if (waits && stream->runs_here()) return stream->waits_for_itself();
  if constexpr (std::is_same_v<Transfer, Batch>) transfer.fail_index = nullptr;  // may be gone when it runs
  const char* const function = transfer.function;
  if (!stream->submit(std::make_unique<TransferWork<Transfer>>(std::move(transfer)))) return no_stream(function);
  if (waits) stream->wait();
  return {};
}

Answer allocate(const char* function, void** pointer, std::size_t size, int policy) {
  if (pointer == nullptr) return null_pointer(function, "devPtr");
  if (policy < ACL_MEM_MALLOC_HUGE_FIRST || policy > ACL_MEM_MALLOC_HUGE1G_ONLY_P2P) {
    return invalid(wrong_number(function, "policy", policy, "0 to 7"));
  }
  std::shared_ptr<Context> context;
  if (Answer answer = current_context(function, context); !answer.ok()) return answer;
  return memory().allocate(function, size, context->device(), pointer);
}

}  // namespace
}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclError aclrtMalloc(void** devPtr, size_t size, aclrtMemMallocPolicy policy) {
  return guarded([&] { return allocate("aclrtMalloc", devPtr, size, policy); });
}

aclError aclrtMallocAlign32(void** devPtr, size_t size, aclrtMemMallocPolicy policy) {
  return guarded([&] { return allocate("aclrtMallocAlign32", devPtr, size, policy); });
}

aclError aclrtMallocCached(void** devPtr, size_t size, aclrtMemMallocPolicy policy) {
  return guarded([&] { return allocate("aclrtMallocCached", devPtr, size, policy); });
}

aclError aclrtFree(void* devPtr) {
  return guarded([&] { return memory().release("aclrtFree", devPtr, false); });
}

aclError aclrtMallocHost(void** hostPtr, size_t size) {
  return guarded([&]() -> Answer {
    if (hostPtr == nullptr) return null_pointer("aclrtMallocHost", "hostPtr");
    std::shared_ptr<Context> context;
    if (Answer answer = current_context("aclrtMallocHost", context); !answer.ok()) return answer;
    return memory().allocate("aclrtMallocHost", size, host, hostPtr);
  });
}

aclError aclrtFreeHost(void* hostPtr) {
  return guarded([&] { return memory().release("aclrtFreeHost", hostPtr, true); });
}

aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind) {
  return guarded([&] { return now(Copy{"aclrtMemcpy", dst, destMax, src, count, kind, 0, {}, {}}); });
}

aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind,
                          aclrtStream stream) {
  return guarded([&] { return later(Copy{"aclrtMemcpyAsync", dst, destMax, src, count, kind, 0, {}, {}}, stream); });
}

aclError aclrtMemcpyBatch(void** dsts, size_t* destMaxs, void** srcs, size_t* sizes, size_t numBatches,
                          aclrtMemcpyBatchAttr* attrs, size_t* attrsIndexes, size_t numAttrs, size_t* failIndex) {
  return guarded([&]() -> Answer {
    Batch batch{"aclrtMemcpyBatch", {}, 0, failIndex};
    Answer answer = make_batch(batch, dsts, destMaxs, srcs, sizes, numBatches, attrs, attrsIndexes, numAttrs);
    return answer.ok() ? now(std::move(batch)) : answer;
  });
}

aclError aclrtMemcpyBatchAsync(void** dsts, size_t* destMaxs, void** srcs, size_t* sizes, size_t numBatches,
                               aclrtMemcpyBatchAttr* attrs, size_t* attrsIndexes, size_t numAttrs, size_t* failIndex,
                               aclrtStream stream) {
  return guarded([&]() -> Answer {
    Batch batch{"aclrtMemcpyBatchAsync", {}, 0, failIndex};
    Answer answer = make_batch(batch, dsts, destMaxs, srcs, sizes, numBatches, attrs, attrsIndexes, numAttrs);
    return answer.ok() ? later(std::move(batch), stream) : answer;
  });
}

aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count) {
  return guarded([&] { return now(Fill{"aclrtMemset", devPtr, maxCount, value, count, 0, {}}); });
}

aclError aclrtMemsetAsync(void* devPtr, size_t maxCount, int32_t value, size_t count, aclrtStream stream) {
  return guarded([&] { return later(Fill{"aclrtMemsetAsync", devPtr, maxCount, value, count, 0, {}}, stream); });
}

aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t* free, size_t* total) {
  return guarded([&]() -> Answer {
    if (free == nullptr) return null_pointer("aclrtGetMemInfo", "free");
    if (total == nullptr) return null_pointer("aclrtGetMemInfo", "total");
    if (attr < ACL_DDR_MEM || attr > ACL_HBM_MEM_P2P_NORMAL) {
      return invalid(wrong_number("aclrtGetMemInfo", "attr", attr, "0 to 9"));
    }
    std::shared_ptr<Context> context;
    if (Answer answer = current_context("aclrtGetMemInfo", context); !answer.ok()) return answer;
    *total = Memory::total();
    *free = *total - std::min(*total, memory().used(context->device()));
    return {};
  });
}

}  // extern "C"
