#include "cases/cases.h"

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace alng::cases {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

template <class T>
T look_up(const std::map<std::string, T>& words, const std::string& word, const char* column) {
  const auto found = words.find(word);
  if (found == words.end()) throw std::runtime_error(std::string("unknown ") + column + " '" + word + "'");
  return found->second;
}

const std::map<std::string, DType> dtypes = {
    {"fp32", DType::float32}, {"fp16", DType::float16}, {"bf16", DType::bfloat16}};
const std::map<std::string, bool> presence = {{"yes", true}, {"no", false}};
const std::map<std::string, Arrangement> arrangements = {{"dense", Arrangement::dense},
                                                         {"row_strided", Arrangement::row_strided},
                                                         {"column_strided", Arrangement::column_strided},
                                                         {"transposed", Arrangement::transposed},
                                                         {"leading_swapped", Arrangement::leading_swapped},
                                                         {"broadcast_rows", Arrangement::broadcast_rows},
                                                         {"broadcast_columns", Arrangement::broadcast_columns},
                                                         {"gamma_strided", Arrangement::gamma_strided},
                                                         {"mixed", Arrangement::mixed}};
const std::map<std::string, InPlace> in_places = {{"in_place_dy", InPlace::dy},
                                                  {"in_place_x1", InPlace::x1},
                                                  {"in_place_x2", InPlace::x2},
                                                  {"in_place_dsum", InPlace::dsum}};
const std::map<std::string, Values> value_kinds = {{"normal", Values::normal},
                                                   {"ratio_1000", Values::ratio_1000},
                                                   {"dy_zero", Values::dy_zero},
                                                   {"dy_one", Values::dy_one},
                                                   {"dy_constant", Values::dy_constant},
                                                   {"x_constant", Values::x_constant},
                                                   {"odd_statistics", Values::odd_statistics},
                                                   {"nan_inf", Values::nan_inf},
                                                   {"denormal", Values::denormal},
                                                   {"huge", Values::huge},
                                                   {"signed_zero", Values::signed_zero}};

void read_layout(const std::string& text, Case& out) {
  for (const std::string& word : split(text, '+')) {
    if (word == "short_statistics") {
      out.short_statistics = true;
    } else if (word == "single_one") {
      out.single_one = true;
    } else if (in_places.count(word) != 0) {
      out.in_place = in_places.at(word);
    } else {
      out.arrangement = look_up(arrangements, word, "layout");
    }
  }
}

void read_outputs(const std::string& text, Case& out) {
  out.wants_dx = out.wants_dgamma = out.wants_dbeta = false;
  for (const std::string& word : split(text, '+')) {
    if (word == "all") {
      out.wants_dx = out.wants_dgamma = out.wants_dbeta = true;
    } else if (word == "dx") {
      out.wants_dx = true;
    } else if (word == "dgamma") {
      out.wants_dgamma = true;
    } else if (word == "dbeta") {
      out.wants_dbeta = true;
    } else if (word == "accumulate") {
      out.accumulate = true;
    } else {
      throw std::runtime_error("unknown output '" + word + "'");
    }
  }
}

void read_line(const std::string& line, std::vector<Case>& out) {
  std::stringstream stream(line);
  std::string name, shape, dtype_list, gamma_list, dsum_list, x2_list, layout, outputs, values;
  Case common;
  if (!(stream >> name >> shape >> common.normalized_dims >> dtype_list >> gamma_list >> dsum_list >> x2_list >>
        layout >> outputs >> values)) {
    throw std::runtime_error("expected 10 columns and an incident");
  }
  std::getline(stream >> std::ws, common.incident);
  if (common.incident.empty()) throw std::runtime_error("no incident");
  for (const std::string& extent : split(shape, 'x')) common.shape.push_back(std::stoll(extent));
  read_layout(layout, common);
  read_outputs(outputs, common);
  common.values = look_up(value_kinds, values, "values");

  for (const std::string& dtype : split(dtype_list == "all" ? "fp32,fp16,bf16" : dtype_list, ',')) {
    for (const std::string& gamma : split(gamma_list, ',')) {
      for (const std::string& dsum : split(dsum_list, ',')) {
        for (const std::string& x2 : split(x2_list, ',')) {
          Case one = common;
          one.dtype = look_up(dtypes, dtype, "dtype");
          if (gamma == "T") {
            one.gamma = one.dtype;
          } else if (gamma != "none") {
            one.gamma = look_up(dtypes, gamma, "gamma");
            // fp32 gamma with fp32 tensors is the case T again.
            if (one.gamma == one.dtype && gamma_list != gamma) continue;
          }
          one.dsum = look_up(presence, dsum, "dsum");
          one.x2 = look_up(presence, x2, "x2");
          one.name = name + "_" + dtype + "_gamma" + gamma + (one.dsum ? "_dsum" : "") + (one.x2 ? "_x2" : "");
          out.push_back(one);
        }
      }
    }
  }
}

}  // namespace

std::int64_t Case::rows() const {
  std::int64_t product = 1;
  for (std::size_t d = 0; d + static_cast<std::size_t>(normalized_dims) < shape.size(); ++d) product *= shape[d];
  return product;
}

std::int64_t Case::columns() const {
  std::int64_t product = 1;
  for (std::size_t d = shape.size() - static_cast<std::size_t>(normalized_dims); d < shape.size(); ++d) {
    product *= shape[d];
  }
  return product;
}

std::vector<Case> read_cases(std::istream& list) {
  std::vector<Case> out;
  int number = 0;
  for (std::string line; std::getline(list, line);) {
    ++number;
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] == '#') continue;
    try {
      read_line(line, out);
    } catch (const std::exception& error) {
      throw std::runtime_error("line " + std::to_string(number) + ": " + error.what());
    }
  }
  return out;
}

const std::vector<Case>& all_cases() {
  static const std::vector<Case> list = [] {
    std::ifstream file(ALNG_CASES_FILE);
    if (!file) throw std::runtime_error("cannot read " ALNG_CASES_FILE);
    return read_cases(file);
  }();
  return list;
}

}  // namespace alng::cases
