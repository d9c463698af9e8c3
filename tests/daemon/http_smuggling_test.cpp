// The corpus of requests that invite smuggling, as bytes over real sockets, plain and over TLS: what reaches
// the handler is what has to, no byte of one request is read as another's, and the connection is either fit
// for the next request or closed.
#include <gmock/gmock.h>

#include "tests/daemon/http_fixture.h"
#include "tests/daemon/smuggling_corpus.h"

namespace voucherd::http {
namespace {

class HttpSmugglingTest : public HttpServerTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) use_tls();
    start([this](Request&& request, const Reply& reply) {
      handled_.push_back(request.method + " " + request.path + " " + request.body);
      reply({200, "text/plain", handled_.back(), {}});
    });
  }

  /// Sends the case in pieces of so many bytes and checks all that comes of it.
  void check(const RawCase& sent, std::size_t piece_bytes) {
    SCOPED_TRACE(sent.name + " in pieces of " + std::to_string(piece_bytes));
    handled_.clear();
    auto c = client();
    for (std::size_t at = 0; at < sent.bytes.size(); at += piece_bytes) {
      if (!c.send(std::string_view(sent.bytes).substr(at, piece_bytes))) break;
    }
    std::vector<std::string> expected = sent.handled;
    for (const std::string& request : sent.handled) {
      auto answer = c.read();
      // Where the body comes in a piece of its own, it is asked for.
      if (answer.status == 100) answer = c.read();
      ASSERT_EQ(answer.status, 200) << answer.body;
      EXPECT_EQ(answer.body, request);
    }
    if (sent.refused == 0) {
      c.send(get("/after"));
      EXPECT_EQ(c.read().body, "GET /after ");
      expected.emplace_back("GET /after ");
    } else {
      if (sent.refused > 1) {
        const auto answer = c.read();
        EXPECT_EQ(answer.status, sent.refused) << answer.body;
        EXPECT_EQ(answer.header("Connection"), "close");
      }
      c.send(get("/smuggled"));
      EXPECT_TRUE(c.ended());
    }
    on_server([&] { EXPECT_EQ(handled_, expected); });
  }

  std::vector<std::string> handled_;
};

TEST_P(HttpSmugglingTest, EachRequestOfTheCorpusHasItsAnswerAndNoOther) {
  const auto corpus = smuggling_corpus();
  EXPECT_GE(corpus.size(), 60u);
  for (const RawCase& sent : corpus) check(sent, sent.bytes.size());
}

TEST_P(HttpSmugglingTest, HoweverTheBytesAreCutTheAnswersAreTheSame) {
  for (const RawCase& sent : smuggling_corpus()) {
    for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}}) check(sent, piece_bytes);
  }
}

TEST_P(HttpSmugglingTest, ACaseBehindAGoodRequestChangesNothingForThatOne) {
  for (RawCase sent : smuggling_corpus()) {
    sent.bytes.insert(0, post("/first", "1234567890"));
    sent.handled.insert(sent.handled.begin(), "POST /first 1234567890");
    check(sent, sent.bytes.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Over, HttpSmugglingTest, testing::Bool(),
                         [](const auto& over) { return over.param ? "Tls" : "Plain"; });

}  // namespace
}  // namespace voucherd::http
