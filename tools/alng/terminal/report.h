// What a command prints on stdout.
#ifndef ALNG_TOOLS_REPORT_H
#define ALNG_TOOLS_REPORT_H

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace alng::cli {

/// Lines of a name and a value (of one or more lines), the values under each other.
void print_fields(const std::vector<std::pair<std::string, std::string>>& fields);
void print_json(const nlohmann::ordered_json& json);
/// Throws `Failure` where some of what was printed could not be written to stdout. A command that writes files prints
/// its report and calls this before it gives the files their names: a command that fails leaves no file.
void finish_report();

}  // namespace alng::cli

#endif
