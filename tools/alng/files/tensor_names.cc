#include "files/tensor_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "terminal/failure.h"

namespace alng::cli {
namespace {

struct Alias {
  std::string_view name;
  std::string_view others;  // as `plain` makes them, between spaces
};

// What PyTorch, JAX, Triton kernels and fused CUDA kernels call these.
constexpr std::array<Alias, 8> aliases{{{"dy", " gradoutput gradout grad dout doutput dz grady gradoutputs "},
                                        {"x1", " x input inputs hiddenstates a "},
                                        {"x2", " residual res skip b "},
                                        {"rstd", " invstd invvar rsigma invstddev istd rstddev rsqrtvar savedrstd "},
                                        {"mean", " mu average avg savedmean savemean "},
                                        {"gamma", " weight w scale lnweight g "},
                                        {"beta", " bias lnbias shift "},
                                        {"dsum", " dresidual gradresidual dres ds dsumoptional dadd "}}};

// The last part of a dotted name, letters and digits alone, in lower case.
std::string plain(std::string_view name) {
  name.remove_prefix(std::min(name.find_last_of("./:") + 1, name.size()));
  std::string text;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) text += static_cast<char>(std::tolower(c));
  }
  return text;
}

// They differ by one letter added, removed or replaced, or by two neighbours swapped.
bool one_slip_apart(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  const auto front = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  if (a.size() < b.size()) return a.substr(front) == b.substr(front + 1);
  if (a.substr(std::min(front + 1, a.size())) == b.substr(std::min(front + 1, b.size()))) return true;
  return front + 1 < a.size() && a[front] == b[front + 1] && a[front + 1] == b[front] &&
         a.substr(front + 2) == b.substr(front + 2);
}

bool is_near(std::string_view wanted, std::string_view name) {
  const std::string found = plain(name);
  if (found.empty()) return false;
  if (found == plain(wanted)) return true;
  // Names of two letters all differ by one: dy, dx, x1, x2.
  if (wanted.size() >= 4 && one_slip_apart(wanted, found)) return true;
  const auto it = std::ranges::find(aliases, wanted, &Alias::name);
  return it != aliases.end() && it->others.find(" " + found + " ") != std::string_view::npos;
}

std::string unquoted(std::string_view name) {
  const std::string quoted = legible(name);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

TensorNames::TensorNames(std::span<const std::string_view> known, std::string prefix,
                         const std::vector<std::string>& renames)
    : prefix_(std::move(prefix)) {
  for (const std::string& rename : renames) {
    const std::size_t equals = rename.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == rename.size()) {
      throw Failure(
          fmt::format("--rename is {} but must be a tensor's name and the one it has in IN, as in dy=grad_output",
                      legible(rename)));
    }
    const std::string name = rename.substr(0, equals);
    if (std::ranges::find(known, name) == known.end()) {
      throw Failure(
          fmt::format("--rename is {}, but {} is none of {}", legible(rename), legible(name), fmt::join(known, ", ")));
    }
    if (!renames_.emplace(name, rename.substr(equals + 1)).second) {
      throw Failure(fmt::format("--rename is given twice for {}", name));
    }
  }
  std::map<std::string, std::string_view> owners;
  for (const std::string_view name : known) {
    const auto [other, fresh] = owners.emplace(in_file(name), name);
    if (!fresh) {
      throw Failure(
          fmt::format("--rename reads both {} and {} from tensor {}", other->second, name, legible(other->first)));
    }
  }
}

std::string TensorNames::in_file(std::string_view name) const {
  const auto it = renames_.find(name);
  return prefix_ + (it == renames_.end() ? std::string(name) : it->second);
}

std::string legible(std::string_view name) {
  std::string text = nlohmann::json(name.substr(0, 64)).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (name.size() > 64) text.insert(text.size() - 1, "...");
  return text;
}

std::string list_names(std::span<const std::string> names) {
  if (names.empty()) return "none";
  constexpr std::size_t most = 10;
  std::string text;
  for (const std::string& name : names.first(std::min(names.size(), most))) {
    text += (text.empty() ? "" : ", ") + unquoted(name);
  }
  if (names.size() > most) text += fmt::format(", ... ({} in all)", names.size());
  return text;
}

std::vector<std::string> near_names(std::string_view wanted, std::span<const std::string> names) {
  std::vector<std::string> near;
  std::ranges::copy_if(names, std::back_inserter(near), [&](const std::string& name) { return is_near(wanted, name); });
  return near;
}

std::string advice(std::string_view wanted, std::string_view name, std::string_view prefix,
                   std::span<const std::string_view> known, std::span<const std::string> all) {
  if (!name.starts_with(prefix)) return fmt::format("{} does not begin with {}", legible(name), legible(prefix));
  std::string option = fmt::format("--rename {}={}", wanted, unquoted(name.substr(prefix.size())));
  if (prefix.empty() && name.size() > wanted.size() && name.ends_with(wanted)) {
    const std::string its(name.substr(0, name.size() - wanted.size()));
    const bool is_shared = std::ranges::any_of(known, [&](std::string_view other) {
      return other != wanted && std::ranges::find(all, its + std::string(other)) != all.end();
    });
    if (is_shared) option = "--prefix " + unquoted(its);
  }
  return fmt::format("{} reads {} as {}", option, legible(name), wanted);
}

}  // namespace alng::cli
