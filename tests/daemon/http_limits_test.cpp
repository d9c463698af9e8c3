// Limits on who sends how much: admission before the body, connections and rates by address, slow bodies and
// slow readers.
#include <gmock/gmock.h>

#include <atomic>

#include "tests/daemon/http_fixture.h"

namespace voucherd::http {
namespace {

using testing::HasSubstr;

class HttpLimitsTest : public HttpServerTest {
 protected:
  /// Admits what does not begin with /no; counts what comes to the handler.
  void start_with_admission() {
    start([this](Request&& request, const Reply& reply) {
      ++handled_;
      reply({200, "text/plain", request.path + " " + request.body, {}});
    });
    on_server([&] {
      server_->admit_by([this](const Request& head) -> std::optional<Response> {
        bodies_seen_ += head.body.size();
        peers_seen_ += head.peer.starts_with("127.0.0.1:") ? 1 : 0;
        if (head.path == "/throws") throw std::runtime_error("asked for");
        if (!head.path.starts_with("/no")) return std::nullopt;
        Response refused;
        refused.status = 401;
        refused.headers.emplace_back("WWW-Authenticate", "Bearer");
        return refused;
      });
    });
  }
  /// Reads so many bytes between two looks at whether the server still has a connection.
  void read_until_cut(auto& client, int bytes) {
    while (true) {
      std::uint64_t open = 0;
      on_server([&] { open = server_->connections(); });
      if (open == 0) break;
      for (int i = 0; i < bytes; ++i) client.read_byte();
    }
  }
  std::atomic<int> handled_{0}, peers_seen_{0};
  std::atomic<std::size_t> bodies_seen_{0};
};

TEST_F(HttpLimitsTest, RefusesByTheHeadBeforeTheBodyComes) {
  start_with_admission();
  auto c = client();
  c.send("POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  const auto answer = c.read();  // and not one byte of the body was sent
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(answer.header("Connection"), "close");
  c.send(get("/smuggled"));
  EXPECT_TRUE(c.ended());
  join();
  EXPECT_EQ(handled_, 0);
  EXPECT_EQ(bodies_seen_, 0u);
  EXPECT_EQ(peers_seen_, 1);
}

TEST_F(HttpLimitsTest, DoesNotInviteABodyThatItRefuses) {
  start_with_admission();
  for (const char* body : {"Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n"}) {
    auto c = client();
    c.send("POST /no HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + std::string(body) + "\r\n");
    EXPECT_EQ(c.read().status, 401);
    EXPECT_TRUE(c.ended());
  }
}

TEST_F(HttpLimitsTest, KeepsTheConnectionWhereARefusedRequestHasNoBody) {
  start_with_admission();
  auto c = client();
  c.send(get("/no") + get("/a") + post("/no", "") + "HEAD /no HTTP/1.1\r\nHost: x\r\n\r\n" + get("/b"));
  EXPECT_EQ(c.read().status, 401);
  EXPECT_EQ(c.read().body, "/a ");
  EXPECT_EQ(c.read().status, 401);
  EXPECT_EQ(c.read(true).status, 401);
  EXPECT_EQ(c.read().body, "/b ");
}

TEST_F(HttpLimitsTest, AnswersForAnAdmissionThatThrows) {
  start_with_admission();
  auto c = client();
  c.send(get("/throws") + get("/a"));
  EXPECT_EQ(c.read().status, 500);
  EXPECT_EQ(c.read().body, "/a ");
  join();
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_THAT(failures_[0].detail, HasSubstr("asked for"));
}

TEST_F(HttpLimitsTest, OneAddressMayHaveSoManyConnectionsAndOthersTheRest) {
  limits_.connections_per_address_max = 2;
  start_echo();
  auto first = client();
  std::optional<RawClient> second(std::in_place, port_);
  for (RawClient* c : {&first, &*second}) {
    c->send(get("/"));
    EXPECT_EQ(c->read().status, 200);
  }
  auto third = client();
  third.send(get("/"));
  const auto answer = third.read();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("Retry-After"), "1");
  EXPECT_THAT(answer.body, HasSubstr("your address has its 2 connections"));
  RawClient other(port_, nullptr, "127.0.0.2");
  other.send(get("/"));
  EXPECT_EQ(other.read().status, 200);
  second.reset();
  int status = 0;
  while (status != 200) {  // ends: the server sees that the second has gone
    auto again = client();
    again.send(get("/"));
    status = again.read().status;
  }
}

TEST_F(HttpLimitsTest, ConnectionsThatAreTurnedAwayTakeNoneFromOthers) {
  limits_.connections_max = 3;
  limits_.connections_per_address_max = 1;
  start_echo();
  auto first = client();
  first.send(get("/"));
  EXPECT_EQ(first.read().status, 200);
  std::vector<std::unique_ptr<RawClient>> turned_away;
  for (int i = 0; i < 5; ++i) {
    turned_away.push_back(std::make_unique<RawClient>(port_));
    EXPECT_EQ(turned_away.back()->read().status, 503);
  }
  for (const char* address : {"127.0.0.2", "127.0.0.3"}) {
    RawClient other(port_, nullptr, address);
    other.send(get("/"));
    EXPECT_EQ(other.read().status, 200) << address;
  }
}

TEST_F(HttpLimitsTest, RequestsOverAnAddressesRateGet429AndTheirTime) {
  limits_.requests_per_second = 1;
  limits_.requests_burst = 3;  // one of them for the connection
  start_echo();
  auto c = client();
  c.send(get("/1") + get("/2") + get("/3") + post("/4", "body"));
  EXPECT_EQ(c.read().status, 200);
  EXPECT_EQ(c.read().status, 200);
  const auto refused = c.read();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("Retry-After"), "1");
  EXPECT_EQ(c.read().status, 429);
  EXPECT_TRUE(c.ended());
  EXPECT_EQ(client().read().status, 429);  // a connection
  RawClient other(port_, nullptr, "127.0.0.2");
  other.send(get("/"));
  EXPECT_EQ(other.read().status, 200);
}

TEST_F(HttpLimitsTest, ABodyThatTricklesIsRefusedThoughItMoves) {
  limits_.transfer_bytes_per_second_min = 1'000'000;
  limits_.transfer_grace_ms = 20;
  start_echo();
  auto c = client();
  c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  // Each byte is progress, and would be for as long as the body's own time lasts.
  while (c.send("x") && c.readable() == 0) {
  }
  const auto answer = c.read();
  EXPECT_EQ(answer.status, 408);
  EXPECT_THAT(answer.body, HasSubstr("fewer than 1000000 bytes a second"));
}

TEST_F(HttpLimitsTest, ABodyThatComesAtOnceIsNoneTheSlower) {
  limits_.transfer_bytes_per_second_min = 1'000;
  limits_.transfer_grace_ms = 10;
  start_echo();
  auto c = client();
  for (int i = 0; i < 20; ++i) {
    c.send(post("/", std::string(100'000, 'x')));
    EXPECT_EQ(c.read().status, 200);
  }
}

TEST_F(HttpLimitsTest, AnAnswerThatIsReadByteByByteIsCut) {
  limits_.transfer_bytes_per_second_min = std::uint64_t{1} << 30;
  limits_.transfer_grace_ms = 20;
  start([](Request&&, const Reply& reply) { reply({200, "text/plain", std::string(64u << 20, 'x'), {}}); });
  auto c = client();
  c.send(get("/"));
  EXPECT_EQ(c.read(true).status, 200);
  read_until_cut(c, 1);  // ends: the answer never would be read so
}

TEST_F(HttpLimitsTest, AnAnswerInPiecesIsHeldToItsRateOverAllOfIt) {
  limits_.transfer_bytes_per_second_min = std::uint64_t{1} << 30;
  limits_.transfer_grace_ms = 1'000;  // each piece is read in less
  start([](Request&&, const Reply& reply) {
    Response response;
    response.body = "first";
    response.next_piece = [](const DeliverPiece& deliver) { deliver(std::string(64u << 10, 'x')); };
    reply(std::move(response));
  });
  auto c = client();
  c.send(get("/endless"));
  EXPECT_EQ(c.read(true).status, 200);
  read_until_cut(c, 1'000);  // ends: all pieces together are read too slowly
}

TEST_F(HttpLimitsTest, WhoWasRefusedHasLessTimeToIdle) {
  limits_.idle_timeout_ms = 3'600'000;
  limits_.refused_idle_timeout_ms = 40;
  start_with_admission();
  auto good = client(), refused = client();
  for (RawClient* c : {&good, &refused}) c->send(get("/a"));
  for (RawClient* c : {&good, &refused}) EXPECT_EQ(c->read().status, 200);
  refused.send(get("/no"));
  EXPECT_EQ(refused.read().status, 401);
  EXPECT_TRUE(refused.ended());
  good.send(get("/no") + get("/a"));
  EXPECT_EQ(good.read().status, 401);
  EXPECT_EQ(good.read().status, 200);
  on_server([&] { EXPECT_EQ(server_->connections(), 1u); });
}

TEST_F(HttpLimitsTest, HandshakesOverAnAddressesRateAreClosedAndCounted) {
  use_tls();
  limits_.handshakes_per_second = 1;
  limits_.handshakes_burst = 3;
  start_echo();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client().connected()) << i;
  EXPECT_FALSE(client().connected());
  RawClient other(port_, client_tls_.get(), "127.0.0.2");
  other.send(get("/"));
  EXPECT_EQ(other.read().status, 200);
  on_server([&] { EXPECT_EQ(server_->figures().handshakes_refused, 1u); });
}

TEST_F(HttpLimitsTest, SizesOfHeadersAndChunkFramingAreAsConfigured) {
  limits_.header_bytes_max = 1'024;
  limits_.chunk_framing_bytes_max = 2'000;
  start_echo();
  auto large = client();
  large.send(get("/", "A: " + std::string(1'000, 'a') + "\r\n"));
  const auto answer = large.read();
  EXPECT_EQ(answer.status, 431);
  EXPECT_THAT(answer.body, HasSubstr("larger than 1024 bytes"));
  std::string chunks;
  for (int i = 0; i < 450; ++i) chunks += "1\r\nx\r\n";
  auto framed = client();
  framed.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
  EXPECT_EQ(framed.read().status, 400);
}

}  // namespace
}  // namespace voucherd::http
