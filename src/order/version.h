// The version of the canonical order.
#ifndef ALNG_ORDER_VERSION_H
#define ALNG_ORDER_VERSION_H

#include <cstdint>

namespace alng::impl {

/// Results of equal versions are the same bits. It changes with a major version only.
inline constexpr std::int32_t canonical_order = 1;

}  // namespace alng::impl

#endif
