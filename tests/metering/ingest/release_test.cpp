// Quarantine work-off: corrections that their event releases, and entries that someone tries again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd::testing {
namespace {

std::string sum(const IngestHarness& h) { return to_string(h.state.totals().sum()); }

ReleaseReply release(IngestHarness& h, std::vector<QuarantineNumber> numbers) {
  std::optional<ReleaseReply> reply;
  h.sequencer->release(std::move(numbers), {"token", "finance"},
                       [&](ReleaseReply done) { reply = std::move(done); });
  h.loop.run_until([&] { return reply.has_value(); });
  return *reply;
}

TEST(WaitingCorrectionTest, IsReleasedByItsEventAndNotCountedAgain) {
  IngestHarness h;
  EXPECT_EQ(h.send(correction_text("c1", "1", "3")).quarantined, 1u);
  const IngestReply reply = h.send(event_text("1", "8"));
  EXPECT_EQ(reply.received, 1u);
  EXPECT_EQ(reply.accepted, 1u);
  EXPECT_EQ(sum(h), "3");
  EXPECT_EQ(h.state.events(), 2u);
  EXPECT_TRUE(h.state.quarantine().empty());
  EXPECT_EQ(h.sequencer->figures().received, 2u);
  EXPECT_EQ(h.sequencer->figures().accepted, 1u);
  EXPECT_EQ(h.send(correction_text("c1", "1", "3.0")).duplicate, 1u);
}

TEST(WaitingCorrectionTest, IsReleasedInItsOwnBatch) {
  IngestHarness h;
  const IngestReply reply = h.send(correction_text("c1", "1", "3") + event_text("1", "8"));
  EXPECT_EQ(reply.quarantined, 1u);
  EXPECT_EQ(reply.accepted, 1u);
  EXPECT_EQ(reply.position, 2u);
  EXPECT_EQ(h.state.events(), 2u);
  EXPECT_EQ(sum(h), "3");
  EXPECT_TRUE(h.state.quarantine().empty());
}

TEST(WaitingCorrectionTest, IsReleasedFromAGroupThatIsStillBeingWritten) {
  IngestHarness h;
  const auto first = h.submit(correction_text("c1", "1", "3"));
  const auto second = h.submit(event_text("1", "8"));  // the writer has the first group
  EXPECT_FALSE(first->has_value());
  EXPECT_EQ(h.wait(second).accepted, 1u);
  EXPECT_NE((*first)->position, (*second)->position);
  EXPECT_EQ(sum(h), "3");
  EXPECT_TRUE(h.state.quarantine().empty());
}

TEST(WaitingCorrectionTest, LeavesTheLatestOfSeveralStandingInWhateverOrderTheyCame) {
  for (const bool event_first : {true, false}) {
    IngestHarness h;
    const std::string corrections = correction_text("c2", "1", "5") +
                                    correction_text("c1", "1", "3");  // same time: the greater id counts
    h.send(event_first ? event_text("1", "8") + corrections : corrections + event_text("1", "8"));
    EXPECT_EQ(sum(h), "5");
    EXPECT_EQ(h.state.events(), 3u);
    EXPECT_TRUE(h.state.quarantine().empty());
  }
}

TEST(WaitingCorrectionTest, StaysWhereItNamesAnotherFirmThanItsEvent) {
  IngestHarness h;
  h.send(correction_text("c1", "1", "3", firm_b));
  h.send(event_text("1", "8"));
  EXPECT_EQ(sum(h), "8");
  ASSERT_EQ(h.state.quarantine().size(), 1u);
  EXPECT_EQ(h.state.events(), 1u);
}

TEST(WaitingCorrectionTest, StaysWhereACorrectionTakesTheIdentityThatItNames) {
  IngestHarness h;
  const std::string of_correction =
      R"({"specversion":"1.0","type":"compute.correction.v1","source":"/c","id":"c2",)"
      R"("subject":"91500000MA5U00000W","time":"2026-03-04T10:00:00+08:00","data":)"
      R"({"corrects":{"source":"/c","id":"c1"},"quantity":"1","reason":"r"}})"
      "\n";
  h.send(of_correction);
  h.send(event_text("1", "8") + correction_text("c1", "1", "3"));
  EXPECT_EQ(sum(h), "3");
  EXPECT_EQ(h.state.quarantine().size(), 1u);
}

TEST(WaitingCorrectionTest, OfTwoContentsOfOneIdentityTheFirstCountsAndBothEntriesAreClosed) {
  IngestHarness h;
  h.send(correction_text("c1", "1", "3") + correction_text("c1", "1", "4"));
  EXPECT_EQ(h.state.quarantine().size(), 2u);
  h.send(event_text("1", "8"));
  EXPECT_EQ(sum(h), "3");
  EXPECT_TRUE(h.state.quarantine().empty());
}

TEST(WaitingCorrectionTest, IsFoundAfterTheStateWasSavedAndLoaded) {
  IngestHarness h;
  h.send(correction_text("c1", "1", "3"));
  std::string bytes;
  h.state.save(bytes);
  std::string_view in = bytes;
  h.state = UsageState::load(in).value();
  h.send(event_text("1", "8"));
  EXPECT_EQ(sum(h), "3");
  EXPECT_TRUE(h.state.quarantine().empty());
}

TEST(ReleaseTest, CountsWhatIsGoodNowAndRecordsWhoAskedForIt) {
  IngestHarness h;
  h.send(event_text("1", "2", firm_a, "gpu.h20"));
  h.registry.skus.insert("gpu.h20");
  const ReleaseReply reply = release(h, {{2, 0}});
  EXPECT_EQ(reply.released, 1u);
  EXPECT_EQ(reply.still_quarantined, 0u);
  EXPECT_EQ(reply.position, 3u);
  EXPECT_EQ(sum(h), "2");
  EXPECT_TRUE(h.state.quarantine().empty());
  const UsageRecord record =
      UsageRecord::decode(h.journal->read(3).value().payload, usage_record_version).value();
  EXPECT_THAT(record.released, ::testing::ElementsAre(QuarantineRelease{{2, 0}, "token", "finance"}));
  EXPECT_EQ(h.sequencer->figures().received, 1u);  // once, when it came
}

TEST(ReleaseTest, OfWhatIsStillBadSaysWhyAndWritesNothing) {
  IngestHarness h;
  h.send(event_text("1", "2", firm_a, "gpu.h20") + "not json\n");
  const ReleaseReply reply = release(h, {{2, 0}, {2, 1}});
  EXPECT_EQ(reply.released, 0u);
  EXPECT_EQ(reply.still_quarantined, 2u);
  ASSERT_EQ(reply.problems.size(), 2u);
  EXPECT_EQ(to_string(reply.problems[0].code), "sku_unknown");
  EXPECT_EQ(reply.problems[0].quarantine, (QuarantineNumber{2, 0}));
  EXPECT_EQ(to_string(reply.problems[1].code), "malformed");
  EXPECT_EQ(h.journal->last_position(), 2u);
  EXPECT_EQ(h.state.quarantine().find({2, 0})->times_sent, 1u);
}

TEST(ReleaseTest, KeepsAConflictAndCountsNumbersThatAreNotThere) {
  IngestHarness h;
  h.send(event_text("1", "1") + event_text("1", "2"));
  const ReleaseReply reply = release(h, {{2, 0}, {2, 7}, {99, 0}});
  EXPECT_EQ(reply.still_quarantined, 1u);
  EXPECT_EQ(reply.unknown, 2u);
  EXPECT_EQ(to_string(reply.problems.at(0).code), "conflict");
}

TEST(ReleaseTest, ReleasesTheCorrectionsThatWaitForTheReleasedEvent) {
  IngestHarness h;
  h.send(event_text("1", "8", firm_a, "gpu.h20") + correction_text("c1", "1", "3"));
  EXPECT_EQ(h.state.quarantine().size(), 2u);
  h.registry.skus.insert("gpu.h20");
  EXPECT_EQ(release(h, {{2, 0}}).released, 1u);
  EXPECT_EQ(sum(h), "3");
  EXPECT_TRUE(h.state.quarantine().empty());
}

TEST(ReleaseTest, CountsAnEntryOnceThatIsSentAgainAndReleasedAtTheSameTime) {
  IngestHarness h;
  h.send(event_text("1", "2", firm_a, "gpu.h20"));
  h.registry.skus.insert("gpu.h20");
  const auto sent = h.submit(event_text("1", "2", firm_a, "gpu.h20"));
  const ReleaseReply reply = release(h, {{2, 0}});
  EXPECT_EQ(reply.released, 0u);
  EXPECT_EQ(reply.unknown, 1u);
  EXPECT_EQ(reply.position, 3u);  // of the record that closes it
  EXPECT_EQ(h.wait(sent).accepted, 1u);
  EXPECT_EQ(sum(h), "2");
  EXPECT_EQ(h.state.events(), 1u);
  EXPECT_TRUE(h.state.quarantine().empty());
}

// Whether the record was folded before the release came is a matter of threads: the answer is not.
TEST(ReleaseTest, AnswersAlikeWhetherTheRecordThatClosesAnEntryIsUnderWayOrFolded) {
  for (const bool folded : {false, true}) {
    IngestHarness h;
    h.send(correction_text("c1", "1", "3") + event_text("2", "2", firm_a, "gpu.h20") +
           event_text("3", "2", firm_a, "gpu.h20"));
    h.registry.skus.insert("gpu.h20");
    const auto sent =
        h.submit(event_text("1", "8") + event_text("2", "2", firm_a, "gpu.h20") + event_text("3", "5"));
    if (folded) h.wait(sent);
    const ReleaseReply reply = release(h, {{2, 0}, {2, 1}, {2, 2}});
    EXPECT_EQ(reply.released, 0u) << folded;
    EXPECT_EQ(reply.unknown, 3u) << folded;
    EXPECT_EQ(reply.still_quarantined, 0u) << folded;
    if (!folded) h.wait(sent);
    EXPECT_EQ(sum(h), "10") << folded;
    EXPECT_TRUE(h.state.quarantine().empty()) << folded;
  }
}

TEST(ReleaseTest, OfAnEntryReleasedTwiceAtTheSameTimeTellsOneOfThem) {
  IngestHarness h;
  h.send(event_text("1", "2", firm_a, "gpu.h20"));
  h.registry.skus.insert("gpu.h20");
  std::optional<ReleaseReply> first;
  h.sequencer->release({{2, 0}}, {"token", "finance"}, [&](ReleaseReply done) { first = std::move(done); });
  EXPECT_EQ(release(h, {{2, 0}}).unknown, 1u);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->released, 1u);
  EXPECT_EQ(h.stored(3).released.size(), 1u);
}

TEST(ReleaseTest, WaitsItsTurnBehindAFullGroup) {
  IngestLimits limits;
  limits.group_events_max = 1;
  IngestHarness h(limits);
  h.send(event_text("1", "2", firm_a, "gpu.h20"));
  h.registry.skus.insert("gpu.h20");
  h.submit(event_text("2"));
  h.submit(event_text("3"));
  const auto last = h.submit(event_text("4"));
  EXPECT_EQ(release(h, {{2, 0}}).released, 1u);
  h.wait(last);
  EXPECT_EQ(h.state.events(), 4u);
  EXPECT_EQ(h.sequencer->figures().queue_batches, 0u);
}

TEST(ReleaseTest, LeavesOutAnEntryWhoseIdentityOtherContentIsTaking) {
  IngestHarness h;
  h.send(event_text("1", "2", firm_a, "gpu.h20") + event_text("1", "3", firm_a, "gpu.h20"));
  h.registry.skus.insert("gpu.h20");
  const ReleaseReply reply = release(h, {{2, 0}, {2, 1}});
  EXPECT_EQ(reply.released, 1u);
  EXPECT_EQ(reply.unknown, 1u);  // the acceptance of its identity closes it
  EXPECT_EQ(reply.still_quarantined, 0u);
  EXPECT_EQ(sum(h), "2");
  EXPECT_TRUE(h.state.quarantine().empty());
}

TEST(ReleaseTest, LeavesOutWhatCannotBeReadWhereTheSameReleaseTakesItsIdentity) {
  IngestHarness h;
  std::string unreadable = event_text("1", "2", firm_a, "gpu.h20");
  unreadable.replace(unreadable.find("1.0"), 3, "0.3");
  h.send(event_text("1", "2", firm_a, "gpu.h20") + unreadable);
  h.registry.skus.insert("gpu.h20");
  const ReleaseReply reply = release(h, {{2, 0}, {2, 1}});
  EXPECT_EQ(reply.released, 1u);
  EXPECT_EQ(reply.unknown, 1u);
  EXPECT_TRUE(h.state.quarantine().empty());
}

TEST(ReleaseTest, CountsCorrectionsThatTheirReleasedEventReleasesToo) {
  IngestHarness h;
  h.send(event_text("1", "8", firm_a, "gpu.h20") + correction_text("c1", "1", "3"));
  h.registry.skus.insert("gpu.h20");
  EXPECT_EQ(release(h, {{2, 0}, {2, 1}}).released, 2u);
  EXPECT_EQ(h.state.events(), 2u);
  EXPECT_EQ(sum(h), "3");
}

TEST(ReleaseTest, IsRefusedByAFullDiskAndLeavesEverythingAsItWas) {
  IngestHarness h;
  h.send(event_text("1", "8", firm_a, "gpu.h20") + correction_text("c1", "1", "3"));
  h.registry.skus.insert("gpu.h20");
  h.disk.full = true;
  EXPECT_EQ(release(h, {{2, 0}}).outcome, IngestReply::Outcome::disk_full);
  EXPECT_EQ(h.state.quarantine().size(), 2u);
  h.disk.full = false;
  EXPECT_EQ(release(h, {{2, 0}}).released, 1u);
  EXPECT_EQ(sum(h), "3");
  EXPECT_TRUE(h.state.quarantine().empty());
}

TEST(RehearsalTest, ReleasesNoCorrectionForGood) {
  IngestHarness h;
  h.send(correction_text("c1", "1", "3"));
  EXPECT_EQ(
      h.sequencer->rehearse(*h.batch_of(correction_text("c2", "1", "4") + event_text("1", "8"))).accepted,
      1u);
  EXPECT_EQ(h.state.quarantine().size(), 1u);
  EXPECT_EQ(h.identities.size(), 0u);
  h.send(event_text("1", "8"));
  EXPECT_EQ(sum(h), "3");
  EXPECT_TRUE(h.state.quarantine().empty());
}

TEST(ReleaseTest, IsRefusedWhileTheClockIsBehind) {
  IngestHarness h;
  h.send(event_text("1", "2", firm_a, "gpu.h20"));
  h.clock.advance(-clock_behind_ms_max - 1);
  EXPECT_EQ(release(h, {{2, 0}}).outcome, IngestReply::Outcome::clock_behind);
}

}  // namespace
}  // namespace voucherd::testing
