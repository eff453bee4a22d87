// Each check of one instruction: a small kernel that trips it, and the sentence that comes of it.
#include <gtest/gtest.h>

#include "ascend/tests/twin_stage.h"

namespace alng::test {
namespace {

using namespace AscendC;
using twin::Access;
using twin::Check;

// A kernel that trips one check at the line it stores.
struct Fault {
  const char* name;
  const char* product;
  Check check;
  const char* sentence;
  std::function<void(Desk&, const GlobalTensor<float>&, int&)> kernel;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

using G = const GlobalTensor<float>&;

const DataCopyPadExtParams<float> no_padding;

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = {
      {"CapacityA2", "a2", Check::capacity,
       "InitBuffer of 100000 bytes makes 200000 bytes of UB, of which Atlas A2 has 196352",
       [](Desk& desk, G, int& line) {
         TBuf<TPosition::VECCALC> a, b;
         desk.pipe.InitBuffer(a, 100000);
         line = __LINE__ + 1;
         desk.pipe.InitBuffer(b, 100000);
       }},
      {"Capacity950", "950pr", Check::capacity, "makes 254016 bytes of UB, of which Ascend 950PR has 253952",
       [](Desk& desk, G, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         line = __LINE__ + 1;
         desk.pipe.InitBuffer(queue, 2, 126977);
       }},
      {"CapacityWithoutPipe", "a2", Check::capacity, "a tensor ends at byte 196384 of UB, of which Atlas A2 has 196352",
       [](Desk&, G, int& line) {
         line = __LINE__ + 1;
         const LocalTensor<float> tensor(TPosition::VECCALC, 196352, 8);
         static_cast<void>(tensor);
       }},
      {"AlignmentOfVectors", "a2", Check::alignment, "Add: source at UB byte 16: not a multiple of 32",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         const LocalTensor<float> b = desk.empty<float>(64);
         line = __LINE__ + 1;
         Add(b, a[4], a, 8);
       }},
      {"AlignmentOfDma", "a2", Check::alignment, "DataCopyPad at UB byte 8: not a multiple of 32",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad(a[2], global, DataCopyExtParams(1, 16, 0, 0, 0), no_padding);
       }},
      {"AlignmentOfBlockSums", "a2", Check::alignment,
       "BlockReduceSum: destination at UB byte 264: not a multiple of 32",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         const LocalTensor<float> b = desk.empty<float>(64);
         line = __LINE__ + 1;
         BlockReduceSum(b[2], a, 1, 64, 1, 1, 8);
       }},
      {"Repeat", "a2", Check::repeat, "WholeReduceSum with 256 repeats: an instruction takes 1 to 255",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         line = __LINE__ + 1;
         WholeReduceSum(a, a, 64, 256, 0, 1, 0);
       }},
      {"RepeatOfNothing", "a2", Check::repeat, "Muls with 0 repeats: an instruction takes 1 to 255",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         const auto cut = static_cast<std::uint8_t>(256);
         line = __LINE__ + 1;
         Muls(a, a, 2.0f, std::uint64_t{64}, cut, UnaryRepeatParams(1, 1, 0, 0));
       }},
      {"MaskTooWide", "a2", Check::mask, "Muls with a mask of 65 lanes: a repeat has 1 to 64",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(128));
         line = __LINE__ + 1;
         Muls(a, a, 2.0f, std::uint64_t{65}, 1, UnaryRepeatParams());
       }},
      {"MaskEmpty", "a2", Check::mask, "Adds with no lane on",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(128));
         std::uint64_t nothing[2] = {0, 0};
         line = __LINE__ + 1;
         Adds(a, a, 2.0f, nothing, 1, UnaryRepeatParams());
       }},
      {"MaskOfLanesThatAreNot", "a2", Check::mask, "Adds with a mask of lanes 64 and above: a repeat has 64",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(128));
         std::uint64_t high[2] = {1, 1};
         line = __LINE__ + 1;
         Adds(a, a, 2.0f, high, 1, UnaryRepeatParams());
       }},
      {"RepeatStride", "a2", Check::stride,
       "BlockReduceSum: source with a repeat stride of 256 blocks: at most 255 are taken",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         line = __LINE__ + 1;
         BlockReduceSum(a, a, 1, 64, 1, 1, 256);
       }},
      {"BlockStride", "a2", Check::stride,
       "BlockReduceSum: source with a block stride of 65536 blocks: at most 65535 are taken",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         line = __LINE__ + 1;
         BlockReduceSum(a, a, 1, 8, 1, 65536, 8);
       }},
      {"BlocksOverEachOther", "a2", Check::stride,
       "Muls: destination with a block stride of 0: its blocks overwrite each other",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         const LocalTensor<float> b = desk.empty<float>(64);
         line = __LINE__ + 1;
         Muls(b, a, 2.0f, std::uint64_t{64}, 1, UnaryRepeatParams(0, 1, 8, 8));
       }},
      {"CountOfNothing", "a2", Check::length, "Add of 0 elements",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         line = __LINE__ + 1;
         Add(a, a, a, 0);
       }},
      {"DmaOfPartOfABlock", "a2", Check::length,
       "DataCopy of 40 bytes: not a multiple of 32; DataCopyPad takes any length",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopy(a, global, 10);
       }},
      {"DmaOfNothing", "a2", Check::length, "DataCopyPad of no bytes",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad(a, global, DataCopyExtParams(1, 0, 0, 0, 0), no_padding);
       }},
      {"DmaOfTooManyBlocks", "a2", Check::length, "DataCopyPad of 4096 blocks: at most 4095 are taken",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(40000);
         line = __LINE__ + 1;
         DataCopyPad(a, global, DataCopyExtParams(4096, 4, 0, 0, 0), no_padding);
       }},
      {"DmaOfPartOfAnElement", "a2", Check::length, "DataCopyPad of blocks of 6 bytes: not a whole number of elements",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad(a, global, DataCopyExtParams(1, 6, 0, 0, 0), no_padding);
       }},
      {"DmaWithTooMuchPadding", "a2", Check::length, "DataCopyPad with padding of 36 bytes: at most 32 are taken",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad(a, global, DataCopyExtParams(1, 4, 0, 0, 0), DataCopyPadExtParams<float>(true, 0, 9, 0));
       }},
      {"DmaWithPaddingSwitchedOff", "a2", Check::argument, "DataCopyPad with padding but isPad false",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad(a, global, DataCopyExtParams(1, 4, 0, 0, 0), DataCopyPadExtParams<float>(false, 0, 7, 0));
       }},
      {"DmaStrideOf32Bits", "a3", Check::stride,
       "DataCopyPad with a stride of 5000000000 in global memory: 0 to 4294967295 are taken",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad(a, global, DataCopyExtParams(2, 4, 5000000000, 0, 0), no_padding);
       }},
      {"DmaStrideInUb", "a2", Check::stride, "DataCopyPad with a stride of 65536 blocks in UB: 0 to 65535 are taken",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad(a, global, DataCopyExtParams(1, 4, 0, 65536, 0), no_padding);
       }},
      {"CompactOnA2", "a2", Check::argument, "DataCopyPad with PaddingMode::Compact, which architecture 3510 alone has",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad<float, PaddingMode::Compact>(a, global, DataCopyExtParams(1, 4, 0, 0, 0), no_padding);
       }},
      {"CompactWithAGap", "950pr", Check::stride,
       "DataCopyPad with PaddingMode::Compact and a stride in UB: compact blocks lie next to each other",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad<float, PaddingMode::Compact>(a, global, DataCopyExtParams(2, 4, 0, 1, 0), no_padding);
       }},
      {"UnwrittenByAnybody", "a2", Check::unwritten,
       "Add reads UB bytes [512, 768), of which byte 512 was never written",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         const LocalTensor<float> z = desk.empty<float>(64);
         const LocalTensor<float> b = desk.empty<float>(64);
         line = __LINE__ + 1;
         Add(z, a, b, 64);
       }},
      {"UnwrittenPaddingOfDma", "a2", Check::unwritten,
       "Muls reads UB bytes [0, 32), of which byte 20 was never written",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(8));
         DataCopyPad(a, global, DataCopyExtParams(1, 20, 0, 0, 0), no_padding);
         PipeBarrier<PIPE_ALL>();
         line = __LINE__ + 1;
         Muls(a, a, 2.0f, 8);
       }},
      {"UnwrittenSinceAllocTensor", "a2", Check::unwritten,
       "Muls reads UB bytes [0, 32), of which byte 0 was never written",
       [](Desk& desk, G global, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         desk.pipe.InitBuffer(queue, 1, 32);
         LocalTensor<float> a = queue.AllocTensor<float>();
         DataCopy(a, global, 8);
         queue.EnQue(a);
         queue.FreeTensor(queue.DeQue<float>());
         a = queue.AllocTensor<float>();
         queue.EnQue(a);
         a = queue.DeQue<float>();
         line = __LINE__ + 1;
         Muls(a, a, 2.0f, 8);
         queue.FreeTensor(a);
       }},
      {"UnwrittenInGlobalMemory", "a2", Check::unwritten,
       "DataCopy reads bytes [32, 64) of scratch, of which byte 32 was never written",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopy(a, global[1000 + 8], 8);
       }},
      {"BeyondTheBuffer", "a2", Check::buffer,
       "Duplicate writes UB bytes [256, 544), outside of the tensor's buffer [256, 512)",
       [](Desk& desk, G, int& line) {
         desk.empty<float>(64);
         const LocalTensor<float> b = desk.empty<float>(64);
         desk.empty<float>(64);
         line = __LINE__ + 1;
         Duplicate(b, 0.0f, 72);
       }},
      {"DmaBeyondTheBuffer", "a2", Check::buffer,
       "DataCopyPad covers UB bytes [0, 288), outside of the tensor's buffer [0, 256)",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopyPad(a, global, DataCopyExtParams(9, 4, 0, 0, 0), no_padding);
       }},
      {"ScalarBeyondTheBuffer", "a2", Check::buffer, "GetValue of element 64 leaves the tensor's buffer of 256 bytes",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         desk.empty<float>(64);
         line = __LINE__ + 1;
         a.GetValue(64);
       }},
      {"GetOfMoreThanThereIs", "a2", Check::buffer, "Get of 260 bytes from a buffer of 256",
       [](Desk& desk, G, int& line) {
         TBuf<TPosition::VECCALC> buffer;
         desk.pipe.InitBuffer(buffer, 250);
         line = __LINE__ + 1;
         buffer.Get<float>(65);
       }},
      {"GlobalBeyondTheEnd", "a2", Check::global_range,
       "DataCopy reads bytes [3984, 4016) of input, which has 4000 bytes",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopy(a, global[996], 8);
       }},
      {"GlobalInputWritten", "a2", Check::global_range, "DataCopy writes bytes [0, 32) of input, which is an input",
       [](Desk& desk, G global, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(8));
         line = __LINE__ + 1;
         DataCopy(global, a, 8);
       }},
      {"GlobalOfNobody", "a2", Check::global_range,
       "DataCopy reads 32 bytes of global memory that belong to no argument",
       [](Desk& desk, G, int& line) {
         static std::vector<float> elsewhere(8);
         GlobalTensor<float> other;
         other.SetGlobalBuffer(elsewhere.data(), 8);
         const LocalTensor<float> a = desk.empty<float>(64);
         line = __LINE__ + 1;
         DataCopy(a, other, 8);
       }},
      {"RoundModeOfBfloat16", "a2", Check::argument,
       "Cast to bfloat16_t takes no CAST_NONE; CAST_RINT rounds to nearest even",
       [](Desk& desk, G, int& line) {
         const LocalTensor<float> a = desk.holding(ramp(64));
         const LocalTensor<bfloat16_t> b = desk.empty<bfloat16_t>(64);
         line = __LINE__ + 1;
         Cast(b, a, RoundMode::CAST_NONE, 64);
       }},
      {"RoundModeOfWidening", "a2", Check::argument, "Cast to a wider type takes CAST_NONE only",
       [](Desk& desk, G, int& line) {
         const LocalTensor<half> a = desk.holding(converted<half>(ramp(64)));
         const LocalTensor<float> b = desk.empty<float>(64);
         line = __LINE__ + 1;
         Cast(b, a, RoundMode::CAST_RINT, 64);
       }},
      {"QueueTooFull", "a2", Check::deadlock,
       "AllocTensor waits for a buffer to be freed, but all 1 of the queue are in use",
       [](Desk& desk, G, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         desk.pipe.InitBuffer(queue, 1, 32);
         queue.AllocTensor<float>();
         line = __LINE__ + 1;
         queue.AllocTensor<float>();
       }},
      {"QueueEmpty", "a2", Check::deadlock, "DeQue waits for a tensor, but none is enqueued",
       [](Desk& desk, G, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         desk.pipe.InitBuffer(queue, 1, 32);
         line = __LINE__ + 1;
         queue.DeQue<float>();
       }},
      {"QueueFreedTwice", "a2", Check::queue, "FreeTensor of a tensor that is free already",
       [](Desk& desk, G, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         desk.pipe.InitBuffer(queue, 1, 32);
         const LocalTensor<float> a = queue.AllocTensor<float>();
         queue.FreeTensor(a);
         line = __LINE__ + 1;
         queue.FreeTensor(a);
       }},
      {"QueueWithoutBuffer", "a2", Check::queue, "the queue is used before InitBuffer",
       [](Desk&, G, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         line = __LINE__ + 1;
         queue.AllocTensor<float>();
       }},
      {"QueueOfAnotherTensor", "a2", Check::queue, "EnQue of a tensor that is not the start of a buffer of this queue",
       [](Desk& desk, G, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         desk.pipe.InitBuffer(queue, 1, 64);
         const LocalTensor<float> a = queue.AllocTensor<float>();
         line = __LINE__ + 1;
         queue.EnQue(a[8]);
       }},
      {"QueueBeyondItsDepth", "a2", Check::queue,
       "EnQue of a tensor more than the queue's depth of 1 without DeQue between",
       [](Desk& desk, G global, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         desk.pipe.InitBuffer(queue, 2, 32);
         for (int i = 0; i < 2; ++i) {
           const LocalTensor<float> a = queue.AllocTensor<float>();
           DataCopy(a, global, 8);
           line = __LINE__ + 1;
           queue.EnQue(a);
         }
         for (int i = 0; i < 2; ++i) queue.FreeTensor(queue.DeQue<float>());
       }},
      {"QueueLeftFull", "a2", Check::queue, "the tensor enqueued here is never dequeued",
       [](Desk& desk, G, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         desk.pipe.InitBuffer(queue, 1, 32);
         const LocalTensor<float> a = queue.AllocTensor<float>();
         line = __LINE__ + 1;
         queue.EnQue(a);
       }},
      {"QueueNeverFreed", "950pr", Check::queue, "the tensor taken from the queue here is never freed",
       [](Desk& desk, G, int& line) {
         TQue<TPosition::VECIN, 1> queue;
         desk.pipe.InitBuffer(queue, 1, 32);
         line = __LINE__ + 1;
         queue.AllocTensor<float>();
       }},
      {"VectorFunctionOnA2", "a2", Check::vector_function, "__VEC_SCOPE__ is of architecture 3510",
       [](Desk&, G, int& line) {
         line = __LINE__ + 1;
         __VEC_SCOPE__ {}
       }},
  };
  return all;
}

class TwinCheck : public testing::TestWithParam<Fault> {};

TEST_P(TwinCheck, IsTripped) {
  // 1000 elements of input, and scratch memory from element 1000 on.
  std::vector<float> both(1100, 1);
  Stage stage(GetParam().product);
  stage.memory.add("input", both.data(), 4000, Access::input);
  stage.memory.add("scratch", both.data() + 1000, 400, Access::scratch);
  GlobalTensor<float> global;
  global.SetGlobalBuffer(both.data(), both.size());
  int line = 0;
  const twin::Report report = stage.run([&](Desk& desk) { GetParam().kernel(desk, global, line); });
  expect_finding(report, GetParam().check, GetParam().sentence, line);
}

INSTANTIATE_TEST_SUITE_P(Faults, TwinCheck, testing::ValuesIn(faults()),
                         [](const auto& fault) { return std::string(fault.param.name); });

TEST(TwinReport, SentencesNamePlaceAndCore) {
  Stage stage("a2", 2);
  const twin::Report report = stage.run([](Desk& desk) {
    const LocalTensor<float> a = desk.holding(ramp(64));
    if (GetBlockIdx() == 1) Adds(a[1], a, 1.0f, 8);
    PipeBarrier<PIPE_ALL>();
  });
  EXPECT_EQ(report.sentences().rfind("alignment at twin_check_test.cc:", 0), 0u) << report.sentences();
  EXPECT_NE(report.sentences().find(" (core 1): Adds: destination at UB byte 4: not a multiple of 32"),
            std::string::npos)
      << report.sentences();
}

TEST(TwinReport, TheSameStatementIsCounted) {
  Stage stage;
  const twin::Report report = stage.run([](Desk& desk) {
    const LocalTensor<float> a = desk.holding(ramp(64));
    for (int i = 0; i < 5; ++i) {
      Adds(a[1], a, 1.0f, 8);
      PipeBarrier<PIPE_V>();
    }
  });
  ASSERT_EQ(report.findings.size(), 1u) << report.sentences();
  EXPECT_EQ(report.findings[0].times, 5);
}

TEST(TwinReport, OutputsMustBeWhole) {
  Stage stage;
  stage.options.outputs_complete = true;
  std::vector<float> out(20);
  const GlobalTensor<float> to = stage.global("out", out, Access::output);
  const twin::Report report = stage.run([&](Desk& desk) { DataCopy(to, desk.holding(ramp(16)), 16); });
  EXPECT_NE(report.sentences().find("the kernel ends and byte 64 of out was never written"), std::string::npos)
      << report.sentences();
}

}  // namespace
}  // namespace alng::test
