// Instants, days and months: the edges of months and years, cutting off, and independence of
// the host's time zone.
#include "metering/core/time.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <random>
#include <string>

#include "metering/core/clock.h"

namespace voucherd {
namespace {

constexpr UtcOffset beijing{480};
constexpr UtcOffset utc{0};
constexpr UtcOffset newfoundland{-210};

Instant at(std::string_view text) { return parse_instant(text).value(); }
LocalDay day(std::string_view text) { return parse_day(text).value(); }

TEST(InstantTest, CountsMillisecondsSince1970) {
  EXPECT_EQ(at("1970-01-01T00:00:00Z").ms, 0);
  EXPECT_EQ(at("1970-01-01T08:00:00+08:00").ms, 0);
  EXPECT_EQ(at("2026-03-01T09:00:00+08:00").ms, 1'772'326'800'000);
  EXPECT_EQ(at("1969-12-31T23:59:59.999Z").ms, -1);
  EXPECT_EQ(at("0000-01-01T00:00:00Z").ms, -62'167'219'200'000);
  EXPECT_EQ(at("9999-12-31T23:59:59.999Z").ms, 253'402'300'799'999);
}

TEST(InstantTest, TheSameInstantInOtherWordsIsEqual) {
  EXPECT_EQ(at("2026-03-01T01:00:00Z"), at("2026-03-01T09:00:00+08:00"));
  EXPECT_EQ(at("2026-03-01T01:00:00Z"), at("2026-03-01T01:00:00+00:00"));
  EXPECT_EQ(at("2026-03-01T01:00:00Z"), at("2026-03-01T01:00:00-00:00"));
  EXPECT_EQ(at("2026-03-01t01:00:00z"), at("2026-02-28T21:30:00.000-03:30"));
  EXPECT_EQ(at("2026-03-01T00:59:00+23:59"), at("2026-02-28T01:00:00-00:00"));
}

TEST(InstantTest, IsCutOffAndNotRounded) {
  EXPECT_EQ(at("1970-01-01T00:00:00.0009Z").ms, 0);
  EXPECT_EQ(at("1970-01-01T00:00:00.9999999999Z").ms, 999);
  EXPECT_EQ(at("1970-01-01T00:00:00.5Z").ms, 500);
  EXPECT_EQ(at("1970-01-01T00:00:00.05Z").ms, 50);
  // Before 1970 too, towards the past.
  EXPECT_EQ(at("1969-12-31T23:59:59.9999Z").ms, -1);
  EXPECT_EQ(at("1969-12-31T23:59:59.0001Z").ms, -1000);
  EXPECT_EQ(at("2026-03-01T00:00:00." + std::string(300, '9') + "Z").ms % 1000, 999);
}

TEST(InstantTest, RefusesWhatIsNoRfc3339Instant) {
  for (const std::string_view text : {"",
                                      "2026-03-01",
                                      "2026-03-01T09:00:00",
                                      "2026-03-01T09:00Z",
                                      "2026-03-01 09:00:00Z",
                                      "2026-3-1T09:00:00Z",
                                      "2026-03-01T09:00:00+0800",
                                      "2026-03-01T09:00:00+08",
                                      "2026-03-01T09:00:00+24:00",
                                      "2026-03-01T09:00:00+08:60",
                                      "2026-03-01T09:00:00.Z",
                                      "2026-03-01T09:00:00,5Z",
                                      "2026-03-01T24:00:00Z",
                                      "2026-03-01T23:60:00Z",
                                      "2026-06-30T23:59:60Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-32T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "+026-04-30T00:00:00Z",
                                      "12026-04-30T00:00:00Z",
                                      "2026-04-30T00:00:00ZZ",
                                      "2026-04-30T00:00:00Z ",
                                      " 2026-04-30T00:00:00Z",
                                      "2026-04-30T-1:00:00Z",
                                      "2026-04-30T00:00:00+08:00Z",
                                      "２026-04-30T00:00:00Z",
                                      "20260430T000000Z",
                                      "1772326800"}) {
    const Result<Instant> result = parse_instant(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_EQ(result.error().code, "time_malformed");
  }
}

TEST(InstantTest, KnowsLeapYears) {
  EXPECT_TRUE(parse_instant("2024-02-29T00:00:00Z").has_value());
  EXPECT_TRUE(parse_instant("2000-02-29T00:00:00Z").has_value());
  EXPECT_FALSE(parse_instant("2026-02-29T00:00:00Z").has_value());
  EXPECT_FALSE(parse_instant("1900-02-29T00:00:00Z").has_value());
  EXPECT_FALSE(parse_instant("2100-02-29T00:00:00Z").has_value());
}

TEST(InstantTest, PrintsMillisecondsOnlyWhereTheyAreNotZero) {
  EXPECT_EQ(format_instant(at("2026-03-01T01:00:00Z"), beijing), "2026-03-01T09:00:00+08:00");
  EXPECT_EQ(format_instant(at("2026-03-01T01:00:00.050Z"), beijing), "2026-03-01T09:00:00.050+08:00");
  EXPECT_EQ(format_instant({-1}, utc), "1969-12-31T23:59:59.999+00:00");
  EXPECT_EQ(format_instant({0}, newfoundland), "1969-12-31T20:30:00-03:30");
}

TEST(InstantTest, PrintsFourDigitsOfYearEvenWhereTheOffsetLeavesTheCalendar) {
  for (const std::string_view text :
       {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999-23:59", "0000-01-01T00:00:00Z",
        "0000-01-01T00:00:00+23:59", "0000-01-01T07:59:59+08:00"}) {
    for (const UtcOffset offset : {beijing, utc, newfoundland, UtcOffset{1439}, UtcOffset{-1439}}) {
      const std::string printed = format_instant(at(text), offset);
      EXPECT_EQ(printed[4], '-') << printed;
      EXPECT_EQ(at(printed), at(text)) << printed;
    }
  }
}

TEST(InstantTest, WhatIsPrintedReadsBackTheSame) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> ms(-62'167'219'200'000, 253'402'300'799'999);
  std::uniform_int_distribution<std::int32_t> minutes(-1439, 1439);
  for (int round = 0; round < 20'000; ++round) {
    const Instant instant{ms(random)};
    ASSERT_EQ(at(format_instant(instant, {minutes(random)})), instant) << instant.ms;
  }
}

TEST(OffsetTest, ReadsAndPrints) {
  for (const std::string_view text : {"+08:00", "+00:00", "-03:30", "+23:59", "-23:59", "-00:01"}) {
    EXPECT_EQ(to_string(parse_utc_offset(text).value()), text);
  }
  EXPECT_EQ(parse_utc_offset("-03:30")->minutes, -210);
  for (const std::string_view text : {"", "Z", "08:00", "+8:00", "+0800", "+24:00", "+08:60", "+08:00 "}) {
    ASSERT_FALSE(parse_utc_offset(text).has_value()) << text;
    EXPECT_EQ(parse_utc_offset(text).error().code, "utc_offset_malformed");
  }
}

TEST(LocalDayTest, TheFirstAndTheLastMillisecondOfAMonthBelongToIt) {
  EXPECT_EQ(to_string(local_day(at("2026-03-01T00:00:00+08:00"), beijing)), "2026-03-01");
  EXPECT_EQ(to_string(local_day(at("2026-02-28T23:59:59.999+08:00"), beijing)), "2026-02-28");
  EXPECT_EQ(to_string(local_day(at("2026-02-28T16:00:00Z"), beijing)), "2026-03-01");
  EXPECT_EQ(to_string(local_day(at("2026-02-28T15:59:59.999Z"), beijing)), "2026-02-28");
  EXPECT_EQ(to_string(local_day(at("2026-03-01T03:29:59.999Z"), newfoundland)), "2026-02-28");
  EXPECT_EQ(to_string(local_day(at("2026-03-01T03:30:00Z"), newfoundland)), "2026-03-01");
}

TEST(LocalDayTest, TheFirstAndTheLastMillisecondOfAYearBelongToIt) {
  EXPECT_EQ(month_of(local_day(at("2027-12-31T15:59:59.999Z"), beijing)).year(), 2027);
  EXPECT_EQ(month_of(local_day(at("2027-12-31T16:00:00Z"), beijing)).year(), 2028);
  EXPECT_EQ(to_string(local_day({-1}, utc)), "1969-12-31");
  EXPECT_EQ(to_string(local_day(at("1969-12-31T16:00:00Z"), beijing)), "1970-01-01");
}

TEST(LocalDayTest, StartsWhereTheDayBeforeEnds) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_int_distribution<std::int32_t> days(-719'162, local_day_max.days);
  std::uniform_int_distribution<std::int32_t> minutes(-1439, 1439);
  for (int round = 0; round < 20'000; ++round) {
    const LocalDay any{days(random)};
    const UtcOffset offset{minutes(random)};
    const Instant start = start_of(any, offset);
    ASSERT_EQ(local_day(start, offset), any);
    ASSERT_EQ(local_day({start.ms - 1}, offset), LocalDay{any.days - 1});
    ASSERT_EQ(parse_day(to_string(any)).value(), any);
    ASSERT_EQ(start, at(to_string(any) + "T00:00:00" + to_string(offset)));
  }
}

TEST(LocalDayTest, ReadsDatesFromYear1To9999AndNoOthers) {
  EXPECT_EQ(day("1970-01-01").days, 0);
  EXPECT_EQ(day("9999-12-31"), local_day_max);
  EXPECT_EQ(to_string(day("0001-01-01")), "0001-01-01");
  EXPECT_EQ(day("2024-02-29").days + 1, day("2024-03-01").days);
  for (const std::string_view text : {"", "0000-01-01", "2026-02-29", "2026-1-1", "2026-01-01T", "2026-13-01",
                                      "2026-00-01", "2026-04-31", "2026/01/01", "20260101", "-026-01-01"}) {
    ASSERT_FALSE(parse_day(text).has_value()) << text;
    EXPECT_EQ(parse_day(text).error().code, "date_malformed");
  }
}

TEST(MonthTest, FollowsAcrossTheYear) {
  const Month december = parse_month("2026-12").value();
  EXPECT_EQ(december.year(), 2026);
  EXPECT_EQ(december.month(), 12);
  EXPECT_EQ(to_string(december.next()), "2027-01");
  EXPECT_EQ(december.next().previous(), december);
  EXPECT_EQ(to_string(make_month(1970, 1).previous()), "1969-12");
  EXPECT_EQ(make_month(1970, 1).months, 0);
  EXPECT_EQ(make_month(1, 1).year(), 1);
  EXPECT_EQ(to_string(make_month(1, 1)), "0001-01");
}

TEST(MonthTest, HoldsItsDaysAndNoOthers) {
  for (Month month = make_month(1, 1); month < make_month(9999, 12); month = month.next()) {
    const LocalDay first = first_day(month);
    ASSERT_EQ(month_of(first), month);
    ASSERT_EQ(month_of({first.days - 1}), month.previous());
  }
  EXPECT_EQ(to_string(first_day(parse_month("2026-03").value())), "2026-03-01");
  EXPECT_EQ(month_of(local_day_max), parse_month("9999-12").value());
}

TEST(MonthTest, RefusesWhatIsNoMonth) {
  for (const std::string_view text :
       {"", "2026", "2026-13", "2026-00", "0000-01", "2026-1", "2026/01", "2026-01-01"}) {
    ASSERT_FALSE(parse_month(text).has_value()) << text;
    EXPECT_EQ(parse_month(text).error().code, "period_malformed");
  }
}

/// Sets TZ for one test and puts it back.
class HostZone {
 public:
  explicit HostZone(const char* zone) {
    const char* before = std::getenv("TZ");  // NOLINT(concurrency-mt-unsafe): one thread
    if (before != nullptr) before_ = before;
    ::setenv("TZ", zone, 1);  // NOLINT(concurrency-mt-unsafe)
    ::tzset();
  }
  ~HostZone() {
    if (before_.empty()) {
      ::unsetenv("TZ");  // NOLINT(concurrency-mt-unsafe)
    } else {
      ::setenv("TZ", before_.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    }
    ::tzset();
  }
  HostZone(const HostZone&) = delete;
  HostZone& operator=(const HostZone&) = delete;

 private:
  std::string before_;
};

TEST(InstantTest, TheHostsZoneChangesNothing) {
  for (const char* const zone :
       {"UTC", "Asia/Shanghai", "America/St_Johns", "XXX+12:34", "Pacific/Kiritimati"}) {
    const HostZone host(zone);
    EXPECT_EQ(at("2026-03-01T09:00:00+08:00").ms, 1'772'326'800'000) << zone;
    EXPECT_EQ(format_instant({1'772'326'800'000}, beijing), "2026-03-01T09:00:00+08:00") << zone;
    EXPECT_EQ(local_day({1'772'326'800'000}, beijing), day("2026-03-01")) << zone;
  }
}

TEST(ClockTest, AManualClockMovesOnlyByHand) {
  ManualClock clock({1000});
  EXPECT_EQ(clock.now(), Instant{1000});
  clock.advance(-1);
  EXPECT_EQ(clock.now(), Instant{999});
  clock.set({5});
  EXPECT_EQ(clock.now(), Instant{5});
}

TEST(ClockTest, TheSystemClockCountsFrom1970) {
  // Not a wall-clock time: only that it is the same scale as the C library's.
  const std::time_t before = std::time(nullptr);
  const Instant now = SystemClock().now();
  const std::time_t after = std::time(nullptr);
  EXPECT_GE(now.ms / 1000, static_cast<std::int64_t>(before) - 1);
  EXPECT_LE(now.ms / 1000, static_cast<std::int64_t>(after) + 1);
}

}  // namespace
}  // namespace voucherd
