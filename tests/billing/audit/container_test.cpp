// The container is read back, and refused for every change of a byte: there is no dead one in it.
#include "billing/audit/container.h"

#include <gtest/gtest.h>

namespace voucherd::billing {
namespace {

std::string example() {
  ContainerWriter writer;
  writer.add("a.json", "{}");
  writer.add("b/0001.bin", std::string(512, 'x'));
  writer.add("b/0002.bin", "");
  writer.finish();
  return writer.take();
}

TEST(ContainerTest, HoldsItsFilesInOrder) {
  const std::string bytes = example();
  EXPECT_EQ(bytes.size(), 512u + 512 + 512 + 512 + 512 + 1024);
  const auto files = read_container(bytes).value();
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].name, "a.json");
  EXPECT_EQ(files[0].bytes, "{}");
  EXPECT_EQ(files[1].bytes, std::string(512, 'x'));
  EXPECT_EQ(files[2].name, "b/0002.bin");
  EXPECT_EQ(files[2].bytes, "");
}

TEST(ContainerTest, KeepsNothingOfWhatWasTaken) {
  ContainerWriter writer;
  writer.add("a", "1");
  std::string all = writer.take();
  EXPECT_EQ(writer.bytes(), 0u);
  writer.add("b", "2");
  writer.finish();
  all += writer.take();
  EXPECT_EQ(read_container(all).value().size(), 2u);
}

TEST(ContainerTest, RefusesOrChangesContentForEveryFlippedBit) {
  const std::string good = example();
  const auto files = read_container(good).value();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    const auto read = read_container(changed);
    if (!read) continue;
    ASSERT_EQ(read->size(), files.size()) << bit;
    bool differs = false;
    for (std::size_t i = 0; i < files.size(); ++i) differs |= (*read)[i].bytes != files[i].bytes;
    EXPECT_TRUE(differs) << "bit " << bit << " of byte " << bit / 8 << " says nothing";
  }
}

TEST(ContainerTest, RefusesEveryCutAndEveryAddition) {
  const std::string good = example();
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto read = read_container(std::string_view(good).substr(0, size));
    EXPECT_TRUE(!read || read->size() < 3) << size;
  }
  EXPECT_FALSE(read_container(good + std::string(512, '\0')));
  EXPECT_FALSE(read_container(good + "x"));
  EXPECT_FALSE(read_container(""));
}

TEST(ContainerTest, RefusesFilesOutOfOrderAndTwice) {
  ContainerWriter first;
  first.add("b", "1");
  ContainerWriter second;
  second.add("a", "2");
  const std::string b = first.take(), a = second.take(), end(1024, '\0');
  EXPECT_TRUE(read_container(a + b + end));
  EXPECT_FALSE(read_container(b + a + end));
  EXPECT_FALSE(read_container(a + a + end));
}

}  // namespace
}  // namespace voucherd::billing
