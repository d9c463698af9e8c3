// What must not matter does not: how events are cut into batches, in which order they arrive, where
// an interval is cut at midnights, how many send the same event at once, and the host's time zone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "billing/core/statement.h"
#include "config/options.h"
#include "metering/proof/payload_parts.h"
#include "tests/simulation/history.h"

namespace voucherd::simulation {
namespace {

using naive::SentEvent;

/// A scene: facts, and good events with identities of their own, all sent at the end of the time.
struct Scene {
  explicit Scene(std::uint64_t seed) : workload(seed, Features{false}), now_ms(workload.end_ms()) {
    naive::Model model(workload.head(), now_ms);
    for (const naive::FactChange& change : workload.first_facts()) {
      EXPECT_EQ(model.change(change, "", now_ms), 0);
      facts.push_back(change);
    }
    for (std::int64_t at = workload.start_ms(); at < now_ms; at += 4 * 86'400'000LL) {
      for (const WireEvent& event : workload.next_request(model, at).events) {
        const auto verdict = model.take({event.event}, now_ms)->at(0);
        if (verdict.outcome == "accepted") events.push_back(event.event);
      }
    }
  }
  Workload workload;
  std::int64_t now_ms;
  std::vector<naive::FactChange> facts;
  std::vector<SentEvent> events;
};

void send(Program& program, const std::vector<SentEvent>& events, Dice& dice) {
  Request request;
  for (const SentEvent& event : events) request.events.push_back(write_event(event, dice));
  program.submit(
      request.body(), wire::BodyFormat::ndjson, [expected = events.size()](const IngestReply& reply) {
        EXPECT_EQ(reply.accepted, expected) << (reply.problems.empty() ? "" : reply.problems[0].detail);
      });
}

std::unique_ptr<Program> start(const Scene& scene) {
  auto program =
      std::make_unique<Program>(scene.workload.head(), scene.now_ms, config::Options().identity_bytes_max);
  std::vector<billing::FactChange> changes;
  for (const naive::FactChange& change : scene.facts) {
    changes.push_back({*billing::fact_kind_of_path(change.kind), change.key, change.body});
  }
  const auto reply = program->change(changes, "");
  EXPECT_FALSE(reply.refusal);
  return program;
}

/// Every statement's bytes.
std::string statements_of(Program& program) {
  std::string all;
  const billing::Ledger& ledger = program.engine().ledger();
  for (Month month = make_month(2025, 8); month <= make_month(2026, 3); month = month.next()) {
    for (const FirmId& firm : ledger.firms_with_statement(month, FirmId{""}, 1000)) {
      all += billing::to_canonical_json(*ledger.open_statement(month, firm)) + "\n";
    }
  }
  return all;
}

constexpr std::uint64_t scenes = 12;

TEST(PropertyTest, BatchesAndTheirOrderChangeNoStatement) {
  for (std::uint64_t seed = 1; seed <= scenes; ++seed) {
    Scene scene(seed);
    Dice dice(seed);
    const auto whole = start(scene);
    send(*whole, scene.events, dice);
    whole->settle();
    const auto split = start(scene);
    std::vector<SentEvent> shuffled = scene.events;
    dice.shuffle(shuffled);
    for (std::size_t at = 0; at < shuffled.size();) {
      const auto size = std::min(shuffled.size() - at, static_cast<std::size_t>(dice.roll(1, 9)));
      const auto from = shuffled.begin() + static_cast<std::ptrdiff_t>(at);
      send(*split, {from, from + static_cast<std::ptrdiff_t>(size)}, dice);
      if (dice.percent(30)) split->settle();
      at += size;
    }
    split->settle();
    const std::string expected = statements_of(*whole);
    ASSERT_FALSE(expected.empty()) << "seed " << seed;
    ASSERT_EQ(expected, statements_of(*split)) << "seed " << seed;
  }
}

/// The parts of the rule, each as an event of its own.
std::vector<SentEvent> cut_at_midnights(const SentEvent& event, int offset) {
  if (!event.start) return {event};
  const std::int64_t from = *naive::read_instant(*event.start);
  const std::int64_t to = *naive::read_instant(*event.end);
  const naive::Int whole = numerator(naive::Fraction(*naive::read_decimal(*event.quantity) * 1'000'000'000));
  std::vector<SentEvent> parts;
  naive::Int given = 0;
  for (std::int64_t at = from; at < to;) {
    const std::int64_t midnight = naive::day_start_ms(naive::local_day_of(at, offset) + 1, offset);
    const std::int64_t end = std::min(midnight, to);
    const naive::Int up_to = end == to ? whole : naive::Int(whole * (end - from) / (to - from));
    SentEvent part = event;
    part.id += "/part-" + std::to_string(parts.size());
    part.start = naive::show_instant(at, 0);
    part.end = naive::show_instant(end, 0);
    part.quantity =
        naive::show_decimal(naive::Fraction(naive::Int(up_to - given), naive::Int(1'000'000'000)));
    if (up_to != given) parts.push_back(part);
    given = up_to;
    at = end;
  }
  return parts.empty() ? std::vector<SentEvent>{event} : parts;
}

TEST(PropertyTest, IntervalsCutAtMidnightsChangeNoStatement) {
  for (std::uint64_t seed = 1; seed <= scenes; ++seed) {
    Scene scene(seed);
    Dice dice(seed);
    const auto whole = start(scene);
    send(*whole, scene.events, dice);
    whole->settle();
    std::vector<SentEvent> parts;
    for (const SentEvent& event : scene.events) {
      for (SentEvent& part : cut_at_midnights(event, scene.workload.head().offset))
        parts.push_back(std::move(part));
    }
    ASSERT_GT(parts.size(), scene.events.size());
    const auto cut = start(scene);
    send(*cut, parts, dice);
    cut->settle();
    ASSERT_EQ(statements_of(*whole), statements_of(*cut)) << "seed " << seed;
  }
}

TEST(PropertyTest, SixtyFourSubmittersOfOneEventLeaveOne) {
  Scene scene(3);
  Dice dice(3);
  const auto program = start(scene);
  std::uint64_t accepted = 0;
  std::uint64_t duplicate = 0;
  Position first = 0;
  for (int i = 0; i < 64; ++i) {
    const Request request{{write_event(respell(scene.events[0], dice), dice)}, true};
    program->submit(request.body(), wire::BodyFormat::ndjson, [&](const IngestReply& reply) {
      accepted += reply.accepted;
      duplicate += reply.duplicate;
      // A duplicate of an event whose commit is under way is acknowledged only after that commit.
      if (reply.accepted == 1) first = reply.position;
      EXPECT_GE(program->engine().position(), reply.position);
      EXPECT_GE(reply.position, first);
    });
  }
  program->settle();
  EXPECT_EQ(accepted, 1u);
  EXPECT_EQ(duplicate, 63u);
  EXPECT_EQ(program->engine().usage().events(), 1u);
}

/// Sends events at the first and last millisecond of each month and year; the journal's records
/// after the genesis (its hash seed is random; so are the secrets of records in parts) and every statement.
std::string bytes_under(const char* zone) {
  setenv("TZ", zone, 1);  // NOLINT(concurrency-mt-unsafe): no other thread runs here
  tzset();
  Scene scene(5);
  Dice dice(5);
  const auto program = start(scene);
  std::vector<SentEvent> events;
  for (int month = 2025 * 12 + 7; month <= 2026 * 12 + 2; ++month) {
    const int day = naive::first_day_of_month(month - 1970 * 12);
    for (const int shift : {-1, 0}) {
      SentEvent event = scene.events[0];
      event.id = std::to_string(month) + (shift < 0 ? "-before" : "-at");
      event.start = event.end = std::nullopt;
      event.time = naive::show_instant(naive::day_start_ms(day, scene.workload.head().offset) + shift, 0);
      events.push_back(event);
    }
  }
  for (const SentEvent& event : events) {
    send(*program, {event}, dice);
    program->settle();
  }
  std::string all = statements_of(*program);
  for (Position position = 2; position <= program->engine().position(); ++position) {
    const auto record = program->engine().journal().read(position).value();
    if (record.header.version < payload_in_parts_version || record.header.type == RecordType::usage) {
      all += encode_record(record.header, record.payload);
      continue;
    }
    const PayloadParts content = unseal(record.payload).value().content;
    all += content.shared + content.rest;
    for (const std::string& part : content.parts) all += part;
  }
  return all;
}

TEST(PropertyTest, TheHostsTimeZoneChangesNoByte) {
  const std::string expected = bytes_under("UTC");
  EXPECT_EQ(expected, bytes_under("Asia/Shanghai"));
  EXPECT_EQ(expected, bytes_under("America/New_York"));
  unsetenv("TZ");  // NOLINT(concurrency-mt-unsafe)
  tzset();
}

}  // namespace
}  // namespace voucherd::simulation
