// The fold against an auditor that keeps every event and computes everything anew.
#include "metering/state/usage_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>
#include <tuple>

#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

using test::between;
using test::one_in;
using test::Random;
using test::SampleEvent;

constexpr UtcOffset offset{480};

std::string saved(const UsageState& state) {
  std::string bytes;
  state.save(bytes);
  return bytes;
}

/// A journal in memory: records with their accepted events, kept apart from the blocks.
struct History {
  struct Entry {
    RecordHeader header;
    UsageRecord record;
  };
  std::vector<Entry> entries;
  std::vector<SampleEvent> events;      // by ordinal
  std::vector<EventOrdinal> corrected;  // by ordinal
  std::vector<std::size_t> entry_of;    // by ordinal
  Position position = 1;

  UsageRecord& begin_record() {
    ++position;
    entries.push_back(
        {{position, Instant{1'000'000 + static_cast<std::int64_t>(position)}, RecordType::usage, 1}, {}});
    entries.back().record.first_ordinal = events.size();
    return entries.back().record;
  }
  EventOrdinal add(const SampleEvent& event, EventOrdinal target = 0) {
    entries.back().record.events.append(event.view(), target);
    events.push_back(event);
    corrected.push_back(target);
    entry_of.push_back(entries.size() - 1);
    return events.size() - 1;
  }

  UsageState::ReadEvent reader(std::size_t entry) const {
    return [this, entry](EventOrdinal ordinal, const std::function<void(const EventView&)>& visit) {
      ASSERT_LT(entry_of.at(ordinal), entry) << "asked for an event of the same record or a later one";
      const UsageRecord& record = entries[entry_of[ordinal]].record;
      visit(record.events.at(static_cast<std::uint32_t>(ordinal - record.first_ordinal)));
    };
  }
  void fold(UsageState& state, std::size_t from, std::size_t until) const {
    for (std::size_t i = from; i < until; ++i) state.apply(entries[i].header, entries[i].record, reader(i));
  }
  UsageState folded() const {
    UsageState state(offset);
    fold(state, 0, entries.size());
    return state;
  }
};

/// Computes what a state must hold, from the list of all events.
struct Auditor {
  const History& history;

  std::map<EventOrdinal, EventOrdinal> winners() const {
    const auto rank = [&](EventOrdinal ordinal) {
      const SampleEvent& event = history.events[ordinal];
      return std::tuple(*event.time, event.source, event.id);
    };
    std::map<EventOrdinal, EventOrdinal> winners;
    for (EventOrdinal ordinal = 0; ordinal < history.events.size(); ++ordinal) {
      if (history.events[ordinal].kind != EventKind::correction) continue;
      const auto [winner, is_first] = winners.emplace(history.corrected[ordinal], ordinal);
      if (!is_first && rank(ordinal) > rank(winner->second)) winner->second = ordinal;
    }
    return winners;
  }

  void expect_right(const UsageState& state) const {
    const std::map<EventOrdinal, EventOrdinal> winning = winners();
    std::map<std::string, std::map<std::tuple<LocalDay, std::string, std::string>, Quantity>> sums;
    Quantity sum;
    for (EventOrdinal ordinal = 0; ordinal < history.events.size(); ++ordinal) {
      const SampleEvent& event = history.events[ordinal];
      EXPECT_EQ(state.place_of(ordinal).position, history.entries[history.entry_of[ordinal]].header.position);
      if (event.kind == EventKind::correction) continue;
      const auto winner = winning.find(ordinal);
      const Quantity quantity =
          winner == winning.end() ? event.quantity : history.events[winner->second].quantity;
      EXPECT_EQ(state.winning_correction(ordinal),
                winner == winning.end() ? std::nullopt : std::optional(winner->second));
      expect_in_ranges(state, event, state.place_of(ordinal).position);
      spread_over_days(quantity, usage_span(event.view()), offset, [&](LocalDay day, Quantity part) {
        sums[event.subject][{day, event.sku, event.project}] += part;
      });
      sum += quantity;
    }
    EXPECT_EQ(state.events(), history.events.size());
    EXPECT_EQ(state.accepted_quantity(), sum);
    EXPECT_EQ(state.totals().sum(), sum);
    expect_totals(state.totals(), sums);
    expect_sources(state);
  }

  void expect_in_ranges(const UsageState& state, const SampleEvent& event, Position position) const {
    spread_over_days(event.quantity, usage_span(event.view()), offset, [&](LocalDay day, Quantity) {
      EXPECT_EQ(state.ranges().next(position, event.subject, {day, day}), position);
    });
  }

  template <class Sums>
  static void expect_totals(const Totals& totals, const Sums& sums) {
    for (const auto& [firm, keys] : sums) {
      std::vector<UsageTotal> expected;
      for (const auto& [key, quantity] : keys) {
        const auto& [day, sku, project] = key;
        if (!quantity.is_zero()) expected.push_back({day, SkuId(sku), ProjectId(project), quantity});
      }
      EXPECT_EQ(totals.of(FirmId(firm), LocalDay{-1'000'000}, LocalDay{1'000'000}), expected) << firm;
    }
  }

  void expect_sources(const UsageState& state) const {
    std::map<std::string, SourceFigures, std::less<>> expected;
    for (EventOrdinal ordinal = 0; ordinal < history.events.size(); ++ordinal) {
      const SampleEvent& event = history.events[ordinal];
      SourceFigures& figures = expected[event.source];
      ++figures.events;
      figures.last_arrival = history.entries[history.entry_of[ordinal]].header.intake_time;
      if (event.kind == EventKind::usage) {
        figures.last_usage = std::max(figures.last_usage, usage_span(event.view()).to);
        spread_over_days(event.quantity, usage_span(event.view()), offset, [&](LocalDay day, Quantity) {
          figures.usage_days.insert({day, day});
        });
      }
    }
    EXPECT_EQ(state.sources(), expected);
  }
};

SampleEvent usage(const std::string& id, std::int64_t quantity) {
  SampleEvent event;
  event.source = "/slurm";
  event.id = id;
  event.subject = "91500000MA5UXXXXXX";
  event.sku = "gpu.a800";
  event.start = Instant{test::sample_start_ms};
  event.end = Instant{test::sample_start_ms + 3 * ms_per_day + 12'345};
  event.quantity.nanos = quantity;
  return event;
}

SampleEvent correction(const SampleEvent& of, const std::string& source, const std::string& id,
                       std::int64_t time_ms, std::int64_t quantity) {
  SampleEvent event;
  event.kind = EventKind::correction;
  event.source = source;
  event.id = id;
  event.subject = of.subject;
  event.time = Instant{time_ms};
  event.quantity.nanos = quantity;
  event.corrects_source = of.source;
  event.corrects_id = of.id;
  event.reason = "node failure";
  return event;
}

QuarantinedEvent quarantined(const std::string& source, const std::string& id, ReasonCode code) {
  QuarantinedEvent event;
  event.code = code;
  event.source = source;
  event.id = id;
  event.months = {make_month(2026, 3), make_month(2026, 3)};
  event.fingerprint = identity_hash(source, id, 5);
  return event;
}

/// A day of a centre: usage over days and projects, corrections of it in the same record or later,
/// quarantined events that come again.
void add_random_record(History& history, Random& random) {
  UsageRecord& record = history.begin_record();
  const auto id = [&] { return std::to_string(between(random, 1, 60)); };
  for (std::int64_t left = between(random, 0, 3); left > 0; --left) {
    record.quarantined.push_back(
        quarantined("/slurm", id(), one_in(random, 3) ? ReasonCode::conflict : ReasonCode::firm_unknown));
  }
  if (one_in(random, 3)) {
    record.resent.push_back(
        {static_cast<Position>(between(random, 2, static_cast<std::int64_t>(history.position))), 0});
  }
  for (std::int64_t left = between(random, 0, 12); left > 0; --left) {
    const bool corrects = !history.events.empty() && one_in(random, 3);
    const auto target = corrects
                            ? static_cast<EventOrdinal>(between(random, 0, std::ssize(history.events) - 1))
                            : EventOrdinal{0};
    if (corrects && history.events[target].kind == EventKind::usage) {
      history.add(correction(history.events[target], one_in(random, 2) ? "/finance" : "/audit", id(),
                             between(random, 1, 5), between(random, 0, 1'000)),
                  target);
      continue;
    }
    SampleEvent event = usage(id(), between(random, 1, 1'000'000'000'000));
    event.subject = "firm" + std::to_string(between(random, 1, 4));
    event.sku = "sku" + std::to_string(between(random, 1, 3));
    if (one_in(random, 2)) event.project = "project" + std::to_string(between(random, 1, 3));
    event.end = Instant{event.start->ms + between(random, 0, 31 * ms_per_day)};
    history.add(event);
  }
}

TEST(UsageStateTest, AgreesWithAnAuditorWhoComputesEverythingAnew) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 20; ++round) {
    History history;
    for (std::int64_t records = between(random, 1, 40); records > 0; --records)
      add_random_record(history, random);
    Auditor{history}.expect_right(history.folded());
  }
}

TEST(UsageStateTest, ContinuesFromItsSavedBytesAsIfItHadNeverStopped) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 20; ++round) {
    History history;
    for (std::int64_t records = between(random, 1, 40); records > 0; --records)
      add_random_record(history, random);
    const auto cut = static_cast<std::size_t>(between(random, 0, std::ssize(history.entries)));
    UsageState before(offset);
    history.fold(before, 0, cut);
    const std::string bytes = saved(before) + "behind";
    std::string_view in = bytes;
    UsageState state = UsageState::load(in).value();
    EXPECT_EQ(in, "behind");
    history.fold(state, cut, history.entries.size());
    Auditor{history}.expect_right(state);
    EXPECT_EQ(saved(state), saved(history.folded()));
  }
}

TEST(UsageStateTest, ASnapshotIsTheStateOfItsMomentWhateverIsFoldedMeanwhile) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 20; ++round) {
    History history;
    for (std::int64_t records = between(random, 1, 40); records > 0; --records)
      add_random_record(history, random);
    const auto cut = static_cast<std::size_t>(between(random, 0, std::ssize(history.entries)));
    UsageState state(offset);
    history.fold(state, 0, cut);
    const std::string before = saved(state);
    std::string during;
    std::thread reader([&during, snapshot = state.freeze()] { snapshot.save(during); });
    history.fold(state, cut, history.entries.size());
    reader.join();
    EXPECT_EQ(during, before);
    EXPECT_EQ(saved(state), saved(history.folded()));
    state.thaw();
    EXPECT_EQ(saved(state), saved(history.folded()));
  }
}

TEST(UsageStateTest, FoldsADecodedRecordAsTheOneThatWasEncoded) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  History history;
  for (int i = 0; i < 30; ++i) add_random_record(history, random);
  UsageState state(offset);
  for (std::size_t i = 0; i < history.entries.size(); ++i) {
    const UsageRecord decoded =
        UsageRecord::decode(history.entries[i].record.encode(), usage_record_version).value();
    state.apply(history.entries[i].header, decoded, history.reader(i));
  }
  EXPECT_EQ(saved(state), saved(history.folded()));
}

TEST(UsageStateTest, CountsTheSameCorrectionInWhateverOrderTheyArrive) {
  const SampleEvent event = usage("job-1", 9'999'999'999);
  // By time, then source, then id: the last one counts.
  std::vector<SampleEvent> corrections{correction(event, "/z", "z", 1, 7), correction(event, "/a", "z", 2, 0),
                                       correction(event, "/b", "a", 2, 5),
                                       correction(event, "/b", "b", 2, 123'456'789)};
  const SampleEvent counts = corrections.back();
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    for (const std::size_t in_first_record : {0u, 2u, 4u}) {
      History history;
      history.begin_record();
      const EventOrdinal target = history.add(event);
      for (std::size_t i = 0; i < order.size(); ++i) {
        if (i == in_first_record) history.begin_record();
        history.add(corrections[order[i]], target);
      }
      const UsageState state = history.folded();
      Auditor{history}.expect_right(state);
      EXPECT_EQ(state.accepted_quantity(), counts.quantity);
      EXPECT_EQ(history.events[*state.winning_correction(target)].id, counts.id);
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(UsageStateTest, AVoidedEventLeavesNoTotalBehind) {
  History history;
  history.begin_record();
  const EventOrdinal target = history.add(usage("job-1", 1'000));
  history.begin_record();
  history.add(correction(history.events[target], "/finance", "c", 5, 0), target);
  const UsageState state = history.folded();
  EXPECT_TRUE(state.totals().firms().empty());
  EXPECT_TRUE(state.accepted_quantity().is_zero());
  EXPECT_EQ(state.events(), 2u);
}

TEST(UsageStateTest, AnAcceptedEventClosesWhatWasQuarantinedOfItBeforeAndInItsOwnRecord) {
  History history;
  history.begin_record().quarantined = {quarantined("/slurm", "job-1", ReasonCode::firm_unknown),
                                        quarantined("/slurm", "job-2", ReasonCode::firm_unknown)};
  UsageRecord& second = history.begin_record();
  second.quarantined = {quarantined("/slurm", "job-1", ReasonCode::conflict),
                        quarantined("/slurm", "job-1", ReasonCode::sku_unknown)};
  second.resent = {{2, 1}, {3, 0}, {99, 0}};
  history.add(usage("job-1", 1'000));
  const UsageState state = history.folded();
  EXPECT_EQ(state.quarantine().size(), 2u);
  ASSERT_NE(state.quarantine().find({2, 1}), nullptr);
  EXPECT_EQ(state.quarantine().find({2, 1})->times_sent, 2u);
  ASSERT_NE(state.quarantine().find({3, 0}), nullptr);
  EXPECT_EQ(state.quarantine().find({3, 0})->times_sent, 2u);
}

TEST(UsageStateTest, ClosesReleasedEntriesByTheirNumber) {
  History history;
  history.begin_record().quarantined = {quarantined("/slurm", "job-1", ReasonCode::firm_unknown),
                                        quarantined("/slurm", "job-2", ReasonCode::firm_unknown)};
  UsageRecord& second = history.begin_record();
  second.released = {{{2, 0}, "local", "finance"}, {{99, 0}, "local", "finance"}};
  history.add(usage("job-1", 1'000));
  const UsageState state = history.folded();
  EXPECT_EQ(state.quarantine().find({2, 0}), nullptr);
  EXPECT_NE(state.quarantine().find({2, 1}), nullptr);
}

TEST(UsageStateTest, FindsTheRecordOfEachEvent) {
  History history;
  for (const int events : {1, 0, 3, 2}) {
    history.begin_record();
    for (int i = 0; i < events; ++i) history.add(usage("job", 1));
  }
  const UsageState state = history.folded();
  EXPECT_EQ(state.place_of(0), (EventPlace{2, 0}));
  EXPECT_EQ(state.place_of(1), (EventPlace{4, 0}));
  EXPECT_EQ(state.place_of(3), (EventPlace{4, 2}));
  EXPECT_EQ(state.place_of(5), (EventPlace{5, 1}));
  EXPECT_DEATH(static_cast<void>(state.place_of(6)), "ordinal < events_");
}

TEST(UsageStateTest, StopsAtAGapInTheOrdinals) {
  History history;
  history.begin_record().first_ordinal = 1;
  UsageState state(offset);
  EXPECT_DEATH(history.fold(state, 0, 1), "first_ordinal == events");
}

TEST(UsageStateTest, RefusesDamagedBytes) {
  Random random(4);
  History history;
  for (int i = 0; i < 5; ++i) add_random_record(history, random);
  const std::string bytes = saved(history.folded());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    std::string_view in = std::string_view(bytes).substr(0, length);
    EXPECT_FALSE(UsageState::load(in).has_value()) << length;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(~damaged[at]);
    std::string_view in = damaged;
    const Result<UsageState> loaded = UsageState::load(in);
    if (loaded && loaded->events() > 0) static_cast<void>(loaded->place_of(loaded->events() - 1));
  }
}

TEST(UsageStateTest, LoadsWhatSaveWritesAndNothingElse) {
  Random random(5);
  History history;
  for (int i = 0; i < 6; ++i) add_random_record(history, random);
  const std::string bytes = saved(history.folded());
  int loaded = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string other = bytes;
      other[at] = static_cast<char>(static_cast<unsigned char>(other[at]) ^ (1U << bit));
      std::string_view in = other;
      const Result<UsageState> state = UsageState::load(in);
      if (!state) continue;
      ++loaded;
      ASSERT_EQ(saved(*state), other.substr(0, other.size() - in.size()))
          << "bit " << bit << " of byte " << at;
    }
  }
  EXPECT_GT(loaded, 0) << "other quantities are another good state";
}

TEST(UsageStateTest, SaysWhichRecordItLastTellsOf) {
  History history;
  EXPECT_EQ(history.folded().last_position(), 0U);
  history.begin_record();
  history.add(usage("1", 1));
  EXPECT_EQ(history.folded().last_position(), history.position);
  history.begin_record().quarantined.push_back(quarantined("/slurm", "2", ReasonCode::firm_unknown));
  EXPECT_EQ(history.folded().last_position(), history.position);
}

}  // namespace
}  // namespace voucherd
