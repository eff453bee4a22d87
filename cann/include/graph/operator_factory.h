// Operators made by the name of their type. C++14.
#ifndef ALNG_CANN_GRAPH_OPERATOR_FACTORY_H
#define ALNG_CANN_GRAPH_OPERATOR_FACTORY_H

#include <functional>
#include <string>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/operator.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CANN's

namespace ge {

using OpCreatorV2 = std::function<Operator(const AscendString&)>;

// Knows the types that this program's headers declare by REG_OP.
class GE_FUNC_VISIBILITY OperatorFactory {
 public:
  // An empty Operator where no such type is declared.
  static Operator CreateOperator(const char* name, const char* type);
  static Operator CreateOperator(const std::string& name, const std::string& type) {
    return CreateOperator(name.c_str(), type.c_str());
  }
  // In alphabetical order.
  static graphStatus GetOpsTypeList(std::vector<AscendString>& types);
  static bool IsExistOp(const char* type);
};

// As long as it lives, the factory knows a type. Several may know the same; the latest is asked.
class GE_FUNC_VISIBILITY OperatorCreatorRegister {
 public:
  OperatorCreatorRegister(const char* type, const OpCreatorV2& creator);
  ~OperatorCreatorRegister();
  OperatorCreatorRegister(const OperatorCreatorRegister&) = delete;
  OperatorCreatorRegister& operator=(const OperatorCreatorRegister&) = delete;
};

}  // namespace ge

// NOLINTEND(readability-identifier-naming)

#endif
