// The payload of usage records: what goes in comes out, the same events are the same bytes, and
// no bytes whatever do harm.
#include "metering/state/usage_record.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "metering/state/byte_coding.h"
#include "metering/state/compression.h"
#include "metering/state/hex_packing.h"
#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

using test::between;
using test::Random;
using test::SampleEvent;

std::vector<SampleEvent> wild_events(Random& random, std::size_t count) {
  std::vector<SampleEvent> events;
  while (events.size() < count) {
    events.push_back(test::wild_event(random));
    // Dictionaries are there for texts that come again.
    const SampleEvent& other = events[static_cast<std::size_t>(between(random, 0, std::ssize(events) - 1))];
    if (test::one_in(random, 2)) events.back().source = other.source;
    if (test::one_in(random, 2)) events.back().subject = other.subject;
  }
  return events;
}

EventBlock block_of(const std::vector<SampleEvent>& events) {
  EventBlock block;
  EventOrdinal corrected = 1'000'000'007;
  for (const SampleEvent& event : events) {
    block.append(event.view(), event.kind == EventKind::correction ? corrected++ : 0);
  }
  return block;
}

void expect_events(const EventBlock& block, const std::vector<SampleEvent>& events) {
  ASSERT_EQ(block.size(), events.size());
  EventOrdinal corrected = 1'000'000'007;
  for (std::uint32_t i = 0; i < block.size(); ++i) {
    const EventView view = events[i].view();
    ASSERT_TRUE(block.at(i) == view) << "event " << i;
    const EventBlock::Figures figures = block.figures(i);
    EXPECT_EQ(figures.kind, view.kind);
    EXPECT_EQ(block.sources().at(figures.source), view.source);
    EXPECT_EQ(block.subjects().at(figures.subject), view.subject);
    EXPECT_EQ(block.skus().at(figures.sku), view.sku);
    EXPECT_EQ(block.projects().at(figures.project), view.project);
    EXPECT_EQ(figures.quantity, view.quantity);
    if (view.kind == EventKind::usage) {
      EXPECT_EQ(figures.span.from, usage_span(view).from);
      EXPECT_EQ(figures.span.to, usage_span(view).to);
    }
    if (view.kind == EventKind::correction) {
      EXPECT_EQ(block.corrected(i), corrected++);
    }
  }
}

/// Reads everything that a record gives access to: the sanitizers watch.
std::size_t touch(const UsageRecord& record) {
  std::size_t sum = 0;
  for (std::uint32_t i = 0; i < record.events.size(); ++i) {
    const EventView event = record.events.at(i);
    for (const std::string_view text :
         {event.source, event.id, event.subject, event.sku, event.project, event.node, event.job,
          event.corrects_source, event.corrects_id, event.reason}) {
      for (const char byte : text) sum += static_cast<unsigned char>(byte);
    }
    if (event.kind == EventKind::correction) sum += record.events.corrected(i);
    if (event.kind == EventKind::usage) {
      Quantity total;
      const UsageSpan span = usage_span(event);
      if (span.to.ms - span.from.ms < 100 * ms_per_day) {
        spread_over_days(event.quantity, span, UtcOffset{}, [&](LocalDay, Quantity part) { total += part; });
        EXPECT_EQ(total, event.quantity);
      }
    }
  }
  return sum + record.quarantined.size() + record.resent.size() + record.released.size();
}

QuarantinedEvent quarantined_event(Random& random) {
  QuarantinedEvent event;
  event.code = ReasonCode::sku_unknown;
  event.detail = test::any_bytes(random, 20);
  event.source = test::any_bytes(random, 8);
  event.id = test::any_bytes(random, 8);
  event.subject = "91500000MA5UXXXXXX";
  event.sku = "gpu.unknown";
  event.months = {make_month(2026, 2), make_month(2026, 3)};
  event.corrects_source = test::any_bytes(random, 8);
  event.corrects_id = test::any_bytes(random, 8);
  event.raw = test::any_bytes(random, 300);
  event.fingerprint = random();
  return event;
}

UsageRecord record_of(Random& random, std::size_t events) {
  UsageRecord record;
  record.first_ordinal = 77;
  record.events = block_of(wild_events(random, events));
  for (int i = 0; i < 3; ++i) record.quarantined.push_back(quarantined_event(random));
  record.resent = {{9, 0}, {1'842, 4'000'000'000}};
  record.released = {{{9, 1}, "token", "finance"}, {{10, 0}, "local", ""}};
  return record;
}

Submissions::Counts counts_of(const UsageRecord& record) {
  return {record.events.size(), static_cast<std::uint32_t>(record.quarantined.size()),
          static_cast<std::uint32_t>(record.resent.size())};
}

TEST(UsageRecordTest, GivesBackTheEventsThatWereAppended) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (const std::size_t count : {0u, 1u, 2u, 100u, 3'000u}) {
    const std::vector<SampleEvent> events = wild_events(random, count);
    const EventBlock block = block_of(events);
    expect_events(block, events);
    const Result<EventBlock> decoded = EventBlock::decode(block.encode(), usage_record_version);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().detail;
    expect_events(*decoded, events);
  }
}

TEST(UsageRecordTest, GivesTheSameBytesForTheSameEvents) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  const std::vector<SampleEvent> events = wild_events(random, 500);
  const std::string bytes = block_of(events).encode();
  block_of(wild_events(random, 100)).encode();  // nothing is carried over from one to the next
  EXPECT_EQ(block_of(events).encode(), bytes);
  EXPECT_EQ(EventBlock::decode(bytes, usage_record_version).value().encode(), bytes);
}

TEST(UsageRecordTest, KeepsIdsThatLookLikeHexAsTheyWere) {
  std::vector<SampleEvent> events;
  for (const char* id :
       {"0a", "0A", "abc", "abcd", "abcg", "", "0", "00", "ab cd", "9f86d081884c7d659a2feaa0"}) {
    SampleEvent event;
    event.id = id;
    event.time = Instant{0};
    events.push_back(event);
  }
  expect_events(EventBlock::decode(block_of(events).encode(), usage_record_version).value(), events);
}

TEST(UsageRecordTest, KeepsWhatWasQuarantinedAndWhatWasSentAgain) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  const UsageRecord record = record_of(random, 10);
  const Result<UsageRecord> decoded = UsageRecord::decode(record.encode(), usage_record_version);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().detail;
  EXPECT_EQ(decoded->first_ordinal, 77u);
  EXPECT_EQ(decoded->events.size(), 10u);
  EXPECT_EQ(decoded->quarantined, record.quarantined);
  EXPECT_EQ(decoded->resent, record.resent);
  EXPECT_TRUE(UsageRecord::decode(UsageRecord{}.encode(), usage_record_version).value().empty());
}

/// A usage event, its correction, an event in quarantine and one sent again, as the first version
/// wrote them. Never to be replaced: such records are on disk.
constexpr std::string_view first_version_record =
    "ac022828b52ffd201ff9000001200164017301690166016bc20ac40a027b7defcdab896745230101b20e070228b52ffd20b4a105"
    "0002"
    "06082f736c75726d2f66696e616e6365011239313530303030304d4135555858585858580208006770752e613830300205006167"
    "656e"
    "740207006770752d3031370b0500010000000100010001d0ff8eeb9467b0d4a15980f08eeb946780bab70307007d00ac02180705"
    "309f"
    "86d081884c7d659a2feaa0636f72722d31373831373233060018000c002f736c75726d3966383664303831383834633764363539"
    "6132"
    "66656161306e6f6465206661696c757265";

TEST(UsageRecordTest, ReadsWhatTheFirstVersionWrote) {
  std::string bytes(first_version_record.size() / 2, '\0');
  pack_hex(first_version_record, bytes.data());
  const UsageRecord record = UsageRecord::decode(bytes, 1).value();

  SampleEvent usage;
  usage.source = "/slurm";
  usage.id = "9f86d081884c7d659a2feaa0";
  usage.subject = "91500000MA5UXXXXXX";
  usage.sku = "gpu.a800";
  usage.project = "agent";
  usage.node = "gpu-017";
  usage.job = "81723";
  usage.time = Instant{1'772'323'201'000};
  usage.start = Instant{1'772'319'600'000};
  usage.end = Instant{1'772'323'200'000};
  usage.quantity.nanos = 1'250'000'000;
  SampleEvent correction;
  correction.kind = EventKind::correction;
  correction.source = "/finance";
  correction.id = "corr-17";
  correction.subject = usage.subject;
  correction.time = Instant{1'772'416'800'000};
  correction.quantity.nanos = 0;
  correction.corrects_source = usage.source;
  correction.corrects_id = usage.id;
  correction.reason = "node failure";
  EXPECT_EQ(record.first_ordinal, 300u);
  ASSERT_EQ(record.events.size(), 2u);
  EXPECT_TRUE(record.events.at(0) == usage.view());
  EXPECT_TRUE(record.events.at(1) == correction.view());
  EXPECT_EQ(record.events.corrected(1), 300u);
  ASSERT_EQ(record.quarantined.size(), 1u);
  EXPECT_EQ(record.quarantined[0].code, ReasonCode::sku_unknown);
  EXPECT_EQ(record.quarantined[0].months, (MonthSpan{make_month(2026, 2), make_month(2026, 3)}));
  EXPECT_EQ(record.quarantined[0].fingerprint, 0x0123'4567'89ab'cdefu);
  EXPECT_EQ(record.resent, (std::vector<QuarantineNumber>{{1'842, 7}}));
}

std::string from_hex(std::string_view digits) {
  std::string bytes(digits.size() / 2, '\0');
  pack_hex(digits, bytes.data());
  return bytes;
}

// As the second version wrote them: an ordinary event, and a record of nothing but the quarantine. Never to
// be replaced: such records are on disk.
TEST(UsageRecordTest, ReadsWhatTheSecondVersionWrote) {
  const UsageRecord one = UsageRecord::decode(from_hex("000001"
                                                       "80045a4602022c1218"
                                                       "011239313530303030304d413555313030313133"
                                                       "010c6770752e6d6f64656c2d3134"
                                                       "010970726f6a6563742d31"
                                                       "01182f63656e7472652f726f6e677a68692f6e6f64652d313636"
                                                       "01076770752d323338"
                                                       "00000b00a6d78eeb9467c0c687eb946780e4af01"
                                                       "06fc8802000018053638333031"
                                                       "2705e719a18c3634c744b745"),
                                              2)
                              .value();
  ASSERT_EQ(one.events.size(), 1U);
  const EventView event = one.events.at(0);
  EXPECT_EQ(event.source, "/centre/rongzhi/node-166");
  EXPECT_EQ(event.id, "2705e719a18c3634c744b745");
  EXPECT_EQ(event.job, "68301");
  EXPECT_EQ(one.submissions.of_event(0), Submitter{});

  const UsageRecord held =
      UsageRecord::decode(
          from_hex("075328b52ffd2056550200140402000664657461696c022f73026964077375626a65637403"
                   "736b75c40ac60a027b7d05000200ff000103010101022f73056f7468657201040005746f6b"
                   "656e016b0200202394c11300"),
          2)
          .value();
  EXPECT_EQ(held.first_ordinal, 7U);
  ASSERT_EQ(held.quarantined.size(), 2U);
  EXPECT_EQ(held.quarantined[0].detail, "detail");
  EXPECT_EQ(held.released, (std::vector<QuarantineRelease>{{{4, 0}, "token", "k"}}));
  EXPECT_EQ(held.submissions.of_quarantined(0), Submitter{});
}

TEST(UsageRecordTest, SaysWhoSentWhat) {
  Random random(9);
  UsageRecord record;
  const Submitter one{"token", "one"}, other{"certificate", "other"};
  record.sent_by(one);
  for (const SampleEvent& event : wild_events(random, 3)) record.events.append(event.view(), 0);
  record.sent_by(other);
  record.quarantined.push_back(quarantined_event(random));
  record.resent = {{9, 0}};
  record.sent_by(one);
  record.events.append(test::ordinary_event(random, test::sample_start_ms).view());
  const std::string bytes = record.encode();
  for (const Submissions& sent : {UsageRecord::decode(bytes, usage_record_version).value().submissions,
                                  UsageRecord::submissions_of(bytes, usage_record_version).value()}) {
    EXPECT_EQ(sent.of_event(2), one);
    EXPECT_EQ(sent.of_quarantined(0), other);
    EXPECT_EQ(sent.of_resent(0), other);
    EXPECT_EQ(sent.of_event(3), one);
  }
}

TEST(UsageRecordTest, RefusesSendersOfMoreThanThereIs) {
  Random random(10);
  UsageRecord record;
  record.sent_by({"token", "one"});
  record.events.append(test::ordinary_event(random, test::sample_start_ms).view());
  const std::string bytes = record.encode();
  const std::string sent = record.submissions.encode(counts_of(record));
  Submissions::Counts two = counts_of(record);
  ++two.events;
  const std::string of_two = record.submissions.encode(two);
  std::string damaged = bytes;
  damaged.replace(damaged.find(sent), sent.size(), of_two);
  EXPECT_TRUE(UsageRecord::decode(bytes, usage_record_version).has_value());
  EXPECT_EQ(UsageRecord::decode(damaged, usage_record_version).error().code, "usage_record_damaged");
}

TEST(UsageRecordTest, TakesAtMost35BytesForAnOrdinaryEvent) {
  Random random(1);
  UsageRecord record;
  record.sent_by({"token", "q4xk2m5jw7ab"});
  constexpr std::uint32_t events = 6'000;
  for (std::uint32_t i = 0; i < events; ++i) {
    record.events.append(test::ordinary_event(random, test::sample_start_ms + i).view());
  }
  EXPECT_LE(record.encode().size(), 35u * events);
}

TEST(UsageRecordTest, RefusesBytesThatAreCutOff) {
  Random random(2);
  const std::string bytes = record_of(random, 40).encode();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const Result<UsageRecord> decoded =
        UsageRecord::decode(std::string_view(bytes).substr(0, length), usage_record_version);
    ASSERT_FALSE(decoded.has_value()) << length;
    EXPECT_EQ(decoded.error().code, "usage_record_damaged");
  }
  EXPECT_FALSE(UsageRecord::decode(bytes + "x", usage_record_version).has_value());
}

TEST(UsageRecordTest, SurvivesAnyDamageToItsBytes) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  const std::string bytes = record_of(random, 60).encode();
  for (int round = 0; round < 3'000; ++round) {
    std::string damaged = bytes;
    for (std::int64_t flips = between(random, 1, 4); flips > 0; --flips) {
      damaged[static_cast<std::size_t>(between(random, 0, std::ssize(damaged) - 1))] ^=
          static_cast<char>(1 << between(random, 0, 6));
    }
    const Result<UsageRecord> decoded = UsageRecord::decode(damaged, usage_record_version);
    if (decoded) touch(*decoded);
  }
}

std::string damage(Random& random, std::string bytes) {
  const auto at = static_cast<std::size_t>(between(random, 0, std::ssize(bytes) - 1));
  switch (between(random, 0, 3)) {
    case 0:
      bytes[at] = static_cast<char>(static_cast<unsigned char>(random()));
      break;
    case 1:
      bytes.erase(at, static_cast<std::size_t>(between(random, 1, 3)));
      break;
    case 2:
      bytes.insert(at, test::any_bytes(random, 2));
      break;
    default:
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                  std::min<std::size_t>(9, bytes.size() - at), '\xff');
  }
  return bytes;
}

// Few events are not compressed: no frame catches the damage, but the columns' own checks.
TEST(UsageRecordTest, SurvivesAnyDamageToItsColumns) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  const std::string bytes = block_of(wild_events(random, 60)).encode();
  ASSERT_TRUE(EventBlock::decode(bytes, usage_record_version).has_value());
  int refused = 0;
  for (int round = 0; round < 5'000; ++round) {
    UsageRecord record;
    const Result<EventBlock> decoded = EventBlock::decode(damage(random, bytes), usage_record_version);
    refused += decoded ? 0 : 1;
    if (!decoded) continue;
    record.events = *decoded;
    touch(record);
  }
  EXPECT_GT(refused, 1'000);
}

TEST(UsageRecordTest, SurvivesAnyDamageToTheColumnsOfTheFirstVersion) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  std::string bytes(first_version_record.size() / 2, '\0');
  pack_hex(first_version_record, bytes.data());
  const std::size_t block = bytes.rfind("\x28\xb5\x2f\xfd") - 1;  // the number of events, then the frame
  const Bytes columns = decompress(std::string_view(bytes).substr(block + 1));
  ASSERT_NE(columns.data, nullptr);
  int refused = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string again = bytes.substr(0, block + 1);
    append_compressed(again, damage(random, std::string(columns.view())));
    const Result<UsageRecord> decoded = UsageRecord::decode(again, 1);
    refused += decoded ? 0 : 1;
    if (decoded) touch(*decoded);
  }
  EXPECT_GT(refused, 1'000);
}

TEST(UsageRecordTest, RefusesAClaimOfMoreEventsThanThereAre) {
  std::string bytes = UsageRecord{}.encode();
  bytes.pop_back();
  put_varint(bytes, EventBlock::events_max);
  append_compressed(bytes, "nothing like columns");
  EXPECT_FALSE(UsageRecord::decode(bytes, usage_record_version).has_value());
  EXPECT_FALSE(UsageRecord::decode(bytes, 1).has_value());
}

TEST(UsageRecordTest, RefusesAVersionThatItDoesNotKnow) {
  Random random(3);
  const std::string bytes = record_of(random, 4).encode();
  EXPECT_TRUE(UsageRecord::decode(bytes, usage_record_version).has_value());
  EXPECT_FALSE(UsageRecord::decode(bytes, usage_record_version + 1).has_value());
  EXPECT_FALSE(UsageRecord::decode(bytes, 0).has_value());
}

// Checkpoints keep these values.
TEST(IdentityHashTest, NeverChanges) {
  EXPECT_EQ(identity_hash("/slurm", "job-81723", 0x0123'4567'89ab'cdef), 0xd140'96b4'023e'1998u);
}

TEST(IdentityHashTest, TellsWhereTheSourceEnds) {
  EXPECT_NE(identity_hash("ab", "c", 0), identity_hash("a", "bc", 0));
  EXPECT_NE(identity_hash("", "abc", 0), identity_hash("abc", "", 0));
  EXPECT_NE(identity_hash("ab", "c", 0), identity_hash("ab", "c", 1));
  const std::string longer(5'000, 'x');
  EXPECT_NE(identity_hash(longer, "c", 0), identity_hash(longer, "d", 0));
}

TEST(QuarantineNumberTest, IsWrittenAsPositionAndIndex) {
  EXPECT_EQ(to_string(QuarantineNumber{1'842, 0}), "1842.0");
  EXPECT_EQ(parse_quarantine_number("1842.7").value(), (QuarantineNumber{1'842, 7}));
  for (const char* text :
       {"", ".", "1842", "1842.", ".0", "1842.0 ", "01842.0", "-1.0", "1.4294967296", "1.0.0"}) {
    EXPECT_FALSE(parse_quarantine_number(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace voucherd
