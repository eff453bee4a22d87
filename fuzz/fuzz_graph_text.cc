// The reader of graphs' texts: refuses with the number of a line, or reads what can be printed and drawn.
#include <cstring>
#include <string_view>

#include "check.h"
#include "graph_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alng::cli;  // NOLINT(google-build-using-namespace): the door of this file
  try {
    const GraphText graph = parse_graph({reinterpret_cast<const char*>(data), size});
    ALNG_FUZZ_CHECK(to_text(graph).starts_with("graph \""));
    ALNG_FUZZ_CHECK(to_dot(graph).ends_with("}\n"));
  } catch (const Failure& failure) {
    ALNG_FUZZ_CHECK(std::strncmp(failure.what(), "line ", 5) == 0);
  }
  return 0;
}
