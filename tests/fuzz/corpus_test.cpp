// A fuzzer's harness over its corpus, as an ordinary test: so that it runs with every compiler, and each
// input that once broke something stays tried, whole and cut off at each place.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// The harnesses look at this byte to pick what is read.
constexpr std::size_t ways = 24;
constexpr std::size_t cut_bytes_max = 2048;

TEST(FuzzCorpusTest, EachInputKeepsTheHarnessesPromises) {
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(VOUCHERD_CORPUS)) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(bytes.empty());
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    EXPECT_EQ(LLVMFuzzerTestOneInput(data, bytes.size()), 0);
    const char own = bytes[0];
    for (std::size_t way = 0; way < ways; ++way) {
      bytes[0] = static_cast<char>(way);
      EXPECT_EQ(LLVMFuzzerTestOneInput(data, bytes.size()), 0);
    }
    for (std::size_t size = 1; size < std::min(bytes.size(), cut_bytes_max); ++size) {
      bytes[0] = size % 2 == 0 ? own : static_cast<char>(size % ways);
      EXPECT_EQ(LLVMFuzzerTestOneInput(data, size), 0);
    }
    ++inputs;
  }
  EXPECT_GE(inputs, 8);
}

}  // namespace
