// What op_host uses of CANN's registry, as far as its compilation and tests need it.
#ifndef ALNG_TESTS_ASCEND_PACKAGE_CANN_OP_DEF_REGISTRY_H
#define ALNG_TESTS_ASCEND_PACKAGE_CANN_OP_DEF_REGISTRY_H

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace ge {

using graphStatus = uint32_t;
const graphStatus GRAPH_SUCCESS = 0;
const graphStatus GRAPH_FAILED = 0xFFFFFFFF;
enum DataType { DT_FLOAT = 0, DT_FLOAT16 = 1, DT_INT32 = 3, DT_BF16 = 27 };
enum Format { FORMAT_ND = 2 };

}  // namespace ge

namespace gert {

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : dims_(dims) {}
  size_t GetDimNum() const { return dims_.size(); }
  int64_t GetDim(size_t i) const { return dims_[i]; }
  void SetDimNum(size_t n) { dims_.resize(n); }
  void SetDim(size_t i, int64_t dim) { dims_[i] = dim; }
  const std::vector<int64_t>& dims() const { return dims_; }

 private:
  std::vector<int64_t> dims_;
};

class StorageShape {
 public:
  StorageShape() = default;
  explicit StorageShape(const Shape& shape) : shape_(shape) {}
  const Shape& GetStorageShape() const { return shape_; }

 private:
  Shape shape_;
};

class CompileTimeTensorDesc {
 public:
  ge::DataType GetDataType() const { return type; }
  ge::DataType type = ge::DT_FLOAT;
};

class InferShapeContext {
 public:
  std::map<size_t, Shape> inputs, outputs;
  const Shape* GetInputShape(size_t i) const { return GetOptionalInputShape(i); }
  const Shape* GetOptionalInputShape(size_t i) const { return inputs.count(i) != 0 ? &inputs.at(i) : nullptr; }
  Shape* GetOutputShape(size_t i) { return outputs.count(i) != 0 ? &outputs.at(i) : nullptr; }
};

class InferDataTypeContext {
 public:
  std::map<size_t, ge::DataType> inputs, outputs;
  ge::DataType GetInputDataType(size_t i) const { return inputs.at(i); }
  ge::graphStatus SetOutputDataType(size_t i, ge::DataType type) {
    outputs[i] = type;
    return ge::GRAPH_SUCCESS;
  }
};

// What the platform says, instead of CANN's own fe::PlatFormInfos.
struct PlatformOfTest {
  bool is_910b;
  uint32_t cores;
  uint64_t buffer_bytes;
};

class TilingContext {
 public:
  std::map<size_t, StorageShape> shapes;
  std::map<size_t, CompileTimeTensorDesc> descriptions;
  PlatformOfTest* platform = nullptr;
  std::vector<uint8_t> tiling = std::vector<uint8_t>(4096);
  size_t workspace = 0;
  uint64_t key = 0;
  uint32_t blocks = 0;
  uint32_t schedule_mode = 0;

  const StorageShape* GetInputShape(size_t i) const { return shapes.count(i) != 0 ? &shapes.at(i) : nullptr; }
  const StorageShape* GetOptionalInputShape(size_t i) const { return GetInputShape(i); }
  const CompileTimeTensorDesc* GetInputDesc(size_t i) const {
    return descriptions.count(i) != 0 ? &descriptions.at(i) : nullptr;
  }
  const CompileTimeTensorDesc* GetOptionalInputDesc(size_t i) const { return GetInputDesc(i); }
  PlatformOfTest* GetPlatformInfo() const { return platform; }
  template <typename T>
  T* GetTilingData() {
    return sizeof(T) <= tiling.size() ? reinterpret_cast<T*>(tiling.data()) : nullptr;
  }
  size_t* GetWorkspaceSizes(size_t) { return &workspace; }
  ge::graphStatus SetTilingKey(uint64_t k) {
    key = k;
    return ge::GRAPH_SUCCESS;
  }
  ge::graphStatus SetBlockDim(uint32_t n) {
    blocks = n;
    return ge::GRAPH_SUCCESS;
  }
  ge::graphStatus SetScheduleMode(uint32_t mode) {
    schedule_mode = mode;
    return ge::GRAPH_SUCCESS;
  }
};

}  // namespace gert

namespace ops {

enum Option { OPTIONAL, REQUIRED };

class OpParamDef {
 public:
  std::string name;
  bool required = false, contiguous = false;
  std::vector<ge::DataType> types;
  std::vector<ge::Format> formats;
  OpParamDef& ParamType(Option option) {
    required = option == REQUIRED;
    return *this;
  }
  OpParamDef& DataType(std::vector<ge::DataType> all) {
    types = all;
    return *this;
  }
  OpParamDef& Format(std::vector<ge::Format> all) {
    formats = all;
    return *this;
  }
  OpParamDef& AutoContiguous() {
    contiguous = true;
    return *this;
  }
};

class OpAICoreDef {
 public:
  ge::graphStatus (*tiling)(gert::TilingContext*) = nullptr;
  std::vector<std::string> units;
  OpAICoreDef& SetTiling(ge::graphStatus (*f)(gert::TilingContext*)) {
    tiling = f;
    return *this;
  }
  void AddConfig(const char* unit) { units.push_back(unit); }
};

class OpDef {
 public:
  explicit OpDef(const char* type) : type_(type) {}
  OpParamDef& Input(const char* name) { return add(&inputs, name); }
  OpParamDef& Output(const char* name) { return add(&outputs, name); }
  OpDef& SetInferShape(ge::graphStatus (*f)(gert::InferShapeContext*)) {
    infer_shape = f;
    return *this;
  }
  OpDef& SetInferDataType(ge::graphStatus (*f)(gert::InferDataTypeContext*)) {
    infer_data_type = f;
    return *this;
  }
  OpAICoreDef& AICore() { return core; }
  const std::string& type() const { return type_; }

  std::vector<OpParamDef> inputs, outputs;
  OpAICoreDef core;
  ge::graphStatus (*infer_shape)(gert::InferShapeContext*) = nullptr;
  ge::graphStatus (*infer_data_type)(gert::InferDataTypeContext*) = nullptr;

 private:
  static OpParamDef& add(std::vector<OpParamDef>* all, const char* name) {
    all->push_back(OpParamDef());
    all->back().name = name;
    return all->back();
  }
  std::string type_;
};

// The operators that were registered, by the one there is.
inline const OpDef*& registered() {
  static const OpDef* one = nullptr;
  return one;
}

}  // namespace ops

#define OP_ADD(Type)                         \
  static const bool registered_##Type = [] { \
    static const Type definition(#Type);     \
    ops::registered() = &definition;         \
    return true;                             \
  }()

#endif
