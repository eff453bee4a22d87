#include "machine/queue.h"

#include <exception>
#include <string>

namespace alng::twin {
namespace {

constexpr int buffer_ids = 3510;

}  // namespace

QueueState::QueueState(Core& core, std::vector<Core::Region> regions, int depth, Events events)
    : core_(core), depth_(depth), events_(events) {
  for (const Core::Region& region : regions) buffers_.emplace_back(region);
}

QueueState::Buffer& QueueState::buffer_at(std::uint32_t offset, const char* what, const Where& where) {
  for (Buffer& buffer : buffers_) {
    if (buffer.region.begin == offset) return buffer;
  }
  core_.give_up(Check::queue, where,
                std::string(what) + " of a tensor that is not the start of a buffer of this queue");
}

void QueueState::send(Buffer& buffer, bool filled, const Where& where) {
  const Pipe from = filled ? events_.producer : events_.consumer;
  const Pipe to = filled ? events_.consumer : events_.producer;
  if (core_.product().architecture == buffer_ids) {
    buffer.released = core_.snapshot(from);
    ++core_.report().flags;
    return;
  }
  const int event = filled ? events_.filled : events_.emptied;
  buffer.id = core_.event_id(event, true);
  if (buffer.id < 0) {
    core_.give_up(Check::flag, where,
                  std::string("the queue needs a ninth event id ") + pipe_name(from) + "_" + pipe_name(to) +
                      ": at most " + std::to_string(event_ids) + " flags of a kind can be on their way");
  }
  core_.set_flag(event, from, to, buffer.id, true, where);
}

void QueueState::receive(Buffer& buffer, bool filled, const Where& where) {
  const Pipe from = filled ? events_.producer : events_.consumer;
  const Pipe to = filled ? events_.consumer : events_.producer;
  if (core_.product().architecture == buffer_ids) {
    core_.join(to, buffer.released);
    return;
  }
  const int event = filled ? events_.filled : events_.emptied;
  core_.wait_flag(event, from, to, buffer.id, where);
  core_.give_back_event_id(event, buffer.id, where);
  buffer.id = -1;
}

Core::Region QueueState::alloc(const Where& where) {
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    Buffer& buffer = buffers_[(next_ + i) % buffers_.size()];
    if (buffer.state != State::free) continue;
    next_ = (next_ + i + 1) % buffers_.size();
    if (buffer.used) receive(buffer, false, where);
    buffer.state = State::allocated;
    buffer.where = where;
    core_.buffer().forget(buffer.region.begin, buffer.region.end - buffer.region.begin);
    return buffer.region;
  }
  core_.give_up(Check::deadlock, where,
                "AllocTensor waits for a buffer to be freed, but all " + std::to_string(buffers_.size()) +
                    " of the queue are in use (the first since " + place(buffers_[0].where) + ")");
}

void QueueState::enqueue(std::uint32_t offset, const Where& where) {
  Buffer& buffer = buffer_at(offset, "EnQue", where);
  if (buffer.state != State::allocated) {
    core_.give_up(Check::queue, where, "EnQue of a tensor that was not allocated, or was enqueued before");
  }
  if (depth_ > 0 && static_cast<int>(queue_.size()) >= depth_) {
    core_.find(Check::queue, where,
               "EnQue of a tensor more than the queue's depth of " + std::to_string(depth_) + " without DeQue between");
  }
  send(buffer, true, where);
  buffer.state = State::enqueued;
  buffer.where = where;
  queue_.push_back(static_cast<std::size_t>(&buffer - buffers_.data()));
}

Core::Region QueueState::dequeue(const Where& where) {
  if (queue_.empty()) core_.give_up(Check::deadlock, where, "DeQue waits for a tensor, but none is enqueued");
  Buffer& buffer = buffers_[queue_.front()];
  queue_.pop_front();
  receive(buffer, true, where);
  buffer.state = State::dequeued;
  buffer.where = where;
  return buffer.region;
}

void QueueState::free(std::uint32_t offset, const Where& where) {
  Buffer& buffer = buffer_at(offset, "FreeTensor", where);
  if (buffer.state == State::free) core_.give_up(Check::queue, where, "FreeTensor of a tensor that is free already");
  send(buffer, false, where);
  buffer.state = State::free;
  buffer.used = true;
  buffer.where = where;
}

void QueueState::close() {
  for (Buffer& buffer : buffers_) {
    if (buffer.state == State::enqueued) {
      core_.find(Check::queue, buffer.where, "the tensor enqueued here is never dequeued");
    } else if (buffer.state != State::free) {
      core_.find(Check::queue, buffer.where, "the tensor taken from the queue here is never freed");
    } else if (buffer.used && core_.product().architecture != buffer_ids) {
      receive(buffer, false, buffer.where);
    }
    buffer.used = false;
    buffer.state = State::free;
  }
}

PipeMemory::PipeMemory(Core& core, const Where&) : core_(core) { core_.clear_regions(); }

PipeMemory::~PipeMemory() {
  // A kernel given up in the middle leaves queues in any state; that is no finding of its own.
  if (std::uncaught_exceptions() == 0) {
    try {
      for (auto& queue : queues_) queue->close();
    } catch (const Abandoned&) {
      // A flag that the kernel took from a queue: found, and the kernel is over.
    }
  }
  core_.clear_regions();
}

Core::Region PipeMemory::add_buffer(std::uint32_t bytes, const Where& where) {
  const std::uint32_t rounded = (bytes + 31) / 32 * 32;
  const std::uint32_t usable = core_.product().ub_usable;
  if (rounded > usable - used_) {
    core_.give_up(Check::capacity, where,
                  "InitBuffer of " + std::to_string(rounded) + " bytes makes " +
                      std::to_string(std::uint64_t{used_} + rounded) + " bytes of UB, of which " +
                      core_.product().title + " has " + std::to_string(usable));
  }
  if (bytes == 0) core_.find(Check::length, where, "InitBuffer of 0 bytes");
  const Core::Region region{used_, used_ + rounded};
  used_ = region.end;
  core_.add_region(region);
  return region;
}

QueueState* PipeMemory::add_queue(int number, std::uint32_t bytes, int depth, Pipe producer, Pipe consumer, int filled,
                                  int emptied, const Where& where) {
  std::vector<Core::Region> regions;
  for (int i = 0; i < number; ++i) regions.push_back(add_buffer(bytes, where));
  queues_.push_back(std::make_unique<QueueState>(core_, std::move(regions), depth,
                                                 QueueState::Events{producer, consumer, filled, emptied}));
  return queues_.back().get();
}

void PipeMemory::reset(const Where&) {
  for (auto& queue : queues_) queue->close();
  queues_.clear();
  core_.clear_regions();
  used_ = 0;
}

int PipeMemory::event_id(int event, bool take, const Where& where) {
  const int id = core_.event_id(event, take);
  if (id < 0) {
    core_.give_up(Check::flag, where,
                  "a ninth event id of one kind is asked for; there are " + std::to_string(event_ids));
  }
  return id;
}

}  // namespace alng::twin
