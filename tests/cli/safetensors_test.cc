#include "files/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "safetensors_bytes.h"

namespace alng::cli {
namespace {

TensorMap parse(const std::string& file) { return parse_safetensors(std::as_bytes(std::span(file))); }

std::string refusal(const std::string& file) {
  try {
    parse(file);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "accepted";
}

std::string refusal(const std::string& header, const std::string& data) {
  return refusal(safetensors_bytes(header, data));
}

const std::string sixteen(16, 'x');

TEST(Safetensors, ReadsTensorsAndMetadata) {
  const std::string file =
      safetensors_bytes(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
                        R"("a":{"data_offsets":[0,4],"shape":[],"dtype":"F32"}}   )",
                        sixteen);
  const TensorMap tensors = parse(file);
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(describe(tensors.at("a")), "F32[]");
  EXPECT_EQ(describe(tensors.at("b")), "BF16[2, 3]");
  EXPECT_EQ(tensors.at("b").dtype, DType::bfloat16);
  EXPECT_EQ(reinterpret_cast<const char*>(tensors.at("b").data.data()), file.data() + file.size() - 12);
  EXPECT_EQ(tensors.at("b").data.size(), 12u);
}

TEST(Safetensors, ReadsDtypesItDoesNotComputeWith) {
  const TensorMap tensors =
      parse(safetensors_bytes(R"({"ids":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})", sixteen));
  EXPECT_FALSE(tensors.at("ids").dtype.has_value());
  EXPECT_EQ(describe(tensors.at("ids")), "I64[2]");
}

TEST(Safetensors, ReadsAnEmptyTensorAndAnEmptyFile) {
  EXPECT_TRUE(parse(safetensors_bytes("{}", "")).empty());
  const TensorMap tensors = parse(safetensors_bytes(R"({"a":{"dtype":"F16","shape":[0,7],"data_offsets":[0,0]}})", ""));
  EXPECT_TRUE(tensors.at("a").data.empty());
}

TEST(Safetensors, ReadsWhatItWrites) {
  const std::vector<std::int64_t> matrix{2, 3}, vector{5};
  const std::vector<SafetensorsEntry> entries{{"dgamma", DType::float32, vector, 0, 20},
                                              {"dx", DType::bfloat16, matrix, 20, 32}};
  const std::string prologue = safetensors_prologue(entries);
  EXPECT_EQ(prologue.size() % 64, 0u);
  EXPECT_EQ(prologue, safetensors_prologue(entries));
  const std::string file = prologue + std::string(32, 'x');
  const TensorMap tensors = parse(file);
  EXPECT_EQ(describe(tensors.at("dgamma")), "F32[5]");
  EXPECT_EQ(describe(tensors.at("dx")), "BF16[2, 3]");
  EXPECT_EQ(tensors.at("dx").data.data(), std::as_bytes(std::span(file)).data() + prologue.size() + 20);
}

TEST(Safetensors, RefusesACutFile) {
  EXPECT_EQ(refusal("1234567"), "not a safetensors file: 7 bytes, shorter than the 8 of the header's length");
  const std::string whole = safetensors_bytes(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", sixteen);
  EXPECT_EQ(refusal(whole), "accepted");
  EXPECT_EQ(refusal(whole.substr(0, 40)),
            "not a safetensors file, or cut: the header claims 55 bytes where 32 are left");
  EXPECT_EQ(refusal(whole.substr(0, whole.size() - 1)),
            "data_offsets [0, 16] of tensor \"a\" lie outside the file's 15 bytes of data");
  // No cut of it is accepted, and none crashes.
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refusal(whole.substr(0, size)), "accepted");
}

TEST(Safetensors, RefusesAGiantHeader) {
  EXPECT_EQ(refusal(std::string(8, '\xFF') + "{}"),
            "not a safetensors file, or cut: the header claims 18446744073709551615 bytes where 2 are left");
  const std::string spaces = "{}" + std::string(max_safetensors_header, ' ');
  EXPECT_EQ(refusal(spaces, ""), "the header of 100000002 bytes is longer than the 100000000 that are read");
}

TEST(Safetensors, RefusesOffsets) {
  const auto one = [](const std::string& offsets) {
    return refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + offsets + "}}", sixteen);
  };
  EXPECT_EQ(one("[8,0]"), "data_offsets [8, 0] of tensor \"a\" lie outside the file's 16 bytes of data");
  EXPECT_EQ(one("[16,24]"), "data_offsets [16, 24] of tensor \"a\" lie outside the file's 16 bytes of data");
  EXPECT_EQ(one("[18446744073709551608,0]"),
            "data_offsets [18446744073709551608, 0] of tensor \"a\" lie outside the file's 16 bytes of data");
  EXPECT_EQ(one("[0,8]"), "8 bytes at the end of the file belong to no tensor");
  EXPECT_EQ(one("[8,16]"),
            "data of tensor \"a\" begins at byte 8, leaving a hole behind the end of the tensor before it (0)");
  EXPECT_EQ(one("[0]"), "data_offsets of tensor \"a\" are not exactly 2 numbers");
  EXPECT_EQ(one("[0,8,8]"), "data_offsets of tensor \"a\" are not exactly 2 numbers");
  EXPECT_EQ(one("[-1,8]"), "data_offsets of tensor \"a\" has a number that is not a whole number from 0 to 2^64 - 1");
  EXPECT_EQ(one("[0.0,8]"), "data_offsets of tensor \"a\" has a number that is not a whole number from 0 to 2^64 - 1");
  EXPECT_EQ(one("[0,1e99999]"), "the header is not valid JSON (at byte 57 of it)");
  EXPECT_EQ(one("[[0,8]]"), "an entry in data_offsets of tensor \"a\" is a list but must be a whole number");
  EXPECT_EQ(one("8"), "data_offsets of tensor \"a\" is a number but must be a list of whole numbers");
}

TEST(Safetensors, RefusesOverlappingTensors) {
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},)"
                    R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
                    sixteen),
            "data of tensor \"b\" begins at byte 8, overlapping it before the end of the tensor before it (12)");
}

TEST(Safetensors, RefusesSizesThatDisagree) {
  const auto shape = [](const std::string& text) {
    return refusal(R"({"a":{"dtype":"F32","shape":)" + text + R"(,"data_offsets":[0,16]}})", sixteen);
  };
  EXPECT_EQ(shape("[5]"), "tensor \"a\" is F32[5] but has 16 bytes of data");
  EXPECT_EQ(shape("[4611686018427387904,4]"), "tensor \"a\" is F32[4611686018427387904, 4] but has 16 bytes of data");
  EXPECT_EQ(shape("[9223372036854775808]"), "tensor \"a\" is F32[9223372036854775808] but has 16 bytes of data");
  EXPECT_EQ(shape("[18446744073709551616]"),
            "shape of tensor \"a\" has a number that is not a whole number from 0 to 2^64 - 1");
  EXPECT_EQ(shape("[true]"), "an entry in shape of tensor \"a\" is a boolean but must be a whole number");
  EXPECT_EQ(shape("null"), "shape of tensor \"a\" is null but must be a list of whole numbers");
}

TEST(Safetensors, RefusesWhatIsNotItsJson) {
  EXPECT_EQ(refusal("[]", ""), "the header is a list but must be an object");
  EXPECT_EQ(refusal(R"({"a":)", ""), "the header is not valid JSON (at byte 5 of it)");
  EXPECT_EQ(refusal("{}{}", ""), "the header is not valid JSON (at byte 2 of it)");
  EXPECT_EQ(refusal(std::string("{}\0", 3), ""), "the header is not valid JSON (at byte 2 of it)");
  EXPECT_EQ(refusal("\xEF\xBB\xBF{}", ""), "the header is not valid JSON (at byte 0 of it)");
  EXPECT_EQ(refusal(R"({"a":5})", ""), "tensor \"a\" is a number but must be an object");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F33","shape":[],"data_offsets":[0,4]}})", "1234"),
            "tensor \"a\" has the unknown dtype \"F33\"");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","shape":[]}})", ""), "tensor \"a\" has no data_offsets");
  EXPECT_EQ(refusal(R"({"a":["F32",[],[0,4],1]})", "1234"), "tensor \"a\" is a list of more than 3");
  EXPECT_EQ(refusal(R"({"a":{"dtype":{"F32":null,"F16":null},"shape":[],"data_offsets":[0,4]}})", "1234"),
            "dtype of tensor \"a\" is an object of more than one name");
  EXPECT_EQ(refusal(R"({"a":{"dtype":{"F32":1},"shape":[],"data_offsets":[0,4]}})", "1234"),
            "dtype of tensor \"a\" is an object whose value is a number but must be null");
  EXPECT_EQ(refusal(R"({"__metadata__":[]})", ""), "__metadata__ is a list but must be an object of strings");
  EXPECT_EQ(refusal(R"({"__metadata__":{"x":1}})", ""), "\"x\" of __metadata__ is a number but must be a string");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","dtype":"F16","shape":[],"data_offsets":[0,4]}})", "1234"),
            "dtype of tensor \"a\" is there twice");
}

// As the format's own library does; safetensors_reader.py has many more.
TEST(Safetensors, TakesWhatTheFormatsLibraryTakes) {
  const std::string tensor = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const TensorMap twice =
      parse(safetensors_bytes(R"({"a":{"dtype":"I8","shape":[9],"data_offsets":[0,9]},"a":)" + tensor + "}", "1234"));
  EXPECT_EQ(describe(twice.at("a")), "F32[1]");
  for (const std::string& header :
       {R"( {"a":)" + tensor + "}", R"({"__metadata__":null,"a":)" + tensor + "}",
        R"({"a":["F32",[1],[0,4]]})" + std::string(),
        R"({"a":{"dtype":{"F32":null},"stride":[1],"shape":[1],"data_offsets":[0,4]}})" + std::string()}) {
    EXPECT_EQ(describe(parse(safetensors_bytes(header, "1234")).at("a")), "F32[1]") << header;
  }
  EXPECT_EQ(describe(parse(safetensors_bytes(
                               R"({"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}})", ""))
                         .at("a")),
            "F32[0, 18446744073709551615]");
  EXPECT_EQ(refusal(R"({"__metadata__":{},"__metadata__":{}})", ""), "the header has two __metadata__ entries");
}

TEST(Safetensors, RefusesDepth) {
  for (const std::string& nest : {std::string("["), std::string(R"({"x":)")}) {
    std::string header = R"({"a":{"x":)";
    for (int i = 0; i < 1 << 18; ++i) header += nest;
    EXPECT_EQ(refusal(header, ""), "the header is nested more than 127 deep");
  }
  EXPECT_EQ(refusal(R"({"a":[[[)", ""), "dtype of tensor \"a\" is a list but must be a string");
}

TEST(Safetensors, SentencesStayShortWhateverTheName) {
  const std::string name(100000, 'n');
  EXPECT_LT(refusal(R"({")" + name + R"(":7})", "").size(), 200u);
  EXPECT_EQ(refusal(R"({"a\nb":7})", ""), R"(tensor "a\nb" is a number but must be an object)");
}

}  // namespace
}  // namespace alng::cli
