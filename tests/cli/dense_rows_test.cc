#include "judge/dense_rows.h"

#include <gtest/gtest.h>

#include <array>

namespace alng::cli {
namespace {

TEST(DenseTensor, TurnsColumnMajorAround) {
  // The 2 x 3 x 2 tensor whose element (i, j, k) is 100 i + 10 j + k, its first index running fastest.
  std::vector<float> values;
  for (int k = 0; k < 2; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 2; ++i) values.push_back(static_cast<float>(100 * i + 10 * j + k));
    }
  }
  FileTensor tensor;
  tensor.dtype = DType::float32;
  tensor.shape = {2, 3, 2};
  tensor.column_major = true;
  tensor.data = std::as_bytes(std::span(values));
  const DenseTensor dense(tensor);
  std::array<double, 12> found;
  dense.read(0, 12, found.data());
  EXPECT_EQ(found, (std::array<double, 12>{0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121}));
  tensor.column_major = false;
  EXPECT_EQ(DenseTensor(tensor).at(0), tensor.data.data());
}

}  // namespace
}  // namespace alng::cli
