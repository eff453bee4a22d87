// Files that the engine writes: whole, or as they were before.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cann/tests/graph/graph_run.h"
#include "ge_ir_build.h"

namespace alng::test {
namespace {

class GraphFiles : public testing::Test {
 protected:
  GraphFiles() { std::filesystem::create_directories(folder_); }
  ~GraphFiles() override { std::filesystem::remove_all(folder_); }

  static std::string contents(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(name).rdbuf();
    return text.str();
  }
  std::size_t files() const {
    const std::filesystem::directory_iterator all(folder_);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  void expect_too_large() const {
    struct rlimit usual;
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &usual), 0);
    const struct rlimit small = {64, usual.rlim_max};
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    EXPECT_EQ(ge::aclgrphDumpGraph(graph_, name_.c_str(), name_.size()), ge::GRAPH_FAILED);
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &usual), 0);
    std::signal(SIGXFSZ, handler);
    EXPECT_EQ(recent_sentence(), "aclgrphDumpGraph: can't write \"" + name_ + "\": File too large");
  }

  std::string folder_ = testing::TempDir() + "graph_files";
  std::string name_ = folder_ + "/graph.txt";
  std::string drawing_ = folder_ + "/graph.dot";
  SmallProblem problem_{1};
  Feeds feeds_;
  ge::Graph graph_ = graph_of(feeds_, {problem_.node(feeds_, "grad")});
};

TEST_F(GraphFiles, AreReplacedWhole) {
  std::ofstream(name_) << std::string(1 << 20, 'x');
  std::filesystem::permissions(name_, std::filesystem::perms(0640));
  ASSERT_EQ(ge::aclgrphDumpGraph(graph_, name_.c_str(), name_.size()), ge::GRAPH_SUCCESS) << recent_sentence();
  EXPECT_EQ(contents(name_).rfind("graph \"", 0), 0U);
  EXPECT_EQ(contents(drawing_).rfind("digraph \"", 0), 0U);
  EXPECT_EQ(contents(name_).find('x' + std::string(20, 'x')), std::string::npos);
  EXPECT_EQ(std::filesystem::status(name_).permissions(), std::filesystem::perms(0640));
  EXPECT_EQ(files(), 2U);
}

TEST_F(GraphFiles, AreWrittenThroughALink) {
  const std::string target = folder_ + "/target";
  for (const bool exists : {false, true}) {
    if (exists) std::ofstream(target) << "before";
    std::filesystem::create_symlink("target", name_);
    ASSERT_EQ(ge::aclgrphDumpGraph(graph_, name_.c_str(), name_.size()), ge::GRAPH_SUCCESS) << recent_sentence();
    EXPECT_TRUE(std::filesystem::is_symlink(name_));
    EXPECT_EQ(contents(target).rfind("graph \"", 0), 0U);
    std::filesystem::remove(name_);
    std::filesystem::remove(target);
  }
}

TEST_F(GraphFiles, ThatCannotBeWrittenAreAsTheyWere) {
  std::filesystem::create_symlink("/dev/full", name_);
  expect_sentence(ge::aclgrphDumpGraph(graph_, name_.c_str(), name_.size()),
                  "aclgrphDumpGraph: can't write \"" + name_ + "\": No space left on device");
  std::filesystem::remove(name_);
  // A folder of that name.
  std::filesystem::create_directory(name_);
  expect_refused(ge::aclgrphDumpGraph(graph_, name_.c_str(), name_.size()), "Is a directory");
  EXPECT_EQ(files(), 1U);
  std::filesystem::remove(name_);
  // No room for it: the file that was there stays, and nothing else is left.
  const std::string before = "before";
  std::ofstream(name_) << before;
  expect_too_large();
  EXPECT_EQ(contents(name_), before);
  EXPECT_EQ(files(), 1U);
  // Behind a link there is nothing yet, and nothing comes.
  std::filesystem::create_symlink("nothing_yet", drawing_);
  std::filesystem::remove(name_);
  std::filesystem::create_symlink("nor_here", name_);
  expect_too_large();
  EXPECT_FALSE(std::filesystem::exists(name_));
  EXPECT_EQ(files(), 2U);
  std::filesystem::create_symlink(drawing_, folder_ + "/nothing_yet");  // a ring
  expect_sentence(ge::aclgrphDumpGraph(graph_, name_.c_str(), name_.size()),
                  "aclgrphDumpGraph: can't write \"" + drawing_ + "\": Too many levels of symbolic links");
  EXPECT_FALSE(std::filesystem::exists(name_));
}

// The text can be written, the drawing can't: neither is.
TEST_F(GraphFiles, AreBothWrittenOrNeither) {
  std::ofstream(name_) << "before";
  std::filesystem::create_symlink("/dev/full", drawing_);
  expect_sentence(ge::aclgrphDumpGraph(graph_, name_.c_str(), name_.size()),
                  "aclgrphDumpGraph: can't write \"" + drawing_ + "\": No space left on device");
  EXPECT_EQ(contents(name_), "before");
  std::filesystem::remove(drawing_);
  std::filesystem::create_directory(drawing_);
  EXPECT_EQ(ge::aclgrphDumpGraph(graph_, name_.c_str(), name_.size()), ge::GRAPH_FAILED);
  EXPECT_EQ(contents(name_), "before");
  EXPECT_EQ(files(), 2U);
}

}  // namespace
}  // namespace alng::test
