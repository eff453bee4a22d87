#include "output_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "problem_file.h"

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
    const TensorFile file(folder_ / name, result_tensors);
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

TEST_F(OutputFileTest, RefusesPlaces) {
  EXPECT_EQ(refusal(folder_ / "a.npz"), "can't write '" + (folder_ / "a.npz").string() +
                                            "': the name must end in .safetensors or be that of a folder");
  EXPECT_EQ(refusal(""), "can't write '': the name must end in .safetensors or be that of a folder");
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
  EXPECT_EQ(files(), 0u);
}

TEST_F(OutputFileTest, MisalignedInputIsReadAll) {
  // A header of odd length: data begins at 8 + 61.
  std::string header = R"({"dx":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  header.resize(61, ' ');
  std::string file(8, '\0');
  file[0] = 61;
  const float values[2] = {2.5F, -3};
  file += header + std::string(reinterpret_cast<const char*>(values), sizeof values);
  std::ofstream(folder_ / "odd.safetensors", std::ios::binary) << file;
  const TensorFile read(folder_ / "odd.safetensors", result_tensors);
  read.load();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read.find("dx")->data.data()) % 4, 0u);
  EXPECT_EQ(std::memcmp(read.find("dx")->data.data(), values, sizeof values), 0);
}

}  // namespace
}  // namespace alng::cli
