// The cost model: the numbers that were measured for single instructions, and how instructions overlap.
#include <gtest/gtest.h>

#include "ascend/tests/twin_stage.h"

namespace alng::test {
namespace {

using namespace AscendC;
using twin::Access;

constexpr int V = static_cast<int>(twin::Pipe::vector);
constexpr int MTE2 = static_cast<int>(twin::Pipe::mte2);
constexpr int MTE3 = static_cast<int>(twin::Pipe::mte3);

// Cycles of the vector pipe for `call` alone on 64 * repeats elements; the second source lies `gap` bytes behind the
// first one modulo 512.
double vector_cycles(int repeats, std::uint32_t gap,
                     const std::function<void(const LocalTensor<float>&, const LocalTensor<float>&,
                                              const LocalTensor<float>&, int)>& call) {
  double busy = 0;
  run_clean([&](Desk& desk) {
    const auto count = static_cast<std::size_t>(repeats) * 64;
    const LocalTensor<float> a = desk.empty<float>((count * 4 + 511) / 512 * 128 + gap / 4);
    const LocalTensor<float> b = desk.empty<float>(count);
    const LocalTensor<float> z = desk.empty<float>(count);
    for (const LocalTensor<float>& tensor : {a, b, z}) Duplicate(tensor, 1.0f, static_cast<int>(count));
    PipeBarrier<PIPE_ALL>();
    const double before = twin::Core::current().report().busy[V];
    call(z, a, b, repeats * 64);
    busy = twin::Core::current().report().busy[V] - before;
  });
  return busy;
}

TEST(TwinCost, InstructionsAsMeasured) {
  using L = const LocalTensor<float>&;
  struct Instruction {
    const char* name;
    double slope, fixed;
    std::function<void(L, L, L, int)> call;
  };
  const std::vector<Instruction> conflicting = {
      {"vadd", 2.11, 24, [](L z, L a, L b, int n) { Add(z, a, b, n); }},
      {"vsub", 2.11, 24, [](L z, L a, L b, int n) { Sub(z, a, b, n); }},
      {"vmul", 2.15, 25, [](L z, L a, L b, int n) { Mul(z, a, b, n); }},
      {"vmax", 2, 23, [](L z, L a, L b, int n) { Max(z, a, b, n); }},
      {"vdiv", 4, 31, [](L z, L a, L b, int n) { Div(z, a, b, n); }},
      {"vmuls", 1, 26, [](L z, L a, L, int n) { Muls(z, a, 2.0f, n); }},
      {"vadds", 1, 31, [](L z, L a, L, int n) { Adds(z, a, 2.0f, n); }},
      {"vmaxs", 1, 23, [](L z, L a, L, int n) { Maxs(z, a, 2.0f, n); }},
      {"vrelu", 1, 23, [](L z, L a, L, int n) { Relu(z, a, n); }},
      {"vrsqrt", 1.07, 24, [](L z, L a, L, int n) { Rsqrt(z, a, n); }},
      {"vexp", 2, 31, [](L z, L a, L, int n) { Exp(z, a, n); }},
      {"vcadd", 7, 46, [](L z, L a, L, int n) { WholeReduceSum(z, a, 64, n / 64, 1, 1, 8); }},
      {"vcgadd", 1, 38, [](L z, L a, L, int n) { BlockReduceSum(z, a, n / 64, 64, 1, 1, 8); }},
      {"vector_dup", 1, 24, [](L z, L, L, int n) { Duplicate(z, 2.0f, n); }},
      {"cast", 1, 32,
       [](L z, L a, L, int n) {
         Cast(z.ReinterpretCast<half>(), a, RoundMode::CAST_NONE, static_cast<std::uint32_t>(n));
       }},
  };
  for (const Instruction& instruction : conflicting) {
    for (const int repeats : {1, 16, 64}) {
      EXPECT_DOUBLE_EQ(vector_cycles(repeats, 0, instruction.call), instruction.slope * repeats + instruction.fixed)
          << instruction.name << " of " << repeats;
    }
  }
  const auto brcb = [](L z, L a, L, int) { Brcb(z, a, 1, BrcbRepeatParams(1, 8)); };
  EXPECT_DOUBLE_EQ(vector_cycles(1, 0, brcb), 18);
}

TEST(TwinCost, OperandsInOtherBankGroupsTakeOneCycleARepeat) {
  using L = const LocalTensor<float>&;
  const auto add = [](L z, L a, L b, int n) { Add(z, a, b, n); };
  EXPECT_DOUBLE_EQ(vector_cycles(16, 256, add), 16 + 24);
  // A part of the groups in common is enough to wait.
  EXPECT_DOUBLE_EQ(vector_cycles(16, 128, add), 2.11 * 16 + 24);
  EXPECT_DOUBLE_EQ(vector_cycles(16, 256, [](L z, L a, L b, int n) { MulAddDst(z, a, b, n); }), 2 * 16 + 25);
  // The same source in every repeat meets the other one in every second.
  EXPECT_DOUBLE_EQ(
      vector_cycles(
          16, 0, [](L z, L a, L b, int) { Add(z, a, b, std::uint64_t{64}, 16, BinaryRepeatParams(1, 1, 1, 8, 8, 0)); }),
      1.11 * 8 + 16 + 24);
}

TEST(TwinCost, CountsThatDoNotFillARepeat) {
  using L = const LocalTensor<float>&;
  const auto add = [](L z, L a, L b, int n) { Add(z, a, b, n - 1); };
  EXPECT_DOUBLE_EQ(vector_cycles(16, 256, add), 16 + 24 + 16);
}

// Head and tail are paid where something waits, and only there.
TEST(TwinCost, IndependentInstructionsFollowEachOther) {
  const auto busy = [](bool barriers) {
    double cycles = 0;
    run_clean([&](Desk& desk) {
      const LocalTensor<float> a = desk.empty<float>(64 * 40);
      for (std::uint32_t i = 0; i < 10; ++i) {
        Duplicate(a[i * 256], 1.0f, 256);
        if (barriers) PipeBarrier<PIPE_V>();
      }
      cycles = twin::Core::current().report().busy[V];
    });
    return cycles;
  };
  EXPECT_DOUBLE_EQ(busy(false), 10 * 4 + 24);
  EXPECT_DOUBLE_EQ(busy(true), 10 * (4 + 24));
}

// 25 bytes a cycle for each of 40 cores at 1.8 GHz, and 20 cycles before the first byte.
TEST(TwinCost, Dma) {
  Stage stage("a2", 40);
  std::vector<float> memory(40 * 4096, 1);
  const GlobalTensor<float> from = stage.global("memory", memory, Access::input);
  const twin::Report report = stage.run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(4096);
    DataCopy(a, from[static_cast<std::uint64_t>(GetBlockIdx()) * 4096], 4096);
  });
  EXPECT_EQ(report.sentences(), "");
  EXPECT_NEAR(report.cores[7].busy[MTE2], 20 + 16384 / 25.0, 1e-9);
  EXPECT_EQ(report.cores[7].bytes_in, 16384);
  EXPECT_NEAR(twin::product_named("a2")->bytes_per_cycle(40), 25, 1e-12);
  EXPECT_NEAR(twin::product_named("a3")->bytes_per_cycle(48), 1.8e12 / (48 * 1.85e9), 1e-12);
  EXPECT_NEAR(twin::product_named("950pr")->bytes_per_cycle(72), 1.6e12 / (72 * 1.8e9), 1e-12);
  EXPECT_EQ(twin::product_named("950pr")->bytes_per_cycle(1), 31);
}

// Loads and stores share the way to memory: together they are no faster than their bytes.
TEST(TwinCost, LoadsAndStoresShareTheMemory) {
  Stage stage("a2", 40);
  std::vector<float> memory(8192, 1), out(40 * 8192);
  const GlobalTensor<float> from = stage.global("memory", memory, Access::input);
  const GlobalTensor<float> to = stage.global("out", out, Access::output);
  const twin::Report report = stage.run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(8192);
    const LocalTensor<float> b = desk.holding(std::vector<float>(8192, 1));
    const double before = twin::Core::current().time();
    DataCopy(a, from, 8192);
    DataCopy(to[static_cast<std::uint64_t>(GetBlockIdx()) * 8192], b, 8192);
    const double cycles = twin::Core::current().time() - before;
    EXPECT_GE(cycles, 65536 / 25.0);
    EXPECT_LE(cycles, 65536 / 25.0 + 25);
  });
  EXPECT_EQ(report.sentences(), "");
  EXPECT_GT(report.cores[0].busy[MTE3], 1000);
}

TEST(TwinCost, PipesOverlapWhereNothingWaits) {
  const auto cycles = [](bool wait) {
    Stage stage("a2", 40);
    std::vector<float> memory(8192, 1);
    const GlobalTensor<float> from = stage.global("memory", memory, Access::input);
    double time = 0;
    const twin::Report report = stage.run([&](Desk& desk) {
      const LocalTensor<float> a = desk.empty<float>(8192);
      const LocalTensor<float> b = desk.empty<float>(8192);
      const double before = twin::Core::current().time();
      DataCopy(a, from, 8192);
      if (wait) {
        SetFlag<HardEvent::MTE2_V>(0);
        WaitFlag<HardEvent::MTE2_V>(0);
      }
      for (int i = 0; i < 10; ++i) {
        Duplicate(b, 1.0f, 8192);
        PipeBarrier<PIPE_V>();
      }
      time = twin::Core::current().time() - before;
    });
    EXPECT_EQ(report.sentences(), "");
    return time;
  };
  const double load = 20 + 32768 / 25.0;
  const double compute = 10 * (128 + 24);
  EXPECT_NEAR(cycles(false), std::max(load, compute), 20);
  EXPECT_NEAR(cycles(true), load + compute, 20);
}

TEST(TwinCost, ScalarRoundTrip) {
  run_clean([](Desk& desk) {
    const LocalTensor<float> a = desk.holding(ramp(64));
    const double before = twin::Core::current().time();
    Muls(a, a, 2.0f, 64);
    SetFlag<HardEvent::V_S>(0);
    WaitFlag<HardEvent::V_S>(0);
    const float x = a.GetValue(0);
    SetFlag<HardEvent::S_V>(0);
    WaitFlag<HardEvent::S_V>(0);
    Muls(a, a, x, 64);
    EXPECT_NEAR(twin::Core::current().time() - before, 27 + 100 + 27, 10);
  });
}

TEST(TwinCost, SyncAllWaitsForTheLastCore) {
  Stage stage("a2", 2);
  const twin::Report report = stage.run([](Desk& desk) {
    if (GetBlockIdx() == 1) {
      const LocalTensor<float> a = desk.empty<float>(64);
      for (int i = 0; i < 100; ++i) {
        Duplicate(a, 1.0f, 64);
        PipeBarrier<PIPE_V>();
      }
    }
    SyncAll();
  });
  EXPECT_EQ(report.sentences(), "");
  // 3 us at 1.8 GHz.
  EXPECT_NEAR(report.cores[0].cycles, 2500 + 5400, 150);
  EXPECT_EQ(report.cores[0].cycles, report.cores[1].cycles);
  EXPECT_EQ(report.cores[0].sync_alls, 1);
}

// 35 cycles for a function, then what its busiest port takes.
TEST(TwinCost, VectorFunctions) {
  using Register = Reg::RegTensor<float>;
  const auto busy = [](int loads, int computations, int stores, bool staggered) {
    double cycles = 0;
    run_clean(
        [&](Desk& desk) {
          const LocalTensor<float> a = desk.holding(ramp(64 * 64));
          const LocalTensor<float> z = desk.empty<float>(64 * 64);
          const float* p = a.GetPhyAddr();
          float* q = z.GetPhyAddr();
          const double before = twin::Core::current().report().busy[V];
          __VEC_SCOPE__ {
            Register x[4];
            for (Register& r : x) Reg::Duplicate(r, 1.0f);
            for (int i = 0; i < loads; ++i) Reg::LoadAlign(x[i % 4], p + i % 32 * 128 + (staggered ? i % 2 * 64 : 0));
            for (int i = 0; i < computations; ++i) Reg::Adds(x[i % 4], x[i % 4], 1.0f, lanes_on<float>());
            for (int i = 0; i < stores; ++i) Reg::StoreAlign(q + i % 64 * 64, x[i % 4], lanes_on<float>());
          }
          cycles = twin::Core::current().report().busy[V] - before;
        },
        "950pr");
    return cycles;
  };
  EXPECT_DOUBLE_EQ(busy(200, 0, 0, true), 35 + 102);          // with the first four instructions two registers a cycle
  EXPECT_DOUBLE_EQ(busy(200, 0, 0, false), 35 + 200);         // all of one bank
  EXPECT_DOUBLE_EQ(busy(0, 0, 64, true), 35 + 64);            // one store a cycle
  EXPECT_DOUBLE_EQ(busy(0, 400, 0, true), 35 + 4 + 4 * 100);  // four chains of a hundred, 4 cycles each
  EXPECT_DOUBLE_EQ(busy(200, 16, 0, true), 35 + 110);         // loads and arithmetic share the registers
  EXPECT_DOUBLE_EQ(busy(200, 0, 40, true), 35 + 120);         // loads and stores share UB
}

TEST(TwinCost, SlowArithmeticOfVectorFunctions) {
  const auto busy = [](const std::function<void(Reg::RegTensor<float>&, Reg::MaskReg&)>& call) {
    double cycles = 0;
    run_clean(
        [&](Desk&) {
          const double before = twin::Core::current().report().busy[V];
          __VEC_SCOPE__ {
            Reg::MaskReg all = Reg::CreateMask<float>();
            Reg::RegTensor<float> x[16];
            for (Reg::RegTensor<float>& r : x) Reg::Duplicate(r, 1.0f, all);
            for (int i = 0; i < 160; ++i) call(x[i % 16], all);
          }
          cycles = twin::Core::current().report().busy[V] - before;
        },
        "950pr");
    return cycles;
  };
  // 16 lanes a cycle on one unit; additions on both, two registers a cycle.
  EXPECT_DOUBLE_EQ(busy([](auto& x, auto& m) { Reg::Div(x, x, x, m); }), 35 + 160 * 4);
  EXPECT_DOUBLE_EQ(busy([](auto& x, auto& m) { Reg::Sqrt(x, x, m); }), 35 + 160 * 4);
  EXPECT_DOUBLE_EQ(busy([](auto& x, auto& m) { Reg::Exp(x, x, m); }), 35 + 160 * 4);
  EXPECT_DOUBLE_EQ(busy([](auto& x, auto& m) { Reg::Add(x, x, x, m); }), 35 + 88);
}

// Not in a vector function: four cycles a repeat for division on 3510.
TEST(TwinCost, TileInstructionsOf3510) {
  const auto busy = [](const std::function<void(const LocalTensor<float>&)>& call) {
    double cycles = 0;
    run_clean(
        [&](Desk& desk) {
          const LocalTensor<float> a = desk.holding(std::vector<float>(640, 2));
          const double before = twin::Core::current().report().busy[V];
          call(a);
          cycles = twin::Core::current().report().busy[V] - before;
        },
        "950pr");
    return cycles;
  };
  EXPECT_DOUBLE_EQ(busy([](auto& a) { Add(a, a, a, 640); }), 12.5 + 55);
  EXPECT_DOUBLE_EQ(busy([](auto& a) { Div(a, a, a, 640); }), 40 + 55);
}

}  // namespace
}  // namespace alng::test
