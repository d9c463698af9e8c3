// The stored bytes: fixed for ever by one golden record, and read back only where whole.
#include <gtest/gtest.h>

#include <string>

#include "metering/journal/checksum.h"
#include "metering/journal/journal.h"

namespace voucherd {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    out.push_back(digits[static_cast<unsigned char>(byte) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(byte) & 0xf]);
  }
  return out;
}

Record sample() { return {{0x0102030405060708, {1'780'000'000'123}, RecordType::facts, 3}, "payload"}; }

Genesis sample_genesis() {
  Genesis genesis;
  genesis.provider_name = "重庆融智算力中心";
  genesis.provider_uscc = "91500000MA5UXXXXXX";
  genesis.offset = {-210};
  genesis.hash_seed = 0xfedcba9876543210;
  return genesis;
}

TEST(RecordTest, HasTheBytesOfFormatMd) {
  const std::string encoded = encode_record(sample().header, sample().payload);
  EXPECT_EQ(hex(encoded.substr(0, encoded.size() - 8)),
            "56524543"          // VREC
            "01"                // envelope format
            "03"                // type: facts
            "0300"              // version
            "0807060504030201"  // position
            "7b8844709e010000"  // intake time
            "07000000"          // payload length
            "7061796c6f6164");
  EXPECT_EQ(encoded.size(), 28U + 7 + 8);
}

TEST(RecordTest, ChecksumIsXxh3WithSeedZero) {
  // From the reference implementation: xxhsum -H3 of an empty input and of "abc".
  EXPECT_EQ(checksum64(""), 0x2d06800538d394c2U);
  EXPECT_EQ(checksum64("abc"), 0x78af5f94892f3950U);
  RunningChecksum running;
  running.add("a");
  EXPECT_EQ(running.value(), checksum64("a"));
  running.add("bc");
  EXPECT_EQ(running.value(), checksum64("abc"));
}

TEST(RecordTest, ComesBackAsItWas) {
  const auto decoded = decode_record(encode_record(sample().header, sample().payload));
  ASSERT_TRUE(decoded) << decoded.error().detail;
  EXPECT_EQ(decoded->header, sample().header);
  EXPECT_EQ(decoded->payload, "payload");
}

TEST(RecordTest, RefusesEveryFlippedBitAndEveryCut) {
  const std::string encoded = encode_record(sample().header, sample().payload);
  for (std::size_t bit = 0; bit < 8 * encoded.size(); ++bit) {
    std::string flipped = encoded;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto decoded = decode_record(flipped);
    ASSERT_FALSE(decoded) << "bit " << bit;
    EXPECT_EQ(decoded.error().code, "record_damaged");
  }
  for (std::size_t length = 0; length < encoded.size(); ++length) {
    EXPECT_FALSE(decode_record(encoded.substr(0, length))) << "length " << length;
  }
}

const std::string secret(genesis_secret_bytes, 's');

TEST(GenesisTest, ComesBackAsItWas) {
  const auto decoded = decode_genesis(genesis_version, encode_genesis(sample_genesis(), secret));
  ASSERT_TRUE(decoded) << decoded.error().detail;
  EXPECT_EQ(*decoded, sample_genesis());
}

TEST(GenesisTest, OfTheFirstVersionStaysReadable) {
  // Written by the program that had no other: FORMAT.md, genesis payload, version 1.
  const std::string_view fixed("\1\0\0\0\1\0\0\0\x2e\xff\xff\xff\x10\x32\x54\x76\x98\xba\xdc\xfe\3\0CNY", 25);
  std::string first(fixed);
  first += std::string("\x18\0", 2) + sample_genesis().provider_name;
  first += std::string("\x12\0", 2) + sample_genesis().provider_uscc;
  const auto decoded = decode_genesis(1, first);
  ASSERT_TRUE(decoded) << decoded.error().detail;
  EXPECT_EQ(*decoded, sample_genesis());
  EXPECT_FALSE(decode_genesis(1, first + "x"));
}

TEST(GenesisTest, WhatAllMaySeeOfItLacksTheSeed) {
  const std::string encoded = encode_genesis(sample_genesis(), secret);
  const std::string seed = "\x10\x32\x54\x76\x98\xba\xdc\xfe";
  const std::string shown =
      encoded.substr(genesis_secret_bytes + 4, encoded.size() - genesis_secret_bytes - 16);
  Genesis expected = sample_genesis();
  expected.hash_seed = 0;
  EXPECT_EQ(decode_shown_genesis(shown).value(), expected);
  EXPECT_EQ(shown.find(seed), std::string::npos);
  EXPECT_EQ(encoded.substr(encoded.size() - 8), seed);
}

TEST(GenesisTest, RefusesBytesThatAreCutShortOrTooLong) {
  const std::string encoded = encode_genesis(sample_genesis(), secret);
  for (std::size_t length = 0; length < encoded.size(); ++length) {
    EXPECT_FALSE(decode_genesis(genesis_version, encoded.substr(0, length))) << "length " << length;
  }
  EXPECT_FALSE(decode_genesis(genesis_version, encoded + "x"));
}

TEST(GenesisTest, RefusesAFormatThatIsNotKnown) {
  Genesis genesis = sample_genesis();
  genesis.format_version = 2;
  EXPECT_EQ(decode_genesis(genesis_version, encode_genesis(genesis, secret)).error().code,
            "format_unsupported");
  const std::string known = encode_genesis(sample_genesis(), secret);
  EXPECT_EQ(decode_genesis(genesis_version + 1, known).error().code, "format_unsupported");
}

}  // namespace
}  // namespace voucherd
