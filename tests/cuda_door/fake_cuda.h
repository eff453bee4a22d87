// GPUs that do nothing until somebody waits for them, and watch how they are called: libalng_cuda.so as the tests build
// it, with these instead of the CUDA runtime and with kernels that compute by the reference (fake_kernels.cc).
#ifndef ALNG_TESTS_FAKE_CUDA_H
#define ALNG_TESTS_FAKE_CUDA_H

#include <cstddef>
#include <string>
#include <vector>

namespace alng::test {

/// What a test sees of them, and sets. Reached by FakeCuda* alng_fake_cuda() in the library.
class FakeCuda {
 public:
  /// As many GPUs of this architecture (90: sm_90), nothing going on, no failure planned.
  virtual void reset(int gpus, int architecture) = 0;
  /// How many clusters of any size have room at once; without it as many as there are multiprocessors for.
  virtual void set_clusters(int clusters) = 0;
  /// The driver's version; 0: there is none.
  virtual void set_driver(int version) = 0;
  /// The first `call` ("cudaMalloc") behind `after` others returns `error`; with -1 each one does.
  virtual void fail(const std::string& call, int error, int after = 0) = 0;
  /// What was called since `reset` or the last time this was, in order, on any thread.
  virtual std::vector<std::string> take_calls() = 0;
  /// What cudaGetLastError would return on this thread.
  virtual int last_error() const = 0;

  virtual int current() const = 0;
  virtual void set_current(int gpu) = 0;
  virtual void* make_stream(int gpu) = 0;
  virtual void destroy_stream(void* stream) = 0;
  /// Launches that wait on the stream, and those that may begin while the one before runs.
  virtual int waiting(void* stream) const = 0;
  virtual int waiting_early(void* stream) const = 0;
  /// Those in clusters of 2 blocks.
  virtual int waiting_in_clusters(void* stream) const = 0;
  virtual void wait_for_all() = 0;

  /// From now on what is launched on the stream is kept instead of done, and what may not be called then fails.
  virtual void begin_capture(void* stream) = 0;
  /// The number of launches kept; -1 where something failed. Another capture forgets them.
  virtual int end_capture() = 0;
  /// Puts them on the stream.
  virtual void replay(void* stream) = 0;

  virtual int allocations() const = 0;

 protected:
  ~FakeCuda() = default;
};

}  // namespace alng::test

#endif
