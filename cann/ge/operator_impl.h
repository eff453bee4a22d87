// A node as the program builds it.
#ifndef ALNG_CANN_GE_OPERATOR_IMPL_H
#define ALNG_CANN_GE_OPERATOR_IMPL_H

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "graph/operator.h"

namespace ge {

using AttrValue = std::variant<int64_t, float, bool, DataType, std::string, Tensor, std::vector<int64_t>>;

// Where an input comes from.
struct Link {
  std::shared_ptr<OperatorImpl> source;
  // Instead of `source` where the link closes a cycle, which would never be freed.
  std::weak_ptr<OperatorImpl> around;
  bool closes_cycle = false;
  // The output, by one of both.
  std::optional<std::string> name;
  uint32_t index = 0;
};

struct Port {
  std::string name;
  bool required = true;
};

class OperatorImpl {
 public:
  OperatorImpl(std::string of_name, std::string of_type) : name(std::move(of_name)), type(std::move(of_type)) {}
  ~OperatorImpl();
  OperatorImpl(const OperatorImpl&) = delete;
  OperatorImpl& operator=(const OperatorImpl&) = delete;

  static const std::shared_ptr<OperatorImpl>& of(const Operator& op) { return op.impl_; }
  static Operator handle(std::shared_ptr<OperatorImpl> impl);

  // Makes `link` where the input `port` comes from.
  static void connect(const std::shared_ptr<OperatorImpl>& self, const char* port, const Operator& source, Link link);

  std::string name;
  std::string type;
  std::vector<Port> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, Link> links;
  // Where something was said.
  std::map<std::string, TensorDesc> input_descs;
  std::map<std::string, TensorDesc> output_descs;
  std::map<std::string, AttrValue> attributes;
  // Others were connected to it: only then can an input of its own close a cycle.
  bool is_source = false;
};

}  // namespace ge

#endif
