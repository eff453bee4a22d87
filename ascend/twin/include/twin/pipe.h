// TPipe, TQue and TBuf: who gets which part of UB, and the order that queues bring with them.
#ifndef ALNG_ASCEND_TWIN_PIPE_H
#define ALNG_ASCEND_TWIN_PIPE_H

#include "machine/queue.h"
#include "twin/events.h"
#include "twin/tensor.h"

// NOLINTBEGIN(readability-identifier-naming): CANN's names.
namespace AscendC {

class TPipe;
template <TPosition position, std::int32_t depth>
class TQue;
template <TPosition position>
class TBuf;

inline thread_local TPipe* twin_pipe = nullptr;

class TPipe {
 public:
  explicit TPipe(const Where where = Where::current()) : memory_(alng::twin::Core::current(), where) {
    twin_pipe = this;
  }
  ~TPipe() {
    if (twin_pipe == this) twin_pipe = nullptr;
  }
  TPipe(const TPipe&) = delete;
  TPipe& operator=(const TPipe&) = delete;

  template <TPosition position, std::int32_t depth>
  bool InitBuffer(TQue<position, depth>& queue, std::uint8_t number, std::uint32_t bytes,
                  const Where where = Where::current()) {
    constexpr bool in = position == TPosition::VECIN;
    queue.state_ = memory_.add_queue(number, bytes, depth, in ? alng::twin::Pipe::mte2 : alng::twin::Pipe::vector,
                                     in ? alng::twin::Pipe::vector : alng::twin::Pipe::mte3,
                                     static_cast<int>(in ? HardEvent::MTE2_V : HardEvent::V_MTE3),
                                     static_cast<int>(in ? HardEvent::V_MTE2 : HardEvent::MTE3_V), where);
    return true;
  }
  template <TPosition position>
  bool InitBuffer(TBuf<position>& buffer, std::uint32_t bytes, const Where where = Where::current()) {
    buffer.region_ = memory_.add_buffer(bytes, where);
    return true;
  }
  void Reset(const Where where = Where::current()) { memory_.reset(where); }
  void Destroy(const Where where = Where::current()) { memory_.reset(where); }

  TEventID FetchEventID(HardEvent event, const Where where = Where::current()) { return event_id(event, false, where); }
  template <HardEvent event>
  TEventID FetchEventID(const Where where = Where::current()) {
    return event_id(event, false, where);
  }
  template <HardEvent event>
  TEventID AllocEventID(const Where where = Where::current()) {
    return event_id(event, true, where);
  }
  template <HardEvent event>
  void ReleaseEventID(TEventID id, const Where where = Where::current()) {
    alng::twin::Core::current().give_back_event_id(static_cast<int>(event), id, where);
  }

 private:
  TEventID event_id(HardEvent event, bool take, const Where& where) {
    return static_cast<TEventID>(memory_.event_id(static_cast<int>(event), take, where));
  }

  alng::twin::PipeMemory memory_;
};

template <TPosition position, std::int32_t depth>
class TQue {
 public:
  template <typename T>
  LocalTensor<T> AllocTensor(const Where where = Where::current()) {
    return twin_tensor<T>(state(where).alloc(where));
  }
  template <typename T>
  void FreeTensor(const LocalTensor<T>& tensor, const Where where = Where::current()) {
    state(where).free(tensor.twin_offset(), where);
  }
  template <typename T>
  bool EnQue(const LocalTensor<T>& tensor, const Where where = Where::current()) {
    state(where).enqueue(tensor.twin_offset(), where);
    return true;
  }
  template <typename T>
  LocalTensor<T> DeQue(const Where where = Where::current()) {
    return twin_tensor<T>(state(where).dequeue(where));
  }

 private:
  friend class TPipe;
  alng::twin::QueueState& state(const Where& where) {
    if (state_ == nullptr) {
      alng::twin::Core::current().give_up(alng::twin::Check::queue, where, "the queue is used before InitBuffer");
    }
    return *state_;
  }
  template <typename T>
  static LocalTensor<T> twin_tensor(alng::twin::Core::Region region) {
    return LocalTensor<T>(region.begin, region, position);
  }

  alng::twin::QueueState* state_ = nullptr;
};

template <TPosition position = TPosition::VECCALC>
class TBuf {
 public:
  template <typename T>
  LocalTensor<T> Get() {
    return LocalTensor<T>(region_.begin, region_, position);
  }
  template <typename T>
  LocalTensor<T> Get(std::uint32_t elements, const Where where = Where::current()) {
    if (elements * sizeof(T) > region_.end - region_.begin) {
      alng::twin::Core::current().find(alng::twin::Check::buffer, where,
                                       "Get of " + std::to_string(elements * sizeof(T)) + " bytes from a buffer of " +
                                           std::to_string(region_.end - region_.begin));
    }
    return LocalTensor<T>(region_.begin, region_, position);
  }

 private:
  friend class TPipe;
  alng::twin::Core::Region region_{0, 0};
};

}  // namespace AscendC

// CANN has this one in the global namespace.
inline AscendC::TPipe* GetTPipePtr() { return AscendC::twin_pipe; }
// NOLINTEND(readability-identifier-naming)

#endif
