#include "runtime/product.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

#include "acl/acl_rt.h"
#include "alng_cann.h"

namespace alng::cann {
namespace {

// The table of the operator's page. A name belongs to the longest `chip` it begins with.
constexpr Product table[] = {
    {"alng", "no product: what alng itself can", true, true, nullptr},
    {"Ascend950PR", "Ascend 950PR", true, false, "ascend:950pr"},
    {"Ascend950DT", "Ascend 950DT", true, false, "ascend:950dt"},
    {"Ascend910_93", "Atlas A3", true, false, "ascend:a3"},
    {"Ascend910B", "Atlas A2", true, false, "ascend:a2"},
    {"Ascend310P", "Atlas inference series", false, false, nullptr},
};

// Chips have names like Ascend910_9392 and Ascend950PR_9599.
constexpr std::size_t longest_name = 32;

const Product* find(const std::string& name) {
  if (name.size() > longest_name) return nullptr;
  const Product* best = nullptr;
  for (const Product& product : table) {
    if (name.rfind(product.chip, 0) != 0) continue;
    if (best == nullptr || std::strlen(product.chip) > std::strlen(best->chip)) best = &product;
  }
  // "alng" is no family of chips.
  return best == table && name != table[0].chip ? nullptr : best;
}

struct Current {
  ForkedMutex mutex;
  bool known = false;
  const Product* product = nullptr;
  const char* name = nullptr;
  std::string asked_for;
  std::set<std::string> names;  // handed out by aclrtGetSocName, so never dropped
};

Current& current() {
  static Current& current = *new Current;  // outlives every thread that may still ask
  return current;
}

void choose(Current& current, const char* asked_for) {
  current.asked_for = asked_for == nullptr || *asked_for == '\0' ? table[0].chip : asked_for;
  current.product = find(current.asked_for);
  current.name = current.product == nullptr ? nullptr : current.names.insert(current.asked_for).first->c_str();
  current.known = true;
}

void look_at_environment(Current& current) {
  if (!current.known) choose(current, std::getenv("ALNG_SOC"));
}

std::string unknown(const std::string& name) {
  std::string text = "the product is \"" + name + "\" but must be one of";
  for (const Product& product : table) text += std::string(&product == table ? " " : ", ") + product.chip;
  return text + ", or a chip's name that begins so";
}

}  // namespace

const Product* current_product() {
  Current& state = current();
  const std::lock_guard lock(state.mutex);
  look_at_environment(state);
  return state.product;
}

const char* current_product_name() {
  Current& state = current();
  const std::lock_guard lock(state.mutex);
  look_at_environment(state);
  return state.name;
}

Answer check_product() {
  Current& state = current();
  const std::lock_guard lock(state.mutex);
  look_at_environment(state);
  return state.product == nullptr ? invalid("ALNG_SOC: " + unknown(state.asked_for)) : Answer{};
}

}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

const char* aclrtGetSocName(void) {
  const char* name = nullptr;
  guarded([&] {
    name = current_product_name();
    return name == nullptr ? check_product() : Answer{};
  });
  return name;
}

aclError alngCannSetProduct(const char* name) {
  return guarded([&]() -> Answer {
    if (name != nullptr && find(name) == nullptr) return invalid("alngCannSetProduct: " + unknown(name));
    Current& state = current();
    const std::lock_guard lock(state.mutex);
    choose(state, name != nullptr ? name : std::getenv("ALNG_SOC"));
    return {};
  });
}

}  // extern "C"
