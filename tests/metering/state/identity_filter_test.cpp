// The filter before the disk: it never says no wrongly, and maybe as rarely as its size allows.
#include "metering/state/identity_filter.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

TEST(IdentityFilterTest, NeverSaysNoOfWhatWasAdded) {
  for (const std::uint64_t bytes : {0U, 64U, 100U, 1U << 20}) {
    test::Random random(1);
    IdentityFilter filter(bytes);
    for (int i = 0; i < 10'000; ++i) filter.add(HashBits::of(random()));
    random.seed(1);
    for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(filter.may_hold(HashBits::of(random()))) << bytes;
    // The bits at both ends have a place as well.
    for (const std::uint64_t hash : {std::uint64_t{0}, ~std::uint64_t{0}}) {
      filter.add(HashBits::of(hash));
      EXPECT_TRUE(filter.may_hold(HashBits::of(hash)));
    }
  }
}

/// In 10,000, with so many bits of the filter for each identity that it holds.
int false_positives(std::uint64_t bits_per_identity) {
  constexpr std::uint64_t identities = 200'000;
  test::Random random(bits_per_identity);
  IdentityFilter filter(identities * bits_per_identity / 8);
  for (std::uint64_t i = 0; i < identities; ++i) filter.add(HashBits::of(random()));
  int positives = 0;
  for (int i = 0; i < 10'000; ++i) positives += filter.may_hold(HashBits::of(random())) ? 1 : 0;
  return positives;
}

TEST(IdentityFilterTest, SaysMaybeTheMoreOftenTheFullerItIs) {
  EXPECT_LT(false_positives(16), 40);
  EXPECT_LT(false_positives(10), 200);
  EXPECT_LT(false_positives(5), 2'000);
}

TEST(IdentityFilterTest, MayBeAskedWhileAnotherThreadAdds) {
  IdentityFilter filter(1U << 16);
  std::atomic<int> published = 0;
  constexpr int steps = 50, per_step = 100;
  const auto hash = [](int i) {
    return HashBits{static_cast<std::uint64_t>(i) * 0x3fff'ffff'ffffU / (steps * per_step)};
  };
  std::thread adder([&] {
    for (int step = 0; step < steps; ++step) {
      for (int i = 0; i < per_step; ++i) filter.add(hash(step * per_step + i));
      published.store((step + 1) * per_step, std::memory_order_release);
    }
  });
  for (int known = 0; known < steps * per_step;) {
    known = published.load(std::memory_order_acquire);
    for (int i = 0; i < known; i += 7) EXPECT_TRUE(filter.may_hold(hash(i)));
  }
  adder.join();
}

}  // namespace
}  // namespace voucherd
