// The register level of architecture 3510: what its functions do, and what its checks find.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "ascend/tests/twin_stage.h"

namespace alng::test {
namespace {

using namespace AscendC;
using twin::Check;

constexpr MicroAPI::CastTrait widening = {MicroAPI::RegLayout::ZERO, MicroAPI::SatMode::UNKNOWN,
                                          MicroAPI::MaskMergeMode::ZEROING, RoundMode::CAST_NONE};
constexpr MicroAPI::CastTrait widening_odd = {MicroAPI::RegLayout::ONE, MicroAPI::SatMode::UNKNOWN,
                                              MicroAPI::MaskMergeMode::ZEROING, RoundMode::CAST_NONE};
constexpr MicroAPI::CastTrait narrowing = {MicroAPI::RegLayout::ZERO, MicroAPI::SatMode::NO_SAT,
                                           MicroAPI::MaskMergeMode::ZEROING, RoundMode::CAST_RINT};

using Register = Reg::RegTensor<float>;

// dst = f(a, b, previous dst) for 100 elements, in two registers of which the second is not full.
void check_arithmetic(const std::function<void(Register&, Register&, Register&, Reg::MaskReg&)>& call,
                      const std::function<float(float, float, float)>& expected) {
  run_clean(
      [&](Desk& desk) {
        const std::vector<float> a = ramp(128, 1, 0.25f);
        const std::vector<float> b = ramp(128, 3, 0.5f);
        const LocalTensor<float> x = desk.holding(a);
        const LocalTensor<float> y = desk.holding(b);
        const LocalTensor<float> z = desk.holding(std::vector<float>(128, -5));
        std::uint32_t left = 100;
        float* px = x.GetPhyAddr();
        float* py = y.GetPhyAddr();
        float* pz = z.GetPhyAddr();
        __VEC_SCOPE__ {
          for (std::uint16_t i = 0; i < 2; ++i) {
            Reg::MaskReg mask = Reg::UpdateMask<float>(left);
            Register rx, ry, rz;
            Reg::LoadAlign(rx, px + i * 64);
            Reg::LoadAlign(ry, py + i * 64);
            Reg::LoadAlign(rz, pz + i * 64);
            call(rz, rx, ry, mask);
            Reg::StoreAlign(pz + i * 64, rz, mask);
          }
        }
        const std::vector<float> got = Desk::contents(z, 128);
        for (std::size_t i = 0; i < 128; ++i) ASSERT_EQ(got[i], i < 100 ? expected(a[i], b[i], -5) : -5) << i;
      },
      "950pr");
}

TEST(TwinRegisters, Arithmetic) {
  using R = Register&;
  using M = Reg::MaskReg&;
  check_arithmetic([](R d, R a, R b, M m) { Reg::Add(d, a, b, m); }, [](float a, float b, float) { return a + b; });
  check_arithmetic([](R d, R a, R b, M m) { Reg::Sub<float>(d, a, b, m); },
                   [](float a, float b, float) { return a - b; });
  check_arithmetic([](R d, R a, R b, M m) { Reg::Mul(d, a, b, m); }, [](float a, float b, float) { return a * b; });
  check_arithmetic([](R d, R a, R b, M m) { Reg::Div(d, a, b, m); }, [](float a, float b, float) { return a / b; });
  check_arithmetic([](R d, R a, R b, M m) { Reg::Max(d, a, b, m); },
                   [](float a, float b, float) { return std::max(a, b); });
  check_arithmetic([](R d, R a, R b, M m) { Reg::Min(d, a, b, m); },
                   [](float a, float b, float) { return std::min(a, b); });
  check_arithmetic([](R d, R a, R, M m) { Reg::Adds(d, a, 2.0f, m); }, [](float a, float, float) { return a + 2; });
  check_arithmetic([](R d, R a, R, M m) { Reg::Muls(d, a, 3.0f, m); }, [](float a, float, float) { return a * 3; });
  check_arithmetic([](R d, R a, R, M m) { Reg::Maxs(d, a, 9.0f, m); },
                   [](float a, float, float) { return std::max(a, 9.0f); });
  check_arithmetic([](R d, R a, R, M m) { Reg::Mins(d, a, 9.0f, m); },
                   [](float a, float, float) { return std::min(a, 9.0f); });
  check_arithmetic([](R d, R a, R, M m) { Reg::Neg(d, a, m); }, [](float a, float, float) { return -a; });
  check_arithmetic([](R d, R a, R, M m) { Reg::Sqrt(d, a, m); }, [](float a, float, float) { return std::sqrt(a); });
  check_arithmetic([](R d, R a, R, M m) { Reg::Exp(d, a, m); }, [](float a, float, float) { return std::exp(a); });
  check_arithmetic([](R d, R, R, M m) { Reg::Abs(d, d, m); }, [](float, float, float d) { return std::fabs(d); });
  check_arithmetic([](R d, R, R, M m) { Reg::Relu(d, d, m); }, [](float, float, float) { return 0.0f; });
  check_arithmetic([](R d, R a, R b, M m) { Reg::MulAddDst(d, a, b, m); },
                   [](float a, float b, float d) { return d + a * b; });
  check_arithmetic([](R d, R a, R b, M m) { Reg::MulDstAdd(d, a, b, m); },
                   [](float a, float b, float d) { return d * a + b; });
  check_arithmetic([](R d, R a, R, M m) { Reg::Axpy(d, a, 0.5f, m); },
                   [](float a, float, float d) { return d + 0.5f * a; });
  check_arithmetic([](R d, R, R, M m) { Reg::Duplicate(d, 6.0f, m); }, [](float, float, float) { return 6.0f; });
  check_arithmetic([](R d, R, R, M) { Reg::Duplicate(d, 6.0f); }, [](float, float, float) { return 6.0f; });
  check_arithmetic([](R d, R, R b, M m) { Reg::Copy(d, b, m); }, [](float, float b, float) { return b; });
}

TEST(TwinRegisters, LanesThatAreOffBecomeZeroOrStay) {
  run_clean(
      [](Desk& desk) {
        const LocalTensor<float> z = desk.empty<float>(128);
        float* p = z.GetPhyAddr();
        __VEC_SCOPE__ {
          Reg::MaskReg all = Reg::CreateMask<float, Reg::MaskPattern::ALL>();
          Reg::MaskReg eight = Reg::CreateMask<float, Reg::MaskPattern::VL8>();
          Register a, b, c;
          Reg::Duplicate(a, 1.0f, all);
          Reg::Duplicate(b, 5.0f, all);
          Reg::Duplicate(c, 5.0f, all);
          Reg::Add(b, a, a, eight);
          Reg::Add<float, Reg::MaskMergeMode::MERGING>(c, a, a, eight);
          Reg::StoreAlign(p, b, all);
          Reg::StoreAlign(p + 64, c, all);
        }
        const std::vector<float> got = Desk::contents(z, 128);
        for (std::size_t i = 0; i < 64; ++i) {
          ASSERT_EQ(got[i], i < 8 ? 2 : 0) << i;
          ASSERT_EQ(got[64 + i], i < 8 ? 2 : 5) << i;
        }
      },
      "950pr");
}

TEST(TwinRegisters, SixteenBitsComeWideAndGoNarrow) {
  run_clean(
      [](Desk& desk) {
        const std::vector<float> numbers = ramp(128, 1, 0.125f);
        const LocalTensor<half> x = desk.holding(converted<half>(numbers));
        const LocalTensor<half> y = desk.empty<half>(128);
        const LocalTensor<bfloat16_t> b = desk.empty<bfloat16_t>(64);
        const LocalTensor<float> odd = desk.empty<float>(64);
        half* px = x.GetPhyAddr();
        half* py = y.GetPhyAddr();
        bfloat16_t* pb = b.GetPhyAddr();
        float* po = odd.GetPhyAddr();
        std::uint32_t left = 100;
        __VEC_SCOPE__ {
          for (std::uint16_t i = 0; i < 2; ++i) {
            Reg::MaskReg mask = Reg::UpdateMask<float>(left);
            Reg::RegTensor<half> narrow;
            Register wide;
            MicroAPI::DataCopy<half, MicroAPI::LoadDist::DIST_UNPACK_B16>(narrow, px + i * 64);
            MicroAPI::Cast<float, half, widening>(wide, narrow, mask);
            MicroAPI::Adds(wide, wide, 1.0f, mask);
            MicroAPI::Cast<half, float, narrowing>(narrow, wide, mask);
            MicroAPI::DataCopy<half, MicroAPI::StoreDist::DIST_PACK_B32>(py + i * 64, narrow, mask);
          }
          Reg::MaskReg all = Reg::CreateMask<float>();
          Reg::RegTensor<half> whole;
          Reg::RegTensor<bfloat16_t> other;
          Register wide;
          Reg::LoadAlign(whole, px);
          Reg::Cast<float, half, widening_odd>(wide, whole, all);
          Reg::StoreAlign(po, wide, all);
          Reg::Cast<bfloat16_t, float, narrowing>(other, wide, all);
          Reg::StoreAlign<bfloat16_t, Reg::StoreDist::DIST_PACK_B32>(pb, other, all);
        }
        const std::vector<float> got = as_float(Desk::contents(y, 100));
        for (std::size_t i = 0; i < 100; ++i) ASSERT_EQ(got[i], static_cast<float>(half(numbers[i] + 1))) << i;
        const std::vector<float> odds = Desk::contents(odd, 64);
        const std::vector<float> bfloat16s = as_float(Desk::contents(b, 64));
        for (std::size_t i = 0; i < 64; ++i) {
          ASSERT_EQ(odds[i], numbers[2 * i + 1]) << i;
          ASSERT_EQ(bfloat16s[i], static_cast<float>(bfloat16_t(odds[i]))) << i;
        }
      },
      "950pr");
}

TEST(TwinRegisters, SumsAndBroadcasts) {
  run_clean(
      [](Desk& desk) {
        const std::vector<float> numbers = ramp(64);
        const LocalTensor<float> x = desk.holding(numbers);
        const LocalTensor<float> z = desk.empty<float>(256);
        float* px = x.GetPhyAddr();
        float* pz = z.GetPhyAddr();
        __VEC_SCOPE__ {
          Reg::MaskReg all = Reg::CreateMask<float>();
          std::uint32_t fifty = 50;
          Reg::MaskReg some = Reg::UpdateMask<float>(fifty);
          Register a, sum, blocks, lane;
          Reg::LoadAlign(a, px);
          Reg::Reduce<Reg::ReduceType::SUM>(sum, a, some);
          Reg::StoreAlign<float, Reg::StoreDist::DIST_FIRST_ELEMENT_B32>(pz + 3, sum, all);
          Reg::ReduceSum(sum, a, all);
          Reg::Duplicate(lane, sum, all);
          Reg::StoreAlign(pz + 64, lane, all);
          Reg::ReduceDataBlock<ReduceType::SUM>(blocks, a, all);
          Reg::StoreAlign(pz + 128, blocks, lanes_on<float, Reg::MaskPattern::VL8>());
          Register one;
          Reg::LoadAlign<float, Reg::LoadDist::DIST_BRC_B32>(one, px + 5);
          Reg::StoreAlign(pz + 192, one, all);
        }
        const std::vector<float> got = Desk::contents(z, 256);
        EXPECT_EQ(got[3], std::accumulate(numbers.begin(), numbers.begin() + 50, 0.0f));
        for (std::size_t i = 0; i < 64; ++i) {
          ASSERT_EQ(got[64 + i], std::accumulate(numbers.begin(), numbers.end(), 0.0f));
          ASSERT_EQ(got[192 + i], numbers[5]);
        }
        for (std::ptrdiff_t i = 0; i < 8; ++i) {
          ASSERT_EQ(got[static_cast<std::size_t>(128 + i)],
                    std::accumulate(numbers.begin() + i * 8, numbers.begin() + i * 8 + 8, 0.0f));
        }
      },
      "950pr");
}

TEST(TwinRegisters, AddressesThatMoveOn) {
  run_clean(
      [](Desk& desk) {
        const std::vector<float> numbers = ramp(192);
        const LocalTensor<float> x = desk.holding(numbers);
        const LocalTensor<float> z = desk.empty<float>(192);
        float* px = x.GetPhyAddr();
        float* pz = z.GetPhyAddr();
        float* const first = px;
        __VEC_SCOPE__ {
          Reg::MaskReg all = Reg::CreateMask<float>();
          for (std::uint16_t i = 0; i < 2; ++i) {
            Register a;
            Reg::LoadAlign<float, Reg::PostLiteral::POST_MODE_UPDATE>(a, px, 64);
            Reg::StoreAlign<float, Reg::PostLiteral::POST_MODE_UPDATE>(pz, a, 64, all);
          }
          Register a;
          Reg::LoadAlign(a, first, Reg::CreateAddrReg<float>(std::uint16_t{2}, 64));
          Reg::StoreAlign(pz, a, all);
        }
        EXPECT_EQ(px, first + 128);
        EXPECT_EQ(Desk::contents(z, 192), numbers);
      },
      "950pr");
}

TEST(TwinRegisters, UnalignedLoadsAndStores) {
  run_clean(
      [](Desk& desk) {
        const std::vector<float> numbers = ramp(256);
        const LocalTensor<float> x = desk.holding(numbers);
        const LocalTensor<float> z = desk.holding(std::vector<float>(128, -1));
        float* from = x.GetPhyAddr() + 3;
        float* to = z.GetPhyAddr() + 5;
        __VEC_SCOPE__ {
          Reg::UnalignRegForLoad in;
          Reg::UnalignRegForStore out;
          Reg::LoadUnAlignPre(in, from);
          for (std::uint16_t i = 0; i < 2; ++i) {
            Register a;
            Reg::LoadUnAlign<float>(a, in, from, 50u);
            Reg::StoreUnAlign<float>(to, a, out, 50u);
          }
          Reg::StoreUnAlignPost<float>(to, out, 0);
        }
        const std::vector<float> got = Desk::contents(z, 128);
        for (std::size_t i = 0; i < 128; ++i) ASSERT_EQ(got[i], i >= 5 && i < 105 ? numbers[i - 2] : -1) << i;
      },
      "950pr");
}

TEST(TwinRegisters, BarriersWithinAFunctionOrderItsMemory) {
  run_clean(
      [](Desk& desk) {
        const LocalTensor<float> x = desk.holding(ramp(64));
        const LocalTensor<float> z = desk.empty<float>(64);
        float* px = x.GetPhyAddr();
        float* pz = z.GetPhyAddr();
        __VEC_SCOPE__ {
          Reg::MaskReg all = Reg::CreateMask<float>();
          Register a, b;
          Reg::LoadAlign(a, px);
          Reg::StoreAlign(pz, a, all);
          Reg::LocalMemBar<Reg::MemType::VEC_STORE, Reg::MemType::VEC_LOAD>();
          Reg::LoadAlign(b, pz);
          Reg::Adds(b, b, 1.0f, all);
          Reg::StoreAlign(pz, b, all);
        }
        EXPECT_EQ(Desk::contents(z, 1)[0], 2);
      },
      "950pr");
}

struct Fault {
  const char* name;
  Check check;
  const char* sentence;
  std::function<void(Desk&, int&)> kernel;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = {
      {"StoredTwice", Check::vector_function,
       "StoreAlign stores UB bytes [0, 256) a second time in one vector function, with no LocalMemBar<VEC_STORE, "
       "VEC_STORE> between",
       [](Desk& desk, int& line) {
         float* p = desk.empty<float>(64).GetPhyAddr();
         __VEC_SCOPE__ {
           Register a;
           Reg::Duplicate(a, 1.0f);
           Reg::StoreAlign(p, a, lanes_on<float>());
           line = __LINE__ + 1;
           Reg::StoreAlign(p, a, lanes_on<float>());
         }
       }},
      {"LoadedAfterStore", Check::vector_function,
       "LoadAlign loads UB bytes [0, 256) that the same vector function stores, with no LocalMemBar<VEC_STORE, "
       "VEC_LOAD> between",
       [](Desk& desk, int& line) {
         float* p = desk.empty<float>(64).GetPhyAddr();
         __VEC_SCOPE__ {
           Register a;
           Reg::Duplicate(a, 1.0f);
           Reg::StoreAlign(p, a, lanes_on<float>());
           line = __LINE__ + 1;
           Reg::LoadAlign(a, p);
         }
       }},
      {"OutsideOfAFunction", Check::vector_function, "Duplicate of registers outside of a __VEC_SCOPE__",
       [](Desk&, int& line) {
         Register a;
         line = __LINE__ + 1;
         Reg::Duplicate(a, 1.0f, lanes_on<float>());
       }},
      {"FunctionWithinAFunction", Check::vector_function, "a vector function begins within another one",
       [](Desk&, int& line) {
         const auto called = [&line] {
           line = __LINE__ + 1;
           __VEC_SCOPE__ {}
         };
         __VEC_SCOPE__ { called(); }
       }},
      {"UnflushedStore", Check::vector_function, "a StoreUnAlign of this vector function has no StoreUnAlignPost",
       [](Desk& desk, int& line) {
         float* p = desk.empty<float>(64).GetPhyAddr();
         line = __LINE__ + 1;
         __VEC_SCOPE__ {
           Reg::UnalignRegForStore out;
           Register a;
           Reg::Duplicate(a, 1.0f);
           Reg::StoreUnAlign<float>(p, a, out, 10u);
         }
       }},
      {"UnalignedLoadElsewhere", Check::vector_function,
       "LoadUnAlign of an address that neither LoadUnAlignPre nor the load before came to",
       [](Desk& desk, int& line) {
         const float* p = desk.holding(ramp(128)).GetPhyAddr();
         __VEC_SCOPE__ {
           Reg::UnalignRegForLoad in;
           Register a;
           Reg::LoadUnAlignPre(in, p);
           line = __LINE__ + 1;
           Reg::LoadUnAlign(a, in, p + 1);
         }
       }},
      {"AlignmentOfALoad", Check::alignment, "LoadAlign at UB byte 4: not a multiple of 32",
       [](Desk& desk, int& line) {
         const float* p = desk.holding(ramp(128)).GetPhyAddr();
         __VEC_SCOPE__ {
           Register a;
           line = __LINE__ + 1;
           Reg::LoadAlign(a, p + 1);
         }
       }},
      {"AlignmentOfAStore", Check::alignment, "StoreAlign at UB byte 8: not a multiple of 32",
       [](Desk& desk, int& line) {
         float* p = desk.empty<float>(128).GetPhyAddr();
         __VEC_SCOPE__ {
           Register a;
           Reg::Duplicate(a, 1.0f);
           line = __LINE__ + 1;
           Reg::StoreAlign(p + 2, a, lanes_on<float>());
         }
       }},
      {"TailStored", Check::unwritten,
       "StoreAlign of lanes that hold what nobody wrote: byte 160 of the register and on",
       [](Desk& desk, int& line) {
         const float* p = desk.holding(ramp(40)).GetPhyAddr();
         float* q = desk.empty<float>(64).GetPhyAddr();
         __VEC_SCOPE__ {
           Register a;
           Reg::LoadAlign(a, p);
           Reg::Adds(a, a, 1.0f, lanes_on<float>());
           line = __LINE__ + 1;
           Reg::StoreAlign(q, a, lanes_on<float>());
         }
       }},
      {"TailSummed", Check::unwritten, "Reduce of lanes that hold what nobody wrote: byte 160 of the register and on",
       [](Desk& desk, int& line) {
         const float* p = desk.holding(ramp(40)).GetPhyAddr();
         __VEC_SCOPE__ {
           Register a;
           Reg::LoadAlign(a, p);
           line = __LINE__ + 1;
           Reg::Reduce<ReduceType::SUM>(a, a, lanes_on<float>());
         }
       }},
      {"RegisterNeverLoaded", Check::unwritten,
       "StoreAlign of lanes that hold what nobody wrote: byte 0 of the register and on",
       [](Desk& desk, int& line) {
         float* p = desk.empty<float>(64).GetPhyAddr();
         __VEC_SCOPE__ {
           Register a;
           line = __LINE__ + 1;
           Reg::StoreAlign(p, a, lanes_on<float>());
         }
       }},
      {"StoreBeyondTheBuffer", Check::buffer, "StoreAlign stores UB bytes [0, 256), beyond the buffer [0, 160)",
       [](Desk& desk, int& line) {
         float* p = desk.empty<float>(40).GetPhyAddr();
         desk.empty<float>(40);
         __VEC_SCOPE__ {
           Register a;
           Reg::Duplicate(a, 1.0f);
           line = __LINE__ + 1;
           Reg::StoreAlign(p, a, lanes_on<float>());
         }
       }},
      {"LoadOfNoBuffer", Check::buffer, "LoadAlign loads UB byte 160, which is in no buffer",
       [](Desk& desk, int& line) {
         const float* p = desk.holding(ramp(40)).GetPhyAddr();
         __VEC_SCOPE__ {
           Register a;
           line = __LINE__ + 1;
           Reg::LoadAlign(a, p + 40);
         }
       }},
      {"HazardBetweenFunctions", Check::vector_hazard, "with no PipeBarrier<PIPE_V> between",
       [](Desk& desk, int& line) {
         float* p = desk.empty<float>(64).GetPhyAddr();
         Register a;
         __VEC_SCOPE__ {
           Reg::Duplicate(a, 1.0f);
           Reg::StoreAlign(p, a, lanes_on<float>());
         }
         __VEC_SCOPE__ {
           line = __LINE__ + 1;
           Reg::LoadAlign(a, p);
         }
       }},
      {"RoundModeOfARegister", Check::argument, "Cast to bfloat16_t takes no CAST_NONE",
       [](Desk&, int& line) {
         __VEC_SCOPE__ {
           Register a;
           Reg::RegTensor<bfloat16_t> b;
           Reg::Duplicate(a, 1.0f);
           line = __LINE__ + 1;
           Reg::Cast<bfloat16_t, float, widening>(b, a, lanes_on<float>());
         }
       }},
  };
  return all;
}

class TwinRegisterCheck : public testing::TestWithParam<Fault> {};

TEST_P(TwinRegisterCheck, IsTripped) {
  int line = 0;
  const twin::Report report = Stage("950pr").run([&](Desk& desk) { GetParam().kernel(desk, line); });
  expect_finding(report, GetParam().check, GetParam().sentence, line);
}

INSTANTIATE_TEST_SUITE_P(Faults, TwinRegisterCheck, testing::ValuesIn(faults()),
                         [](const auto& fault) { return std::string(fault.param.name); });

TEST(TwinScalarAccess, PointersToUbAreNotForScalarCode) {
  for (const bool touches : {false, true}) {
    Stage stage("950pr");
    stage.options.watch_scalar_access = true;
    const twin::Report report = stage.run([&](Desk& desk) {
      const LocalTensor<float> a = desk.holding(ramp(64));
      float* p = a.GetPhyAddr();
      const float seen = touches ? *static_cast<volatile float*>(p + 5) : a.GetValue(5);
      EXPECT_EQ(seen, 3.5f);
      __VEC_SCOPE__ {
        Register r;
        Reg::LoadAlign(r, p);
      }
    });
    if (!touches) {
      EXPECT_EQ(report.sentences(), "");
      continue;
    }
    ASSERT_EQ(report.findings.size(), 1u) << report.sentences();
    EXPECT_EQ(report.findings[0].check, Check::scalar_access);
    EXPECT_EQ(report.findings[0].sentence,
              "scalar code touches UB byte 20 through a pointer, somewhere behind SetValue here: no flag orders that, "
              "GetValue and SetValue are there for it");
  }
}

TEST(TwinRegisters, TheMostAliveAtOnceAreCounted) {
  const twin::Report report = Stage("950pr").run([](Desk&) {
    __VEC_SCOPE__ {
      Register a, b, c;
      { Register d; }
      Register e, f;
    }
  });
  EXPECT_EQ(report.sentences(), "");
  EXPECT_EQ(report.cores[0].registers, 5);
}

}  // namespace
}  // namespace alng::test
