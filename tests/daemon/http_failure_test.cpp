// What goes wrong on this side ends the request or the connection that it happened to, and nothing else.
#include <gmock/gmock.h>

#include <limits>
#include <stdexcept>

#include "tests/daemon/http_fixture.h"

namespace voucherd::http {
namespace {

using testing::HasSubstr;

class HttpFailureTest : public HttpServerTest {};

TEST_F(HttpFailureTest, AnswersForAHandlerThatLetsGoOfItsReply) {
  std::vector<Reply> waiting;
  std::promise<void> there;
  start([&](Request&& request, Reply reply) {
    if (request.path == "/dropped") return;
    waiting.push_back(std::move(reply));
    there.set_value();
  });
  auto c = client();
  c.send(get("/dropped"));
  EXPECT_EQ(c.read().status, 500);
  c.send(get("/later"));
  there.get_future().wait();
  on_server([&] { waiting.clear(); });
  EXPECT_EQ(c.read().status, 500);
  join();
  EXPECT_EQ(failures_.size(), 2u);
}

TEST_F(HttpFailureTest, CutsAnAnswerWhoseNextPieceIsRefusedOrLost) {
  start([](Request&& request, const Reply& reply) {
    Response response;
    response.body = "first";
    response.next_piece = [path = request.path](const DeliverPiece& deliver) {
      if (path == "/refused") deliver(std::nullopt);
      if (path == "/throws") throw std::runtime_error("asked for");
    };
    reply(std::move(response));
  });
  for (const char* path : {"/refused", "/lost", "/throws"}) {
    auto c = client();
    c.send(get(path));
    const std::string all = c.read_all();
    EXPECT_THAT(all, HasSubstr("first")) << path;
    EXPECT_THAT(all, testing::Not(HasSubstr("\r\n0\r\n"))) << path << ": nobody may take it for whole";
  }
  join();
  EXPECT_EQ(failures_.size(), 2u);
}

TEST_F(HttpFailureTest, AnExceptionInMakingRoomForABodyEndsNoOtherConnection) {
  limits_.body_bytes_max = std::numeric_limits<std::uint64_t>::max() / 2;
  start_echo();
  auto other = client(), c = client();
  c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775800\r\n\r\n");
  EXPECT_EQ(c.read().status, 500);
  EXPECT_TRUE(c.ended());
  other.send(get("/"));
  EXPECT_EQ(other.read().status, 200);
  on_server([&] { EXPECT_EQ(server_->figures().failures, 1u); });
}

TEST_F(HttpFailureTest, AnExceptionInTakingAConnectionInEndsNoServer) {
  limits_.header_bytes_max = std::numeric_limits<std::size_t>::max() / 2;  // no input has room for two
  start_echo();
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(client().ended());
  on_server([&] {
    EXPECT_EQ(server_->figures().failures, 2u);
    EXPECT_EQ(server_->connections(), 0u);
  });
}

}  // namespace
}  // namespace voucherd::http
