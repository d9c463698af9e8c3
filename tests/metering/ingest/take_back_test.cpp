// What is decided and then taken back: a rehearsal, and what a full disk refuses.
#include <gtest/gtest.h>

#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd::testing {
namespace {

/// Of every kind one: new, duplicate, conflict, quarantined, the same again, a correction of each.
std::string mixed_batch() {
  return event_text("1", "8") + event_text("1", "8.0") + event_text("1", "9") + event_text("old", "1") +
         event_text("old", "2") + event_text("bad", "-1") + event_text("bad", "-1") +
         correction_text("c1", "1", "0") + correction_text("c2", "missing", "0") + "{\n";
}

void expect_same_but_numbers(const IngestReply& a, const IngestReply& b) {
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.received, b.received);
  EXPECT_EQ(a.accepted, b.accepted);
  EXPECT_EQ(a.duplicate, b.duplicate);
  EXPECT_EQ(a.conflict, b.conflict);
  EXPECT_EQ(a.quarantined, b.quarantined);
  ASSERT_EQ(a.problems.size(), b.problems.size());
  for (std::size_t i = 0; i < a.problems.size(); ++i) {
    EXPECT_EQ(a.problems[i].index, b.problems[i].index);
    EXPECT_EQ(a.problems[i].code, b.problems[i].code);
    EXPECT_EQ(a.problems[i].id, b.problems[i].id);
  }
}

TEST(RehearsalTest, AnswersWhatWouldHappenAndKeepsNothing) {
  IngestHarness h;
  h.send(event_text("old", "1"));
  const auto figures = h.sequencer->figures();
  const IngestReply rehearsed = h.sequencer->rehearse(*h.batch_of(mixed_batch()));
  EXPECT_EQ(rehearsed.accepted, 2u);
  EXPECT_EQ(rehearsed.duplicate, 2u);
  EXPECT_EQ(rehearsed.conflict, 2u);
  EXPECT_EQ(rehearsed.quarantined, 4u);
  EXPECT_EQ(rehearsed.position, 2u);
  EXPECT_EQ(h.journal->last_position(), 2u);
  EXPECT_EQ(h.identities.size(), 1u);
  EXPECT_EQ(h.sequencer->figures().received, figures.received);
  EXPECT_EQ(h.sequencer->figures().ignored_members, figures.ignored_members);
  for (const auto& problem : rehearsed.problems) EXPECT_EQ(problem.quarantine, QuarantineNumber{});
  // Again and for good: the same.
  expect_same_but_numbers(h.sequencer->rehearse(*h.batch_of(mixed_batch())), rehearsed);
  expect_same_but_numbers(h.send(mixed_batch()), rehearsed);
}

TEST(RehearsalTest, SeesWhatIsUnderWayAndDoesNotDisturbIt) {
  IngestHarness h;
  const auto sealed = h.submit(event_text("1", "1"));
  const auto open = h.submit(event_text("2", "1") + event_text("bad", "-1"));
  const IngestReply rehearsed = h.sequencer->rehearse(*h.batch_of(
      event_text("1", "1") + event_text("2", "5") + event_text("3", "1") + event_text("bad", "-1")));
  EXPECT_EQ(rehearsed.duplicate, 1u);
  EXPECT_EQ(rehearsed.conflict, 1u);
  EXPECT_EQ(rehearsed.accepted, 1u);
  EXPECT_EQ(rehearsed.problems.at(0).quarantine, QuarantineNumber{});
  // The entry under way may still be taken back: its number could become another's.
  EXPECT_EQ(rehearsed.problems.at(1).quarantine, QuarantineNumber{});
  EXPECT_EQ(h.wait(sealed).accepted, 1u);
  EXPECT_EQ(h.wait(open).accepted, 1u);
  EXPECT_EQ(h.state.events(), 2u);
  EXPECT_EQ(h.send(event_text("3", "1")).accepted, 1u);
  EXPECT_EQ(to_string(h.state.totals().sum()), "3");
}

TEST(RehearsalTest, NamesTheEntryThatTheSameContentHasInQuarantine) {
  IngestHarness h;
  const auto kept = h.send(event_text("bad", "-1")).problems.at(0).quarantine;
  const IngestReply rehearsed = h.sequencer->rehearse(*h.batch_of(event_text("bad", "-1")));
  EXPECT_EQ(rehearsed.problems.at(0).quarantine, kept);
  EXPECT_EQ(h.state.quarantine().find(kept)->times_sent, 1u);
}

TEST(RehearsalTest, IsRefusedWhileTheClockIsBehind) {
  IngestHarness h;
  h.send(event_text("1"));
  h.clock.advance(-clock_behind_ms_max - 1);
  EXPECT_EQ(h.sequencer->rehearse(*h.batch_of(event_text("2"))).outcome, IngestReply::Outcome::clock_behind);
}

TEST(DiskFullTest, RefusesTheBatchesAndKeepsNothingOfThem) {
  IngestHarness h;
  h.send(event_text("1"));
  h.disk.full = true;
  const auto refused = h.submit(mixed_batch());
  const auto behind = h.submit(event_text("2") + event_text("1", "8"));
  EXPECT_EQ(h.wait(refused).outcome, IngestReply::Outcome::disk_full);
  EXPECT_EQ(h.wait(behind).outcome, IngestReply::Outcome::disk_full);
  EXPECT_EQ(h.send(event_text("3")).outcome, IngestReply::Outcome::disk_full);
  EXPECT_TRUE(h.fatal.empty());
  EXPECT_EQ(h.identities.size(), 1u);
  EXPECT_EQ(h.state.events(), 1u);
  EXPECT_TRUE(h.state.quarantine().empty());
  EXPECT_EQ(h.sequencer->figures().received, 1u);
  EXPECT_EQ(h.sequencer->figures().disk_full, 3u);
  // What needs no write is answered.
  EXPECT_EQ(h.send(event_text("1")).duplicate, 1u);
}

TEST(DiskFullTest, TakesTheSameBatchOnceThereIsSpaceAsIfItWereTheFirstTime) {
  IngestHarness h;
  h.send(event_text("old", "1"));
  const IngestReply rehearsed = h.sequencer->rehearse(*h.batch_of(mixed_batch()));
  h.disk.full = true;
  const Instant before = h.journal->last_intake_time();
  h.clock.advance(60'000);
  EXPECT_EQ(h.send(mixed_batch()).outcome, IngestReply::Outcome::disk_full);
  h.clock.advance(-60'000);  // the record that was taken back is none to be compared with
  h.disk.full = false;
  const IngestReply taken = h.send(mixed_batch());
  expect_same_but_numbers(taken, rehearsed);
  EXPECT_EQ(taken.position, 3u);
  EXPECT_EQ(h.journal->last_intake_time(), before);
  EXPECT_EQ(h.send(event_text("next")).position, 4u);
}

TEST(DiskFullTest, TellsAnExclusiveOperationAndWhoWaitsBehindIt) {
  IngestHarness h;
  h.send(event_text("1"));
  h.disk.full = true;
  std::optional<Sequencer::Written> written;
  const auto exclusive = [&] {
    h.sequencer->exclusive(
        [](const Sequencer::Slot&) {
          return Sequencer::Decision{true, RecordType::facts, 1, "x"};
        },
        [&](Sequencer::Written done) { written = done; });
  };
  exclusive();
  const auto behind = h.submit(event_text("2"));
  EXPECT_EQ(h.wait(behind).outcome, IngestReply::Outcome::disk_full);
  EXPECT_EQ(written, Sequencer::Written::disk_full);
  h.disk.full = false;
  written.reset();
  exclusive();
  h.loop.run_until([&] { return written.has_value(); });
  EXPECT_EQ(written, Sequencer::Written::yes);
  EXPECT_EQ(h.journal->read(3).value().payload, "x");
}

TEST(DiskFullTest, RefusesAlsoTheGroupThatIsEncodedAhead) {
  IngestHarness h;
  h.send(event_text("1"));
  std::string large;
  for (int i = 0; i < 5'000; ++i) large += event_text("large" + std::to_string(i));
  h.disk.full = true;
  const auto first = h.submit(event_text("2"));
  const auto ahead = h.submit(large);  // large enough to be handed over meanwhile
  const auto open = h.submit(event_text("3") + event_text("2"));
  for (const auto& refused : {first, ahead, open}) {
    EXPECT_EQ(h.wait(refused).outcome, IngestReply::Outcome::disk_full);
  }
  EXPECT_EQ(h.identities.size(), 1u);
  EXPECT_EQ(h.journal->last_position(), 2u);
  h.disk.full = false;
  const auto again = h.submit(event_text("2"));
  const auto behind = h.submit(large);
  EXPECT_EQ(h.wait(again).position, 3u);
  EXPECT_EQ(h.wait(behind).accepted, 5'000u);
  EXPECT_EQ(h.wait(behind).position, 4u);
  EXPECT_EQ(to_string(h.state.totals().sum()), "5002");
  EXPECT_TRUE(h.fatal.empty());
}

TEST(DiskFullTest, DrainsAllTheSame) {
  IngestHarness h;
  h.disk.full = true;
  const auto refused = h.submit(event_text("1"));
  bool drained = false;
  h.sequencer->drain([&] { drained = true; });
  h.loop.run_until([&] { return drained; });
  EXPECT_EQ((*refused)->outcome, IngestReply::Outcome::disk_full);
}

}  // namespace
}  // namespace voucherd::testing
