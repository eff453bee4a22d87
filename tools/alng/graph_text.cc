#include "graph_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace alng::cli {
namespace {

/// Takes one line apart.
class Line {
 public:
  Line(std::string_view text, std::size_t number) : rest_(text), number_(number) {}

  template <class... Values>
  [[noreturn]] void fail(fmt::format_string<Values...> sentence, Values&&... values) const {
    throw Failure(fmt::format("line {}: {}", number_, fmt::format(sentence, std::forward<Values>(values)...)));
  }

  bool done() {
    skip();
    return rest_.empty();
  }

  void end() {
    if (!done()) fail("nothing more is expected behind it than {} has", taken_);
  }

  /// Letters; none where there are none.
  std::string_view word() {
    skip();
    const std::size_t length = std::min(rest_.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), rest_.size());
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    if (taken_.empty()) taken_ = word;
    return word;
  }

  std::size_t number() {
    skip();
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) fail("a number is expected");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  std::string quoted() {
    skip();
    if (rest_.empty() || rest_[0] != '"') fail("a text in quotes is expected");
    std::string text;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return text;
      }
      text += rest_[i] == '\\' ? escaped(i) : rest_[i];
    }
    fail("the text has no closing quote");
  }

 private:
  void skip() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

  // `i`: of the backslash; becomes that of the escape's last character.
  char escaped(std::size_t& i) {
    const std::string_view behind = rest_.substr(i + 1);
    if (!behind.empty() && (behind[0] == '"' || behind[0] == '\\')) {
      ++i;
      return behind[0];
    }
    unsigned value = 0;
    const auto digits = behind.substr(0, 3);
    if (digits.size() == 3 && digits[0] == 'x') {
      const auto [end, error] = std::from_chars(digits.data() + 1, digits.data() + 3, value, 16);
      if (error == std::errc() && end == digits.data() + 3) {
        i += 3;
        return static_cast<char>(value);
      }
    }
    fail("a backslash must be followed by \", \\, or x and two digits");
  }

  std::string_view rest_;
  std::size_t number_;
  std::string_view taken_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  GraphText parse() {
    Line first = next();
    if (first.word() != "alng" || first.word() != "graph") {
      first.fail("\"alng graph 1\" is expected: the file is none that aclgrphDumpGraph wrote");
    }
    if (const std::size_t version = first.number(); version != 1) {
      first.fail("the format has version {} but this alng reads version 1", version);
    }
    first.end();
    Line second = next();
    if (second.word() != "graph") second.fail("graph \"NAME\" is expected");
    graph_.name = second.quoted();
    second.end();
    while (!rest_.empty()) {
      Line line = next();
      if (line.done()) continue;
      read(line);
      line.end();
    }
    check();
    return std::move(graph_);
  }

 private:
  // Behind the end of the text lines are empty.
  Line next() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return {line, ++number_};
  }

  void read(Line& line) {
    const std::string_view word = line.word();
    if (word == "wrong") {
      graph_.wrong = line.quoted();
    } else if (word == "node") {
      read_node(line);
    } else if (word == "in") {
      graph_.inputs.push_back(line.number());
      input_lines_.push_back(line);
    } else if (word == "out") {
      graph_.outputs.push_back(source(line));
      output_lines_.push_back(line);
    } else if (word == "attr" || word == "open" || word == "input" || word == "output") {
      if (graph_.nodes.empty()) line.fail("{} stands before the first node", word);
      read_part(word, line);
    } else {
      line.fail("wrong, node, attr, open, input, output, in or out is expected");
    }
  }

  void read_node(Line& line) {
    const std::size_t number = line.number();
    if (number != graph_.nodes.size()) line.fail("node {} is expected here, not {}", graph_.nodes.size(), number);
    GraphText::Node node;
    node.type = line.quoted();
    node.name = line.quoted();
    graph_.nodes.push_back(std::move(node));
  }

  void read_part(std::string_view word, Line& line) {
    GraphText::Node& node = graph_.nodes.back();
    std::string name = line.quoted();
    if (word == "attr") {
      node.attributes.emplace_back(std::move(name), line.quoted());
    } else if (word == "output") {
      node.outputs.emplace_back(std::move(name), line.quoted());
    } else if (word == "open") {
      node.inputs.push_back({std::move(name), std::nullopt, line.done() ? "" : line.quoted()});
    } else {
      const Line before = line;
      if (line.word() == "none") {
        node.inputs.push_back({std::move(name), std::nullopt, "an empty operator"});
        return;
      }
      line = before;
      node.inputs.push_back({std::move(name), source(line), ""});
      sources_.push_back({graph_.nodes.size() - 1, node.inputs.size() - 1, line});
    }
  }

  static GraphText::Source source(Line& line) {
    const std::size_t node = line.number();
    return {node, line.quoted()};
  }

  // References go forwards as well as backwards, so they are looked at in the end.
  void check() const {
    // A node that no output needs may be anything, in a right graph, too: only where it comes from must be there.
    for (const auto& [node, input, line] : sources_) check_node(graph_.nodes[node].inputs[input].source->node, line);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) check(graph_.outputs[i], output_lines_[i]);
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) check_node(graph_.inputs[i], input_lines_[i]);
  }

  void check_node(std::size_t node, const Line& line) const {
    if (node >= graph_.nodes.size()) line.fail("there is no node {}: there are {}", node, graph_.nodes.size());
  }

  void check(const GraphText::Source& source, const Line& line) const {
    check_node(source.node, line);
    if (!graph_.wrong.empty()) return;
    const auto& outputs = graph_.nodes[source.node].outputs;
    const auto named = [&](const auto& output) { return output.first == source.output; };
    if (std::none_of(outputs.begin(), outputs.end(), named)) {
      line.fail("node {} has no output of that name", source.node);
    }
  }

  struct Reference {
    std::size_t node;
    std::size_t input;
    Line line;
  };
  std::string_view rest_;
  std::size_t number_ = 0;
  GraphText graph_;
  std::vector<Reference> sources_;
  std::vector<Line> input_lines_;
  std::vector<Line> output_lines_;
};

// Nothing in it ends a line or, printed, moves a cursor.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

// Inside the quotes of Graphviz, whose labels have backslashes of their own.
std::string dot(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string count(std::size_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

std::string tensor_of(const GraphText& graph, const GraphText::Source& source) {
  for (const auto& [name, tensor] : graph.nodes[source.node].outputs) {
    if (name == source.output) return tensor;
  }
  return "not known";
}

}  // namespace

GraphText parse_graph(std::string_view text) { return Parser(text).parse(); }

std::string to_text(const GraphText& graph) {
  std::string text = fmt::format("graph \"{}\": {}, {}, {}\n", printable(graph.name), count(graph.nodes.size(), "node"),
                                 count(graph.inputs.size(), "input"), count(graph.outputs.size(), "output"));
  if (!graph.wrong.empty()) text += fmt::format("wrong: {}\n", printable(graph.wrong));
  std::size_t width = 0;
  for (const GraphText::Node& node : graph.nodes) {
    for (const auto& input : node.inputs) width = std::max(width, printable(input.name).size());
    for (const auto& output : node.outputs) width = std::max(width, printable(output.first).size());
  }
  width = std::min<std::size_t>(width, 24);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphText::Node& node = graph.nodes[n];
    text += fmt::format("\n#{} {} \"{}\"", n, printable(node.type), printable(node.name));
    for (const auto& [name, value] : node.attributes) text += fmt::format("  {}={}", printable(name), printable(value));
    text += '\n';
    for (const GraphText::Input& input : node.inputs) {
      text += fmt::format("  {:<{}}  <- ", printable(input.name), width);
      if (input.source) {
        text += fmt::format("#{} \"{}\" {}: {}\n", input.source->node, printable(graph.nodes[input.source->node].name),
                            printable(input.source->output), printable(tensor_of(graph, *input.source)));
      } else {
        text += "not connected" + (input.tensor.empty() ? "" : ", " + printable(input.tensor)) + "\n";
      }
    }
    for (const auto& [name, tensor] : node.outputs) {
      text += fmt::format("  {:<{}}  -> {}\n", printable(name), width, printable(tensor));
    }
  }
  text += '\n';
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    text += fmt::format("input {}: #{} \"{}\"\n", i, graph.inputs[i], printable(graph.nodes[graph.inputs[i]].name));
  }
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const GraphText::Source& source = graph.outputs[i];
    text += fmt::format("output {}: #{} \"{}\" {}: {}\n", i, source.node, printable(graph.nodes[source.node].name),
                        printable(source.output), printable(tensor_of(graph, source)));
  }
  return text;
}

std::string to_dot(const GraphText& graph) {
  std::string text = fmt::format("digraph \"{}\" {{\n  rankdir=TB;\n  node [shape=box];\n", dot(graph.name));
  if (!graph.wrong.empty()) text += fmt::format("  label=\"wrong: {}\";\n", dot(graph.wrong));
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GraphText::Node& node = graph.nodes[n];
    const bool is_input = std::find(graph.inputs.begin(), graph.inputs.end(), n) != graph.inputs.end();
    text += fmt::format("  n{} [label=\"{}\\n{}\"{}];\n", n, dot(node.type), dot(node.name),
                        is_input ? ", style=rounded" : "");
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const GraphText::Input& input = node.inputs[i];
      if (!input.source) continue;
      text += fmt::format("  n{} -> n{} [taillabel=\"{}\", headlabel=\"{}\", label=\"{}\"];\n", input.source->node, n,
                          dot(input.source->output), dot(input.name), dot(tensor_of(graph, *input.source)));
    }
  }
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const GraphText::Source& source = graph.outputs[i];
    text += fmt::format(
        "  out{} [label=\"output {}\", shape=plaintext];\n  n{} -> out{} [taillabel=\"{}\", label=\"{}\"];\n", i, i,
        source.node, i, dot(source.output), dot(tensor_of(graph, source)));
  }
  return text + "}\n";
}

}  // namespace alng::cli
