// The totals from stored events alone are those of the fold, corrections and all.
#include "metering/state/recount.h"

#include <gtest/gtest.h>

#include "metering/state/usage_state.h"
#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

constexpr UtcOffset offset{480};

struct Stored {
  RecordHeader header;
  UsageRecord record;
};

/// Records of ordinary events, each with some corrections of events before it.
std::vector<Stored> random_history(test::Random& random) {
  std::vector<Stored> history;
  std::vector<test::SampleEvent> usage;
  std::vector<EventOrdinal> ordinals;
  EventOrdinal next = 0;
  for (Position position = 2; position < 30; ++position) {
    Stored stored{{position, Instant{1}, RecordType::usage, usage_record_version}, {}};
    stored.record.first_ordinal = next;
    for (std::int64_t i = test::between(random, 1, 300); i > 0; --i, ++next) {
      if (!usage.empty() && test::one_in(random, 10)) {
        const auto at = static_cast<std::size_t>(test::between(random, 0, std::ssize(usage) - 1));
        test::SampleEvent correction;
        correction.kind = EventKind::correction;
        correction.source = "/finance";
        correction.id = std::to_string(next);
        correction.subject = usage[at].subject;
        correction.time = Instant{test::sample_start_ms + test::between(random, 0, 3)};
        correction.quantity = test::any_quantity(random, 0);
        stored.record.events.append(correction.view(), ordinals[at]);
      } else {
        usage.push_back(
            test::ordinary_event(random, test::sample_start_ms + test::between(random, 0, 1) * 50'000'000));
        ordinals.push_back(next);
        stored.record.events.append(usage.back().view());
      }
    }
    history.push_back(std::move(stored));
  }
  return history;
}

TEST(RecountTest, AgreesWithTheFold) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  const auto history = random_history(random);
  UsageState state(offset);
  Recount recount(offset);
  const auto read = [&](EventPlace place, const std::function<void(const EventView&)>& visit) {
    visit(history[place.position - 2].record.events.at(place.index));
  };
  for (const Stored& stored : history) {
    state.apply(stored.header, stored.record,
                [&](EventOrdinal ordinal, const auto& visit) { read(state.place_of(ordinal), visit); });
    ASSERT_TRUE(recount.add(stored.header, stored.record.encode()).has_value());
  }
  EXPECT_GT(recount.corrections(), 0u);
  recount.correct(read);
  std::string folded, recounted;
  state.totals().save(folded);
  recount.totals().save(recounted);
  EXPECT_EQ(recounted, folded);
  EXPECT_EQ(recount.events(), state.events());
}

TEST(RecountTest, RefusesARecordThatDoesNotFollowTheOneBefore) {
  test::Random random(1);
  const auto history = random_history(random);
  Recount recount(offset);
  ASSERT_TRUE(recount.add(history[0].header, history[0].record.encode()).has_value());
  EXPECT_FALSE(recount.add(history[2].header, history[2].record.encode()).has_value());
}

}  // namespace
}  // namespace voucherd
