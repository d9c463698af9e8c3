// The server's promises to well-behaved clients: order, keep-alive, bodies, stopping.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "tests/daemon/http_fixture.h"

namespace voucherd::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(HttpServerTest, AnswersARequestAndKeepsTheConnection) {
  start_echo();
  auto c = client();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(c.send(post("/v1/events", "abc")));
    const auto answer = c.read();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST /v1/events abc");
    EXPECT_EQ(answer.header("Content-Type"), "text/plain");
    EXPECT_EQ(answer.header("Connection"), "");
    EXPECT_THAT(answer.header("Date"), HasSubstr(" GMT"));
  }
}

/// Answers with three pieces, each asked for when the one before is written.
void answer_in_pieces(const Reply& reply) {
  auto left = std::make_shared<int>(2);
  Response response;
  response.content_type = "text/plain";
  response.body = "first,";
  response.next_piece = [left](const DeliverPiece& deliver) {
    deliver(*left == 0 ? "" : std::string(20, static_cast<char>('0' + *left)));
    --*left;
  };
  reply(std::move(response));
}

TEST_F(HttpServerTest, SendsABodyInPiecesAndTheNextAnswerBehindIt) {
  start([](Request&& request, const Reply& reply) {
    if (request.path == "/pieces") return answer_in_pieces(reply);
    reply({200, "text/plain", request.path, {}});
  });
  auto c = client();
  c.send(get("/pieces") + get("/after") + get("/pieces", "Connection: close\r\n"));
  const std::string pieces =
      "6\r\nfirst,\r\n14\r\n" + std::string(20, '2') + "\r\n14\r\n" + std::string(20, '1') + "\r\n0\r\n\r\n";
  const std::string all = c.read_all();
  const std::size_t first = all.find("\r\n\r\n");
  EXPECT_THAT(all.substr(0, first), HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_EQ(all.substr(first + 4, pieces.size()), pieces);
  EXPECT_THAT(all.substr(first + 4 + pieces.size()), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(all, HasSubstr("/after"));
  EXPECT_EQ(all.substr(all.size() - pieces.size()), pieces);
}

TEST_F(HttpServerTest, SendsPiecesToHttp10UntilTheConnectionsEndAndNoneForHead) {
  start([](const Request&, const Reply& reply) { answer_in_pieces(reply); });
  auto old = client();
  old.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string all = old.read_all();
  EXPECT_THAT(all, HasSubstr("Connection: close"));
  EXPECT_THAT(all, testing::EndsWith("\r\n\r\nfirst," + std::string(20, '2') + std::string(20, '1')));
  auto head = client();
  head.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(head.read(true).status, 200);
  head.send("HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(head.read(true).status, 200);
}

TEST_F(HttpServerTest, StopsAskingForPiecesWhenTheClientIsGone) {
  std::promise<void> dropped;
  start([&](const Request&, const Reply& reply) {
    Response response;
    response.body = "first";
    const auto alive = std::shared_ptr<int>(new int, [&](const int* told) {
      delete told;
      dropped.set_value();
    });
    response.next_piece = [alive](const DeliverPiece& deliver) { deliver(std::string(100'000, 'x')); };
    reply(std::move(response));
  });
  auto c = client();
  c.send(get("/endless"));
  EXPECT_EQ(c.read(true).status, 200);
  c.close();
  dropped.get_future().wait();  // the test's own time limit ends it
}

TEST_F(HttpServerTest, ClosesAfterTheAnswerWhereTheClientSaysClose) {
  start_echo();
  auto c = client();
  c.send(get("/a", "Connection: close\r\n"));
  EXPECT_EQ(c.read().header("Connection"), "close");
  EXPECT_TRUE(c.ended());
}

TEST_F(HttpServerTest, ClosesHttp10UnlessKeepAliveIsAsked) {
  start_echo();
  auto once = client();
  once.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(once.read().body, "GET /a ");
  EXPECT_TRUE(once.ended());
  auto kept = client();
  kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.read().header("Connection"), "keep-alive");
  kept.send("GET /b HTTP/1.0\r\n\r\n");
  EXPECT_EQ(kept.read().body, "GET /b ");
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInTheirOrderWhateverOrderHandlersFinishIn) {
  std::vector<std::pair<std::string, Reply>> waiting;
  std::promise<void> all_there;
  start([&](Request&& request, Reply reply) {
    waiting.emplace_back(request.path, std::move(reply));
    if (waiting.size() == 5) all_there.set_value();
  });
  auto c = client();
  std::string requests;
  for (int i = 0; i < 5; ++i) requests += post("/" + std::to_string(i), std::string(100, 'x'));
  c.send(requests);
  all_there.get_future().wait();
  on_server([&] {
    for (auto it = waiting.rbegin(); it != waiting.rend(); ++it)
      it->second({.body = it->first, .headers = {}});
  });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(c.read().body, "/" + std::to_string(i));
}

TEST_F(HttpServerTest, HandlesAtMostTheDepthOfOneConnectionAtOnceAndTheRestLater) {
  std::vector<Reply> waiting;
  std::size_t most = 0, total = 0;
  std::promise<void> full;
  start([&](Request&&, Reply reply) {
    waiting.push_back(std::move(reply));
    most = std::max(most, waiting.size());
    if (++total == static_cast<std::size_t>(pipeline_depth_max)) full.set_value();
    if (total > static_cast<std::size_t>(pipeline_depth_max)) {
      waiting.back()({});
      waiting.pop_back();
    }
  });
  auto c = client();
  constexpr int requests = 3 * pipeline_depth_max;
  std::string bytes;
  for (int i = 0; i < requests; ++i) bytes += get("/");
  c.send(bytes);
  full.get_future().wait();
  on_server([&] {
    EXPECT_EQ(total, static_cast<std::size_t>(pipeline_depth_max));
    for (Reply& reply : waiting) reply({});
    waiting.clear();
  });
  for (int i = 0; i < requests; ++i) ASSERT_EQ(c.read().status, 200) << i;
  EXPECT_EQ(most, static_cast<std::size_t>(pipeline_depth_max));
}

TEST_F(HttpServerTest, ReadsBodiesOfAnySizeHoweverTheyArrive) {
  constexpr std::size_t sizes[] = {0, 1, 15, 16, 32'000, 32'768, 40'000, 300'000, 1u << 20};
  start([](Request&& request, Reply reply) { reply({.body = std::move(request.body), .headers = {}}); });
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto c = client();
  for (const std::size_t size : sizes) {
    std::string body(size, '\0');
    for (char& byte : body) byte = static_cast<char>(random());
    const std::string bytes = post("/", body);
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t piece = std::min<std::size_t>(1 + random() % 100'000, bytes.size() - at);
      ASSERT_TRUE(c.send(std::string_view(bytes).substr(at, piece)));
      at += piece;
    }
    ASSERT_TRUE(c.read().body == body) << size;
  }
}

TEST_F(HttpServerTest, KeepsReadableZerosBehindTheBody) {
  bool padded = true;
  start([&](Request&& request, Reply reply) {
    // The handler takes the body away, as the ingest does.
    const std::string body = std::move(request.body);
    padded = padded && body.capacity() >= body.size() + limits_.body_padding_bytes;
    for (std::size_t i = 0; i < limits_.body_padding_bytes; ++i)
      padded = padded && body.data()[body.size() + i] == 0;
    reply({});
  });
  auto c = client();
  for (const std::size_t size : {0u, 1u, 40u, 100u, 40'000u, 300'000u}) {
    c.send(post("/", std::string(size, 'x')));
    EXPECT_EQ(c.read().status, 200);
  }
  c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(c.read().status, 200);
  EXPECT_TRUE(padded);
}

TEST_F(HttpServerTest, ReadsChunkedBodiesByteByByteAndAtOnce) {
  start_echo();
  const std::string request =
      "POST /c HTTP/1.1\r\nHost: x\r\ntransfer-encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n1;name=value\r\n,\r\n00A\r\n0123456789\r\n0\r\n\r\n";
  auto c = client();
  for (const char byte : request) ASSERT_TRUE(c.send({&byte, 1}));
  EXPECT_EQ(c.read().body, "POST /c hello,0123456789");
  c.send(request + request);
  EXPECT_EQ(c.read().body, "POST /c hello,0123456789");
  EXPECT_EQ(c.read().body, "POST /c hello,0123456789");
  c.send("POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
  c.send("\r");
  c.send("\n");
  EXPECT_EQ(c.read().body, "POST /e ");
}

TEST_F(HttpServerTest, ReadsALargeChunkedBody) {
  start([](Request&& request, Reply reply) { reply({.body = std::move(request.body), .headers = {}}); });
  std::string body, wire = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 10; ++i) {
    const std::string chunk(100'000, static_cast<char>('a' + i));
    body += chunk;
    wire += "186A0\r\n" + chunk + "\r\n";
  }
  auto c = client();
  c.send(wire + "0\r\n\r\n");
  EXPECT_TRUE(c.read().body == body);
}

TEST_F(HttpServerTest, InvitesABodyThatWaitsForContinue) {
  start_echo();
  auto c = client();
  c.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(c.read().status, 100);
  c.send("abc");
  EXPECT_EQ(c.read().body, "POST /a abc");
}

TEST_F(HttpServerTest, InvitesABodyWhenItsTurnComesAndCountsItsTimeFromThen) {
  limits_.body_timeout_ms = 20;
  std::vector<Reply> waiting;
  std::promise<void> there;
  start([&](Request&& request, Reply reply) {
    if (request.path != "/slow") return reply({.body = std::move(request.body), .headers = {}});
    waiting.push_back(std::move(reply));
    there.set_value();
  });
  auto c = client(), other = client();
  c.send(get("/slow") + "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  there.get_future().wait();
  // Longer than a body has: another one's time comes to its end meanwhile, twice.
  for (int i = 0; i < 2; ++i) {
    auto late = client();
    late.send("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(late.read().status, 408);
  }
  EXPECT_EQ(c.readable(), 0u);
  on_server([&] { waiting[0]({.body = "slow", .headers = {}}); });
  EXPECT_EQ(c.read().body, "slow");
  EXPECT_EQ(c.read().status, 100);
  EXPECT_EQ(c.read().status, 408);  // and from then on it counts
}

TEST_F(HttpServerTest, RefusesATooLargeBodyInsteadOfInvitingIt) {
  start_echo();
  auto c = client();
  c.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n");
  const auto answer = c.read();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  EXPECT_TRUE(c.ended());
}

TEST_F(HttpServerTest, LetsTheClientReadThe413ThatItGetsWhileItSends) {
  start_echo();
  auto c = client();
  c.send(post("/a", std::string(3'000'000, 'x')));
  c.end();
  EXPECT_EQ(c.read().status, 413);
}

TEST_F(HttpServerTest, AnswersHeadWithTheLengthAndNoBody) {
  start_echo();
  auto c = client();
  c.send("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n" + get("/next"));
  const auto head = c.read(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), "10");
  EXPECT_EQ(c.read().body, "GET /next ");
}

TEST_F(HttpServerTest, SendsNeitherBodyNorLengthWithNoContent) {
  start([](Request&&, Reply reply) { reply({.status = 204, .body = "lost", .headers = {}}); });
  auto c = client();
  c.send(get("/") + get("/"));
  for (int i = 0; i < 2; ++i) {
    const auto answer = c.read();
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.header("Content-Length"), "");
  }
}

TEST_F(HttpServerTest, GivesHandlersTheDecodedTargetAndLowerCaseHeaders) {
  std::optional<Request> seen;
  start([&](Request&& request, Reply reply) {
    seen = std::move(request);
    reply({.body = {}, .headers = {{"X-One", "1"}}});
  });
  auto c = client();
  c.send(get("/v1/contracts/CQ%2F2026?from=2026-03-01T00%3A00%2b08:00&x=a+b&x", "X-Thing: \t value \r\n"));
  EXPECT_EQ(c.read().header("X-One"), "1");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->path, "/v1/contracts/CQ/2026");
  EXPECT_THAT(seen->segments, testing::ElementsAre("v1", "contracts", "CQ/2026"));
  EXPECT_THAT(seen->query, testing::ElementsAre(testing::Pair("from", "2026-03-01T00:00+08:00"),
                                                testing::Pair("x", "a b"), testing::Pair("x", "")));
  EXPECT_EQ(seen->header("x-thing"), "value");
  EXPECT_EQ(seen->header("absent"), "");
  EXPECT_EQ(*seen->query_value("x"), "a b");
  EXPECT_EQ(seen->query_value("y"), nullptr);
  EXPECT_THAT(seen->peer, StartsWith("127.0.0.1:"));
}

TEST_F(HttpServerTest, AnswersAClientThatClosesItsHalf) {
  std::optional<Reply> waiting;
  std::promise<void> there;
  start([&](Request&&, Reply reply) {
    waiting = std::move(reply);
    there.set_value();
  });
  auto c = client();
  c.send(get("/"));
  c.end();
  there.get_future().wait();
  on_server([&] { (*waiting)({.body = "late", .headers = {}}); });
  EXPECT_EQ(c.read().body, "late");
  EXPECT_TRUE(c.ended());
}

TEST_F(HttpServerTest, IgnoresTheReplyToAConnectionThatIsGone) {
  std::optional<Reply> waiting;
  std::promise<void> there;
  start([&](Request&&, Reply reply) {
    waiting = std::move(reply);
    there.set_value();
  });
  {
    auto c = client();
    c.send(get("/"));
    there.get_future().wait();
  }
  on_server([&] { (*waiting)({}); });
  while (true) {  // ends: each look gives the server's thread a turn
    std::uint64_t open = 0;
    on_server([&] { open = server_->connections(); });
    if (open == 0) break;
  }
}

TEST_F(HttpServerTest, AnswersForAHandlerThatThrows) {
  start([](Request&&, Reply) { throw std::runtime_error("broken"); });
  auto c = client();
  c.send(get("/"));
  EXPECT_EQ(c.read().status, 500);
  c.send(get("/"));
  EXPECT_EQ(c.read().status, 500);
  join();
  ASSERT_EQ(failures_.size(), 2u);
  EXPECT_THAT(failures_[0].detail, HasSubstr("broken"));
}

TEST_F(HttpServerTest, StopsAfterTheAnswersThatItOwes) {
  std::vector<Reply> waiting;
  std::promise<void> there, stopped;
  start([&](Request&&, Reply reply) {
    waiting.push_back(std::move(reply));
    if (waiting.size() == 2) there.set_value();
  });
  auto idle = client();
  auto c = client();
  c.send(get("/1") + get("/2") + "POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  there.get_future().wait();
  on_server([&] { server_->stop(60'000, [&] { stopped.set_value(); }); });
  EXPECT_TRUE(idle.ended());
  EXPECT_THROW(client(), boost::system::system_error);
  on_server([&] {
    waiting[0]({.body = "first", .headers = {}});
    waiting[1]({.body = "second", .headers = {}});
  });
  EXPECT_EQ(c.read().body, "first");
  const auto last = c.read();
  EXPECT_EQ(last.body, "second");
  EXPECT_EQ(last.header("Connection"), "close");
  EXPECT_TRUE(c.ended());
  c.close();
  stopped.get_future().wait();
}

TEST_F(HttpServerTest, CutsWhatIsStillOpenAfterTheTimeoutOfAStop) {
  std::promise<void> there, stopped;
  std::optional<Reply> never;
  start([&](Request&&, Reply reply) {
    never = std::move(reply);
    there.set_value();
  });
  auto c = client();
  c.send(get("/"));
  there.get_future().wait();
  on_server([&] { server_->stop(10, [&] { stopped.set_value(); }); });
  stopped.get_future().wait();
  EXPECT_TRUE(c.ended());
}

TEST_F(HttpServerTest, StopsAtOnceWithoutConnections) {
  std::promise<void> stopped;
  start_echo();
  on_server([&] { server_->stop(60'000, [&] { stopped.set_value(); }); });
  stopped.get_future().wait();
}

TEST_F(HttpServerTest, SaysWhyItCanNotListen) {
  start_echo();
  Server second(
      io_, [](Request&&, Reply) {}, limits_);
  const auto taken = second.listen("127.0.0.1:" + std::to_string(port_));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, "listen_failed");
  EXPECT_THAT(taken.error().detail, HasSubstr("in use"));
  for (const char* wrong :
       {"", "127.0.0.1", "localhost:80", "127.0.0.1:70000", "127.0.0.1:", "::1:80", ":80"}) {
    const auto refused = second.listen(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, "listen_failed");
  }
}

TEST_F(HttpServerTest, DiesRatherThanSendAForgedHeader) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto send_header = [](std::string value) {
    boost::asio::io_context io;
    Server server(io,
                  [&](Request&&, Reply reply) {
                    reply({.body = {}, .headers = {{"Location", value}}});
                  },
                  {.body_bytes_max = 1,
                   .connections_max = 1,
                   .header_timeout_ms = 1000,
                   .body_timeout_ms = 1000,
                   .idle_timeout_ms = 1000});
    server.listen("127.0.0.1:0").value();
    RawClient c(server.port());
    c.send(get("/"));
    io.run_for(std::chrono::seconds(10));
  };
  EXPECT_DEATH(send_header("/a\r\nSet-Cookie: b"), "is_field_value");
}

}  // namespace
}  // namespace voucherd::http
