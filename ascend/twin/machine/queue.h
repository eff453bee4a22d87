// What stands behind TPipe and TQue: UB handed out front to back, and buffers that go round between two pipes.
#ifndef ALNG_ASCEND_TWIN_MACHINE_QUEUE_H
#define ALNG_ASCEND_TWIN_MACHINE_QUEUE_H

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "machine/core.h"

namespace alng::twin {

/// Buffers that `producer` fills and `consumer` empties. On 2201 a flag goes with every EnQue and FreeTensor, and takes
/// one of the event ids; on 3510 each buffer has an id of its own that a pipe gets and releases.
class QueueState {
 public:
  struct Events {
    Pipe producer, consumer;
    int filled, emptied;
  };
  QueueState(Core& core, std::vector<Core::Region> regions, int depth, Events events);

  Core::Region alloc(const Where& where);
  void enqueue(std::uint32_t offset, const Where& where);
  Core::Region dequeue(const Where& where);
  void free(std::uint32_t offset, const Where& where);
  /// The pipe's end: waits for what was freed, finds what was enqueued and never dequeued.
  void close();

 private:
  enum class State : std::uint8_t { free, allocated, enqueued, dequeued };
  struct Buffer {
    explicit Buffer(Core::Region r) : region(r) {}
    Core::Region region;
    State state = State::free;
    int id = -1;        // of the flag on its way, 2201
    bool used = false;  // freed at least once
    Snapshot released;  // 3510
    Where where;        // of the last change
  };

  Buffer& buffer_at(std::uint32_t offset, const char* what, const Where& where);
  void send(Buffer& buffer, bool filled, const Where& where);
  void receive(Buffer& buffer, bool filled, const Where& where);

  Core& core_;
  std::vector<Buffer> buffers_;
  std::size_t next_ = 0;
  int depth_;
  Events events_;
  std::deque<std::size_t> queue_;
};

class PipeMemory {
 public:
  PipeMemory(Core& core, const Where& where);
  ~PipeMemory();
  PipeMemory(const PipeMemory&) = delete;
  PipeMemory& operator=(const PipeMemory&) = delete;

  QueueState* add_queue(int number, std::uint32_t bytes, int depth, Pipe producer, Pipe consumer, int filled,
                        int emptied, const Where& where);
  Core::Region add_buffer(std::uint32_t bytes, const Where& where);
  void reset(const Where& where);
  int event_id(int event, bool take, const Where& where);

 private:
  Core& core_;
  std::uint32_t used_ = 0;
  std::vector<std::unique_ptr<QueueState>> queues_;
};

}  // namespace alng::twin

#endif
