// Payloads in parts: the stored bytes and the leaf's, fixed for ever by golden bytes that another program
// made (Python's hashlib, hmac and struct, from FORMAT.md); and what one part shows of the others.
#include "metering/proof/payload_parts.h"

#include <gtest/gtest.h>

#include <set>

#include "metering/proof/close_part.h"

namespace voucherd {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    out.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) >> 4]);
    out.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) & 0xf]);
  }
  return out;
}

const PayloadParts content{R"({"by":{"kind":"local","id":"a"},"reason":""})", {"one", "", "three"}, "rest"};
RecordSecret counting_secret() {
  RecordSecret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i);
  return secret;
}
constexpr RecordHeader header{0x0102030405060708, {1'780'000'000'123}, RecordType::facts, 2};

TEST(PayloadPartsTest, HasTheBytesOfFormatMd) {
  EXPECT_EQ(hex(seal(content, counting_secret())),
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
            "2c000000"
            "7b226279223a7b226b696e64223a226c6f63616c222c226964223a2261227d2c22726561736f6e223a22227d"
            "03000000"
            "030000006f6e65"
            "00000000"
            "050000007468726565"
            "72657374");
  EXPECT_EQ(to_hex(part_salt(counting_secret(), 1)),
            "4e154f2c27caf88fc2007130012b50c59975f6d64001ff6c05e0b139d10a434a");
}

TEST(PayloadPartsTest, HasTheLeafOfFormatMd) {
  const std::string payload = seal(content, counting_secret());
  EXPECT_EQ(hex(leaf_bytes(header, payload).value()),
            "565245430103020008070605040302017b8844709e0100006c000000"
            "2c000000"
            "7b226279223a7b226b696e64223a226c6f63616c222c226964223a2261227d2c22726561736f6e223a22227d"
            "8fdac69a7f2406a3ca3add0557bef8ce419f32f35ec9b22dc93d0e05bd03e948"
            "03000000"
            "17852873c2dce79395373418c891761cfb6e3c9ec92ec52dc919a7f9da6b63e6");
  Sha256 sha;
  EXPECT_EQ(to_hex(record_leaf_hash(sha, header, payload).value()),
            "ee0ae1ec551f6c05917bf3fe92fc80e61e6b855e0f558832aba9f36cea8306fc");
}

TEST(PayloadPartsTest, LeavesOfOtherRecordsAreTheirStoredBytes) {
  Sha256 sha;
  for (RecordHeader other :
       {RecordHeader{7, {5}, RecordType::usage, 2}, RecordHeader{7, {5}, RecordType::facts, 1},
        RecordHeader{7, {5}, RecordType::close, 1}, RecordHeader{1, {5}, RecordType::genesis, 1},
        RecordHeader{7, {5}, RecordType::token, 2}}) {
    const std::string stored = encode_record(other, "payload");
    EXPECT_EQ(leaf_bytes(other, "payload").value(), stored);
    EXPECT_EQ(record_leaf_hash(sha, other, "payload").value(), leaf_hash(stored));
  }
}

TEST(PayloadPartsTest, ComesBackAsItWas) {
  for (const PayloadParts& each : {content, PayloadParts{"s", {}, ""}, PayloadParts{"s", {"x"}, ""}}) {
    const auto back = unseal(seal(each, counting_secret()));
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(back->content, each);
    EXPECT_EQ(back->secret, counting_secret());
  }
}

TEST(PayloadPartsTest, RefusesEveryCutBeforeTheRest) {
  const std::string payload = seal(content, counting_secret());
  Sha256 sha;
  for (std::size_t bytes = 0; bytes < payload.size() - content.rest.size(); ++bytes) {
    EXPECT_EQ(unseal(payload.substr(0, bytes)).error().code, "payload_damaged");
    EXPECT_EQ(record_leaf_hash(sha, header, payload.substr(0, bytes)).error().code, "payload_damaged");
  }
  // What failed leaves nothing behind in the hash.
  EXPECT_EQ(record_leaf_hash(sha, header, payload).value(), leaf_hash(leaf_bytes(header, payload).value()));
}

TEST(PayloadPartsTest, OnePartIsProvenWithTheShortLeafItsSaltAndItsPath) {
  const std::string payload = seal(content, counting_secret());
  const auto leaf = decode_short_leaf(leaf_bytes(header, payload).value());
  ASSERT_TRUE(leaf) << leaf.error().detail;
  EXPECT_EQ(leaf->header, header);
  EXPECT_EQ(leaf->shared, content.shared);
  EXPECT_EQ(leaf->payload_bytes, payload.size());
  EXPECT_EQ(to_hex(leaf->rest), "8fdac69a7f2406a3ca3add0557bef8ce419f32f35ec9b22dc93d0e05bd03e948")
      << "salted as part 2^32 - 1";
  ASSERT_EQ(leaf->parts, 3U);
  const auto leaves = part_leaves(unseal(payload).value());
  for (std::uint32_t i = 0; i < leaf->parts; ++i) {
    const auto path = inclusion_proof(i, leaves);
    const PartSalt salt = part_salt(counting_secret(), i);
    EXPECT_TRUE(proves_inclusion(part_leaf(salt, content.parts[i]), i, 3, path, leaf->parts_root));
    EXPECT_FALSE(proves_inclusion(part_leaf(salt, "other"), i, 3, path, leaf->parts_root));
    EXPECT_FALSE(proves_inclusion(part_leaf({}, content.parts[i]), i, 3, path, leaf->parts_root));
  }
}

TEST(PayloadPartsTest, EveryPartsEveryBitIsInTheLeaf) {
  std::set<std::string> leaves = {leaf_bytes(header, seal(content, counting_secret())).value()};
  const auto differs = [&](const PayloadParts& other) {
    // The stored length is in the leaf: these have the same.
    return leaves.insert(leaf_bytes(header, seal(other, counting_secret())).value()).second;
  };
  EXPECT_TRUE(differs({content.shared, {"oNe", "", "three"}, "rest"}));
  EXPECT_TRUE(differs({content.shared, {"", "one", "three"}, "rest"}));
  EXPECT_TRUE(differs({content.shared, {"one", "", "three"}, "rust"}));
  EXPECT_TRUE(differs({content.shared, {"one", "thr", "ee"}, "rest"}));
  std::string by = content.shared;
  by[25] = 'b';
  EXPECT_TRUE(differs({by, {"one", "", "three"}, "rest"}));
  EXPECT_TRUE(leaves.insert(leaf_bytes(header, seal(content, RecordSecret{})).value()).second);
}

TEST(PayloadPartsTest, RefusesLeavesThatAreNone) {
  const std::string leaf = leaf_bytes(header, seal(content, counting_secret())).value();
  for (std::size_t bytes = 0; bytes < leaf.size(); ++bytes) {
    EXPECT_EQ(decode_short_leaf(leaf.substr(0, bytes)).error().code, "leaf_malformed");
  }
  EXPECT_EQ(decode_short_leaf(leaf + "x").error().code, "leaf_malformed");
  EXPECT_EQ(decode_short_leaf(encode_record({7, {5}, RecordType::facts, 1}, "payload")).error().code,
            "leaf_malformed");
}

TEST(PayloadPartsTest, DrawsAnotherSecretEachTime) { EXPECT_NE(draw_record_secret(), draw_record_secret()); }

// A close's part ----------------------------------------------------------------------------------

Chain sample_chain() {
  Sha256 sha;
  Chain chain;
  extend(sha, chain, {9, 2, sha256("two events")});
  extend(sha, chain, {12, 1, sha256("one event")});
  return chain;
}

ClosePart sample_part() {
  return {FirmId{"91500000MA5U00000W"},
          {674},
          {{{674}, sha256("statement")}},
          sha256("facts"),
          {{Month{674}, sample_chain()}}};
}

TEST(ClosePartTest, HasTheBytesOfFormatMd) {
  EXPECT_EQ(hex(sample_part().encode()), "1200" + hex("91500000MA5U00000W") + "a2020000" + "0100" +
                                             "a2020000" + to_hex(sha256("statement")) +
                                             to_hex(sha256("facts")) + "0100" + "a2020000" +
                                             "0300000000000000" + to_hex(sample_chain().value));
}

TEST(ClosePartTest, ComesBackAsItWasAndNothingElseDoes) {
  const std::string bytes = sample_part().encode();
  const auto back = decode_close_part(bytes);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(*back, sample_part());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_EQ(decode_close_part(bytes.substr(0, cut)).error().code, "close_part_malformed");
  }
  EXPECT_EQ(decode_close_part(bytes + "x").error().code, "close_part_malformed");
  ClosePart twice = sample_part();
  twice.statements = {{{675}, sha256("b")}, {{674}, sha256("a")}};
  EXPECT_EQ(decode_close_part(twice.encode()).error().code, "close_part_malformed");
}

TEST(ClosePartTest, TheFactsDigestIsOverTheSortedList) {
  // From another program, as above.
  EXPECT_EQ(to_hex(facts_digest(
                {{"sku", "b", 4, 2}, {"firm", "f", 2, 0}, {"sku", "a", 3, 0}, {"contract", "c", 5, 1}})),
            "948694b399ead9d2777a506612a39e8543590193632adb29144b7ef9808f914a");
}

}  // namespace
}  // namespace voucherd
