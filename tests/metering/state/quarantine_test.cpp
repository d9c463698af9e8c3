// The quarantine against a plain list that is searched from end to end.
#include "metering/state/quarantine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

using test::between;
using test::Random;

QuarantinedEvent event_of(std::string source, std::string id, ReasonCode code = ReasonCode::sku_unknown) {
  QuarantinedEvent event;
  event.code = code;
  event.detail = "data.sku gpu.new is not a registered SKU";
  event.source = std::move(source);
  event.id = std::move(id);
  event.months = {make_month(2026, 3), make_month(2026, 3)};
  event.fingerprint = 7;
  return event;
}

std::string saved(const Quarantine& quarantine) {
  std::string bytes;
  quarantine.save(bytes);
  return bytes;
}

std::vector<QuarantineNumber> numbers(const Quarantine& quarantine, QuarantineNumber after = {}) {
  std::vector<QuarantineNumber> list;
  quarantine.visit(after, [&](const QuarantineEntry& entry) {
    list.push_back(entry.number);
    return true;
  });
  return list;
}

TEST(QuarantineTest, ClosesTheEntriesOfAnAcceptedIdentityButNotItsConflicts) {
  Quarantine quarantine;
  quarantine.add(event_of("s", "1"), {10, 0}, Instant{1});
  quarantine.add(event_of("s", "1", ReasonCode::conflict), {10, 1}, Instant{1});
  quarantine.add(event_of("s", "2"), {11, 0}, Instant{2});
  quarantine.add(event_of("s", "1"), {12, 0}, Instant{3});
  EXPECT_FALSE(quarantine.holds_conflicts_only());
  quarantine.close_identity("s", "1");
  EXPECT_EQ(numbers(quarantine), (std::vector<QuarantineNumber>{{10, 1}, {11, 0}}));
  quarantine.close_identity("s", "2");
  EXPECT_TRUE(quarantine.holds_conflicts_only());
  EXPECT_TRUE(quarantine.close({10, 1}));
  EXPECT_FALSE(quarantine.close({10, 1}));
  EXPECT_TRUE(quarantine.empty());
}

// Were each entry that is closed to walk all others, these were billions of steps.
TEST(QuarantineTest, ClosesAHundredThousandEntriesOfOneIdentityOrOneTarget) {
  constexpr std::uint32_t entries = 100'000;
  Quarantine quarantine;
  for (std::uint32_t i = 0; i < entries; ++i) quarantine.add(event_of("s", "1"), {10, i}, Instant{1});
  QuarantinedEvent other = event_of("s", "2", ReasonCode::correction_target_unknown);
  other.corrects_source = "s";
  other.corrects_id = "1";
  for (std::uint32_t i = 0; i < entries; ++i) quarantine.add(other, {11, i}, Instant{1});
  EXPECT_EQ(quarantine.waiting_for("s", "1").size(), entries);
  quarantine.close_identity("s", "1");
  EXPECT_EQ(quarantine.size(), entries);
  for (std::uint32_t i = entries; i > 0; --i) EXPECT_TRUE(quarantine.close({11, i - 1}));
  EXPECT_TRUE(quarantine.empty());
  EXPECT_FALSE(quarantine.corrections_wait());
  EXPECT_TRUE(quarantine.holds_conflicts_only());
}

TEST(QuarantineTest, DoesNotMixUpIdentitiesWhoseBytesAreTheSameTogether) {
  Quarantine quarantine;
  quarantine.add(event_of(std::string("a\0", 2), "b"), {2, 0}, Instant{1});
  quarantine.close_identity("a", std::string("\0b", 2));
  quarantine.close_identity("a", "b");
  EXPECT_EQ(quarantine.size(), 1u);
}

TEST(QuarantineTest, AnIdentityThatIsCutIsNotTakenForAnother) {
  Quarantine quarantine;
  quarantine.add(event_of("s", std::string(100'000, 'x')), {2, 0}, Instant{1});
  EXPECT_LT(quarantine.find({2, 0})->id.size(), 300u);
  quarantine.close_identity("s", std::string(256, 'x'));
  quarantine.close_identity("s", quarantine.find({2, 0})->id);
  EXPECT_EQ(quarantine.size(), 1u);
}

TEST(QuarantineTest, CutsNoCharacterInTwo) {
  QuarantinedEvent event = event_of("s", "1");
  for (std::string::size_type ahead = 0; ahead < 4; ++ahead) {
    event.detail = std::string(ahead, 'x');
    while (event.detail.size() < 5'000) event.detail += "算";
    Quarantine quarantine;
    quarantine.add(event, {2, 0}, Instant{1});
    EXPECT_EQ((quarantine.find({2, 0})->detail.size() - ahead) % 3, 0u);
  }
}

TEST(QuarantineTest, ListsFromBehindANumberUntilTheReaderHasEnough) {
  Quarantine quarantine;
  for (std::uint32_t i = 0; i < 5; ++i) quarantine.add(event_of("s", std::to_string(i)), {2, i}, Instant{1});
  EXPECT_EQ(numbers(quarantine, {2, 2}), (std::vector<QuarantineNumber>{{2, 3}, {2, 4}}));
  int seen = 0;
  quarantine.visit({}, [&](const QuarantineEntry&) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

QuarantinedEvent waiting(std::string id, std::string corrects_id) {
  QuarantinedEvent event = event_of("/c", std::move(id), ReasonCode::correction_target_unknown);
  event.corrects_source = "s";
  event.corrects_id = std::move(corrects_id);
  return event;
}

TEST(QuarantineTest, FindsTheCorrectionsThatWaitForAnEventInOrder) {
  Quarantine quarantine;
  EXPECT_FALSE(quarantine.corrections_wait());
  quarantine.add(waiting("c1", "1"), {10, 0}, Instant{1});
  quarantine.add(waiting("c2", "2"), {10, 1}, Instant{1});
  quarantine.add(event_of("s", "1"), {10, 2}, Instant{1});
  quarantine.add(waiting("c3", "1"), {11, 0}, Instant{1});
  EXPECT_TRUE(quarantine.corrections_wait());
  EXPECT_EQ(quarantine.waiting_for("s", "1"), (std::vector<QuarantineNumber>{{10, 0}, {11, 0}}));
  EXPECT_TRUE(quarantine.waiting_for("s", "3").empty());
  const std::string bytes = saved(quarantine);
  std::string_view in = bytes;
  quarantine = Quarantine::load(in).value();
  EXPECT_EQ(quarantine.waiting_for("s", "1"), (std::vector<QuarantineNumber>{{10, 0}, {11, 0}}));
  quarantine.close_identity("/c", "c1");
  EXPECT_EQ(quarantine.waiting_for("s", "1"), (std::vector<QuarantineNumber>{{11, 0}}));
  quarantine.close({11, 0});
  quarantine.close({10, 1});
  EXPECT_FALSE(quarantine.corrections_wait());
  EXPECT_EQ(quarantine.size(), 1u);
}

/// The naive model.
struct Model {
  std::vector<QuarantineEntry> entries;

  void erase_if(const std::function<bool(const QuarantineEntry&)>& test) { std::erase_if(entries, test); }

  void expect_same(const Quarantine& quarantine) const {
    ASSERT_EQ(quarantine.size(), entries.size());
    auto expected = entries.begin();
    quarantine.visit({}, [&](const QuarantineEntry& entry) {
      EXPECT_EQ(entry, *expected++);
      return true;
    });
    for (int months = make_month(2025, 10).months; months < make_month(2026, 10).months; ++months) {
      const auto touches = [&](const QuarantineEntry& entry) {
        return entry.months.first <= Month{months} && Month{months} <= entry.months.last;
      };
      EXPECT_EQ(quarantine.blocking(Month{months}),
                static_cast<std::uint64_t>(std::count_if(entries.begin(), entries.end(), touches)));
    }
    for (std::uint64_t fingerprint = 0; fingerprint < 22; ++fingerprint) {
      const auto first = std::find_if(entries.begin(), entries.end(), [&](const QuarantineEntry& entry) {
        return entry.fingerprint == fingerprint;
      });
      const std::optional<QuarantineNumber> number = quarantine.find_fingerprint(fingerprint);
      ASSERT_EQ(number.has_value(), first != entries.end());
      if (number) {
        EXPECT_EQ(*number, first->number);
      }
    }
  }
};

struct RandomWalk {
  Random random;
  std::uint64_t position = 2;
  Quarantine quarantine;
  Model model;

  QuarantineNumber some_number() {
    return {static_cast<std::uint64_t>(between(random, 2, static_cast<std::int64_t>(position))), 0};
  }

  void add() {
    QuarantinedEvent event = event_of("s", std::to_string(between(random, 1, 30)));
    if (test::one_in(random, 4)) event.code = ReasonCode::conflict;
    event.fingerprint = static_cast<std::uint64_t>(between(random, 1, 20));
    event.months.first = make_month(2026, static_cast<int>(between(random, 1, 6)));
    event.months.last = {event.months.first.months + static_cast<std::int32_t>(between(random, 0, 2))};
    quarantine.add(event, {position, 0}, Instant{99});
    model.entries.push_back({.number = {position, 0},
                             .code = event.code,
                             .detail = event.detail,
                             .source = event.source,
                             .id = event.id,
                             .subject = event.subject,
                             .sku = event.sku,
                             .corrects_source = event.corrects_source,
                             .corrects_id = event.corrects_id,
                             .months = event.months,
                             .received_at = Instant{99},
                             .fingerprint = event.fingerprint,
                             .times_sent = 1});
    ++position;
  }

  void step() {
    const std::int64_t what = between(random, 0, 5);
    if (what == 0) {
      const QuarantineNumber number = some_number();
      quarantine.close(number);
      model.erase_if([&](const QuarantineEntry& entry) { return entry.number == number; });
    } else if (what == 1) {
      const std::string id = std::to_string(between(random, 1, 30));
      quarantine.close_identity("s", id);
      model.erase_if(
          [&](const QuarantineEntry& entry) { return entry.id == id && entry.code != ReasonCode::conflict; });
    } else if (what == 2) {
      const QuarantineNumber number = some_number();
      quarantine.count_resent(number);
      for (QuarantineEntry& entry : model.entries) entry.times_sent += entry.number == number ? 1u : 0u;
    } else {
      add();
    }
  }
};

TEST(QuarantineTest, AgreesWithAListThatIsSearchedFromEndToEnd) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomWalk walk{.random = Random(seed), .position = 2, .quarantine = {}, .model = {}};
  for (int i = 0; i < 1'000; ++i) {
    walk.step();
    if (i % 100 == 0) {
      const std::string bytes = saved(walk.quarantine) + "behind";
      std::string_view in = bytes;
      walk.quarantine = Quarantine::load(in).value();
      EXPECT_EQ(in, "behind");
      EXPECT_EQ(saved(walk.quarantine) + "behind", bytes);
    }
    if (i % 20 == 0) walk.model.expect_same(walk.quarantine);
  }
}

TEST(QuarantineTest, RefusesDamagedBytes) {
  Quarantine quarantine;
  for (std::uint32_t i = 0; i < 5; ++i) quarantine.add(event_of("s", std::to_string(i)), {2, i}, Instant{1});
  const std::string bytes = saved(quarantine);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    std::string_view in = std::string_view(bytes).substr(0, length);
    EXPECT_FALSE(Quarantine::load(in).has_value());
  }
}

}  // namespace
}  // namespace voucherd
