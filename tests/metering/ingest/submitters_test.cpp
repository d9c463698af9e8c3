// Who sent what the journal holds: whatever shares a record, and whoever releases it.
#include <gtest/gtest.h>

#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd::testing {
namespace {

const Submitter slurm{"token", "slurmslurmaa"}, kubernetes{"token", "kuberneteskk"}, local{"local", "::1"};

TEST(SubmittersTest, AreKeptForEachEventOfARecordThatSeveralShare) {
  IngestHarness h;
  h.submit(event_text("with the writer"));
  const auto first = h.submit(event_text("1") + event_text("2"), slurm);
  h.submit(event_text("3") + event_text("bad", "-1"), kubernetes);
  h.submit(event_text("1"), local);  // a duplicate: nothing of it is kept
  h.submit(event_text("4"), kubernetes);
  h.submit(event_text("1", "7"), local);  // a conflict
  const auto last = h.submit(event_text("bad", "-1") + event_text("5"), slurm);
  EXPECT_EQ(h.wait(last).position, h.wait(first).position);
  const UsageRecord record = h.stored(3);
  ASSERT_EQ(record.events.size(), 5U);
  const Submitter senders[] = {slurm, slurm, kubernetes, kubernetes, slurm};
  for (std::uint32_t row = 0; row < 5; ++row)
    EXPECT_EQ(record.submissions.of_event(row), senders[row]) << row;
  ASSERT_EQ(record.quarantined.size(), 2U);
  EXPECT_EQ(record.submissions.of_quarantined(0), kubernetes);
  EXPECT_EQ(record.quarantined[1].code, ReasonCode::conflict);
  EXPECT_EQ(record.submissions.of_quarantined(1), local);
  ASSERT_EQ(record.resent.size(), 1U);
  EXPECT_EQ(record.submissions.of_resent(0), slurm);
}

TEST(SubmittersTest, OfACorrectionThatItsEventReleasesIsWhoSentTheCorrection) {
  for (const bool one_record : {false, true}) {
    IngestHarness h;
    if (one_record) h.submit(event_text("with the writer"));
    const auto correction = h.submit(correction_text("c1", "1", "3"), local);
    if (!one_record) h.wait(correction);
    const auto events = h.submit(event_text("1", "8") + event_text("2"), slurm);
    const UsageRecord record = h.stored(h.wait(events).position);
    ASSERT_EQ(record.events.size(), 3U);
    EXPECT_EQ(record.submissions.of_event(0), slurm);
    EXPECT_EQ(record.events.at(1).id, "c1");
    EXPECT_EQ(record.submissions.of_event(1), local);
    EXPECT_EQ(record.submissions.of_event(2), slurm);
  }
}

TEST(SubmittersTest, OfAReleasedEventIsWhoSentItAndBesideThatWhoReleasedIt) {
  IngestHarness h;
  h.send(event_text("1", "2", firm_a, "gpu.h20"), slurm);
  h.registry.skus.insert("gpu.h20");
  std::optional<ReleaseReply> reply;
  h.sequencer->release({{2, 0}}, {"token", "operator"}, [&](ReleaseReply done) { reply = std::move(done); });
  h.loop.run_until([&] { return reply.has_value(); });
  const UsageRecord record = h.stored(3);
  ASSERT_EQ(record.events.size(), 1U);
  EXPECT_EQ(record.submissions.of_event(0), slurm);
  EXPECT_EQ(record.released.front().by_id, "operator");
}

TEST(SubmittersTest, OfARehearsalAreForgotten) {
  IngestHarness h;
  h.submit(event_text("with the writer"));
  h.submit(event_text("1"), slurm);
  auto rehearsed = h.batch_of(event_text("2"));
  rehearsed->sender = local;
  h.sequencer->rehearse(*rehearsed);
  const auto last = h.submit(event_text("3"), slurm);
  const UsageRecord record = h.stored(h.wait(last).position);
  EXPECT_EQ(record.submissions.of_event(0), slurm);
  EXPECT_EQ(record.submissions.of_event(1), slurm);
}

}  // namespace
}  // namespace voucherd::testing
