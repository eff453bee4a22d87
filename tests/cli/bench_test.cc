#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "alng_process.h"

namespace alng::cli {
namespace {

using nlohmann::json;

using BenchCommand = CommandTest;

TEST_F(BenchCommand, MeasuresWhatItIsAskedFor) {
  const json report =
      json::parse(done("bench --shape 64x96 --shape 5x7 --dtype fp32 --dtype bf16 --no-dsum --repeats 2 --json"));
  const json& results = report["results"];
  ASSERT_EQ(results.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const json& row = results[i];
    SCOPED_TRACE(row.dump());
    EXPECT_EQ(row["rows"], i < 2 ? 64 : 5);
    EXPECT_EQ(row["columns"], i < 2 ? 96 : 7);
    EXPECT_EQ(row["dtype"], i % 2 == 0 ? "float32" : "bfloat16");
    EXPECT_EQ(row["gamma"], true);
    EXPECT_EQ(row["dsum"], false);
    EXPECT_EQ(row["in_cache"], true);
    EXPECT_GT(row["ns_per_element"], 0.0);
    EXPECT_GT(row["gb_per_s"], 0.0);
    EXPECT_GT(row["stream_fraction"], 0.0);
    EXPECT_GE(row["calls"], 2);
  }
  const std::string text = done("bench --shape 64x96 --repeats 1");
  EXPECT_NE(text.find("ns/elem"), std::string::npos) << text;
  EXPECT_NE(text.find("64x96"), std::string::npos) << text;
}

TEST_F(BenchCommand, MeasuresTheForward) {
  const json report = json::parse(
      done("bench --forward --shape 64x96 --shape 5x1 --dtype fp32 --dtype fp16 --dtype bf16 --repeats 1 --json"));
  ASSERT_EQ(report["results"].size(), 6u);
  for (const json& row : report["results"]) {
    SCOPED_TRACE(row.dump());
    EXPECT_EQ(row["operator"], "forward");
    EXPECT_GT(row["stream_fraction"], 0.0);
    EXPECT_GT(row["ns_per_element"], 0.0);
  }
  for (const char* option : {"--no-dsum", "--door aclnn"}) {
    EXPECT_NE(refused(std::string("bench --forward ") + option).find("excludes"), std::string::npos);
  }
}

TEST_F(BenchCommand, RefusesOptionsInOneSentence) {
  for (const char* shape : {"64", "x64", "64x", "0x4", "4x0", "-1x4", "4x4x4", "99999999999999999999x1"}) {
    EXPECT_EQ(refused("bench --shape '" + std::string(shape) + "'"),
              "--shape is \"" + std::string(shape) +
                  "\" but must be rows and columns, whole numbers from 1 on joined by x, as in 8192x4096");
  }
  EXPECT_EQ(refused("bench --dtype int8"), "--dtype is \"int8\" but must be fp32, fp16 or bf16");
  EXPECT_EQ(refused("bench --shape 4x4 --isa mmx").rfind("isa is \"mmx\" but must be one of", 0), 0u);
}

}  // namespace
}  // namespace alng::cli
