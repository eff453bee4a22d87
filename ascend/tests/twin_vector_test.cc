// Every vector function of the twin against plain C++.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "ascend/tests/twin_stage.h"

namespace alng::test {
namespace {

using namespace AscendC;

constexpr float untouched = -77;

template <class T>
using Function2 = std::function<void(const LocalTensor<T>&, const LocalTensor<T>&, const LocalTensor<T>&, int)>;

// A binary function of `count` elements; elements behind keep what they were.
template <class T>
void check_level_2(const Function2<T>& call, float (*expected)(float, float, float)) {
  for (const int count : {1, 63, 64, 65, 100, 128, 1000}) {
    run_clean([&](Desk& desk) {
      const std::vector<T> a = converted<T>(ramp(1024, 1, 0.25f));
      const std::vector<T> b = converted<T>(ramp(1024, 3, 0.5f));
      const std::vector<T> d(1024, T(untouched));
      const LocalTensor<T> x = desk.holding(a);
      const LocalTensor<T> y = desk.holding(b);
      const LocalTensor<T> z = desk.holding(d);
      call(z, x, y, count);
      const std::vector<T> got = Desk::contents(z, 1024);
      for (std::size_t i = 0; i < 1024; ++i) {
        const float want = i < static_cast<std::size_t>(count)
                               ? expected(static_cast<float>(a[i]), static_cast<float>(b[i]), untouched)
                               : untouched;
        ASSERT_EQ(static_cast<float>(got[i]), static_cast<float>(T(want))) << i << " of " << count;
      }
    });
  }
}

template <class T>
void check_all_level_2() {
  using L = const LocalTensor<T>&;
  check_level_2<T>([](L d, L a, L b, int n) { Add(d, a, b, n); }, [](float a, float b, float) { return a + b; });
  check_level_2<T>([](L d, L a, L b, int n) { Sub(d, a, b, n); }, [](float a, float b, float) { return a - b; });
  check_level_2<T>([](L d, L a, L b, int n) { Mul(d, a, b, n); }, [](float a, float b, float) { return a * b; });
  check_level_2<T>([](L d, L a, L b, int n) { Max(d, a, b, n); },
                   [](float a, float b, float) { return std::max(a, b); });
  check_level_2<T>([](L d, L a, L b, int n) { Min(d, a, b, n); },
                   [](float a, float b, float) { return std::min(a, b); });
  check_level_2<T>([](L d, L a, L, int n) { Adds(d, a, T(2.0f), n); }, [](float a, float, float) { return a + 2; });
  check_level_2<T>([](L d, L a, L, int n) { Muls(d, a, T(3.0f), n); }, [](float a, float, float) { return a * 3; });
  check_level_2<T>([](L d, L a, L, int n) { Maxs(d, a, T(9.0f), n); },
                   [](float a, float, float) { return std::max(a, 9.0f); });
  check_level_2<T>([](L d, L a, L, int n) { Mins(d, a, T(9.0f), n); },
                   [](float a, float, float) { return std::min(a, 9.0f); });
  check_level_2<T>([](L d, L, L, int n) { Duplicate(d, T(4.0f), n); }, [](float, float, float) { return 4.0f; });
  check_level_2<T>([](L d, L a, L b, int n) { MulAddDst(d, a, b, n); },
                   [](float a, float b, float d) { return d + a * b; });
  check_level_2<T>([](L d, L a, L b, int n) { FusedMulAdd(d, a, b, n); },
                   [](float a, float b, float d) { return a * d + b; });
  check_level_2<T>([](L d, L a, L, int n) { Axpy(d, a, T(0.5f), n); },
                   [](float a, float, float d) { return d + 0.5f * a; });
}

TEST(TwinVector, Level2Float) {
  check_all_level_2<float>();
  using L = const LocalTensor<float>&;
  check_level_2<float>([](L d, L a, L b, int n) { Div(d, a, b, n); }, [](float a, float b, float) { return a / b; });
  check_level_2<float>([](L d, L a, L, int n) { Abs(d, a, n); }, [](float a, float, float) { return std::fabs(a); });
  check_level_2<float>([](L d, L a, L, int n) { Relu(d, a, n); },
                       [](float a, float, float) { return std::max(a, 0.0f); });
  check_level_2<float>([](L d, L a, L, int n) { Sqrt(d, a, n); }, [](float a, float, float) { return std::sqrt(a); });
  check_level_2<float>([](L d, L a, L, int n) { Rsqrt(d, a, n); },
                       [](float a, float, float) { return 1 / std::sqrt(a); });
  check_level_2<float>([](L d, L a, L, int n) { Reciprocal(d, a, n); }, [](float a, float, float) { return 1 / a; });
  check_level_2<float>([](L d, L a, L, int n) { Exp(d, a, n); }, [](float a, float, float) { return std::exp(a); });
}

TEST(TwinVector, Level2HalfIsRoundedOnce) { check_all_level_2<half>(); }

TEST(TwinVector, MixedWidths) {
  run_clean([](Desk& desk) {
    const LocalTensor<half> a = desk.holding(converted<half>(ramp(200, 1, 0.25f)));
    const LocalTensor<half> b = desk.holding(converted<half>(ramp(200, 2, 0.5f)));
    const LocalTensor<float> sum = desk.holding(std::vector<float>(200, 10));
    const LocalTensor<float> line = desk.holding(std::vector<float>(200, 10));
    MulAddDst(sum, a, b, 200);
    Axpy(line, a, half(2.0f), 200);
    const std::vector<float> sums = Desk::contents(sum, 200);
    const std::vector<float> lines = Desk::contents(line, 200);
    for (std::size_t i = 0; i < 200; ++i) {
      const float x = 1 + 0.25f * static_cast<float>(i);
      ASSERT_EQ(sums[i], 10 + x * (2 + 0.5f * static_cast<float>(i))) << i;
      ASSERT_EQ(lines[i], 10 + 2 * x) << i;
    }
  });
}

TEST(TwinVector, MasksStridesAndRepeats) {
  run_clean([](Desk& desk) {
    const std::vector<float> a = ramp(1024);
    const LocalTensor<float> x = desk.holding(a);
    const LocalTensor<float> b = desk.holding(std::vector<float>(64, 100));
    const LocalTensor<float> z = desk.holding(std::vector<float>(1024, untouched));
    // Every second block of x plus the same 64 numbers; 40 lanes.
    Add(z, x, b, std::uint64_t{40}, 3, BinaryRepeatParams(1, 2, 1, 8, 16, 0));
    const std::vector<float> got = Desk::contents(z, 1024);
    for (std::size_t r = 0; r < 16; ++r) {
      for (std::size_t lane = 0; lane < 64; ++lane) {
        const float want = r < 3 && lane < 40 ? a[r * 128 + lane / 8 * 16 + lane % 8] + 100 : untouched;
        ASSERT_EQ(got[r * 64 + lane], want) << r << " " << lane;
      }
    }
  });
}

TEST(TwinVector, OneBlockForAll) {
  run_clean([](Desk& desk) {
    const std::vector<float> a = ramp(256);
    const LocalTensor<float> x = desk.holding(a);
    const LocalTensor<float> block =
        desk.holding(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40, 50, 60, 70, 80});
    const LocalTensor<float> z = desk.empty<float>(256);
    // Block stride 0: one block for all eight; repeat stride 0 and 1.
    Mul(z, x, block, std::uint64_t{64}, 2, BinaryRepeatParams(1, 1, 0, 8, 8, 0));
    Mul(z[128], x[128], block, std::uint64_t{64}, 2, BinaryRepeatParams(1, 1, 0, 8, 8, 1));
    const std::vector<float> got = Desk::contents(z, 256);
    for (std::size_t i = 0; i < 256; ++i) {
      ASSERT_EQ(got[i], a[i] * static_cast<float>(i % 8 + 1) * (i < 192 ? 1.0f : 10.0f)) << i;
    }
  });
}

// Declarations are as strict as CANN's: bits of a mask that most instructions may not take const, numbers of its
// widths.
template <class Mask>
concept DuplicateTakes = requires(const LocalTensor<float> t, Mask& mask) {
  Duplicate(t, 0.0f, mask, 1, 1, 8);
};
template <class Mask>
concept AddTakes = requires(const LocalTensor<float> t, Mask& mask) {
  Add(t, t, t, mask, 1, BinaryRepeatParams());
};
template <class Mask>
concept CastTakes = requires(const LocalTensor<float> t, const LocalTensor<half> h, Mask& mask) {
  Cast(h, t, RoundMode::CAST_NONE, mask, 1, UnaryRepeatParams());
};
template <class Mask>
concept WholeReduceSumTakes = requires(const LocalTensor<float> t, Mask& mask) {
  WholeReduceSum(t, t, mask, 1, 1, 1, 8);
};
using Bits = std::uint64_t[2];
static_assert(DuplicateTakes<Bits> && !DuplicateTakes<const Bits> && DuplicateTakes<const std::uint64_t>);
static_assert(AddTakes<Bits> && !AddTakes<const Bits>);
static_assert(CastTakes<Bits> && CastTakes<const Bits>);
static_assert(WholeReduceSumTakes<Bits> && WholeReduceSumTakes<const Bits>);
template <class Stride>
concept BinaryStride = requires(Stride s) {
  BinaryRepeatParams{1, 1, 1, s, s, s};
};
static_assert(BinaryStride<std::uint8_t> && !BinaryStride<std::uint16_t> && !BinaryStride<std::uint32_t>);
static_assert(!std::is_convertible_v<float, half> && !std::is_convertible_v<half, float>);
static_assert(std::is_same_v<decltype(::GetTPipePtr()), TPipe*>);

TEST(TwinVector, BitsOfAMask) {
  run_clean([](Desk& desk) {
    const LocalTensor<float> z = desk.holding(std::vector<float>(128, untouched));
    std::uint64_t from_50[2] = {~std::uint64_t{0} << 50, 0};
    Duplicate(z, 5.0f, from_50, 2, 1, 8);
    const std::vector<float> got = Desk::contents(z, 128);
    for (std::size_t i = 0; i < 128; ++i) ASSERT_EQ(got[i], i % 64 >= 50 ? 5.0f : untouched) << i;
    const LocalTensor<half> h = desk.holding(std::vector<half>(128, half(1.0f)));
    std::uint64_t odd[2] = {0xAAAAAAAAAAAAAAAAu, 0xAAAAAAAAAAAAAAAAu};
    Adds(h, h, half(1.0f), odd, 1, UnaryRepeatParams(1, 1, 8, 8));
    const std::vector<half> halves = Desk::contents(h, 128);
    for (std::size_t i = 0; i < 128; ++i) ASSERT_EQ(static_cast<float>(halves[i]), i % 2 == 1 ? 2.0f : 1.0f) << i;
  });
}

TEST(TwinVector, CounterModeAndPresetMasks) {
  run_clean([](Desk& desk) {
    const LocalTensor<float> x = desk.holding(ramp(256));
    const LocalTensor<float> z = desk.holding(std::vector<float>(256, untouched));
    SetMaskCount();
    Muls(z, x, 2.0f, std::uint64_t{100}, 1, UnaryRepeatParams(1, 1, 8, 8));
    SetMaskNorm();
    ResetMask();
    std::vector<float> got = Desk::contents(z, 256);
    for (std::size_t i = 0; i < 256; ++i)
      ASSERT_EQ(got[i], i < 100 ? 2 * (1 + 0.5f * static_cast<float>(i)) : untouched);
    PipeBarrier<PIPE_V>();
    SetVectorMask<float, MaskMode::NORMAL>(0, 0xFF);
    Muls<float, false>(z, x, 4.0f, MASK_PLACEHOLDER, 2, UnaryRepeatParams(1, 1, 8, 8));
    ResetMask();
    got = Desk::contents(z, 256);
    for (std::size_t r = 0; r < 2; ++r) {
      for (std::size_t lane = 0; lane < 8; ++lane)
        ASSERT_EQ(got[r * 64 + lane], 4 * (1 + 0.5f * static_cast<float>(r * 64 + lane)));
    }
    ASSERT_EQ(got[8], 2 * 5.0f);
    PipeBarrier<PIPE_V>();
    SetMaskCount();
    SetVectorMask<float, MaskMode::COUNTER>(70);
    Adds<float, false>(z, x, 0.0f, MASK_PLACEHOLDER, 1, UnaryRepeatParams(1, 1, 8, 8));
    SetMaskNorm();
    got = Desk::contents(z, 256);
    ASSERT_EQ(got[69], 1 + 0.5f * 69);
    ASSERT_EQ(got[80], 2 * (1 + 0.5f * 80));
  });
}

TEST(TwinVector, CastsRoundToNearestEven) {
  run_clean([](Desk& desk) {
    // 1 + 2^-11 is a tie in float16, 1 + 2^-8 one in bfloat16; the next ones up are ties to the other side.
    const std::vector<float> numbers = {
        1,     1 + 1 / 2048.0f, 1 + 3 / 2048.0f, 1 + 1 / 256.0f, 1 + 3 / 256.0f, -0.0f, 65519,   65520,
        1e-8f, -2.5f,           INFINITY,        -INFINITY,      6e-8f,          3.5f,  100.25f, 7};
    const LocalTensor<float> x = desk.holding(numbers);
    const LocalTensor<half> h = desk.empty<half>(16);
    const LocalTensor<bfloat16_t> b = desk.empty<bfloat16_t>(16);
    const LocalTensor<float> from_half = desk.empty<float>(16);
    const LocalTensor<float> from_bfloat16 = desk.empty<float>(16);
    Cast(h, x, RoundMode::CAST_NONE, 16);
    Cast(b, x, RoundMode::CAST_RINT, 16);
    PipeBarrier<PIPE_V>();
    Cast(from_half, h, RoundMode::CAST_NONE, 16);
    Cast(from_bfloat16, b, RoundMode::CAST_NONE, std::uint64_t{16}, 1, UnaryRepeatParams(1, 1, 8, 4));
    const std::vector<float> halves = Desk::contents(from_half, 16);
    const std::vector<float> bfloat16s = Desk::contents(from_bfloat16, 16);
    EXPECT_EQ(halves[1], 1);
    EXPECT_EQ(halves[2], 1 + 2 / 1024.0f);
    EXPECT_EQ(halves[6], 65504);
    EXPECT_EQ(halves[7], INFINITY);
    EXPECT_EQ(halves[8], 0);
    EXPECT_EQ(halves[12], std::ldexp(1.0f, -24));
    EXPECT_EQ(bfloat16s[3], 1);
    EXPECT_EQ(bfloat16s[4], 1 + 2 / 128.0f);
    for (std::size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(halves[i], impl::float32_from_float16(impl::float16_from_float32(numbers[i]))) << i;
      EXPECT_EQ(bfloat16s[i], impl::float32_from_bfloat16(impl::bfloat16_from_float32(numbers[i]))) << i;
    }
  });
}

TEST(TwinVector, CastsToIntegers) {
  run_clean([](Desk& desk) {
    const std::vector<float> numbers = {2.5f, 3.5f, -2.5f, 2.7f, -2.7f, 1e10f, -1e10f, 0};
    const std::vector<std::pair<RoundMode, std::vector<std::int32_t>>> expected = {
        {RoundMode::CAST_RINT, {2, 4, -2, 3, -3, INT32_MAX, INT32_MIN, 0}},
        {RoundMode::CAST_FLOOR, {2, 3, -3, 2, -3, INT32_MAX, INT32_MIN, 0}},
        {RoundMode::CAST_CEIL, {3, 4, -2, 3, -2, INT32_MAX, INT32_MIN, 0}},
        {RoundMode::CAST_ROUND, {3, 4, -3, 3, -3, INT32_MAX, INT32_MIN, 0}},
        {RoundMode::CAST_TRUNC, {2, 3, -2, 2, -2, INT32_MAX, INT32_MIN, 0}}};
    const LocalTensor<float> x = desk.holding(numbers);
    for (const auto& [mode, want] : expected) {
      const LocalTensor<std::int32_t> z = desk.empty<std::int32_t>(8);
      Cast(z, x, mode, 8);
      EXPECT_EQ(Desk::contents(z, 8), want) << static_cast<int>(mode);
    }
  });
}

TEST(TwinVector, CopyAndBroadcast) {
  run_clean([](Desk& desk) {
    const std::vector<float> a = ramp(128);
    const LocalTensor<float> x = desk.holding(a);
    const LocalTensor<float> gaps = desk.holding(std::vector<float>(256, untouched));
    Copy(gaps, x, std::uint64_t{64}, 2, CopyRepeatParams(2, 1, 16, 8));
    std::vector<float> got = Desk::contents(gaps, 256);
    for (std::size_t i = 0; i < 128; ++i) ASSERT_EQ(got[i / 8 * 16 + i % 8], a[i]) << i;
    ASSERT_EQ(got[8], untouched);

    const LocalTensor<float> blocks = desk.empty<float>(128);
    Brcb(blocks, x, 2, BrcbRepeatParams(1, 8));
    got = Desk::contents(blocks, 128);
    for (std::size_t i = 0; i < 128; ++i) ASSERT_EQ(got[i], a[i / 8]) << i;

    const LocalTensor<float> within = desk.empty<float>(128);
    DataCopy(within, x, 64);
    DataCopy(within[64], x, DataCopyParams(4, 2, 2, 0));
    got = Desk::contents(within, 128);
    for (std::size_t i = 0; i < 64; ++i) {
      ASSERT_EQ(got[i], a[i]) << i;
      ASSERT_EQ(got[64 + i], a[i / 16 * 32 + i % 16]) << i;
    }
  });
}

TEST(TwinVector, Reductions) {
  run_clean([](Desk& desk) {
    const std::vector<float> a = ramp(300);
    const LocalTensor<float> x = desk.holding(a);
    const auto sum = [&a](std::size_t first, std::size_t count) {
      return std::accumulate(a.begin() + static_cast<std::ptrdiff_t>(first),
                             a.begin() + static_cast<std::ptrdiff_t>(first + count), 0.0f);
    };
    const LocalTensor<float> whole = desk.holding(std::vector<float>(8, untouched));
    WholeReduceSum(whole, x, std::uint64_t{50}, 3, 2, 1, 8);
    EXPECT_EQ(Desk::contents(whole, 6),
              (std::vector<float>{sum(0, 50), untouched, sum(64, 50), untouched, sum(128, 50), untouched}));
    const LocalTensor<float> renamed = desk.holding(std::vector<float>(8, untouched));
    ReduceRepeat<ReduceType::SUM>(renamed, x, 64, 2, 1, 1, 8);
    EXPECT_EQ(Desk::contents(renamed, 3), (std::vector<float>{sum(0, 64), sum(64, 64), untouched}));

    const LocalTensor<float> blocks = desk.empty<float>(24);
    BlockReduceSum(blocks, x, 2, 64, 1, 1, 8);
    ReduceDataBlock<ReduceType::SUM>(blocks[16], x, 60, 1, 1, 1, 8);
    const std::vector<float> got = Desk::contents(blocks, 24);
    for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(got[i], sum(i * 8, 8)) << i;
    EXPECT_EQ(got[16], sum(0, 8));
    EXPECT_EQ(got[23], sum(56, 4));

    const LocalTensor<float> total = desk.empty<float>(8);
    const LocalTensor<float> work = desk.empty<float>(64);
    ReduceSum(total, x, work, 300);
    EXPECT_EQ(Desk::contents(total, 1)[0], sum(0, 300));
  });
}

}  // namespace
}  // namespace alng::test
