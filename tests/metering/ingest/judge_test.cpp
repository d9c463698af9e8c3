// The limits of rules §2 to the millisecond, and what a quarantined event keeps from closing.
#include "metering/ingest/judge.h"

#include <gtest/gtest.h>

#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd::testing {
namespace {

class JudgeTest : public ::testing::Test {
 protected:
  static Instant at(const char* text) { return parse_instant(text).value(); }
  EventView event(const char* start, const char* end) const {
    EventView view;
    view.subject = firm_a;
    view.sku = "gpu.a800";
    view.start = at(start);
    view.end = at(end);
    return view;
  }
  std::string code(const EventView& view) {
    const auto problem = judge.usage(view, intake);
    return problem ? std::string(to_string(problem->code)) : "accepted";
  }
  FixedRegistry registry;
  Judge judge{registry, UtcOffset{480}};
  Instant intake = at("2026-03-05T00:00:00+08:00");
};

TEST_F(JudgeTest, TakesAnIntervalOf31DaysAndNotAMillisecondMore) {
  EXPECT_EQ(code(event("2026-01-01T00:00:00+08:00", "2026-02-01T00:00:00+08:00")), "accepted");
  EXPECT_EQ(code(event("2026-01-01T00:00:00+08:00", "2026-02-01T00:00:00.001+08:00")), "interval_too_long");
}

TEST_F(JudgeTest, TakesUsageThatEndsFiveMinutesAheadAndNotAMillisecondMore) {
  EXPECT_EQ(code(event("2026-03-04T23:00:00+08:00", "2026-03-05T00:05:00+08:00")), "accepted");
  EXPECT_EQ(code(event("2026-03-04T23:00:00+08:00", "2026-03-05T00:05:00.001+08:00")), "usage_in_future");
}

TEST_F(JudgeTest, TakesUsageFromAcceptFromOnAndNothingThatBeginsBefore) {
  EXPECT_EQ(code(event("2025-01-01T00:00:00+08:00", "2025-01-01T01:00:00+08:00")), "accepted");
  EXPECT_EQ(code(event("2024-12-31T23:59:59.999+08:00", "2025-01-01T01:00:00+08:00")), "usage_too_old");
}

TEST_F(JudgeTest, RefusesUnknownFirmsAndSkusUntilTheyAreRegistered) {
  EventView view = event("2026-03-01T00:00:00+08:00", "2026-03-01T01:00:00+08:00");
  view.sku = "gpu.new";
  EXPECT_EQ(code(view), "sku_unknown");
  registry.skus.insert("gpu.new");
  EXPECT_EQ(code(view), "accepted");
  view.subject = "91330106673959654P";
  EXPECT_EQ(code(view), "firm_unknown");
}

TEST_F(JudgeTest, ForgetsWhatItKnewOfTheRegistryWhenTold) {
  const EventView view = event("2026-03-01T00:00:00+08:00", "2026-03-01T01:00:00+08:00");
  EXPECT_EQ(code(view), "accepted");
  registry.skus.clear();
  judge.forget();
  EXPECT_EQ(code(view), "sku_unknown");
}

TEST_F(JudgeTest, NamesTheMonthsThatTheUsageTouches) {
  const auto span = judge.months(event("2026-01-31T23:00:00+08:00", "2026-03-01T00:00:00+08:00"), intake);
  EXPECT_EQ(to_string(span.first), "2026-01");
  EXPECT_EQ(to_string(span.last), "2026-02");  // half-open: the first moment of March is not touched
}

TEST_F(JudgeTest, NamesTheMonthOfArrivalWhereTheTimeCannotBeRead) {
  const auto span = judge.months(EventView{}, intake);
  EXPECT_EQ(to_string(span.first), "2026-03");
  EXPECT_EQ(to_string(span.last), "2026-03");
}

TEST_F(JudgeTest, NamesACorrectionsOwnMonth) {
  EventView correction;
  correction.kind = EventKind::correction;
  correction.time = at("2026-01-31T23:59:59.999+08:00");
  EXPECT_EQ(to_string(judge.months(correction, intake).first), "2026-01");
}

}  // namespace
}  // namespace voucherd::testing
