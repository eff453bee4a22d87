// A fuzzer's input as a source of choices.
#ifndef ALNG_FUZZ_BYTES_H
#define ALNG_FUZZ_BYTES_H

#include <cstdint>
#include <span>

namespace alng::fuzz {

/// The input, byte by byte; zeros behind its end.
class Bytes {
 public:
  explicit Bytes(std::span<const std::uint8_t> rest) : rest_(rest) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t next() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  template <class Integer>
  Integer below(Integer limit) {
    return static_cast<Integer>(next() % limit);
  }
  bool one_in(int n) { return next() % n == n - 1; }
  std::int64_t any() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | next();
    return static_cast<std::int64_t>(value);
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace alng::fuzz

#endif
