// The texts of tests/golden/hostile_strings.json: what every output is tried with.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace voucherd {

inline std::vector<std::string> hostile_texts() {
  std::ifstream in(std::string(VOUCHERD_SOURCE_DIR) + "/tests/golden/hostile_strings.json");
  EXPECT_TRUE(in) << "tests/golden/hostile_strings.json";
  return nlohmann::json::parse(in).at("texts").get<std::vector<std::string>>();
}

}  // namespace voucherd
