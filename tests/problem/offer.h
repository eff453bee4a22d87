// What a refusal offers: "x1 is float32[4, 7] but must be [4, 6], the shape of dy" offers x1 the shape [4, 6].
#ifndef ALNG_TESTS_PROBLEM_OFFER_H
#define ALNG_TESTS_PROBLEM_OFFER_H

#include <cstdint>
#include <regex>
#include <string>
#include <vector>

namespace alng::test {

struct Offer {
  std::string tensor;  // empty: the sentence offers nothing
  std::vector<std::vector<std::int64_t>> shapes;
  std::vector<std::string> dtypes;  // in small letters
};

inline Offer offer_in(const std::string& sentence) {
  static const std::regex form("(\\w+) (?:is|has) [^;]* but must be (.*)");
  static const std::regex end(": dy|, the shape|, dy's|, 1s alone|, as dy|; supported| on Ascend");
  static const std::regex shape("(?:float32)?\\[([-0-9, ]*)\\]");
  static const std::regex dtype("\\b(FLOAT16|BFLOAT16|FLOAT|float32|float16|bfloat16)\\b(?!\\[)");
  Offer offer;
  std::smatch found;
  if (!std::regex_search(sentence, found, form)) return offer;
  std::string text = found[2];
  if (std::smatch at; std::regex_search(text, at, end)) text = at.prefix();
  const std::sregex_iterator none;
  for (std::sregex_iterator i(text.begin(), text.end(), shape); i != none; ++i) {
    std::vector<std::int64_t> extents;
    const std::string numbers = (*i)[1];
    static const std::regex number("-?[0-9]+");
    for (std::sregex_iterator n(numbers.begin(), numbers.end(), number); n != none; ++n)
      extents.push_back(std::stoll(n->str()));
    offer.shapes.push_back(extents);
  }
  for (std::sregex_iterator i(text.begin(), text.end(), dtype); i != none; ++i) {
    const std::string name = i->str();
    offer.dtypes.push_back(name == "FLOAT"      ? "float32"
                           : name == "FLOAT16"  ? "float16"
                           : name == "BFLOAT16" ? "bfloat16"
                                                : name);
  }
  if (!offer.shapes.empty() || !offer.dtypes.empty()) offer.tensor = found[1];
  return offer;
}

}  // namespace alng::test

#endif
