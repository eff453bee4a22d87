// What a kind of node is: its ports, what it makes of dtypes and shapes, and what computes it. Each kind is a file in
// ge/kinds and a line in ge/kinds/kinds.cc.
#ifndef ALNG_CANN_GE_NODE_KIND_H
#define ALNG_CANN_GE_NODE_KIND_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alng/alng.hpp"
#include "ge/operator_impl.h"
#include "ge/tensor_spec.h"

namespace alng::cann::engine {

class NodeKind;

/// No value: an input that is not connected.
inline constexpr std::size_t nothing = static_cast<std::size_t>(-1);

/// A node of a graph that was checked.
struct Node {
  /// `node "name" (Type)`, for sentences.
  std::string label;
  const NodeKind* kind = nullptr;
  /// For each input of the kind the value that it reads, or `nothing`.
  std::vector<std::size_t> inputs;
  /// Its outputs are this value and those behind it.
  std::size_t first_value = 0;
  std::map<std::string, ge::AttrValue> attributes;
  /// Of a node that computes nothing: what is known of its output.
  TensorSpec told;
  /// Of a constant: its elements.
  std::shared_ptr<const std::uint8_t> constant;
};

struct InputPort {
  std::string_view name;
  bool required = true;
};

/// How a node's output comes to be.
enum class Role { fed, constant, computed };

/// Computes one node, for dtypes and shapes that are known. Immutable: several threads may run it at once.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// Bytes of memory a run needs for itself.
  virtual std::size_t workspace_size() const { return 0; }
  /// Whether the output may be written where the input lies.
  virtual bool may_overwrite(std::size_t input, std::size_t output) const = 0;
  /// Pointers by ports; null for an input that is not connected and for an output that is not wanted.
  virtual Status run(const std::byte* const* inputs, std::byte* const* outputs, std::byte* workspace) const = 0;
};

/// By ports; null where not connected.
using InputSpecs = std::vector<const TensorSpec*>;

class NodeKind {
 public:
  virtual ~NodeKind() = default;
  virtual std::string_view type() const = 0;
  virtual Role role() const { return Role::computed; }
  virtual std::span<const InputPort> inputs() const = 0;
  virtual std::span<const std::string_view> outputs() const = 0;

  /// Takes what it needs of the operator beside its connections and attributes.
  virtual Status read(const ge::OperatorImpl& op, Node& node) const;

  /// Dtypes and shapes of the outputs, as far as they follow from those of the inputs; a refusal where the inputs can't
  /// be right whatever is not known yet. With inputs that are known, outputs are.
  virtual Result<std::vector<TensorSpec>> infer(const Node& node, const InputSpecs& inputs) const;

  /// What computes the node; of kinds that compute. All specs are known.
  virtual Result<std::shared_ptr<const Kernel>> prepare(const Node& node, const InputSpecs& inputs,
                                                        std::span<const TensorSpec> outputs,
                                                        const std::vector<bool>& wanted, int device) const;
};

/// Null where there is no such kind.
const NodeKind* find_kind(std::string_view type);

/// `"Add, Cast and Data"`, all of them in alphabetical order.
std::string kinds_in_words();

}  // namespace alng::cann::engine

#endif
