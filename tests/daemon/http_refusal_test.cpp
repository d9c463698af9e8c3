// What the server refuses, as bytes over a real socket: each has a defined answer, the connection is
// closed after it, and the server goes on serving others.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>

#include "tests/daemon/http_fixture.h"

namespace voucherd::http {
namespace {

struct Broken {
  const char* name;
  std::string bytes;
  int status;
};

std::string with_header(std::string_view fields, std::string_view body = "") {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
std::string with_target(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}
std::string chunked(std::string_view chunks) { return with_header("Transfer-Encoding: chunked\r\n", chunks); }

std::vector<Broken> broken_requests() {
  return {
      // The request line
      {"TlsHello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400},
      {"Binary", "\xff\xfe\r\n\r\n", 400},
      {"OneWord", "HELLO\r\n\r\n", 400},
      {"NoVersion", "GET /\r\n\r\n", 400},
      {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"Version12", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
      {"VersionGarbage", "GET / HTTPS/1.1\r\nHost: x\r\n\r\n", 400},
      {"MethodWithColon", "GE:T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"TwoSpaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"BareLineFeeds", "GET / HTTP/1.1\nHost: x\n\n", 400},
      {"LeadingSpace", " GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      // The target
      {"RelativeTarget", with_target("events"), 400},
      {"Authority", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"OtherScheme", with_target("ftp://x/"), 400},
      {"PercentAtTheEnd", with_target("/a%"), 400},
      {"PercentCutOff", with_target("/a%4"), 400},
      {"PercentNoHex", with_target("/a%zz"), 400},
      {"PercentInQuery", with_target("/a?b=%G0"), 400},
      {"NulInPath", with_target("/a%00b"), 400},
      {"LineEndInPath", with_target("/a%0d%0ab"), 400},
      {"NotUtf8InPath", with_target("/%ff"), 400},
      {"OverlongUtf8", with_target("/%c0%af"), 400},
      {"SurrogateInQuery", with_target("/?a=%ed%a0%80"), 400},
      {"Fragment", with_target("/a#b"), 400},
      // Headers
      {"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
      {"TwoHosts", with_header("Host: y\r\n"), 400},
      {"TwoEqualHosts", with_header("host: x\r\n"), 400},
      {"HostList", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"FoldedLine", with_header("A: b\r\n c\r\n"), 400},
      {"FoldedByTab", with_header("A: b\r\n\tc\r\n"), 400},
      {"FirstLineFolded", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      {"SpaceBeforeColon", with_header("A : b\r\n"), 400},
      {"NoColon", with_header("A\r\n"), 400},
      {"EmptyName", with_header(": b\r\n"), 400},
      {"NulInValue", with_header(std::string("A: b\0c\r\n", 8)), 400},
      {"ControlInValue", with_header("A: b\x01\r\n"), 400},
      {"BareReturnInValue", with_header("A: b\rc\r\n"), 400},
      {"BareFeedInValue", with_header("A: b\nc: d\r\n"), 400},
      {"TooManyFields", with_header([] {
         std::string fields;
         for (std::size_t i = 0; i <= header_fields_max; ++i) fields += "a:b\r\n";
         return fields;
       }()),
       431},
      {"HeaderTooLarge", with_header("A: " + std::string(Limits{}.header_bytes_max, 'a') + "\r\n"), 431},
      {"EndlessRequestLine", "GET /" + std::string(Limits{}.header_bytes_max, 'a'), 431},
      {"OtherExpectation", with_header("Expect: 200-ok\r\n"), 417},
      // How long the body is
      {"LengthList", with_header("Content-Length: 5, 5\r\n", "hello"), 400},
      {"TwoEqualLengths", with_header("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {"TwoLengths", with_header("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), 400},
      {"NegativeLength", with_header("Content-Length: -1\r\n"), 400},
      {"SignedLength", with_header("Content-Length: +5\r\n", "hello"), 400},
      {"HexLength", with_header("Content-Length: 0x5\r\n", "hello"), 400},
      {"EmptyLength", with_header("Content-Length: \r\n"), 400},
      {"LengthBeyond64Bits", with_header("Content-Length: 18446744073709551617\r\n"), 400},
      {"LengthTooLarge", with_header("Content-Length: 1048577\r\n"), 413},
      {"LengthOf64Bits", with_header("Content-Length: 18446744073709551615\r\n"), 413},
      {"LengthAndChunked", with_header("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
       400},
      {"ChunkedAndLength", with_header("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
       400},
      {"ChunkedTwice", with_header("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400},
      {"ChunkedInTwoFields", with_header("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       400},
      {"Gzip", with_header("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400},
      {"Identity", with_header("Transfer-Encoding: identity\r\n"), 400},
      {"XChunked", with_header("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
      {"ChunkedWithVerticalTab",
       with_header("Transfer-Encoding: \x0b"
                   "chunked\r\n",
                   "0\r\n\r\n"),
       400},
      {"EmptyEncoding", with_header("Transfer-Encoding:\r\n"), 400},
      {"ChunkedInHttp10", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      // Chunks
      {"ChunkSizeNoHex", chunked("zz\r\n\r\n"), 400},
      {"ChunkSizeEmpty", chunked("\r\nabc\r\n"), 400},
      {"ChunkSizeNegative", chunked("-1\r\nabc\r\n"), 400},
      {"ChunkSizeOverflows", chunked("fffffffffffffffff\r\nabc"), 400},
      {"ChunkSizeTooLarge", chunked("100001\r\nabc"), 413},
      {"ChunksTooLargeTogether", chunked("80000\r\n" + std::string(0x80000, 'x') + "\r\n80001\r\nabc"), 413},
      {"ChunkEndsLate", chunked("3\r\nabcd\r\n0\r\n\r\n"), 400},
      {"ChunkLineWithBareFeed", chunked("3\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkExtensionGarbage", chunked("3;\x01\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkLineEndless", chunked("3;" + std::string(40'000, 'a')), 400},
      {"ManyTinyChunks", chunked([] {
         std::string chunks;
         for (std::size_t i = 0; i < Limits{}.chunk_framing_bytes_max / 5 + 10'000; ++i)
           chunks += "1\r\nx\r\n";
         return chunks;
       }()),
       400},
      {"Trailer", chunked("3\r\nabc\r\n0\r\nAuthorization: root\r\n\r\n"), 400},
      {"HostAsTrailer", chunked("0\r\nHost: y\r\n\r\n"), 400},
  };
}

TEST_F(HttpServerTest, RefusesEachBrokenRequestAndServesTheNextConnection) {
  int handled = 0;
  start([&](Request&&, Reply reply) {
    ++handled;
    reply({.status = 204, .body = {}, .headers = {}});
  });
  int good = 0;
  for (const Broken& broken : broken_requests()) {
    SCOPED_TRACE(broken.name);
    auto c = client();
    c.send(broken.bytes);
    const auto answer = c.read();
    EXPECT_EQ(answer.status, broken.status) << answer.body;
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
    const auto problem = nlohmann::json::parse(answer.body, nullptr, false);
    ASSERT_TRUE(problem.is_object());
    EXPECT_EQ(problem["status"], broken.status);
    EXPECT_EQ(problem["type"], "about:blank");
    EXPECT_FALSE(problem["detail"].get<std::string>().empty());
    EXPECT_FALSE(problem["title"].get<std::string>().empty());
    c.send(get("/smuggled"));
    EXPECT_TRUE(c.ended());
    auto next = client();
    next.send(get("/"));
    EXPECT_EQ(next.read().status, 204);
    ++good;
  }
  join();
  EXPECT_EQ(handled, good);
}

TEST_F(HttpServerTest, RefusesBrokenRequestsThatComeByteByByteAlike) {
  start_echo();
  for (const Broken& broken : broken_requests()) {
    if (broken.bytes.size() > 500) continue;
    SCOPED_TRACE(broken.name);
    auto c = client();
    for (const char byte : broken.bytes) {
      if (!c.send({&byte, 1})) break;
    }
    EXPECT_EQ(c.read().status, broken.status);
  }
}

TEST_F(HttpServerTest, AnswersTheGoodRequestsBeforeABrokenOneAndNoneAfterIt) {
  start_echo();
  auto c = client();
  c.send(get("/1") + get("/2") + "BROKEN\r\n\r\n" + get("/3"));
  EXPECT_EQ(c.read().body, "GET /1 ");
  EXPECT_EQ(c.read().body, "GET /2 ");
  EXPECT_EQ(c.read().status, 400);
  EXPECT_TRUE(c.ended());
}

TEST_F(HttpServerTest, SurvivesRandomDamageToRequests) {
  start_echo();
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string good =
      with_header("Transfer-Encoding: chunked\r\nX: y\r\n", "5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\n\r\n") +
      post("/a%20b?c=d", "0123456789") + get("/", "Connection: close\r\n");
  for (int round = 0; round < 300; ++round) {
    std::string bytes = good;
    for (unsigned damage = 0; damage <= random() % 3; ++damage) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, random() % 8);
          break;
        default:
          bytes.insert(at, 1, static_cast<char>(random()));
          break;
      }
    }
    auto c = client();
    c.send(bytes);
    c.end();
    c.read_all();  // whatever it says, the connection ends
  }
  auto c = client();
  c.send(get("/"));
  EXPECT_EQ(c.read().status, 200);
}

TEST_F(HttpServerTest, PassesOverEmptyLinesBeforeARequest) {
  start_echo();
  auto c = client();
  c.send("\r\n\r\n" + get("/a") + "\r\n" + get("/b"));
  EXPECT_EQ(c.read().body, "GET /a ");
  EXPECT_EQ(c.read().body, "GET /b ");
}

TEST_F(HttpServerTest, TakesTheLargestHeaderAndBody) {
  start([](Request&& request, Reply reply) {
    reply({.body = std::to_string(request.body.size()), .headers = {}});
  });
  auto c = client();
  std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\nA: ";
  head += std::string(limits_.header_bytes_max - head.size() - 4, 'a') + "\r\n\r\n";
  c.send(head + std::string(1u << 20, 'x'));
  EXPECT_EQ(c.read().body, "1048576");
}

TEST_F(HttpServerTest, TimesOutAnUnfinishedHeaderWith408) {
  limits_.header_timeout_ms = 40;
  start_echo();
  auto c = client();
  c.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(c.read().status, 408);
  EXPECT_TRUE(c.ended());
}

TEST_F(HttpServerTest, TimesOutAnUnfinishedBodyWith408) {
  limits_.body_timeout_ms = 40;
  start_echo();
  for (const char* half : {"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"}) {
    auto c = client();
    c.send("POST / HTTP/1.1\r\nHost: x\r\n" + std::string(half));
    EXPECT_EQ(c.read().status, 408);
    EXPECT_TRUE(c.ended());
  }
}

TEST_F(HttpServerTest, ClosesAnIdleConnectionWithoutAWord) {
  limits_.idle_timeout_ms = 40;
  start_echo();
  auto c = client();
  c.send(get("/"));
  EXPECT_EQ(c.read().status, 200);
  EXPECT_TRUE(c.ended());
}

TEST_F(HttpServerTest, ClosesAConnectionThatNeverSpeaks) {
  limits_.header_timeout_ms = 40;
  start_echo();
  auto c = client();
  EXPECT_TRUE(c.ended());
}

TEST_F(HttpServerTest, DoesNotTimeOutWhileAnAnswerIsOwed) {
  limits_.idle_timeout_ms = limits_.header_timeout_ms = limits_.body_timeout_ms = 8;
  std::optional<Reply> waiting;
  std::promise<void> there;
  start([&](Request&&, Reply reply) {
    waiting = std::move(reply);
    there.set_value();
  });
  auto c = client();
  c.send(get("/"));
  there.get_future().wait();
  // Another connection's whole life of timeouts goes by meanwhile.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client().ended());
  on_server([&] { (*waiting)({.body = "done", .headers = {}}); });
  EXPECT_EQ(c.read().body, "done");
}

TEST_F(HttpServerTest, CutsAClientThatDoesNotReadItsAnswers) {
  limits_.idle_timeout_ms = 40;
  std::promise<void> there;
  start([&](Request&&, Reply reply) {
    reply({.body = std::string(64u << 20, 'x'), .headers = {}});
    there.set_value();
  });
  auto c = client();
  c.send(get("/"));
  there.get_future().wait();
  while (true) {  // ends: each look gives the server's thread a turn
    std::uint64_t open = 0;
    on_server([&] { open = server_->connections(); });
    if (open == 0) break;
  }
}

TEST_F(HttpServerTest, AnswersConnectionsBeyondTheLimitWith503) {
  limits_.connections_max = 2;
  start_echo();
  auto first = client();
  auto second = client();
  for (RawClient* c : {&first, &second}) {
    c->send(get("/"));
    EXPECT_EQ(c->read().status, 200);
  }
  auto third = client();
  third.send(get("/"));
  const auto answer = third.read();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("Retry-After"), "1");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(third.ended());
  first.send(get("/"));
  EXPECT_EQ(first.read().status, 200);
}

TEST_F(HttpServerTest, RefusesABodyForWhichThereIsNoRoomBesideThoseThatAreBeingReceived) {
  limits_.received_bytes_max = 20'000;
  start_echo();
  auto first = client();
  first.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 16384\r\n\r\n");
  ASSERT_EQ(first.read(true).status, 100);  // its room is taken
  auto second = client();
  second.send(post("/", std::string(10'000, 'x')));
  const auto answer = second.read();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("Retry-After"), "1");
  first.send(std::string(16'384, 'y'));
  EXPECT_EQ(first.read().status, 200);
  auto third = client();
  third.send(post("/", std::string(10'000, 'x')));
  EXPECT_EQ(third.read().status, 200);
}

TEST_F(HttpServerTest, ManyBodiesThatAreOnlyAnnouncedLeaveRoomForOthers) {
  limits_.received_bytes_max = 1u << 20;
  start_echo();
  std::vector<std::unique_ptr<RawClient>> stalled;
  for (int i = 0; i < 50; ++i) {
    stalled.push_back(std::make_unique<RawClient>(port_));
    stalled.back()->send(
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");
    ASSERT_EQ(stalled.back()->read(true).status, 100);
  }
  auto good = client();
  good.send(post("/", std::string(100'000, 'x')));
  EXPECT_EQ(good.read().status, 200);
}

TEST_F(HttpServerTest, CutsAConnectionThatIsOwedMoreThanThereIsRoomForUnreadAnswers) {
  limits_.answers_bytes_max = 40'000'000;
  start([](Request&&, Reply reply) {
    Response response;
    response.body = std::string(30'000'000, 'a');  // more than the socket takes
    reply(std::move(response));
  });
  auto unread = client();
  unread.send(get("/"));
  auto cut = client();
  cut.send(get("/"));
  const auto first = unread.read();
  const auto second = cut.read();
  EXPECT_TRUE((first.status == 200) != (second.status == 200)) << first.status << " and " << second.status;
  int status = 0;
  while (status != 200) {  // ends: the room comes back when the server sees that all has been read
    auto later = client();
    later.send(get("/"));
    status = later.read().status;
  }
}

}  // namespace
}  // namespace voucherd::http
