#include "files/npy.h"

#include <gtest/gtest.h>

#include <string>

namespace alng::cli {
namespace {

std::string npy(const std::string& header, const std::string& data, int major = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(major);
  file += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return file + header + data;
}

FileTensor parse(const std::string& file, std::string_view sidecar = {}) {
  return parse_npy(std::as_bytes(std::span(file)), sidecar);
}

std::string refusal(const std::string& file, std::string_view sidecar = {}) {
  try {
    parse(file, sidecar);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "accepted";
}

std::string header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

TEST(Npy, ReadsEveryVersion) {
  for (const int major : {1, 2, 3}) {
    const std::string file = npy(header("'<f4'", "(1, 2)"), "12345678", major);
    const FileTensor tensor = parse(file);
    EXPECT_EQ(describe(tensor), "float32[1, 2]");
    EXPECT_FALSE(tensor.column_major);
    EXPECT_EQ(reinterpret_cast<const char*>(tensor.data.data()), file.data() + file.size() - 8);
  }
}

TEST(Npy, ReadsShapesAsPythonWritesThem) {
  EXPECT_EQ(describe(parse(npy(header("'<f2'", "()"), "12"))), "float16[]");
  EXPECT_EQ(describe(parse(npy(header("\"<f2\"", "(2,)"), "1234"))), "float16[2]");
  EXPECT_EQ(describe(parse(npy(header("'<f2'", "(2L, 1L)"), "1234"))), "float16[2, 1]");
  EXPECT_EQ(describe(parse(npy("{'shape':(0,5),'descr':'<f2','fortran_order':False}", ""))), "float16[0, 5]");
  EXPECT_TRUE(parse(npy(header("'<f2'", "(2, 1)", "True"), "1234")).column_major);
}

TEST(Npy, ReadsBfloat16) {
  for (const char* descr : {"'<V2'", "'|V2'", "'bfloat16'"}) {
    EXPECT_EQ(parse(npy(header(descr, "(1,)"), "12")).dtype, DType::bfloat16) << descr;
  }
  EXPECT_EQ(parse(npy(header("'<u2'", "(1,)"), "12"), "bfloat16\n").dtype, DType::bfloat16);
  EXPECT_FALSE(parse(npy(header("'<u2'", "(1,)"), "12")).dtype.has_value());
  EXPECT_EQ(refusal(npy(header("'<f2'", "(1,)"), "12"), "bfloat16"),
            "dtype '<f2' where the .dtype file beside it says bfloat16");
  EXPECT_EQ(refusal(npy(header("'<u2'", "(1,)"), "12"), "float8"),
            "the .dtype file beside it says something else than \"bfloat16\"");
}

TEST(Npy, ReadsWhatItWrites) {
  const std::vector<std::vector<std::int64_t>> shapes{{}, {2}, {1, 2}, {2, 1, 1, 1, 1, 1, 1, 1}};
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    for (const auto& shape : shapes) {
      const std::string prologue = npy_prologue(dtype, shape);
      EXPECT_EQ(prologue.size() % 64, 0u);
      const std::string file = prologue + std::string((shape.empty() ? 1 : 2) * dtype_size(dtype), 'x');
      const FileTensor tensor = parse(file);
      EXPECT_EQ(tensor.shape, shape);
      EXPECT_EQ(tensor.dtype, dtype);
    }
  }
}

// Which dtypes a tensor may have depends on the tensor; the reader says what there is.
TEST(Npy, OtherDtypesAreNone) {
  for (const std::string descr : {"<f8", "|O", "<i8", "=f4", "", "f4"}) {
    std::string quoted = "'";
    quoted += descr + "'";
    const FileTensor tensor = parse(npy(header(quoted, "(1, 3)"), "1234"));
    EXPECT_FALSE(tensor.dtype.has_value()) << descr;
    EXPECT_EQ(describe(tensor), quoted + "[1, 3]");
  }
  EXPECT_EQ(refusal(npy(header("'>f4'", "(1,)"), "1234")), "dtype '>f4' is big-endian; little-endian is expected");
  EXPECT_EQ(refusal(npy(header("[('a', '<f4')]", "(1,)"), "1234")),
            "the array has structured elements; float32, float16 or bfloat16 is expected");
}

TEST(Npy, RefusesACutFile) {
  const std::string whole = npy(header("'<f4'", "(2, 2)"), std::string(16, 'x'));
  EXPECT_EQ(refusal(whole), "accepted");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refusal(whole.substr(0, size)), "accepted") << size;
  EXPECT_EQ(refusal(whole.substr(0, 9)), "the npy file is cut inside its header");
  EXPECT_EQ(refusal(whole + "y"), "the npy header says float32[2, 2] but 17 bytes of data follow");
  EXPECT_EQ(refusal(whole.substr(0, 30)), "the npy file is cut: its header claims 60 bytes where 20 are left");
  EXPECT_EQ(refusal("PK\x03\x04 a zip file"), "not an npy file: it does not begin with \\x93NUMPY");
}

TEST(Npy, RefusesHugeSizes) {
  EXPECT_EQ(refusal(npy(header("'<f4'", "(4294967296, 4294967296)"), "")),
            "the npy header says float32[4294967296, 4294967296] but 0 bytes of data follow");
  EXPECT_EQ(refusal(npy(header("'<f4'", "(9223372036854775808,)"), "")),
            "the npy header's shape has a number that is not from 0 to 2^63 - 1");
  EXPECT_EQ(refusal(npy(header("'<f4'", "(-1,)"), "")),
            "the npy header's shape has a number that is not from 0 to 2^63 - 1");
  EXPECT_EQ(refusal(npy(std::string(70000, ' '), "", 2)),
            "the npy header of 70000 bytes is longer than the 65536 that are read");
}

TEST(Npy, RefusesOtherPython) {
  const std::string malformed = "the npy header is not the dict numpy writes";
  EXPECT_EQ(refusal(npy("", "")), malformed);
  EXPECT_EQ(refusal(npy("{'descr': '<f4'", "")), malformed);
  EXPECT_EQ(refusal(npy(header("'<f4'", "((1,),)"), "1234")), malformed);
  EXPECT_EQ(refusal(npy(header("'<f4'", "(1 1)"), "1234")), malformed);
  EXPECT_EQ(refusal(npy(header("'<f4'", "(1.5,)"), "1234")), malformed);
  EXPECT_EQ(refusal(npy(header("'<f4'", "(1,)", "0"), "1234")), malformed);
  EXPECT_EQ(refusal(npy(header("'<f4'", "(1,)") + "x", "1234")), malformed);
  EXPECT_EQ(refusal(npy(header("'<\\x664'", "(1,)"), "1234")), malformed);
  EXPECT_EQ(refusal(npy("{'descr': '<f4', 'descr': '<f4', }", "")), "the npy header has an unknown or repeated key");
  EXPECT_EQ(refusal(npy("{'descr': '<f4', }", "")), "the npy header lacks one of descr, fortran_order, shape");
  EXPECT_EQ(refusal("\x93NUMPY\x04" + std::string(80, '\0')), "npy format version 4.0 is not known");
}

}  // namespace
}  // namespace alng::cli
