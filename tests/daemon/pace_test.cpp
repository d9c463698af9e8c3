// How long a reader may take: over all of an answer, whatever its pieces.
#include "daemon/http/pace.h"

#include <gtest/gtest.h>

namespace voucherd::http {
namespace {

using namespace std::chrono_literals;

class PaceTest : public testing::Test {
 protected:
  Pace::Time now_{1'000h};
  Pace pace_{1'000, 10s, 120s};
};

TEST_F(PaceTest, GivesAGraceAndThenTheTimeOfWhatWasRead) {
  pace_.begin();
  pace_.resume(now_);
  EXPECT_FALSE(pace_.is_over(now_ + 9s));
  EXPECT_TRUE(pace_.is_over(now_ + 10s));
  pace_.moved(5'000, now_ + 9s);
  EXPECT_FALSE(pace_.is_over(now_ + 14s));
  EXPECT_TRUE(pace_.is_over(now_ + 15s));
}

TEST_F(PaceTest, DoesNotBeginAnewWithEachPiece) {
  pace_.begin();
  for (int piece = 0; piece < 10; ++piece) {
    pace_.resume(now_);
    now_ += 5s;
    pace_.moved(1'000, now_);
    EXPECT_EQ(pace_.is_over(now_), piece >= 2) << piece;  // 10 s of grace, and of each 5 s only 1 was read
    pace_.pause(now_);
  }
  pace_.begin();
  pace_.resume(now_);
  EXPECT_FALSE(pace_.is_over(now_));
}

TEST_F(PaceTest, StandsStillWhileTheReaderWaits) {
  pace_.begin();
  pace_.resume(now_);
  pace_.pause(now_ + 4s);
  EXPECT_FALSE(pace_.is_over(now_ + 1h));
  pace_.resume(now_ + 1h);
  EXPECT_FALSE(pace_.is_over(now_ + 1h + 5s));
  EXPECT_TRUE(pace_.is_over(now_ + 1h + 6s));
}

TEST_F(PaceTest, CountsWhatIsReadFastAheadUpToItsLimit) {
  pace_.begin();
  pace_.resume(now_);
  pace_.moved(std::uint64_t{1} << 40, now_);
  EXPECT_FALSE(pace_.is_over(now_ + 119s));
  EXPECT_TRUE(pace_.is_over(now_ + 120s));
}

TEST_F(PaceTest, TakesAnyPaceWhereThereIsNoRate) {
  Pace any(0, 10s, 120s);
  any.begin();
  any.resume(now_);
  EXPECT_FALSE(any.is_over(now_ + 100h));
}

}  // namespace
}  // namespace voucherd::http
