// One vector core: its unified buffer, its pipes with their clocks, its flags. The API's functions (include/twin) say
// what an instruction reads, writes and costs; what may go wrong is found here.
//
// Instructions take effect in program order. That is what hardware does too where everything that must be ordered is;
// and whether it is, clocks tell: each pipe knows of every other up to which instruction it is sure to have ended.
#ifndef ALNG_ASCEND_TWIN_MACHINE_CORE_H
#define ALNG_ASCEND_TWIN_MACHINE_CORE_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "machine/finding.h"
#include "machine/global_memory.h"
#include "machine/memory_channel.h"
#include "machine/product.h"
#include "machine/report.h"
#include "machine/unified_buffer.h"

namespace alng::twin {

class Launch;

inline constexpr int event_ids = 8;  // of each pair of pipes

/// What one pipe tells another with a flag: all it has done and knows, and when.
struct Snapshot {
  Clock known{};
  double time = 0;
};

class Core {
 public:
  Core(Launch& launch, int index, UnifiedBuffer& buffer);

  /// The core whose kernel runs on this thread. Outside of a launch there is none, and this ends the program with a
  /// sentence.
  static Core& current();
  static void set_current(Core* core);
  /// The same, or null.
  static Core* of_this_thread();

  int index() const { return index_; }
  Launch& launch() { return launch_; }
  const Product& product() const;
  std::byte* ub(std::uint32_t offset) { return buffer_.data() + offset; }
  /// The address that a kernel gets for an offset: where scalar accesses are watched, one that it can't touch itself.
  void* address_of(std::uint32_t offset);
  /// Offset of such an address; a finding and the end where it is none.
  std::uint32_t offset_of(const void* address, const Where& where);

  /// A fault at `address`: notes it and makes the memory accessible, where it is this core's watched UB. Called by the
  /// signal handler.
  bool touched(const void* address);

  void find(Check check, const Where& where, std::string sentence);
  [[noreturn]] void give_up(Check check, const Where& where, std::string sentence);

  // An instruction: begin, any number of accesses, end.
  void begin(Pipe pipe, const char* name, const Where& where);
  void read(std::uint32_t offset, std::uint32_t length);
  void write(std::uint32_t offset, std::uint32_t length);
  /// Bytes that an instruction leaves as garbage beside what it writes.
  void spoil(std::uint32_t offset, std::uint32_t length);
  void read_global(const void* address, std::size_t length);
  void write_global(const void* address, std::size_t length, bool atomic);
  /// `occupied`: cycles until the pipe takes the next instruction; `fixed`: further ones until the result is there.
  void end(double occupied, double fixed);
  /// A DMA of so many bytes in 32-byte blocks.
  void end_dma(double bytes);
  const Where& where() const { return where_; }
  const char* name() const { return name_; }

  // Within a vector function (3510): one instruction for the pipes, with loads and stores of its own.
  void begin_function(const Where& where);
  void end_function(double cycles);
  /// Returns how many bytes from the start somebody wrote and belong to the buffer that `offset` is in: registers are
  /// loaded whole, what lies beyond is no finding before it is used.
  std::uint32_t load(std::uint32_t offset, std::uint32_t length, const char* name, const Where& where);
  void store(std::uint32_t offset, std::uint32_t length, const char* name, const Where& where);
  void local_memory_barrier() { segment_ = ++buffer_.segments; }

  // Order.
  Snapshot snapshot(Pipe pipe) const;
  void join(Pipe pipe, const Snapshot& snapshot);
  void set_flag(int event, Pipe from, Pipe to, int id, bool of_queue, const Where& where);
  void wait_flag(int event, Pipe from, Pipe to, int id, const Where& where);
  /// The lowest id of this event that is not taken; with `take` it is taken. -1 where all are.
  int event_id(int event, bool take);
  void give_back_event_id(int event, int id, const Where& where);
  void pipe_barrier(Pipe pipe, const Where& where);
  void barrier_of_all_pipes();
  void sync_all(const Where& where);

  // UB buffers as TPipe hands them out: instructions stay within the one their tensor comes from.
  struct Region {
    std::uint32_t begin, end;
  };
  Region region_at(std::uint32_t offset) const;
  void add_region(Region region);
  void clear_regions();
  UnifiedBuffer& buffer() { return buffer_; }

  /// The end of the kernel: what is left over.
  void finish();
  CoreReport& report() { return report_; }
  double time() const;
  void set_time(double time);

  // Vector mask register and mode, atomic mode of stores.
  bool mask_counts = false;
  std::array<std::uint64_t, 2> mask = {~std::uint64_t{0}, ~std::uint64_t{0}};
  bool atomic_add = false;

 private:
  struct Site {
    Where where;
    const char* name = "";
    std::int32_t number = -1;
  };
  struct PipeState {
    double free = 0;   // takes its next instruction
    double ready = 0;  // what it waits for is there
    double done = 0;   // all its results are there
    Clock known{};
    static constexpr std::size_t remembered = 1024;
    std::vector<Site> sites = std::vector<Site>(remembered);
  };
  struct Flag {
    bool set = false;
    bool of_queue = false;
    bool taken = false;
    Snapshot snapshot;
    Where where;
    int event = 0;
    Pipe from{}, to{};
  };
  struct GlobalAccess {
    Pipe pipe;
    std::int32_t number;
    std::uintptr_t begin, end;
    bool write;
  };

  PipeState& state(Pipe pipe) { return pipes_[static_cast<std::size_t>(pipe)]; }
  const PipeState& state(Pipe pipe) const { return pipes_[static_cast<std::size_t>(pipe)]; }
  std::string site(Pipe pipe, std::int32_t number) const;
  void judge(const UnifiedBuffer::Conflict& conflict, std::uint32_t offset, std::uint32_t length, bool write);
  void judge_global(std::uintptr_t begin, std::uintptr_t end, bool write);
  void check_range(std::uint32_t offset, std::uint32_t length);
  Flag& flag(int event, int id, const Where& where);

  void look_at_scalar_access();

  Launch& launch_;
  int index_;
  UnifiedBuffer& buffer_;
  std::array<PipeState, pipe_count> pipes_;
  std::array<std::array<Flag, event_ids>, 16> flags_;
  std::vector<GlobalAccess> global_;
  std::vector<Region> regions_;
  MemoryChannel channel_;
  CoreReport report_;

  Pipe pipe_{};
  const char* name_ = "";
  Where where_;
  std::int32_t number_ = 0;
  bool in_function_ = false;
  std::int32_t segment_ = 0;
  std::ptrdiff_t touched_ = -1;
  // The scalar access up to which scalar code knows that they have ended.
  std::int32_t scalar_ended_ = 0;
};

}  // namespace alng::twin

#endif
