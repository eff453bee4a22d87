// The names of tensors in a file: what --prefix and --rename make of the problem's own, and what sentences say about
// those that are there.
#ifndef ALNG_TOOLS_TENSOR_NAMES_H
#define ALNG_TOOLS_TENSOR_NAMES_H

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alng::cli {

/// How the tensors of `known` are called in a file.
class TensorNames {
 public:
  TensorNames() = default;
  /// `prefix` stands before every name, also before those of `renames`, each "dy=grad_output". Throws `Failure` where
  /// one is empty, is none of `known`, is there twice, or gives two tensors one name.
  TensorNames(std::span<const std::string_view> known, std::string prefix, const std::vector<std::string>& renames);

  std::string in_file(std::string_view name) const;
  const std::string& prefix() const { return prefix_; }
  /// It was named by the caller, and so must be there.
  bool is_renamed(std::string_view name) const { return renames_.contains(name); }

 private:
  std::string prefix_;
  std::map<std::string, std::string, std::less<>> renames_;
};

/// A name from a file, fit for a sentence: in quotes, of bounded length, without control characters.
std::string legible(std::string_view name);

/// "a, b, c" without quotes, and after ten of them ", ... (310 in all)"; or "none".
std::string list_names(std::span<const std::string> names);

/// Those of `names` that may be the tensor `wanted` under another name: other case, a misspelling, a prefix, or what
/// frameworks call it.
std::vector<std::string> near_names(std::string_view wanted, std::span<const std::string> names);

/// "--rename dy=grad_output reads "grad_output" as dy": how to read the file's tensor `name` as `wanted`, where `all`
/// are those of the file and `prefix` is what is given as --prefix. --prefix is the answer where others of `known` have
/// the same one.
std::string advice(std::string_view wanted, std::string_view name, std::string_view prefix,
                   std::span<const std::string_view> known, std::span<const std::string> all);

}  // namespace alng::cli

#endif
