// Labels are a shorter way to the same record: whatever a batch holds, with them it must become the
// bytes and the answer that it becomes without.
#include "metering/ingest/label_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd::testing {
namespace {

std::string random_event(std::mt19937_64& random) {
  const auto one_of = [&](std::initializer_list<const char*> all) {
    return std::string(all.begin()[random() % all.size()]);
  };
  const std::string id = std::to_string(random() % 400);
  if (random() % 10 == 0) return correction_text("c" + std::to_string(random() % 50), id, "0");
  std::string text = event_text(id, one_of({"1", "1", "2", "-1"}), one_of({firm_a, firm_a, firm_b}),
                                one_of({"gpu.a800", "gpu.a800", "gpu.a800", "unknown"}),
                                one_of({"2026-03-01T09:00:00+08:00", "2026-03-02T09:00:00Z",
                                        "2019-03-01T09:00:00+08:00", "2027-03-01T09:00:00+08:00"}));
  if (random() % 2 == 0) text.insert(text.size() - 3, R"(,"job":"j)" + std::to_string(random() % 9) + "\"");
  if (random() % 3 == 0) text.insert(text.size() - 3, R"(,"node":"n)" + std::to_string(random() % 9) + "\"");
  if (random() % 20 == 0) text = "{\n";
  return text;
}

void expect_same(const IngestReply& one, const IngestReply& other) {
  EXPECT_EQ(one.accepted, other.accepted);
  EXPECT_EQ(one.duplicate, other.duplicate);
  EXPECT_EQ(one.conflict, other.conflict);
  EXPECT_EQ(one.quarantined, other.quarantined);
  EXPECT_EQ(one.position, other.position);
  ASSERT_EQ(one.problems.size(), other.problems.size());
  for (std::size_t i = 0; i < one.problems.size(); ++i) {
    EXPECT_EQ(one.problems[i].index, other.problems[i].index);
    EXPECT_EQ(one.problems[i].detail, other.problems[i].detail);
    EXPECT_EQ(one.problems[i].quarantine, other.problems[i].quarantine);
  }
}

IngestReply send_labelled(IngestHarness& h, LabelTable& labels, const std::string& ndjson) {
  auto batch = h.batch_of(ndjson);
  labels.stage(*batch);
  std::optional<IngestReply> reply;
  h.sequencer->submit(std::move(batch), [&](IngestReply done) { reply = std::move(done); });
  h.loop.run_until([&] { return reply.has_value(); });
  return *reply;
}

void expect_same_records(const IngestHarness& one, const IngestHarness& other) {
  ASSERT_EQ(one.journal->last_position(), other.journal->last_position());
  for (Position position = 1; position <= one.journal->last_position(); ++position) {
    EXPECT_EQ(one.journal->read(position).value().payload, other.journal->read(position).value().payload);
  }
}

TEST(LabelTableTest, MakesTheRecordsThatAreMadeWithoutLabels) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  IngestHarness plain, labelled;
  LabelTable labels;
  for (int i = 0; i < 60; ++i) {
    std::string body;
    for (int event = 0; event < 40; ++event) body += random_event(random);
    if (i == 30) {
      // Known from here on, which only a record of facts tells.
      for (IngestHarness* h : {&plain, &labelled}) {
        h->registry.skus.insert("unknown");
        bool done = false;
        h->sequencer->exclusive(
            [](const Sequencer::Slot&) {
              return Sequencer::Decision{true, RecordType::facts, 1, "x"};
            },
            [&](Sequencer::Written) { done = true; });
        h->loop.run_until([&] { return done; });
      }
    }
    expect_same(send_labelled(labelled, labels, body), plain.send(body));
    if (i % 7 == 0) {
      // A rehearsal's group is thrown away: what was noted for it must not outlive it.
      auto rehearsed = labelled.batch_of(body + event_text("new"));
      labels.stage(*rehearsed);
      labelled.sequencer->rehearse(*rehearsed);
    }
  }
  expect_same_records(plain, labelled);
  EXPECT_GT(plain.state.events(), 100u);
}

TEST(LabelTableTest, BeginsAgainWhereABatchBroughtTooManyTexts) {
  IngestHarness plain, labelled;
  LabelTable labels;
  std::string many;
  for (std::uint32_t i = 0; i <= LabelTable::labels_max; ++i) {
    std::string text = event_text("many" + std::to_string(i));
    text.insert(text.size() - 3, R"(,"node":"n)" + std::to_string(i) + "\"");
    many += text;
  }
  // The same label is another text before and after.
  const std::string before = event_text("1", "1", firm_b), after = event_text("2", "1", firm_a);
  for (const std::string& body : {before, many, after}) {
    expect_same(send_labelled(labelled, labels, body), plain.send(body));
  }
  auto last = labelled.batch_of(event_text("3"));
  labels.stage(*last);
  EXPECT_EQ(last->label_generation, 2u);
  expect_same_records(plain, labelled);
}

TEST(LabelTableTest, DoesNotMixTheLabelsOfTwoGroups) {
  IngestHarness plain, labelled;
  LabelTable labels;
  // Another first firm in each group: the same label has another index in it.
  for (const char* firm : {firm_a, firm_b, firm_a}) {
    const std::string id = std::to_string(plain.state.events());
    const std::string body = event_text(id, "1", firm) + event_text(id + "x", "1", firm_b);
    expect_same(send_labelled(labelled, labels, body), plain.send(body));
  }
  expect_same_records(plain, labelled);
}

/// Each of the two makes labels alone no proof any more that a text is new to the group.
enum class Between { batch_without_labels, other_generation };

class LabelsOfOneGroup : public ::testing::TestWithParam<Between> {};

TEST_P(LabelsOfOneGroup, AddEachTextOnce) {
  IngestHarness h;
  LabelTable one, another;
  const auto body_of = [](const std::string& id, const std::string& node) {
    std::string text = event_text(id);
    text.insert(text.size() - 3, R"(,"node":")" + node + "\"");
    return text;
  };
  std::size_t answered = 0;
  const auto submit = [&](std::unique_ptr<IngestBatch> batch) {
    h.sequencer->submit(std::move(batch), [&](const IngestReply& reply) { answered += reply.accepted; });
  };
  const auto labelled = [&](LabelTable& labels, const std::string& body) {
    auto batch = h.batch_of(body);
    labels.stage(*batch);
    return batch;
  };
  // All of them wait while the first is written.
  submit(labelled(one, body_of("first", "a")));
  submit(labelled(one, body_of("1", "a") + body_of("2", "b")));
  if (GetParam() == Between::batch_without_labels) {
    submit(h.batch_of(body_of("3", "c")));
    submit(labelled(one, body_of("4", "c") + body_of("5", "a")));
  } else {
    auto next_generation = labelled(another, body_of("3", "c") + body_of("4", "b") + body_of("5", "a"));
    next_generation->label_generation = 2;
    submit(std::move(next_generation));
  }
  h.loop.run_until([&] { return answered == 6; });
  std::uint32_t most = 0;
  for (Position position = 1; position <= h.journal->last_position(); ++position) {
    const Record record = h.journal->read(position).value();
    if (record.header.type != RecordType::usage) continue;
    const auto usage = UsageRecord::decode(record.payload, record.header.version);
    ASSERT_TRUE(usage.has_value()) << usage.error().detail;  // no name stands in it twice
    most = std::max(most, usage->events.size());
  }
  EXPECT_EQ(most, 5u);  // else they were not of one group
}

INSTANTIATE_TEST_SUITE_P(LabelTableTest, LabelsOfOneGroup,
                         ::testing::Values(Between::batch_without_labels, Between::other_generation));

}  // namespace
}  // namespace voucherd::testing
