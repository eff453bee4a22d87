#include "terminal/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "terminal/failure.h"

namespace alng::cli {

void print_fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t width = 0;
  for (const auto& [name, value] : fields) width = std::max(width, name.size());
  for (const auto& [name, value] : fields) {
    std::istringstream lines(value);
    std::string line;
    for (bool first = true; std::getline(lines, line); first = false) {
      fmt::print("{:<{}}  {}\n", first ? name : "", width, line);
    }
  }
}

void print_json(const nlohmann::ordered_json& json) {
  // JSON must be UTF-8; a file's name need not be.
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void finish_report() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw Failure(fmt::format("can't write stdout: {}", std::strerror(errno)));
}

}  // namespace alng::cli
