// Which tensors are read from where: absent or out of reach, under other names, with a dtype that is not theirs.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alng_process.h"

namespace alng::cli {
namespace {

using std::filesystem::rename;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Names : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    done("make -o p --shape 4x6 --dtype fp32 --no-beta");
    done("make -o p.safetensors --shape 4x6 --dtype fp32 --no-beta");
    done("run p -o whole");
  }

  // A name in the safetensors file becomes another of the same length.
  void replace_name(const std::string& from, const std::string& to) const {
    ASSERT_EQ(from.size(), to.size());
    replace("p.safetensors", "\"" + from + "\"", "\"" + to + "\"");
  }
};

// Whatever stands at the name of a tensor, optional or not, or of its .dtype file, and can't be read, is an error for
// every command that reads it.
TEST_F(Names, OutOfReachIsNotAbsent) {
  for (const std::string name : {"gamma.npy", "dsum.npy", "x2.npy", "dy.npy", "expected_dx.npy", "dy.dtype"}) {
    const auto file = path("p/" + name);
    const bool was_there = std::filesystem::exists(file);
    if (was_there) rename(file, path("kept"));
    const auto expect = [&](const std::string& sentence) {
      for (const char* command :
           {"run p -o out", "verify p", "verify p whole", "explain p", "run p -o out.safetensors"}) {
        EXPECT_EQ(refused(command), "can't read p/" + name + sentence) << command;
      }
      std::filesystem::remove(file);
      EXPECT_FALSE(std::filesystem::exists(path("out")));
    };
    std::filesystem::create_symlink("nowhere", file);
    expect(", a symbolic link: No such file or directory");
    std::filesystem::create_symlink(name, file);
    expect(", a symbolic link: Too many levels of symbolic links");
    std::filesystem::create_symlink("mean.npy/below", file);
    expect(", a symbolic link: Not a directory");
    std::filesystem::create_directory(file);
    expect(": not a regular file");
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    expect(": not a regular file");
    std::filesystem::create_symlink("/dev/null", file);
    expect(": not a regular file");
    if (was_there) rename(path("kept"), file);
  }
  EXPECT_EQ(refused("run p -o out --prefix " + std::string(300, 'x')),
            "can't read p/" + std::string(300, 'x') + "dy.npy: File name too long");
  EXPECT_EQ(refused("run p -o out --prefix mean.npy/"), "can't read p/mean.npy/dy.npy: Not a directory");
  done("run p -o again");
  expect_same_results("whole", "again");
}

// The same for results that are verified.
TEST_F(Names, ResultsOutOfReachAreNotAbsent) {
  std::filesystem::remove(path("whole/dgamma.npy"));
  std::filesystem::create_symlink("nowhere", path("whole/dgamma.npy"));
  EXPECT_EQ(refused("verify p whole"), "can't read whole/dgamma.npy, a symbolic link: No such file or directory");
}

TEST_F(Names, ClosedFoldersAreNotEmpty) {
  // Root may read everything, so the command runs as another user.
  std::string other;
  if (::geteuid() == 0) {
    if (std::system("setpriv --reuid 65534 --clear-groups true") != 0) GTEST_SKIP() << "root without setpriv";
    other = "setpriv --reuid 65534 --clear-groups ";
  }
  const auto explain = [&](mode_t mode) {
    EXPECT_EQ(::chmod(path("p").c_str(), mode), 0);
    const std::string command = "cd '" + folder_.string() + "' && " + other + ALNG_COMMAND " explain p >out 2>&1";
    const int status = std::system(command.c_str());
    EXPECT_EQ(::chmod(path("p").c_str(), 0755), 0);
    return std::to_string(WEXITSTATUS(status)) + " " + contents(path("out"));
  };
  if (explain(0755).rfind("0 ", 0) != 0) GTEST_SKIP() << "the build is out of reach for another user";
  EXPECT_EQ(explain(0), "2 alng: can't list p: Permission denied\n");
  EXPECT_EQ(explain(0444), "2 alng: can't read p/dy.npy: Permission denied\n");
  ASSERT_EQ(::mkdir(path("closed").c_str(), 0), 0);
  rename(path("p/gamma.npy"), path("gamma.npy"));
  std::filesystem::create_symlink("../closed/gamma.npy", path("p/gamma.npy"));
  EXPECT_EQ(explain(0755), "2 alng: can't read p/gamma.npy, a symbolic link: Permission denied\n");
}

TEST_F(Names, AMissingTensorIsLookedForUnderOtherNames) {
  const auto sentence = [&](const std::string& file, const std::string& command = "run p -o out") {
    rename(path("p/dy.npy"), path("p/" + file + ".npy"));
    std::string found = refused(command);
    rename(path("p/" + file + ".npy"), path("p/dy.npy"));
    return found;
  };
  EXPECT_EQ(
      sentence("grad_output"),
      "p: tensor dy is missing; there are grad_output, dsum, gamma, mean, rstd, x1, x2; --rename dy=grad_output reads "
      "\"grad_output\" as dy");
  for (const std::string near : {"DY", "dY", "d_y", "dout", "gradOutput", "layers.7.dy", "layers.7.grad_out"}) {
    EXPECT_THAT(sentence(near), EndsWith("; --rename dy=" + near + " reads \"" + near + "\" as dy"));
  }
  for (const std::string far : {"dx", "y", "step", "x3"}) EXPECT_THAT(sentence(far), Not(HasSubstr("--rename"))) << far;
  // Without x2's own sentence; a tensor that has its own name is never taken for another.
  rename(path("p/x2.npy"), path("p/residual.npy"));
  EXPECT_EQ(
      refused("run p -o out"),
      "p: tensor x2 is missing (--no-x2 asks for the backward of a LayerNorm of x1 alone); there are residual, dsum, "
      "dy, gamma, mean, rstd, x1; --rename x2=residual reads \"residual\" as x2");
  rename(path("p/residual.npy"), path("p/x2.npy"));
  for (const auto& [name, near] :
       {std::pair{"rstd", "rsdt"}, {"rstd", "invstd"}, {"mean", "means"}, {"mean", "mu"}, {"x1", "hidden_states"}}) {
    rename(path("p") / (std::string(name) + ".npy"), path("p") / (std::string(near) + ".npy"));
    EXPECT_THAT(refused("explain p"),
                EndsWith(std::string("; --rename ") + name + "=" + near + " reads \"" + near + "\" as " + name));
    rename(path("p") / (std::string(near) + ".npy"), path("p") / (std::string(name) + ".npy"));
  }
  // Many: those that are near come first.
  for (int i = 0; i < 300; ++i) write("p/step" + std::to_string(i) + ".npy", "");
  EXPECT_EQ(sentence("grad_output"),
            "p: tensor dy is missing; there are grad_output, dsum, gamma, mean, rstd, step0, step1, step10, step100, "
            "step101, "
            "... (307 in all); --rename dy=grad_output reads \"grad_output\" as dy");
}

// An optional tensor under another name is none, but that is said.
TEST_F(Names, AnAbsentTensorIsLookedForUnderOtherNames) {
  for (const std::string name : {"Gamma", "weight", "gama", "block.0.gamma"}) {
    rename(path("p/gamma.npy"), path("p/" + name + ".npy"));
    for (const char* command : {"run p -o out", "explain p", "verify p"}) {
      EXPECT_THAT(done(command),
                  HasSubstr("gamma is absent; --rename gamma=" + name + " reads \"" + name + "\" as gamma"));
    }
    rename(path("p/" + name + ".npy"), path("p/gamma.npy"));
  }
  replace_name("gamma", "Gamma");
  EXPECT_THAT(done("run p.safetensors -o out"),
              HasSubstr("gamma is absent; --rename gamma=Gamma reads \"Gamma\" as gamma"));
  done("run p.safetensors -o out --rename gamma=Gamma");
  expect_same_results("whole", "out");
}

TEST_F(Names, RenamedTensorsAreRead) {
  rename(path("p/dy.npy"), path("p/grad_output.npy"));
  rename(path("p/gamma.npy"), path("p/weight.npy"));
  std::filesystem::copy(path("whole/dx.npy"), path("p/grad_input.npy"));
  const std::string renames = " --rename dy=grad_output --rename gamma=weight --rename expected_dx=grad_input";
  done("run p -o out" + renames);
  expect_same_results("whole", "out");
  EXPECT_THAT(done("verify p out" + renames), HasSubstr("expected_dx and ours apart"));
  EXPECT_THAT(done("explain p" + renames), AllOf(HasSubstr("gamma float32"), Not(HasSubstr("not used"))));
  replace_name("x1", "xa");
  replace_name("x2", "x1");  // a name that another tensor has given up
  done("run p.safetensors --rename x1=xa --rename x2=x1 -o out2");
  expect_same_results("whole", "out2");
}

TEST_F(Names, PrefixedTensorsAreRead) {
  std::filesystem::create_directory(path("q"));
  for (const auto& entry : std::filesystem::directory_iterator(path("p"))) {
    const std::string name = entry.path().filename().string();
    rename(entry.path(), path("q/model.layers.0." + (name == "gamma.npy" ? "weight.npy" : name)));
  }
  EXPECT_THAT(refused("run q -o out"), EndsWith("; --prefix model.layers.0. reads \"model.layers.0.dy\" as dy"));
  EXPECT_THAT(done("explain q --prefix model.layers.0."),
              HasSubstr("gamma is absent; --rename gamma=weight reads \"model.layers.0.weight\" as gamma"));
  done("run q -o out --prefix model.layers.0. --rename gamma=weight");
  expect_same_results("whole", "out");
  EXPECT_THAT(refused("verify q --prefix layers.0."),
              AllOf(HasSubstr("q: tensor \"layers.0.dy\" (for dy) is missing; there are model.layers.0.dy"),
                    EndsWith("; \"model.layers.0.dy\" does not begin with \"layers.0.\"")));
}

TEST_F(Names, RefusesOptionsInOneSentence) {
  const std::string form = " but must be a tensor's name and the one it has in IN, as in dy=grad_output";
  for (const std::string command : {"run p -o out ", "run p.safetensors -o out ", "verify p ", "explain p "}) {
    for (const std::string value : {"gamma", "gamma=", "=weight", "="}) {
      EXPECT_EQ(refused(command + "--rename " + value), "--rename is \"" + value + "\"" + form);
    }
    for (const std::string option : {"--rename", "--prefix"}) {
      EXPECT_THAT(refused(command + option + " ''"), StartsWith(option + ": the value is empty"));
    }
    const std::string both =
        command.rfind("verify", 0) == 0 ? ", beta, expected_y, expected_mean, expected_rstd, expected_x" : "";
    EXPECT_EQ(
        refused(command + "--rename Gamma=weight"),
        "--rename is \"Gamma=weight\", but \"Gamma\" is none of dy, x1, x2, rstd, mean, gamma, dsum, expected_dx, "
        "expected_dgamma, expected_dbeta" +
            both);
    EXPECT_EQ(refused(command + "--rename dy=a --rename dy=a"), "--rename is given twice for dy");
    EXPECT_EQ(refused(command + "--rename x1=a --rename x2=a"), "--rename reads both x1 and x2 from tensor \"a\"");
    EXPECT_EQ(refused(command + "--rename x1=dsum"), "--rename reads both x1 and dsum from tensor \"dsum\"");
    EXPECT_THAT(refused(command + "--prefix a --prefix b"), HasSubstr("--prefix"));
    // What the caller named must be there, optional or not.
    EXPECT_THAT(refused(command + "--rename gamma=weight"),
                HasSubstr("tensor \"weight\" (for gamma) is missing; there are "));
  }
  EXPECT_EQ(refused("explain p --no-x2 --rename x2=x2"), "p: it has a tensor x2, but --no-x2 is given");
  EXPECT_FALSE(std::filesystem::exists(path("out")));
}

TEST_F(Names, AResultDoesNotReplaceARenamedTensor) {
  const std::string dy = contents(path("p/dy.npy"));
  rename(path("p/dy.npy"), path("p/dx.npy"));
  EXPECT_EQ(refused("run p -o p --rename dy=dx"), "OUT is IN: p/dx.npy would be overwritten");
  EXPECT_EQ(refused("run p -o ./p/../p --rename dy=dx"), "OUT is IN: ./p/../p/dx.npy would be overwritten");
  EXPECT_EQ(contents(path("p/dx.npy")), dy);
  done("run p -o out --rename dy=dx");
  expect_same_results("whole", "out");
}

// The forward's own tensors; what the gradient alone reads may be anything.
TEST_F(Names, TheForwardReadsItsTensorsAlone) {
  done("make -o p --shape 4x6 --dtype fp32");
  done("forward p -o f");
  for (const char* name : {"dy", "rstd", "mean", "dsum"})
    write("p/" + std::string(name) + ".npy", "nothing of numpy's");
  EXPECT_THAT(done("forward p -o again"), Not(HasSubstr("not used")));
  for (const char* name : {"y.npy", "mean.npy", "rstd.npy", "x.npy"}) {
    EXPECT_EQ(contents(path("f") / name), contents(path("again") / name));
  }
  EXPECT_THAT(refused("verify p"), HasSubstr("not an npy file"));
  rename(path("p/beta.npy"), path("p/bias.npy"));
  EXPECT_THAT(done("forward p -o other"), HasSubstr("beta is absent; --rename beta=bias reads \"bias\" as beta"));
  done("forward p -o renamed --rename beta=bias");
  EXPECT_EQ(contents(path("f/y.npy")), contents(path("renamed/y.npy")));
  EXPECT_NE(contents(path("f/y.npy")), contents(path("other/y.npy")));
  EXPECT_EQ(
      refused("forward p -o out --rename dy=grad"),
      "--rename is \"dy=grad\", but \"dy\" is none of x1, x2, gamma, beta, expected_y, expected_mean, expected_rstd, "
      "expected_x");
  rename(path("p/x1.npy"), path("p/y.npy"));
  EXPECT_EQ(refused("forward p -o p --rename x1=y"), "OUT is IN: p/y.npy would be overwritten");
  rename(path("p/y.npy"), path("p/hidden_states.npy"));
  EXPECT_THAT(refused("forward p -o out"),
              AllOf(StartsWith("p: tensor x1 is missing; there are hidden_states, "),
                    EndsWith("; --rename x1=hidden_states reads \"hidden_states\" as x1")));
}

// A sentence names no dtype that would be refused next.
TEST_F(Names, TheDtypesOfATensorAreItsOwn) {
  const auto retype = [&](const std::string& name, const std::string& from, const std::string& to) {
    const std::string kept = contents(path("p/" + name + ".npy"));
    replace("p/" + name + ".npy", from, to);
    std::string sentence = refused("run p -o out");
    write("p/" + name + ".npy", kept);
    return sentence;
  };
  EXPECT_EQ(retype("dy", "<f4", "<f8"), "p: dy is '<f8'[4, 6] but must be float32, float16 or bfloat16");
  EXPECT_EQ(
      retype("dy", "<f4", "<u2"),
      "p: dy is '<u2'[4, 6] but must be float32, float16 or bfloat16 ('<u2' is bfloat16 where a file NAME.dtype beside "
      "it says so)");
  for (const char* name : {"x1", "x2", "dsum"}) {
    EXPECT_EQ(retype(name, "<f4", "<f8"),
              "p: " + std::string(name) + " is '<f8'[4, 6] but must be float32, the dtype of dy");
  }
  for (const char* dtype : {"<f8", "<u2", "<i4", "=f4"}) {
    EXPECT_EQ(retype("mean", "<f4", dtype), "p: mean is '" + std::string(dtype) + "'[4, 1] but must be float32");
    EXPECT_EQ(retype("rstd", "<f4", dtype), "p: rstd is '" + std::string(dtype) + "'[4, 1] but must be float32");
    EXPECT_EQ(retype("gamma", "<f4", dtype), "p: gamma is '" + std::string(dtype) + "'[6] but must be float32");
  }
  EXPECT_EQ(retype("mean", "<f4", ">f4"), "p/mean.npy: dtype '>f4' is big-endian; little-endian is expected");
  done("make -o p --shape 4x6 --dtype bf16");
  EXPECT_EQ(retype("gamma", "<V2", "<f8"), "p: gamma is '<f8'[6] but must be bfloat16, the dtype of dy, or float32");
  EXPECT_EQ(retype("x1", "<V2", "<i8"), "p: x1 is '<i8'[4, 6] but must be bfloat16, the dtype of dy");

  std::filesystem::copy(path("p/dy.npy"), path("p/expected_dx.npy"));
  replace("p/expected_dx.npy", "<V2", "<f8");
  EXPECT_EQ(refused("verify p"), "p: expected_dx is '<f8'[4, 6] but must be float32, float16 or bfloat16");
  std::filesystem::remove(path("p/expected_dx.npy"));
  replace("whole/dgamma.npy", "<f4", "<f8");
  std::filesystem::remove(path("whole/dx.npy"));
  EXPECT_EQ(refused("verify p whole"), "whole: dgamma is '<f8'[6] but must be float32");
}

}  // namespace
}  // namespace alng::cli
