// Frames of zstd: whole, cut off, and of more than is asked for.
#include "metering/state/compression.h"

#include <gtest/gtest.h>

namespace voucherd {
namespace {

TEST(CompressionTest, AFrameIsReadUpToTheBytesThatMayBe) {
  const std::string content(5'000, 'x');
  std::string frame;
  append_compressed(frame, content);
  ASSERT_LT(frame.size(), 100U);
  EXPECT_EQ(decompress(frame).view(), content);
  EXPECT_EQ(decompress(frame, 5'000).view(), content);
  EXPECT_EQ(decompress(frame, 4'999).data, nullptr);
}

TEST(CompressionTest, WhatIsNoFrameIsNotRead) {
  std::string frame;
  append_compressed(frame, "some bytes");
  EXPECT_EQ(decompress("some bytes").data, nullptr);
  EXPECT_EQ(decompress(std::string_view(frame).substr(0, frame.size() - 1)).data, nullptr);
}

}  // namespace
}  // namespace voucherd
