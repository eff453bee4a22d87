// What the kernels use of the machine beside C++, as functions: nvcc's side here, the host model's in simt/device.h.
// Arithmetic is by functions that no compiler contracts to an fma. Memory is touched by functions only, so that the
// model sees every access.
#ifndef ALNG_CUDA_DEVICE_H
#define ALNG_CUDA_DEVICE_H

#ifndef __CUDACC__
#include "cuda/simt/device.h"
#else

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#define ALNG_DEVICE __device__ __forceinline__
#define ALNG_DEVICE_CALL static __device__ __noinline__
// From sm_90 on; on older machines Access::bulk and clusters are never planned, and their kernels are empty.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define ALNG_SM90(...) __VA_ARGS__
#define ALNG_HAS_SM90 true
#else
#define ALNG_SM90(...)
#define ALNG_HAS_SM90 false
#endif

namespace alng::impl::cuda {

extern __shared__ __align__(128) std::byte alng_shared_memory[];

ALNG_DEVICE unsigned thread_index() { return threadIdx.x; }
ALNG_DEVICE unsigned threads_of_block() { return blockDim.x; }
ALNG_DEVICE unsigned block_x() { return blockIdx.x; }
ALNG_DEVICE unsigned block_y() { return blockIdx.y; }
ALNG_DEVICE unsigned grid_x() { return gridDim.x; }
ALNG_DEVICE unsigned grid_y() { return gridDim.y; }
ALNG_DEVICE std::byte* shared_memory() { return alng_shared_memory; }

template <class T>
ALNG_DEVICE T read_shared(const T* p) {
  return *p;
}
template <class T>
ALNG_DEVICE void write_shared(T* p, T value) {
  *p = value;
}
template <class T>
ALNG_DEVICE T read_global(const T* p) {
  return *p;
}
template <class T>
ALNG_DEVICE void write_global(T* p, T value) {
  *p = value;
}
/// What nobody will read soon.
template <class T>
ALNG_DEVICE void write_streamed(T* p, T value) {
  __stcs(p, value);
}

ALNG_DEVICE void block_barrier(unsigned id, unsigned threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
/// Of all blocks of the cluster: what was written before an arrival, here or there, is read after the wait.
ALNG_DEVICE void cluster_arrive() { ALNG_SM90(asm volatile("barrier.cluster.arrive.release;" ::: "memory");) }
ALNG_DEVICE void cluster_wait() { ALNG_SM90(asm volatile("barrier.cluster.wait.acquire;" ::: "memory");) }
ALNG_DEVICE unsigned cluster_rank() {
  unsigned rank = 0;
  ALNG_SM90(asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));)
  return rank;
}
ALNG_DEVICE unsigned cluster_blocks() {
  unsigned blocks = 1;
  ALNG_SM90(asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));)
  return blocks;
}
ALNG_DEVICE void warp_barrier() { __syncwarp(); }
ALNG_DEVICE float shuffle_xor(float value, unsigned mask) { return __shfl_xor_sync(0xFFFFFFFFu, value, mask); }
ALNG_DEVICE float shuffle(float value, unsigned lane) { return __shfl_sync(0xFFFFFFFFu, value, lane); }

ALNG_DEVICE std::uint32_t shared_address(const void* p) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(p));
}

/// Where in block `rank` of the cluster it is what is `p` here.
ALNG_DEVICE void write_remote(float* p, unsigned rank, float value) {
  ALNG_SM90(std::uint32_t there; asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                                              : "=r"(there)
                                              : "r"(shared_address(p)), "r"(rank));
            asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(there), "f"(value)
                         : "memory");)
}

using Mbarrier = std::uint64_t;
ALNG_DEVICE void mbarrier_init(Mbarrier* at, unsigned arrivals) {
  ALNG_SM90(asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared_address(at)), "r"(arrivals) : "memory");)
}
ALNG_DEVICE void mbarrier_fence() {
  ALNG_SM90(asm volatile("fence.mbarrier_init.release.cluster;" ::
                             : "memory");
            asm volatile("fence.proxy.async.shared::cta;" ::
                             : "memory");)
}
ALNG_DEVICE void mbarrier_expect(Mbarrier* at, unsigned bytes) {
  ALNG_SM90(asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(shared_address(at)), "r"(bytes)
                         : "memory");)
}
ALNG_DEVICE void mbarrier_wait(Mbarrier* at, unsigned parity) {
  ALNG_SM90(unsigned done = 0; do {
    asm volatile("{.reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
                 : "=r"(done)
                 : "r"(shared_address(at)), "r"(parity)
                 : "memory");
  } while (done == 0);)
}
ALNG_DEVICE void bulk_copy(void* to, const void* from, unsigned bytes, Mbarrier* at) {
  ALNG_SM90(
      asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                       shared_address(to)),
                   "l"(from), "r"(bytes), "r"(shared_address(at))
                   : "memory");)
}
ALNG_DEVICE void async_copy_16(void* to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
/// Of the 16 bytes those from `first` to `end` are wanted. Those before are read too (they are of the same allocation,
/// since every allocation begins on 256 bytes), those behind are not.
ALNG_DEVICE void async_copy_part(void* to, const void* from, unsigned, unsigned end) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(end)
               : "memory");
}
ALNG_DEVICE void async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int Pending>
ALNG_DEVICE void async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}
ALNG_DEVICE void wait_for_launch_before() { ALNG_SM90(asm volatile("griddepcontrol.wait;" ::: "memory");) }
ALNG_DEVICE void allow_next_launch() { ALNG_SM90(asm volatile("griddepcontrol.launch_dependents;");) }

ALNG_DEVICE float add(float a, float b) { return __fadd_rn(a, b); }
ALNG_DEVICE float sub(float a, float b) { return __fsub_rn(a, b); }
ALNG_DEVICE float mul(float a, float b) { return __fmul_rn(a, b); }
ALNG_DEVICE float fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
ALNG_DEVICE float square_root(float a) { return __fsqrt_rn(a); }
ALNG_DEVICE float reciprocal(float a) { return __frcp_rn(a); }
ALNG_DEVICE std::uint32_t bits_of(float a) { return __float_as_uint(a); }
ALNG_DEVICE float float_of(std::uint32_t bits) { return __uint_as_float(bits); }

/// The smaller of each of two signed 16-bit numbers.
ALNG_DEVICE std::uint32_t smaller_halves(std::uint32_t a, std::uint32_t b) { return __vmins2(a, b); }
/// Two values rounded to 16 bits, the first in the lower half. NaN is 0x7FFF.
ALNG_DEVICE std::uint32_t bfloat16_pair(float low, float high) {
  std::uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
ALNG_DEVICE std::uint32_t float16_pair(float low, float high) {
  std::uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
ALNG_DEVICE float float32_of_half(std::uint32_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(static_cast<std::uint16_t>(bits)));
  return value;
}

}  // namespace alng::impl::cuda

#endif
#endif
