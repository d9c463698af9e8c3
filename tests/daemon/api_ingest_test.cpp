// What POST /v1/events makes of packed bodies and of events whose attributes are headers.
#include <zlib.h>
#include <zstd.h>

#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

std::string gzip(const std::string& plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2_(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY,
                          ZLIB_VERSION, static_cast<int>(sizeof stream)),
            Z_OK);
  std::string packed(deflateBound(&stream, plain.size()) + 64, '\0');
  std::string in = plain;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(const std::string& plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  const std::size_t size = ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3);
  EXPECT_FALSE(ZSTD_isError(size));
  packed.resize(size);
  return packed;
}

class ApiIngestTest : public ApiTest {
 protected:
  static std::string event(const std::string& id) { return usage(id, "2026-06-01T00:00:00Z", "2").dump(); }
  http::Response post_packed(std::string body, const std::string& encoding) {
    return post_events(std::move(body),
                       {{"content-type", "application/x-ndjson"}, {"content-encoding", encoding}});
  }
  /// 200 with so many events accepted.
  static void expect_accepted(const http::Response& answer, int accepted) {
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["accepted"], accepted) << answer.body;
  }
};

TEST_F(ApiIngestTest, UnpacksGzipAndZstd) {
  register_all();
  expect_accepted(post_packed(gzip(event("1") + "\n" + event("2")), "gzip"), 2);
  expect_accepted(post_packed(zstd(event("3")), "ZSTD"), 1);
  expect_accepted(post_packed(event("4"), "identity"), 1);
}

TEST_F(ApiIngestTest, UnpacksStreamsOfSeveralParts) {
  register_all();
  expect_accepted(post_packed(gzip(event("1") + "\n") + gzip(event("2")), "gzip"), 2);
  expect_accepted(post_packed(zstd(event("3") + "\n") + zstd(event("4")), "zstd"), 2);
}

TEST_F(ApiIngestTest, RefusesBrokenStreams) {
  const std::string whole = event("1");
  for (const auto& [packed, encoding] : {std::pair{gzip(whole), "gzip"}, std::pair{zstd(whole), "zstd"}}) {
    EXPECT_EQ(post_packed(packed.substr(0, packed.size() - 3), encoding).status, 400) << encoding;
    EXPECT_EQ(post_packed(packed + "rest", encoding).status, 400) << encoding;
    EXPECT_EQ(post_packed(whole, encoding).status, 400) << encoding;
    EXPECT_EQ(post_packed("", encoding).status, 400) << encoding;
  }
  EXPECT_EQ(engine_->ingest_figures().received, 0u);
}

TEST_F(ApiIngestTest, LimitsWhatABodyUnpacksTo) {
  const std::string full(body_bytes_max_of_tests, '\n');
  for (const auto& [packed, more, encoding] : {std::tuple{gzip(full), gzip(full + "\n"), "gzip"},
                                               std::tuple{zstd(full), zstd(full + "\n"), "zstd"}}) {
    EXPECT_EQ(post_packed(packed, encoding).status, 200) << encoding;
    EXPECT_EQ(post_packed(more, encoding).status, 413) << encoding;
  }
}

TEST_F(ApiIngestTest, SaysWhichEncodingsItTakes) {
  const auto answer = post_packed(event("1"), "br");
  EXPECT_EQ(answer.status, 415);
  EXPECT_EQ(answer.headers, (Headers{{"Accept-Encoding", "gzip, zstd"}}));
}

TEST_F(ApiIngestTest, ADryRunAnswersWhatWouldHappenAndKeepsNothing) {
  register_all();
  const auto position = engine_->position();
  const std::string batch =
      event("1") + "\n" + event("1") + "\n" + usage("2", "2026-06-01T00:00:00Z", "-1").dump();
  const Headers ndjson = {{"content-type", "application/x-ndjson"}};
  const auto dry = ask("POST", "/v1/events?dry_run=1", batch, ndjson);
  ASSERT_EQ(dry.status, 200) << dry.body;
  Json expected = Json::parse(dry.body);
  EXPECT_EQ(expected["accepted"], 1);
  EXPECT_EQ(expected["duplicate"], 1);
  EXPECT_EQ(expected["quarantined"], 1);
  EXPECT_FALSE(expected["problems"][0].contains("quarantine"));
  EXPECT_EQ(expected["position"], position);
  EXPECT_EQ(engine_->position(), position);

  const auto done = ask("POST", "/v1/events", batch, ndjson);
  expected["position"] = position + 1;
  expected["problems"][0]["quarantine"] = std::to_string(position + 1) + ".0";
  EXPECT_EQ(Json::parse(done.body), expected);
  EXPECT_EQ(ask("POST", "/v1/events?dry_run=yes", batch, ndjson).status, 422);
}

config::Options a_queue_of_one_event() {
  config::Options options;
  options.queue_bytes_max = 1;
  options.group_events_max = 1;
  return options;
}

class ApiOverloadTest : public ApiTest {
 protected:
  ApiOverloadTest() : ApiTest(a_queue_of_one_event()) {}
};

TEST_F(ApiOverloadTest, AFullQueueAnswersWhenToComeAgainAndKeepsNothing) {
  register_all();
  const auto send = [&](const std::string& id) {
    return start("POST", "/v1/events", usage(id, "2026-06-01T00:00:00Z", "1").dump(),
                 {{"content-type", "application/json"}});
  };
  const auto with_the_writer = send("1");
  const auto in_the_open_group = send("2");
  const auto refused = send("3");
  ASSERT_TRUE(refused->has_value());
  EXPECT_EQ((*refused)->status, 503);
  EXPECT_EQ((*refused)->headers, (Headers{{"Retry-After", "1"}}));
  EXPECT_EQ(wait(with_the_writer).status, 200);
  EXPECT_EQ(wait(in_the_open_group).status, 200);
  EXPECT_EQ(get("/v1/events?source=/s&id=3").status, 404);
  EXPECT_EQ(wait(send("3")).status, 200);
}

class BinaryModeTest : public ApiIngestTest {
 protected:
  static Headers attributes() {
    return {{"content-type", "application/json"}, {"ce-specversion", "1.0"}, {"ce-type", "compute.usage.v1"},
            {"ce-source", "/s%20%E9%87%8D"},      {"ce-id", "\"a%22b\""},    {"ce-subject", firm_of_tests},
            {"ce-time", "2026-06-01T00:00:00Z"}};
  }
  static constexpr const char* data = R"({"sku":"gpu.a800","quantity":"2"})";
};

TEST_F(BinaryModeTest, TakesAttributesFromHeadersAndTheBodyAsData) {
  register_all();
  expect_accepted(post_events(data, attributes()), 1);
  EXPECT_TRUE(engine_->find_event("/s 重", "a\"b", [](const EventView& event, EventPlace, Instant) {
    EXPECT_EQ(event.subject, firm_of_tests);
    EXPECT_EQ(to_string(event.quantity), "2");
  }));
}

TEST_F(BinaryModeTest, HoldsForPackedDataToo) {
  register_all();
  auto headers = attributes();
  headers.emplace_back("content-encoding", "gzip");
  expect_accepted(post_events(gzip(data), headers), 1);
}

TEST_F(BinaryModeTest, StructuredBodiesStayWhatTheyAre) {
  register_all();
  auto headers = attributes();
  headers[0].second = "application/cloudevents+json; charset=utf-8";
  expect_accepted(post_events(event("whole"), headers), 1);
  EXPECT_TRUE(engine_->find_event("/s", "whole", [](const EventView&, EventPlace, Instant) {}));
}

TEST_F(BinaryModeTest, RefusesDataThatWouldEscapeIntoTheEvent) {
  EXPECT_EQ(post_events(R"(1},"id":{)", attributes()).status, 400);
  EXPECT_EQ(post_events(R"({} , "id":"x")", attributes()).status, 400);
}

TEST_F(BinaryModeTest, RefusesHeadersThatAreNoText) {
  for (const char* broken : {"%", "%4", "%zz", "%ff", "\xff"}) {
    auto headers = attributes();
    headers[4].second = broken;
    EXPECT_EQ(post_events(data, headers).status, 400) << broken;
  }
}

// The decoder would refuse it too, and name a byte of the event that was made of it.
TEST_F(BinaryModeTest, SaysAtWhichByteOfTheBodyDataIsNotUtf8) {
  for (const char* broken : {"{\"sku\":\"\xc1\"}", "{\"\xff__\":1}", "{\"a\":{\"\xed\xa0\x80\":1}}"}) {
    const auto answer = post_events(broken, attributes());
    EXPECT_EQ(answer.status, 400) << broken;
    const std::size_t at = std::string_view(broken).find_first_of("\xc1\xff\xed");
    EXPECT_NE(answer.body.find("the body is not UTF-8 at byte " + std::to_string(at) + ";"),
              std::string::npos)
        << answer.body;
  }
}

TEST_F(BinaryModeTest, RefusesDataThatIsNotJson) {
  auto headers = attributes();
  headers[0].second = "text/plain";
  EXPECT_EQ(post_events(data, headers).status, 415);
}

TEST_F(BinaryModeTest, AnAttributeThatStandsTwiceIsQuarantined) {
  register_all();
  auto headers = attributes();
  headers.emplace_back("ce-id", "other");
  const auto answer = post_events(data, headers);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Json::parse(answer.body)["quarantined"], 1) << answer.body;
}

}  // namespace
}  // namespace voucherd::api
