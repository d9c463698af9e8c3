// Chains of a firm's events: the bytes of events, what a record adds to which month, and the links; golden
// values made by another program (Python's hashlib and struct, from FORMAT.md).
#include "metering/proof/chains.h"

#include <gtest/gtest.h>

#include <random>

#include "metering/proof/record_proof.h"

namespace voucherd {
namespace {

constexpr const char* firm_a = "91500000MA5U00000W";
constexpr const char* firm_b = "914403001922038216";
constexpr UtcOffset offset{480};

Instant at(const std::string& text) { return parse_instant(text).value(); }

EventView usage_event(const char* firm = firm_a) {
  EventView event;
  event.source = "/s";
  event.id = "id";
  event.subject = firm;
  event.time = at("2026-03-01T09:00:00+08:00");
  event.start = at("2026-03-01T08:00:00+08:00");
  event.end = at("2026-03-01T09:00:00+08:00");
  event.quantity = Quantity{8'000'000'000};
  event.sku = "gpu";
  event.project = "项目";
  event.job = "81723";
  return event;
}

EventView correction(const char* firm = firm_a) {
  EventView event;
  event.kind = EventKind::correction;
  event.source = "/c";
  event.id = "corr";
  event.subject = firm;
  event.time = at("2026-03-01T10:00:00+08:00");
  event.corrects_source = "/s";
  event.corrects_id = "id";
  event.reason = "refund";
  return event;
}

std::string bytes_of_event(const EventView& event, std::uint32_t index) {
  std::string bytes;
  append_event_bytes(bytes, event, index);
  return bytes;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    out.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) >> 4]);
    out.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) & 0xf]);
  }
  return out;
}

TEST(EventBytesTest, AreThoseOfFormatMd) {
  EXPECT_EQ(hex(bytes_of_event(usage_event(), 7)),
            "0107000000"
            "0380cae8a69c01000000dcb1a69c01000080cae8a69c010000"
            "0050d6dc01000000"
            "02002f73020069640300677075"
            "0600e9a1b9e79bae0000"
            "05003831373233");
  EXPECT_EQ(hex(bytes_of_event(correction(), 8)),
            "0208000000"
            "0100b91fa79c010000"
            "0000000000000000"
            "02002f630400636f7272"
            "0000000000000000"
            "02002f73020069640600726566756e64");
}

TEST(EventBytesTest, ComeBackOneAfterAnother) {
  EventView instant = usage_event();
  instant.start = instant.end = std::nullopt;
  EventView interval = usage_event();
  interval.time = std::nullopt;
  const std::string all = bytes_of_event(usage_event(), 0) + bytes_of_event(correction(), 1) +
                          bytes_of_event(instant, 2) + bytes_of_event(interval, 0xffff'ffff);
  std::string_view in = all;
  for (EventView expected : {usage_event(), correction(), instant, interval}) {
    expected.subject = {};
    const auto taken = take_event_bytes(in);
    ASSERT_TRUE(taken) << taken.error().detail;
    EXPECT_EQ(taken->event, expected);
  }
  EXPECT_TRUE(in.empty());
  for (std::size_t cut = 0; cut < bytes_of_event(usage_event(), 0).size(); ++cut) {
    std::string_view part = std::string_view(all).substr(0, cut);
    EXPECT_EQ(take_event_bytes(part).error().code, "event_bytes_malformed");
  }
  for (const std::size_t place : {0U, 5U}) {  // a kind and instants that there are none
    std::string other = all;
    other[place] = 4;
    std::string_view part = other;
    EXPECT_EQ(take_event_bytes(part).error().code, "event_bytes_malformed");
  }
}

TEST(MonthsOfTest, AnEndAtMidnightDoesNotTouchTheMonthThatBegins) {
  const auto months = [](const char* from, const char* to) {
    const MonthRun run = months_of({at(from), at(to)}, offset);
    return to_string(run.first) + " " + to_string(run.last);
  };
  EXPECT_EQ(months("2026-02-28T08:00:00+08:00", "2026-03-01T00:00:00+08:00"), "2026-02 2026-02");
  EXPECT_EQ(months("2026-02-28T08:00:00+08:00", "2026-03-01T00:00:00.001+08:00"), "2026-02 2026-03");
  EXPECT_EQ(months("2026-03-01T00:00:00+08:00", "2026-03-01T00:00:00+08:00"), "2026-03 2026-03");
  EXPECT_EQ(months("2026-01-31T23:00:00+08:00", "2026-03-01T01:00:00+08:00"), "2026-01 2026-03");
  EXPECT_EQ(months("2026-02-28T16:00:00Z", "2026-02-28T16:00:00Z"), "2026-03 2026-03");
}

TEST(ChainTest, LinksAsFormatMdSays) {
  Sha256 sha;
  Chain chain;
  const std::string usage = bytes_of_event(usage_event(), 7), corrected = bytes_of_event(correction(), 8);
  extend(sha, chain, {9, 2, sha256(usage + corrected)});
  EXPECT_EQ(to_hex(chain.value), "60709f9dfd7cbf8631e2a77f621b447215f19bb1b5d8f1c4e5b6845033d1ad73");
  extend(sha, chain, {12, 1, sha256(usage)});
  EXPECT_EQ(to_hex(chain.value), "e1e80ed63f227d62e37e8b58c53a7ee78fe64ee54c23d59ada56d69b723bd61a");
  EXPECT_EQ(chain.events, 3U);
}

// What a record adds ------------------------------------------------------------------------------

std::vector<ChainStep> steps_of(const EventBlock& events, const std::vector<UsageSpan>& corrected = {}) {
  RecordProver prover(offset);
  return prover.prove({2, {}, RecordType::usage, 2}, "payload", events, corrected).value().steps;
}

TEST(RecordProverTest, HashesEachFirmsEventsByMonthInTheOrderOfTheirIndex) {
  EventBlock events;
  EventView january = usage_event(firm_b);
  january.time = std::nullopt;
  january.start = at("2026-01-31T23:00:00+08:00");
  january.end = at("2026-02-01T01:00:00+08:00");
  events.append(january);        // 0: b, January and February
  events.append(usage_event());  // 1: a, March
  EventView february = usage_event(firm_b);
  february.start = february.end = std::nullopt;
  february.time = at("2026-02-10T00:00:00+08:00");
  events.append(february);       // 2: b, February
  events.append(usage_event());  // 3: a, March
  const auto steps = steps_of(events);
  ASSERT_EQ(steps.size(), 3U);
  const auto bytes = [&](std::uint32_t row) { return bytes_of_event(events.at(row), row); };
  EXPECT_EQ(events.subjects().at(steps[0].subject), firm_b);
  EXPECT_EQ(to_string(steps[0].month), "2026-01");
  EXPECT_EQ(steps[0].digest, sha256(bytes(0)));
  EXPECT_EQ(to_string(steps[1].month), "2026-02");
  EXPECT_EQ(steps[1].events, 2U);
  EXPECT_EQ(steps[1].digest, sha256(bytes(0) + bytes(2)));
  EXPECT_EQ(events.subjects().at(steps[2].subject), firm_a);
  EXPECT_EQ(steps[2].events, 2U);
  EXPECT_EQ(steps[2].digest, sha256(bytes(1) + bytes(3)));
}

TEST(RecordProverTest, ACorrectionIsInTheMonthsOfWhatItCorrects) {
  EventBlock events;
  events.append(correction(), 5);
  events.append(usage_event());
  const UsageSpan of_december{at("2025-12-31T00:00:00+08:00"), at("2026-01-01T12:00:00+08:00")};
  const auto steps = steps_of(events, {of_december});
  ASSERT_EQ(steps.size(), 3U);
  for (const std::size_t i : {0U, 1U}) EXPECT_EQ(steps[i].digest, sha256(bytes_of_event(correction(), 0)));
  EXPECT_EQ(to_string(steps[0].month), "2025-12");
  EXPECT_EQ(to_string(steps[1].month), "2026-01");
  EXPECT_EQ(steps[2].digest, sha256(bytes_of_event(usage_event(), 1)));
}

TEST(RecordProverTest, KeepsNothingFromRecordToRecord) {
  std::mt19937_64 random(20'260'301);
  SCOPED_TRACE("seed 20260301");
  RecordProver kept(offset);
  for (int round = 0; round < 50; ++round) {
    EventBlock events;
    const auto count = random() % 40;
    for (std::uint64_t i = 0; i < count; ++i) {
      EventView event = usage_event(random() % 2 == 0 ? firm_a : firm_b);
      event.start = Instant{event.start->ms - static_cast<std::int64_t>(random() % 90) * ms_per_day};
      event.end = Instant{event.start->ms + static_cast<std::int64_t>(random() % 31) * ms_per_day};
      events.append(event);
    }
    const RecordHeader header{2, {}, RecordType::usage, 2};
    const auto again = kept.prove(header, "payload", events, {}).value();
    const auto fresh = RecordProver(offset).prove(header, "payload", events, {}).value();
    EXPECT_EQ(again.leaf, fresh.leaf);
    ASSERT_EQ(again.steps.size(), fresh.steps.size());
    for (std::size_t i = 0; i < fresh.steps.size(); ++i) {
      EXPECT_EQ(again.steps[i].subject, fresh.steps[i].subject);
      EXPECT_EQ(again.steps[i].month, fresh.steps[i].month);
      EXPECT_EQ(again.steps[i].events, fresh.steps[i].events);
      EXPECT_EQ(again.steps[i].digest, fresh.steps[i].digest);
    }
  }
}

// All firms' chains -------------------------------------------------------------------------------

TEST(ChainsTest, SaveTheSameBytesWhateverOrderFirmsCameIn) {
  const auto saved = [](std::initializer_list<const char*> firms) {
    Chains chains;
    for (const char* firm : firms) {
      const std::uint32_t number = chains.firm_number(firm);
      chains.extend(number, Month{674}, {3, 1, sha256(firm)});
      chains.extend(number, Month{672}, {4, 2, sha256("more")});
    }
    chains.firm_number("without a chain");
    std::string out;
    chains.save(out);
    return out;
  };
  EXPECT_EQ(saved({firm_a, firm_b}), saved({firm_b, firm_a}));
}

TEST(ChainsTest, ContinueFromTheirSavedBytes) {
  Chains chains;
  chains.extend(chains.firm_number(firm_a), Month{674}, {3, 1, sha256("x")});
  std::string saved;
  chains.save(saved);
  std::string_view in = saved;
  auto loaded = Chains::load(in);
  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_TRUE(in.empty());
  for (Chains* each : {&chains, &*loaded}) {
    each->extend(each->firm_number(firm_a), Month{674}, {5, 2, sha256("y")});
    each->extend(each->firm_number(firm_b), Month{675}, {5, 1, sha256("z")});
  }
  ASSERT_NE(chains.of(firm_a), nullptr);
  EXPECT_EQ(*chains.of(firm_a), *loaded->of(firm_a));
  EXPECT_EQ(*chains.of(firm_b), *loaded->of(firm_b));
  EXPECT_EQ(loaded->firms(), (std::vector<FirmId>{FirmId{firm_b}, FirmId{firm_a}}));
  EXPECT_EQ(loaded->of("91330106673959654P"), nullptr);
  for (std::size_t cut = 0; cut < saved.size(); ++cut) {
    std::string_view part = std::string_view(saved).substr(0, cut);
    EXPECT_EQ(Chains::load(part).error().code, "chains_damaged");
  }
}

}  // namespace
}  // namespace voucherd
