// Batches cover every byte of the file once, in order, and never cut a line.
#include "daemon/ctl/event_batches.h"

#include <gtest/gtest.h>

#include <sstream>

namespace voucherd::ctl {
namespace {

std::vector<EventBatch> all_batches(const std::string& text) {
  std::istringstream in(text);
  BatchReader reader(in, 0, 0);
  std::vector<EventBatch> batches;
  for (;;) {
    auto batch = reader.next().value();
    if (!batch) return batches;
    batches.push_back(std::move(*batch));
  }
}

std::string lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "{\"id\":\"" + std::to_string(i) + "\"}\n";
  return text;
}

TEST(BatchReaderTest, CutsAtTheMostLinesThatARequestMayHave) {
  const auto batches = all_batches(lines(batch_lines_max * 2 + 1));
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].line_numbers.size(), batch_lines_max);
  EXPECT_EQ(batches[2].line_numbers, std::vector<std::uint64_t>{batch_lines_max * 2 + 1});
}

TEST(BatchReaderTest, CoversEveryByteOnceAndInOrder) {
  const std::string text = lines(batch_lines_max * 3 + 7);
  std::uint64_t at = 0;
  std::string joined;
  for (const auto& batch : all_batches(text)) {
    EXPECT_EQ(batch.begin, at);
    at = batch.end;
    joined += batch.body;
  }
  EXPECT_EQ(at, text.size());
  EXPECT_EQ(joined, text);
}

TEST(BatchReaderTest, StopsFillingABatchThatIsLongEnough) {
  const std::string line(batch_bytes_max / 2, 'x');
  const auto batches = all_batches(line + "\n" + line + "\n" + line + "\n");
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_EQ(batches[0].line_numbers.size(), 2U);
}

TEST(BatchReaderTest, TakesALastLineWithoutALineEnd) {
  const auto batches = all_batches("{}\n{\"id\":1}");
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].body, "{}\n{\"id\":1}\n");
  EXPECT_EQ(batches[0].end, 11U);
}

TEST(BatchReaderTest, SkipsEmptyLinesAndStillCountsThem) {
  const auto batches = all_batches("\n{}\n \r\n{}\n\n");
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].line_numbers, (std::vector<std::uint64_t>{2, 4}));
  EXPECT_EQ(batches[0].body, "{}\n{}\n");
}

TEST(BatchReaderTest, NamesALineThatIsTooLong) {
  std::istringstream in("{}\n" + std::string(line_bytes_max + 1, 'x'));
  BatchReader reader(in, 0, 0);
  const auto batch = reader.next();
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, "line_too_long");
  EXPECT_NE(batch.error().detail.find("line 2 "), std::string::npos) << batch.error().detail;
}

TEST(BatchReaderTest, GoesOnFromAnOffsetWithTheLineNumbersOfTheWholeFile) {
  std::istringstream in("{\"id\":1}\n{\"id\":2}\n");
  in.seekg(9);
  BatchReader reader(in, 9, 1);
  const auto batch = reader.next().value().value();
  EXPECT_EQ(batch.begin, 9U);
  EXPECT_EQ(batch.end, 18U);
  EXPECT_EQ(batch.lines_before, 1U);
  EXPECT_EQ(batch.line_numbers, std::vector<std::uint64_t>{2});
}

}  // namespace
}  // namespace voucherd::ctl
