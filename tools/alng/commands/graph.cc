#include <fmt/format.h>

#include <memory>
#include <string>

#include "commands/commands.h"
#include "files/tensor_file.h"
#include "graph_text.h"

namespace alng::cli {
namespace {

struct GraphOptions {
  std::string file;
  bool dot = false;
};

void graph(const GraphOptions& options) {
  const InputFile file(options.file);
  const auto bytes = file.bytes();
  file.load(bytes);
  try {
    const GraphText parsed = parse_graph({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    fmt::print("{}", options.dot ? to_dot(parsed) : to_text(parsed));
  } catch (const Failure& failure) {
    throw Failure(fmt::format("{}: {}", options.file, failure.what()));
  }
}

}  // namespace

void add_graph(CLI::App& app, int&) {
  const auto options = std::make_shared<GraphOptions>();
  CLI::App& command = *app.add_subcommand("graph", "Show a graph that aclgrphDumpGraph wrote.");
  command.add_option("FILE", options->file, "The text of the graph.")->required();
  command.add_flag("--dot", options->dot, "Print it for Graphviz: alng graph FILE --dot | dot -Tsvg > graph.svg");
  command.callback([options] { graph(*options); });
}

}  // namespace alng::cli
