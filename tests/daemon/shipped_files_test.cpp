// The policy and the price book that are shipped are bodies that the API takes.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "billing/ledger/fact_codec.h"

namespace voucherd::billing {
namespace {

Fact read_shipped(FactKind kind, const std::string& key, const std::string& path) {
  std::ifstream file(std::string(VOUCHERD_SOURCE_DIR) + "/config/" + path);
  std::vector<FieldFault> faults;
  auto fact = read_fact(kind, key, nlohmann::json::parse(file), faults);
  for (const FieldFault& fault : faults) ADD_FAILURE() << path << fault.pointer << ": " << fault.detail;
  return fact.value();
}

TEST(ShippedFilesTest, ThePolicyIsTheClauseOfTheRules) {
  const auto policy =
      std::get<Policy>(read_shipped(FactKind::policy, "cq-2025-12", "policies/cq-2025-12.json"));
  EXPECT_EQ(policy.programme, "compute-voucher");
  EXPECT_EQ(policy.days.from, parse_day("2025-12-25").value());
  EXPECT_EQ(policy.days.until, parse_day("2028-01-01").value());
  EXPECT_EQ(policy.categories, (std::set<std::string>{"ai_agent", "digital_twin"}));
  EXPECT_EQ(policy.rate, parse_rate("0.20").value());
  EXPECT_EQ(policy.annual_cap, Fen{100'000'000});
  EXPECT_EQ(policy.tax_basis, TaxBasis::net);
  EXPECT_EQ(policy.subsidised_kinds, std::set<std::string>{"compute"});
  EXPECT_EQ(policy.settlement, Settlement::reimburse);
  EXPECT_TRUE(policy.require_payment);
  EXPECT_FALSE(policy.programme_budget);
}

TEST(ShippedFilesTest, ThePriceBookHasFlatAndGraduatedPrices) {
  const auto book =
      std::get<PriceBook>(read_shipped(FactKind::price_book, "2026-q1", "price-books/example-2026-q1.json"));
  EXPECT_EQ(book.effective_from, parse_day("2026-01-01").value());
  EXPECT_FALSE(book.tax_inclusive);
  EXPECT_TRUE(book.prices.at(SkuId("gpu.a800")).is_flat());
  EXPECT_EQ(book.prices.at(SkuId("gpu.h20")).tiers.size(), 3u);
}

}  // namespace
}  // namespace voucherd::billing
