#include "graph/operator_factory.h"

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "runtime/fork.h"

namespace ge {
namespace {

struct Creators {
  alng::cann::ForkedMutex mutex;
  std::map<std::string, std::vector<std::pair<const OperatorCreatorRegister*, OpCreatorV2>>> of;
};

Creators& creators() {
  static Creators& all = *new Creators;  // outlives the registrations of every program and library
  return all;
}

}  // namespace

Operator OperatorFactory::CreateOperator(const char* name, const char* type) {
  OpCreatorV2 creator;
  {
    Creators& all = creators();
    const std::lock_guard lock(all.mutex);
    const auto found = all.of.find(type == nullptr ? "" : type);
    if (found == all.of.end()) return {};
    creator = found->second.back().second;
  }
  return creator(AscendString(name));
}

graphStatus OperatorFactory::GetOpsTypeList(std::vector<AscendString>& types) {
  Creators& all = creators();
  const std::lock_guard lock(all.mutex);
  types.clear();
  for (const auto& [type, list] : all.of) types.emplace_back(type.c_str());
  return GRAPH_SUCCESS;
}

bool OperatorFactory::IsExistOp(const char* type) {
  Creators& all = creators();
  const std::lock_guard lock(all.mutex);
  return type != nullptr && all.of.count(type) > 0;
}

OperatorCreatorRegister::OperatorCreatorRegister(const char* type, const OpCreatorV2& creator) {
  Creators& all = creators();
  const std::lock_guard lock(all.mutex);
  all.of[type == nullptr ? "" : type].emplace_back(this, creator);
}

// A library with a type's class in it may be unloaded, and the creator is its code.
OperatorCreatorRegister::~OperatorCreatorRegister() {
  Creators& all = creators();
  const std::lock_guard lock(all.mutex);
  for (auto at = all.of.begin(); at != all.of.end();) {
    auto& list = at->second;
    for (std::size_t i = list.size(); i-- > 0;) {
      if (list[i].first == this) list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
    }
    at = list.empty() ? all.of.erase(at) : std::next(at);
  }
}

}  // namespace ge
