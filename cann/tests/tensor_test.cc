// Tensors, scalars, arrays and lists.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "cann/tests/acl_problem.h"

namespace alng::test {
namespace {

using Numbers = std::vector<std::int64_t>;

template <class Getter>
Numbers numbers_of(Getter getter, const aclTensor* tensor) {
  std::int64_t* array = nullptr;
  std::uint64_t count = 99;
  EXPECT_EQ(getter(tensor, &array, &count), 0);
  const std::unique_ptr<std::int64_t[]> owned(array);
  return {array, array + count};
}

TEST(Tensors, GiveBackWhatTheyWereMadeOf) {
  const Numbers shape = {2, 3, 4}, strides = {100, 20, 3}, storage = {1000};
  int memory = 0;
  aclTensor* const tensor =
      aclCreateTensor(shape.data(), 3, ACL_BF16, strides.data(), 17, ACL_FORMAT_NCL, storage.data(), 1, &memory);
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(numbers_of(aclGetViewShape, tensor), shape);
  EXPECT_EQ(numbers_of(aclGetViewStrides, tensor), strides);
  EXPECT_EQ(numbers_of(aclGetStorageShape, tensor), storage);
  std::int64_t offset = 0;
  EXPECT_EQ(aclGetViewOffset(tensor, &offset), 0);
  EXPECT_EQ(offset, 17);
  aclFormat format = ACL_FORMAT_UNDEFINED;
  EXPECT_EQ(aclGetFormat(tensor, &format), 0);
  EXPECT_EQ(format, ACL_FORMAT_NCL);
  aclDataType dtype = ACL_DT_UNDEFINED;
  EXPECT_EQ(aclGetDataType(tensor, &dtype), 0);
  EXPECT_EQ(dtype, ACL_BF16);
  void* address = nullptr;
  EXPECT_EQ(aclGetRawTensorAddr(tensor, &address), 0);
  EXPECT_EQ(address, &memory);
  EXPECT_EQ(aclSetRawTensorAddr(tensor, nullptr), 0);
  EXPECT_EQ(aclGetRawTensorAddr(tensor, &address), 0);
  EXPECT_EQ(address, nullptr);
  EXPECT_EQ(aclDestroyTensor(tensor), 0);
}

TEST(Tensors, WithoutStridesAreDense) {
  const Numbers shape = {2, 3, 4};
  aclTensor* const tensor = aclCreateTensor(shape.data(), 3, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr);
  EXPECT_EQ(numbers_of(aclGetViewStrides, tensor), (Numbers{12, 4, 1}));
  EXPECT_EQ(numbers_of(aclGetStorageShape, tensor), Numbers{});
  EXPECT_EQ(aclDestroyTensor(tensor), 0);
}

TEST(Tensors, HaveUpTo25Dimensions) {
  const Numbers shape(26, 1);
  EXPECT_EQ(aclCreateTensor(shape.data(), 26, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape.data(), 1, nullptr), nullptr);
  EXPECT_NE(recent_message().find("at most 25 entries"), std::string::npos);
  EXPECT_EQ(aclCreateTensor(shape.data(), 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape.data(), 26, nullptr), nullptr);
  EXPECT_EQ(aclCreateTensor(nullptr, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape.data(), 1, nullptr), nullptr);
  EXPECT_EQ(aclCreateTensor(shape.data(), 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 1, nullptr), nullptr);
  for (const std::uint64_t rank : {0U, 25U}) {
    const aclTensor* const tensor = aclCreateTensor(rank == 0 ? nullptr : shape.data(), rank, ACL_FLOAT, nullptr, 0,
                                                    ACL_FORMAT_ND, shape.data(), 1, nullptr);
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(numbers_of(aclGetViewShape, tensor).size(), rank);
    EXPECT_EQ(aclDestroyTensor(tensor), 0);
  }
}

TEST(Tensors, AreMadeAnew) {
  const Numbers shape = {5};
  const Numbers other = {2, 7};
  aclTensor* const tensor = aclCreateTensor(shape.data(), 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr);
  EXPECT_EQ(aclInitTensor(tensor, other.data(), 2, ACL_FLOAT16, nullptr, 3, ACL_FORMAT_NCHW, other.data(), 2, nullptr),
            0);
  EXPECT_EQ(numbers_of(aclGetViewShape, tensor), other);
  EXPECT_EQ(aclInitTensor(tensor, nullptr, 2, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr), 161002);
  EXPECT_EQ(numbers_of(aclGetViewShape, tensor), other);
  EXPECT_EQ(aclDestroyTensor(tensor), 0);
}

TEST(Tensors, AreDestroyedByUniquePointersOfTheUsualType) {
  const Numbers shape = {5};
  const std::unique_ptr<aclTensor, aclnnStatus (*)(const aclTensor*)> tensor(
      aclCreateTensor(shape.data(), 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr), aclDestroyTensor);
  EXPECT_EQ(numbers_of(aclGetViewShape, tensor.get()), shape);
  EXPECT_EQ(aclDestroyTensor(nullptr), 0);
}

TEST(Arrays, KnowTheirSize) {
  const std::int64_t ints[] = {1, 2, 3};
  const float floats[] = {1, 2};
  const bool bools[] = {true, false, true, true};
  std::uint64_t size = 0;
  const aclIntArray* const of_ints = aclCreateIntArray(ints, 3);
  EXPECT_EQ(aclGetIntArraySize(of_ints, &size), 0);
  EXPECT_EQ(size, 3U);
  const aclFloatArray* const of_floats = aclCreateFloatArray(floats, 2);
  EXPECT_EQ(aclGetFloatArraySize(of_floats, &size), 0);
  EXPECT_EQ(size, 2U);
  const aclBoolArray* const of_bools = aclCreateBoolArray(bools, 4);
  EXPECT_EQ(aclGetBoolArraySize(of_bools, &size), 0);
  EXPECT_EQ(size, 4U);
  const aclIntArray* const empty = aclCreateIntArray(nullptr, 0);
  EXPECT_EQ(aclGetIntArraySize(empty, &size), 0);
  EXPECT_EQ(size, 0U);
  EXPECT_EQ(aclCreateIntArray(nullptr, 1), nullptr);
  EXPECT_EQ(aclCreateFloatArray(nullptr, 1), nullptr);
  EXPECT_EQ(aclCreateBoolArray(nullptr, 1), nullptr);
  for (const aclIntArray* array : {of_ints, empty}) {
    EXPECT_EQ(aclDestroyIntArray(array), 0);
    EXPECT_EQ(aclDestroyIntArray(array), 161002);
    EXPECT_EQ(aclGetIntArraySize(array, &size), 161002);
  }
  EXPECT_EQ(aclDestroyFloatArray(of_floats), 0);
  EXPECT_EQ(aclDestroyBoolArray(of_bools), 0);
  for (const int code : {aclDestroyIntArray(nullptr), aclDestroyFloatArray(nullptr), aclDestroyBoolArray(nullptr),
                         aclDestroyScalar(nullptr), aclDestroyTensorList(nullptr), aclDestroyScalarList(nullptr)}) {
    EXPECT_EQ(code, 0);
  }
}

TEST(Lists, OwnWhatTheyAreMadeOf) {
  const std::int64_t extent = 1;
  const aclTensor* tensors[2];
  for (const aclTensor*& tensor : tensors) {
    tensor = aclCreateTensor(&extent, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr);
  }
  const aclTensorList* const list = aclCreateTensorList(tensors, 2);
  std::uint64_t size = 0;
  EXPECT_EQ(aclGetTensorListSize(list, &size), 0);
  EXPECT_EQ(size, 2U);
  EXPECT_EQ(aclDestroyTensor(tensors[1]), 0);  // not twice
  EXPECT_EQ(aclDestroyTensorList(list), 0);
  std::int64_t offset = 0;
  EXPECT_EQ(aclGetViewOffset(tensors[0], &offset), 161002);

  float value = 1;
  const aclScalar* scalars[] = {aclCreateScalar(&value, ACL_FLOAT)};
  ASSERT_NE(scalars[0], nullptr);
  const aclScalarList* const scalar_list = aclCreateScalarList(scalars, 1);
  EXPECT_EQ(aclGetScalarListSize(scalar_list, &size), 0);
  EXPECT_EQ(size, 1U);
  EXPECT_EQ(aclDestroyScalarList(scalar_list), 0);
  EXPECT_EQ(aclDestroyScalar(scalars[0]), 161002);
  EXPECT_EQ(aclCreateScalar(nullptr, ACL_FLOAT), nullptr);
  EXPECT_EQ(aclCreateScalar(&value, ACL_INT4), nullptr);
  EXPECT_EQ(aclCreateTensorList(nullptr, 1), nullptr);
  EXPECT_EQ(aclCreateScalarList(nullptr, 1), nullptr);
}

}  // namespace
}  // namespace alng::test
