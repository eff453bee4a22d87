// Scalars, arrays and lists: values that operators of other kinds take. This one takes none of them; programs create
// and destroy them all the same.
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "aclnn/status_codes.h"
#include "aclnn/tensor.h"
#include "runtime/leaks.h"
#include "runtime/registry.h"

namespace alng::cann {
namespace {

struct Scalar {
  aclDataType dtype;
  std::vector<std::byte> bytes;
};
template <class T>
struct Array {
  std::vector<T> values;
};
// std::vector<bool> is no array of bool.
using Bools = Array<unsigned char>;
struct TensorList {
  std::vector<const void*> values;
};
struct ScalarList {
  std::vector<const void*> values;
};

struct Sort {
  std::uint8_t tag;
  const char* name;
};
template <class T>
constexpr Sort sort{};
template <>
constexpr Sort sort<Scalar>{0x61, "scalars"};
template <>
constexpr Sort sort<Array<std::int64_t>>{0x62, "int arrays"};
template <>
constexpr Sort sort<Array<float>>{0x63, "float arrays"};
template <>
constexpr Sort sort<Bools>{0x64, "bool arrays"};
template <>
constexpr Sort sort<TensorList>{0x65, "tensor lists"};
template <>
constexpr Sort sort<ScalarList>{0x66, "scalar lists"};

template <class T>
Registry<T>& all() {
  static Registry<T>& objects = []() -> Registry<T>& {
    add_leak_count([] { return all<T>().size(); }, sort<T>.name);
    return *new Registry<T>(sort<T>.tag);
  }();
  return objects;
}

template <class T, class Entry>
void* create_array(const char* function, const Entry* value, std::uint64_t size) {
  void* handle = nullptr;
  guarded_aclnn([&]() -> Answer {
    if (value == nullptr && size > 0) {
      return invalid_parameter(std::string(function) + ": value is null but size is " + std::to_string(size));
    }
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the entries of some arrays are pointers
    constexpr std::uint64_t most = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(Entry);
    if (size > most) {
      return invalid_parameter(wrong_number(function, "size", size,
                                            "at most " + std::to_string(most) + ", as many entries as fit in memory"));
    }
    auto array = std::make_shared<T>();
    array->values.assign(value, value + size);
    handle = all<T>().add(std::move(array));
    return {};
  });
  return handle;
}

template <class T>
Answer destroy(const char* function, const void* handle) {
  if (handle == nullptr) return {};
  const std::shared_ptr<T> object = all<T>().remove(handle);
  if (object == nullptr) {
    return invalid_parameter(std::string(function) + ": the argument is none of these objects, or is destroyed");
  }
  // What a list is made of may have been destroyed before it.
  if constexpr (std::is_same_v<T, TensorList>) {
    for (const void* tensor : object->values) tensors().remove(tensor);
  } else if constexpr (std::is_same_v<T, ScalarList>) {
    for (const void* scalar : object->values) all<Scalar>().remove(scalar);
  }
  return {};
}

template <class T>
aclnnStatus size_of(const char* function, const void* handle, std::uint64_t* size) {
  return guarded_aclnn([&]() -> Answer {
    if (handle == nullptr) return null_object(function, "the first argument");
    if (size == nullptr) return null_object(function, "size");
    const std::shared_ptr<T> object = all<T>().find(handle);
    if (object == nullptr) {
      return invalid_parameter(std::string(function) +
                               ": the first argument is none of these objects, or is destroyed");
    }
    *size = object->values.size();
    return {};
  });
}

}  // namespace
}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclScalar* aclCreateScalar(void* value, aclDataType dataType) {
  void* handle = nullptr;
  guarded_aclnn([&]() -> Answer {
    const std::size_t size = aclDataTypeSize(dataType);
    if (value == nullptr) return null_object("aclCreateScalar", "value");
    if (size == 0) {
      return invalid_parameter(
          wrong_number("aclCreateScalar", "dataType", dataType, "one whose elements are whole bytes"));
    }
    const auto* const bytes = static_cast<const std::byte*>(value);
    handle = all<Scalar>().add(std::make_shared<Scalar>(Scalar{dataType, {bytes, bytes + size}}));
    return {};
  });
  return static_cast<aclScalar*>(handle);
}

aclIntArray* aclCreateIntArray(const int64_t* value, uint64_t size) {
  return static_cast<aclIntArray*>(create_array<Array<std::int64_t>>("aclCreateIntArray", value, size));
}

aclFloatArray* aclCreateFloatArray(const float* value, uint64_t size) {
  return static_cast<aclFloatArray*>(create_array<Array<float>>("aclCreateFloatArray", value, size));
}

aclBoolArray* aclCreateBoolArray(const bool* value, uint64_t size) {
  return static_cast<aclBoolArray*>(create_array<Bools>("aclCreateBoolArray", value, size));
}

aclTensorList* aclCreateTensorList(const aclTensor* const* value, uint64_t size) {
  return static_cast<aclTensorList*>(create_array<TensorList>("aclCreateTensorList", value, size));
}

aclScalarList* aclCreateScalarList(const aclScalar* const* value, uint64_t size) {
  return static_cast<aclScalarList*>(create_array<ScalarList>("aclCreateScalarList", value, size));
}

aclnnStatus aclDestroyScalar(const aclScalar* scalar) {
  return guarded_aclnn([&] { return destroy<Scalar>("aclDestroyScalar", scalar); });
}

aclnnStatus aclDestroyIntArray(const aclIntArray* array) {
  return guarded_aclnn([&] { return destroy<Array<std::int64_t>>("aclDestroyIntArray", array); });
}

aclnnStatus aclDestroyFloatArray(const aclFloatArray* array) {
  return guarded_aclnn([&] { return destroy<Array<float>>("aclDestroyFloatArray", array); });
}

aclnnStatus aclDestroyBoolArray(const aclBoolArray* array) {
  return guarded_aclnn([&] { return destroy<Bools>("aclDestroyBoolArray", array); });
}

aclnnStatus aclDestroyTensorList(const aclTensorList* array) {
  return guarded_aclnn([&] { return destroy<TensorList>("aclDestroyTensorList", array); });
}

aclnnStatus aclDestroyScalarList(const aclScalarList* array) {
  return guarded_aclnn([&] { return destroy<ScalarList>("aclDestroyScalarList", array); });
}

aclnnStatus aclGetIntArraySize(const aclIntArray* array, uint64_t* size) {
  return size_of<Array<std::int64_t>>("aclGetIntArraySize", array, size);
}

aclnnStatus aclGetFloatArraySize(const aclFloatArray* array, uint64_t* size) {
  return size_of<Array<float>>("aclGetFloatArraySize", array, size);
}

aclnnStatus aclGetBoolArraySize(const aclBoolArray* array, uint64_t* size) {
  return size_of<Bools>("aclGetBoolArraySize", array, size);
}

aclnnStatus aclGetTensorListSize(const aclTensorList* tensorList, uint64_t* size) {
  return size_of<TensorList>("aclGetTensorListSize", tensorList, size);
}

aclnnStatus aclGetScalarListSize(const aclScalarList* scalarList, uint64_t* size) {
  return size_of<ScalarList>("aclGetScalarListSize", scalarList, size);
}

}  // extern "C"
