// Which records changed months that had ended: all of them are named, and hardly any other.
#include "metering/state/late_arrivals.h"

#include <gtest/gtest.h>

#include "metering/state/byte_coding.h"
#include "metering/state/usage_state.h"
#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

constexpr UtcOffset offset{480};

MonthSpan months(std::int32_t first, std::int32_t last) { return {{first}, {last}}; }

TEST(LateArrivalsTest, NamesTheRecordsOfAFirmAndItsMonths) {
  LateArrivals late;
  late.add(late.firm_number("a"), months(3, 3), 10);
  late.add(late.firm_number("b"), months(3, 3), 11);
  late.add(late.firm_number("a"), months(4, 5), 12);
  late.add(late.firm_number("a"), months(3, 3), 200);
  EXPECT_EQ(late.next(1, "a", months(3, 3)), 10u);
  EXPECT_EQ(late.next(11, "a", months(3, 3)), 200u);
  EXPECT_EQ(late.next(1, "a", months(5, 9)), 12u);
  EXPECT_EQ(late.next(13, "a", months(4, 9)), std::nullopt);
  EXPECT_EQ(late.next(201, "a", months(1, 9)), std::nullopt);
  EXPECT_EQ(late.next(1, "b", months(1, 9)), 11u);
  EXPECT_EQ(late.next(1, "c", months(1, 9)), std::nullopt);
}

TEST(LateArrivalsTest, KeepsAHistoryThatIsSentLaterInFewBytes) {
  LateArrivals late;
  for (Position position = 10; position < 100'000; position += LateArrivals::gap_max)
    late.add(late.firm_number("a"), months(3, 3), position);
  std::string saved;
  late.save(saved);
  EXPECT_LT(saved.size(), 20u);
  EXPECT_EQ(late.next(50'000, "a", months(3, 3)), 50'000u);
}

TEST(LateArrivalsTest, NeverPassesOverARecordAndLoadsAsItWasSaved) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  struct Added {
    std::string firm;
    MonthSpan months;
    Position position;
  };
  std::vector<Added> all;
  LateArrivals late;
  for (Position position = 1; position < 2'000;
       position += static_cast<Position>(test::between(random, 1, 9))) {
    for (const char* firm : {"a", "b", "c"}) {
      if (!test::one_in(random, 3)) continue;
      const auto first = static_cast<std::int32_t>(test::between(random, 24'300, 24'303));
      all.push_back(
          {firm, {{first}, {first + static_cast<std::int32_t>(test::between(random, 0, 1))}}, position});
      late.add(late.firm_number(firm), all.back().months, position);
    }
  }
  std::string saved;
  late.save(saved);
  LateArrivals loaded;
  ByteReader reader(saved);
  loaded.load(reader);
  EXPECT_TRUE(reader.ok() && reader.left() == 0);
  std::string again;
  loaded.save(again);
  EXPECT_EQ(again, saved);
  for (const Added& each : all) {
    ASSERT_EQ(loaded.next(each.position, each.firm, {each.months.first, each.months.first}), each.position);
    ASSERT_EQ(loaded.next(each.position, each.firm, {each.months.last, each.months.last}), each.position);
  }
  for (std::size_t cut = 0; cut < saved.size(); cut += 7) {
    LateArrivals damaged;
    ByteReader short_reader(std::string_view(saved).substr(0, cut));
    damaged.load(short_reader);
    EXPECT_FALSE(short_reader.ok());
  }
}

/// Folds one event a record.
struct Folding {
  UsageState state{offset};
  std::vector<test::SampleEvent> events;
  Position position = 1;

  void take(const std::string& intake_time, const test::SampleEvent& event, EventOrdinal corrected = 0) {
    UsageRecord record;
    record.first_ordinal = events.size();
    record.events.append(event.view(), corrected);
    events.push_back(event);
    state.apply({++position, parse_instant(intake_time).value(), RecordType::usage, usage_record_version},
                record,
                [this](EventOrdinal ordinal, const auto& visit) { visit(events.at(ordinal).view()); });
  }
  std::vector<Position> of(const std::string& month) const {
    const Month wanted = parse_month(month).value();
    std::vector<Position> found;
    for (auto next = state.late_arrivals().next(1, "firm", {wanted, wanted}); next;
         next = state.late_arrivals().next(*next + 1, "firm", {wanted, wanted}))
      found.push_back(*next);
    return found;
  }
};

test::SampleEvent usage_at(const std::string& id, const std::string& time) {
  test::SampleEvent event;
  event.source = "/s";
  event.id = id;
  event.subject = "firm";
  event.sku = "gpu";
  event.time = parse_instant(time).value();
  return event;
}

TEST(LateArrivalsTest, AreWhatCameAfterItsMonthHadEnded) {
  using Positions = std::vector<Position>;
  Folding folding;
  folding.take("2026-03-31T23:59:59.999+08:00", usage_at("in time", "2026-03-31T08:00:00+08:00"));
  EXPECT_EQ(folding.of("2026-03"), Positions{});
  folding.take("2026-04-01T00:00:00+08:00", usage_at("late", "2026-03-31T23:59:59+08:00"));
  folding.take("2026-04-01T00:00:00+08:00", usage_at("of april", "2026-04-01T00:00:00+08:00"));
  EXPECT_EQ(folding.of("2026-03"), Positions{3});
  EXPECT_EQ(folding.of("2026-04"), Positions{});

  test::SampleEvent across = usage_at("across", "2026-05-02T00:00:00+08:00");
  across.start = parse_instant("2026-03-31T12:00:00+08:00").value();
  across.end = parse_instant("2026-04-01T12:00:00+08:00").value();
  folding.position = 99;
  folding.take("2026-05-02T00:00:00+08:00", across);
  EXPECT_EQ(folding.of("2026-03"), (Positions{3, 100}));
  EXPECT_EQ(folding.of("2026-04"), Positions{100});
}

TEST(LateArrivalsTest, AreCorrectionsByTheDaysOfWhatTheyCorrect) {
  using Positions = std::vector<Position>;
  Folding folding;
  folding.take("2026-03-10T00:00:00+08:00", usage_at("e", "2026-03-09T00:00:00+08:00"));
  test::SampleEvent correction;
  correction.kind = EventKind::correction;
  correction.source = "/c";
  correction.id = "1";
  correction.subject = "firm";
  correction.corrects_source = "/s";
  correction.corrects_id = "e";
  correction.reason = "r";
  correction.time = parse_instant("2026-06-01T00:00:00+08:00").value();
  folding.take("2026-03-31T00:00:00+08:00", correction);
  EXPECT_EQ(folding.of("2026-03"), Positions{});
  correction.id = "2";
  folding.take("2026-06-01T00:00:00+08:00", correction);
  correction.id = "3";
  correction.time = parse_instant("2026-04-01T00:00:00+08:00").value();  // does not count; harmless
  folding.take("2026-06-02T00:00:00+08:00", correction);
  EXPECT_EQ(folding.of("2026-03"), (Positions{4, 5}));
  EXPECT_EQ(folding.of("2026-06"), Positions{});
}

}  // namespace
}  // namespace voucherd
