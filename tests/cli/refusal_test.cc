#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "alng_process.h"
#include "safetensors_bytes.h"

namespace alng::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Tensor {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::size_t bytes;
};

using Tensors = std::map<std::string, Tensor>;

class Refusal : public CommandTest {
 protected:
  // A valid 4 x 6 bfloat16 problem, for a test to spoil.
  Tensors tensors_{{"dy", {"BF16", {4, 6}, 48}},  {"x1", {"BF16", {4, 6}, 48}},  {"x2", {"BF16", {4, 6}, 48}},
                   {"rstd", {"F32", {4, 1}, 16}}, {"mean", {"F32", {4, 1}, 16}}, {"gamma", {"BF16", {6}, 12}},
                   {"dsum", {"BF16", {4, 6}, 48}}};

  std::string safetensors() const {
    nlohmann::json header;
    std::size_t end = 0;
    for (const auto& [name, tensor] : tensors_) {
      header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {end, end + tensor.bytes}}};
      end += tensor.bytes;
    }
    return safetensors_bytes(header.dump(), std::string(end, '\0'));
  }

  // The sentence that `run` refuses this file with. No new file may remain, and an older OUT must be unchanged.
  std::string run(const std::string& file, const std::string& options = "") const {
    write("in.safetensors", file);
    write("older.safetensors", "older");
    const std::string sentence = refused("run in.safetensors -o out.safetensors " + options);
    EXPECT_EQ(sentence, refused("run in.safetensors -o older.safetensors " + options));
    EXPECT_EQ(contents(path("older.safetensors")), "older");
    EXPECT_EQ(sentence, refused("run in.safetensors -o out " + options));
    EXPECT_EQ(files(), (std::vector<std::string>{"in.safetensors", "older.safetensors"}));
    return sentence;
  }
};

TEST_F(Refusal, TheProblemItselfIsFine) {
  write("in.safetensors", safetensors());
  done("run in.safetensors -o out.safetensors");
}

// What is wrong with the problem, its file or the options; how the sentence begins behind the file's name.
struct WrongInput {
  const char* name;
  const char* sentence;
  void (*spoil)(Tensors& tensors);
  void (*cut)(std::string& file) = nullptr;
  const char* options = "";
};

void PrintTo(const WrongInput& wrong, std::ostream* out) { *out << wrong.name; }

#define TENSOR(name, ...) [](Tensors& t) { t[name] = __VA_ARGS__; }
#define WITHOUT(name) [](Tensors& t) { t.erase(name); }
#define AS_IT_IS [](Tensors&) {}
#define CUT(change) AS_IT_IS, [](std::string& file) { change; }

const WrongInput wrong_inputs[] = {
    {"RstdOfOtherRows", "rstd is float32[5, 1] but must be float32[4, 1] or float32[4]: dy's leading dimensions",
     TENSOR("rstd", {"F32", {5, 1}, 20})},
    {"X1Transposed", "x1 is bfloat16[6, 4] but must be [4, 6], the shape of dy", TENSOR("x1", {"BF16", {6, 4}, 48})},
    {"GammaShort", "gamma is bfloat16[4] but must be [6]", TENSOR("gamma", {"BF16", {4}, 8})},
    {"X2OfFloat16", "x2 is float16[4, 6] but must be bfloat16, the dtype of dy", TENSOR("x2", {"F16", {4, 6}, 48})},
    {"X2OfInt64", "x2 is I64[1] but must be bfloat16, the dtype of dy", TENSOR("x2", {"I64", {1}, 8})},
    {"X2OfNoDtype", "tensor \"x2\" has the unknown dtype \"BF17\"", TENSOR("x2", {"BF17", {4, 6}, 48})},
    {"MeanOfFloat64", "mean is F64[4, 1] but must be float32", TENSOR("mean", {"F64", {4, 1}, 32})},
    {"MeanOfBfloat16", "mean is bfloat16[4, 1] but must be float32", TENSOR("mean", {"BF16", {4, 1}, 8})},
    {"MeanOfInt32", "mean is I32[4, 1] but must be float32", TENSOR("mean", {"I32", {4, 1}, 16})},
    {"Rank9", "dsum has rank 9; at most 8 is supported", TENSOR("dsum", {"BF16", {4, 6, 1, 1, 1, 1, 1, 1, 1}, 48})},
    {"Rank0", "dsum has rank 0 but must have rank 1 to 8", TENSOR("dsum", {"BF16", {}, 2})},
    {"ExtentBeyond63Bits", "dsum is BF16[0, 18446744073709551615] but its extents must be below 2^63",
     TENSOR("dsum", {"BF16", {0, UINT64_MAX}, 0})},
    {"NoDy", "tensor dy is missing; there are dsum, gamma, mean, rstd, x1, x2", WITHOUT("dy")},
    {"NoX1", "tensor x1 is missing; there are dsum, dy, gamma", WITHOUT("x1")},
    {"NoRstd", "tensor rstd is missing; there are dsum, dy, gamma, mean, x1", WITHOUT("rstd")},
    {"NoMean", "tensor mean is missing; there are dsum, dy, gamma, rstd", WITHOUT("mean")},
    {"X2AndNoX2", "it has a tensor x2, but --no-x2 is given", AS_IT_IS, nullptr, "--no-x2"},
    {"CutInItsHeader", "not a safetensors file, or cut: the header claims", CUT(file.resize(100))},
    {"CutInItsData", "data_offsets [188, 236] of tensor \"x2\" lie outside the file's 235 bytes of data",
     CUT(file.pop_back())},
    {"Empty", "not a safetensors file: 0 bytes", CUT(file.clear())},
    {"GiantHeader", "not a safetensors file, or cut: the header claims 3", CUT(file[6] = '\x7F')},
};

class WrongInputs : public Refusal, public testing::WithParamInterface<WrongInput> {};

TEST_P(WrongInputs, AreRefused) {
  GetParam().spoil(tensors_);
  std::string file = safetensors();
  if (GetParam().cut != nullptr) GetParam().cut(file);
  EXPECT_THAT(run(file, GetParam().options), StartsWith("in.safetensors: " + std::string(GetParam().sentence)));
}

INSTANTIATE_TEST_SUITE_P(Table, WrongInputs, testing::ValuesIn(wrong_inputs),
                         [](const auto& which) { return which.param.name; });

TEST_F(Refusal, FilesThatAreNotThere) {
  EXPECT_EQ(refused("run none.safetensors -o out.safetensors"),
            "can't read none.safetensors: No such file or directory");
  EXPECT_EQ(refused("run /dev/zero -o out.safetensors"), "can't read /dev/zero: not a regular file");
  std::filesystem::create_directory(path("empty"));
  EXPECT_EQ(refused("run empty -o out.safetensors"), "empty: tensor dy is missing; there are none");
}

TEST_F(Refusal, PlacesThatCannotBeWritten) {
  write("in.safetensors", safetensors());
  EXPECT_EQ(refused("run in.safetensors -o none/out.safetensors"),
            "can't write none/out.safetensors: No such file or directory");
  EXPECT_EQ(refused("run in.safetensors -o none/out"), "can't write none/out: No such file or directory");
  EXPECT_EQ(refused("run in.safetensors -o out.npz"),
            "can't write 'out.npz': the name must end in .safetensors or be that of a folder");
  EXPECT_EQ(refused("run in.safetensors -o /proc/out.safetensors"),
            "can't write /proc/out.safetensors: No such file or directory");
  EXPECT_EQ(refused("run in.safetensors -o in.safetensors"), "OUT is IN: in.safetensors would be overwritten");
  EXPECT_EQ(refused("run in.safetensors -o ./../$(basename $PWD)/in.safetensors").rfind("OUT is IN: ", 0), 0u);
  EXPECT_EQ(files(), (std::vector<std::string>{"in.safetensors"}));
  EXPECT_EQ(contents(path("in.safetensors")), safetensors());
}

TEST_F(Refusal, UnknownDevicesAndInstructionSets) {
  EXPECT_THAT(run(safetensors(), "--device gpu"), HasSubstr("device is \"gpu\" but must be one of cpu, reference"));
  EXPECT_THAT(run(safetensors(), "--isa mmx"), HasSubstr("mmx"));
  EXPECT_THAT(run(safetensors(), "--threads -1"), HasSubstr("threads is -1"));
}

TEST_F(Refusal, NpyFolders) {
  done("make -o p --shape 4x6 --dtype fp32");
  const std::string dy = contents(path("p") / "dy.npy");
  write("p/dy.npy", dy.substr(0, dy.size() - 1));
  EXPECT_EQ(refused("run p -o out"), "p/dy.npy: the npy header says float32[4, 6] but 95 bytes of data follow");
  write("p/dy.npy", "nothing of numpy's");
  EXPECT_EQ(refused("run p -o out"), "p/dy.npy: not an npy file: it does not begin with \\x93NUMPY");
  EXPECT_FALSE(std::filesystem::exists(path("out")));
}

TEST_F(Refusal, VerifyOfOtherResults) {
  write("in.safetensors", safetensors());
  done("make -o other.safetensors --shape 4x7 --dtype bf16");
  done("run other.safetensors -o result.safetensors");
  EXPECT_THAT(refused("verify in.safetensors result.safetensors"),
              HasSubstr("result.safetensors: dx is bfloat16[4, 7] but bfloat16[4, 6] is expected"));
  EXPECT_EQ(refused("verify in.safetensors other.safetensors"),
            "other.safetensors: none of dx, dgamma, dbeta, y, x is there; there are beta, dsum, dy, gamma, mean, rstd, "
            "x1, x2");
}

TEST_F(Refusal, ForwardsThatCannotBe) {
  tensors_["beta"] = {"F16", {6}, 12};
  write("in.safetensors", safetensors());
  const auto forward = [&](const std::string& options) {
    std::string sentence = refused("forward in.safetensors -o out.safetensors " + options);
    EXPECT_EQ(files(), (std::vector<std::string>{"in.safetensors"}));
    return sentence;
  };
  EXPECT_EQ(forward(""), "in.safetensors: beta is float16[6] but must be bfloat16, the dtype of x1, or float32");
  tensors_["beta"] = {"F32", {6}, 24};
  write("in.safetensors", safetensors());
  EXPECT_EQ(forward("--eps -1"), "in.safetensors: eps is -1 but must be finite and at least 0");
  EXPECT_EQ(forward("--no-x2"), "in.safetensors: it has a tensor x2, but --no-x2 is given");
  for (const char* option : {"--eps 1", "--round-sum"}) {
    EXPECT_THAT(refused(std::string("explain in.safetensors ") + option), HasSubstr("requires --forward"));
  }
  tensors_.erase("x2");
  write("in.safetensors", safetensors());
  EXPECT_EQ(
      forward(""),
      "in.safetensors: tensor x2 is missing (--no-x2 asks for the LayerNorm of x1 alone); there are beta, dsum, dy, "
      "gamma, mean, rstd, x1");
  tensors_.erase("gamma");
  tensors_.erase("beta");
  write("in.safetensors", safetensors());
  EXPECT_THAT(forward("--no-x2"), HasSubstr("normalized_dims is 0 but must be 1 to 2"));
}

// None is clamped, wrapped, cut or read as octal.
TEST_F(Refusal, NumbersThatAnOptionCannotHold) {
  const auto check = [&](const std::string& command, const std::string& option, const std::string& value,
                         const std::string& expected) {
    EXPECT_EQ(
        refused(command + " " + option + " '" + value + "'"),
        option + ": the value is \"" + value + "\" but must be " + expected + " (alng --help, or alng COMMAND --help)");
  };
  for (const char* value : {"many", "1.5", "1e1", "0x7", "+3", " 3", "3 ", "1,000", "2147483648", "-2147483649"}) {
    const std::string whole = "a whole number from -2147483648 to 2147483647";
    check("run a -o b", "--threads", value, whole);
    check("make -o b --shape 2x3 --dtype fp32", "--normalized-dims", value, whole);
    check("bench", "--repeats", value, whole);
  }
  for (const char* value : {"-1", "18446744073709551616", "99999999999999999999999"}) {
    check("make -o b --shape 2x3 --dtype fp32", "--seed", value, "a whole number from 0 to 18446744073709551615");
  }
  for (const char* value : {"nan", "inf", "-inf", "1e39", "1e-50", "-1e400", "1e-5f", "0x1p-3", "1,5"}) {
    check("forward a -o b", "--eps", value, "a finite number that float32 holds");
  }
  for (const char* value : {"nan", "inf", "1e400", "1e-400"}) {
    check("make -o b --shape 2x3 --dtype fp32", "--mean-over-std", value, "a finite number that float64 holds");
    check("bench", "--seconds", value, "a finite number that float64 holds");
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(Refusal, Usage) {
  EXPECT_EQ(refused(""),
            "a command is expected: run, forward, verify, make, explain, info, bench (alng --help says more)");
  EXPECT_EQ(refused("dance"),
            "there is no command dance: run, forward, verify, make, explain, info, bench are expected (alng --help "
            "says more)");
  EXPECT_EQ(refused("--json info"),
            "there is no option --json of alng itself: a command comes first: run, forward, verify, make, explain, "
            "info, bench (alng --help says more)");
  EXPECT_THAT(refused("run"), HasSubstr("IN is required"));
  EXPECT_THAT(refused("run a -o b --speed 7"), HasSubstr("--speed"));
}

}  // namespace
}  // namespace alng::cli
