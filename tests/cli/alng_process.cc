#include "alng_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace alng::cli {
namespace {

// The binary of this build, or another one that tests/mutants/run.sh names.
std::string program() {
  const char* const other = std::getenv("ALNG_TESTED");
  return other == nullptr ? ALNG_COMMAND : other;
}

}  // namespace

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

std::string bytes_of(float value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream.good()) << path;
  return {std::istreambuf_iterator<char>(stream), {}};
}

void CommandTest::SetUp() {
  std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
  std::replace(test.begin(), test.end(), '/', '_');  // of a row of a table
  folder_ = std::filesystem::temp_directory_path() / ("alng_command_" + std::to_string(::getpid()) + "_" + test);
  std::filesystem::create_directory(folder_);
}

void CommandTest::TearDown() { std::filesystem::remove_all(folder_); }

Outcome CommandTest::alng(const std::string& arguments) const {
  const std::filesystem::path out = folder_.string() + ".out", err = folder_.string() + ".err";
  const std::string command = "cd '" + folder_.string() + "' && " + before_ + program() + " " + arguments + " >'" +
                              out.string() + "' 2>'" + err.string() + "' </dev/null " + after_;
  const int status = std::system(command.c_str());
  Outcome outcome;
  outcome.exit_code = exit_code_of(status);
  outcome.out = contents(out);
  outcome.err = contents(err);
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return outcome;
}

std::string CommandTest::done(const std::string& arguments) const {
  const Outcome outcome = alng(arguments);
  EXPECT_EQ(outcome.exit_code, 0) << arguments << "\n" << outcome.out << outcome.err;
  return outcome.out;
}

std::string CommandTest::refused(const std::string& arguments) const {
  const Outcome outcome = alng(arguments);
  EXPECT_EQ(outcome.exit_code, 2) << arguments << "\n" << outcome.err;
  EXPECT_EQ(outcome.out, "") << arguments;
  EXPECT_EQ(outcome.err.rfind("alng: ", 0), 0u) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  if (outcome.err.size() < 7) return outcome.err;
  return outcome.err.substr(6, outcome.err.size() - 7);
}

void CommandTest::write(const std::string& name, const std::string& bytes) const {
  std::ofstream(path(name), std::ios::binary) << bytes;
}

void CommandTest::replace(const std::string& name, const std::string& from, const std::string& to) const {
  std::string file = contents(path(name));
  write(name, file.replace(file.find(from), from.size(), to));
}

void CommandTest::overwrite(const std::string& name, std::size_t before_end, const std::string& bytes) const {
  std::string file = contents(path(name));
  write(name, file.replace(file.size() - before_end, bytes.size(), bytes));
}

void CommandTest::expect_same_results(const std::string& folder, const std::string& other) const {
  for (const char* name : {"dx.npy", "dgamma.npy", "dbeta.npy"}) {
    EXPECT_EQ(contents(path(folder) / name), contents(path(other) / name)) << folder << " " << other << " " << name;
  }
}

std::vector<std::string> CommandTest::files() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
    names.push_back(entry.path().lexically_relative(folder_).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, std::string> CommandTest::everything() const {
  std::map<std::string, std::string> all;
  for (const std::string& name : files()) {
    all[name] = std::filesystem::is_directory(path(name)) ? "folder" : contents(path(name));
  }
  return all;
}

pid_t CommandTest::start(const std::string& arguments) const {
  const std::string command = "ulimit -c 0; cd '" + folder_.string() + "' && " + before_ + "exec " + program() + " " +
                              arguments + " >/dev/null 2>&1 </dev/null";
  const pid_t process = ::fork();
  if (process == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  return process;
}

}  // namespace alng::cli
