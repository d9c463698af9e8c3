// What JSON lets through and a ledger must not: names that stand twice, lone surrogates, NUL,
// nesting without end. And a search for bodies on which the decoder and another JSON parser
// disagree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/metering/wire/decoded_body.h"

namespace voucherd::wire {
namespace {

using testing::HasSubstr;

std::string code_with(std::string_view from, std::string_view to) {
  const DecodedBody decoded = one(with(good_usage, from, to));
  return decoded.refused() ? "refused: " + decoded.fault() : std::string(decoded.code());
}

/// A good event with one more member in `data`.
std::string with_member(const std::string& member) {
  return with(good_usage, "\"sku\":", member + ",\"sku\":");
}

std::string nested(std::size_t depth, bool objects = false) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += objects ? "{\"a\":" : "[";
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) text += objects ? "}" : "]";
  return text;
}

TEST(DecodeBytesTest, ANameStandsOnceInEachObject) {
  EXPECT_EQ(code_with("\"type\":", "\"source\":\"x\",\"type\":"), "duplicate_member");
  EXPECT_EQ(code_with("\"sku\":", "\"quantity\":\"1\",\"sku\":"), "duplicate_member");
  EXPECT_EQ(code_with("\"sku\":", "\"sku\":\"gpu.a800\",\"sku\":"), "duplicate_member");
  EXPECT_EQ(code_with("\"data\":", "\"data\":{},\"data\":"), "duplicate_member");
  EXPECT_EQ(code_with("\"type\":", "\"x\":1,\"y\":2,\"x\":3,\"type\":"), "duplicate_member");
  EXPECT_EQ(code_with("\"type\":", "\"\":1,\"\":3,\"type\":"), "duplicate_member");
}

TEST(DecodeBytesTest, AnIgnoredObjectsNamesStandOnceToo) {
  EXPECT_EQ(one(with_member(R"("x":{"a":1,"a":1})")).code(), "duplicate_member");
  EXPECT_EQ(one(with_member(R"("x":[0,{"b":{"a":1,"c":{},"a":1}}])")).code(), "duplicate_member");
  EXPECT_EQ(one(with_member(R"("x":[{"a":1},{"a":1}],"y":{"a":{"a":1}})")).code(), "");
}

TEST(DecodeBytesTest, AnEscapedNameIsTheSameName) {
  EXPECT_EQ(code_with("\"type\":", "\"s\\u006furce\":\"x\",\"type\":"), "duplicate_member");
  EXPECT_EQ(code_with("\"type\":", "\"\\u0078\":1,\"x\":1,\"type\":"), "duplicate_member");
  EXPECT_EQ(code_with("\"type\":", "\"a\\\"b\":1,\"a\\u0022b\":1,\"type\":"), "duplicate_member");
  EXPECT_EQ(code_with("\"source\":", "\"s\\u006furce\":"), "");
  EXPECT_EQ(code_with("\"sku\":", "\"\\u0073ku\":"), "");
}

TEST(DecodeBytesTest, TheFirstOfTwoStaysReadable) {
  const DecodedBody decoded = one(with(good_usage, "\"id\":", "\"source\":\"other\",\"id\":"));
  EXPECT_EQ(decoded.item().event.source, "/centre/rongzhi/slurm");
  EXPECT_EQ(decoded.item().event.id, "job-81723/step-0/2026-03-01T08");
  EXPECT_EQ(decoded.detail(), "source stands twice; send it once");
}

TEST(DecodeBytesTest, NestingIsReadToTheLimitAndRefusedBeyond) {
  // The event is the first level, data the second.
  for (const bool objects : {false, true}) {
    EXPECT_EQ(one(with_member("\"x\":" + nested(nesting_depth_max - 2, objects))).code(), "");
    EXPECT_EQ(one(with_member("\"x\":" + nested(nesting_depth_max - 1, objects))).code(), "nesting_too_deep");
    const DecodedBody deep = one(with_member("\"x\":" + nested(200'000, objects)));
    EXPECT_EQ(deep.code(), "nesting_too_deep");
    EXPECT_EQ(deep.item().event.id, "job-81723/step-0/2026-03-01T08");
    EXPECT_EQ(deep.item().event.sku, "gpu.a800");
  }
}

TEST(DecodeBytesTest, WhatIsNestedTooDeepMustStillBeJson) {
  const std::string deep = nested(30);
  for (const auto& [from, to] : {std::pair("]", "}"), std::pair("1", "01"), std::pair("1", "{\"a\":1]"),
                                 std::pair("1", "\"\\x\""), std::pair("1", "1,"), std::pair("1", "1 1")}) {
    const DecodedBody decoded = one(with_member("\"x\":" + with(deep, from, to)));
    EXPECT_TRUE(decoded.refused()) << from << " → " << to;
  }
  // One deep event does not hold up its neighbours.
  const DecodedBody batch("[" + with_member("\"x\":" + deep) + "," + std::string(good_usage) + "]",
                          BodyFormat::batch);
  ASSERT_EQ(batch.batch().items.size(), 2U) << batch.fault();
  EXPECT_EQ(batch.code(0), "nesting_too_deep");
  EXPECT_EQ(batch.code(1), "");
  EXPECT_EQ(batch.item(1).raw, good_usage);
}

TEST(DecodeBytesTest, AnObjectHasALimitedNumberOfMembers) {
  const auto members = [](std::size_t count) {
    std::string text = "\"x\":{";
    for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
    return text + "}";
  };
  EXPECT_EQ(one(with_member(members(object_members_max))).code(), "");
  const DecodedBody more = one(with_member(members(object_members_max + 1)));
  EXPECT_EQ(more.code(), "malformed");
  EXPECT_THAT(more.detail(), HasSubstr("more than 128 members"));
  EXPECT_EQ(one(with_member(members(200'000))).code(), "malformed");
}

TEST(DecodeBytesTest, LoneSurrogatesAreNoText) {
  for (const std::string_view bad :
       {"\\ud800", "\\udc00", "\\ud800x", "\\ud800\\u0041", "\\udc00\\ud800", "\\ud83d\\ud83d\\ude00"}) {
    EXPECT_EQ(code_with("gpu-017", bad), "invalid_utf8") << bad;
    EXPECT_EQ(code_with("/centre/rongzhi/slurm", bad), "invalid_utf8") << bad;
    EXPECT_EQ(one(with_member("\"x\":\"" + std::string(bad) + "\"")).code(), "invalid_utf8") << bad;
    EXPECT_EQ(one(with_member("\"" + std::string(bad) + "\":1")).code(), "invalid_utf8") << bad;
  }
  EXPECT_EQ(code_with("gpu-017", "\\ud83d\\ude00"), "");
}

TEST(DecodeBytesTest, ANulCharacterInAKeptMemberIsRefused) {
  const DecodedBody decoded = one(with(good_usage, "81723/", "8\\u00001723/"));
  EXPECT_EQ(decoded.code(), "malformed");
  EXPECT_EQ(decoded.detail(), "id holds a NUL character (\\u0000)");
  EXPECT_EQ(decoded.item().event.id, "");
  EXPECT_EQ(decoded.item().event.source, "/centre/rongzhi/slurm");
  EXPECT_EQ(one(with_member("\"x\":\"\\u0000\"")).code(), "");
}

TEST(DecodeBytesTest, ControlCharactersAndBrokenUtf8AreNoJson) {
  EXPECT_THAT(code_with("gpu-017", "gpu\n017"), HasSubstr("control character"));
  EXPECT_THAT(code_with("gpu-017", std::string_view("gpu\0", 4)), HasSubstr("control character"));
  for (const std::string_view bad :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe4\xb8", "\x80"}) {
    EXPECT_THAT(code_with("gpu-017", bad), HasSubstr("not UTF-8")) << bad;
    EXPECT_THAT(code_with("\"type\":", "\"x\":\"" + std::string(bad) + "\",\"type\":"),
                HasSubstr("not UTF-8"));
  }
  EXPECT_EQ(code_with("gpu-017", "算力\xf0\x9f\x98\x80"), "");
}

TEST(DecodeBytesTest, HugeMembersAreReadAndBounded) {
  const std::string huge(3 << 20, 'x');
  EXPECT_EQ(one(with_member("\"x\":\"" + huge + "\"")).code(), "");
  EXPECT_EQ(one(with_member("\"" + huge + "\":1")).code(), "");
  EXPECT_EQ(one(with_member("\"x\":" + std::string(1 << 20, '7'))).code(), "");
  for (const std::string_view member :
       {"gpu-017", "9150000020286320X6", "2026-03-01T09:00:00+08:00", "\"8\"", "1.0", "compute.usage.v1"}) {
    const DecodedBody decoded =
        one(with(good_usage, member, member.front() == '"' ? "\"" + huge + "\"" : huge));
    ASSERT_FALSE(decoded.refused()) << decoded.fault();
    EXPECT_NE(decoded.code(), "");
    EXPECT_LT(decoded.detail().size(), 400U);
  }
}

/// Whether another parser takes `body`; lone surrogates, which it refuses and we judge, aside.
bool is_json(const std::string& body) { return nlohmann::json::accept(body); }
bool may_hold_surrogate(const std::string& body) { return body.find("\\u") != std::string::npos; }

TEST(DecodeBytesTest, MutatedBodiesAreReadExactlyWhereAnotherParserReadsThem) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet = "{}[]\":,\\u0019.eE+-truefalsn \n\x01\xff";
  const std::string start = "[" + with_member(R"("x":[1,{"a":"\u0041\n","b":[true,null]},-1.5e3],"y":"z")") +
                            "," + std::string(good_correction) + "]";
  int read = 0, refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string body = start;
    for (unsigned edits = 1 + static_cast<unsigned>(random() % 3); edits > 0; --edits) {
      const std::size_t at = random() % body.size();
      const char byte = alphabet[random() % alphabet.size()];
      switch (random() % 4) {
        case 0:
          body[at] = byte;
          break;
        case 1:
          body.insert(at, 1, byte);
          break;
        case 2:
          body.erase(at, 1 + random() % 3);
          break;
        default:
          body.insert(at, body.substr(random() % body.size(), random() % 12));
          break;
      }
      if (body.empty()) body = "[";
    }
    const DecodedBody decoded(body, BodyFormat::event_or_batch, alphabet[random() % alphabet.size()]);
    if (is_json(body)) {
      ASSERT_EQ(decoded.refused(), body.find_first_of("[{") != body.find_first_not_of(" \n"))
          << body << "\n"
          << decoded.fault();
    } else {
      ASSERT_TRUE(decoded.refused() || may_hold_surrogate(body)) << body;
    }
    ++(decoded.refused() ? refused : read);
  }
  EXPECT_GT(read, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace voucherd::wire
