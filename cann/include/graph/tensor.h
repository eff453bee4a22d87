// Shape, TensorDesc and Tensor: what is said about a tensor, and its data. C++14.
#ifndef ALNG_CANN_GRAPH_TENSOR_H
#define ALNG_CANN_GRAPH_TENSOR_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/types.h"

// NOLINTBEGIN(readability-identifier-naming, google-explicit-constructor): the names and conversions are CANN's

namespace ge {

// Extents, outermost first. -1: known at the run only.
class Shape {
 public:
  Shape() = default;
  explicit Shape(const std::vector<int64_t>& dims) : dims_(dims) {}

  // The rank; 0 for a shape of unknown rank ({-2}).
  size_t GetDimNum() const { return dims_.size() == 1 && dims_[0] == UNKNOWN_DIM_NUM ? 0 : dims_.size(); }
  // 0 where there is no dimension `index`.
  int64_t GetDim(size_t index) const { return index < dims_.size() ? dims_[index] : 0; }
  // GRAPH_FAILED where there is no dimension `index`.
  graphStatus SetDim(size_t index, int64_t extent) {
    if (index >= dims_.size()) return GRAPH_FAILED;
    dims_[index] = extent;
    return GRAPH_SUCCESS;
  }
  std::vector<int64_t> GetDims() const { return dims_; }
  // The number of elements; -1 where an extent is not known or the number leaves 63 bits; 0 for rank 0, as CANN has it.
  int64_t GetShapeSize() const {
    if (dims_.empty()) return 0;
    bool too_many = false, empty = false;
    int64_t count = 1;
    for (const int64_t extent : dims_) {
      if (extent < 0) return UNKNOWN_DIM;
      if (extent == 0) {
        empty = true;
      } else if (count > INT64_MAX / extent) {
        too_many = true;
      } else {
        count *= extent;
      }
    }
    return empty ? 0 : too_many ? UNKNOWN_DIM : count;
  }

 private:
  std::vector<int64_t> dims_;
};

// What is said about a tensor. A plain value.
class TensorDesc {
 public:
  TensorDesc() = default;
  explicit TensorDesc(const Shape& shape, Format format = FORMAT_ND, DataType type = DT_FLOAT)
      : shape_(shape), origin_shape_(shape), format_(format), origin_format_(format), type_(type) {}

  Shape GetShape() const { return shape_; }
  void SetShape(const Shape& shape) { shape_ = shape; }
  // The shape before the engine chose one; kept, not looked at.
  Shape GetOriginShape() const { return origin_shape_; }
  void SetOriginShape(const Shape& shape) { origin_shape_ = shape; }
  Format GetFormat() const { return format_; }
  void SetFormat(Format format) { format_ = format; }
  Format GetOriginFormat() const { return origin_format_; }
  void SetOriginFormat(Format format) { origin_format_ = format; }
  DataType GetDataType() const { return type_; }
  void SetDataType(DataType type) { type_ = type; }
  Placement GetPlacement() const { return placement_; }
  void SetPlacement(Placement placement) { placement_ = placement; }
  // The rank before padding; kept, not looked at.
  int64_t GetRealDimCnt() const { return real_dim_count_; }
  void SetRealDimCnt(int64_t count) { real_dim_count_ = count; }
  // Kept, not looked at: a tensor's own size counts.
  int64_t GetSize() const { return size_; }
  void SetSize(int64_t size) { size_ = size; }
  graphStatus GetName(AscendString& name) const {
    name = name_;
    return GRAPH_SUCCESS;
  }
  std::string GetName() const { return name_.GetString(); }
  void SetName(const char* name) { name_ = AscendString(name); }
  void SetName(const std::string& name) { name_ = AscendString(name.data(), name.size()); }
  // Replaces shape, format and type.
  void Update(const Shape& shape, Format format = FORMAT_ND, DataType type = DT_FLOAT) {
    shape_ = shape;
    format_ = format;
    type_ = type;
  }

 private:
  Shape shape_;
  Shape origin_shape_;
  Format format_ = FORMAT_ND;
  Format origin_format_ = FORMAT_ND;
  DataType type_ = DT_FLOAT;
  Placement placement_ = kPlacementHost;
  int64_t real_dim_count_ = 0;
  int64_t size_ = 0;
  AscendString name_;
};

// A description and the elements, dense, in row-major order. A copy of a Tensor shares the memory of the elements until
// SetData gives one of them other memory.
class GE_FUNC_VISIBILITY Tensor {
 public:
  using DeleteFunc = std::function<void(uint8_t*)>;

  Tensor() = default;
  explicit Tensor(const TensorDesc& desc) : desc_(desc) {}
  // With a copy of the data.
  Tensor(const TensorDesc& desc, const std::vector<uint8_t>& data) : desc_(desc) { SetData(data); }
  // With a copy of the `size` bytes at `data`; with none where `data` is null.
  Tensor(const TensorDesc& desc, const uint8_t* data, size_t size) : desc_(desc) { SetData(data, size); }

  TensorDesc GetTensorDesc() const { return desc_; }
  graphStatus SetTensorDesc(const TensorDesc& desc) {
    desc_ = desc;
    return GRAPH_SUCCESS;
  }

  // Null where there is no data. What is written through it, all copies see.
  const uint8_t* GetData() const { return data_.get(); }
  uint8_t* GetData() { return data_.get(); }
  // Bytes.
  size_t GetSize() const { return size_; }

  // Copies. Memory of its own that lies on a multiple of 64 bytes. GRAPH_FAILED for null with a size, or where memory
  // runs out; the tensor is then as it was.
  graphStatus SetData(const uint8_t* data, size_t size);
  graphStatus SetData(const std::vector<uint8_t>& data) { return SetData(data.data(), data.size()); }
  graphStatus SetData(const std::string& data) {
    return SetData(reinterpret_cast<const uint8_t*>(data.data()), data.size());
  }
  // Does not copy: the tensor and its copies use this memory and call `release` with it when the last of them is done.
  graphStatus SetData(uint8_t* data, size_t size, const DeleteFunc& release);

  // GRAPH_SUCCESS where the size is that of the description.
  graphStatus IsValid() const;
  // A copy with memory of its own.
  Tensor Clone() const;

 private:
  TensorDesc desc_;
  std::shared_ptr<uint8_t> data_;
  size_t size_ = 0;
};

}  // namespace ge

// NOLINTEND(readability-identifier-naming, google-explicit-constructor)

#endif
