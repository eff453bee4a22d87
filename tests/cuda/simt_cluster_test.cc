// Clusters on the host model of CUDA: each check is tripped by a kernel that breaks the rule, and not by the one beside
// it that keeps it.
#include <gtest/gtest.h>

#include <array>

#include "cuda/simt_stage.h"

namespace alng::test {
namespace {

using namespace impl::cuda;  // NOLINT(google-build-using-namespace): kernels speak of the device as kernels do

float* shared_floats() { return reinterpret_cast<float*>(shared_memory()); }
int thread() { return static_cast<int>(thread_index()); }
void cluster_barrier() {
  cluster_arrive();
  cluster_wait();
}

void expect_of_a_cluster(const char* finding, HostFunction body) { expect_finding(finding, body, 64, 1024, 2); }

TEST(SimtCluster, ItsBlocksRunTogetherAndKnowTheirRanks) {
  std::array<int, 6 * 32> rank{};
  Stage<int*> stage;
  stage.threads = 32;
  stage.blocks = 6;
  stage.cluster = 3;
  const simt::Report report = stage.run(
      [](const void* p) {
        cluster_barrier();
        (*static_cast<int* const*>(p))[block_x() * 32 + thread_index()] =
            static_cast<int>(10 * cluster_blocks() + cluster_rank());
      },
      rank.data());
  EXPECT_EQ(report.sentences(), "");
  for (std::size_t i = 0; i < rank.size(); ++i) EXPECT_EQ(rank[i], 30 + static_cast<int>(i / 32 % 3));
}

TEST(SimtCluster, WhatAnotherBlockWritesIsThereAfterTheBarrier) {
  expect_of_a_cluster("", [](const void*) {
    cluster_barrier();
    for (int i = 0; i < 4; ++i) {  // two places in turn, one barrier each time
      float* const place = shared_floats() + i % 2 * 64;
      write_remote(place + thread(), 1 - cluster_rank(),
                   static_cast<float>(100 * cluster_rank()) + 10.0f * static_cast<float>(i));
      cluster_barrier();
      EXPECT_EQ(read_shared(place + (thread() + 5) % 64),
                static_cast<float>(100 * (1 - cluster_rank())) + 10.0f * static_cast<float>(i));
    }
  });
}

TEST(SimtCluster, RacesBetweenItsBlocksAreFound) {
  // Read without a barrier behind the write.
  expect_of_a_cluster("race: ", [](const void*) {
    write_shared(shared_floats() + thread(), 0.0f);
    cluster_barrier();
    write_remote(shared_floats() + thread(), 1 - cluster_rank(), 1.0f);
    block_barrier(0, 64);
    read_shared(shared_floats() + thread());
    cluster_barrier();
  });
  // Between the arrival and the wait nothing of the others is sure to be there.
  expect_of_a_cluster("race: ", [](const void*) {
    write_shared(shared_floats() + thread(), 0.0f);
    cluster_barrier();
    write_remote(shared_floats() + thread(), 1 - cluster_rank(), 1.0f);
    cluster_arrive();
    read_shared(shared_floats() + thread());
    cluster_wait();
  });
  // What is written behind the arrival belongs to the next barrier.
  expect_of_a_cluster("race: ", [](const void*) {
    write_shared(shared_floats() + thread(), 0.0f);
    cluster_barrier();
    cluster_arrive();
    write_remote(shared_floats() + thread(), 1 - cluster_rank(), 1.0f);
    cluster_wait();
    read_shared(shared_floats() + thread());
    cluster_barrier();
  });
  // One place for what is written again and again.
  expect_of_a_cluster("race: ", [](const void*) {
    cluster_barrier();
    for (int i = 0; i < 2; ++i) {
      write_remote(shared_floats() + thread(), 1 - cluster_rank(), 1.0f);
      cluster_barrier();
      read_shared(shared_floats() + thread());
    }
  });
  // Two blocks write the same place of a third.
  expect_finding(
      "race: ",
      [](const void*) {
        cluster_barrier();
        if (cluster_rank() > 0) write_remote(shared_floats() + thread(), 0, 1.0f);
        cluster_barrier();
      },
      64, 1024, 3);
}

TEST(SimtCluster, WhatNobodyHasWrittenIsFound) {
  expect_of_a_cluster("shared memory is read that nobody has written", [](const void*) {
    cluster_barrier();
    write_remote(shared_floats() + thread(), cluster_rank(), 1.0f);  // to itself
    cluster_barrier();
    read_shared(shared_floats() + 64 + thread());
  });
}

TEST(SimtCluster, RemoteSharedMemoryHasExactlyItsBytes) {
  expect_of_a_cluster("writes shared memory at byte 1024 of 1024", [](const void*) {
    cluster_barrier();
    write_remote(shared_floats() + 256, 1 - cluster_rank(), 1.0f);
    cluster_barrier();
  });
  expect_of_a_cluster("no multiple of 4", [](const void*) {
    cluster_barrier();
    write_remote(reinterpret_cast<float*>(shared_memory() + 2), 1 - cluster_rank(), 1.0f);
    cluster_barrier();
  });
  expect_of_a_cluster("writes shared memory of block 2 in a cluster of 2", [](const void*) {
    cluster_barrier();
    write_remote(shared_floats() + thread(), 2, 1.0f);
    cluster_barrier();
  });
}

TEST(SimtCluster, ABlockThatMayNotRunYetOrNoMoreIsFound) {
  expect_of_a_cluster("before a cluster barrier has told that it runs", [](const void*) {
    write_remote(shared_floats() + thread(), 1 - cluster_rank(), 1.0f);
    cluster_barrier();
  });
  // Found whichever of the two blocks is the faster one.
  expect_of_a_cluster("writes shared memory of block 1, which may have ended by then", [](const void*) {
    cluster_barrier();
    if (cluster_rank() == 0) write_remote(shared_floats() + thread(), 1, 1.0f);
  });
}

TEST(SimtCluster, BarriersThatSomeMissAreNamed) {
  expect_of_a_cluster("the cluster of block 0 waits for ever: thread ", [](const void*) {
    if (cluster_rank() == 0 || thread() < 32) {
      cluster_barrier();
    } else {
      block_barrier(0, 64);
    }
  });
  expect_of_a_cluster(" at a cluster barrier in simt_cluster_test.cc:", [](const void*) {
    cluster_arrive();
    cluster_wait();
    if (thread() < 32) block_barrier(0, 64);
    if (thread() >= 32) cluster_barrier();
  });
  expect_of_a_cluster("arrives at a cluster barrier twice without a wait between", [](const void*) {
    cluster_arrive();
    cluster_arrive();
    cluster_wait();
  });
  expect_of_a_cluster("waits for a cluster barrier that it has not arrived at", [](const void*) { cluster_wait(); });
  // Threads that have ended are not waited for.
  expect_of_a_cluster("", [](const void*) {
    if (thread() < 32) return;
    cluster_barrier();
  });
}

// Barriers and shuffles of one block are not those of another.
TEST(SimtCluster, BlocksHaveTheirOwnBarriersAndMemory) {
  expect_of_a_cluster("", [](const void*) {
    write_shared(shared_floats() + thread(), static_cast<float>(cluster_rank()));
    block_barrier(0, 64);
    if (cluster_rank() == 0) block_barrier(0, 64);
    EXPECT_EQ(read_shared(shared_floats() + 63 - thread()), static_cast<float>(cluster_rank()));
    EXPECT_EQ(shuffle(static_cast<float>(cluster_rank()), 3), static_cast<float>(cluster_rank()));
  });
  expect_of_a_cluster("thread 0 of block 1 at bar.sync", [](const void*) {
    if (cluster_rank() == 0 || thread() < 32) block_barrier(0, 64);
  });
}

}  // namespace
}  // namespace alng::test
