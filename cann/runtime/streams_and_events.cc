// The C functions of streams and events.
#include "runtime/device.h"
#include "runtime/event.h"

namespace alng::cann {
namespace {

Answer create_stream(const char* function, aclrtStream* handle) {
  if (handle == nullptr) return null_pointer(function, "stream");
  std::shared_ptr<Context> context;
  void* own = nullptr;
  if (Answer answer = current_context(function, context, &own); !answer.ok()) return answer;
  *handle = streams().add(std::make_shared<Stream>(context->device(), own));
  return {};
}

Answer destroy_stream(const char* function, aclrtStream handle, bool force) {
  if (handle == nullptr) return null_pointer(function, "stream");
  if (const auto found = streams().find(handle); found != nullptr && found->runs_here() && !force) {
    return {
        ACL_ERROR_RT_STREAM_CONTEXT, Kind::value,
        std::string(function) + ": a host function destroys the stream that it runs in, whose end would take for ever"};
  }
  const std::shared_ptr<Stream> stream = streams().remove(handle);
  if (stream == nullptr) return no_stream(function);
  return stream->close(force ? "its stream was destroyed by force" : nullptr);
}

class HostFunction final : public Work {
 public:
  HostFunction(aclrtHostFunc function, void* arguments) : function_(function), arguments_(arguments) {}
  bool may_block() const override { return true; }
  Answer run() override {
    function_(arguments_);
    return {};
  }

 private:
  aclrtHostFunc function_;
  void* arguments_;
};

Answer synchronize(const char* function, aclrtStream handle, int timeout) {
  std::shared_ptr<Stream> stream;
  if (Answer answer = find_stream(function, handle, stream); !answer.ok()) return answer;
  return stream->synchronize(timeout);
}

Answer create_event(const char* function, aclrtEvent* handle, std::uint32_t flag) {
  constexpr std::uint32_t known = ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE;
  if (handle == nullptr) return null_pointer(function, "event");
  if (flag == 0 || (flag & ~known) != 0) return invalid(wrong_number(function, "flag", flag, "a sum of 1, 2 and 8"));
  std::shared_ptr<Context> context;
  if (Answer answer = current_context(function, context); !answer.ok()) return answer;
  *handle = events().add(std::make_shared<Event>((flag & ACL_EVENT_TIME_LINE) != 0));
  return {};
}

Answer find_event(const char* function, const char* name, aclrtEvent handle, std::shared_ptr<Event>& event) {
  if (handle == nullptr) return null_pointer(function, name);
  event = events().find(handle);
  if (event != nullptr) return {};
  return no_handle(function, name, "aclrtCreateEvent");
}

// For the calls of an event and a stream.
template <class Call>
Answer with_both(const char* function, aclrtEvent event_handle, aclrtStream stream_handle, Call&& call) {
  std::shared_ptr<Event> event;
  if (Answer answer = find_event(function, "event", event_handle, event); !answer.ok()) return answer;
  std::shared_ptr<Stream> stream;
  if (Answer answer = find_stream(function, stream_handle, stream); !answer.ok()) return answer;
  return call(*event, stream);
}

}  // namespace
}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclError aclrtCreateStream(aclrtStream* stream) {
  return guarded([&] { return create_stream("aclrtCreateStream", stream); });
}

aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t priority, uint32_t) {
  return guarded([&]() -> Answer {
    if (priority > 7) return invalid(wrong_number("aclrtCreateStreamWithConfig", "priority", priority, "0 to 7"));
    return create_stream("aclrtCreateStreamWithConfig", stream);
  });
}

aclError aclrtDestroyStream(aclrtStream stream) {
  return guarded([&] { return destroy_stream("aclrtDestroyStream", stream, false); });
}

aclError aclrtDestroyStreamForce(aclrtStream stream) {
  return guarded([&] { return destroy_stream("aclrtDestroyStreamForce", stream, true); });
}

aclError aclrtSynchronizeStream(aclrtStream stream) {
  return guarded([&] { return synchronize("aclrtSynchronizeStream", stream, -1); });
}

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
  return guarded([&]() -> Answer {
    if (timeout < -1) {
      return invalid(
          wrong_number("aclrtSynchronizeStreamWithTimeout", "timeout", timeout, "at least 0, or -1 for none"));
    }
    return synchronize("aclrtSynchronizeStreamWithTimeout", stream, timeout);
  });
}

aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus* status) {
  return guarded([&]() -> Answer {
    if (status == nullptr) return null_pointer("aclrtStreamQuery", "status");
    std::shared_ptr<Stream> found;
    if (Answer answer = find_stream("aclrtStreamQuery", stream, found); !answer.ok()) return answer;
    *status = found->idle() ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY;
    return {};
  });
}

aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode) {
  return guarded([&]() -> Answer {
    constexpr const char* function = "aclrtSetStreamFailureMode";
    if (mode != ACL_CONTINUE_ON_FAILURE && mode != ACL_STOP_ON_FAILURE) {
      return invalid(wrong_number(function, "mode", mode, "0 or 1"));
    }
    std::shared_ptr<Stream> found;
    if (Answer answer = find_stream(function, stream, found); !answer.ok()) return answer;
    found->stop_on_failure(mode == ACL_STOP_ON_FAILURE);
    return {};
  });
}

aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc fn, void* args) {
  return guarded([&]() -> Answer {
    constexpr const char* function = "aclrtLaunchHostFunc";
    if (fn == nullptr) return null_pointer(function, "fn");
    std::shared_ptr<Stream> found;
    if (Answer answer = find_stream(function, stream, found); !answer.ok()) return answer;
    return found->submit(std::make_unique<HostFunction>(fn, args)) ? Answer{} : no_stream(function);
  });
}

aclError aclrtSynchronizeDevice(void) {
  return guarded([&]() -> Answer {
    std::shared_ptr<Context> context;
    if (Answer answer = current_context("aclrtSynchronizeDevice", context); !answer.ok()) return answer;
    Answer first;
    for (const auto& stream :
         streams().find_where([&](const Stream& candidate) { return candidate.device() == context->device(); })) {
      Answer answer = stream->synchronize(-1);
      if (first.ok()) first = std::move(answer);
    }
    return first;
  });
}

aclError aclrtCreateEvent(aclrtEvent* event) {
  return guarded([&] { return create_event("aclrtCreateEvent", event, ACL_EVENT_SYNC | ACL_EVENT_TIME_LINE); });
}

aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag) {
  return guarded([&] { return create_event("aclrtCreateEventWithFlag", event, flag); });
}

aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag) {
  return guarded([&] { return create_event("aclrtCreateEventExWithFlag", event, flag); });
}

aclError aclrtDestroyEvent(aclrtEvent event) {
  return guarded([&]() -> Answer {
    std::shared_ptr<Event> found;
    if (Answer answer = find_event("aclrtDestroyEvent", "event", event, found); !answer.ok()) return answer;
    if (events().remove(event) != nullptr) found->destroy();
    return {};
  });
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) {
  return guarded([&] {
    return with_both("aclrtRecordEvent", event, stream,
                     [](Event& found, const std::shared_ptr<Stream>& in) { return found.record(*in); });
  });
}

aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream) {
  return guarded([&] {
    return with_both("aclrtResetEvent", event, stream, [](Event& found, const std::shared_ptr<Stream>&) {
      found.reset();
      return Answer{};
    });
  });
}

aclError aclrtSynchronizeEvent(aclrtEvent event) {
  return guarded([&]() -> Answer {
    std::shared_ptr<Event> found;
    if (Answer answer = find_event("aclrtSynchronizeEvent", "event", event, found); !answer.ok()) return answer;
    return found->synchronize();
  });
}

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus* status) {
  return guarded([&]() -> Answer {
    if (status == nullptr) return null_pointer("aclrtQueryEventStatus", "status");
    std::shared_ptr<Event> found;
    if (Answer answer = find_event("aclrtQueryEventStatus", "event", event, found); !answer.ok()) return answer;
    bool complete = false;
    Answer answer = found->complete(complete);
    *status = complete ? ACL_EVENT_RECORDED_STATUS_COMPLETE : ACL_EVENT_RECORDED_STATUS_NOT_READY;
    return answer;
  });
}

aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus* status) {
  return guarded([&]() -> Answer {
    if (status == nullptr) return null_pointer("aclrtQueryEventWaitStatus", "status");
    std::shared_ptr<Event> found;
    if (Answer answer = find_event("aclrtQueryEventWaitStatus", "event", event, found); !answer.ok()) return answer;
    *status = found->all_waits_done() ? ACL_EVENT_WAIT_STATUS_COMPLETE : ACL_EVENT_WAIT_STATUS_NOT_READY;
    return {};
  });
}

aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event) {
  return guarded([&] {
    return with_both("aclrtStreamWaitEvent", event, stream,
                     [](Event& found, const std::shared_ptr<Stream>& in) { return found.wait_in(in); });
  });
}

aclError aclrtEventElapsedTime(float* ms, aclrtEvent startEvent, aclrtEvent endEvent) {
  return guarded([&]() -> Answer {
    if (ms == nullptr) return null_pointer("aclrtEventElapsedTime", "ms");
    std::shared_ptr<Event> start;
    std::shared_ptr<Event> end;
    if (Answer answer = find_event("aclrtEventElapsedTime", "startEvent", startEvent, start); !answer.ok())
      return answer;
    if (Answer answer = find_event("aclrtEventElapsedTime", "endEvent", endEvent, end); !answer.ok()) return answer;
    return Event::elapsed(*start, *end, ms);
  });
}

}  // extern "C"
