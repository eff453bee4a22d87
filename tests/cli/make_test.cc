#include <cstdint>
#include <nlohmann/json.hpp>

#include "alng_process.h"

namespace alng::cli {
namespace {

using MakeCommand = CommandTest;

// FNV-1a
std::uint64_t fingerprint(const std::string& bytes) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}

TEST_F(MakeCommand, SameSeedSameBytesOtherSeedOtherBytes) {
  for (const char* dtype : {"fp32", "fp16", "bf16"}) {
    const std::string options = std::string(" --shape 7x33 --dtype ") + dtype;
    done("make -o a.safetensors" + options + " --seed 3");
    done("make -o b.safetensors" + options + " --seed 3");
    done("make -o c.safetensors" + options + " --seed 4");
    EXPECT_EQ(contents(path("a.safetensors")), contents(path("b.safetensors")));
    EXPECT_NE(contents(path("a.safetensors")), contents(path("c.safetensors")));
  }
}

TEST_F(MakeCommand, SeedsAreDecimal) {
  for (const auto& [written, seed] :
       {std::pair<const char*, std::uint64_t>{"010", 10}, {"08", 8}, {"18446744073709551615", UINT64_MAX}}) {
    const std::string out =
        done(std::string("make -o a.safetensors --shape 2x3 --dtype fp32 --json --seed ") + written);
    EXPECT_EQ(nlohmann::json::parse(out)["seed"], seed);
  }
}

// Taken on x86-64; every other machine must make the same.
TEST_F(MakeCommand, TheBytesAreTheSameOnEveryMachine) {
  done("make -o a.safetensors --shape 5x67 --dtype fp32 --seed 1 --mean-over-std 10");
  EXPECT_EQ(fingerprint(contents(path("a.safetensors"))), 16843776624480147933u);
  done("make -o b.safetensors --shape 3x2x17 --dtype bf16 --normalized-dims 2 --gamma-dtype fp32");
  EXPECT_EQ(fingerprint(contents(path("b.safetensors"))), 4533038552486764831u);
}

TEST_F(MakeCommand, LeavingTensorsOutDoesNotChangeTheOthers) {
  done("make -o all --shape 6x10 --dtype fp16");
  done("make -o few --shape 6x10 --dtype fp16 --no-gamma --no-beta --no-dsum");
  EXPECT_EQ(files(),
            (std::vector<std::string>{"all", "all/beta.npy", "all/dsum.npy", "all/dy.npy", "all/gamma.npy",
                                      "all/mean.npy", "all/rstd.npy", "all/x1.npy", "all/x2.npy", "few", "few/dy.npy",
                                      "few/mean.npy", "few/rstd.npy", "few/x1.npy", "few/x2.npy"}));
  for (const char* name : {"dy.npy", "x1.npy", "x2.npy", "mean.npy", "rstd.npy"}) {
    EXPECT_EQ(contents(path("all") / name), contents(path("few") / name)) << name;
  }
}

TEST_F(MakeCommand, MeanAndRstdAreTheForwards) {
  for (const char* problem :
       {"7x300 --dtype fp32 --mean-over-std 1000", "9x33 --dtype bf16", "8x3x20 --normalized-dims 2 --dtype fp16"}) {
    done(std::string("make -o p --shape ") + problem);
    done("forward p -o f");
    for (const char* name : {"mean.npy", "rstd.npy"}) {
      EXPECT_EQ(contents(path("p") / name), contents(path("f") / name)) << problem;
    }
    std::filesystem::remove_all(path("p"));
  }
}

TEST_F(MakeCommand, BetaIsOfTheDtypeOfGamma) {
  const auto beta = [&](const std::string& options) {
    done("make -o p --shape 3x8 --dtype bf16 " + options);
    return contents(path("p/beta.npy"));
  };
  EXPECT_NE(beta("--no-gamma").find("'<V2'"), std::string::npos);
  EXPECT_NE(beta("").find("'<V2'"), std::string::npos);
  const std::string wide = beta("--gamma-dtype fp32");
  EXPECT_NE(wide.find("'<f4'"), std::string::npos);
  EXPECT_NE(wide, beta("--gamma-dtype fp32 --seed 1"));
}

TEST_F(MakeCommand, MeanOverStdIsWhatWasAsked) {
  for (const char* dtype : {"fp32", "fp16", "bf16"}) {
    for (const double wanted : {1000.0, -30.0}) {
      const auto json = nlohmann::json::parse(done("make --json -o a.safetensors --shape 64x256 --mean-over-std " +
                                                   std::to_string(wanted) + " --dtype " + dtype));
      EXPECT_NEAR(json["mean_over_std"], wanted, 0.02 * std::abs(wanted)) << dtype;
    }
  }
}

TEST_F(MakeCommand, AcceptsShapesWithoutElements) {
  for (const char* shape : {"0x5", "3x0", "0", "1x1x1x1x1x1x1x1"}) {
    done(std::string("make -o a.safetensors --dtype fp32 --shape ") + shape);
    done("explain a.safetensors");
  }
}

TEST_F(MakeCommand, RefusesOptionsInOneSentence) {
  const std::string make = "make -o a.safetensors --dtype fp32 --shape ";
  for (const char* shape :
       {"x", "64x", "64xx2", "64,2", "-1x2", "3.5", "1x1x1x1x1x1x1x1x1", "99999999999999999999", "4x 5"}) {
    EXPECT_EQ(refused(make + "'" + shape + "'"),
              "--shape is \"" + std::string(shape) +
                  "\" but must be 1 to 8 whole numbers from 0 on, joined by x, as in 64x128x768");
  }
  const std::pair<const char*, const char*> refusals[] = {
      {"2x3 --gamma-dtype int8", "--gamma-dtype is \"int8\" but must be fp32, fp16 or bf16"},
      {"2x3 --normalized-dims 3", "--normalized-dims is 3 but must be 1 to 2, the rank of --shape"},
      {"2x3 --no-gamma --gamma-dtype fp32", "--gamma-dtype is given together with --no-gamma"},
      {"2x3 --mean-over-std 1e30", "--mean-over-std 1e+30 is more than float32 can hold"},
      {"4294967296x4294967296", "tensor dy is too large for a file"},
  };
  for (const auto& [arguments, sentence] : refusals) EXPECT_EQ(refused(make + arguments), sentence);
  EXPECT_EQ(refused("make --shape 2x3 -o a.safetensors --dtype int8"),
            "--dtype is \"int8\" but must be fp32, fp16 or bf16");
  EXPECT_EQ(refused("make --shape 2x3 --mean-over-std 60000 -o a.safetensors --dtype fp16"),
            "--mean-over-std 60000 is more than float16 can hold");
  refused("make --shape 2x3 -o a.safetensors");
  EXPECT_TRUE(files().empty());
}

// What `run` or `verify` would read with the new problem although it is not of it.
TEST_F(MakeCommand, AFolderWithTensorsOfAnotherProblemIsRefused) {
  done("make -o p --shape 4x6 --dtype fp32");
  const auto before = everything();
  const auto refusal = [](const std::string& name) {
    return "p/" + name + ".npy would be read with this problem, which has no " + name +
           ": remove it or name another folder";
  };
  const std::string make = "make -o p --shape 4x6 --dtype fp32 --seed 1";
  for (const auto& [option, name] :
       {std::pair{" --no-gamma", "gamma"}, {" --no-beta", "beta"}, {" --no-dsum", "dsum"}, {" --no-x2", "x2"}}) {
    EXPECT_EQ(refused(make + option), refusal(name));
    EXPECT_EQ(everything(), before);
  }
  for (const char* name : {"expected_dx", "expected_rstd"}) {
    std::filesystem::create_symlink("nowhere", path("p/" + std::string(name) + ".npy"));
    EXPECT_EQ(refused(make), refusal(name));
    std::filesystem::remove(path("p/" + std::string(name) + ".npy"));
  }
  write("p/step.npy", "nobody's");
  done(make);
  done("run p -o out");
  std::filesystem::remove(path("p/gamma.npy"));
  done(make + " --no-gamma");
  EXPECT_EQ(done("explain p").find("gamma float32"), std::string::npos);
}

}  // namespace
}  // namespace alng::cli
