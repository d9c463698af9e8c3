// The acknowledgement contract, on a real journal: what a batch is told, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd::testing {
namespace {

std::string code_of(const IngestReply& reply, std::size_t problem = 0) {
  return std::string(to_string(reply.problems.at(problem).code));
}

TEST(SequencerTest, RepliesOnlyAfterTheRecordIsDurableAndFolded) {
  IngestHarness h;
  const auto reply = h.submit(event_text("1"));
  EXPECT_FALSE(reply->has_value());  // the writer's completion has not been run
  EXPECT_TRUE(h.folded.empty());
  const IngestReply done = h.wait(reply);
  EXPECT_EQ(done.accepted, 1u);
  EXPECT_EQ(done.position, 2u);
  EXPECT_EQ(h.journal->last_position(), 2u);
  EXPECT_THAT(h.folded, ::testing::ElementsAre(2u));
  EXPECT_EQ(to_string(h.state.totals().sum()), "1");
}

TEST(SequencerTest, TellsDuplicateConflictAndFirstArrivalApartInOneBatch) {
  IngestHarness h;
  const IngestReply reply =
      h.send(event_text("1", "8") + event_text("1", "8.0") + event_text("1", "9") + event_text("2", "9"));
  EXPECT_EQ(reply.received, 4u);
  EXPECT_EQ(reply.accepted, 2u);
  EXPECT_EQ(reply.duplicate, 1u);
  EXPECT_EQ(reply.conflict, 1u);
  EXPECT_EQ(reply.quarantined, 0u);
  ASSERT_EQ(reply.problems.size(), 1u);
  EXPECT_EQ(reply.problems[0].index, 2u);
  EXPECT_EQ(code_of(reply), "conflict");
  EXPECT_EQ(to_string(h.state.totals().sum()), "17");
}

TEST(SequencerTest, ComparesContentAfterReadingNotBytes) {
  IngestHarness h;
  h.send(event_text("1", "8", firm_a, "gpu.a800", "2026-03-01T01:00:00Z"));
  EXPECT_EQ(h.send(event_text("1", "8.000", firm_a, "gpu.a800", "2026-03-01T09:00:00.0004+08:00")).duplicate,
            1u);
  EXPECT_EQ(h.send(event_text("1", "8", firm_b)).conflict, 1u);  // the firm is content
}

TEST(SequencerTest, AcknowledgesADuplicateOfAnEventUnderWayOnlyAfterItsCommit) {
  IngestHarness h;
  const auto first = h.submit(event_text("1"));
  const auto again = h.submit(event_text("1"));
  EXPECT_FALSE(again->has_value());
  const IngestReply reply = h.wait(again);
  EXPECT_TRUE(first->has_value());
  EXPECT_EQ(reply.duplicate, 1u);
  EXPECT_GE(h.journal->last_position(), reply.position);
  EXPECT_EQ(reply.position, (*first)->position);
}

TEST(SequencerTest, AcknowledgesADuplicateOfADurableEventAtOnceAndWritesNothing) {
  IngestHarness h;
  h.send(event_text("1"));
  const auto again = h.submit(event_text("1"));
  ASSERT_TRUE(again->has_value());
  EXPECT_EQ((*again)->duplicate, 1u);
  EXPECT_EQ((*again)->position, 2u);
  EXPECT_EQ(h.journal->last_position(), 2u);
}

TEST(SequencerTest, LeavesExactlyOneOf64ConcurrentSubmissionsOfOneIdentity) {
  IngestHarness h;
  std::vector<std::shared_ptr<std::optional<IngestReply>>> replies;
  for (int i = 0; i < 64; ++i) replies.push_back(h.submit(event_text("same")));
  std::uint64_t accepted = 0, duplicate = 0;
  for (const auto& reply : replies) {
    const IngestReply done = h.wait(reply);
    accepted += done.accepted;
    duplicate += done.duplicate;
  }
  EXPECT_EQ(accepted, 1u);
  EXPECT_EQ(duplicate, 63u);
  EXPECT_EQ(to_string(h.state.totals().sum()), "1");
}

TEST(SequencerTest, LetsGoodEventsPassBesideABadOne) {
  IngestHarness h;
  const IngestReply reply = h.send(event_text("1") + event_text("2", "-1") + "not json\n" + event_text("3"));
  EXPECT_EQ(reply.accepted, 2u);
  EXPECT_EQ(reply.quarantined, 2u);
  EXPECT_EQ(code_of(reply, 0), "quantity_not_positive");
  EXPECT_EQ(code_of(reply, 1), "malformed");
  EXPECT_EQ(to_string(reply.problems[1].quarantine), "2.1");
  EXPECT_EQ(h.state.quarantine().size(), 2u);
}

TEST(SequencerTest, LooksUpIdentityBeforeItJudgesAnythingElse) {
  IngestHarness h;
  h.send(event_text("1"));
  const IngestReply reply = h.send(event_text("1", "-1"));  // bad, but the identity is taken
  EXPECT_EQ(reply.conflict, 1u);
  EXPECT_EQ(code_of(reply), "conflict");
}

TEST(SequencerTest, CountsAnUnchangedBadEventOnTheSameEntry) {
  IngestHarness h;
  const IngestReply first = h.send(event_text("1", "-1") + event_text("1", "-1"));
  ASSERT_EQ(first.problems.size(), 2u);
  EXPECT_EQ(first.problems[0].quarantine, first.problems[1].quarantine);
  const IngestReply second = h.send(event_text("1", "-1"));
  EXPECT_EQ(second.quarantined, 1u);
  EXPECT_EQ(second.problems[0].quarantine, first.problems[0].quarantine);
  ASSERT_EQ(h.state.quarantine().size(), 1u);
  EXPECT_EQ(h.state.quarantine().find(first.problems[0].quarantine)->times_sent, 3u);
}

TEST(SequencerTest, ClosesTheEntryWhenTheIdentityIsSentAgainAndGood) {
  IngestHarness h;
  h.send(event_text("1", "1", firm_a, "gpu.h20"));
  EXPECT_EQ(h.state.quarantine().size(), 1u);
  h.registry.skus.insert("gpu.h20");
  EXPECT_EQ(h.send(event_text("1", "1", firm_a, "gpu.h20")).accepted, 1u);
  EXPECT_TRUE(h.state.quarantine().empty());
}

// Found by a seeded history: bad content waits in quarantine, good content takes its identity, and the bad
// is sent again before that is folded. It was counted on the entry that the fold then closed: lost.
TEST(SequencerTest, KeepsTheConflictOfContentWhoseEarlierEntryIsAboutToBeClosed) {
  IngestHarness h;
  h.send(event_text("1", "-1"));
  const IngestReply reply = h.send(event_text("1", "1") + event_text("1", "-1"));
  EXPECT_EQ(reply.accepted, 1u);
  EXPECT_EQ(reply.conflict, 1u);
  ASSERT_EQ(h.state.quarantine().size(), 1u);
  EXPECT_EQ(h.state.quarantine().find(reply.problems[0].quarantine)->code, ReasonCode::conflict);
  EXPECT_EQ(h.send(event_text("1", "-1")).problems[0].quarantine, reply.problems[0].quarantine);
}

TEST(SequencerTest, AppliesACorrectionOfAnEventUnderWay) {
  IngestHarness h;
  const IngestReply reply = h.send(event_text("1", "8") + correction_text("c1", "1", "3"));
  EXPECT_EQ(reply.accepted, 2u);
  EXPECT_EQ(to_string(h.state.totals().sum()), "3");
  EXPECT_EQ(h.send(correction_text("c1", "1", "3.0")).duplicate, 1u);
}

TEST(SequencerTest, QuarantinesCorrectionsThatNameNothingACorrectionOrAnotherFirm) {
  IngestHarness h;
  h.send(event_text("1", "8"));
  EXPECT_EQ(code_of(h.send(correction_text("c1", "nothing", "3"))), "correction_target_unknown");
  EXPECT_EQ(code_of(h.send(correction_text("c2", "1", "3", firm_b))), "correction_firm_differs");
  EXPECT_EQ(to_string(h.state.totals().sum()), "8");
}

TEST(SequencerTest, AddsOnlyACountWhereWhatIsBeyondItsLimitIsSentAgainUnchanged) {
  IngestHarness h;
  const std::string bad = event_text(std::string(event_id_bytes_max + 100, 'x'));
  const QuarantineNumber number = h.send(bad).problems.at(0).quarantine;
  EXPECT_EQ(h.send(bad).problems.at(0).quarantine, number);
  EXPECT_EQ(h.state.quarantine().find(number)->times_sent, 2u);
}

// What comes while a change of facts or a dismissal is being written is judged by its outcome.
TEST(SequencerTest, TakesNothingUpWhileAnExclusiveOperationIsUnderWay) {
  IngestHarness h;
  h.sequencer->exclusive(
      [](const Sequencer::Slot&) {
        return Sequencer::Decision{true, RecordType::facts, 1, "{}"};
      },
      [&](Sequencer::Written) { h.registry.skus.insert("gpu.h20"); });
  EXPECT_EQ(h.send(event_text("1", "2", firm_a, "gpu.h20")).accepted, 1u);
}

TEST(SequencerTest, CountsAConflictWhoseContentWaitedBeforeItsIdentityWasTaken) {
  IngestHarness h;
  h.send(event_text("1", "1", firm_a, "gpu.h20"));  // 2.0: sku_unknown
  // In one group: another content takes the identity (and closes 2.0), then the first comes again.
  const IngestReply reply = h.send(event_text("1", "2") + event_text("1", "1", firm_a, "gpu.h20"));
  EXPECT_EQ(reply.conflict, 1u);
  EXPECT_EQ(to_string(reply.problems.at(0).quarantine), "3.0");
  ASSERT_EQ(h.state.quarantine().size(), 1u);
  EXPECT_EQ(h.state.quarantine().find({3, 0})->code, ReasonCode::conflict);
}

TEST(SequencerTest, AnswersOverloadWhenTheQueueIsFullAndKeepsNothingOfThatBatch) {
  IngestLimits limits;
  limits.group_events_max = 1;  // the second batch waits while the first is written
  limits.queue_bytes_max = 1'000;
  IngestHarness h(limits);
  const auto first = h.submit(event_text("1"));
  const auto second = h.submit(event_text("2"));
  const auto third = h.submit(event_text("3"));
  const auto fourth = h.submit(event_text("4") + event_text("5"));
  ASSERT_TRUE(fourth->has_value());
  EXPECT_EQ((*fourth)->outcome, IngestReply::Outcome::overloaded);
  EXPECT_EQ(h.wait(third).accepted, 1u);
  EXPECT_TRUE(first->has_value() && second->has_value());
  EXPECT_EQ(h.state.events(), 3u);
  EXPECT_EQ(h.sequencer->figures().queue_bytes, 0u);
  EXPECT_EQ(h.sequencer->figures().overloaded, 1u);
}

std::string many_bad_lines() {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "{\"id\":" + std::to_string(i) + "}\n";
  return lines;
}

TEST(SequencerTest, CountsWhatAWaitingBatchHoldsDecodedNotItsTextAlone) {
  IngestLimits limits;
  limits.group_events_max = 1;
  limits.queue_bytes_max = 20'000;
  IngestHarness h(limits);
  h.submit(event_text("1"));
  h.submit(event_text("2"));
  ASSERT_LT(many_bad_lines().size(), 2'000u);
  const auto refused = h.submit(many_bad_lines());
  ASSERT_TRUE(refused->has_value());
  EXPECT_EQ((*refused)->outcome, IngestReply::Outcome::overloaded);
  h.wait(h.submit(event_text("3")));
  EXPECT_EQ(h.sequencer->figures().queue_bytes, 0u);
}

/// Batches that wait behind a group with `second`, which is filled while another is with the writer.
std::uint64_t waiting_behind(IngestHarness& h, const std::string& second) {
  const std::string round = std::to_string(h.state.events());
  h.submit(event_text("with the writer " + round));
  h.submit(second);
  const auto third = h.submit(event_text("behind " + round));
  const std::uint64_t waiting = h.sequencer->figures().queue_batches;
  h.wait(third);
  return waiting;
}

TEST(SequencerTest, LetsBatchesWaitBehindAGroupOfManyBadEvents) {
  IngestLimits limits;
  limits.group_events_max = 100;
  IngestHarness h(limits);
  EXPECT_EQ(waiting_behind(h, event_text("good")), 0u);
  EXPECT_EQ(waiting_behind(h, many_bad_lines() + event_text("good")), 1u);
  EXPECT_EQ(waiting_behind(h, many_bad_lines()), 1u);  // sent again
}

TEST(SequencerTest, LetsBatchesWaitBehindAGroupWhoseBadEventsTakeMuchMemory) {
  IngestLimits limits;
  limits.group_bytes_max = 12'000;
  IngestHarness h(limits);
  EXPECT_EQ(waiting_behind(h, event_text("good")), 0u);
  EXPECT_EQ(waiting_behind(h, many_bad_lines()), 1u);
  EXPECT_EQ(waiting_behind(h, many_bad_lines()), 1u);  // sent again: a number, and what the sender is told
}

TEST(SequencerTest, RunsAnExclusiveOperationOnEverythingBeforeAndNothingAfter) {
  IngestHarness h;
  h.submit(event_text("1"));
  h.submit(event_text("2"));
  EventOrdinal seen = 99;
  Position position = 0;
  bool done = false;
  h.sequencer->exclusive(
      [&](const Sequencer::Slot& slot) {
        seen = h.state.events();
        position = slot.position;
        return Sequencer::Decision{true, RecordType::facts, 1, "x"};
      },
      [&](Sequencer::Written written) { done = written == Sequencer::Written::yes; });
  const auto later = h.submit(event_text("3"));
  h.wait(later);
  EXPECT_TRUE(done);
  EXPECT_EQ(seen, 2u);
  EXPECT_EQ(h.journal->read(position).value().payload, "x");
  EXPECT_GT((*later)->position, position);
}

TEST(SequencerTest, RefusesBatchesWhileTheClockIsBehindAndTakesThemAgainAfter) {
  IngestHarness h;
  h.send(event_text("1"));
  h.clock.advance(-clock_behind_ms_max);  // exactly 5 minutes: still taken
  EXPECT_EQ(h.send(event_text("2")).outcome, IngestReply::Outcome::done);
  h.clock.advance(-1);
  EXPECT_EQ(h.send(event_text("3")).outcome, IngestReply::Outcome::clock_behind);
  EXPECT_TRUE(h.sequencer->clock_behind());
  h.clock.advance(1);
  EXPECT_EQ(h.send(event_text("3")).accepted, 1u);
}

TEST(SequencerTest, NeverLetsIntakeTimeFall) {
  IngestHarness h;
  h.send(event_text("1"));
  h.clock.advance(-60'000);
  h.send(event_text("2"));
  EXPECT_EQ(h.journal->read(3).value().header.intake_time, h.journal->read(2).value().header.intake_time);
}

TEST(SequencerTest, FinishesWhatItTookWhenDrained) {
  IngestLimits limits;
  limits.group_events_max = 1;
  IngestHarness h(limits);
  std::vector<std::shared_ptr<std::optional<IngestReply>>> replies;
  for (int i = 0; i < 5; ++i) replies.push_back(h.submit(event_text(std::to_string(i))));
  bool drained = false;
  h.sequencer->drain([&] { drained = true; });
  const auto late = h.submit(event_text("late"));
  EXPECT_EQ((*late)->outcome, IngestReply::Outcome::stopping);
  h.loop.run_until([&] { return drained; });
  for (const auto& reply : replies) EXPECT_EQ((*reply)->accepted, 1u);
}

TEST(SequencerTest, CountsEveryReceivedEventExactlyOnce) {
  IngestHarness h;
  h.send(event_text("1") + event_text("1") + event_text("1", "2") + event_text("2", "0") + "{}\n");
  const IngestFigures& f = h.sequencer->figures();
  EXPECT_EQ(f.received, 5u);
  EXPECT_EQ(f.accepted, 1u);
  EXPECT_EQ(f.duplicate, 1u);
  EXPECT_EQ(f.conflict, 1u);
  EXPECT_EQ(f.quarantined, 2u);
}

}  // namespace
}  // namespace voucherd::testing
