// The formats of a body: what is one event, an array, lines, and what is refused as a whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/metering/wire/decoded_body.h"

namespace voucherd::wire {
namespace {

using testing::HasSubstr;

std::string batch_of(std::initializer_list<std::string_view> elements) {
  std::string body = "[";
  for (const std::string_view element : elements) body += (body.size() > 1 ? "," : "") + std::string(element);
  return body + "]";
}

TEST(DecodeFormatTest, AnEventIsOneItemWithItsBytes) {
  const DecodedBody decoded = one(" \n" + std::string(good_usage) + "\r\n ");
  ASSERT_EQ(decoded.batch().items.size(), 1U) << decoded.fault();
  EXPECT_EQ(decoded.code(), "");
  EXPECT_EQ(decoded.item().raw, good_usage);
}

TEST(DecodeFormatTest, ABatchKeepsItsOrderAndEachEventsBytes) {
  const std::string second = with(good_usage, "81723/", "2/");
  const DecodedBody decoded(
      " [ " + std::string(good_usage) + " ,\n" + second + "\t, " + std::string(good_correction) + "] ",
      BodyFormat::batch);
  ASSERT_EQ(decoded.batch().items.size(), 3U) << decoded.fault();
  EXPECT_EQ(decoded.item(0).raw, good_usage);
  EXPECT_EQ(decoded.item(1).raw, second);
  EXPECT_EQ(decoded.item(2).raw, good_correction);
  EXPECT_EQ(decoded.item(1).event.id, "job-2/step-0/2026-03-01T08");
}

TEST(DecodeFormatTest, AnEmptyBatchHasNoItems) {
  for (const std::string_view body : {"[]", " [ ] "}) {
    const DecodedBody decoded(body, BodyFormat::batch);
    EXPECT_FALSE(decoded.refused()) << decoded.fault();
    EXPECT_TRUE(decoded.batch().items.empty());
  }
  for (const std::string_view body : {"", "\n", " \r\n\t\n"}) {
    const DecodedBody decoded(body, BodyFormat::ndjson);
    EXPECT_FALSE(decoded.refused()) << decoded.fault();
    EXPECT_TRUE(decoded.batch().items.empty());
  }
}

TEST(DecodeFormatTest, TheTopLevelTypeMustBeTheFormats) {
  const std::string event(good_usage), array = batch_of({good_usage});
  EXPECT_FALSE(DecodedBody(event, BodyFormat::event).refused());
  EXPECT_FALSE(DecodedBody(array, BodyFormat::batch).refused());
  EXPECT_FALSE(DecodedBody(event, BodyFormat::event_or_batch).refused());
  EXPECT_FALSE(DecodedBody(array, BodyFormat::event_or_batch).refused());
  EXPECT_THAT(DecodedBody(array, BodyFormat::event).fault(), HasSubstr("not a JSON object"));
  EXPECT_THAT(DecodedBody(event, BodyFormat::batch).fault(), HasSubstr("not a JSON array"));
  EXPECT_THAT(DecodedBody("17", BodyFormat::event_or_batch).fault(), HasSubstr("neither"));
}

TEST(DecodeFormatTest, AnEmptyBodyIsRefusedWhereAnEventIsExpected) {
  for (const BodyFormat format : {BodyFormat::event, BodyFormat::batch, BodyFormat::event_or_batch}) {
    EXPECT_THAT(DecodedBody("", format).fault(), HasSubstr("empty"));
    EXPECT_THAT(DecodedBody(" \n", format).fault(), HasSubstr("empty"));
  }
}

TEST(DecodeFormatTest, ABrokenElementRefusesTheWholeArrayWhereverItIs) {
  const std::string good(good_usage);
  for (const std::string& body : {"[" + good + "," + with(good, "\"8\"", "tru") + "]",
                                  "[" + good + ",]",
                                  "[," + good + "]",
                                  "[" + good,
                                  "[" + good + "]]",
                                  "[" + good + "] x",
                                  "[" + good + "}",
                                  "[" + good + " " + good + "]",
                                  "[" + good + ",1,2}",
                                  "[" + with(good, "\"data\":{", "\"data\":[") + "]",
                                  "[" + with(good, "\"8\"", "01") + "]",
                                  "[" + with(good, "\"8\"", "+8") + "]",
                                  "[" + with(good, "\"8\"", "NaN") + "]",
                                  "[" + with(good, "\"8\"", "\"\\x\"") + "]",
                                  "[" + with(good, "\"8\"", "\"\\u12g4\"") + "]",
                                  "[" + with(good, "\"8\"", "'8'") + "]",
                                  "[" + with(good, "\"sku\":", "sku:") + "]",
                                  "[" + with(good, "\"sku\":", "\"x\":{\"a\":1,\"b\":tru},\"sku\":") + "]",
                                  "[" + with(good, "\"sku\":", "\"x\":[1,2},\"sku\":") + "]",
                                  "[" + with(good, "\"sku\":", "\"x\":\"y\":\"z\",\"sku\":") + "]",
                                  "[" + with(good, "\"sku\":", "\"x\" 1,\"sku\":") + "]",
                                  "[" + with(good, "\"sku\":", ",\"sku\":") + "]",
                                  std::string("[\"a\":1]"),
                                  std::string("[{]"),
                                  std::string("["),
                                  std::string("]"),
                                  std::string("[1 2]"),
                                  std::string("[\"a\"b]"),
                                  std::string("[\"a]"),
                                  std::string("{}[]"),
                                  std::string("[{}"),
                                  std::string("[nul]"),
                                  std::string("[{\"a\"}]"),
                                  std::string("[{\"a\":}]"),
                                  std::string("[{\"a\":1,}]"),
                                  std::string("[{1:1}]"),
                                  std::string("hello"),
                                  std::string("[1]\0", 4)}) {
    for (const char padding : {'}', ']', '"', '\0', ' ', ','}) {
      const DecodedBody decoded(body, BodyFormat::batch, padding);
      EXPECT_TRUE(decoded.refused()) << body;
      EXPECT_TRUE(decoded.batch().items.empty());
    }
  }
}

TEST(DecodeFormatTest, ABrokenEventIsRefusedAndNothingMayFollowIt) {
  for (const std::string_view body :
       {R"({"id":"a"} x)", R"({"id":"a"}{})", R"({"id":"a"}})", R"({"id":"a")", R"({"id":"a",})",
        R"({"id":tru})", "{", "}", R"({"id":"a","x":{"y":[1,2}})", R"({"id":"a)", "nonsense"}) {
    for (const char padding : {'}', ']', '"', '\0'}) {
      EXPECT_TRUE(DecodedBody(body, BodyFormat::event, padding).refused()) << body;
      EXPECT_TRUE(DecodedBody(body, BodyFormat::event_or_batch, padding).refused()) << body;
    }
  }
}

TEST(DecodeFormatTest, ABodyCutOffAnywhereIsRefusedWhateverStandsBehindIt) {
  const std::string nested = with(good_usage, "\"sku\":", "\"x\":{\"a\":[[1],{},[{\"b\":[]}]]},\"sku\":");
  // Cut off behind this member, it ends as an array does.
  const std::string ending = with(good_usage, "\"81723\"}", "\"81723\",\"x\":[1]}");
  for (const std::string& body :
       {nested, "[" + nested + "," + std::string(good_correction) + "]", "[" + ending + "]"}) {
    for (std::size_t size = 0; size < body.size(); ++size) {
      for (const char padding : {'}', ']', '"', '\0', ' ', ',', ':', '{', '[', '1', '\\', '\xff'}) {
        ASSERT_TRUE(DecodedBody(body.substr(0, size), BodyFormat::event_or_batch, padding).refused())
            << body.substr(0, size) << " and then " << padding;
        const DecodedBody line(body.substr(0, size), BodyFormat::ndjson, padding);
        ASSERT_EQ(line.batch().items.size(), size == 0 ? 0U : 1U);
        ASSERT_TRUE(size == 0 || line.code() == "malformed")
            << body.substr(0, size) << " and then " << padding;
      }
    }
  }
}

TEST(DecodeFormatTest, AnEventThatOnlyThePaddingClosesIsNotClosed) {
  const std::string cut_off = "[" + with(good_usage, "\"81723\"}}", "\"81723\",\"x\":[1]");
  EXPECT_THAT(DecodedBody(cut_off, BodyFormat::batch, '}').fault(), HasSubstr("its array is not closed"));
}

TEST(DecodeFormatTest, TheFaultSaysWhere) {
  EXPECT_THAT(DecodedBody("[{\"a\":1},{\"b\":tru}]", BodyFormat::batch).fault(), HasSubstr("byte 14"));
  EXPECT_THAT(DecodedBody("  {\"b\":tru}", BodyFormat::event).fault(), HasSubstr("byte 7"));
  EXPECT_THAT(DecodedBody("[\"abc\xff\"]", BodyFormat::batch).fault(), HasSubstr("not UTF-8 at byte 5"));
}

TEST(DecodeFormatTest, AnElementThatIsNoObjectIsAnItemOfItsOwn) {
  const DecodedBody decoded(batch_of({"1", "\"two\"", "[3, {}]", "null", good_usage, "true"}),
                            BodyFormat::batch);
  ASSERT_EQ(decoded.batch().items.size(), 6U) << decoded.fault();
  for (const std::size_t index : {0U, 1U, 2U, 3U, 5U}) {
    EXPECT_EQ(decoded.code(index), "malformed");
  }
  EXPECT_EQ(decoded.item(0).raw, "1");
  EXPECT_EQ(decoded.item(1).raw, "\"two\"");
  EXPECT_EQ(decoded.item(2).raw, "[3, {}]");
  EXPECT_EQ(decoded.code(4), "");
}

TEST(DecodeFormatTest, ABrokenLineSpoilsNoOther) {
  const std::string body = std::string(good_usage) + "\r\n" +
                           "{\"source\":\"s\",\"id\":\"i\",\"data\":tru}\n" + "\n   \n" +
                           "[]\nhello\n{\"a\":\"\xff\"}\n{}{}\n\"{\n" + std::string(good_correction);
  const DecodedBody decoded(body, BodyFormat::ndjson);
  ASSERT_EQ(decoded.batch().items.size(), 8U) << decoded.fault();
  EXPECT_EQ(decoded.code(0), "");
  EXPECT_EQ(decoded.item(0).raw, good_usage);
  for (const std::size_t index : {1U, 2U, 3U, 5U, 6U}) EXPECT_EQ(decoded.code(index), "malformed") << index;
  EXPECT_EQ(decoded.code(4), "invalid_utf8");
  EXPECT_EQ(decoded.item(4).raw, "{\"a\":\"\xff\"}");
  EXPECT_EQ(decoded.item(6).raw, "\"{");
  EXPECT_EQ(decoded.code(7), "");
  EXPECT_EQ(decoded.item(7).event.kind, EventKind::correction);
}

TEST(DecodeFormatTest, ABrokenLineStillTellsTheMembersBeforeTheBreak) {
  const DecodedBody decoded("{\"source\":\"s\",\"id\":\"i\",\"data\":tru}", BodyFormat::ndjson);
  EXPECT_EQ(decoded.item().event.source, "s");
  EXPECT_EQ(decoded.item().event.id, "i");
  EXPECT_THAT(decoded.detail(), HasSubstr("the line is not JSON near byte"));
}

TEST(DecodeFormatTest, AnEventAcrossLinesIsNoLine) {
  const DecodedBody decoded(with(good_usage, ",\"type\"", ",\n\"type\""), BodyFormat::ndjson);
  ASSERT_EQ(decoded.batch().items.size(), 2U);
  EXPECT_EQ(decoded.code(0), "malformed");
  EXPECT_EQ(decoded.code(1), "malformed");
}

TEST(DecodeFormatTest, MoreEventsThanARequestMayHoldAreRefused) {
  std::string body = "[";
  for (std::size_t i = 0; i < batch_events_max; ++i) body += "1,";
  EXPECT_EQ(DecodedBody(body.substr(0, body.size() - 1) + "]", BodyFormat::batch).batch().items.size(),
            batch_events_max);
  EXPECT_THAT(DecodedBody(body + "1]", BodyFormat::batch).fault(), HasSubstr("more than 100000 events"));
}

TEST(DecodeFormatTest, OneDecoderReadsBodyAfterBody) {
  Decoder decoder;
  std::string large(good_usage), padded;
  for (const std::size_t size : {1U, 50U, 2U}) {
    padded = "[";
    for (std::size_t i = 0; i < size; ++i) padded += (i == 0 ? "" : ",") + std::string(good_usage);
    padded += "]";
    const std::size_t length = padded.size();
    padded.append(body_padding_bytes, '\0');
    const auto batch = decoder.decode({padded.data(), length}, BodyFormat::batch);
    ASSERT_TRUE(batch.has_value());
    EXPECT_EQ(batch->items.size(), size);
    EXPECT_FALSE(decoder.decode({padded.data(), 5}, BodyFormat::batch).has_value());
  }
}

}  // namespace
}  // namespace voucherd::wire
