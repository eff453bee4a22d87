// The exit codes that `alng --help` promises, where what is printed goes nowhere.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "alng_process.h"

namespace alng::cli {
namespace {

class ExitCode : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    done("make -o p.safetensors --shape 6x10 --dtype fp32");
    done("make -o q.safetensors --shape 6x10 --dtype fp32 --seed 1");
    done("run q.safetensors -o r.safetensors");
    write("graph.txt", "node {\n}\n");
    write("old.safetensors", "older");
  }
};

const char* const commands[] = {"run p.safetensors -o new.safetensors",
                                "run p.safetensors -o old.safetensors --json",
                                "run p.safetensors -o new",
                                "make -o new.safetensors --shape 6x10 --dtype bf16",
                                "make -o new --shape 6x10 --dtype bf16 --json",
                                "verify p.safetensors",
                                "verify p.safetensors --json",
                                "verify p.safetensors r.safetensors",  // beyond the bounds
                                "explain p.safetensors",
                                "explain p.safetensors --json",
                                "info",
                                "info --json",
                                "bench --shape 4x4 --repeats 1",
                                "bench --shape 4x4 --repeats 1 --json",
                                "--version",
                                "--help",
                                "run --help"};

TEST_F(ExitCode, AReportThatCantBePrintedIsAFailureWithoutFiles) {
  const auto before = everything();
  for (const std::string arguments : commands) {
    SCOPED_TRACE(arguments);
    after_ = "1>&-";
    EXPECT_EQ(refused(arguments), "can't write stdout: Bad file descriptor");
    after_ = "1>/dev/full";
    EXPECT_EQ(refused(arguments), "can't write stdout: No space left on device");
    EXPECT_EQ(everything(), before);
  }
}

TEST_F(ExitCode, NobodyNeedHearTheSentence) {
  const auto before = everything();
  for (const char* to : {"2>&-", "2>/dev/full", "1>&- 2>&-", "0<&- 1>&- 2>&-", "1>/dev/full 2>/dev/full"}) {
    after_ = to;
    EXPECT_EQ(alng("run none.safetensors -o new.safetensors").exit_code, 2) << to;
    EXPECT_EQ(alng("run p.safetensors -o new.npz").exit_code, 2) << to;
    EXPECT_EQ(alng("dance").exit_code, 2) << to;
    EXPECT_EQ(everything(), before);
  }
  // A pipe that nobody reads: its other end is closed before anything is written.
  before_ = "mkfifo pipe; { exec 3<>pipe; exec 4>pipe; exec 3>&-; }; ";
  after_ = "2>&4";
  EXPECT_EQ(alng("dance").exit_code, 2);
}

TEST_F(ExitCode, WorkThatIsDoneNeedsNoStderr) {
  for (const char* to : {"2>&-", "2>/dev/full", "0<&-", "0<&- 2>&-"}) {
    after_ = to;
    std::filesystem::remove(path("new.safetensors"));
    done("run p.safetensors -o new.safetensors");
    EXPECT_EQ(contents(path("new.safetensors")).substr(8, 2), "{\"") << to;
    EXPECT_EQ(alng("verify p.safetensors r.safetensors").exit_code, 1) << to;
  }
}

TEST_F(ExitCode, NamesThatAreNotUtf8) {
  const auto report = nlohmann::json::parse(done("run p.safetensors -o \"$(printf 'caf\\351.safetensors')\" --json"));
  EXPECT_EQ(report["output"], "caf\xEF\xBF\xBD.safetensors");
  EXPECT_TRUE(std::filesystem::exists(path("caf\xE9.safetensors")));
  std::filesystem::rename(path("r.safetensors"), path("\xFF.safetensors"));
  for (const char* arguments : {"make --shape 2x3 --dtype fp32 -o \"$(printf '\\377')\" --json",
                                "explain \"$(printf '\\377')\" --json", "verify \"$(printf '\\377')\" --json"}) {
    EXPECT_TRUE(nlohmann::json::accept(done(arguments))) << arguments;
  }
  const Outcome outcome = alng("verify p.safetensors \"$(printf '\\377.safetensors')\" --json");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["results"], "\xEF\xBF\xBD.safetensors");
}

TEST_F(ExitCode, AnEmptyValueIsRefused) {
  for (const char* option : {"--threads", "--isa", "--device", "--normalized-dims", "--output"}) {
    const std::string run = std::string("run p.safetensors -o o.safetensors ") + option;
    EXPECT_EQ(refused(run + " ''"), std::string(option) + ": the value is empty (alng --help, or alng COMMAND --help)");
    EXPECT_THAT(refused(run + "="), testing::MatchesRegex(std::string(option) + ": 1 required [A-Z]+ missing .*"));
  }
  for (const char* option : {"--seed", "--mean-over-std", "--shape", "--gamma-dtype"}) {
    EXPECT_THAT(refused(std::string("make -o o.safetensors --shape 2x3 --dtype fp32 ") + option + " ''"),
                testing::HasSubstr(option));
  }
  EXPECT_THAT(refused("bench --repeats ''"), testing::HasSubstr("--repeats"));
  EXPECT_EQ(refused("explain ''"), "IN: the value is empty (alng --help, or alng COMMAND --help)");
}

}  // namespace
}  // namespace alng::cli
