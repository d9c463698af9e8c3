// Who sent what, against a list with a name for each.
#include "metering/state/submissions.h"

#include <gtest/gtest.h>

#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

using test::between;
using Counts = Submissions::Counts;

const Submitter collector{"token", "q4xk2m5jw7ab"};

struct Model {
  Submissions submissions;
  Counts counts;
  std::vector<Submitter> events, quarantined, resent;

  void add(const Submitter& by, std::int64_t of_events, std::int64_t of_quarantined, std::int64_t of_resent) {
    submissions.begin(by, counts);
    const auto grow = [&](std::uint32_t& count, std::vector<Submitter>& list, std::int64_t more) {
      count += static_cast<std::uint32_t>(more);
      list.insert(list.end(), static_cast<std::size_t>(more), by);
    };
    grow(counts.events, events, of_events);
    grow(counts.quarantined, quarantined, of_quarantined);
    grow(counts.resent, resent, of_resent);
  }

  void expect_same(const Submissions& read) const {
    for (std::uint32_t i = 0; i < events.size(); ++i) ASSERT_EQ(read.of_event(i), events[i]) << i;
    for (std::uint32_t i = 0; i < quarantined.size(); ++i) ASSERT_EQ(read.of_quarantined(i), quarantined[i]);
    for (std::uint32_t i = 0; i < resent.size(); ++i) ASSERT_EQ(read.of_resent(i), resent[i]) << i;
  }
};

Model random_model(test::Random& random) {
  const Submitter senders[] = {
      collector, {"token", "aaaaaaaaaaaa"}, {"certificate", "CN=a:b"}, {"local", "::1"}, {}};
  Model model;
  for (std::int64_t left = between(random, 0, 12); left > 0; --left) {
    const auto few = [&] { return std::max<std::int64_t>(0, between(random, -2, 3)); };
    model.add(senders[between(random, 0, 4)], few(), few(), few());
  }
  return model;
}

TEST(SubmissionsTest, TellWhoSentEachEventEntryAndRepetition) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  for (int round = 0; round < 500; ++round) {
    const Model model = random_model(random);
    model.expect_same(model.submissions);
    const auto read = Submissions::decode(model.submissions.encode(model.counts));
    ASSERT_TRUE(read.has_value());
    model.expect_same(*read);
    ASSERT_EQ(read->counts().value_or(model.counts), model.counts);
  }
}

TEST(SubmissionsTest, TakeOneEntryForAsManyBatchesAsFollowEachOther) {
  Model model;
  for (int batch = 0; batch < 1'000; ++batch) model.add(collector, 60, 0, 0);
  EXPECT_LE(model.submissions.encode(model.counts).size(), 30U);
}

TEST(SubmissionsTest, OfNobodyKnownAreNoBytes) {
  Model model;
  EXPECT_EQ(model.submissions.encode(model.counts), "");
  model.add(collector, 0, 0, 0);
  EXPECT_EQ(model.submissions.encode(model.counts), "") << "of a batch of which nothing is kept";
  model.add({}, 3, 1, 0);
  EXPECT_EQ(model.submissions.encode(model.counts), "");
  EXPECT_EQ(Submissions::decode("")->of_event(0), Submitter{});
}

TEST(SubmissionsTest, ReadWhatEncodeWritesAndNothingElse) {
  Model model;
  model.add(collector, 3, 0, 1);
  model.add({}, 1, 0, 0);
  model.add({"local", "::1"}, 0, 2, 0);
  model.add(collector, 1, 0, 0);
  const std::string bytes = model.submissions.encode(model.counts);
  int read = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    EXPECT_FALSE(Submissions::decode(bytes.substr(0, at)).has_value() && at > 0) << at;
    for (unsigned value = 0; value < 256; ++value) {
      std::string other = bytes;
      other[at] = static_cast<char>(value);
      const auto decoded = Submissions::decode(other);
      if (!decoded) continue;
      ++read;
      ASSERT_EQ(decoded->encode(decoded->counts().value_or(Counts{})), other) << at << " " << value;
    }
  }
  EXPECT_GT(read, 0) << "another id is as good";
  EXPECT_FALSE(Submissions::decode(bytes + '\0').has_value());
}

}  // namespace
}  // namespace voucherd
