// Spreading over days against a computation that looks at each day by itself, and content
// equality member by member.
#include "metering/core/usage_event.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

namespace voucherd {
namespace {

constexpr UtcOffset beijing{480};

using Parts = std::vector<std::pair<LocalDay, Quantity>>;

Parts spread(Quantity quantity, UsageSpan span, UtcOffset offset) {
  Parts parts;
  spread_over_days(quantity, span, offset,
                   [&](LocalDay day, Quantity part) { parts.emplace_back(day, part); });
  return parts;
}

/// Rules §2 word by word: day k gets floor(Q·t_k/T) − floor(Q·t_{k−1}/T), by walking all days.
Parts naive_spread(Quantity quantity, UsageSpan span, UtcOffset offset) {
  Parts parts;
  if (span.from == span.to) return {{local_day(span.from, offset), quantity}};
  const std::int64_t whole = span.to.ms - span.from.ms;
  const LocalDay last = local_day({span.to.ms - 1}, offset);
  for (LocalDay day = local_day(span.from, offset); day <= last; ++day.days) {
    const auto upto = [&](Instant end) -> Int128 {
      const std::int64_t until = std::min(std::max(end.ms, span.from.ms), span.to.ms);
      return quantity.nanos * (until - span.from.ms) / whole;
    };
    parts.emplace_back(day, Quantity{upto(start_of({day.days + 1}, offset)) - upto(start_of(day, offset))});
  }
  return parts;
}

UsageSpan between(std::string_view from, std::string_view to) {
  return {parse_instant(from).value(), parse_instant(to).value()};
}

TEST(SpreadTest, AnIntervalWithinADayStaysWhole) {
  const Parts parts = spread({7}, between("2026-03-01T08:00:00+08:00", "2026-03-01T09:00:00+08:00"), beijing);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(to_string(parts[0].first), "2026-03-01");
  EXPECT_EQ(parts[0].second.nanos, 7);
}

TEST(SpreadTest, AnIntervalThatEndsAtMidnightDoesNotTouchTheNextDay) {
  const Parts parts = spread({7}, between("2026-02-28T23:00:00+08:00", "2026-03-01T00:00:00+08:00"), beijing);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(to_string(parts[0].first), "2026-02-28");
}

TEST(SpreadTest, AnIntervalAcrossMidnightIsSplitByTime) {
  const Parts parts =
      spread({10}, between("2026-02-28T23:00:00+08:00", "2026-03-01T02:00:00+08:00"), beijing);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].second.nanos, 3);  // floor(10/3)
  EXPECT_EQ(parts[1].second.nanos, 7);
}

TEST(SpreadTest, AnInstantBelongsToItsDay) {
  const Parts parts = spread({7}, between("2026-03-01T00:00:00+08:00", "2026-03-01T00:00:00+08:00"), beijing);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(to_string(parts[0].first), "2026-03-01");
  EXPECT_EQ(parts[0].second.nanos, 7);
}

TEST(SpreadTest, RandomIntervalsMatchTheDayByDayComputationAndAddUp) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> start_ms(-100 * ms_per_day, 30'000 * ms_per_day);
  std::uniform_int_distribution<std::int64_t> length_ms(0, 31 * ms_per_day);
  std::uniform_int_distribution<std::int64_t> nanos(1, static_cast<std::int64_t>(Quantity::event_nanos_max));
  std::uniform_int_distribution<std::int32_t> minutes(-1439, 1439);
  for (int round = 0; round < 10'000; ++round) {
    const UtcOffset offset{minutes(random)};
    Instant from{start_ms(random)};
    if (random() % 4 == 0) from = start_of(local_day(from, offset), offset);
    Instant to{from.ms + length_ms(random)};
    if (random() % 4 == 0) to = std::max(from, start_of(local_day(to, offset), offset));
    if (random() % 16 == 0) to = from;
    const Quantity quantity{random() % 4 == 0 ? static_cast<std::int64_t>(random() % 50) : nanos(random)};
    const Parts parts = spread(quantity, {from, to}, offset);
    ASSERT_EQ(parts, naive_spread(quantity, {from, to}, offset))
        << from.ms << " " << to.ms << " " << offset.minutes;
    Quantity sum;
    for (const auto& [day, part] : parts) {
      ASSERT_GE(part.nanos, 0);
      sum += part;
    }
    ASSERT_EQ(sum, quantity);
  }
}

TEST(UsageSpanTest, IsTheIntervalOrElseTheInstantOfTime) {
  EventView event;
  event.time = Instant{5};
  EXPECT_EQ(usage_span(event).from, Instant{5});
  EXPECT_EQ(usage_span(event).to, Instant{5});
  event.start = Instant{1};
  event.end = Instant{3};
  EXPECT_EQ(usage_span(event).from, Instant{1});
  EXPECT_EQ(usage_span(event).to, Instant{3});
}

TEST(EventViewTest, EachKeptMemberTakesPartInContent) {
  EventView event;
  event.source = "s";
  event.time = Instant{1};
  const std::vector<void (*)(EventView&)> changes = {[](EventView& e) { e.kind = EventKind::correction; },
                                                     [](EventView& e) { e.source = "t"; },
                                                     [](EventView& e) { e.id = "t"; },
                                                     [](EventView& e) { e.subject = "t"; },
                                                     [](EventView& e) { e.time.reset(); },
                                                     [](EventView& e) { e.quantity.nanos = 1; },
                                                     [](EventView& e) { e.sku = "t"; },
                                                     [](EventView& e) { e.project = "t"; },
                                                     [](EventView& e) { e.node = "t"; },
                                                     [](EventView& e) { e.job = "t"; },
                                                     [](EventView& e) { e.start = Instant{0}; },
                                                     [](EventView& e) { e.end = Instant{0}; },
                                                     [](EventView& e) { e.corrects_source = "t"; },
                                                     [](EventView& e) { e.corrects_id = "t"; },
                                                     [](EventView& e) { e.reason = "t"; }};
  for (const auto& change : changes) {
    EventView other = event;
    EXPECT_EQ(other, event);
    change(other);
    EXPECT_NE(other, event);
  }
}

}  // namespace
}  // namespace voucherd
