// The command line on GPUs, and where there is none.
#include <nlohmann/json.hpp>

#include "cli/alng_process.h"

namespace alng::cli {
namespace {

using nlohmann::json;

class CudaCommand : public CommandTest {
 protected:
  /// ALNG_CUDA_LIBRARY for the commands that follow; empty: not set.
  void use(const std::string& library, const std::string& gpus = "2") {
    before_ = library.empty() ? "unset ALNG_CUDA_LIBRARY; " : "export ALNG_CUDA_LIBRARY='" + library + "'; ";
    before_ += "export ALNG_FAKE_GPUS=" + gpus + "; ";
  }
  /// What `alng info` and the refusal of `alng run` say of a machine without a GPU.
  std::string reason() {
    std::string found;
    const json info = json::parse(done("info --json"));
    for (const json& device : info["devices"]) {
      if (device["name"] != "cuda") continue;
      EXPECT_EQ(device["available"], false);
      found = device["reason"];
    }
    done("make -o p.safetensors --shape 4x8 --dtype fp32");
    EXPECT_EQ(refused("run p.safetensors -o r --device cuda"), "cuda can't be used: " + found);
    EXPECT_EQ(files(), std::vector<std::string>{"p.safetensors"});
    done("run p.safetensors -o r");
    return found;
  }
};

TEST_F(CudaCommand, WithoutADriver) {
  use(ALNG_FAKE_CUDA, "0");
  EXPECT_EQ(reason(), "there is no NVIDIA driver");
}

TEST_F(CudaCommand, TheLibraryIsLookedForBesideOurs) {
  const std::string beside = ALNG_LIBRARY;
  if (beside.empty()) GTEST_SKIP() << "libalng is a static library here";
  const std::filesystem::path library = path(std::filesystem::path(beside).filename());
  std::filesystem::create_symlink(beside, library);
  use("");
  before_ += "export LD_LIBRARY_PATH='" + folder_.string() + "'; ";
  json info = json::parse(done("info --json"));
  EXPECT_EQ(info["devices"][2]["reason"],
            "there is no " + path("libalng_cuda.so").string() + ", and ALNG_CUDA_LIBRARY names no other");
  std::filesystem::create_symlink(ALNG_FAKE_CUDA, path("libalng_cuda.so"));
  info = json::parse(done("info --json"));
  EXPECT_EQ(info["devices"][2]["name"], "cuda:0");
  EXPECT_EQ(info["devices"][3]["name"], "cuda:1");
}

TEST_F(CudaCommand, AnEmptyVariableIsNone) {
  use("");
  const std::string without = done("info");
  before_ = "export ALNG_CUDA_LIBRARY=; ";
  EXPECT_EQ(done("info"), without);
}

TEST_F(CudaCommand, InfoListsTheGpus) {
  use(ALNG_FAKE_CUDA);
  const std::string text = done("info");
  for (const char* line : {"cuda:0       yes  Fake GPU, sm_90, 132 multiprocessors, 141 GiB",
                           "cuda:1       yes  Fake GPU, sm_90, 132 multiprocessors, 141 GiB"}) {
    EXPECT_NE(text.find(line), std::string::npos) << text;
  }
}

TEST_F(CudaCommand, RunAndForwardGiveTheBitsOfTheCpu) {
  use(ALNG_FAKE_CUDA);
  for (const char* problem : {"--shape 7x96 --dtype bf16", "--shape 3x5x33 --dtype fp32 --no-dsum --no-gamma --no-beta",
                              "--shape 0x16 --dtype fp16", "--shape 2x600 --dtype fp16 --gamma-dtype fp32"}) {
    SCOPED_TRACE(problem);
    done(std::string("make -o p.safetensors ") + problem);
    done("run p.safetensors -o cpu");
    done("forward p.safetensors -o cpu.safetensors --normalized-dims 1");
    for (const char* device : {"cuda", "cuda:1"}) {
      const json report = json::parse(done(std::string("run p.safetensors -o gpu --json --device ") + device));
      EXPECT_EQ(report["device"], std::string(device) == "cuda" ? "cuda:0" : device);
      EXPECT_EQ(report["isa"], "sm_90");
      EXPECT_GT(report["seconds"], 0);
      expect_same_results("cpu", "gpu");
      done(std::string("forward p.safetensors -o gpu.safetensors --normalized-dims 1 --device ") + device);
      EXPECT_EQ(contents(path("gpu.safetensors")), contents(path("cpu.safetensors")));
    }
  }
}

TEST_F(CudaCommand, VerifyJudgesWhatTheGpuComputes) {
  use(ALNG_FAKE_CUDA);
  done("make -o p.safetensors --shape 40x96 --dtype bf16");
  const std::string text = done("verify p.safetensors --device cuda:1");
  EXPECT_NE(text.find("computed now: cuda:1, sm_90"), std::string::npos) << text;
  done("verify p.safetensors --forward --device cuda");
  EXPECT_NE(text.find("differences of our forward"), std::string::npos) << text;
}

TEST_F(CudaCommand, BenchIsBesideACopy) {
  use(ALNG_FAKE_CUDA);
  const std::string shape = " --device cuda --shape 8x64 --dtype bf16 --repeats 3";
  const std::string text = done("bench" + shape);
  EXPECT_NE(text.find("cuda: medians of the time that the device takes"), std::string::npos) << text;
  EXPECT_NE(text.find(" of copy ("), std::string::npos) << text;
  for (const char* which : {"", " --forward"}) {
    const json row = json::parse(done("bench --json" + shape + which))["results"][0];
    EXPECT_EQ(row["device"], "cuda:0");
    EXPECT_GT(row["stream_fraction"], 0);
    EXPECT_GE(row["calls"], 3);
  }
  EXPECT_NE(refused("bench --device cuda:7 --shape 8x64").find("must be one of cuda:0 to cuda:1"), std::string::npos);
#if ALNG_HAS_DOOR
  EXPECT_NE(refused("bench --door aclnn --device cuda").find("--door aclnn works in the host's memory, not in that of"),
            std::string::npos);
#endif
}

}  // namespace
}  // namespace alng::cli
