#include "machine/core.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "machine/launch.h"

namespace alng::twin {
namespace {

thread_local Core* current_core = nullptr;

std::string range_text(std::uint32_t offset, std::uint32_t length) {
  return "UB bytes [" + std::to_string(offset) + ", " + std::to_string(offset + length) + ")";
}

}  // namespace

Core& Core::current() {
  if (current_core == nullptr) {
    std::fputs("twin: a function of the kernel's API was called outside of a launch\n", stderr);
    std::abort();
  }
  return *current_core;
}

Core* Core::of_this_thread() { return current_core; }

void Core::set_current(Core* core) { current_core = core; }

Core::Core(Launch& launch, int index, UnifiedBuffer& buffer) : launch_(launch), index_(index), buffer_(buffer) {
  for (PipeState& pipe : pipes_) pipe.known = buffer.issued;
}

const Product& Core::product() const { return *launch_.options().product; }

void Core::find(Check check, const Where& where, std::string sentence) {
  launch_.findings().add(check, index_, where, std::move(sentence));
}

void Core::give_up(Check check, const Where& where, std::string sentence) {
  find(check, where, std::move(sentence));
  throw Abandoned{};
}

void* Core::address_of(std::uint32_t offset) {
  return (launch_.options().watch_scalar_access ? buffer_.watched() : buffer_.data()) + offset;
}

std::uint32_t Core::offset_of(const void* address, const Where& where) {
  const auto* start = static_cast<const std::byte*>(address_of(0));
  const std::ptrdiff_t offset = static_cast<const std::byte*>(address) - start;
  if (offset < 0 || offset >= static_cast<std::ptrdiff_t>(UnifiedBuffer::bytes)) {
    give_up(Check::buffer, where, "the address " + std::to_string(offset) + " bytes from the start of UB is not in it");
  }
  return static_cast<std::uint32_t>(offset);
}

bool Core::touched(const void* address) {
  if (!launch_.options().watch_scalar_access) return false;
  const std::ptrdiff_t offset = static_cast<const std::byte*>(address) - buffer_.watched();
  if (offset < 0 || offset >= static_cast<std::ptrdiff_t>(UnifiedBuffer::bytes)) return false;
  touched_ = offset;
  buffer_.open_watched();
  return true;
}

void Core::look_at_scalar_access() {
  if (touched_ < 0) return;
  find(Check::scalar_access, where_,
       "scalar code touches UB byte " + std::to_string(touched_) + " through a pointer, somewhere behind " + name_ +
           " here: no flag orders that, GetValue and SetValue are there for it");
  touched_ = -1;
  buffer_.close_watched();
}

std::string Core::site(Pipe pipe, std::int32_t number) const {
  const Site& site = state(pipe).sites[static_cast<std::size_t>(number) % PipeState::remembered];
  const std::string suffix = std::string(" (") + pipe_name(pipe) + ")";
  if (site.number != number) return "an instruction long before" + suffix;
  return std::string(site.name) + " at " + place(site.where) + suffix;
}

void Core::begin(Pipe pipe, const char* name, const Where& where) {
  look_at_scalar_access();
  pipe_ = pipe;
  name_ = name;
  where_ = where;
  PipeState& s = state(pipe);
  const auto p = static_cast<std::size_t>(pipe);
  number_ = ++buffer_.issued[p];
  s.sites[static_cast<std::size_t>(number_) % PipeState::remembered] = {where, name, number_};
  ++report_.instructions[p];
  pipes_[0].free += 1;
  // What scalar code has waited for has happened before anything that it issues from then on; its own accesses to UB
  // have not, those take a flag S_V, or one that comes back from a pipe that has waited for them.
  if (pipe == Pipe::scalar) {
    s.known[0] = number_;
  } else {
    s.known[0] = std::max(s.known[0], scalar_ended_);
    for (std::size_t q = 1; q < pipe_count; ++q) s.known[q] = std::max(s.known[q], pipes_[0].known[q]);
  }
}

void Core::check_range(std::uint32_t offset, std::uint32_t length) {
  if (offset <= UnifiedBuffer::bytes && length <= UnifiedBuffer::bytes - offset) return;
  give_up(Check::buffer, where_, std::string(name_) + " accesses " + range_text(offset, length) + " outside of UB");
}

void Core::judge(const UnifiedBuffer::Conflict& conflict, std::uint32_t offset, std::uint32_t length, bool write) {
  if (conflict.pipe < 0) return;
  const auto other = static_cast<Pipe>(conflict.pipe);
  if (other == pipe_ && pipe_ == Pipe::vector && launch_.options().auto_sync) {
    PipeState& s = state(Pipe::vector);
    s.known[static_cast<std::size_t>(Pipe::vector)] = number_ - 1;
    s.ready = std::max(s.ready, s.done + 1);
    ++report_.automatic_barriers;
    return;
  }
  std::string sentence = std::string(name_) + (write ? " writes " : " reads ") + range_text(offset, length) + " that " +
                         site(other, conflict.number) + (conflict.write ? " wrote" : " read") + " at byte " +
                         std::to_string(conflict.offset);
  Check check = Check::hazard;
  if (other != pipe_) {
    sentence +=
        std::string(", and no flag, queue or barrier makes ") + pipe_name(pipe_) + " wait for " + pipe_name(other);
  } else if (pipe_ == Pipe::vector) {
    check = Check::vector_hazard;
    sentence += ", with no PipeBarrier<PIPE_V> between";
  } else {
    check = Check::pipe_hazard;
    sentence += std::string(", with no PipeBarrier<PIPE_") + pipe_name(pipe_) + "> between";
  }
  find(check, where_, std::move(sentence));
}

void Core::read(std::uint32_t offset, std::uint32_t length) {
  if (length == 0) return;
  check_range(offset, length);
  const std::uint32_t unwritten = buffer_.first_unwritten(offset, length);
  if (unwritten != offset + length) {
    find(Check::unwritten, where_,
         std::string(name_) + " reads " + range_text(offset, length) + ", of which byte " + std::to_string(unwritten) +
             " was never written");
  }
  judge(buffer_.read(pipe_, number_, state(pipe_).known, offset, length), offset, length, false);
}

void Core::write(std::uint32_t offset, std::uint32_t length) {
  if (length == 0) return;
  check_range(offset, length);
  judge(buffer_.write(pipe_, number_, state(pipe_).known, offset, length), offset, length, true);
  buffer_.set_written(offset, length);
}

void Core::spoil(std::uint32_t offset, std::uint32_t length) {
  if (length == 0) return;
  check_range(offset, length);
  judge(buffer_.write(pipe_, number_, state(pipe_).known, offset, length), offset, length, true);
  buffer_.forget(offset, length);
}

void Core::judge_global(std::uintptr_t begin, std::uintptr_t end, bool write) {
  const auto p = static_cast<std::size_t>(pipe_);
  for (const GlobalAccess& other : global_) {
    if (other.end <= begin || end <= other.begin || !(write || other.write)) continue;
    if (other.pipe == Pipe::scalar && pipe_ == Pipe::scalar) continue;
    if (other.number <= pipes_[p].known[static_cast<std::size_t>(other.pipe)] ||
        (other.pipe == pipe_ && other.number == number_))
      continue;
    find(other.pipe == pipe_ ? Check::pipe_hazard : Check::hazard, where_,
         std::string(name_) + (write ? " writes" : " reads") + " global memory that " + site(other.pipe, other.number) +
             (other.write ? " writes" : " reads") + ", and nothing makes " + pipe_name(pipe_) + " wait for " +
             pipe_name(other.pipe));
    break;
  }
  // What everybody knows to have ended can't conflict any more.
  if (global_.size() >= 64) {
    const Clock& a = state(Pipe::mte2).known;
    const Clock& b = state(Pipe::mte3).known;
    std::erase_if(global_, [&](const GlobalAccess& x) {
      return x.number <= std::min(a[static_cast<std::size_t>(x.pipe)], b[static_cast<std::size_t>(x.pipe)]);
    });
    if (global_.size() >= 2048) global_.erase(global_.begin(), global_.begin() + 1024);
  }
  global_.push_back({pipe_, number_, begin, end, write});
}

void Core::read_global(const void* address, std::size_t length) {
  if (length == 0) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  GlobalMemory& memory = launch_.memory();
  if (std::string why = memory.refusal(begin, length, GlobalMemory::Kind::read); !why.empty()) {
    give_up(Check::global_range, where_, std::string(name_) + " " + why);
  }
  report_.bytes_in += static_cast<std::int64_t>(length);
  if (!memory.changes(begin)) return;
  judge_global(begin, begin + length, false);
  if (std::string why = memory.note(index_, begin, length, GlobalMemory::Kind::read, where_); !why.empty()) {
    find(Check::unwritten, where_, std::string(name_) + " " + why);
  }
}

void Core::write_global(const void* address, std::size_t length, bool atomic) {
  if (length == 0) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  const auto kind = atomic ? GlobalMemory::Kind::atomic : GlobalMemory::Kind::write;
  GlobalMemory& memory = launch_.memory();
  if (std::string why = memory.refusal(begin, length, kind); !why.empty()) {
    give_up(Check::global_range, where_, std::string(name_) + " " + why);
  }
  report_.bytes_out += static_cast<std::int64_t>(length);
  judge_global(begin, begin + length, true);
  if (std::string why = memory.note(index_, begin, length, kind, where_); !why.empty()) {
    find(Check::unwritten, where_, std::string(name_) + " " + why);
  }
}

void Core::end(double occupied, double fixed) {
  PipeState& s = state(pipe_);
  if (pipe_ == Pipe::scalar) {
    s.free += occupied;
    s.done = s.free;
    report_.busy[0] += occupied;
    return;
  }
  const double start = std::max({s.free, s.ready, pipes_[0].free});
  s.free = start + occupied;
  const double done = s.free + fixed;
  report_.busy[static_cast<std::size_t>(pipe_)] += std::max(0.0, done - std::max(start, s.done));
  s.done = std::max(s.done, done);
}

void Core::end_dma(double bytes) {
  PipeState& s = state(pipe_);
  const double start = std::max({s.free, s.ready, pipes_[0].free});
  const double first_byte = start + product().dma_issue;
  s.free = channel_.take(first_byte, bytes / product().bytes_per_cycle(launch_.options().blocks));
  report_.busy[static_cast<std::size_t>(pipe_)] += s.free - start;
  s.done = std::max(s.done, s.free);
}

void Core::begin_function(const Where& where) {
  if (in_function_) find(Check::vector_function, where, "a vector function begins within another one");
  begin(Pipe::vector, "vector function", where);
  in_function_ = true;
  local_memory_barrier();
}

void Core::end_function(double cycles) {
  in_function_ = false;
  name_ = "vector function";
  end(cycles, 0);
}

std::uint32_t Core::load(std::uint32_t offset, std::uint32_t length, const char* name, const Where& where) {
  look_at_scalar_access();
  name_ = name;
  where_ = where;
  const Region region = region_at(offset);
  if (region.begin == region.end) {
    give_up(Check::buffer, where,
            std::string(name) + " loads UB byte " + std::to_string(offset) + ", which is in no buffer");
  }
  const std::uint32_t inside = std::min(length, region.end - offset);
  const std::uint32_t written = buffer_.first_unwritten(offset, inside) - offset;
  judge(buffer_.read(pipe_, number_, state(pipe_).known, offset, inside), offset, inside, false);
  if (buffer_.stored_in(segment_, offset, inside)) {
    find(Check::vector_function, where,
         std::string(name) + " loads " + range_text(offset, inside) +
             " that the same vector function stores, with no LocalMemBar<VEC_STORE, VEC_LOAD> between");
  }
  return written;
}

void Core::store(std::uint32_t offset, std::uint32_t length, const char* name, const Where& where) {
  look_at_scalar_access();
  name_ = name;
  where_ = where;
  const Region region = region_at(offset);
  if (offset + length > region.end) {
    give_up(Check::buffer, where,
            std::string(name) + " stores " + range_text(offset, length) + ", beyond the buffer [" +
                std::to_string(region.begin) + ", " + std::to_string(region.end) + ")");
  }
  write(offset, length);
  if (buffer_.stored_in(segment_, offset, length)) {
    find(Check::vector_function, where,
         std::string(name) + " stores " + range_text(offset, length) +
             " a second time in one vector function, with no LocalMemBar<VEC_STORE, VEC_STORE> between");
  }
  buffer_.set_stored_in(segment_, offset, length);
}

double Core::time() const {
  double time = pipes_[0].free;
  for (const PipeState& s : pipes_) time = std::max(time, s.done);
  return time;
}

void Core::set_time(double time) {
  pipes_[0].free = std::max(pipes_[0].free, time);
  for (PipeState& s : pipes_) s.ready = std::max(s.ready, time);
}

Core::Region Core::region_at(std::uint32_t offset) const {
  for (const Region& region : regions_) {
    if (region.begin <= offset && offset < region.end) return region;
  }
  return {offset, offset};
}

void Core::add_region(Region region) {
  regions_.push_back(region);
  report_.ub_bytes = std::max(report_.ub_bytes, region.end);
  buffer_.forget(region.begin, region.end - region.begin);
}

void Core::clear_regions() { regions_.clear(); }

void Core::finish() {
  look_at_scalar_access();
  for (const auto& of_event : flags_) {
    for (int id = 0; id < event_ids; ++id) {
      const Flag& f = of_event[static_cast<std::size_t>(id)];
      if (!f.set || f.of_queue) continue;
      find(Check::flag, f.where,
           std::string("flag ") + pipe_name(f.from) + "_" + pipe_name(f.to) + " " + std::to_string(id) +
               " is set here and still set when the kernel ends: nobody waits for it");
    }
  }
  if (atomic_add) {
    find(Check::flag, where_, "the kernel ends with atomic addition still on: the next kernel's stores would add");
  }
  report_.cycles = time();
  if (report_.sync_alls == 0) report_.cycles_to_sync = report_.cycles;
}

}  // namespace alng::twin
