// The index of identities: every inserted one is found, and others only as candidates.
#include "metering/state/identity_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_map>

#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

std::vector<EventOrdinal> candidates(const IdentityIndex& index, std::uint64_t hash) {
  std::vector<EventOrdinal> ordinals;
  index.find(hash, [&](EventOrdinal ordinal) {
    ordinals.push_back(ordinal);
    return false;
  });
  std::sort(ordinals.begin(), ordinals.end());
  return ordinals;
}

TEST(IdentityIndexTest, FindsWhatWasInserted) {
  IdentityIndex index;
  EXPECT_TRUE(candidates(index, 0).empty());
  index.insert(0, 0);  // the hash and the ordinal whose slot is nearest to an empty one
  index.insert(~0ull, IdentityIndex::span_max - 1);
  EXPECT_EQ(candidates(index, 0), std::vector<EventOrdinal>{0});
  EXPECT_EQ(candidates(index, ~0ull), std::vector<EventOrdinal>{IdentityIndex::span_max - 1});
  EXPECT_EQ(index.size(), 2u);
}

TEST(IdentityIndexTest, OffersEveryIdentityWithTheFingerprintUntilOneIsTheSame) {
  IdentityIndex index;
  const std::uint64_t hash = 0x1234'5678'9abc'def0;
  // The low bits are not kept: these hashes are one fingerprint.
  for (EventOrdinal ordinal = 0; ordinal < 300; ++ordinal) index.insert(hash ^ ordinal, ordinal);
  EXPECT_EQ(candidates(index, hash).size(), 300u);
  int asked = 0;
  EXPECT_TRUE(index.find(hash, [&](EventOrdinal ordinal) {
    ++asked;
    return ordinal == 299;
  }));
  EXPECT_LE(asked, 300);
  EXPECT_FALSE(index.find(hash, [](EventOrdinal) { return false; }));
  EXPECT_TRUE(candidates(index, hash ^ (1ull << 40)).empty());
}

TEST(IdentityIndexTest, AgreesWithAMapOverTwoMillionIdentities) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  constexpr EventOrdinal count = 2'000'000;
  IdentityIndex index;
  std::unordered_map<std::uint64_t, EventOrdinal> model;
  for (EventOrdinal ordinal = 0; ordinal < count; ++ordinal) {
    const std::uint64_t hash = random();
    if (model.emplace(hash, ordinal).second) index.insert(hash, ordinal);
  }
  EXPECT_EQ(index.size(), model.size());
  EXPECT_LE(index.memory_bytes(), 14 * count);
  for (const auto& [hash, ordinal] : model) {
    index.prefetch(hash);
    ASSERT_TRUE(index.find(hash, [&, wanted = ordinal](EventOrdinal found) { return found == wanted; }));
  }
  std::size_t false_candidates = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t hash = random();
    if (!model.contains(hash)) false_candidates += candidates(index, hash).size();
  }
  EXPECT_LT(false_candidates, 5u);  // 46 bits of the hash are compared: 0.003 are to be expected
}

TEST(IdentityIndexTest, TakesBackWhatWasInserted) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  IdentityIndex index;
  std::unordered_map<EventOrdinal, std::uint64_t> model;
  for (EventOrdinal ordinal = 0; ordinal < 20'000; ++ordinal) {
    // Few shards, and often the same fingerprint: long runs, also over a shard's end.
    const std::uint64_t hash = ordinal % 3 == 0 ? ~random() % 1'000'000 * 0x40'0000 : ~(random() % 50'000);
    index.insert(hash, ordinal);
    model.emplace(ordinal, hash);
    if (random() % 2 == 0) continue;
    const EventOrdinal gone = random() % (ordinal + 1);
    if (const auto found = model.find(gone); found != model.end()) {
      index.erase(found->second, gone);
      model.erase(found);
    }
  }
  EXPECT_EQ(index.size(), model.size());
  for (const auto& [ordinal, hash] : model) {
    ASSERT_TRUE(index.find(hash, [&, wanted = ordinal](EventOrdinal found) { return found == wanted; }));
  }
  for (const auto& [ordinal, hash] : model) index.erase(hash, ordinal);
  EXPECT_EQ(index.size(), 0u);
  for (const auto& [ordinal, hash] : model) ASSERT_TRUE(candidates(index, hash).empty());
}

}  // namespace
}  // namespace voucherd
