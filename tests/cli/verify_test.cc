#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "alng_process.h"

namespace alng::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class VerifyCommand : public CommandTest {
 protected:
  // The table's line of a tensor and a measure that begins like this.
  json check(const std::string& arguments, const std::string& tensor, const std::string& measure) const {
    const Outcome outcome = alng("verify --json " + arguments);
    const json report = json::parse(outcome.out);
    for (const json& line : report["checks"]) {
      if (line["tensor"] == tensor && line["measure"].get<std::string>().rfind(measure, 0) == 0) return line;
    }
    ADD_FAILURE() << "no line " << tensor << " " << measure << " in\n" << outcome.out;
    return {};
  }
  // Of 200 columns.
  void add_to_first_expected_dgamma(float more) const {
    const std::string dgamma = contents(path("p/expected_dgamma.npy"));
    float first;
    std::memcpy(&first, &dgamma[dgamma.size() - 800], sizeof first);
    overwrite("p/expected_dgamma.npy", 800, bytes_of(first + more));
  }
};

TEST_F(VerifyCommand, IsContentWithTheOperator) {
  for (const char* problem :
       {"--shape 64x3x128 --dtype fp32", "--shape 100x768 --dtype bf16", "--shape 33x1289 --dtype fp16 --no-dsum",
        "--shape 300x1000 --dtype fp32 --mean-over-std 1000",
        "--shape 200x500 --dtype bf16 --mean-over-std 1000 --no-gamma",
        "--shape 50x777 --dtype fp16 --mean-over-std -1000 --gamma-dtype fp32",
        "--shape 20000x16 --dtype fp32 --no-dsum", "--shape 3x40000 --dtype bf16",
        "--shape 5000x2 --dtype fp32 --no-dsum", "--shape 5000x1 --dtype bf16", "--shape 1x1 --dtype fp32",
        "--shape 40x3x5 --normalized-dims 2 --dtype fp16 --no-gamma", "--shape 7x9 --normalized-dims 2 --dtype fp32"}) {
    done(std::string("make -o p.safetensors --seed 7 ") + problem);
    EXPECT_THAT(done("verify p.safetensors"), HasSubstr("checks within their bounds")) << problem;
    done("run p.safetensors -o r.safetensors");
    EXPECT_EQ(json::parse(done("verify --json p.safetensors r.safetensors"))["ok"], true) << problem;
  }
}

// One misrounded element of 112 is chance; with two columns almost all elements are in cancellation.
TEST_F(VerifyCommand, AFewElementsAreNotJudgedByTheirShare) {
  for (const char* problem : {"--shape 7x16 --dtype fp16 --mean-over-std 1000 --seed 87",
                              "--shape 20000x2 --dtype bf16 --no-dsum", "--shape 20000x2 --dtype fp16 --no-dsum"}) {
    done(std::string("make -o p.safetensors ") + problem);
    EXPECT_THAT(done("verify p.safetensors"), HasSubstr("checks within their bounds")) << problem;
  }
}

TEST_F(VerifyCommand, LargeProblems) {
  for (const char* problem : {"--shape 1000000x16 --dtype fp32", "--shape 1000000x3 --dtype fp32 --no-dsum",
                              "--shape 3x262144 --dtype bf16", "--shape 2000x4096 --dtype fp16 --mean-over-std 1000"}) {
    done(std::string("make -o p.safetensors ") + problem);
    done("verify p.safetensors");
  }
}

TEST_F(VerifyCommand, TheRecordingAgreesWithTheFramework) {
  for (const char* dtype : {"fp32", "bf16"}) {
    const std::string file = std::string(ALNG_EXAMPLES "/minilm_") + dtype + ".safetensors";
    const std::string text = done("verify '" + file + "'");
    for (const char* name : {"expected_dx", "expected_dgamma", "expected_dbeta"}) EXPECT_THAT(text, HasSubstr(name));
  }
}

// The framework's dgamma and dbeta of the bfloat16 model are float32, and held to that.
TEST_F(VerifyCommand, SumsInFloat32AreHeldToFloat32BesideBfloat16) {
  const std::string recording = "'" ALNG_EXAMPLES "/minilm_bf16.safetensors'";
  EXPECT_EQ(check(recording, "dx", "expected_dx")["bound"], 8 * 0x1p-8);
  for (const std::string sum : {"dgamma", "dbeta"}) {
    EXPECT_EQ(check(recording, sum, "expected_" + sum)["bound"], 1e-5);
  }
  done("make -o p --shape 40x200 --dtype bf16");
  done("run p -o r");
  std::filesystem::copy(path("r/dgamma.npy"), path("p/expected_dgamma.npy"));
  EXPECT_EQ(check("p", "dgamma", "expected_dgamma")["ok"], true);
  add_to_first_expected_dgamma(0.001F);  // of an rms of about 6: a small part of a rounding to bfloat16
  EXPECT_EQ(check("p", "dgamma", "expected_dgamma")["ok"], false);
}

// PyTorch returns dgamma in the dtype of gamma: rounded to bfloat16 it is still near enough.
TEST_F(VerifyCommand, SumsRoundedToBfloat16MayBeThatFarOff) {
  done("make -o p --shape 40x200 --dtype bf16");
  done("run p -o r");
  const std::string dgamma = contents(path("r") / "dgamma.npy");
  std::string halves;
  for (std::size_t at = dgamma.size() - 800; at < dgamma.size(); at += 4) halves += dgamma.substr(at + 2, 2);
  std::string header = dgamma.substr(0, dgamma.size() - 800);
  header.replace(header.find("<f4"), 3, "<V2");
  write("p/expected_dgamma.npy", header + halves);
  const json line = check("p", "dgamma", "expected_dgamma");
  EXPECT_EQ(line["bound"], 8 * 0x1p-8);
  EXPECT_GT(line["measured"], 1e-4);
  EXPECT_EQ(line["ok"], true);
}

TEST_F(VerifyCommand, ExitsWithOneBeyondTheBounds) {
  done("make -o p --shape 40x200 --dtype fp32");
  done("run p -o r");
  std::string dx = contents(path("r") / "dx.npy");
  dx[dx.size() - 1] = static_cast<char>(dx[dx.size() - 1] ^ 0x80);  // the last element's sign
  write("r/dx.npy", dx);
  const Outcome outcome = alng("verify p r");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, HasSubstr("BEYOND"));
  EXPECT_EQ(check("p r", "dx", "max error")["ok"], false);
  EXPECT_EQ(check("p r", "dgamma", "max error")["ok"], true);
}

TEST_F(VerifyCommand, ExpectedGradientsThatDisagreeAreSeen) {
  done("make -o p --shape 40x200 --dtype fp32");
  done("run p -o r");
  for (const char* name : {"dx", "dgamma", "dbeta"}) {
    std::filesystem::copy(path("r/" + std::string(name) + ".npy"), path("p/expected_" + std::string(name) + ".npy"));
  }
  EXPECT_EQ(check("p", "dgamma", "expected_dgamma")["measured"], 0);
  done("verify p");
  add_to_first_expected_dgamma(0.01F);  // of an rms of about 6
  EXPECT_EQ(alng("verify p").exit_code, 1);
  EXPECT_EQ(check("p", "dgamma", "expected_dgamma")["ok"], false);
  EXPECT_EQ(check("p", "dx", "expected_dx")["ok"], true);
}

TEST_F(VerifyCommand, NanAndInfinityStayInTheirRowAndColumn) {
  for (const float value : {NAN, INFINITY}) {
    done("make -o p --shape 6x40 --dtype fp32");
    overwrite("p/x1.npy", 400, bytes_of(value));
    EXPECT_THAT(done("verify p"), HasSubstr("1 rows with NaN, infinity or overflow"));
    // A result without the NaN is beyond the bounds.
    done("make -o q --shape 6x40 --dtype fp32");
    done("run q -o r");
    EXPECT_EQ(alng("verify p r").exit_code, 1);
    EXPECT_EQ(check("p r", "dx", "NaN")["ok"], false);
    EXPECT_EQ(check("p r", "dgamma", "NaN")["ok"], false);
    EXPECT_EQ(check("p r", "dbeta", "NaN")["ok"], true);
    for (const char* folder : {"p", "q", "r"}) std::filesystem::remove_all(path(folder));
  }
}

// dy of one row about 1e36: its row sum leaves float32's range, the exact dx does not.
TEST_F(VerifyCommand, TellsOverflowOfTheOrderFromAWrongResult) {
  for (const std::string dtype : {"fp32", "bf16"}) {
    const std::size_t size = dtype == "fp32" ? 4 : 2, row = 4096 * size;
    done("make -o p --shape 3x4096 --no-x2 --no-gamma --no-dsum --dtype " + dtype);
    std::string dy = contents(path("p/dy.npy"));
    for (std::size_t j = 0; j < 4096; ++j) {
      const float value = 1e36F * (0.5F + static_cast<float>(j * 53 % 97) / 97);
      dy.replace(dy.size() - 2 * row + j * size, size, bytes_of(value).substr(4 - size));
    }
    write("p/dy.npy", dy);
    const std::string said = "dx: 4096 elements are not judged: sums in the canonical order overflow float32";
    EXPECT_THAT(done("verify p --no-x2"), HasSubstr(said));
    done("run p -o r --no-x2");
    EXPECT_THAT(done("verify p r --no-x2"), HasSubstr(said));
    std::string dx = contents(path("r/dx.npy"));
    const std::string infinity = dtype == "fp32" ? std::string("\0\0\x80\x7F", 4) : "\x80\x7F";
    std::string negative = infinity, nan = infinity;
    negative.back() = '\xFF';
    nan[size - 2] = '\xC0';
    for (const std::string& planted : {infinity, negative, nan}) {
      for (const std::size_t at : {3 * row, row, size}) {  // from the end: in the rows 0 and 2
        std::string wrong = dx;
        wrong.replace(wrong.size() - at, size, planted);
        write("r/dx.npy", wrong);
        EXPECT_EQ(alng("verify p r --no-x2").exit_code, 1) << dtype << " " << at;
      }
    }
    // Finite values in that row are judged, however wide the order's sums are.
    std::string wrong = dx;
    write("r/dx.npy", wrong.replace(wrong.size() - 2 * row, row, std::string(row, '\0')));
    EXPECT_EQ(alng("verify p r --no-x2").exit_code, 1);
    for (const char* folder : {"p", "r"}) std::filesystem::remove_all(path(folder));
  }
}

// A column of dy whose sum leaves float32's range on the way to 0.
TEST_F(VerifyCommand, TellsOverflowOfASumFromAWrongSum) {
  done("make -o p --shape 4x8 --dtype fp32 --no-gamma --no-dsum");
  for (std::size_t i = 0; i < 4; ++i) overwrite("p/dy.npy", 128 - 32 * i, bytes_of(i < 2 ? 2.5e38F : -2.5e38F));
  EXPECT_THAT(done("verify p"), HasSubstr("dbeta: 1 elements are not judged: sums in the canonical order overflow"));
  done("run p -o r");
  done("verify p r");
  const std::string dbeta = contents(path("r/dbeta.npy"));
  for (const std::size_t at : {4, 28}) {
    std::string wrong = dbeta;
    write("r/dbeta.npy", wrong.replace(wrong.size() - at, 4, "\0\0\x80\x7F", 4));
    EXPECT_EQ(alng("verify p r").exit_code, 1) << at;
  }
}

TEST_F(VerifyCommand, AResultThatIsNotThereIsBeyondTheBounds) {
  done("make -o p --shape 4x8 --dtype fp32");
  done("make -o p.safetensors --shape 4x8 --dtype fp32");
  for (const std::string lost : {"dx", "dgamma", "dbeta"}) {
    done("run p -o r");
    std::filesystem::remove(path("r") / (lost + ".npy"));
    for (const char* problem : {"p", "p.safetensors"}) {
      const Outcome outcome = alng("verify " + std::string(problem) + " r");
      EXPECT_EQ(outcome.exit_code, 1) << lost;
      EXPECT_THAT(outcome.out, testing::ContainsRegex(lost + " +missing from the results"));
      EXPECT_THAT(outcome.out, HasSubstr("1 of "));
    }
    EXPECT_EQ(check("p r", lost, "missing from the results")["ok"], false);
  }
}

TEST_F(VerifyCommand, WarnsOfStdInPlaceOfRstd) {
  done("make -o p --shape 40x64 --dtype fp32 --no-beta");
  EXPECT_EQ(json::parse(done("verify p --json"))["warnings"], json::array());
  std::string file = contents(path("p/rstd.npy"));
  for (std::size_t at = file.size() - 160; at < file.size(); at += 4) {
    float value;
    std::memcpy(&value, &file[at], sizeof value);
    value = 1 / value;
    std::memcpy(&file[at], &value, sizeof value);
  }
  write("p/rstd.npy", file);
  EXPECT_THAT(done("verify p"), HasSubstr("warning: rstd looks like the standard deviation of x1 + x2"));
  EXPECT_EQ(json::parse(done("verify p --json"))["warnings"].size(), 1u);
}

TEST_F(VerifyCommand, SaysWhenMeanIsNotTheMean) {
  done("make -o p --shape 4x64 --dtype fp32 --no-beta");
  overwrite("p/mean.npy", 4, bytes_of(0.5F));
  // The operator uses the mean it is given, so the results are right; a note says that mean is off.
  const std::string text = done("verify p");
  EXPECT_THAT(text, HasSubstr("mean is off E[x1 + x2] by 0."));
}

TEST_F(VerifyCommand, IsContentWithTheForward) {
  for (const char* problem :
       {"--shape 64x300 --dtype fp32 --mean-over-std 100000", "--shape 100x768 --dtype bf16 --mean-over-std 1000",
        "--shape 33x1289 --dtype fp16 --gamma-dtype fp32", "--shape 5000x2 --dtype fp32",
        "--shape 9x3x5 --normalized-dims 2 --dtype fp16 --no-gamma", "--shape 300x1 --dtype bf16",
        "--shape 0x6 --dtype fp32"}) {
    done(std::string("make -o p.safetensors ") + problem);
    for (const char* options : {" --eps 1e-5", " --eps 0.25", " --round-sum"}) {
      done(std::string("forward p.safetensors -o f.safetensors") + options);
      const json report = json::parse(done(std::string("verify --json p.safetensors f.safetensors") + options));
      EXPECT_EQ(report["checks"].size() > 6, true) << report.dump();
      for (const json& line : report["checks"]) EXPECT_NE(line["tensor"], "dx");
    }
    EXPECT_THAT(done(std::string("verify p.safetensors --forward")), HasSubstr("rstd"));
  }
}

// What is judged is told by what is there.
TEST_F(VerifyCommand, JudgesWhatIsThere) {
  done("make -o p --shape 20x64 --dtype fp32");
  done("forward p -o f");
  done("run p -o r");
  const auto judged = [&](const std::string& arguments) {
    std::string names;
    const json report = json::parse(done("verify --json " + arguments));
    for (const json& line : report["checks"]) {
      const std::string name = line["tensor"];
      if (names.find(name + " ") == std::string::npos) names += name + " ";
    }
    return names;
  };
  const std::string forward = "y mean rstd x ", gradient = "dx dgamma dbeta ";
  EXPECT_EQ(judged("p"), forward + gradient);
  EXPECT_EQ(judged("p --forward"), forward);
  EXPECT_EQ(judged("p --gradient"), gradient);
  EXPECT_EQ(judged("p f"), forward);
  EXPECT_EQ(judged("p r"), gradient);
  for (const char* name : {"dx", "dgamma", "dbeta"}) {
    std::filesystem::copy(path("r") / (std::string(name) + ".npy"), path("f") / (std::string(name) + ".npy"));
  }
  EXPECT_EQ(judged("p f"), forward + gradient);
  // dy under another name is not taken for a forward alone.
  std::filesystem::rename(path("p/dy.npy"), path("p/grad_output.npy"));
  EXPECT_THAT(refused("verify p"), HasSubstr("p: tensor dy is missing"));
  EXPECT_THAT(refused("verify p r"), HasSubstr("p: tensor dy is missing"));
  for (const char* name : {"grad_output", "rstd", "mean", "dsum"}) {
    std::filesystem::remove(path("p") / (std::string(name) + ".npy"));
  }
  EXPECT_EQ(judged("p"), forward);
  EXPECT_THAT(refused("verify p r --forward"), HasSubstr("r: none of y, x is there"));
}

// In every result of a forward, an error of either sign at the first, a middle and the last element.
TEST_F(VerifyCommand, SeesAnErrorOfEitherSignInAForward) {
  done("make -o p --shape 20x64 --dtype fp32 --mean-over-std 10");
  done("forward p -o f");
  done("verify p f");
  for (const std::string name : {"y", "mean", "rstd", "x"}) {
    const std::string whole = contents(path("f") / (name + ".npy"));
    const std::size_t size = name == "y" || name == "x" ? 20 * 64 * 4 : 20 * 4;
    for (const std::size_t at : {std::size_t{4}, size / 2, size}) {
      for (const float part : {2e-6F, -2e-6F}) {
        float value;
        std::memcpy(&value, &whole[whole.size() - at], sizeof value);
        // y's errors are parts of its row's scale, at least 1 here.
        const float wrong = name == "y" ? value + part * 4 : value * (1 + part);
        overwrite("f/" + name + ".npy", at, bytes_of(wrong));
        EXPECT_EQ(alng("verify p f").exit_code, 1) << name << " " << at << " " << part;
        write("f/" + name + ".npy", whole);
      }
      for (const float planted : {NAN, INFINITY, -INFINITY}) {
        overwrite("f/" + name + ".npy", at, bytes_of(planted));
        EXPECT_EQ(alng("verify p f").exit_code, 1) << name << " " << at << " " << planted;
        write("f/" + name + ".npy", whole);
      }
    }
    std::filesystem::remove(path("f") / (name + ".npy"));
    const Outcome outcome = alng("verify p f");
    EXPECT_EQ(outcome.exit_code, 1) << name;
    EXPECT_THAT(outcome.out, testing::ContainsRegex(name + " +missing from the results"));
    write("f/" + name + ".npy", whole);
  }
  EXPECT_EQ(alng("verify p f --eps 1.1e-5").exit_code, 1);
}

// A gradient of another mean than the forward's is right by itself, but not of this forward.
TEST_F(VerifyCommand, AGradientOfAnotherMeanIsNoPair) {
  for (const std::string dtype : {"fp32", "bf16"}) {
    done("make -o p --shape 200x64 --dtype " + dtype);
    EXPECT_EQ(check("p", "dx", "differences of our forward")["ok"], true);
    std::string mean = contents(path("p/mean.npy"));
    for (std::size_t at = mean.size() - 800; at < mean.size(); at += 4) mean.replace(at, 4, bytes_of(0.7F));
    write("p/mean.npy", mean);
    EXPECT_EQ(check("p", "dx", "differences of our forward")["ok"], false);
    EXPECT_EQ(check("p", "dx", "finite differences")["ok"], true);
    EXPECT_EQ(alng("verify p --gradient").exit_code, 0);
  }
}

// Squares beyond float32: the order gives rstd 0 and y = beta there, and nothing else passes.
TEST_F(VerifyCommand, TellsOverflowOfTheForwardsOrderFromAWrongResult) {
  done("make -o p --shape 3x64 --dtype fp32 --no-x2");
  std::string x1 = contents(path("p/x1.npy"));
  for (std::size_t j = 0; j < 64; ++j) {
    x1.replace(x1.size() - 512 + 4 * j, 4, bytes_of(1e25F * static_cast<float>(j * 53 % 97)));
  }
  write("p/x1.npy", x1);
  done("forward p -o f --no-x2");
  EXPECT_THAT(done("verify p f --no-x2"),
              testing::AllOf(HasSubstr("y: 64 elements are not judged"), HasSubstr("rstd: 1 elements are not judged")));
  const std::string y = contents(path("f/y.npy"));
  for (const std::size_t at : {4, 260, 512}) {  // in the last row and in the second, which overflows
    overwrite("f/y.npy", at, bytes_of(0.0F));
    EXPECT_EQ(alng("verify p f --no-x2").exit_code, 1) << at;
    write("f/y.npy", y);
  }
}

TEST_F(VerifyCommand, AnotherImplementationsForwardStandsBesideOurs) {
  done("make -o p --shape 20x64 --dtype fp32");
  done("forward p -o f");
  for (const char* name : {"y", "mean", "rstd", "x"}) {
    std::filesystem::copy(path("f/" + std::string(name) + ".npy"), path("p/expected_" + std::string(name) + ".npy"));
    EXPECT_EQ(check("p --eps 1e-5", name, "expected_" + std::string(name))["measured"], 0);
  }
  overwrite("p/expected_y.npy", 4, bytes_of(9.0F));
  EXPECT_EQ(check("p", "y", "expected_y")["ok"], false);
  EXPECT_EQ(alng("verify p").exit_code, 1);
}

// Without --eps the pair's eps is the one that rstd implies.
TEST_F(VerifyCommand, ReadsEpsFromRstd) {
  done("make -o p --shape 50x32 --dtype fp32");
  for (const char* eps : {"0.3", "1e-3"}) {
    done(std::string("forward p -o p --eps ") + eps);
    EXPECT_EQ(json::parse(done("verify p --json"))["ok"], true);
    EXPECT_EQ(alng("verify p --eps 0.01").exit_code, 1);
  }
}

}  // namespace
}  // namespace alng::cli
