// The device's memory as a kernel may see it: the tensors and the workspace of one run, each with what may be done to
// it. Checked at every access: range, alignment, that outputs are not read, and that workspace is written before it is.
#ifndef ALNG_CUDA_SIMT_GLOBAL_MEMORY_H
#define ALNG_CUDA_SIMT_GLOBAL_MEMORY_H

#include <cstddef>
#include <string>
#include <vector>

#include "cuda/simt/report.h"

namespace alng::impl::cuda::simt {

class GlobalMemory {
 public:
  enum class Use { read, write, read_and_write, scratch };

  explicit GlobalMemory(Report& report) : report_(report) {}

  /// Scratch is filled with NaN.
  void add(std::string name, void* begin, std::size_t bytes, Use use);

  /// Each false where the access must not be carried out.
  bool read(const void* p, std::size_t bytes, const Place& place) { return access(p, bytes, bytes, false, place); }
  bool write(const void* p, std::size_t bytes, const Place& place) { return access(p, bytes, bytes, true, place); }
  bool copy(const void* p, std::size_t bytes, std::size_t align, const Place& place) {
    return access(p, bytes, align, false, place);
  }

 private:
  struct Range {
    std::string name;
    std::byte *begin, *end;
    Use use;
    std::vector<bool> written;  // scratch alone: of each 4 bytes
  };

  bool access(const void* p, std::size_t bytes, std::size_t align, bool writes, const Place& place);

  Report& report_;
  std::vector<Range> ranges_;
};

}  // namespace alng::impl::cuda::simt

#endif
