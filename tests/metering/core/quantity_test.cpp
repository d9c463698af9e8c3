// The limits of an event's quantity (rules §3), each with its own fault and a sentence that
// names the text.
#include "metering/core/quantity.h"

#include <gtest/gtest.h>

namespace voucherd {
namespace {

std::string fault_of(std::string_view text, bool zero_allowed = false) {
  const Result<Quantity> result = parse_event_quantity(text, zero_allowed);
  return result ? "none" : result.error().code;
}

TEST(QuantityTest, ReadsTheSmallestAndTheLargest) {
  EXPECT_EQ(parse_event_quantity("0.000000001", false)->nanos, 1);
  EXPECT_EQ(parse_event_quantity("1000000000", false)->nanos, Quantity::event_nanos_max);
  EXPECT_EQ(parse_event_quantity("1e9", false)->nanos, Quantity::event_nanos_max);
}

TEST(QuantityTest, EqualQuantitiesInOtherWordsAreEqual) {
  EXPECT_EQ(*parse_event_quantity("8", false), *parse_event_quantity("8.0", false));
  EXPECT_EQ(*parse_event_quantity("1000", false), *parse_event_quantity("1e3", false));
}

TEST(QuantityTest, RefusesZeroAndBelowExceptZeroInACorrection) {
  EXPECT_EQ(fault_of("0"), "quantity_not_positive");
  EXPECT_EQ(fault_of("-0.0"), "quantity_not_positive");
  EXPECT_EQ(fault_of("-1"), "quantity_not_positive");
  EXPECT_EQ(fault_of("-1e40"), "quantity_not_positive");
  EXPECT_EQ(parse_event_quantity("0", true)->nanos, 0);
  EXPECT_EQ(fault_of("-1", true), "quantity_not_positive");
}

TEST(QuantityTest, RefusesMoreThanABillion) {
  EXPECT_EQ(fault_of("1000000000.000000001"), "quantity_out_of_range");
  EXPECT_EQ(fault_of("1e10"), "quantity_out_of_range");
  EXPECT_EQ(fault_of("1e400"), "quantity_out_of_range");
}

TEST(QuantityTest, RefusesFinerFractionsAndWhatIsNoDecimal) {
  EXPECT_EQ(fault_of("0.0000000001"), "quantity_too_fine");
  EXPECT_EQ(fault_of("1e-400"), "quantity_too_fine");
  EXPECT_EQ(fault_of("eight"), "quantity_malformed");
  EXPECT_EQ(fault_of(""), "quantity_malformed");
  EXPECT_EQ(fault_of("NaN"), "quantity_malformed");
  EXPECT_EQ(fault_of(std::string(41, '1')), "quantity_malformed");
}

TEST(QuantityTest, TheSentenceNamesTheTextAndTheLimit) {
  EXPECT_EQ(parse_event_quantity("-1", false).error().detail, "quantity is -1; it must be above 0");
}

TEST(QuantityTest, TheSentenceCutsALongTextBetweenCharacters) {
  const std::string long_text = "x" + std::string("算力券算力券算力券算力券算力券算力券");
  const std::string detail = parse_event_quantity(long_text, false).error().detail;
  EXPECT_NE(detail.find("x算力券算力券算力券算力券算…"), std::string::npos) << detail;
}

TEST(QuantityTest, AddsSubtractsAndPrints) {
  const Quantity a = *parse_event_quantity("1.25", false), b = *parse_event_quantity("0.5", false);
  EXPECT_EQ(to_string(a + b), "1.75");
  EXPECT_EQ(to_string(b - a), "-0.75");
  EXPECT_TRUE((a - a).is_zero());
  EXPECT_LT(b, a);
}

}  // namespace
}  // namespace voucherd
