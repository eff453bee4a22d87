#include "ge/kinds/kinds.h"

#include <array>

namespace alng::cann::engine {
namespace {

// In alphabetical order.
const std::array<const NodeKind*, 5>& kinds() {
  static const std::array<const NodeKind*, 5> all = {&add_kind(), &add_layer_norm_grad_kind(), &cast_kind(),
                                                     &const_kind(), &data_kind()};
  return all;
}

}  // namespace

const NodeKind* find_kind(std::string_view type) {
  for (const NodeKind* kind : kinds()) {
    if (kind->type() == type) return kind;
  }
  return nullptr;
}

std::string kinds_in_words() {
  std::string text;
  for (std::size_t i = 0; i < kinds().size(); ++i) {
    if (i > 0) text += i + 1 < kinds().size() ? ", " : " and ";
    text += kinds()[i]->type();
  }
  return text;
}

}  // namespace alng::cann::engine
