// Operator: a handle of one node of a graph that is being built. C++14.
#ifndef ALNG_CANN_GRAPH_OPERATOR_H
#define ALNG_CANN_GRAPH_OPERATOR_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/tensor.h"
#include "graph/types.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CANN's

namespace ge {

class OperatorImpl;

// Copies are the same node. A node keeps alive the nodes that its inputs come from. Nothing here is judged: what a
// graph's nodes may be is told where the graph is added to a session.
//
// Building is for one thread at a time; a graph that is built may be read by many.
class GE_FUNC_VISIBILITY Operator {
 public:
  // The attribute types that REG_OP names.
  using OpInt = int64_t;
  using OpFloat = float;
  using OpBool = bool;
  using OpString = std::string;
  using OpType = DataType;
  using OpTensor = Tensor;
  using OpListInt = std::vector<int64_t>;

  // No node.
  Operator() = default;
  // A node without inputs and outputs; REG_OP declares those of its type. A null name or type is an empty one. Names
  // need not differ.
  Operator(const char* name, const char* type);
  Operator(const std::string& name, const std::string& type) : Operator(name.c_str(), type.c_str()) {}
  virtual ~Operator() = default;
  Operator(const Operator&) = default;
  Operator(Operator&&) = default;
  Operator& operator=(const Operator&) = default;
  Operator& operator=(Operator&&) = default;

  bool IsEmpty() const { return impl_ == nullptr; }
  graphStatus GetName(AscendString& name) const;
  graphStatus GetOpType(AscendString& type) const;
  std::string GetName() const {
    AscendString name;
    GetName(name);
    return name.GetString();
  }
  std::string GetOpType() const {
    AscendString type;
    GetOpType(type);
    return type.GetString();
  }

  // Connects the input `dst_name` to an output of `src`: the first one, the one named, or the one at `src_index`. The
  // latest connection of an input counts.
  Operator& SetInput(const char* dst_name, const Operator& src);
  Operator& SetInput(const char* dst_name, const Operator& src, const char* src_name);
  Operator& SetInput(const char* dst_name, const Operator& src, uint32_t src_index);
  Operator& SetInput(const std::string& dst_name, const Operator& src) { return SetInput(dst_name.c_str(), src); }
  Operator& SetInput(const std::string& dst_name, const Operator& src, const std::string& src_name) {
    return SetInput(dst_name.c_str(), src, src_name.c_str());
  }

  // How many there are in the type's declaration.
  size_t GetInputsSize() const;
  size_t GetOutputsSize() const;

  // What was said about an input or output; a default description where nothing was. Of op::Data it is what tensors of
  // a run are held against; of all others the engine infers it, and what was said here does not count.
  TensorDesc GetInputDescByName(const char* name) const;
  TensorDesc GetOutputDescByName(const char* name) const;
  TensorDesc GetInputDesc(uint32_t index) const;
  TensorDesc GetOutputDesc(uint32_t index) const;
  // GRAPH_FAILED where there is no such input or output.
  graphStatus UpdateInputDesc(const char* name, const TensorDesc& desc);
  graphStatus UpdateOutputDesc(const char* name, const TensorDesc& desc);

  Operator& SetAttr(const char* name, int64_t value);
  Operator& SetAttr(const char* name, int32_t value) { return SetAttr(name, static_cast<int64_t>(value)); }
  Operator& SetAttr(const char* name, uint32_t value) { return SetAttr(name, static_cast<int64_t>(value)); }
  Operator& SetAttr(const char* name, float value);
  Operator& SetAttr(const char* name, bool value);
  Operator& SetAttr(const char* name, DataType value);
  Operator& SetAttr(const char* name, const char* value);
  Operator& SetAttr(const char* name, const AscendString& value) { return SetAttr(name, value.GetString()); }
  Operator& SetAttr(const char* name, const std::string& value) { return SetAttr(name, value.c_str()); }
  Operator& SetAttr(const char* name, const Tensor& value);
  Operator& SetAttr(const char* name, const std::vector<int64_t>& value);
  template <class Value>
  Operator& SetAttr(const std::string& name, const Value& value) {
    return SetAttr(name.c_str(), value);
  }

  // GRAPH_FAILED where there is no such attribute of this type; `value` is then untouched.
  graphStatus GetAttr(const char* name, int64_t& value) const;
  graphStatus GetAttr(const char* name, float& value) const;
  graphStatus GetAttr(const char* name, bool& value) const;
  graphStatus GetAttr(const char* name, DataType& value) const;
  graphStatus GetAttr(const char* name, AscendString& value) const;
  graphStatus GetAttr(const char* name, Tensor& value) const;
  graphStatus GetAttr(const char* name, std::vector<int64_t>& value) const;
  graphStatus GetAttr(const char* name, std::string& value) const {
    AscendString text;
    const graphStatus status = GetAttr(name, text);
    if (status == GRAPH_SUCCESS) value.assign(text.GetString(), text.GetLength());
    return status;
  }

 protected:
  // What REG_OP calls. `types` is the text of the dtypes, kept for nobody.
  void InputRegister(const char* name, const char* types);
  void OptionalInputRegister(const char* name, const char* types);
  void OutputRegister(const char* name, const char* types);
  void RequiredAttrRegister(const char* name, const char* type);
  template <class Value>
  void AttrRegister(const char* name, const Value& value) {
    SetAttr(name, value);
  }

 private:
  friend class OperatorImpl;
  std::shared_ptr<OperatorImpl> impl_;
};

}  // namespace ge

// NOLINTEND(readability-identifier-naming)

#endif
