// Names and numbers of reasons are stored: this test spells them all, so that a change of one
// is a change here.
#include "metering/core/reason_code.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace voucherd {
namespace {

TEST(ReasonCodeTest, NumbersAndNamesStayAsTheyAreStored) {
  const std::map<int, std::string> stored = {{1, "malformed"},
                                             {2, "duplicate_member"},
                                             {3, "nesting_too_deep"},
                                             {4, "invalid_utf8"},
                                             {10, "specversion_unsupported"},
                                             {11, "type_unknown"},
                                             {12, "member_missing"},
                                             {13, "member_wrong_type"},
                                             {14, "member_too_long"},
                                             {15, "member_empty"},
                                             {16, "time_malformed"},
                                             {17, "data_unsupported"},
                                             {20, "subject_invalid"},
                                             {21, "quantity_malformed"},
                                             {22, "quantity_too_fine"},
                                             {23, "quantity_out_of_range"},
                                             {24, "quantity_not_positive"},
                                             {25, "interval_incomplete"},
                                             {26, "interval_reversed"},
                                             {27, "no_usage_time"},
                                             {28, "interval_too_long"},
                                             {29, "usage_in_future"},
                                             {30, "usage_too_old"},
                                             {31, "firm_unknown"},
                                             {32, "sku_unknown"},
                                             {40, "conflict"},
                                             {41, "correction_target_unknown"},
                                             {42, "correction_of_correction"},
                                             {43, "correction_firm_differs"},
                                             {50, "source_not_allowed"}};
  for (int number = 0; number < 256; ++number) {
    const auto entry = stored.find(number);
    const auto code = static_cast<ReasonCode>(number);
    if (entry == stored.end()) {
      EXPECT_EQ(to_string(code), "unknown") << number;
    } else {
      EXPECT_EQ(to_string(code), entry->second);
      EXPECT_EQ(parse_reason_code(entry->second), code);
    }
  }
}

TEST(ReasonCodeTest, AnUnknownNameIsNoCode) {
  EXPECT_EQ(parse_reason_code("unknown"), std::nullopt);
  EXPECT_EQ(parse_reason_code(""), std::nullopt);
  EXPECT_EQ(parse_reason_code("Malformed"), std::nullopt);
}

}  // namespace
}  // namespace voucherd
