// Numbers in bytes: each has one spelling, and a reader takes no other.
#include "metering/state/byte_coding.h"

#include <gtest/gtest.h>

#include <limits>

namespace voucherd {
namespace {

TEST(ByteCodingTest, ReadsEveryNumberThatItWrites) {
  for (int shift = 0; shift < 64; ++shift) {
    const std::uint64_t power = std::uint64_t{1} << shift;
    for (const std::uint64_t value : {power - 1, power, power + 1}) {
      std::string bytes;
      put_varint(bytes, value);
      put_int128(bytes, static_cast<Int128>(value) << 63);
      put_int128(bytes, -(static_cast<Int128>(value) << 63));
      ByteReader in(bytes);
      EXPECT_EQ(in.varint(), value);
      EXPECT_TRUE(in.int128() == static_cast<Int128>(value) << 63);
      EXPECT_TRUE(in.int128() == -(static_cast<Int128>(value) << 63));
      EXPECT_TRUE(in.ok() && in.left() == 0) << value;
    }
  }
}

TEST(ByteCodingTest, RefusesANumberThatIsLongerThanItNeedsToBe) {
  for (const std::string_view bytes :
       {std::string_view("\x80\x00", 2), std::string_view("\x81\x80\x00", 3)}) {
    ByteReader in(bytes);
    in.varint();
    EXPECT_FALSE(in.ok());
    ByteReader wide(bytes);
    wide.int128();
    EXPECT_FALSE(wide.ok());
  }
}

}  // namespace
}  // namespace voucherd
