// The text that aclgrphDumpGraph (cann/ge/dump.cc) writes of a graph:
//
//   alng graph 1                       the format and its version
//   graph "NAME"
//   wrong "SENTENCE"                   only of a graph that a session refuses: why
//   node 0 "TYPE" "NAME"               nodes are numbered in order; names need not differ
//     attr "NAME" "VALUE"
//     open "INPUT" ["TENSOR"]          an input that is not connected, and what the program says of it
//     input "INPUT" 3 "OUTPUT"         an input that comes from an output of node 3
//     input "INPUT" none               from nothing: an empty operator
//     output "OUTPUT" "TENSOR"         "float32[4, -1]"; -1: known at the run only
//   in 0                               the node of a run's first tensor, of the second, ...
//   out 3 "OUTPUT"                     the graph's first output, the second, ...
//
// Texts are in quotes; in them \" and \\ are those characters and \x0a is the character of that number.
#ifndef ALNG_TOOLS_GRAPH_TEXT_H
#define ALNG_TOOLS_GRAPH_TEXT_H

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "terminal/failure.h"

namespace alng::cli {

struct GraphText {
  /// An output of a node: its place in `nodes`, and the output's name.
  struct Source {
    std::size_t node = 0;
    std::string output;
  };
  struct Input {
    std::string name;
    /// Nothing: not connected.
    std::optional<Source> source;
    /// What the program says of it, where it is not connected.
    std::string tensor;
  };
  struct Node {
    std::string type;
    std::string name;
    std::vector<std::pair<std::string, std::string>> attributes;
    std::vector<Input> inputs;
    /// Name and tensor.
    std::vector<std::pair<std::string, std::string>> outputs;
  };

  std::string name;
  std::string wrong;
  std::vector<Node> nodes;
  std::vector<std::size_t> inputs;
  std::vector<Source> outputs;
};

/// Throws Failure with the number of the line that is wrong. Connections lead to nodes there are; the graph's outputs
/// are outputs that their nodes have, unless the text says that the graph is wrong.
GraphText parse_graph(std::string_view text);

/// For people, several lines.
std::string to_text(const GraphText& graph);
/// For Graphviz.
std::string to_dot(const GraphText& graph);

}  // namespace alng::cli

#endif
