// `alng` while the n-th call of some kind fails, for every n: what is written is whole or untouched, nothing else is
// left, and the exit code and one sentence say which.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <set>

#include "alng_process.h"

namespace alng::cli {
namespace {

using Files = std::map<std::string, std::string>;

struct Command {
  const char* arguments;
  /// What is there before, beside the inputs. Everything else is made by the command.
  std::vector<const char*> older;
};

const std::vector<const char*> older_results{"out", "out/dx.npy", "out/dgamma.npy", "out/dbeta.npy", "out/other.npy"};
const std::vector<Command> writers{
    {"run p.safetensors -o out.safetensors", {}},
    {"run p.safetensors -o out.safetensors --threads 1", {"out.safetensors"}},
    {"run p -o out --json", {}},
    {"run p.safetensors -o out", older_results},
    {"forward p -o forward.safetensors --threads 1", {"forward.safetensors"}},
    {"forward p.safetensors -o out --json", {"out", "out/y.npy", "out/rstd.npy", "out/x.npy"}},
    {"make -o out.safetensors --shape 6x10 --dtype bf16", {"out.safetensors"}},
    {"make -o out --shape 6x10 --dtype bf16", {}},
};
const std::vector<Command> readers{
    {"verify p.safetensors", {}},
    {"verify p --json", {}},
    {"verify p.safetensors r", {}},
    {"verify p --forward", {}},
    {"explain p --forward", {}},
    {"explain p", {}},
    {"explain p.safetensors --json", {}},
    {"info", {}},
    {"--help", {}},
};

class Fault : public CommandTest {
 protected:
  void SetUp() override {
#ifndef ALNG_FAULT_LIBRARY
    GTEST_SKIP() << "nothing can be preloaded here: a sanitizer or an emulator comes first";
#endif
    CommandTest::SetUp();
    done("make -o p.safetensors --shape 6x10 --dtype fp32");
    done("make -o p --shape 6x10 --dtype bf16");
    done("run p.safetensors -o r");
    inputs_ = everything();
  }
  void TearDown() override {
    if (!folder_.empty()) CommandTest::TearDown();
    std::filesystem::remove(seen());
  }

  std::filesystem::path seen() const { return folder_.string() + ".seen"; }

  // Inputs and older outputs, and nothing else.
  void restore(const Command& command) {
    if (everything() == before_all_) return;
    for (const auto& [name, bytes] : everything()) {
      if (!inputs_.contains(name)) std::filesystem::remove_all(path(name));
    }
    for (const std::string name : command.older) {
      if (name == "out") {
        std::filesystem::create_directory(path(name));
      } else {
        write(name, "older " + name);
      }
    }
    before_all_ = everything();
  }

  Outcome with_fault(const std::string& fault, const Command& command) {
    std::filesystem::remove(seen());
#ifdef ALNG_FAULT_LIBRARY
    before_ = "LD_PRELOAD='" ALNG_FAULT_LIBRARY "' ALNG_FAULT=" + fault + " ALNG_FAULT_SEEN='" + seen().string() + "' ";
#endif
    const Outcome outcome = alng(command.arguments);
    before_.clear();
    return outcome;
  }

  // The files that the command makes when nothing fails.
  Files made_by(const Command& command) {
    before_all_.clear();
    restore(command);
    done(command.arguments);
    return everything();
  }

  // Makes one call of this kind fail in each run, from call `first` to the last one; calls of the kind `beside` always
  // fail. Returns how many calls failed.
  int try_all(const std::string& kind, const std::vector<Command>& commands, const std::string& beside = "",
              int first = 1) {
    int failures = 0;
    for (const Command& command : commands) {
      const Files made = made_by(command);
      for (int n = first;; ++n) {
        restore(command);
        const std::string fault = kind + ":" + std::to_string(n) + beside;
        SCOPED_TRACE(fault + " " + command.arguments);
        const Outcome outcome = with_fault(fault, command);
        const Files after = everything();
        if (outcome.exit_code == 0) {
          EXPECT_EQ(outcome.err, "");
          EXPECT_EQ(after, made);
        } else {
          EXPECT_EQ(outcome.exit_code, 2);
          EXPECT_EQ(after, before_all_);
          EXPECT_EQ(outcome.err.rfind("alng: ", 0), 0u) << outcome.err;
          EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
          EXPECT_GT(outcome.err.size(), 15u) << outcome.err;
          sentences_.insert(outcome.err);
        }
        if (!std::filesystem::exists(seen())) {
          EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
          break;
        }
        ++failures;
        if (HasFailure()) return failures;
      }
    }
    return failures;
  }

  Files inputs_, before_all_;
  std::set<std::string> sentences_;
};

TEST_F(Fault, WhateverCallFailsOutputsAreWholeOrUntouched) {
  for (const char* kind :
       {"open", "read", "cut", "write", "fsync", "close", "rename", "exchange", "mkdir", "fallocate", "thread"}) {
    EXPECT_GT(try_all(kind, writers), 0) << kind;
  }
  EXPECT_GT(try_all("ftruncate", writers, ",fallocate:1+"), 0);
  for (const char* sentence :
       {"alng: can't write out/dgamma.npy: Permission denied\n", "alng: can't write out: Permission denied\n",
        "alng: can't write out.safetensors: Input/output error\n", "alng: can't read p/dy.npy: Input/output error\n",
        "alng: can't read p.safetensors: it was cut while it was read\n",
        "alng: can't write out.safetensors: No space left on device\n",
        "alng: can't write out: Too many open files\n"}) {
    EXPECT_TRUE(sentences_.contains(sentence)) << sentence << testing::PrintToString(sentences_);
  }
}

TEST_F(Fault, NorWhereNamesCantBeExchanged) { EXPECT_GT(try_all("rename", writers, ",exchange:1+"), 2); }

TEST_F(Fault, WhateverCallFailsReadersSaySo) {
  for (const char* kind : {"open", "read", "cut", "close", "thread"}) EXPECT_GT(try_all(kind, readers), 0) << kind;
}

TEST_F(Fault, LargeEveryAllocation) {
  // Most are the options being set up, the same for all commands.
  const int shared = try_all("malloc", {{"--version", {}}});
  EXPECT_GT(shared, 200);
  EXPECT_GT(try_all("malloc", writers, "", shared - 100), 600);
  EXPECT_GT(try_all("malloc", readers, "", shared - 100), 600);
  EXPECT_TRUE(sentences_.contains("alng: out of memory\n"));
}

TEST_F(Fault, AnOlderFileThatCantHaveItsNameBackIsNamed) {
  const Command command{"run p.safetensors -o out", older_results};
  restore(command);
  // The second name is refused, and then everything.
  const Outcome outcome = with_fault("rename:2+", command);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, testing::MatchesRegex("alng: can't write out/dgamma.npy: Permission denied; the older "
                                                 "out/dx.npy is now out/.alng-[0-9a-f]+.partial\n"));
  const std::size_t at = outcome.err.find("now ") + 4;
  EXPECT_EQ(contents(path(outcome.err.substr(at, outcome.err.size() - at - 1))), "older out/dx.npy");
}

// The bits are those of any number of threads.
TEST_F(Fault, WithoutThreadsTheWorkIsDone) {
  done("make -o large.safetensors --shape 600x1000 --dtype bf16");
  inputs_ = everything();
  for (const char* arguments :
       {"make -o out --shape 6x10 --dtype fp32", "verify p.safetensors --threads 1",
        "run large.safetensors -o out.safetensors --threads 1", "run large.safetensors -o out.safetensors --threads 4",
        "run large.safetensors -o out"}) {
    const Command command{arguments, {}};
    const Files made = made_by(command);
    restore(command);
    const Outcome outcome = with_fault("thread:1+", command);
    EXPECT_EQ(outcome.exit_code, 0) << arguments;
    EXPECT_EQ(outcome.err, "") << arguments;
    EXPECT_TRUE(everything() == made) << arguments;
  }
}

}  // namespace
}  // namespace alng::cli
