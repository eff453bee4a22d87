// `alng` ended from outside, or beside another one: what it writes is whole or not there.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "alng_process.h"

namespace alng::cli {
namespace {

class Ending : public CommandTest {
 protected:
  // Starts a command that writes for seconds, and waits until it has begun to.
  pid_t start_writing(const std::string& output) const {
    const pid_t process = start("make --shape 30000x1000 --dtype fp32 -o " + output);
    while (!writing()) {
      int status = 0;
      if (::waitpid(process, &status, WNOHANG) == process) {
        ADD_FAILURE() << "it ended too early: " << exit_code_of(status);
        return process;
      }
      ::usleep(2000);
    }
    return process;
  }
  bool writing() const {
    return std::ranges::any_of(files(), [](const std::string& name) { return name.ends_with(".partial"); });
  }
  static int wait_for(pid_t process) {
    int status = 0;
    EXPECT_EQ(::waitpid(process, &status, 0), process);
    return exit_code_of(status);
  }
};

TEST_F(Ending, BySignalLeavesNothing) {
  std::filesystem::create_directory(path("old"));
  write("old/dy.npy", "older");
  write("old.safetensors", "older");
  const auto before = everything();
  const char* outputs[] = {"new.safetensors", "old.safetensors", "new", "old"};
  int i = 0;
  for (const int number :
       {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP,   SIGABRT, SIGBUS, SIGFPE, SIGUSR1, SIGSEGV,  SIGUSR2,
        SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO,  SIGSYS, SIGPWR,  SIGRTMIN, SIGRTMAX}) {
#ifdef ALNG_SANITIZED
    if (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGTRAP ||
        number == SIGABRT) {
      continue;  // the sanitizer's own
    }
#endif
    const char* output = outputs[i++ % 4];
    SCOPED_TRACE(std::string(output) + ", signal " + std::to_string(number));
    const pid_t process = start_writing(output);
    ::kill(process, number);
    EXPECT_EQ(wait_for(process), 128 + number);
    // Not the bytes, of which an unfinished file has hundreds of millions.
    ASSERT_TRUE(everything() == before) << testing::PrintToString(files());
  }
}

TEST_F(Ending, AnIgnoredSignalStaysIgnored) {
  before_ = "trap '' HUP; ";
  const pid_t process = start_writing("new.safetensors");
  ::kill(process, SIGHUP);
  ::usleep(50000);
  EXPECT_TRUE(writing());
  ::kill(process, SIGTERM);
  EXPECT_EQ(wait_for(process), 128 + SIGTERM);
  EXPECT_TRUE(files().empty());
}

TEST_F(Ending, WhatSigkillLeavesIsInNobodysWay) {
  for (const char* output : {"o.safetensors", "o"}) {
    const pid_t process = start_writing(output);
    ::kill(process, SIGKILL);
    EXPECT_EQ(wait_for(process), 128 + SIGKILL);
    EXPECT_TRUE(writing());
    EXPECT_FALSE(std::filesystem::exists(path(output)));
    done(std::string("make --shape 4x6 --dtype fp32 -o ") + output);
    done(std::string("explain ") + output);
  }
}

TEST_F(Ending, BeyondTheLimitOfFileSizesIsASentence) {
  done("make -o p.safetensors --shape 300x300 --dtype fp32");
  write("old.safetensors", "older");
  const auto before = everything();
  before_ = "ulimit -f 100; ";  // blocks of 512 bytes
  for (const std::string output : {"new.safetensors", "old.safetensors"}) {
    const std::string sentence = "can't write " + output + ": File too large";
    EXPECT_EQ(refused("run p.safetensors -o " + output), sentence);
    EXPECT_EQ(refused("make --shape 300x300 --dtype fp32 -o " + output), sentence);
  }
  EXPECT_EQ(refused("run p.safetensors -o new"), "can't write new/dx.npy: File too large");
  ASSERT_TRUE(everything() == before) << testing::PrintToString(files());
}

// Two first runs into one new folder, then two more: what lies there is from one of them, not from both.
TEST_F(Ending, TwoAtOnceTakeTurns) {
  done("make -o p.safetensors --shape 8x16 --dtype fp32 --seed 1");
  done("make -o q.safetensors --shape 8x16 --dtype fp32 --seed 2");
  done("run p.safetensors -o p_alone");
  done("run q.safetensors -o q_alone");
  const auto files_of = [this](const std::string& folder) {
    std::vector<std::string> all;
    for (const char* name : {"/dx.npy", "/dgamma.npy", "/dbeta.npy"}) all.push_back(contents(path(folder + name)));
    return all;
  };
  for (int i = 0; i < 40; ++i) {
    if (i % 2 == 0) std::filesystem::remove_all(path("both"));
    const pid_t p = start("run p.safetensors -o both"), q = start("run q.safetensors -o both");
    EXPECT_EQ(wait_for(p), 0);
    EXPECT_EQ(wait_for(q), 0);
    const auto both = files_of("both");
    EXPECT_TRUE(both == files_of("p_alone") || both == files_of("q_alone"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("both")), {}), 3);
    if (HasFailure()) return;
  }
}

// At any moment: no SIGBUS, and no result computed from bytes that were not read.
TEST_F(Ending, AnInputThatShrinksIsRefused) {
  done("make -o whole.safetensors --shape 2048x1024 --dtype fp32");
  for (int i = 0; i < 12; ++i) {
    std::filesystem::copy_file(path("whole.safetensors"), path("p.safetensors"),
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::remove(path("o.safetensors"));
    const pid_t process = start("run p.safetensors -o o.safetensors --threads 1");
    ::usleep(static_cast<useconds_t>(3000 * i));
    std::filesystem::resize_file(path("p.safetensors"), 4096 + 100);
    const int code = wait_for(process);
    EXPECT_TRUE(code == 0 || code == 2) << code;
    EXPECT_EQ(std::filesystem::exists(path("o.safetensors")), code == 0);
    EXPECT_FALSE(writing());
  }
}

}  // namespace
}  // namespace alng::cli
