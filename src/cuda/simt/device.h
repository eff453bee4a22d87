// The host model's side of cuda/device.h: the same functions, each told to the block that the model runs, with the
// place in the kernel that called it.
#ifndef ALNG_CUDA_SIMT_DEVICE_H
#define ALNG_CUDA_SIMT_DEVICE_H

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cuda/simt/block.h"
#include "problem/float16.h"

#define __global__
#define __grid_constant__
#define __launch_bounds__(...)
#define ALNG_HAS_SM90 true
#define ALNG_DEVICE inline __attribute__((always_inline))
#define ALNG_DEVICE_CALL inline

namespace alng::impl::cuda {

struct alignas(16) uint4 {
  std::uint32_t x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};

ALNG_DEVICE unsigned thread_index() { return simt::Block::current().thread(); }
ALNG_DEVICE unsigned threads_of_block() { return simt::Block::current().threads(); }
ALNG_DEVICE unsigned block_x() { return simt::Block::current().block().x; }
ALNG_DEVICE unsigned block_y() { return simt::Block::current().block().y; }
ALNG_DEVICE unsigned grid_x() { return simt::Block::current().grid().x; }
ALNG_DEVICE unsigned grid_y() { return simt::Block::current().grid().y; }
ALNG_DEVICE std::byte* shared_memory() { return simt::Block::current().shared_data(); }
ALNG_DEVICE unsigned cluster_rank() { return simt::Block::current().rank(); }
ALNG_DEVICE unsigned cluster_blocks() { return simt::Block::current().cluster(); }

// What the hardware would find in memory that must not be read: here always NaN.
template <class T>
T nothing() {
  T value;
  std::memset(&value, 0xFF, sizeof value);
  return value;
}

template <class T>
T read_shared(const T* p, simt::Place place = simt::Place::current()) {
  return simt::Block::current().read_shared(p, sizeof(T), place) ? *p : nothing<T>();
}
template <class T>
void write_shared(T* p, T value, simt::Place place = simt::Place::current()) {
  if (simt::Block::current().write_shared(p, sizeof(T), place)) *p = value;
}
inline void write_remote(float* p, unsigned rank, float value, simt::Place place = simt::Place::current()) {
  void* const there = simt::Block::current().write_remote(p, sizeof value, rank, place);
  if (there != nullptr) *static_cast<float*>(there) = value;
}
template <class T>
T read_global(const T* p, simt::Place place = simt::Place::current()) {
  return simt::Block::current().global().read(p, sizeof(T), place) ? *p : nothing<T>();
}
template <class T>
void write_global(T* p, T value, simt::Place place = simt::Place::current()) {
  if (simt::Block::current().global().write(p, sizeof(T), place)) *p = value;
}
template <class T>
void write_streamed(T* p, T value, simt::Place place = simt::Place::current()) {
  write_global(p, value, place);
}

inline void block_barrier(unsigned id, unsigned threads, simt::Place place = simt::Place::current()) {
  simt::Block::current().barrier(id, threads, place);
}
inline void warp_barrier(simt::Place place = simt::Place::current()) { simt::Block::current().warp_barrier(place); }
inline void cluster_arrive(simt::Place place = simt::Place::current()) { simt::Block::current().cluster_arrive(place); }
inline void cluster_wait(simt::Place place = simt::Place::current()) { simt::Block::current().cluster_wait(place); }
inline float shuffle_xor(float value, unsigned mask, simt::Place place = simt::Place::current()) {
  simt::Block& block = simt::Block::current();
  return std::bit_cast<float>(block.shuffle(std::bit_cast<std::uint32_t>(value), (block.thread() ^ mask) % 32, place));
}
inline float shuffle(float value, unsigned lane, simt::Place place = simt::Place::current()) {
  return std::bit_cast<float>(simt::Block::current().shuffle(std::bit_cast<std::uint32_t>(value), lane, place));
}

using Mbarrier = std::uint64_t;
inline void mbarrier_init(Mbarrier* at, unsigned arrivals, simt::Place place = simt::Place::current()) {
  simt::Block::current().mbarrier_init(at, arrivals, place);
}
inline void mbarrier_fence() { simt::Block::current().mbarrier_fence(); }
inline void mbarrier_expect(Mbarrier* at, unsigned bytes, simt::Place place = simt::Place::current()) {
  simt::Block::current().mbarrier_expect(at, bytes, place);
}
inline void mbarrier_wait(Mbarrier* at, unsigned parity, simt::Place place = simt::Place::current()) {
  simt::Block::current().mbarrier_wait(at, parity, place);
}
inline void bulk_copy(void* to, const void* from, unsigned bytes, Mbarrier* at,
                      simt::Place place = simt::Place::current()) {
  simt::Block::current().bulk_copy(to, from, bytes, at, place);
}
inline void async_copy_16(void* to, const void* from, simt::Place place = simt::Place::current()) {
  simt::Block::current().async_copy(to, from, 16, 0, 16, place);
}
inline void async_copy_part(void* to, const void* from, unsigned first, unsigned end,
                            simt::Place place = simt::Place::current()) {
  simt::Block::current().async_copy(to, from, 16, first, end, place);
}
inline void async_commit() { simt::Block::current().async_commit(); }
template <int Pending>
void async_wait() {
  simt::Block::current().async_wait(Pending);
}
// Launches run one after another here.
inline void wait_for_launch_before() {}
inline void allow_next_launch() {}

// Every NaN that arithmetic makes is 0x7FFFFFFF there.
ALNG_DEVICE float as_gpu(float value) { return value == value ? value : std::bit_cast<float>(0x7FFFFFFFu); }
ALNG_DEVICE float add(float a, float b) { return as_gpu(a + b); }
ALNG_DEVICE float sub(float a, float b) { return as_gpu(a - b); }
ALNG_DEVICE float mul(float a, float b) { return as_gpu(a * b); }
ALNG_DEVICE float fma(float a, float b, float c) { return as_gpu(std::fma(a, b, c)); }
ALNG_DEVICE float square_root(float a) { return as_gpu(std::sqrt(a)); }
ALNG_DEVICE float reciprocal(float a) { return as_gpu(1.0f / a); }
ALNG_DEVICE std::uint32_t bits_of(float a) { return std::bit_cast<std::uint32_t>(a); }
ALNG_DEVICE float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

/// The smaller of each of two signed 16-bit numbers.
inline std::uint32_t smaller_halves(std::uint32_t a, std::uint32_t b) {
  const auto smaller = [](std::uint32_t x, std::uint32_t y) {
    const auto left = static_cast<std::int16_t>(x), right = static_cast<std::int16_t>(y);
    return static_cast<std::uint32_t>(static_cast<std::uint16_t>(left < right ? left : right));
  };
  return smaller(a & 0xFFFF, b & 0xFFFF) | smaller(a >> 16, b >> 16) << 16;
}
/// Two values rounded to 16 bits, the first in the lower half. NaN is 0x7FFF.
inline std::uint32_t bfloat16_pair(float low, float high) {
  const auto one = [](float v) { return v == v ? std::uint32_t{bfloat16_from_float32(v)} : 0x7FFFu; };
  return one(low) | one(high) << 16;
}
inline std::uint32_t float16_pair(float low, float high) {
  const auto one = [](float v) { return v == v ? std::uint32_t{float16_from_float32(v)} : 0x7FFFu; };
  return one(low) | one(high) << 16;
}
inline float float32_of_half(std::uint32_t bits) {
  return as_gpu(float32_from_float16(static_cast<std::uint16_t>(bits)));
}

}  // namespace alng::impl::cuda

#endif
