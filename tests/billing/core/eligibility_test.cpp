// Rules §4: the first reason that holds, in their order.
#include <gtest/gtest.h>

#include "tests/billing/core/example.h"

namespace voucherd::billing {
namespace {

using namespace example;
using Reason = IneligibleReason;

class EligibilityTest : public testing::Test {
 protected:
  std::optional<Reason> reason(std::string_view on, const SkuId& sku = gpu) const {
    return why_ineligible(firm, facts_.skus.at(sku), day(on), facts_);
  }
  Firm& the_firm() { return facts_.firms.at(firm); }
  Facts facts_ = example::facts();
};

TEST_F(EligibilityTest, EligibleUsageHasNoReason) { EXPECT_EQ(reason("2026-03-01"), std::nullopt); }

TEST_F(EligibilityTest, TheFirstReasonThatHoldsIsGiven) {
  the_firm().related_party = {days("2020-01-01")};
  the_firm().eligibility.clear();
  EXPECT_EQ(reason("2025-12-24", disk), Reason::policy_not_in_force);
  EXPECT_EQ(reason("2026-03-01", disk), Reason::sku_not_subsidised);
  EXPECT_EQ(reason("2026-03-01"), Reason::related_party);
  the_firm().related_party.clear();
  EXPECT_EQ(reason("2026-03-01"), Reason::firm_not_eligible);
}

TEST_F(EligibilityTest, ThePolicyEndsBeforeItsUntilDay) {
  EXPECT_EQ(reason("2027-12-31"), std::nullopt);
  EXPECT_EQ(reason("2028-01-01"), Reason::policy_not_in_force);
}

TEST_F(EligibilityTest, AnIntervalIncludesItsFirstDayAndExcludesUntil) {
  the_firm().eligibility = {{"digital_twin", days("2026-03-05", "2026-03-08"), "文件", ""}};
  EXPECT_EQ(reason("2026-03-04"), Reason::firm_not_eligible);
  EXPECT_EQ(reason("2026-03-05"), std::nullopt);
  EXPECT_EQ(reason("2026-03-07"), std::nullopt);
  EXPECT_EQ(reason("2026-03-08"), Reason::firm_not_eligible);
}

TEST_F(EligibilityTest, ACategoryThatThePolicyDoesNotNameDoesNotCount) {
  the_firm().eligibility = {{"cloud_native", days("2026-01-01"), "文件", ""}};
  EXPECT_EQ(reason("2026-03-01"), Reason::firm_not_eligible);
}

TEST_F(EligibilityTest, ARelatedPartyIsRelatedOnItsDaysOnly) {
  the_firm().related_party = {days("2026-03-05", "2026-03-08")};
  EXPECT_EQ(reason("2026-03-04"), std::nullopt);
  EXPECT_EQ(reason("2026-03-05"), Reason::related_party);
  EXPECT_EQ(reason("2026-03-08"), std::nullopt);
}

TEST_F(EligibilityTest, AnUnknownFirmIsNotEligible) {
  EXPECT_EQ(why_ineligible(FirmId("91500000MA5UOTHERX"), facts_.skus.at(gpu), day("2026-03-01"), facts_),
            Reason::firm_not_eligible);
}

TEST_F(EligibilityTest, ReasonsAreReadAsTheyArePrinted) {
  for (const Reason reason : {Reason::policy_not_in_force, Reason::sku_not_subsidised, Reason::related_party,
                              Reason::firm_not_eligible})
    EXPECT_EQ(parse_ineligible_reason(to_string(reason)), reason);
  EXPECT_EQ(parse_ineligible_reason("other"), std::nullopt);
}

}  // namespace
}  // namespace voucherd::billing
