// Totals against a map of texts: sums, lists, and bytes that depend on nothing but the totals.
#include "metering/state/totals.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <map>
#include <thread>
#include <tuple>

#include "metering/state/byte_coding.h"
#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

using test::between;
using test::Random;

constexpr LocalDay first_day_of_all{-40'000};
constexpr LocalDay last_day_of_all{40'000};

void add(Totals& totals, const std::string& firm, int day, const std::string& sku, const std::string& project,
         Int128 nanos) {
  totals.add(totals.firm_number(firm), LocalDay{day}, totals.sku_number(sku), totals.project_number(project),
             Quantity{nanos});
}

std::string saved(const Totals& totals) {
  std::string bytes;
  totals.save(bytes);
  return bytes;
}

/// In the order of (day, SKU, project), which the numbers' order has to be that of.
std::vector<UsageTotal> named(const NumberedUsage& usage) {
  auto rows = usage.rows;
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::tie(a.day, a.sku, a.project) < std::tie(b.day, b.sku, b.project);
  });
  std::vector<UsageTotal> list;
  for (const auto& [day, sku, project, quantity] : rows) {
    EXPECT_TRUE(usage.first_day <= day && day <= usage.last_day);
    list.push_back({day, usage.skus.at(sku), usage.projects.at(project), quantity});
  }
  if (!list.empty()) {
    EXPECT_EQ(usage.first_day, list.front().day);
    EXPECT_EQ(usage.last_day, list.back().day);
  }
  return list;
}

/// The naive model: what was added, under its texts.
struct Model {
  std::map<std::tuple<std::string, int, std::string, std::string>, Int128> sums;

  void expect_same(const Totals& totals) const {
    std::map<std::string, std::vector<UsageTotal>> expected;
    Quantity sum;
    for (const auto& [key, nanos] : sums) {
      const auto& [firm, day, sku, project] = key;
      if (nanos == 0) continue;
      expected[firm].push_back({LocalDay{day}, SkuId(sku), ProjectId(project), Quantity{nanos}});
      sum += Quantity{nanos};
    }
    std::vector<FirmId> firms;
    for (const auto& [firm, list] : expected) {
      firms.emplace_back(firm);
      EXPECT_EQ(totals.of(FirmId(firm), first_day_of_all, last_day_of_all), list) << firm;
      EXPECT_EQ(named(totals.of(FirmId(firm))), list) << firm;
      EXPECT_GT(totals.version_of(FirmId(firm)), 0u);
    }
    EXPECT_EQ(totals.firms(), firms);
    EXPECT_EQ(totals.sum(), sum);
  }
};

struct Addition {
  std::string firm;
  int day;
  std::string sku, project;
  Int128 nanos;
};

std::vector<Addition> random_additions(Random& random, int count) {
  const auto name = [&](const char* kind, int n) { return kind + std::to_string(between(random, 1, n)); };
  std::vector<Addition> additions;
  for (int i = 0; i < count; ++i) {
    additions.push_back({name("firm", 5), static_cast<int>(between(random, -3, 3)), name("sku", 4),
                         test::one_in(random, 3) ? "" : name("project", 3), between(random, -2, 3)});
  }
  // Above 64 bits.
  additions.push_back({"firm1", 0, "sku1", "", Quantity::event_nanos_max * 1'000'000});
  return additions;
}

TEST(TotalsTest, AgreesWithAMapOfTexts) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Totals totals;
  Model model;
  for (const Addition& a : random_additions(random, 3'000)) {
    const std::uint64_t version = totals.version_of(FirmId(a.firm));
    add(totals, a.firm, a.day, a.sku, a.project, a.nanos);
    model.sums[{a.firm, a.day, a.sku, a.project}] += a.nanos;
    EXPECT_EQ(totals.version_of(FirmId(a.firm)) > version, a.nanos != 0);
  }
  model.expect_same(totals);
}

TEST(TotalsTest, TakesNoMemoryForTotalsThatHaveBecomeZero) {
  const auto allocated = [] {
    const auto figures = mallinfo2();
    return figures.uordblks + figures.hblkhd;
  };
  Totals totals;
  add(totals, "firm", 0, "sku", "", 5);
  const std::size_t before = allocated();
  for (int day = 1; day <= 300'000; ++day) {
    add(totals, "firm", day, "sku", "", 1);
    add(totals, "firm", day, "sku", "", -1);
  }
  EXPECT_LT(allocated(), before + (1u << 20));
  EXPECT_EQ(totals.of(FirmId("firm"), LocalDay{0}, LocalDay{300'001}).size(), 1u);
}

TEST(TotalsTest, SavesTheSameBytesWhateverTheOrderOfArrival) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  std::vector<Addition> additions = random_additions(random, 1'000);
  Totals one;
  for (const Addition& a : additions) add(one, a.firm, a.day, a.sku, a.project, a.nanos);
  std::shuffle(additions.begin(), additions.end(), random);
  Totals other;
  other.project_number("a name that no total uses");
  for (const Addition& a : additions) add(other, a.firm, a.day, a.sku, a.project, a.nanos);
  EXPECT_EQ(saved(one), saved(other));
  add(other, "firm1", 0, "sku1", "", 1);
  EXPECT_NE(saved(one), saved(other));
}

TEST(TotalsTest, ContinuesAfterLoadingAsBefore) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Totals totals;
  Model model;
  for (const Addition& a : random_additions(random, 300)) {
    add(totals, a.firm, a.day, a.sku, a.project, a.nanos);
    model.sums[{a.firm, a.day, a.sku, a.project}] += a.nanos;
  }
  const std::string bytes = saved(totals) + "behind";
  std::string_view in = bytes;
  Totals loaded = Totals::load(in).value();
  EXPECT_EQ(in, "behind");
  model.expect_same(loaded);
  for (const Addition& a : random_additions(random, 300)) {
    add(loaded, a.firm, a.day, a.sku, a.project, a.nanos);
    model.sums[{a.firm, a.day, a.sku, a.project}] += a.nanos;
  }
  model.expect_same(loaded);
}

TEST(TotalsTest, WhatIsAddedWhileFrozenIsInTheTotalsButNotInTheSnapshot) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  Totals totals;
  Model model;
  const auto add_some = [&](int most) {
    for (const Addition& a : random_additions(random, static_cast<int>(between(random, 0, most)))) {
      add(totals, a.firm, a.day, a.sku, a.project, a.nanos);
      model.sums[{a.firm, a.day, a.sku, a.project}] += a.nanos;
    }
  };
  for (int round = 0; round < 30; ++round) {
    add_some(300);
    const std::string before = saved(totals);
    std::string during;
    {
      auto snapshot = totals.freeze();
      std::thread reader([&during, snapshot = std::move(snapshot)] { snapshot.save(during); });
      add_some(300);
      model.expect_same(totals);
      reader.join();
    }
    EXPECT_EQ(during, before);
    totals.thaw();
    model.expect_same(totals);
    const std::string bytes = saved(totals);
    std::string_view in = bytes;
    EXPECT_EQ(saved(Totals::load(in).value()), bytes);
  }
}

TEST(TotalsTest, ListsTheDaysFromTheFirstToBeforeTheLast) {
  Totals totals;
  for (int day = 0; day < 4; ++day) add(totals, "f", day, "s", "", 1);
  const std::vector<UsageTotal> list = totals.of(FirmId("f"), LocalDay{1}, LocalDay{3});
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list.front().day, LocalDay{1});
  EXPECT_EQ(list.back().day, LocalDay{2});
  EXPECT_TRUE(totals.of(FirmId("unknown"), LocalDay{0}, LocalDay{9}).empty());
  EXPECT_EQ(totals.version_of(FirmId("unknown")), 0u);
}

TEST(TotalsTest, ForgetsATotalThatBecameZeroButNotThatItChanged) {
  Totals totals;
  add(totals, "f", 0, "s", "p", 5);
  const std::uint64_t version = totals.version_of(FirmId("f"));
  add(totals, "f", 0, "s", "p", -5);
  EXPECT_TRUE(totals.firms().empty());
  EXPECT_GT(totals.version_of(FirmId("f")), version);
  EXPECT_EQ(saved(totals), saved(Totals{}));
}

TEST(TotalsTest, FindsAnEndToEverySearchHoweverFewTotalsWereLoaded) {
  for (int loaded_days = 1; loaded_days < 20; ++loaded_days) {
    Totals before;
    for (int day = 0; day < loaded_days; ++day) add(before, "f", day, "s", "", 1);
    const std::string bytes = saved(before);
    std::string_view in = bytes;
    Totals totals = Totals::load(in).value();
    for (int day = 100; day < 130; ++day) {
      add(totals, "f", day, "s", "", 1);
      // What is not in the frozen table is looked for in it.
      const auto snapshot = totals.freeze();
      for (int other = 200; other < 300; ++other) add(totals, "f", other, "s", "", 1);
      for (int other = 200; other < 300; ++other) add(totals, "f", other, "s", "", -1);
      totals.thaw();
    }
    EXPECT_EQ(totals.sum(), Quantity{loaded_days + 30});
  }
}

TEST(TotalsTest, RefusesDamagedBytes) {
  Random random(3);
  Totals totals;
  for (const Addition& a : random_additions(random, 60))
    add(totals, a.firm, a.day, a.sku, a.project, a.nanos);
  const std::string bytes = saved(totals);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    std::string_view in = std::string_view(bytes).substr(0, length);
    EXPECT_FALSE(Totals::load(in).has_value());
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] ^= 0x55;
    std::string_view in = damaged;
    const Result<Totals> loaded = Totals::load(in);
    if (loaded) loaded->firms();
  }
}

TEST(TotalsTest, RefusesBytesThatSaveDoesNotWrite) {
  struct Total {
    std::int64_t day;
    std::uint64_t sku, project;
    Int128 nanos;
  };
  using Names = std::vector<std::string>;
  const auto loads = [](const std::vector<Names>& names, const std::vector<std::vector<Total>>& firms) {
    std::string bytes;
    for (const Names& list : names) {
      put_varint(bytes, list.size());
      for (const std::string& name : list) put_text(bytes, name);
    }
    for (const auto& totals : firms) {
      put_varint(bytes, totals.size());
      for (const Total& total : totals) {
        put_signed(bytes, total.day);
        put_varint(bytes, total.sku);
        put_varint(bytes, total.project);
        put_int128(bytes, total.nanos);
      }
    }
    std::string_view in = bytes;
    return Totals::load(in).has_value();
  };
  EXPECT_TRUE(loads({{"a", "b"}, {"s"}, {""}}, {{{1, 0, 0, 5}}, {{1, 0, 0, 5}, {2, 0, 0, 5}}}));
  EXPECT_FALSE(loads({{"b", "a"}, {"s"}, {""}}, {{{1, 0, 0, 5}}, {{1, 0, 0, 5}}})) << "names out of order";
  EXPECT_FALSE(loads({{"a", "a"}, {"s"}, {""}}, {{{1, 0, 0, 5}}, {{1, 0, 0, 5}}})) << "a name twice";
  EXPECT_FALSE(loads({{"a"}, {"s", "t"}, {""}}, {{{1, 0, 0, 5}}})) << "a name of no total";
  EXPECT_FALSE(loads({{"a"}, {"s"}, {"", "p"}}, {{{1, 0, 0, 5}}})) << "a name of no total";
  EXPECT_FALSE(loads({{"a", "b"}, {"s"}, {""}}, {{{1, 0, 0, 5}}, {}})) << "a firm without totals";
  EXPECT_FALSE(loads({{"a"}, {"s"}, {""}}, {{{2, 0, 0, 5}, {1, 0, 0, 5}}})) << "days out of order";
  EXPECT_FALSE(loads({{"a"}, {"s"}, {""}}, {{{1, 0, 0, 5}, {1, 0, 0, 5}}})) << "a total twice";
  EXPECT_FALSE(loads({{"a"}, {"s"}, {""}}, {{{1, 0, 0, 0}}})) << "zero";
  EXPECT_FALSE(loads({{"a"}, {"s"}, {""}}, {{{1, 1, 0, 5}}})) << "a SKU that is not there";
  EXPECT_FALSE(loads({{"a"}, {"s"}, {""}}, {{{5'000'000, 0, 0, 5}}})) << "a day that no calendar has";
  constexpr Int128 much = Int128{1} << 107;
  EXPECT_TRUE(loads({{"a"}, {"s"}, {""}}, {{{1, 0, 0, much}, {2, 0, 0, much}}}));
  EXPECT_FALSE(loads({{"a"}, {"s"}, {""}}, {{{1, 0, 0, much}, {2, 0, 0, much}, {3, 0, 0, 1}}}))
      << "a sum beyond any journal";
}

}  // namespace
}  // namespace voucherd
