// What is found in a statement's canonical bytes is what its JSON says, whatever its texts say.
#include "daemon/audit/statement_scan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace voucherd {
namespace {

using Json = nlohmann::ordered_json;

const std::string hostile = R"({"usage_month":"2026-01","adjustment":true,"sku":"x"}\)";

Json line(const std::string& sku, const std::string& project) {
  return {{"usage_month", "2026-03"},
          {"adjustment", false},
          {"sku", sku},
          {"projects", Json::array({{{"project", project}, {"quantity", "1"}}})}};
}

std::string statement() {
  Json all = {{"statement", hostile}, {"firm", {{"name", hostile + "\""}}}};
  all["lines"] = Json::array({line("gpu.a800", hostile), line(hostile, "}{\"}"), line("\\", "{")});
  all["unpriced"] = Json::array({{{"usage_month", "2026-03"}, {"sku", "disk\n\""}}});
  return all.dump();
}

TEST(StatementScanTest, CountsLinesAndNothingElse) {
  EXPECT_EQ(lines_in(statement()), 3u);
  EXPECT_EQ(lines_in(R"({"lines":[],"unpriced":[]})"), 0u);
}

TEST(StatementScanTest, FindsEachLineAsItStands) {
  const Json all = Json::parse(statement());
  for (std::size_t index = 0; index < 3; ++index)
    EXPECT_EQ(line_in(statement(), index), all["lines"][index].dump()) << index;
}

TEST(StatementScanTest, FindsTheSkusOfLinesAndOfWhatHasNoPrice) {
  EXPECT_EQ(skus_in(statement()), (std::set<std::string>{"gpu.a800", hostile, "\\", "disk\n\""}));
}

}  // namespace
}  // namespace voucherd
