#include "machine/vector_function.h"

#include <algorithm>
#include <string>

namespace alng::twin {
namespace {

thread_local VectorFunction* open_function = nullptr;
thread_local int live_registers = 0;

// Fitted for the 950: start and drain of a function, a load, a barrier between its stores and loads.
constexpr double start_and_drain = 23 + 12;
constexpr double load_latency = 9;
constexpr double barrier_cycles = 20;
// Accesses that can be put in another order to avoid each other's banks: what 68 physical registers hold in flight.
constexpr int window = 16;

}  // namespace

VectorFunction::VectorFunction(const Where& where) : core_(Core::current()), where_(where), outer_(open_function) {
  if (core_.product().architecture != 3510) {
    core_.give_up(Check::vector_function, where, "__VEC_SCOPE__ is of architecture 3510");
  }
  core_.begin_function(where);
  open_function = this;
}

VectorFunction::~VectorFunction() {
  open_function = outer_;
  if (unflushed_ != 0) {
    core_.find(Check::vector_function, where_,
               "a StoreUnAlign of this vector function has no StoreUnAlignPost: its last bytes are not stored");
  }
  close_window();
  // Every load and every arithmetic instruction writes a register, of which there are two a cycle; UB serves two
  // accesses a cycle, of which one may be a store.
  const double registers = (arithmetic_instructions_ + loads_) / 2;
  const double unified_buffer = std::max(stores_, (loads_ + stores_) / 2);
  const double busiest = std::max({arithmetic_ / 2, one_unit_, registers, unified_buffer, bank_cycles_});
  core_.end_function(std::max(busiest + barriers_, longest_) + start_and_drain);
}

VectorFunction& VectorFunction::current(const char* name, const Where& where) {
  if (open_function == nullptr) {
    Core::current().give_up(Check::vector_function, where,
                            std::string(name) + " of registers outside of a __VEC_SCOPE__");
  }
  return *open_function;
}

double VectorFunction::compute(double ready, double latency, double on_one_unit) {
  ++arithmetic_instructions_;
  arithmetic_ += std::max(on_one_unit, 1.0);
  one_unit_ += on_one_unit;
  const double done = std::max(ready, floor_) + latency;
  longest_ = std::max(longest_, done);
  return done;
}

void VectorFunction::access(std::uint32_t offset, std::uint32_t bytes) {
  for (std::uint32_t block = offset / 32; block < (offset + bytes + 31) / 32; ++block) ++cells_[block % 16];
  if (++in_window_ == window) close_window();
}

void VectorFunction::close_window() {
  bank_cycles_ += *std::ranges::max_element(cells_);
  cells_ = {};
  in_window_ = 0;
}

double VectorFunction::loaded(std::uint32_t offset, std::uint32_t bytes) {
  ++loads_;
  access(offset, bytes);
  return floor_ + load_latency;
}

void VectorFunction::stored(std::uint32_t offset, std::uint32_t bytes, double ready) {
  ++stores_;
  access(offset, bytes);
  longest_ = std::max(longest_, ready + 1);
}

void VectorFunction::barrier(const Where&) {
  core_.local_memory_barrier();
  floor_ = longest_ + barrier_cycles;
  longest_ = floor_;
  barriers_ += barrier_cycles;
}

void VectorFunction::count_registers(int change) {
  live_registers += change;
  if (change < 0) return;
  int& most = Core::current().report().registers;
  most = std::max(most, live_registers);
}

}  // namespace alng::twin
