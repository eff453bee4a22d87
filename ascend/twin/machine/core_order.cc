// Flags and barriers: what a pipe knows of the others, and when.
#include <algorithm>
#include <string>

#include "machine/core.h"
#include "machine/launch.h"

namespace alng::twin {
namespace {

// A vector result takes this long to reach scalar code, and the other way round: a round trip costs about 100 cycles.
constexpr double scalar_trip = 50;

}  // namespace

Snapshot Core::snapshot(Pipe pipe) const {
  const auto p = static_cast<std::size_t>(pipe);
  // A pipe comes to the flag when it has been issued and everything before it is done.
  Snapshot snapshot{pipes_[p].known,
                    std::max(pipes_[p].done, pipes_[0].free) + (pipe == Pipe::scalar ? scalar_trip : 1)};
  snapshot.known[p] = buffer_.issued[p];
  return snapshot;
}

void Core::join(Pipe pipe, const Snapshot& snapshot) {
  PipeState& s = state(pipe);
  for (std::size_t q = 0; q < pipe_count; ++q) s.known[q] = std::max(s.known[q], snapshot.known[q]);
  if (pipe == Pipe::scalar) {
    scalar_ended_ = std::max(scalar_ended_, snapshot.known[0]);
    s.free = std::max(s.free, snapshot.time + scalar_trip);
  } else {
    s.ready = std::max(s.ready, snapshot.time);
  }
}

Core::Flag& Core::flag(int event, int id, const Where& where) {
  if (id < 0 || id >= event_ids) {
    give_up(Check::flag, where,
            "event id " + std::to_string(id) + " is not one of 0 to " + std::to_string(event_ids - 1));
  }
  return flags_[static_cast<std::size_t>(event)][static_cast<std::size_t>(id)];
}

void Core::set_flag(int event, Pipe from, Pipe to, int id, bool of_queue, const Where& where) {
  Flag& f = flag(event, id, where);
  if (f.set) {
    find(Check::flag, where,
         std::string("flag ") + pipe_name(from) + "_" + pipe_name(to) + " " + std::to_string(id) +
             " is set although it was set at " + place(f.where) + " and not waited for since");
  }
  pipes_[0].free += 1;
  ++report_.flags;
  f.set = true;
  f.of_queue = of_queue;
  f.snapshot = snapshot(from);
  f.where = where;
  f.from = from;
  f.to = to;
}

void Core::wait_flag(int event, Pipe from, Pipe to, int id, const Where& where) {
  Flag& f = flag(event, id, where);
  pipes_[0].free += 1;
  if (!f.set) {
    give_up(Check::deadlock, where,
            std::string("waits for flag ") + pipe_name(from) + "_" + pipe_name(to) + " " + std::to_string(id) +
                ", which nobody has set: the core would wait forever");
  }
  f.set = false;
  join(to, f.snapshot);
}

int Core::event_id(int event, bool take) {
  auto& flags = flags_[static_cast<std::size_t>(event)];
  for (int id = 0; id < event_ids; ++id) {
    Flag& f = flags[static_cast<std::size_t>(id)];
    if (f.taken) continue;
    f.taken = take;
    return id;
  }
  return -1;
}

void Core::give_back_event_id(int event, int id, const Where& where) { flag(event, id, where).taken = false; }

void Core::pipe_barrier(Pipe pipe, const Where&) {
  const auto p = static_cast<std::size_t>(pipe);
  PipeState& s = pipes_[p];
  pipes_[0].free += 1;
  ++report_.barriers;
  s.known[p] = buffer_.issued[p];
  s.ready = std::max(s.ready, s.done + 1);
}

void Core::barrier_of_all_pipes() {
  double time = pipes_[0].free;
  for (const PipeState& s : pipes_) time = std::max(time, s.done);
  ++report_.barriers;
  set_time(time + 1);
  for (PipeState& s : pipes_) s.known = buffer_.issued;
  global_.clear();
}

void Core::sync_all(const Where& where) {
  barrier_of_all_pipes();
  if (report_.sync_alls == 0) report_.cycles_to_sync = time();
  ++report_.sync_alls;
  launch_.sync_all(*this, where);
}

}  // namespace alng::twin
