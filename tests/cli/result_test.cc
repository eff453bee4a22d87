#include <nlohmann/json.hpp>

#include "alng_process.h"
#include "safetensors_bytes.h"

namespace alng::cli {
namespace {

using ResultCommand = CommandTest;
using nlohmann::json;

TEST_F(ResultCommand, RunPrintsShapeDtypePlanTimeAndSpeed) {
  done("make -o p.safetensors --shape 4x8x96 --dtype bf16");
  const std::string text = done("run p.safetensors -o r.safetensors --threads 2");
  for (const char* part : {"4x8x96", "bfloat16", "device: cpu", "second run", "GB/s", "r.safetensors"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  EXPECT_EQ(files(), (std::vector<std::string>{"p.safetensors", "r.safetensors"}));
}

TEST_F(ResultCommand, TheFileIsTheSameForThreadsInstructionSetsAndDevices) {
  std::vector<std::string> ways{"--threads 1", "--threads 3", "--threads 7", "--device reference"};
  const json info = json::parse(done("info --json"));
  for (const json& isa : info["instruction_sets"]) {
    if (isa["available"]) ways.push_back("--isa " + isa["name"].get<std::string>());
  }
  EXPECT_GE(ways.size(), 5u);  // scalar is everywhere
  for (const char* problem :
       {"--shape 211x257 --dtype bf16", "--shape 100x3x41 --dtype fp32 --no-gamma --normalized-dims 2",
        "--shape 33x1289 --dtype fp16 --no-dsum"}) {
    done(std::string("make -o p.safetensors ") + problem);
    done("run p.safetensors -o first.safetensors");
    for (const std::string& way : ways) {
      done("run p.safetensors -o next.safetensors " + way);
      EXPECT_EQ(contents(path("first.safetensors")), contents(path("next.safetensors"))) << problem << way;
    }
  }
}

TEST_F(ResultCommand, TheForwardsFileIsTheSameForThreadsInstructionSetsAndDevices) {
  std::vector<std::string> ways{"--threads 1 --isa scalar", "--threads 7", "--device reference"};
  const json info = json::parse(done("info --json"));
  for (const json& isa : info["instruction_sets"]) {
    if (isa["available"]) ways.push_back("--isa " + isa["name"].get<std::string>());
  }
  for (const char* problem :
       {"--shape 211x257 --dtype bf16", "--shape 100x3x41 --dtype fp32 --no-gamma --normalized-dims 2",
        "--shape 33x1289 --dtype fp16 --gamma-dtype fp32 --mean-over-std 1000"}) {
    done(std::string("make -o p.safetensors ") + problem);
    for (const std::string options : {" --eps 0.25", " --round-sum"}) {
      done("forward p.safetensors -o first.safetensors" + options);
      for (const std::string& way : ways) {
        done("forward p.safetensors -o next.safetensors " + way + options);
        EXPECT_EQ(contents(path("first.safetensors")), contents(path("next.safetensors"))) << problem << way;
      }
    }
  }
}

// Every option changes the bits that it is about; with round_sum the stored x is what was normalised.
TEST_F(ResultCommand, TheForwardDoesWhatItsOptionsSay) {
  done("make -o p --shape 9x2x20 --normalized-dims 2 --dtype bf16");
  done("forward p -o f");
  done("forward p -o eps --eps 0.5");
  done("forward p -o rounded --round-sum");
  const auto same = [&](const std::string& a, const std::string& b) { return contents(path(a)) == contents(path(b)); };
  EXPECT_TRUE(same("f/mean.npy", "eps/mean.npy") && same("f/x.npy", "eps/x.npy"));
  EXPECT_FALSE(same("f/rstd.npy", "eps/rstd.npy") || same("f/y.npy", "eps/y.npy"));
  EXPECT_TRUE(same("f/x.npy", "rounded/x.npy"));
  EXPECT_FALSE(same("f/rstd.npy", "rounded/rstd.npy") || same("f/mean.npy", "rounded/mean.npy"));
  std::filesystem::remove(path("p/x2.npy"));
  std::filesystem::copy(path("f/x.npy"), path("p/x1.npy"), std::filesystem::copy_options::overwrite_existing);
  done("forward p -o again --no-x2 --normalized-dims 2");
  for (const char* name : {"/y.npy", "/mean.npy", "/rstd.npy", "/x.npy"}) {
    EXPECT_TRUE(same(std::string("rounded") + name, std::string("again") + name)) << name;
  }
}

// The folder of the forward's results is the gradient's problem once dy is there.
TEST_F(ResultCommand, TheGradientTakesTheForwardsMeanAndRstd) {
  done("make -o p --shape 12x40 --dtype fp16");
  done("run p -o r");
  for (const char* name : {"p/mean.npy", "p/rstd.npy"}) std::filesystem::remove(path(name));
  done("forward p -o p --json");
  done("run p -o again");
  expect_same_results("r", "again");
}

TEST_F(ResultCommand, TheStatisticsMayBeInAnotherFile) {
  done("make -o p.safetensors --shape 12x40 --dtype bf16");
  done("forward p.safetensors -o f.safetensors --eps 0.5");
  done("forward p.safetensors -o f --eps 0.5");
  done("run p.safetensors -o r");
  done("run p.safetensors -o with_file --statistics f.safetensors");
  done("run p.safetensors -o with_folder --statistics f");
  expect_same_results("with_file", "with_folder");
  EXPECT_NE(contents(path("r/dx.npy")), contents(path("with_file/dx.npy")));
  done("verify p.safetensors with_file --statistics f.safetensors");
  EXPECT_EQ(alng("verify p.safetensors with_file").exit_code, 1);
  EXPECT_EQ(refused("run p.safetensors -o q --statistics r"), "r: tensor mean is missing; there are dbeta, dgamma, dx");
  EXPECT_EQ(refused("run p.safetensors -o q --statistics none.safetensors"),
            "can't read none.safetensors: No such file or directory");
}

// Whatever was read, and whatever name it is written by.
TEST_F(ResultCommand, ReplacesNoFileThatWasRead) {
  done("make -o p.safetensors --shape 4x6 --dtype fp32");
  done("forward p.safetensors -o s.safetensors");
  std::filesystem::create_directory(path("linked"));
  std::filesystem::create_symlink("../p.safetensors", path("linked/dbeta.npy"));
  std::filesystem::create_hard_link(path("s.safetensors"), path("linked/dgamma.npy"));
  const auto before = everything();
  EXPECT_EQ(refused("run p.safetensors -o linked"), "OUT is IN: linked/dbeta.npy would be overwritten");
  for (const auto& [output, name] : {std::pair{"s.safetensors", "s.safetensors"},
                                     {"linked/../s.safetensors", "linked/../s.safetensors"},
                                     {"linked", "linked/dgamma.npy"}}) {
    EXPECT_EQ(refused(std::string("run p.safetensors --statistics s.safetensors -o ") + output),
              std::string("OUT is IN or the file of --statistics: ") + name + " would be overwritten");
  }
  EXPECT_EQ(everything(), before);
  done("run p.safetensors -o s.safetensors");
}

TEST_F(ResultCommand, ExplainTellsTheForwardWhenAsked) {
  done("make -o p.safetensors --shape 64x768 --dtype bf16");
  const std::string text = done("explain p.safetensors --forward --eps 0.5 --round-sum");
  for (const char* part : {"beta        bfloat16[768]", "eps 0.5", "sum rounded", "wants y, mean, rstd, x"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  EXPECT_EQ(text.find("dy"), std::string::npos) << text;
  EXPECT_EQ(json::parse(done("explain p.safetensors --json --forward --isa scalar"))["isa"], "scalar");
}

TEST_F(ResultCommand, FoldersOfNpyHoldTheSameNumbers) {
  for (const char* dtype : {"fp32", "fp16", "bf16"}) {
    const std::string options = std::string(" --shape 9x2x20 --normalized-dims 2 --dtype ") + dtype;
    done("make -o p.safetensors" + options);
    done("make -o p" + options);
    done("run p.safetensors -o from_file");
    done("run p -o from_folder");
    std::filesystem::create_directory(path("there"));
    done("run p -o there");
    expect_same_results("from_file", "from_folder");
    expect_same_results("from_file", "there");
    done("verify p from_file");
    for (const char* folder : {"p", "from_file", "from_folder", "there"}) std::filesystem::remove_all(path(folder));
  }
}

TEST_F(ResultCommand, Bfloat16FromASidecar) {
  done("make -o p --shape 3x20 --dtype bf16 --no-gamma --no-dsum");
  done("run p -o r1");
  for (const char* name : {"dy", "x1", "x2"}) {
    replace("p/" + std::string(name) + ".npy", "<V2", "<u2");
    write("p/" + std::string(name) + ".dtype", "bfloat16\n");
  }
  done("run p -o r2");
  expect_same_results("r1", "r2");
}

TEST_F(ResultCommand, ColumnMajorNpyIsReadAsSuch) {
  done("make -o p --shape 3x5 --dtype fp32");
  done("run p -o r1");
  for (const char* name : {"dy", "x1", "dsum"}) {  // the same elements, in the other order
    const std::string file = contents(path("p") / (std::string(name) + ".npy"));
    std::string turned = file;
    turned.replace(file.find("False"), 5, "True ");
    const std::size_t data = file.size() - 60;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 5; ++j) turned.replace(data + 4 * (3 * j + i), 4, file, data + 4 * (5 * i + j), 4);
    }
    write("p/" + std::string(name) + ".npy", turned);
  }
  done("run p -o r2");
  expect_same_results("r1", "r2");
  done("verify p r2");
}

TEST_F(ResultCommand, RunJson) {
  done("make -o p.safetensors --shape 5x6x7 --dtype fp16 --normalized-dims 2");
  const json result = json::parse(done("run p.safetensors -o r.safetensors --json --threads 1 --isa scalar"));
  EXPECT_EQ(result["shape"], json({5, 6, 7}));
  EXPECT_EQ(result["rows"], 5);
  EXPECT_EQ(result["columns"], 42);
  EXPECT_EQ(result["dtype"], "float16");
  EXPECT_EQ(result["isa"], "scalar");
  EXPECT_EQ(result["threads"], 1);
  EXPECT_EQ(result["timed_run"], "second");
  // dy, x1, x2, dsum, dx of 2 bytes, gamma, two statistics, two sums.
  EXPECT_EQ(result["bytes"], 5 * 42 * 5 * 2 + 42 * 2 + 5 * 2 * 4 + 42 * 2 * 4);
  EXPECT_GT(result["seconds"], 0);
  EXPECT_NEAR(result["gb_per_s"].get<double>(), result["bytes"].get<double>() / result["seconds"].get<double>() * 1e-9,
              1e-6);
}

TEST_F(ResultCommand, NormalizedDimsWhereNothingElseTells) {
  // rstd [2, 1, 1] says two; with --no-gamma and rows of one column it could be one.
  done("make -o p.safetensors --shape 2x1x8 --dtype fp32 --no-gamma");
  EXPECT_EQ(json::parse(done("explain p.safetensors --json"))["normalized_dims"], 2);
  const json told = json::parse(done("explain p.safetensors --json --normalized-dims 1"));
  EXPECT_EQ(told["normalized_dims"], 1);
  EXPECT_EQ(told["rows"], 2);
}

TEST_F(ResultCommand, WithoutX2) {
  done("make -o p.safetensors --shape 12x40 --dtype fp32 --no-beta --no-x2");
  EXPECT_EQ(refused("run p.safetensors -o r.safetensors"),
            "p.safetensors: tensor x2 is missing (--no-x2 asks for the backward of a LayerNorm of x1 alone); there are "
            "dsum, dy, "
            "gamma, mean, rstd, x1");
  done("run p.safetensors -o r.safetensors --no-x2");
  done("verify p.safetensors r.safetensors --no-x2");
}

TEST_F(ResultCommand, EmptyProblems) {
  for (const char* shape : {"0x6", "6x0"}) {
    done(std::string("make -o p.safetensors --dtype fp32 --shape ") + shape);
    done("run p.safetensors -o r.safetensors");
    done("verify p.safetensors r.safetensors");
  }
}

TEST_F(ResultCommand, ExplainShowsProblemAndPlan) {
  done("make -o p.safetensors --shape 64x768 --dtype bf16 --gamma-dtype fp32");
  const std::string text = done("explain p.safetensors --isa scalar --threads 1");
  for (const char* part :
       {"64x768 bfloat16, x2, gamma float32, dsum; wants dx, dgamma, dbeta", "float32[64, 1]", "scalar", "workspace"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  const json plan = json::parse(done("explain p.safetensors --json --device reference"));
  EXPECT_EQ(plan["device"], "reference");
  EXPECT_EQ(plan["rows"], 64);
}

TEST_F(ResultCommand, NamesTensorsNobodyUses) {
  json header;
  std::size_t end = 0;
  for (const char* name : {"dy", "x1", "x2", "Gamma", "rstd", "mean"}) {
    const bool wide = end < 32;
    header[name] = {
        {"dtype", "F32"}, {"shape", json::array({1, wide ? 2 : 1})}, {"data_offsets", {end, end + (wide ? 8 : 4)}}};
    end += wide ? 8 : 4;
  }
  write("p.safetensors", safetensors_bytes(header.dump(), std::string(end, '\0')));
  const std::string text = done("explain p.safetensors");
  EXPECT_NE(text.find("no gamma"), std::string::npos) << text;
  EXPECT_NE(text.find("not used    Gamma"), std::string::npos) << text;
  for (const char* command : {"explain p.safetensors", "run p.safetensors -o r.safetensors",
                              "forward p.safetensors -o f.safetensors --normalized-dims 1", "verify p.safetensors"}) {
    // verify exits with 1: mean and rstd are zeros.
    const json report = json::parse(alng(std::string(command) + " --json").out);
    EXPECT_EQ(report["not_used"], "Gamma\ngamma is absent; --rename gamma=Gamma reads \"Gamma\" as gamma") << command;
  }
  done("make -o q.safetensors --shape 1x2 --dtype fp32");
  EXPECT_EQ(json::parse(done("explain q.safetensors --json"))["not_used"], "");
}

TEST_F(ResultCommand, InfoTellsWhatThereIsAndWhy) {
  const json info = json::parse(done("info --json"));
  EXPECT_GE(info["canonical_order"], 1);
  // GPUs, or why there is none, come behind, and models of other devices where they are built in.
  ASSERT_GE(info["devices"].size(), 3u);
  EXPECT_EQ(info["devices"][0]["name"], "cpu");
  EXPECT_EQ(info["devices"][1]["name"], "reference");
  EXPECT_EQ(info["devices"][2]["name"].get<std::string>().rfind("cuda", 0), 0u);
  for (std::size_t i = 3; i < info["devices"].size(); ++i) {
    const std::string name = info["devices"][i]["name"];
    EXPECT_TRUE(name.starts_with("cuda:") || name.starts_with("ascend:")) << name;
  }
  bool scalar = false;
  for (const char* list : {"devices", "instruction_sets"}) {
    for (const json& item : info[list]) {
      EXPECT_FALSE(item["reason"].get<std::string>().empty()) << item;
      scalar = scalar || (item["name"] == "scalar" && item["available"]);
    }
  }
  EXPECT_TRUE(scalar);
  const std::string text = done("info");
  EXPECT_NE(text.find(info["version"].get<std::string>()), std::string::npos);
  EXPECT_NE(text.find("canonical order"), std::string::npos);
}

TEST_F(ResultCommand, EveryCommandHasHelp) {
  EXPECT_NE(done("--help").find("Exit codes"), std::string::npos);
  for (const char* command : {"run", "forward", "verify", "make", "explain", "info", "bench"}) {
    const std::string text = done(std::string(command) + " --help");
    EXPECT_NE(text.find("--json"), std::string::npos) << text;
    EXPECT_NE(text.find("Exit codes"), std::string::npos) << text;
  }
  EXPECT_EQ(done("--version").rfind("alng ", 0), 0u);
}

}  // namespace
}  // namespace alng::cli
