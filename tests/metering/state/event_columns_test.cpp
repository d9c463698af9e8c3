// Reading in part against reading all: the same rows, the same figures, the rows of a firm and SKU.
#include "metering/state/event_columns.h"

#include <gtest/gtest.h>

#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

using test::between;

/// Mostly ordinary events, so that firms and SKUs repeat, and wild ones among them.
UsageRecord random_record(test::Random& random, std::int64_t events) {
  UsageRecord record;
  record.first_ordinal = 1'000;
  for (std::int64_t i = 0; i < events; ++i) {
    auto event = test::one_in(random, 20) ? test::wild_event(random)
                                          : test::ordinary_event(random, test::sample_start_ms + i);
    if (event.kind == EventKind::correction) event.subject = "91500000MA5U100000";
    record.events.append(event.view(), 7);
  }
  return record;
}

void expect_same_figures(const EventBlock& read, std::uint32_t row, const EventBlock& all,
                         std::uint32_t index) {
  const auto a = read.figures(row), b = all.figures(index);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(read.subjects().at(a.subject), all.subjects().at(b.subject));
  EXPECT_EQ(read.skus().at(a.sku), all.skus().at(b.sku));
  EXPECT_EQ(read.projects().at(a.project), all.projects().at(b.project));
  EXPECT_EQ(a.span.from, b.span.from);
  EXPECT_EQ(a.span.to, b.span.to);
  EXPECT_EQ(a.quantity, b.quantity);
  if (a.kind == EventKind::correction) {
    EXPECT_EQ(read.corrected(row), all.corrected(index));
  }
}

TEST(EventColumnsTest, ReadsPartsAsTheWholeRecordHasThem) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  for (const std::int64_t size : {0, 1, 63, 64, 511, 512, 513, 3'000}) {
    const UsageRecord record = random_record(random, size);
    const std::string payload = record.encode();
    const auto columns = EventColumns::open(payload, usage_record_version).value();
    ASSERT_EQ(columns.size(), record.events.size());
    EXPECT_EQ(columns.first_ordinal(), record.first_ordinal);
    const EventBlock figures = columns.read(0, columns.groups(), RowParts::figures).value();
    for (std::uint32_t row = 0; row < record.events.size(); ++row) {
      expect_same_figures(figures, row, record.events, row);
    }
    for (std::uint32_t group = 0; group < columns.groups(); ++group) {
      const EventBlock rows = columns.read(group, 1, RowParts::all).value();
      for (std::uint32_t row = 0; row < rows.size(); ++row) {
        const std::uint32_t index = group * columns.rows_per_group() + row;
        ASSERT_EQ(rows.at(row), record.events.at(index)) << index;
        expect_same_figures(rows, row, record.events, index);
      }
    }
  }
}

TEST(EventColumnsTest, FindsTheRowsOfAFirmAndItsSkuWithItsCorrections) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  const UsageRecord record = random_record(random, 3'000);
  const std::string payload = record.encode();
  const auto columns = EventColumns::open(payload, usage_record_version).value();
  for (int round = 0; round < 200; ++round) {
    const auto some = static_cast<std::uint32_t>(between(random, 0, 2'999));
    const std::string firm = round == 0 ? "91500000MA5U100000" : std::string(record.events.at(some).subject);
    const std::string_view sku = "gpu.model-17";
    std::vector<std::uint32_t> of_firm, of_sku;
    for (std::uint32_t row = 0; row < record.events.size(); ++row) {
      const EventView event = record.events.at(row);
      if (event.subject != firm) continue;
      of_firm.push_back(row);
      if (event.sku == sku || event.sku.empty()) of_sku.push_back(row);
    }
    EXPECT_EQ(columns.rows_of(firm, nullptr).value(), of_firm);
    EXPECT_EQ(columns.rows_of(firm, &sku).value(), of_sku);
  }
  EXPECT_TRUE(columns.rows_of("nobody", nullptr).value().empty());
}

TEST(EventColumnsTest, SurvivesAnyDamage) {
  const std::uint64_t seed = test::seed_of_this_run();
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::Random random(seed);
  for (const std::int64_t size : {40, 700}) {
    const std::string payload = random_record(random, size).encode();
    for (int round = 0; round < 3'000; ++round) {
      std::string damaged = payload;
      const auto at = static_cast<std::size_t>(between(random, 0, std::ssize(damaged) - 1));
      damaged[at] = static_cast<char>(static_cast<unsigned char>(random()));
      if (test::one_in(random, 4)) damaged.resize(at);
      const auto columns = EventColumns::open(damaged, usage_record_version);
      if (!columns || columns->size() == 0) continue;
      static_cast<void>(columns->rows_of("91500000MA5U100000", nullptr));
      const auto group = static_cast<std::uint32_t>(between(random, 0, columns->groups() - 1));
      const auto rows = columns->read(group, 1, test::one_in(random, 2) ? RowParts::all : RowParts::figures);
      for (std::uint32_t row = 0; rows && row < rows->size(); ++row) static_cast<void>(rows->at(row));
    }
  }
}

}  // namespace
}  // namespace voucherd
