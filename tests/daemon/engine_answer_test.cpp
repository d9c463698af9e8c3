// What makes an answer may throw: that is the end of the answer, and of nothing else.
#include <stdexcept>

#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

class EngineAnswerTest : public ApiTest {
 protected:
  EngineAnswerTest() {
    engine_->on_answer_failure([this](const Fault& fault) { failures_.push_back(fault.detail); });
  }
  void run_until_failures(std::size_t count) {
    loop_.run_until([&] { return failures_.size() >= count; });
  }
  std::vector<std::string> failures_;
};

TEST_F(EngineAnswerTest, EventsAreKeptThoughNobodyCanBeToldSo) {
  register_all();
  std::string body = usage("1", "2026-03-01T09:00:00+08:00", "1").dump();
  body.reserve(body.size() + wire::body_padding_bytes);
  engine_->ingest(body, wire::BodyFormat::event_or_batch, "", {"token", "a"},
                  [](const auto&) { throw std::runtime_error("asked for"); });
  run_until_failures(1);
  EXPECT_EQ(failures_.at(0), "making an answer threw: asked for");
  EXPECT_EQ(engine_->usage().events(), 1u);
  accept(usage("2", "2026-03-01T09:00:00+08:00", "1"));
}

TEST_F(EngineAnswerTest, ChangesAndLongReadsGoOnBehindOneWhoseAnswerThrows) {
  engine_->close_period(parse_month("2026-03").value(), {"local", "x"}, "",
                        [](const Engine::CloseReply&) { throw std::runtime_error("asked for"); });
  engine_->later([] { throw std::runtime_error("asked for"); });
  run_until_failures(2);
  register_all();
  EXPECT_EQ(get(std::string("/v1/events?subject=") + firm_of_tests).status, 200);
}

}  // namespace
}  // namespace voucherd::api
