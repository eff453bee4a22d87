// Order: what no flag, queue or barrier orders is found, and what one orders is not.
#include <gtest/gtest.h>

#include "ascend/tests/twin_stage.h"

namespace alng::test {
namespace {

using namespace AscendC;
using twin::Access;
using twin::Check;

class TwinHazard : public testing::TestWithParam<const char*> {
 protected:
  TwinHazard() : stage(GetParam()) { global = stage.global("memory", memory, Access::update); }
  twin::Report run(const std::function<void(Desk&)>& kernel) { return stage.run(kernel); }

  std::vector<float> memory = std::vector<float>(1024, 1);
  Stage stage;
  GlobalTensor<float> global;
  int line = 0;
};

TEST_P(TwinHazard, VectorReadsWhatMte2Writes) {
  for (const bool flag : {false, true}) {
    Stage here(GetParam());
    const GlobalTensor<float> from = here.global("memory", memory, Access::input);
    const twin::Report report = here.run([&](Desk& desk) {
      const LocalTensor<float> a = desk.empty<float>(64);
      const LocalTensor<float> b = desk.empty<float>(64);
      DataCopy(a, from, 64);
      if (flag) {
        SetFlag<HardEvent::MTE2_V>(3);
        WaitFlag<HardEvent::MTE2_V>(3);
      }
      line = __LINE__ + 1;
      Muls(b, a, 2.0f, 64);
    });
    if (flag) {
      EXPECT_EQ(report.sentences(), "");
    } else {
      expect_finding(report, Check::hazard,
                     "Muls reads UB bytes [0, 256) that DataCopy at twin_hazard_test.cc:" + std::to_string(line - 6) +
                         " (MTE2) wrote at byte 0, and no flag, queue or barrier makes V wait for MTE2",
                     line);
    }
  }
}

TEST_P(TwinHazard, Mte2OverwritesWhatVectorReads) {
  for (const bool flag : {false, true}) {
    Stage here(GetParam());
    const GlobalTensor<float> from = here.global("memory", memory, Access::input);
    const twin::Report report = here.run([&](Desk& desk) {
      const LocalTensor<float> a = desk.holding(ramp(64));
      const LocalTensor<float> b = desk.empty<float>(64);
      Muls(b, a, 2.0f, 64);
      if (flag) {
        SetFlag<HardEvent::V_MTE2>(0);
        WaitFlag<HardEvent::V_MTE2>(0);
      }
      line = __LINE__ + 1;
      DataCopy(a[32], from, 8);
    });
    if (flag) {
      EXPECT_EQ(report.sentences(), "");
    } else {
      expect_finding(report, Check::hazard, "DataCopy writes UB bytes [128, 160) that Muls at", line);
    }
  }
}

TEST_P(TwinHazard, Mte3ReadsWhatVectorWrites) {
  for (const bool flag : {false, true}) {
    Stage here(GetParam());
    const GlobalTensor<float> to = here.global("memory", memory, Access::update);
    const twin::Report report = here.run([&](Desk& desk) {
      const LocalTensor<float> a = desk.empty<float>(64);
      Duplicate(a, 2.0f, 64);
      if (flag) {
        SetFlag<HardEvent::V_MTE3>(7);
        WaitFlag<HardEvent::V_MTE3>(7);
      }
      line = __LINE__ + 1;
      DataCopy(to, a, 64);
    });
    if (flag) {
      EXPECT_EQ(report.sentences(), "");
    } else {
      expect_finding(report, Check::hazard, "(V) wrote at byte 0, and no flag, queue or barrier makes MTE3 wait for V",
                     line);
    }
  }
}

TEST_P(TwinHazard, VectorOverwritesWhatMte3Reads) {
  for (const bool flag : {false, true}) {
    Stage here(GetParam());
    const GlobalTensor<float> to = here.global("memory", memory, Access::update);
    const twin::Report report = here.run([&](Desk& desk) {
      const LocalTensor<float> a = desk.holding(ramp(64));
      DataCopy(to, a, 64);
      if (flag) {
        SetFlag<HardEvent::MTE3_V>(1);
        WaitFlag<HardEvent::MTE3_V>(1);
      }
      line = __LINE__ + 1;
      Duplicate(a, 2.0f, 8);
    });
    if (flag) {
      EXPECT_EQ(report.sentences(), "");
    } else {
      expect_finding(report, Check::hazard, "Duplicate writes UB bytes [0, 32) that DataCopy at", line);
    }
  }
}

// A flag that goes round: what one pipe knows it passes on.
TEST_P(TwinHazard, OrderIsPassedOn) {
  const twin::Report report = run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(64);
    DataCopy(a, global, 64);
    SetFlag<HardEvent::MTE2_V>(0);
    WaitFlag<HardEvent::MTE2_V>(0);
    SetFlag<HardEvent::V_MTE3>(0);
    WaitFlag<HardEvent::V_MTE3>(0);
    DataCopy(global[512], a, 64);
    SetFlag<HardEvent::MTE3_MTE2>(0);
    WaitFlag<HardEvent::MTE3_MTE2>(0);
    DataCopy(a, global[512], 64);
  });
  EXPECT_EQ(report.sentences(), "");
}

TEST_P(TwinHazard, AFlagOfAnotherPairDoesNotHelp) {
  const twin::Report report = run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(64);
    DataCopy(a, global, 64);
    SetFlag<HardEvent::MTE2_MTE3>(0);
    WaitFlag<HardEvent::MTE2_MTE3>(0);
    line = __LINE__ + 1;
    Adds(a, a, 1.0f, 64);
  });
  expect_finding(report, Check::hazard, "makes V wait for MTE2", line);
}

TEST_P(TwinHazard, AFlagSetBeforeDoesNotHelp) {
  const twin::Report report = run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(64);
    SetFlag<HardEvent::MTE2_V>(0);
    DataCopy(a, global, 64);
    WaitFlag<HardEvent::MTE2_V>(0);
    line = __LINE__ + 1;
    Adds(a, a, 1.0f, 64);
  });
  expect_finding(report, Check::hazard, "makes V wait for MTE2", line);
}

TEST_P(TwinHazard, DifferentBytesAreNoHazard) {
  const twin::Report report = run([&](Desk& desk) {
    const LocalTensor<float> a = desk.holding(ramp(64));
    const LocalTensor<float> sums = desk.empty<float>(8);
    DataCopy(a, global, 32);
    Muls(a[32], a[32], 2.0f, 32);
    // Sums of 4 bytes side by side.
    WholeReduceSum(sums, a[32], 32, 1, 1, 1, 8);
    WholeReduceSum(sums[1], a[32], 32, 1, 1, 1, 8);
  });
  // The first sum reads what Muls wrote.
  ASSERT_EQ(report.findings.size(), 2u) << report.sentences();
  for (const twin::Finding& finding : report.findings) EXPECT_EQ(finding.check, Check::vector_hazard);
}

TEST_P(TwinHazard, WithinTheVectorPipe) {
  struct Pair {
    const char* sentence;
    std::function<void(const LocalTensor<float>&, const LocalTensor<float>&)> first, second;
  };
  using L = const LocalTensor<float>&;
  const std::vector<Pair> pairs = {
      {"reads UB bytes [0, 256) that Duplicate at", [](L a, L) { Duplicate(a, 1.0f, 64); },
       [](L a, L b) { Muls(b, a, 2.0f, 64); }},
      {"writes UB bytes [0, 256) that Duplicate at", [](L a, L) { Duplicate(a, 1.0f, 64); },
       [](L a, L) { Duplicate(a, 2.0f, 64); }},
      {"writes UB bytes [0, 256) that Muls at", [](L a, L b) { Muls(b, a, 2.0f, 64); },
       [](L a, L) { Duplicate(a, 2.0f, 64); }},
  };
  for (const Pair& pair : pairs) {
    enum Way { nothing, barrier, automatic };
    for (const Way way : {nothing, barrier, automatic}) {
      Stage here(GetParam());
      here.options.auto_sync = way == automatic;
      const twin::Report report = here.run([&](Desk& desk) {
        const LocalTensor<float> a = desk.holding(ramp(64));
        const LocalTensor<float> b = desk.empty<float>(64);
        pair.first(a, b);
        if (way == barrier) PipeBarrier<PIPE_V>();
        pair.second(a, b);
      });
      if (way == nothing) {
        ASSERT_EQ(report.findings.size(), 1u) << report.sentences();
        EXPECT_EQ(report.findings[0].check, Check::vector_hazard);
        EXPECT_NE(report.findings[0].sentence.find(pair.sentence), std::string::npos) << report.findings[0].sentence;
        EXPECT_NE(report.findings[0].sentence.find("with no PipeBarrier<PIPE_V> between"), std::string::npos);
      } else {
        EXPECT_EQ(report.sentences(), "");
        EXPECT_EQ(report.cores[0].automatic_barriers, way == automatic ? 1 : 0);
      }
    }
  }
}

TEST_P(TwinHazard, WithinMte2AndMte3) {
  const twin::Report twice = run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(64);
    DataCopy(a, global, 64);
    line = __LINE__ + 1;
    DataCopy(a, global[64], 64);
  });
  expect_finding(twice, Check::pipe_hazard, "with no PipeBarrier<PIPE_MTE2> between", line);
  Stage here(GetParam());
  const GlobalTensor<float> to = here.global("memory", memory, Access::update);
  const twin::Report stores = here.run([&](Desk& desk) {
    const LocalTensor<float> a = desk.holding(ramp(64));
    DataCopy(to, a, 64);
    line = __LINE__ + 1;
    DataCopy(to[8], a, 8);
    PipeBarrier<PIPE_MTE3>();
    DataCopy(to[8], a, 8);
  });
  expect_finding(stores, Check::pipe_hazard, "DataCopy writes global memory that DataCopy at twin_hazard_test.cc",
                 line);
}

TEST_P(TwinHazard, GlobalMemoryReadBackTooSoon) {
  const twin::Report report = run([&](Desk& desk) {
    const LocalTensor<float> a = desk.holding(ramp(64));
    const LocalTensor<float> b = desk.empty<float>(64);
    DataCopy(global, a, 64);
    line = __LINE__ + 1;
    DataCopy(b, global, 64);
  });
  expect_finding(report, Check::hazard, "DataCopy reads global memory that DataCopy at", line);
}

TEST_P(TwinHazard, ScalarsNeedFlagsToo) {
  const twin::Report read = run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(64);
    Duplicate(a, 1.0f, 64);
    line = __LINE__ + 1;
    a.GetValue(0);
    SetFlag<HardEvent::V_S>(0);
    WaitFlag<HardEvent::V_S>(0);
    a.GetValue(0);
  });
  expect_finding(read, Check::hazard, "GetValue reads UB bytes [0, 4) that Duplicate at", line);
  const twin::Report written = Stage(GetParam()).run([&](Desk& desk) {
    const LocalTensor<float> a = desk.holding(ramp(64));
    a.SetValue(5, 1.0f);
    line = __LINE__ + 1;
    Adds(a, a, 1.0f, 8);
    PipeBarrier<PIPE_ALL>();
    a.SetValue(5, 2.0f);
    SetFlag<HardEvent::S_V>(0);
    WaitFlag<HardEvent::S_V>(0);
    Adds(a, a, 1.0f, 8);
  });
  expect_finding(written, Check::hazard, "Adds reads UB bytes [0, 32) that SetValue at", line);
}

INSTANTIATE_TEST_SUITE_P(Products, TwinHazard, testing::Values("a2", "950pr"),
                         [](const auto& product) { return "on_" + std::string(product.param); });

TEST(TwinFlags, SetTwice) {
  int line = 0;
  const twin::Report report = Stage().run([&](Desk&) {
    SetFlag<HardEvent::MTE2_V>(2);
    line = __LINE__ + 1;
    SetFlag<HardEvent::MTE2_V>(2);
    WaitFlag<HardEvent::MTE2_V>(2);
  });
  expect_finding(report, Check::flag,
                 "flag MTE2_V 2 is set although it was set at twin_hazard_test.cc:" + std::to_string(line - 2) +
                     " and not waited for since",
                 line);
}

TEST(TwinFlags, LeftOver) {
  int line = 0;
  const twin::Report report = Stage().run([&](Desk&) {
    line = __LINE__ + 1;
    SetFlag<HardEvent::V_MTE3>(0);
  });
  expect_finding(report, Check::flag,
                 "flag V_MTE3 0 is set here and still set when the kernel ends: nobody waits for it", line);
}

TEST(TwinFlags, NeverSet) {
  int line = 0;
  const twin::Report report = Stage().run([&](Desk&) {
    line = __LINE__ + 1;
    WaitFlag<HardEvent::V_MTE2>(1);
  });
  expect_finding(report, Check::deadlock, "waits for flag V_MTE2 1, which nobody has set: the core would wait forever",
                 line);
}

TEST(TwinFlags, IdsThatAreNot) {
  int line = 0;
  const twin::Report report = Stage().run([&](Desk&) {
    line = __LINE__ + 1;
    SetFlag<HardEvent::V_MTE2>(8);
  });
  expect_finding(report, Check::flag, "event id 8 is not one of 0 to 7", line);
}

TEST(TwinFlags, EightIdsOfAKind) {
  int line = 0;
  const twin::Report report = Stage().run([&](Desk& desk) {
    for (int i = 0; i < 8; ++i) EXPECT_EQ(desk.pipe.AllocEventID<HardEvent::V_MTE2>(), i);
    desk.pipe.ReleaseEventID<HardEvent::V_MTE2>(5);
    EXPECT_EQ(desk.pipe.FetchEventID(HardEvent::V_MTE2), 5);
    EXPECT_EQ(GetTPipePtr()->AllocEventID<HardEvent::V_MTE2>(), 5);
    EXPECT_EQ(desk.pipe.FetchEventID<HardEvent::V_MTE3>(), 0);
    line = __LINE__ + 1;
    desk.pipe.AllocEventID<HardEvent::V_MTE2>();
  });
  expect_finding(report, Check::flag, "a ninth event id of one kind is asked for; there are 8", line);
}

TEST(TwinFlags, AQueueTakesIdsOnA2AndNoneOnThe950) {
  const auto kernel = [](Desk& desk) {
    TQue<TPosition::VECIN, 9> queue;
    desk.pipe.InitBuffer(queue, 9, 32);
    for (int i = 0; i < 9; ++i) queue.EnQue(queue.AllocTensor<float>());
    for (int i = 0; i < 9; ++i) queue.FreeTensor(queue.DeQue<float>());
  };
  const twin::Report a2 = Stage("a2").run(kernel);
  ASSERT_EQ(a2.findings.size(), 1u) << a2.sentences();
  EXPECT_NE(a2.findings[0].sentence.find(
                "the queue needs a ninth event id MTE2_V: at most 8 flags of a kind can be on their way"),
            std::string::npos)
      << a2.sentences();
  // Nine buffers to be freed are nine more flags, of another kind, and buffer ids are as many as there are buffers.
  EXPECT_EQ(Stage("950pr").run(kernel).sentences(), "");
}

TEST(TwinFlags, AQueuesFlagIsNotForTheKernel) {
  const twin::Report report = Stage().run([](Desk& desk) {
    TQue<TPosition::VECIN, 1> queue;
    desk.pipe.InitBuffer(queue, 1, 32);
    queue.FreeTensor(queue.AllocTensor<float>());
    WaitFlag<HardEvent::V_MTE2>(0);
  });
  ASSERT_EQ(report.findings.size(), 1u) << report.sentences();
  EXPECT_EQ(report.findings[0].check, Check::deadlock);
  EXPECT_NE(report.findings[0].sentence.find("waits for flag V_MTE2 0, which nobody has set"), std::string::npos);
}

TEST(TwinFlags, AtomicModeLeftOn) {
  const twin::Report report = Stage().run([&](Desk&) { SetAtomicAdd<float>(); });
  ASSERT_EQ(report.findings.size(), 1u) << report.sentences();
  EXPECT_NE(report.findings[0].sentence.find("the kernel ends with atomic addition still on"), std::string::npos);
}

TEST(TwinSyncAll, NotReachedByAll) {
  int line = 0;
  const twin::Report report = Stage("a2", 3).run([&](Desk&) {
    if (GetBlockIdx() == 1) return;
    line = __LINE__ + 1;
    SyncAll();
  });
  ASSERT_EQ(report.findings.size(), 1u) << report.sentences();
  EXPECT_EQ(report.findings[0].check, Check::deadlock);
  EXPECT_EQ(report.findings[0].sentence, "core 0 waits in SyncAll, which core 1 never reaches");
  EXPECT_EQ(report.findings[0].times, 2);
  EXPECT_EQ(report.findings[0].line, static_cast<std::uint32_t>(line));
}

TEST(TwinSyncAll, CoresSeeWhatOthersWroteBefore) {
  Stage stage("a2", 4);
  std::vector<float> slots(32), out(32);
  const GlobalTensor<float> slot = stage.global("slots", slots, Access::scratch);
  const GlobalTensor<float> to = stage.global("out", out, Access::output);
  const twin::Report report = stage.run([&](Desk& desk) {
    const auto me = static_cast<std::uint64_t>(GetBlockIdx());
    EXPECT_EQ(GetBlockNum(), 4);
    DataCopy(slot[me * 8], desk.holding(std::vector<float>(8, static_cast<float>(me))), 8);
    SyncAll();
    const LocalTensor<float> a = desk.empty<float>(8);
    DataCopy(a, slot[(me + 1) % 4 * 8], 8);
    PipeBarrier<PIPE_ALL>();
    DataCopy(to[me * 8], a, 8);
  });
  EXPECT_EQ(report.sentences(), "");
  for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(out[i], static_cast<float>((i / 8 + 1) % 4));
}

TEST(TwinSyncAll, RacesBetweenCores) {
  struct Race {
    const char* sentence;
    std::function<void(Desk&, const GlobalTensor<float>&)> even, odd;
  };
  using G = const GlobalTensor<float>&;
  const auto store = [](Desk& desk, G g) { DataCopy(g, desk.holding(ramp(8)), 8); };
  const auto load = [](Desk& desk, G g) { DataCopy(desk.empty<float>(8), g, 8); };
  const std::vector<Race> races = {
      {"writes bytes [0, 32) of memory and core 0 writes them at", store, store},
      {"reads bytes [0, 32) of memory and core 0 writes them at", store, load},
      {"writes bytes [0, 32) of memory and core 0 reads them at", load, store},
  };
  for (const Race& race : races) {
    for (const bool sync : {false, true}) {
      Stage stage("a2", 2);
      std::vector<float> memory(64);
      const GlobalTensor<float> global = stage.global("memory", memory, Access::update);
      const twin::Report report = stage.run([&](Desk& desk) {
        if (GetBlockIdx() == 0) race.even(desk, global);
        if (sync) SyncAll();
        if (GetBlockIdx() == 1) race.odd(desk, global);
      });
      if (sync) {
        EXPECT_EQ(report.sentences(), "");
        continue;
      }
      ASSERT_EQ(report.findings.size(), 1u) << report.sentences();
      EXPECT_EQ(report.findings[0].check, Check::race);
      const std::string& got = report.findings[0].sentence;
      // Either of the two may be the one that is named first.
      EXPECT_NE(got.find("bytes [0, 32) of memory and core "), std::string::npos) << got;
      EXPECT_NE(got.find(", with no SyncAll between"), std::string::npos) << got;
    }
  }
}

TEST(TwinSyncAll, ReadersDoNotRace) {
  Stage stage("a2", 3);
  std::vector<float> memory(64, 1), out(64);
  const GlobalTensor<float> global = stage.global("memory", memory, Access::update);
  const GlobalTensor<float> to = stage.global("out", out, Access::output);
  const twin::Report report = stage.run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(8);
    DataCopy(a, global, 8);
    PipeBarrier<PIPE_ALL>();
    // Neighbours within one 32-byte block.
    const auto me = static_cast<std::uint64_t>(GetBlockIdx());
    DataCopyPad(to[me * 2], a, DataCopyExtParams(1, 8, 0, 0, 0));
  });
  EXPECT_EQ(report.sentences(), "");
}

}  // namespace
}  // namespace alng::test
