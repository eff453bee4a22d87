// The memory plan of random graphs, held against who is alive when: no two values that live at once share a byte.
#include <gtest/gtest.h>

#include <algorithm>

#include "cann/tests/graph/random_graph.h"
#include "ge/checked_graph.h"
#include "ge/program.h"

namespace alng::test {
namespace {

using namespace cann::engine;  // NOLINT(google-build-using-namespace): the room under test

struct Living {
  std::size_t value;       // `nothing`: a workspace
  std::size_t from, to;    // nodes
  std::size_t begin, end;  // bytes
};

// Whether the node may write `later` where it reads `earlier`: the two have one place, and its kernel allows it.
bool taken_over(const CheckedGraph& graph, const Program& program, const Living& earlier, const Living& later) {
  if (earlier.begin != later.begin || earlier.end != later.end || later.value == nothing) return false;
  const Node& node = graph.nodes()[later.from];
  const auto step = std::find_if(program.steps().begin(), program.steps().end(),
                                 [&later](const Program::Step& each) { return each.node == later.from; });
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == earlier.value && !step->kernel->may_overwrite(i, later.value - node.first_value))
      return false;
  }
  return true;
}

TEST(GraphPlans, GiveWhatLivesAtOncePlacesOfTheirOwn) {
  const Engine engine;
  std::size_t pairs = 0, reused = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    const RandomGraph random(seed);
    const auto checked = CheckedGraph::create(random.graph);
    ASSERT_TRUE(checked.ok()) << checked.status().message();
    const CheckedGraph& graph = *checked.value();
    const auto program = Program::create(checked.value(), graph.told(), 0);
    ASSERT_TRUE(program.ok()) << program.status().message();

    std::vector<Living> all;
    for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
      const Node& node = graph.nodes()[n];
      for (std::size_t value = node.first_value; value < node.first_value + node.kind->outputs().size(); ++value) {
        const Program::Place& place = program.value()->places()[value];
        if (place.where != Program::Place::Where::scratch) continue;
        std::size_t last = n;
        for (std::size_t reader = n; reader < graph.nodes().size(); ++reader) {
          const auto& inputs = graph.nodes()[reader].inputs;
          if (std::find(inputs.begin(), inputs.end(), value) != inputs.end()) last = reader;
        }
        all.push_back({value, n, last, place.at, place.at + bytes_of(graph.specs()[value])});
      }
    }
    for (const Program::Step& step : program.value()->steps()) {
      all.push_back({nothing, step.node, step.node, step.workspace, step.workspace + step.kernel->workspace_size()});
    }
    std::size_t total = 0;
    for (const Living& a : all) {
      EXPECT_LE(a.end, program.value()->scratch_size());
      total += a.end - a.begin;
      for (const Living& b : all) {
        if (&a == &b || a.from > b.from || b.from > a.to) continue;
        ++pairs;
        const bool apart = a.end <= b.begin || b.end <= a.begin;
        const bool handed_over = a.to == b.from && a.from < b.from && taken_over(graph, *program.value(), a, b);
        EXPECT_TRUE(apart || handed_over) << "seed " << seed << ": values " << a.value << " and " << b.value
                                          << " at bytes " << a.begin << " and " << b.begin;
      }
    }
    reused += total > program.value()->scratch_size() ? 1 : 0;
    if (HasFailure()) return;
  }
  EXPECT_GT(pairs, 2000U);
  EXPECT_GT(reused, 100U);
}

}  // namespace
}  // namespace alng::test
