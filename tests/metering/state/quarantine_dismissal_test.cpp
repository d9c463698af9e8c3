// The payload of a dismissal: what goes in comes out, and no bytes whatever do harm.
#include "metering/state/quarantine_dismissal.h"

#include <gtest/gtest.h>

namespace voucherd {
namespace {

const QuarantineDismissal sample{{{1'842, 0}, {1'842, 4'000'000'000}}, "token", "finance", "测试数据"};

TEST(QuarantineDismissalTest, GivesBackWhatWasEncoded) {
  const auto decoded = QuarantineDismissal::decode(sample.encode());
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(*decoded, sample);
}

TEST(QuarantineDismissalTest, RefusesBytesThatAreCutOffOrLeftOver) {
  const std::string bytes = sample.encode();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(QuarantineDismissal::decode(std::string_view(bytes).substr(0, length)).has_value());
  }
  EXPECT_FALSE(QuarantineDismissal::decode(bytes + "x").has_value());
}

TEST(QuarantineDismissalTest, DoesNotTrustADamagedNumberOfEntries) {
  EXPECT_FALSE(QuarantineDismissal::decode("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").has_value());
}

}  // namespace
}  // namespace voucherd
