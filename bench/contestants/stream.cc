// The limit of the machine: the same bytes read and written past the caches, with nothing to compute. The fastest of
// several ways of going through memory counts.
#include "yardsticks/stream.h"

#include <oneapi/tbb/info.h>

#include <cstdio>
#include <memory>

#include "contestant.h"

namespace {

struct Contestant {
  alng::cli::StreamVariant variant{};
  alng::cli::StreamArrays arrays;
};

}  // namespace

extern "C" {

int contestant_variants(void) { return static_cast<int>(alng::cli::stream_variants({3, 1}).size()); }

void* contestant_create(const contestant_problem* p, char* why, size_t size) {
  auto contestant = std::make_unique<Contestant>();
  auto& arrays = contestant->arrays;
  for (const void* read : {p->dy, p->x1, p->x2, p->dsum}) {
    if (read != nullptr) arrays.read[arrays.mix.reads++] = static_cast<const std::byte*>(read);
  }
  for (void* write : {p->dx, p->y, p->x}) {
    if (write != nullptr) arrays.write[arrays.mix.writes++] = static_cast<std::byte*>(write);
  }
  arrays.bytes = static_cast<std::size_t>(p->rows * p->columns) * (p->dtype == CONTESTANT_FLOAT32 ? 4 : 2);
  const auto variants = alng::cli::stream_variants(arrays.mix);
  if (static_cast<std::size_t>(p->variant) >= variants.size()) {
    std::snprintf(why, size, "there is no variant %d", p->variant);
    return nullptr;
  }
  contestant->variant = variants[static_cast<std::size_t>(p->variant)];
  return contestant.release();
}

void contestant_run(void* handle) {
  const auto& contestant = *static_cast<Contestant*>(handle);
  alng::cli::run_stream(contestant.variant, contestant.arrays, tbb::info::default_concurrency());
}

void contestant_destroy(void* handle) { delete static_cast<Contestant*>(handle); }
const char* contestant_version(void) { return "non-temporal stores"; }

}  // extern "C"
