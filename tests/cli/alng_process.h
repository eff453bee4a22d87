// Runs the real `alng` the way a shell does, in a folder that is gone afterwards.
#ifndef ALNG_TESTS_CLI_ALNG_PROCESS_H
#define ALNG_TESTS_CLI_ALNG_PROCESS_H

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace alng::cli {

struct Outcome {
  /// 128 + the signal's number where one ended it.
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// What `waitpid` or `system` said, as a shell tells it: 128 + the signal's number where one ended the process.
int exit_code_of(int status);

/// The four bytes of a float32.
std::string bytes_of(float value);

/// The bytes of a file; a test failure where it can't be read.
std::string contents(const std::filesystem::path& path);

class CommandTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Runs `alng` with this shell text behind it, in `folder_`.
  Outcome alng(const std::string& arguments) const;
  /// The same; anything but exit code 0 is a test failure.
  std::string done(const std::string& arguments) const;
  /// The same for what must be refused: exit code 2, nothing on stdout, and one sentence on stderr that begins with
  /// "alng: " and is returned without that.
  std::string refused(const std::string& arguments) const;

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& bytes) const;
  /// Puts `to` where `from` stands first in a file.
  void replace(const std::string& name, const std::string& from, const std::string& to) const;
  /// Puts `bytes` into a file, beginning this far before its end.
  void overwrite(const std::string& name, std::size_t before_end, const std::string& bytes) const;
  /// dx.npy, dgamma.npy and dbeta.npy of two folders are the same bytes.
  void expect_same_results(const std::string& folder, const std::string& other) const;
  /// Names of everything in the folder, sorted.
  std::vector<std::string> files() const;
  /// The same with the bytes of each; a folder's are "folder".
  std::map<std::string, std::string> everything() const;
  /// Starts `alng` without waiting for it, its output thrown away; gives back its process.
  pid_t start(const std::string& arguments) const;

  std::filesystem::path folder_;
  /// Shell text in front of the command, such as variables and limits, and behind it: redirections.
  std::string before_, after_;
};

}  // namespace alng::cli

#endif
