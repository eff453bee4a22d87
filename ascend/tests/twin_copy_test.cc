// DMA of the twin: what arrives where, and what does not.
#include <gtest/gtest.h>

#include <cmath>

#include "ascend/tests/twin_stage.h"

namespace alng::test {
namespace {

using namespace AscendC;
using twin::Access;

TEST(TwinCopy, WholeBlocks) {
  Stage stage;
  std::vector<float> in = ramp(256);
  std::vector<float> out(256, -1);
  const GlobalTensor<float> from = stage.global("in", in, Access::input);
  const GlobalTensor<float> to = stage.global("out", out, Access::output);
  const twin::Report report = stage.run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(128);
    DataCopy(a, from, 64);
    // Three times two blocks, three apart in global memory, one apart in UB: 3 * 2 + 2 blocks are 64 elements.
    DataCopy(a[64], from[64], DataCopyParams(3, 2, 3, 1));
    PipeBarrier<PIPE_ALL>();
    DataCopy(to, a, 64);
    DataCopy(to[64], a[64], DataCopyParams(3, 2, 1, 4));
    EXPECT_EQ(a.GetSize(), 128u);
  });
  EXPECT_EQ(report.sentences(), "");
  for (std::size_t i = 0; i < 64; ++i) ASSERT_EQ(out[i], in[i]);
  for (std::size_t block = 0; block < 3; ++block) {
    for (std::size_t i = 0; i < 16; ++i)
      ASSERT_EQ(out[64 + block * 48 + i], in[64 + block * 40 + i]) << block << " " << i;
    if (block < 2) {
      ASSERT_EQ(out[64 + block * 48 + 16], -1);
    }
  }
  EXPECT_EQ(report.cores[0].bytes_in, 256 + 192);
  EXPECT_EQ(report.cores[0].bytes_out, 256 + 192);
}

TEST(TwinCopy, PaddedRows) {
  Stage stage;
  std::vector<float> in = ramp(50);
  std::vector<float> out(50, -1);
  const GlobalTensor<float> from = stage.global("in", in, Access::input);
  const GlobalTensor<float> to = stage.global("out", out, Access::output);
  const twin::Report report = stage.run([&](Desk& desk) {
    const LocalTensor<float> a = desk.empty<float>(128);
    // Five rows of 9 with one left out between, padded with two on the left and one on the right: 12 of 16 elements.
    DataCopyPad(a, from, DataCopyExtParams(5, 36, 4, 0, 0), DataCopyPadExtParams<float>(true, 2, 1, 7.0f));
    PipeBarrier<PIPE_ALL>();
    const std::vector<float> got = Desk::contents(a, 80);
    for (std::size_t row = 0; row < 5; ++row) {
      for (std::size_t i = 0; i < 12; ++i) {
        const float want = i < 2 || i == 11 ? 7.0f : in[row * 10 + i - 2];
        ASSERT_EQ(got[row * 16 + i], want) << row << " " << i;
      }
      for (std::size_t i = 12; i < 16; ++i) ASSERT_TRUE(std::isnan(got[row * 16 + i])) << row << " " << i;
    }
    const LocalTensor<float> rows = desk.holding(ramp(80, 100, 1));
    DataCopyPad(to, rows, DataCopyExtParams(5, 36, 0, 4, 0));
  });
  EXPECT_EQ(report.sentences(), "");
  for (std::size_t i = 0; i < 50; ++i) {
    ASSERT_EQ(out[i], i % 10 == 9 ? -1 : 100 + static_cast<float>(i / 10 * 16 + i % 10)) << i;
  }
}

TEST(TwinCopy, RowsOf16BitsWithShortParameters) {
  Stage stage;
  std::vector<half> in = converted<half>(ramp(20));
  std::vector<half> out(20, half(-1.0f));
  const GlobalTensor<half> from = stage.global("in", in, Access::input);
  const GlobalTensor<half> to = stage.global("out", out, Access::output);
  const twin::Report report = stage.run([&](Desk& desk) {
    const LocalTensor<half> a = desk.empty<half>(64);
    const half one(1.0f);
    DataCopyPad(a, from, DataCopyParams(2, 10, 10, 1), DataCopyPadParams(true, 0, 11, one.bits));
    PipeBarrier<PIPE_ALL>();
    const std::vector<half> got = Desk::contents(a, 64);
    for (std::size_t i = 0; i < 16; ++i) {
      ASSERT_EQ(static_cast<float>(got[i]), i < 5 ? static_cast<float>(in[i]) : 1.0f) << i;
      ASSERT_EQ(static_cast<float>(got[32 + i]), i < 5 ? static_cast<float>(in[10 + i]) : 1.0f) << i;
    }
    DataCopyPad(to, a, DataCopyParams(2, 10, 1, 2));
  });
  EXPECT_EQ(report.sentences(), "");
  EXPECT_EQ(static_cast<float>(out[6]), static_cast<float>(in[10]));
  EXPECT_EQ(static_cast<float>(out[5]), -1);
}

TEST(TwinCopy, CompactRowsOfThe950) {
  Stage stage("950pr");
  std::vector<half> in = converted<half>(ramp(40));
  std::vector<half> out(40, half(-1.0f));
  const GlobalTensor<half> from = stage.global("in", in, Access::input);
  const GlobalTensor<half> to = stage.global("out", out, Access::output);
  const twin::Report report = stage.run([&](Desk& desk) {
    const LocalTensor<half> a = desk.empty<half>(64);
    DataCopyPad<half, PaddingMode::Compact>(a, from, DataCopyExtParams(4, 14, 6, 0, 0), DataCopyPadExtParams<half>());
    PipeBarrier<PIPE_ALL>();
    const std::vector<half> got = Desk::contents(a, 28);
    for (std::size_t i = 0; i < 28; ++i)
      ASSERT_EQ(static_cast<float>(got[i]), static_cast<float>(in[i / 7 * 10 + i % 7]));
    DataCopyPad<half, PaddingMode::Compact>(to, a, DataCopyExtParams(4, 14, 0, 6, 0));
  });
  EXPECT_EQ(report.sentences(), "");
  for (std::size_t i = 0; i < 40; ++i) {
    ASSERT_EQ(static_cast<float>(out[i]), i % 10 < 7 ? static_cast<float>(in[i]) : -1.0f) << i;
  }
}

TEST(TwinCopy, AtomicStoresAdd) {
  Stage stage("a2", 2);
  std::vector<float> sums(8, 1);
  const GlobalTensor<float> to = stage.global("sums", sums, Access::update);
  const twin::Report report = stage.run([&](Desk& desk) {
    const LocalTensor<float> a = desk.holding(std::vector<float>(8, static_cast<float>(10 * (GetBlockIdx() + 1))));
    SetAtomicAdd<float>();
    DataCopy(to, a, 8);
    SetAtomicNone();
  });
  EXPECT_EQ(report.sentences(), "");
  EXPECT_EQ(sums, std::vector<float>(8, 31));
}

TEST(TwinCopy, QueuesGoRound) {
  for (const char* product : {"a2", "950pr"}) {
    SCOPED_TRACE(product);
    Stage stage(product, 2);
    std::vector<float> in = ramp(640);
    std::vector<float> out(640, -1);
    const GlobalTensor<float> from = stage.global("in", in, Access::input);
    const GlobalTensor<float> to = stage.global("out", out, Access::output);
    stage.options.outputs_complete = true;
    const twin::Report report = stage.run([&] {
      TPipe pipe;
      TQue<TPosition::VECIN, 1> arriving;
      TQue<TPosition::VECOUT, 1> leaving;
      pipe.InitBuffer(arriving, 2, 128);
      pipe.InitBuffer(leaving, 2, 128);
      for (std::uint64_t i = 0; i < 10; ++i) {
        const std::uint64_t at = (10 * static_cast<std::uint64_t>(GetBlockIdx()) + i) * 32;
        LocalTensor<float> x = arriving.AllocTensor<float>();
        DataCopy(x, from[at], 32);
        arriving.EnQue(x);
        x = arriving.DeQue<float>();
        LocalTensor<float> y = leaving.AllocTensor<float>();
        Muls(y, x, 2.0f, 32);
        leaving.EnQue(y);
        arriving.FreeTensor(x);
        y = leaving.DeQue<float>();
        DataCopy(to[at], y, 32);
        leaving.FreeTensor(y);
      }
    });
    EXPECT_EQ(report.sentences(), "");
    for (std::size_t i = 0; i < 640; ++i) ASSERT_EQ(out[i], 2 * in[i]) << i;
  }
}

TEST(TwinCopy, ScalarsOfGlobalMemory) {
  Stage stage;
  std::vector<std::int32_t> numbers = {1, 2, 3};
  const GlobalTensor<std::int32_t> global = stage.global("numbers", numbers, Access::update);
  const twin::Report report = stage.run([&](Desk&) { global.SetValue(2, global.GetValue(0) + 41); });
  EXPECT_EQ(report.sentences(), "");
  EXPECT_EQ(numbers, (std::vector<std::int32_t>{1, 2, 42}));
}

}  // namespace
}  // namespace alng::test
