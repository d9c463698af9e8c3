// Token buckets by a clock that the test moves.
#include "daemon/http/rate_limits.h"

#include <gtest/gtest.h>

namespace voucherd::http {
namespace {

using std::chrono::milliseconds;

TEST(RateLimitsTest, LetsTheBurstThroughAtOnceAndThenOneAnInterval) {
  RateLimits limits(10, 3, 100);
  const RateLimits::Time start{std::chrono::hours(1)};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limits.take("a", start)) << i;
  EXPECT_EQ(limits.take("a", start), 1u);
  EXPECT_EQ(limits.take("a", start + milliseconds(99)), 1u);
  EXPECT_FALSE(limits.take("a", start + milliseconds(100)));
  EXPECT_TRUE(limits.take("a", start + milliseconds(100)));
}

TEST(RateLimitsTest, SaysInHowManyWholeSecondsThereIsOne) {
  RateLimits limits(1, 1, 100);
  const RateLimits::Time start{};
  EXPECT_FALSE(limits.take("a", start));
  EXPECT_EQ(limits.take("a", start), 1u);
  RateLimits slow(1, 5, 100);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(slow.take("a", start));
  EXPECT_EQ(slow.take("a", start), 1u);
}

TEST(RateLimitsTest, AnIdleBucketFillsToItsBurstAndNoFurther) {
  RateLimits limits(10, 2, 100);
  RateLimits::Time now{};
  for (const auto pause : {milliseconds(0), milliseconds(3'600'000)}) {
    now += pause;
    EXPECT_FALSE(limits.take("a", now));
    EXPECT_FALSE(limits.take("a", now));
    EXPECT_TRUE(limits.take("a", now));
  }
}

TEST(RateLimitsTest, KeysDoNotTakeFromEachOther) {
  RateLimits limits(1, 1, 100);
  EXPECT_FALSE(limits.take("a", {}));
  EXPECT_FALSE(limits.take("b", {}));
  EXPECT_TRUE(limits.take("a", {}));
}

TEST(RateLimitsTest, KeysBeyondTheirNumberShareOneBucketUntilOthersAreFullAgain) {
  RateLimits limits(1, 1, 2);
  RateLimits::Time now{std::chrono::hours(1)};
  EXPECT_FALSE(limits.take("a", now));
  EXPECT_FALSE(limits.take("b", now));
  EXPECT_FALSE(limits.take("c", now));  // the shared one
  EXPECT_TRUE(limits.take("d", now));
  now += std::chrono::seconds(10);
  EXPECT_FALSE(limits.take("c", now));
  EXPECT_FALSE(limits.take("d", now));
}

TEST(RateLimitsTest, NoRateIsNoLimit) {
  RateLimits limits(0, 1, 1);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(limits.take("a", {}));
}

}  // namespace
}  // namespace voucherd::http
