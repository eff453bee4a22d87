#include "ge/node_kind.h"

namespace alng::cann::engine {

Status NodeKind::read(const ge::OperatorImpl&, Node&) const { return {}; }

Result<std::vector<TensorSpec>> NodeKind::infer(const Node& node, const InputSpecs&) const {
  return std::vector<TensorSpec>{node.told};
}

Result<std::shared_ptr<const Kernel>> NodeKind::prepare(const Node&, const InputSpecs&, std::span<const TensorSpec>,
                                                        const std::vector<bool>&, int) const {
  return Status(Code::unsupported, std::string(type()) + " computes nothing");
}

}  // namespace alng::cann::engine
