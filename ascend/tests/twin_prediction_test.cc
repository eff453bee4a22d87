// What `alng bench --device ascend:a2` says, and `alng run` on these devices, as a user meets them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/alng_process.h"

namespace alng::cli {
namespace {

class AscendCommand : public CommandTest {
 protected:
  nlohmann::json predictions(const std::string& arguments) {
    return nlohmann::json::parse(done("bench --json " + arguments)).at("results");
  }
};

TEST_F(AscendCommand, PredictsCyclesBesideFloorAndVendor) {
  const nlohmann::json results = predictions("--device ascend:a2 --shape 64x1024 --dtype fp16 --dtype fp32");
  ASSERT_EQ(results.size(), 2u);
  const nlohmann::json& row = results[0];
  EXPECT_EQ(row.at("predicted"), true);
  EXPECT_EQ(row.at("product"), "Atlas A2 (Ascend910B3), 40 cores at 1.8 GHz, 25 bytes a cycle for each core");
  EXPECT_EQ(row.at("dtype"), "float16");
  EXPECT_EQ(row.at("rows_per_core"), 64);
  // Ten bytes an element at 25 bytes a cycle; sixteen more for float32 with dsum: 20 bytes.
  EXPECT_NEAR(row.at("byte_floor_cycles_per_row").get<double>(), 409.6, 1e-9);
  EXPECT_NEAR(results[1].at("byte_floor_cycles_per_row").get<double>(), 819.2, 1e-9);
  // 2244 with Casts of 2 cycles for 64 elements; 6 of them for each row.
  EXPECT_EQ(row.at("vendor_cycles_per_row"), 2244 - 6 * 16);
  EXPECT_EQ(results[1].at("vendor_cycles_per_row"), 2226);
  for (const nlohmann::json& result : results) {
    const double cycles = result.at("cycles_per_row");
    EXPECT_GE(cycles, result.at("byte_floor_cycles_per_row").get<double>());
    EXPECT_GE(result.at("cycles_per_row_with_column_pass").get<double>(), cycles);
    // Pipes overlap, so that no one of them is at work for longer than all of it takes.
    for (const char* pipe : {"vector_cycles_per_row", "load_cycles_per_row", "store_cycles_per_row"}) {
      EXPECT_GT(result.at(pipe).get<double>(), 0);
      EXPECT_LE(result.at(pipe).get<double>(), result.at("cycles_per_row_with_column_pass").get<double>());
    }
  }
}

TEST_F(AscendCommand, KnowsTheVendorsKernelWhereItWasSimulated) {
  for (const char* arguments : {"--device ascend:a3 --shape 64x1024", "--device ascend:950pr --shape 64x1024",
                                "--device ascend:a2 --shape 32x1024", "--device ascend:a2 --shape 64x1000",
                                "--device ascend:a2 --shape 64x1024 --no-gamma"}) {
    const nlohmann::json results = predictions(std::string(arguments) + " --dtype fp16");
    ASSERT_EQ(results.size(), 1u);
    EXPECT_TRUE(results[0].at("vendor_cycles_per_row").is_null()) << arguments;
  }
  EXPECT_EQ(predictions("--device ascend:a2 --shape 64x1024 --dtype fp16 --no-dsum")[0].at("vendor_cycles_per_row"),
            1991 - 5 * 16);
}

TEST_F(AscendCommand, SaysThatItIsAPrediction) {
  const std::string text = done("bench --device ascend:950dt --shape 8x512 --dtype bf16");
  EXPECT_EQ(text.rfind("PREDICTED by a cost model, not measured: Ascend 950DT (Ascend950DT_9599), 72 cores at 1.8 GHz, "
                       "30.9 bytes a cycle for each core.\n",
                       0),
            0u)
      << text;
  EXPECT_NE(text.find("bfloat16  yes        512"), std::string::npos) << text;
}

TEST_F(AscendCommand, RefusesDevicesThatAreNot) {
  EXPECT_NE(refused("bench --device ascend:a5 --shape 8x512").find("ascend:a5"), std::string::npos);
}

TEST_F(AscendCommand, RunsAndVerifiesOnEveryProduct) {
  done("make -o problem.safetensors --shape 50x300 --dtype bf16");
  for (const char* device : {"ascend:950pr", "ascend:950dt", "ascend:a3", "ascend:a2"}) {
    const std::string text = done(std::string("run --device ") + device + " problem.safetensors -o out.safetensors");
    EXPECT_NE(text.find(device), std::string::npos) << text;
    EXPECT_NE(done("verify problem.safetensors out.safetensors").find("within their bounds"), std::string::npos);
  }
}

TEST_F(AscendCommand, InfoListsThem) {
  const std::string text = done("info");
  for (const char* line : {"ascend:950pr yes  the kernel for Ascend 950PR on a host model, very slow",
                           "ascend:a2    yes  the kernel for Atlas A2 on a host model, very slow"}) {
    EXPECT_NE(text.find(line), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace alng::cli
