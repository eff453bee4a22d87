// Any bytes as a sequence of acl and aclnn calls, right ones and wrong ones, on tensors right and wrong. Each is done
// or refused with a known code and a message; nothing is touched outside of what the program allocated
// (AddressSanitizer looks on), and in the end everything can be given back.
#include <algorithm>
#include <cstdint>

#include "acl_world.h"
#include "check.h"

namespace {

using namespace alng::fuzz;  // NOLINT(google-build-using-namespace): this file is the target of that room

aclrtMemcpyKind kind_of(Bytes& bytes) { return static_cast<aclrtMemcpyKind>(bytes.below(6)); }

void* any_memory(Bytes& bytes, World& world) {
  switch (bytes.below(8)) {
    case 0:
      return world.plain.data();
    case 1:
      return world.host_memory.pick(bytes);
    default:
      return world.device_memory.pick(bytes);
  }
}

void memory_call(Bytes& bytes, World& world) {
  // Copies are of memory that lies in device blocks or in `plain`, whose size is known: a program's own memory cannot
  // be judged, and is not for a test to step over.
  const std::size_t count = bytes.one_in(16) ? static_cast<std::size_t>(bytes.any()) : bytes.below(48);
  const std::size_t most = bytes.one_in(8) ? bytes.below(48) : count;
  const bool sizes_known = count <= world.plain.size();
  void* const a = world.device_memory.pick(bytes);
  void* const b =
      bytes.one_in(2) && sizes_known ? static_cast<void*>(world.plain.data()) : world.device_memory.pick(bytes);
  const auto plain = static_cast<void*>(world.plain.data());
  switch (bytes.below(10)) {
    case 0: {
      void* memory = nullptr;
      const int code =
          aclrtMalloc(&memory, bytes.one_in(16) ? static_cast<std::size_t>(bytes.any()) : 48 + bytes.below(16),
                      static_cast<aclrtMemMallocPolicy>(bytes.below(8)));
      judge(code);
      if (code == 0) world.device_memory.add(memory);
      break;
    }
    case 1: {
      void* memory = nullptr;
      const int code = aclrtMallocHost(&memory, bytes.next());
      judge(code);
      if (code == 0) world.host_memory.add(memory);
      break;
    }
    case 2:
      judge(aclrtFree(any_memory(bytes, world)));
      break;
    case 3:
      judge(aclrtFreeHost(any_memory(bytes, world)));
      break;
    case 4:
      // From or to the host's side only where that side is `plain`.
      judge(aclrtMemcpy(a, most, b, count, b == plain ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_DEVICE));
      break;
    case 5:
      if (b == plain) judge(aclrtMemcpy(b, most, a, count, ACL_MEMCPY_DEVICE_TO_HOST));
      break;
    case 6: {
      const aclrtMemcpyKind kind = kind_of(bytes);
      if (kind == ACL_MEMCPY_HOST_TO_DEVICE || kind == ACL_MEMCPY_DEVICE_TO_DEVICE) {
        judge(aclrtMemcpyAsync(a, most, b == plain ? b : a, count, b == plain ? ACL_MEMCPY_HOST_TO_DEVICE : kind,
                               world.streams.pick(bytes)));
      }
      break;
    }
    case 7:
      judge(aclrtMemset(a, most, bytes.next(), count));
      break;
    case 8:
      judge(aclrtMemsetAsync(a, most, bytes.next(), count, world.streams.pick(bytes)));
      break;
    default: {
      std::size_t free = 0, total = 0;
      judge(aclrtGetMemInfo(static_cast<aclrtMemAttr>(bytes.below(10)), &free, &total));
      ALNG_FUZZ_CHECK(free <= total);
    }
  }
}

void stream_call(Bytes& bytes, World& world) {
  const aclrtStream stream = world.streams.pick(bytes);
  switch (bytes.below(8)) {
    case 0: {
      aclrtStream made = nullptr;
      if (world.streams.all().size() < 6) {
        judge(aclrtCreateStreamWithConfig(&made, static_cast<std::uint32_t>(bytes.below(9)), 0));
        world.streams.add(made);
      }
      break;
    }
    case 1:
      judge(world.may_hang || bytes.one_in(2) ? aclrtDestroyStreamForce(stream) : aclrtDestroyStream(stream));
      break;
    case 2:
      judge(aclrtSynchronizeStreamWithTimeout(stream, static_cast<int>(bytes.below(3)) - (world.may_hang ? 0 : 1)));
      break;
    case 3:
      if (!world.may_hang) judge(aclrtSynchronizeStream(stream));
      break;
    case 4:
      if (!world.may_hang) judge(aclrtSynchronizeDevice());
      break;
    default: {
      aclrtStreamStatus status;
      judge(aclrtStreamQuery(stream, &status));
    }
  }
}

void event_call(Bytes& bytes, World& world) {
  const aclrtEvent event = world.events.pick(bytes);
  switch (bytes.below(9)) {
    case 0: {
      aclrtEvent made = nullptr;
      judge(aclrtCreateEventWithFlag(&made, static_cast<std::uint32_t>(bytes.below(16))));
      world.events.add(made);
      break;
    }
    case 1:
      judge(aclrtDestroyEvent(event));
      break;
    case 2:
    case 3: {
      const int code = aclrtRecordEvent(event, world.streams.pick(bytes));
      judge(code);
      if (code == 0) world.recorded.insert(event);
      break;
    }
    case 4:
      judge(aclrtResetEvent(event, world.streams.pick(bytes)));
      world.recorded.erase(event);
      break;
    case 5: {
      const aclrtStream stream = world.streams.pick(bytes);
      const int code = aclrtStreamWaitEvent(stream, event);
      judge(code);
      if (code == 0 && world.recorded.count(event) == 0) world.may_hang = true;
      // Else the stream is seldom given the time to come to it.
      if (bytes.one_in(2)) judge(aclrtSynchronizeStreamWithTimeout(stream, world.may_hang ? 1 : -1));
      break;
    }
    case 6:
      if (!world.may_hang) judge(aclrtSynchronizeEvent(event));
      break;
    case 7: {
      float ms = 0;
      judge(aclrtEventElapsedTime(&ms, event, world.events.pick(bytes)));
      break;
    }
    default: {
      aclrtEventRecordedStatus status;
      judge(aclrtQueryEventStatus(event, &status));
      aclrtEventWaitStatus wait_status;
      judge(aclrtQueryEventWaitStatus(event, &wait_status));
    }
  }
}

void tensor_call(Bytes& bytes, World& world) {
  aclTensor* const tensor = world.tensors.pick(bytes);
  switch (bytes.below(8)) {
    case 0:
      make_tensor(bytes, world);
      static_cast<void>(aclGetRecentErrMsg());
      break;
    case 1:
      judge(aclDestroyTensor(tensor));
      break;
    case 2:
      judge(aclSetRawTensorAddr(tensor, any_memory(bytes, world)));
      break;
    case 3: {
      std::int64_t* dims = nullptr;
      std::uint64_t count = 0;
      const int code =
          bytes.one_in(2) ? aclGetViewShape(tensor, &dims, &count) : aclGetViewStrides(tensor, &dims, &count);
      judge(code);
      if (code == 0) delete[] dims;
      break;
    }
    case 4: {
      aclTensor* const pair[] = {tensor, world.tensors.pick(bytes)};
      world.lists.add(aclCreateTensorList(pair, 2));
      break;
    }
    case 5:
      judge(aclDestroyTensorList(world.lists.pick(bytes)));
      break;
    default: {
      void* address = nullptr;
      judge(aclGetRawTensorAddr(tensor, &address));
    }
  }
}

void first_phase(Bytes& bytes, World& world) {
  auto t = world.problem;
  if (bytes.one_in(8)) t[bytes.below(t.size())] = world.tensors.pick(bytes);
  aclOpExecutor* executor = nullptr;
  const int code = aclnnAddLayerNormGradGetWorkspaceSize(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9],
                                                         &world.workspace_size, &executor);
  judge(code);
  ALNG_FUZZ_CHECK((code == 0) == (executor != nullptr));
  world.executors.add(executor);
}

void second_phase(Bytes& bytes, World& world) {
  void* workspace = nullptr;
  const std::uint64_t size = bytes.one_in(16) ? bytes.next() : world.workspace_size;
  if (size > 0 && size <= 1 << 24) {
    const int code = aclrtMalloc(&workspace, size, ACL_MEM_MALLOC_HUGE_FIRST);
    judge(code);
    if (code == 0) world.device_memory.add(workspace);
  }
  if (bytes.one_in(32)) workspace = world.device_memory.pick(bytes);
  judge(aclnnAddLayerNormGrad(workspace, size, world.executors.pick(bytes), world.streams.pick(bytes)));
}

void executor_call(Bytes& bytes, World& world) {
  aclOpExecutor* const executor = world.executors.pick(bytes);
  aclTensor* const tensor = bytes.one_in(2) ? world.problem[bytes.below(10)] : world.tensors.pick(bytes);
  switch (bytes.below(6)) {
    case 0:
      judge(aclSetAclOpExecutorRepeatable(executor));
      break;
    case 1:
      judge(aclDestroyAclOpExecutor(executor));
      break;
    case 2:
      judge(aclSetInputTensorAddr(executor, bytes.below(9), tensor, any_memory(bytes, world)));
      break;
    case 3:
      judge(aclSetOutputTensorAddr(executor, bytes.below(5), tensor, any_memory(bytes, world)));
      break;
    case 4:
      judge(aclSetTensorAddr(executor, bytes.below(12), tensor, any_memory(bytes, world)));
      break;
    default:
      judge(aclSetDynamicTensorAddr(executor, 0, bytes.below(3), world.lists.pick(bytes), any_memory(bytes, world)));
  }
}

void process_call(Bytes& bytes, World& world) {
  switch (bytes.below(8)) {
    case 0:
      judge(aclrtSetDevice(static_cast<int>(bytes.below(3)) - 1));
      break;
    case 1:
      if (!world.may_hang) judge(aclrtResetDevice(static_cast<int>(bytes.below(2))));
      break;
    case 2: {
      aclrtContext context = nullptr;
      judge(aclrtCreateContext(&context, 0));
      world.contexts.add(context);
      break;
    }
    case 3:
      if (!world.may_hang) judge(aclrtDestroyContext(world.contexts.pick(bytes)));
      break;
    case 4:
      judge(aclrtSetCurrentContext(world.contexts.pick(bytes)));
      break;
    case 5:
      judge(aclrtCtxSetSysParamOpt(ACL_OPT_DETERMINISTIC, static_cast<std::int64_t>(bytes.below(5))));
      break;
    case 6:
      judge(bytes.one_in(2) ? aclInit(nullptr) : aclFinalize());
      break;
    default:
      judge(bytes.one_in(4) ? aclrtResetDeviceForce(0) : 0);
  }
}

void finish(World& world) {
  // First what may hang, by force.
  while (aclrtResetDeviceForce(0) == 0) {
  }
  for (aclrtStream stream : world.streams.all()) aclrtDestroyStreamForce(stream);
  for (aclrtEvent event : world.events.all()) aclrtDestroyEvent(event);
  for (aclrtContext context : world.contexts.all()) aclrtDestroyContext(context);
  for (aclTensorList* list : world.lists.all()) aclDestroyTensorList(list);
  for (aclTensor* tensor : world.tensors.all()) aclDestroyTensor(tensor);
  for (aclOpExecutor* executor : world.executors.all()) aclDestroyAclOpExecutor(executor);
  for (void* memory : world.host_memory.all()) aclrtFreeHost(memory);
  for (void* memory : world.device_memory.all()) aclrtFree(memory);
  aclrtSetDevice(0);
  std::size_t free = 0, total = 0;
  ALNG_FUZZ_CHECK(aclrtGetMemInfo(ACL_HBM_MEM, &free, &total) == 0);
  ALNG_FUZZ_CHECK(free == total);
  ALNG_FUZZ_CHECK(aclrtResetDevice(0) == 0);
  aclFinalize();
  static_cast<void>(aclGetRecentErrMsg());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes({data, size});
  World world;
  static_cast<void>(aclInit(nullptr));
  ALNG_FUZZ_CHECK(aclrtSetDevice(0) == 0);
  aclrtStream stream = nullptr;
  ALNG_FUZZ_CHECK(aclrtCreateStream(&stream) == 0);
  world.streams.add(stream);
  static_cast<void>(aclGetRecentErrMsg());
  for (int calls = 0; calls < 200 && !bytes.empty(); ++calls) {
    switch (bytes.below(16)) {
      case 0:
      case 1:
        make_problem(bytes, world);
        first_phase(bytes, world);
        second_phase(bytes, world);
        break;
      case 2:
        first_phase(bytes, world);
        break;
      case 3:
      case 4:
        second_phase(bytes, world);
        break;
      case 5:
      case 6:
        executor_call(bytes, world);
        break;
      case 7:
      case 8:
        memory_call(bytes, world);
        break;
      case 9:
      case 10:
        stream_call(bytes, world);
        break;
      case 11:
      case 12:
        event_call(bytes, world);
        break;
      case 13:
      case 14:
        tensor_call(bytes, world);
        break;
      default:
        process_call(bytes, world);
    }
  }
  finish(world);
  return 0;
}
