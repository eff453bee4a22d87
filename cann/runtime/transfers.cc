// The C functions of memory: allocate, copy, fill.
#include <cstring>

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
      return invalid(std::string(function) + ": kind is " + std::to_string(kind) + " but must be 0 to 4");
    }
    if (count > dst_max) {
      return invalid(std::string(function) + ": count is " + std::to_string(count) + " but must be at most destMax, " +
                     std::to_string(dst_max));
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
    return invalid(std::string(function) + ": " + name + " " + memory().words(pointer) + ", but all " +
                   std::to_string(count) + " bytes must be memory of the " + (of_device ? "device" : "host"));
  }

  void let_go() { of_src = of_dst = nullptr; }

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
      return invalid(std::string(function) + ": count is " + std::to_string(count) + " but must be at most maxCount, " +
                     std::to_string(most));
    }
    return hold();
  }

  Answer hold() {
    block = memory().holding(pointer, count, device);
    if (block != nullptr) return {};
    return invalid(std::string(function) + ": devPtr " + memory().words(pointer) + ", but all " +
                   std::to_string(count) + " bytes must be memory of the device");
  }

  void let_go() { block = nullptr; }

  Answer run() {
    std::memset(pointer, value, count);
    let_go();
    return {};
  }
};

// A copy or fill as work of a stream. Memory that is freed before its turn is an error then.
template <class Transfer>
class TransferWork final : public Work {
 public:
  explicit TransferWork(const Transfer& transfer) : transfer_(transfer) {}
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
  if (stream->submit(std::make_unique<TransferWork<Transfer>>(transfer))) return {};
  return invalid(std::string(transfer.function) + ": stream is being destroyed");
}

Answer allocate(const char* function, void** pointer, std::size_t size, int policy) {
  if (pointer == nullptr) return null_pointer(function, "devPtr");
  if (policy < ACL_MEM_MALLOC_HUGE_FIRST || policy > ACL_MEM_MALLOC_HUGE1G_ONLY_P2P) {
    return invalid(std::string(function) + ": policy is " + std::to_string(policy) + " but must be 0 to 7");
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
      return invalid("aclrtGetMemInfo: attr is " + std::to_string(attr) + " but must be 0 to 9");
    }
    std::shared_ptr<Context> context;
    if (Answer answer = current_context("aclrtGetMemInfo", context); !answer.ok()) return answer;
    *total = Memory::total();
    *free = *total - std::min(*total, memory().used(context->device()));
    return {};
  });
}

}  // extern "C"
