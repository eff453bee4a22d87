// REG_OP: the declaration of an operator type, from which comes its class in namespace ge::op. C++14.
//
//   REG_OP(Scale)
//       .INPUT(x, TensorType({DT_FLOAT}))
//       .OPTIONAL_INPUT(bias, TensorType({DT_FLOAT}))
//       .OUTPUT(y, TensorType({DT_FLOAT}))
//       .ATTR(factor, Float, 1.0)
//       .OP_END_FACTORY_REG(Scale)
//
// inside namespace ge makes ge::op::Scale, with set_input_x, set_input_bias, set_attr_factor and so on. Each word ends
// the member function that the word before it began, declares members, and begins a function of its own, of which the
// words behind it are a part; the constructor calls the first function, and each calls the next. The types of inputs
// and outputs are text to nobody here: what an operator takes is judged where a graph is added to a session.
#ifndef ALNG_CANN_GRAPH_OPERATOR_REG_H
#define ALNG_CANN_GRAPH_OPERATOR_REG_H

#include <string>

#include "graph/ascend_string.h"
#include "graph/operator.h"
#include "graph/operator_factory.h"
#include "graph/tensor.h"
#include "graph/types.h"

// NOLINTBEGIN(readability-identifier-naming, bugprone-macro-parentheses): the names are CANN's

namespace ge {

// What the dot before the next word is applied to.
struct IrDeclaration {
  void Next() const {}
};

}  // namespace ge

#define REG_OP(kind)                                                                                         \
  namespace op {                                                                                             \
  class kind : public ::ge::Operator {                                                                       \
    typedef kind ThisOp;                                                                                     \
                                                                                                             \
   public:                                                                                                   \
    kind() : ::ge::Operator("", #kind) { DeclareIr(); }                                                      \
    explicit kind(const char* name) : ::ge::Operator(name, #kind) { DeclareIr(); }                           \
    explicit kind(const ::std::string& name) : ::ge::Operator(name.c_str(), #kind) { DeclareIr(); }          \
    explicit kind(const ::ge::AscendString& name) : ::ge::Operator(name.GetString(), #kind) { DeclareIr(); } \
                                                                                                             \
   private:                                                                                                  \
    void DeclareIr() {                                                                                       \
      ::ge::IrDeclaration()

#define ALNG_IR_NEXT(function) \
  Next();                      \
  function();                  \
  }                            \
                               \
 public:

#define ALNG_IR_INPUT(x, types, declare)                                                                      \
  ALNG_IR_NEXT(DeclareInput_##x)                                                                              \
  static ::std::string name_in_##x() { return #x; }                                                           \
  ThisOp& set_input_##x(const ::ge::Operator& source) {                                                       \
    SetInput(#x, source);                                                                                     \
    return *this;                                                                                             \
  }                                                                                                           \
  ThisOp& set_input_##x(const ::ge::Operator& source, uint32_t index) {                                       \
    SetInput(#x, source, index);                                                                              \
    return *this;                                                                                             \
  }                                                                                                           \
  ThisOp& set_input_##x(const ::ge::Operator& source, const ::std::string& name) {                            \
    SetInput(#x, source, name.c_str());                                                                       \
    return *this;                                                                                             \
  }                                                                                                           \
  ThisOp& set_input_##x##_by_name(const ::ge::Operator& source, const char* name) {                           \
    SetInput(#x, source, name);                                                                               \
    return *this;                                                                                             \
  }                                                                                                           \
  ::ge::TensorDesc get_input_desc_##x() const { return GetInputDescByName(#x); }                              \
  ::ge::graphStatus update_input_desc_##x(const ::ge::TensorDesc& desc) { return UpdateInputDesc(#x, desc); } \
                                                                                                              \
 private:                                                                                                     \
  void DeclareInput_##x() {                                                                                   \
    declare(#x, #types);                                                                                      \
    ::ge::IrDeclaration()

// x: the input's name. types: the dtypes it takes.
#define INPUT(x, types) ALNG_IR_INPUT(x, types, InputRegister)

// An input that need not be set.
#define OPTIONAL_INPUT(x, types) ALNG_IR_INPUT(x, types, OptionalInputRegister)

// y: the output's name. types: the dtypes it may have.
#define OUTPUT(y, types)                                                                                        \
  ALNG_IR_NEXT(DeclareOutput_##y)                                                                               \
  static ::std::string name_out_##y() { return #y; }                                                            \
  ::ge::TensorDesc get_output_desc_##y() const { return GetOutputDescByName(#y); }                              \
  ::ge::graphStatus update_output_desc_##y(const ::ge::TensorDesc& desc) { return UpdateOutputDesc(#y, desc); } \
                                                                                                                \
 private:                                                                                                       \
  void DeclareOutput_##y() {                                                                                    \
    OutputRegister(#y, #types);                                                                                 \
    ::ge::IrDeclaration()

#define ALNG_IR_ATTR(a, type)                         \
  ALNG_IR_NEXT(DeclareAttr_##a)                       \
  static ::std::string name_attr_##a() { return #a; } \
  ThisOp& set_attr_##a(const Op##type& value) {       \
    SetAttr(#a, value);                               \
    return *this;                                     \
  }                                                   \
  Op##type get_attr_##a() const {                     \
    Op##type value{};                                 \
    GetAttr(#a, value);                               \
    return value;                                     \
  }                                                   \
                                                      \
 private:                                             \
  void DeclareAttr_##a() {
// a: the attribute's name. type: Int, Float, Bool, String, Type, Tensor or ListInt. The rest: what it is where not set.
#define ATTR(a, type, ...)                 \
  ALNG_IR_ATTR(a, type)                    \
  AttrRegister(#a, Op##type(__VA_ARGS__)); \
  ::ge::IrDeclaration()

// An attribute that must be set.
#define REQUIRED_ATTR(a, type)     \
  ALNG_IR_ATTR(a, type)            \
  RequiredAttrRegister(#a, #type); \
  ::ge::IrDeclaration()

// Ends the class and makes the factory know it. A semicolon may follow.
#define OP_END_FACTORY_REG(kind)                                                           \
  Next();                                                                                  \
  }                                                                                        \
  }                                                                                        \
  ;                                                                                        \
  static const ::ge::OperatorCreatorRegister g_creator_of_##kind(                          \
      #kind, [](const ::ge::AscendString& name) -> ::ge::Operator { return kind(name); }); \
  }

// NOLINTEND(readability-identifier-naming, bugprone-macro-parentheses)

#endif
