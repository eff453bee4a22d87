// The host model of CUDA by itself: each of its checks is tripped by a kernel that breaks the rule, and not by the one
// beside it that keeps it.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cuda/simt_stage.h"

namespace alng::test {
namespace {

using namespace impl::cuda;  // NOLINT(google-build-using-namespace): kernels speak of the device as kernels do

float* shared_floats() { return reinterpret_cast<float*>(shared_memory()); }
int thread() { return static_cast<int>(thread_index()); }

TEST(Simt, RunsEveryThreadOfEveryBlockOnce) {
  std::array<int, 3 * 96> count{};
  Stage<int*> stage;
  stage.threads = 96;
  stage.blocks = 3;
  stage.run([](const void* p) { ++(*static_cast<int* const*>(p))[block_x() * 96 + thread_index()]; }, count.data());
  for (const int n : count) EXPECT_EQ(n, 1);
}

TEST(Simt, TheSeedTellsTheOrderOfThreads) {
  std::set<std::vector<int>> orders;
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    std::vector<int> order;
    Stage<std::vector<int>*> stage;
    stage.schedule.seed = seed;
    const auto body = [](const void* p) { (*static_cast<std::vector<int>* const*>(p))->push_back(thread()); };
    stage.run(body, &order);
    std::vector<int> again;
    stage.run(body, &again);
    EXPECT_EQ(order, again);
    orders.insert(order);
  }
  EXPECT_GE(orders.size(), 7u);
}

// Barriers.

TEST(Simt, ABarrierThatSomeMissIsNamed) {
  expect_finding("block 0 waits for ever: thread 0 at bar.sync in simt_test.cc:", [](const void*) {
    if (thread() < 32) block_barrier(0, 64);
  });
  expect_finding("waits for ever: thread ", [](const void*) {
    if (thread() != 17) warp_barrier();
  });
  expect_finding("at __shfl_sync in simt_test.cc:", [](const void*) {
    if (thread() != 17) shuffle(1.0f, 0);
  });
}

TEST(Simt, ABarrierOfAnotherNumberOfThreadsIsFound) {
  expect_finding("comes to a bar.sync of ", [](const void*) { block_barrier(1, thread() < 32 ? 64 : 32); });
  expect_finding("bar.sync 16, 64 in a block of 64 threads", [](const void*) { block_barrier(16, 64); });
  expect_finding("they count whole warps", [](const void*) { block_barrier(0, 48); });
  expect_finding("", [](const void*) { block_barrier(1 + static_cast<unsigned>(thread()) / 32, 32); });
}

// Shuffles.

TEST(Simt, ShufflesTakeEachLanesValue) {
  std::array<float, 64> got{};
  Stage<float*> stage;
  stage.run(
      [](const void* p) {
        float* const out = *static_cast<float* const*>(p);
        float v = static_cast<float>(thread());
        for (unsigned mask = 1; mask < 32; mask *= 2) v += shuffle_xor(v, mask);
        out[thread()] = v + shuffle(static_cast<float>(thread()), 3);
      },
      got.data());
  for (int t = 0; t < 64; ++t) EXPECT_EQ(got[static_cast<std::size_t>(t)], t < 32 ? 496.0f + 3 : 1520.0f + 35);
}

// Shared memory.

TEST(Simt, RacesOnSharedMemoryAreFound) {
  // Written by one warp, read by the other.
  expect_finding("race: ", [](const void*) {
    if (thread() == 0) write_shared(shared_floats(), 1.0f);
    if (thread() == 32) read_shared(shared_floats());
  });
  expect_finding("", [](const void*) {
    if (thread() == 0) write_shared(shared_floats(), 1.0f);
    block_barrier(0, 64);
    if (thread() == 32) read_shared(shared_floats());
  });
  // Read by all, then written by one.
  expect_finding("race: thread 0 writes what thread", [](const void*) {
    if (thread() == 0) write_shared(shared_floats(), 1.0f);
    block_barrier(0, 64);
    read_shared(shared_floats());
    if (thread() == 0) {
      for (int i = 0; i < 40; ++i) shuffle(0.0f, 0);  // gives the others time
      write_shared(shared_floats(), 2.0f);
    } else if (thread() < 32) {
      for (int i = 0; i < 40; ++i) shuffle(0.0f, 0);
    }
  });
  // A shuffle orders no memory, and the barrier of one warp nothing between warps.
  expect_finding(
      "race: ",
      [](const void*) {
        if (thread() == 0) write_shared(shared_floats(), 1.0f);
        shuffle(0.0f, 0);
        if (thread() == 1) read_shared(shared_floats());
      },
      32);
  expect_finding(
      "",
      [](const void*) {
        if (thread() == 0) write_shared(shared_floats(), 1.0f);
        warp_barrier();
        if (thread() == 1) read_shared(shared_floats());
      },
      32);
  expect_finding("race: ", [](const void*) {
    if (thread() == 0) write_shared(shared_floats(), 1.0f);
    warp_barrier();
    if (thread() == 32) read_shared(shared_floats());
  });
}

TEST(Simt, TwoBuffersInTurnNeedOneBarrier) {
  const auto body = [](int buffers) {
    return [buffers] {
      for (int i = 0; i < 6; ++i) {
        float* const turn = shared_floats() + (i % buffers) * 2;
        if (thread() % 32 == 0) write_shared(turn + thread() / 32, 1.0f);
        block_barrier(0, 64);
        read_shared(turn);
        read_shared(turn + 1);
      }
    };
  };
  static const auto one = body(1), two = body(2);
  expect_finding("race: ", [](const void*) { one(); });
  expect_finding("", [](const void*) { two(); });
}

TEST(Simt, SharedMemoryHasExactlyItsBytes) {
  expect_finding("writes shared memory at byte 1024 of 1024",
                 [](const void*) { write_shared(shared_floats() + 256, 1.0f); });
  expect_finding("reads shared memory at byte -4 of 1024", [](const void*) { read_shared(shared_floats() - 1); });
  expect_finding("at byte 4, no multiple of 16",
                 [](const void*) { write_shared(reinterpret_cast<uint4*>(shared_floats() + 1), uint4{}); });
}

TEST(Simt, SharedMemoryIsNaNUntilWritten) {
  expect_finding("simt_test.cc:", [](const void*) { read_shared(shared_floats() + thread()); });
  expect_finding("shared memory is read that nobody has written",
                 [](const void*) { read_shared(shared_floats() + thread()); });
  float got = 0;
  Stage<float*> stage;
  stage.run([](const void* p) { **static_cast<float* const*>(p) = read_shared(shared_floats()); }, &got);
  EXPECT_NE(got, got);
}

TEST(Simt, BankConflictsAreCounted) {
  const auto conflicts = [](int stride, bool wide) {
    Stage<std::array<int, 2>> stage;
    stage.threads = 32;
    stage.shared_bytes = 32 * 32 * 4;
    stage.schedule.count_banks = true;
    const simt::Report report = stage.run(
        [](const void* p) {
          const auto [step, sixteen] = *static_cast<const std::array<int, 2>*>(p);
          if (sixteen != 0) {
            write_shared(reinterpret_cast<uint4*>(shared_floats() + thread() * step), uint4{});
          } else {
            write_shared(shared_floats() + thread() * step, 1.0f);
          }
        },
        {stride, wide ? 1 : 0});
    EXPECT_EQ(report.sentences(), "");
    EXPECT_EQ(report.shared_accesses, 1);
    return report.bank_conflicts;
  };
  EXPECT_EQ(conflicts(1, false), 0);
  EXPECT_EQ(conflicts(2, false), 1);
  EXPECT_EQ(conflicts(32, false), 31);
  EXPECT_EQ(conflicts(4, true), 0);
  EXPECT_EQ(conflicts(8, true), 4);  // in each quarter of the warp
}

// Bulk copies.

alignas(16) const std::array<float, 64> source = [] {
  std::array<float, 64> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return values;
}();

void run_with_source(const char* finding, HostFunction body) {
  for (const simt::Arrival arrival : {simt::Arrival::early, simt::Arrival::late, simt::Arrival::any}) {
    for (std::uint32_t seed = 1; seed <= 4; ++seed) {
      Stage<int> stage;
      stage.schedule = {seed, arrival, false};
      stage.memory = [](simt::GlobalMemory& memory) {
        memory.add("source", const_cast<float*>(source.data()), sizeof source, simt::GlobalMemory::Use::read);
      };
      const std::string sentences = stage.run(body, 0).sentences();
      if (*finding == '\0') {
        EXPECT_EQ(sentences, "") << "seed " << seed;
      } else {
        EXPECT_NE(sentences.find(finding), std::string::npos) << "seed " << seed << ": " << sentences;
      }
    }
  }
}

Mbarrier* mbarrier() { return reinterpret_cast<Mbarrier*>(shared_memory() + 512); }

void start(bool fenced = true) {
  if (thread() == 0) {
    mbarrier_init(mbarrier(), 1);
    if (fenced) mbarrier_fence();
    mbarrier_expect(mbarrier(), 64);
    bulk_copy(shared_memory(), source.data() + 4, 64, mbarrier());
  }
}

TEST(SimtBulkCopy, IsThereAfterTheWait) {
  run_with_source("", [](const void*) {
    start();
    block_barrier(0, 64);
    for (unsigned phase = 0; phase < 4; ++phase) {
      mbarrier_wait(mbarrier(), phase & 1);
      EXPECT_EQ(read_shared(shared_floats() + 3), 7.0f);
      block_barrier(0, 64);
      if (thread() == 0) {
        mbarrier_expect(mbarrier(), 64);
        bulk_copy(shared_memory(), source.data() + 4, 64, mbarrier());
      }
    }
    mbarrier_wait(mbarrier(), 0);
  });
}

TEST(SimtBulkCopy, ReadBeforeTheWaitIsARace) {
  run_with_source("reads what a bulk copy writes", [](const void*) {
    start();
    block_barrier(0, 64);
    read_shared(shared_floats());
  });
}

TEST(SimtBulkCopy, OverWhatOthersReadIsARace) {
  run_with_source("starts a copy over what thread", [](const void*) {
    start();
    block_barrier(0, 64);
    mbarrier_wait(mbarrier(), 0);
    read_shared(shared_floats());
    if (thread() == 0) {
      mbarrier_expect(mbarrier(), 64);
      bulk_copy(shared_memory(), source.data(), 64, mbarrier());
    }
    if (thread() == 40) read_shared(shared_floats());
    mbarrier_wait(mbarrier(), 1);
  });
}

TEST(SimtBulkCopy, WithoutItsRulesIsRefused) {
  run_with_source("before the mbarrier's initialisation is fenced", [](const void*) { start(false); });
  run_with_source("it must be a multiple of 16", [](const void*) {
    if (thread() != 0) return;
    mbarrier_init(mbarrier(), 1);
    mbarrier_fence();
    bulk_copy(shared_memory(), source.data(), 24, mbarrier());
  });
  run_with_source("an address that is no multiple of 16", [](const void*) {
    if (thread() != 0) return;
    mbarrier_init(mbarrier(), 1);
    mbarrier_fence();
    bulk_copy(shared_memory(), source.data() + 1, 32, mbarrier());
  });
  run_with_source("at byte 8, no multiple of 16", [](const void*) {
    if (thread() != 0) return;
    mbarrier_init(mbarrier(), 1);
    mbarrier_fence();
    bulk_copy(shared_memory() + 8, source.data(), 32, mbarrier());
  });
  run_with_source("waits for ever: thread 0 at mbarrier wait", [](const void*) {
    start();
    block_barrier(0, 64);
    mbarrier_wait(mbarrier(), 0);
    mbarrier_wait(mbarrier(), 1);
  });
  run_with_source("no mbarrier at this place", [](const void*) {
    if (thread() != 0) return;
    write_shared(mbarrier() + 1, Mbarrier{0});
    mbarrier_wait(mbarrier() + 1, 0);
  });
  // Initialised by one thread and used by another without a barrier between.
  run_with_source("race: ", [](const void*) {
    start();
    if (thread() == 40) mbarrier_wait(mbarrier(), 0);
  });
}

// Copies of a thread's own.

TEST(SimtAsyncCopy, IsThereForItsThreadAfterTheWait) {
  run_with_source("", [](const void*) {
    async_copy_16(shared_memory() + 16 * thread(), source.data() + 4 * (thread() % 16));
    async_commit();
    async_wait<0>();
    EXPECT_EQ(read_shared(shared_floats() + 4 * thread()), source[static_cast<std::size_t>(4 * (thread() % 16))]);
  });
  run_with_source("reads what an asynchronous copy of thread", [](const void*) {
    async_copy_16(shared_memory() + 16 * thread(), source.data());
    async_commit();
    read_shared(shared_floats() + 4 * thread());
  });
}

TEST(SimtAsyncCopy, IsThereForOthersAfterABarrierBehindTheWait) {
  run_with_source("reads what an asynchronous copy of thread", [](const void*) {
    async_copy_16(shared_memory() + 16 * thread(), source.data());
    async_commit();
    async_wait<0>();
    read_shared(shared_floats() + 4 * (thread() ^ 1));
  });
  run_with_source("", [](const void*) {
    async_copy_16(shared_memory() + 16 * thread(), source.data());
    async_commit();
    async_wait<0>();
    warp_barrier();
    read_shared(shared_floats() + 4 * (thread() ^ 1));
  });
  // A barrier that stands before the wait is none.
  run_with_source("reads what an asynchronous copy of thread", [](const void*) {
    async_copy_16(shared_memory() + 16 * thread(), source.data());
    async_commit();
    warp_barrier();
    async_wait<0>();
    read_shared(shared_floats() + 4 * (thread() ^ 1));
  });
}

TEST(SimtAsyncCopy, WaitsCountGroups) {
  static constexpr auto two_groups = [](auto wait) {
    if (thread() >= 16) return;
    async_copy_16(shared_memory() + 32 * thread(), source.data());
    async_commit();
    async_copy_16(shared_memory() + 32 * thread() + 16, source.data());
    async_commit();
    wait();
    read_shared(shared_floats() + 8 * thread());
  };
  run_with_source("", [](const void*) { two_groups([] { async_wait<1>(); }); });
  run_with_source("race: ", [](const void*) { two_groups([] { async_wait<2>(); }); });
}

TEST(SimtAsyncCopy, WithoutItsRulesIsRefused) {
  run_with_source("from an address that is no multiple of that", [](const void*) {
    async_copy_16(shared_memory() + 16 * thread(), source.data() + 1);
    async_commit();
  });
  run_with_source("outside of all tensors", [](const void*) {
    async_copy_part(shared_memory() + 16 * thread(), source.data() + 64, 0, 16);
    async_commit();
  });
  // Of the last 16 bytes of a tensor with an odd number of elements only what is its own may be read.
  run_with_source("", [](const void*) {
    async_copy_part(shared_memory() + 16 * thread(), source.data() + 60, 0, 14);
    async_commit();
  });
}

TEST(SimtAsyncCopy, NotCommittedIsFound) {
  Stage<int> stage;
  stage.schedule.arrival = simt::Arrival::late;
  stage.memory = [](simt::GlobalMemory& memory) {
    memory.add("source", const_cast<float*>(source.data()), sizeof source, simt::GlobalMemory::Use::read);
  };
  const auto body = [](const void*) { async_copy_part(shared_memory() + 16 * thread(), source.data(), 0, 16); };
  EXPECT_NE(stage.run(body, 0).sentences().find("ends with asynchronous copies that it has not committed"),
            std::string::npos);
}

// Global memory.

TEST(SimtGlobalMemory, IsWhatTheRunHasAndNoMore) {
  const auto findings = [](simt::GlobalMemory::Use use, HostFunction body) {
    alignas(16) static std::array<float, 8> memory;
    Stage<float*> stage;
    stage.threads = 32;
    stage.memory = [use](simt::GlobalMemory& told) { told.add("tensor", memory.data(), sizeof memory, use); };
    return stage.run(body, memory.data()).sentences();
  };
  using Use = simt::GlobalMemory::Use;
  const auto read = [](const void* p) { read_global(*static_cast<float* const*>(p)); };
  const auto write = [](const void* p) { write_global(*static_cast<float* const*>(p), 1.0f); };
  EXPECT_EQ(findings(Use::read, read), "");
  EXPECT_EQ(findings(Use::write, write), "");
  EXPECT_EQ(findings(Use::read_and_write, read), "");
  EXPECT_NE(findings(Use::write, read).find("reads tensor, an output"), std::string::npos);
  EXPECT_NE(findings(Use::read, write).find("writes tensor, an input"), std::string::npos);
  EXPECT_NE(findings(Use::scratch, read).find("reads tensor that nobody has written"), std::string::npos);
  EXPECT_EQ(findings(Use::scratch,
                     [](const void* p) {
                       write_global(*static_cast<float* const*>(p), 1.0f);
                       read_global(*static_cast<float* const*>(p));
                     }),
            "");
  EXPECT_NE(findings(Use::read, [](const void* p) { read_global(*static_cast<float* const*>(p) + 8); })
                .find("reads 4 bytes of global memory outside of all tensors"),
            std::string::npos);
  EXPECT_NE(findings(Use::read,
                     [](const void* p) { read_global(reinterpret_cast<uint4*>(*static_cast<float* const*>(p) + 1)); })
                .find("no multiple of 16"),
            std::string::npos);
}

// Arithmetic.

TEST(SimtArithmetic, MakesTheNaNOfAGpu) {
  const float nan = std::bit_cast<float>(0xFFC12345u), infinity = std::bit_cast<float>(0x7F800000u);
  for (const float v : {add(nan, 1.0f), sub(infinity, infinity), mul(0.0f, infinity), fma(nan, 1.0f, 1.0f),
                        square_root(-1.0f), reciprocal(nan), float32_of_half(0xFE01)}) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(v), 0x7FFFFFFFu);
  }
  EXPECT_EQ(bfloat16_pair(nan, 1.0f), 0x3F807FFFu);
  EXPECT_EQ(float16_pair(1.0f, nan), 0x7FFF3C00u);
  EXPECT_EQ(smaller_halves(0x7FFFFFFFu, 0x7FC07FC0u), 0x7FC0FFFFu);
}

}  // namespace
}  // namespace alng::test
