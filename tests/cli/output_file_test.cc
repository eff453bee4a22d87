#include "files/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "files/problem_file.h"
#include "safetensors_bytes.h"

namespace alng::cli {
namespace {

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("alng_output_" + std::to_string(::getpid()) +
                                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::size_t files() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) ++count;
    return count;
  }
  std::string refusal(const std::filesystem::path& path) const {
    try {
      const OutputFile file(path, tensors_);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "accepted";
  }
  void write_all(const std::filesystem::path& path) const {
    OutputFile file(path, tensors_);
    const std::vector<std::uint8_t> dx{1, 2, 3, 4, 5, 6};
    const std::vector<float> dgamma{1.5F};
    // In pieces, and out of order.
    file.write(0, 4, std::as_bytes(std::span(dx).subspan(4)));
    file.write(0, 0, std::as_bytes(std::span(dx).first(4)));
    file.write(1, 0, std::as_bytes(std::span(dgamma)));
    file.finish();
    file.commit();
  }

  std::filesystem::path folder_;
  std::vector<OutputTensor> tensors_{{"dx", DType::bfloat16, {3, 1}}, {"dgamma", DType::float32, {1}}};
};

TEST_F(OutputFileTest, SafetensorsAndNpyReadBackAlike) {
  write_all(folder_ / "a.safetensors");
  EXPECT_EQ(files(), 1u);
  write_all(folder_ / "b");
  for (const char* name : {"a.safetensors", "b"}) {
    const TensorFile file(folder_ / name, result_tensors<Grad>);
    file.load();
    ASSERT_EQ(file.tensors().size(), 2u);
    const FileTensor& dx = *file.find("dx");
    EXPECT_EQ(dx.dtype, DType::bfloat16);
    EXPECT_EQ(dx.shape, (std::vector<std::int64_t>{3, 1}));
    EXPECT_EQ(dx.data[5], std::byte{6});
    float value;
    std::memcpy(&value, file.find("dgamma")->data.data(), sizeof value);
    EXPECT_EQ(value, 1.5F);
    // Where its elements may lie in a mapping: the wide tensor was put first.
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.find("dgamma")->data.data()) % 4, 0u);
  }
}

TEST_F(OutputFileTest, NothingIsLeftWithoutCommit) {
  {
    OutputFile file(folder_ / "a.safetensors", tensors_);
    OutputFile npy(folder_ / "b", tensors_);
    EXPECT_EQ(files(), 3u);  // the folder is made when its files get their names
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(OutputFileTest, AnOlderFileStaysUntilCommit) {
  std::ofstream(folder_ / "a.safetensors") << "older";
  { OutputFile file(folder_ / "a.safetensors", tensors_); }
  std::ifstream stream(folder_ / "a.safetensors");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), "older");
  write_all(folder_ / "a.safetensors");
  EXPECT_GT(std::filesystem::file_size(folder_ / "a.safetensors"), 64u);
}

TEST_F(OutputFileTest, ALinkStaysALink) {
  std::ofstream(folder_ / "real.safetensors") << "older";
  std::filesystem::create_symlink(folder_ / "real.safetensors", folder_ / "link.safetensors");
  write_all(folder_ / "link.safetensors");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link.safetensors"));
  EXPECT_GT(std::filesystem::file_size(folder_ / "real.safetensors"), 64u);
}

TEST_F(OutputFileTest, ALinkToNothingYetIsWrittenThrough) {
  std::filesystem::create_directory(folder_ / "store");
  std::filesystem::create_symlink("store/second", folder_ / "first.safetensors");
  std::filesystem::create_symlink(folder_ / "store" / "real", folder_ / "store" / "second");
  write_all(folder_ / "first.safetensors");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "first.safetensors"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "store" / "second"));
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(folder_ / "store" / "real")));

  std::filesystem::create_symlink("store/folder", folder_ / "folder");
  write_all(folder_ / "folder");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "folder"));
  EXPECT_TRUE(std::filesystem::is_regular_file(folder_ / "store" / "folder" / "dx.npy"));

  std::filesystem::create_directory(folder_ / "npy");
  std::filesystem::create_symlink("../store/dx", folder_ / "npy" / "dx.npy");
  write_all(folder_ / "npy");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "npy" / "dx.npy"));
  EXPECT_TRUE(std::filesystem::is_regular_file(folder_ / "store" / "dx"));

  std::filesystem::create_symlink("loop.safetensors", folder_ / "loop.safetensors");
  EXPECT_EQ(refusal(folder_ / "loop.safetensors"),
            "can't write " + (folder_ / "loop.safetensors").string() + ": Too many levels of symbolic links");
}

TEST_F(OutputFileTest, AReplacedFileKeepsItsModeAndANewOneIsTheUmasks) {
  const auto mode = [](const std::filesystem::path& path) {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
  };
  const mode_t older = ::umask(027);
  write_all(folder_ / "a.safetensors");
  EXPECT_EQ(mode(folder_ / "a.safetensors"), 0640u);
  std::filesystem::permissions(folder_ / "a.safetensors", std::filesystem::perms(0600));
  write_all(folder_ / "a.safetensors");
  EXPECT_EQ(mode(folder_ / "a.safetensors"), 0600u);
  ::umask(077);
  std::filesystem::create_directory(folder_ / "b");
  std::ofstream(folder_ / "b" / "dx.npy") << "older";
  std::filesystem::permissions(folder_ / "b" / "dx.npy", std::filesystem::perms(0664));
  write_all(folder_ / "b");
  EXPECT_EQ(mode(folder_ / "b" / "dx.npy"), 0664u);
  EXPECT_EQ(mode(folder_ / "b" / "dgamma.npy"), 0600u);
  ::umask(older);
}

TEST_F(OutputFileTest, AReplacedFileKeepsItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  std::ofstream(folder_ / "a.safetensors") << "older";
  ASSERT_EQ(::chown((folder_ / "a.safetensors").c_str(), 12, 34), 0);
  write_all(folder_ / "a.safetensors");
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "a.safetensors").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 12u);
  EXPECT_EQ(status.st_gid, 34u);
}

TEST_F(OutputFileTest, NamesAsLongAsTheSystemAllows) {
  write_all(folder_ / (std::string(243, 'n') + ".safetensors"));
  write_all(folder_ / std::string(255, 'n'));
  EXPECT_EQ(files(), 4u);
  EXPECT_EQ(refusal(folder_ / (std::string(244, 'n') + ".safetensors")).substr(0, 12), "can't write ");
  EXPECT_EQ(files(), 4u);
}

TEST_F(OutputFileTest, RefusesPlaces) {
  EXPECT_EQ(refusal(folder_ / "a.npz"), "can't write '" + (folder_ / "a.npz").string() +
                                            "': the name must end in .safetensors or be that of a folder");
  EXPECT_EQ(refusal(""), "can't write '': the name must end in .safetensors or be that of a folder");
  for (const std::filesystem::path& name : {folder_ / ".safetensors", std::filesystem::path(".safetensors")}) {
    EXPECT_EQ(refusal(name), "can't write '" + name.string() + "': a name must stand before .safetensors");
  }
  std::filesystem::create_directories(folder_ / "c" / "dgamma.npy");
  EXPECT_EQ(refusal(folder_ / "c"), "can't write " + (folder_ / "c" / "dgamma.npy").string() + ": Is a directory");
  ASSERT_EQ(::mkfifo((folder_ / "c" / "dx.npy").c_str(), 0600), 0);
  EXPECT_EQ(refusal(folder_ / "c"), "can't write " + (folder_ / "c" / "dx.npy").string() + ": not a regular file");
  std::filesystem::remove_all(folder_ / "c");
  EXPECT_EQ(refusal("/dev/null"), "can't write /dev/null: neither a regular file nor a folder");
  EXPECT_EQ(refusal(folder_ / "none" / "a.safetensors"),
            "can't write " + (folder_ / "none" / "a.safetensors").string() + ": No such file or directory");
  EXPECT_EQ(refusal(folder_ / "none" / "a"),
            "can't write " + (folder_ / "none" / "a").string() + ": No such file or directory");
  EXPECT_EQ(files(), 0u);
}

TEST_F(OutputFileTest, RefusesSizesThatNoDiskHas) {
  tensors_[0].shape = {std::int64_t{1} << 62, 4};
  EXPECT_EQ(refusal(folder_ / "a.safetensors"), "tensor dx is too large for a file");
  tensors_[0].shape = {std::int64_t{1} << 61};
  EXPECT_NE(refusal(folder_ / "a.safetensors"), "accepted");
  tensors_.assign(9, {"dgamma", DType::float32, {(std::int64_t{1} << 58) - 1}});
  EXPECT_EQ(refusal(folder_ / "a.safetensors"), "the tensors are too large for a file");
  EXPECT_EQ(files(), 0u);
}

TEST_F(OutputFileTest, MisalignedInputIsReadAll) {
  // A header of odd length: data begins at 8 + 61.
  std::string header = R"({"dx":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  header.resize(61, ' ');
  const float values[2] = {2.5F, -3};
  std::ofstream(folder_ / "odd.safetensors", std::ios::binary)
      << safetensors_bytes(header, std::string(reinterpret_cast<const char*>(values), sizeof values));
  const TensorFile read(folder_ / "odd.safetensors", result_tensors<Grad>);
  read.load();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read.find("dx")->data.data()) % 4, 0u);
  EXPECT_EQ(std::memcmp(read.find("dx")->data.data(), values, sizeof values), 0);
}

}  // namespace
}  // namespace alng::cli
