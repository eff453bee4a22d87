// The unified buffer of one core: its bytes, which of them were written, and by whom they were last read and written.
#ifndef ALNG_ASCEND_TWIN_MACHINE_UNIFIED_BUFFER_H
#define ALNG_ASCEND_TWIN_MACHINE_UNIFIED_BUFFER_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace alng::twin {

/// The pipes of a vector core that a kernel sees. Each takes its instructions in order.
enum class Pipe : std::uint8_t { scalar, vector, mte2, mte3 };
inline constexpr int pipe_count = 4;
const char* pipe_name(Pipe pipe);

/// Numbers of instructions, one for each pipe: of every pipe all up to that one.
using Clock = std::array<std::int32_t, pipe_count>;

class UnifiedBuffer {
 public:
  static constexpr std::uint32_t bytes = 256 * 1024;

  UnifiedBuffer();
  ~UnifiedBuffer();
  UnifiedBuffer(const UnifiedBuffer&) = delete;
  UnifiedBuffer& operator=(const UnifiedBuffer&) = delete;

  std::byte* data() { return data_; }

  /// Addresses of the same offsets that nobody can touch, for kernels that are watched.
  std::byte* watched();
  /// Lets accesses through for a while: with the contents of UB as they are now.
  void open_watched();
  void close_watched();

  /// An access that nothing orders before this one: of which pipe, its number there, and where. `pipe` is -1 where all
  /// is in order.
  struct Conflict {
    int pipe = -1;
    std::int32_t number = 0;
    bool write = false;
    std::uint32_t offset = 0;
  };

  /// Looks for writes of [offset, offset + length) that `known` does not contain; the instruction `number` of `reader`
  /// itself does not count. Then notes the read.
  Conflict read(Pipe reader, std::int32_t number, const Clock& known, std::uint32_t offset, std::uint32_t length);
  /// The same for reads and writes.
  Conflict write(Pipe writer, std::int32_t number, const Clock& known, std::uint32_t offset, std::uint32_t length);

  /// The first byte of the range that nobody wrote; offset + length where there is none.
  std::uint32_t first_unwritten(std::uint32_t offset, std::uint32_t length) const;
  void set_written(std::uint32_t offset, std::uint32_t length);
  /// What was there is gone: the bytes become garbage (a NaN in every type) that nobody wrote.
  void forget(std::uint32_t offset, std::uint32_t length);

  /// Stores within a vector function, by the number of its segment: two of them, or a load after one, at the same bytes
  /// in one segment is what LocalMemBar is for. Returns whether the range was stored in this segment.
  bool stored_in(std::int32_t segment, std::uint32_t offset, std::uint32_t length) const;
  void set_stored_in(std::int32_t segment, std::uint32_t offset, std::uint32_t length);

  /// Numbers of instructions go on from launch to launch, so that nothing of what is noted needs to be cleared: what an
  /// earlier launch did is contained in the clock that a launch begins with.
  Clock issued{};
  std::int32_t segments = 0;

 private:
  // Sums of a row are 4 bytes and lie side by side: a coarser granule would take them for one another.
  static constexpr std::uint32_t granule = 4;
  static constexpr std::uint32_t granules = bytes / granule;
  using Numbers = std::int32_t*;

  Numbers take();
  /// Among the writes or among the reads.
  Conflict find(Pipe mine, std::int32_t number, const Clock& known, std::uint32_t first, std::uint32_t last,
                bool write) const;

  std::byte* memory_ = nullptr;
  std::size_t memory_size_ = 0;
  std::size_t taken_ = 0;
  std::byte* data_ = nullptr;
  std::byte* watched_ = nullptr;
  std::uint8_t* written_ = nullptr;
  std::int32_t* stored_ = nullptr;
  std::array<Numbers, pipe_count> readers_{};
  // The latest reader but that one: an instruction may read what it then writes.
  std::array<Numbers, pipe_count> readers_before_{};
  std::array<Numbers, pipe_count> writers_{};
};

}  // namespace alng::twin

#endif
