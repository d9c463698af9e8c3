// The fuzzer's harness over its corpus, as an ordinary test: so that it runs with every compiler,
// and each input that once broke something stays tried.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

TEST(DecodeCorpusTest, EachInputKeepsTheHarnessesPromises) {
  int inputs = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(VOUCHERD_SOURCE_DIR "/tests/fuzz/corpus/decode")) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(bytes.empty());
    // Each body in each format, and cut off at each place.
    for (int format = 0; format < 24; ++format) {
      bytes[0] = static_cast<char>(format);
      EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()), 0);
    }
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      bytes[0] = static_cast<char>(size % 24);
      EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), size), 0);
    }
    ++inputs;
  }
  EXPECT_GE(inputs, 10);
}

}  // namespace
