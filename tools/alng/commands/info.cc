#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "terminal/report.h"

namespace alng::cli {
namespace {

nlohmann::ordered_json to_json(const std::vector<Availability>& list) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Availability& item : list) {
    json.push_back({{"name", item.name}, {"available", item.available}, {"reason", item.reason}});
  }
  return json;
}

std::string to_text(const std::vector<Availability>& list) {
  std::string text;
  for (const Availability& item : list) {
    text += fmt::format("{:<12} {:<4} {}\n", item.name, item.available ? "yes" : "no", item.reason);
  }
  return text;
}

void info(bool json) {
  if (json) {
    print_json({{"version", version()},
                {"canonical_order", canonical_order()},
                {"devices", to_json(devices())},
                {"instruction_sets", to_json(instruction_sets())}});
    return;
  }
  print_fields({{"version", version()},
                {"canonical order",
                 fmt::format("{} (results of equal versions are the same bits everywhere)", canonical_order())},
                {"devices", to_text(devices())},
                {"instruction sets", to_text(instruction_sets())}});
}

}  // namespace

void add_info(CLI::App& app, int&) {
  const auto json = std::make_shared<bool>(false);
  CLI::App& command =
      add_command(app, "info", "Show version, devices and instruction sets, and why each is or isn't available.",
                  [json] { info(*json); });
  add_json_option(command, *json);
}

}  // namespace alng::cli
