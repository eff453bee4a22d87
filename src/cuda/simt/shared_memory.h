// A block's dynamic shared memory: exactly the bytes that were asked for, NaN until written, and for each 4 bytes of it
// who wrote and read them last. Checked at every access: range, alignment, that what is read was written, and that
// nothing is written while others may still read or write it.
#ifndef ALNG_CUDA_SIMT_SHARED_MEMORY_H
#define ALNG_CUDA_SIMT_SHARED_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "cuda/simt/clocks.h"
#include "cuda/simt/report.h"

namespace alng::impl::cuda::simt {

class SharedMemory {
 public:
  SharedMemory(std::size_t bytes, Clocks& clocks, Report& report, bool count_banks);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;

  std::byte* data() { return data_; }
  bool contains(const void* p) const { return p >= data_ && p < data_ + bytes_; }

  /// Each false where the access must not be carried out: it is outside or misaligned.
  bool read(const void* p, std::size_t bytes, unsigned thread, const Place& place);
  /// By a thread of this block or of another.
  bool write(const void* p, std::size_t bytes, unsigned thread, const Place& place);
  /// An asynchronous copy, by the thread that starts it: from now on nobody may touch these bytes who has not waited
  /// for it. `align`: of the destination.
  bool copy(const void* p, std::size_t bytes, std::size_t align, unsigned thread, const Access& as, const Place& place);
  /// At the end of this block, whose first thread is `first`: what threads of other blocks have written must be known
  /// to have been written by one of its own.
  void end(unsigned first);

 private:
  struct Word {
    Access write, read;
    /// Reads of others that are not known to have happened before each other, beside `read`.
    std::unique_ptr<std::vector<Access>> reads;
    Place place, read_place;
  };
  /// What the lanes of a warp touch at once.
  struct Instruction {
    std::size_t bytes = 0;
    std::uint32_t active = 0;
    std::uint32_t address[32];
  };

  bool in_range(const void* p, std::size_t bytes, std::size_t align, unsigned thread, const char* what,
                const Place& place);
  void overwrite(const void* p, std::size_t bytes, unsigned thread, const Access& as, const char* what,
                 const Place& place);
  void count_banks(const void* p, std::size_t bytes, unsigned thread, const Place& place);
  void finish(const Instruction& instruction);
  std::string who(const Access& access) const;

  std::size_t bytes_;
  std::byte* data_;
  Clocks& clocks_;
  Report& report_;
  bool count_banks_;
  std::vector<Word> words_;
  // For each place and thread how often it was there, and what the warp's lanes touched the n-th time.
  std::unordered_map<std::uint64_t, std::uint32_t> visits_;
  std::unordered_map<std::uint64_t, Instruction> instructions_;
};

}  // namespace alng::impl::cuda::simt

#endif
