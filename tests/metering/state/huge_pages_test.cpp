// An array that grows without a copy, and whose pages can be taken ahead.
#include "metering/state/huge_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <vector>

namespace voucherd {
namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t mib_words = (std::size_t{1} << 20) / sizeof(std::uint64_t);

/// How many small pages of the words from `begin` on have memory.
std::size_t pages_there(const HugePages& pages, std::size_t begin) {
  std::vector<unsigned char> there((pages.size() - begin) * sizeof(std::uint64_t) / page_bytes);
  EXPECT_EQ(::mincore(pages.data() + begin, there.size() * page_bytes, there.data()), 0);
  return static_cast<std::size_t>(
      std::count_if(there.begin(), there.end(), [](auto page) { return page & 1; }));
}

TEST(HugePagesTest, TakesThePagesBehindAheadAndNoOthers) {
  HugePages pages(16 * mib_words);
  ASSERT_EQ(pages_there(pages, 0), 0u);
  pages.populate_behind(5 * mib_words);  // a huge page that has words before it belongs to them
  EXPECT_EQ(pages_there(pages, 6 * mib_words), 10 * mib_words * sizeof(std::uint64_t) / page_bytes);
  EXPECT_EQ(pages_there(pages, 0), 10 * mib_words * sizeof(std::uint64_t) / page_bytes);
}

TEST(HugePagesTest, GrowsWithItsContentAndZerosBehindIt) {
  HugePages pages(3 * mib_words);
  for (std::size_t word = 0; word < pages.size(); ++word) pages.data()[word] = word + 1;
  HugePages larger(9 * mib_words);
  larger.populate_behind(pages.size());
  pages.grow_into(std::move(larger));
  ASSERT_EQ(pages.size(), 9 * mib_words);
  for (std::size_t word = 0; word < pages.size(); ++word) {
    ASSERT_EQ(pages.data()[word], word < 3 * mib_words ? word + 1 : 0) << word;
  }
}

TEST(HugePagesDeathTest, DoesNotShrink) {
  HugePages pages(2 * mib_words);
  EXPECT_DEATH(pages.grow_into(HugePages(mib_words)), "invariant");
}

}  // namespace
}  // namespace voucherd
