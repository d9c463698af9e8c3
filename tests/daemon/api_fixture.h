// The API on a real engine in a directory of its own, without sockets: requests go to the router, the
// answers come back when the engine has done what it owes them.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/api/api.h"
#include "daemon/documents.h"
#include "daemon/http/target.h"
#include "tests/support/owner_loop.h"
#include "tests/support/temp_dir.h"

namespace voucherd::api {

using Headers = std::vector<std::pair<std::string, std::string>>;
using Json = nlohmann::json;

inline constexpr std::size_t body_bytes_max_of_tests = 64u << 10;
inline constexpr const char* firm_of_tests = "91500000MA5UG0WY2W";

class ApiTest : public ::testing::Test {
 protected:
  explicit ApiTest(config::Options options = without_pdfs()) : options_(std::move(options)) {
    options_.directory = directory_.path() + "/data";
    open();
  }

  /// Opening a font costs more than most tests.
  static config::Options without_pdfs() {
    config::Options options;
    options.document_font.clear();
    return options;
  }

  void open() {
    engine_ = Engine::open(
                  options_, clock_, [this](std::function<void()> task) { loop_.post(std::move(task)); },
                  [](const Fault& fault) { FAIL() << fault.detail; })
                  .value();
    std::unique_ptr<billing::PdfRenderer> fonts;
    if (!options_.document_font.empty()) {
      fonts = billing::PdfRenderer::open(options_.document_font, options_.latin_font).value();
    }
    documents_.reset(new Documents{
        std::move(fonts), RenderThread([this](std::function<void()> task) { loop_.post(std::move(task)); })});
    router_ = {};
    add_routes(router_, *engine_, *documents_, body_bytes_max_of_tests);
  }
  /// Opens the directory again; the state is that of the checkpoint and of the records behind it.
  void restart() {
    documents_.reset();
    engine_.reset();
    open();
  }

  using Answer = std::shared_ptr<std::optional<http::Response>>;
  /// Asks without waiting: the answer lands in the returned slot (empty until then).
  Answer start(const std::string& method, const std::string& target, std::string body = "",
               Headers headers = {}) {
    http::Request request;
    request.method = method;
    http::parse_target(target, request).value();
    request.headers = std::move(headers);
    request.body = std::move(body);
    request.peer = "127.0.0.1:50000";
    auto answer = std::make_shared<std::optional<http::Response>>();
    const auto match = router_.match(request);
    Router::answer(match, std::move(request),
                   [answer](http::Response response) { *answer = std::move(response); });
    return answer;
  }
  /// With the whole body, where it comes in pieces.
  http::Response wait(const Answer& answer) {
    loop_.run_until([&] { return answer->has_value(); });
    http::Response response = **answer;
    for (bool ended = !response.next_piece; !ended;) {
      std::optional<std::string> piece;
      response.next_piece([&](std::optional<std::string> next) { piece = std::move(next).value(); });
      loop_.run_until([&] { return piece.has_value(); });
      response.body += *piece;
      ended = piece->empty();
    }
    return response;
  }
  http::Response ask(const std::string& method, const std::string& target, std::string body = "",
                     Headers headers = {}) {
    return wait(start(method, target, std::move(body), std::move(headers)));
  }
  http::Response get(const std::string& target, Headers headers = {}) {
    return ask("GET", target, "", std::move(headers));
  }
  Json get_json(const std::string& target) {
    const auto answer = get(target);
    EXPECT_EQ(answer.status, 200) << target << ": " << answer.body;
    return Json::parse(answer.body);
  }
  http::Response post_events(std::string body, Headers headers) {
    return ask("POST", "/v1/events", std::move(body), std::move(headers));
  }
  /// Posts one event, or a batch of them, that is accepted whole.
  void accept(const Json& events) {
    const auto answer = post_events(events.dump(), {{"content-type", "application/json"}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    ASSERT_EQ(Json::parse(answer.body)["accepted"], events.is_array() ? events.size() : 1) << answer.body;
  }
  void put(const std::string& path, const Json& body) {
    const auto answer = ask("PUT", path, body.dump());
    ASSERT_EQ(answer.status, 201) << answer.body;
  }
  void close(const std::string& period) {
    const auto answer = ask("POST", "/v1/periods/" + period + "/close", "{}");
    ASSERT_EQ(answer.status, 200) << answer.body;
  }

  /// One firm that is eligible all year, one SKU at 8.50, and a policy of 20 %.
  void register_all() {
    put("/v1/skus/gpu.a800",
        {{"name", "A800"}, {"unit", "card_hour"}, {"kind", "compute"}, {"tax_rate", "0.06"}});
    put("/v1/price-books/2026",
        {{"effective_from", "2026-01-01"}, {"tax_inclusive", false}, {"prices", {{"gpu.a800", "8.50"}}}});
    put("/v1/policies/p", {{"title", "t"},
                           {"document", "d"},
                           {"from", "2026-01-01"},
                           {"until", nullptr},
                           {"categories", {"ai_agent"}},
                           {"rate", "0.20"},
                           {"annual_cap", annual_cap_},
                           {"tax_basis", "net"},
                           {"subsidised_kinds", {"compute"}},
                           {"settlement", "reimburse"},
                           {"require_payment", false}});
    const std::string evidence(64, 'a');
    put(std::string("/v1/firms/") + firm_of_tests, {{"name", "n"},
                                                    {"district", "d"},
                                                    {"eligibility",
                                                     {{{"category", "ai_agent"},
                                                       {"from", "2026-01-01"},
                                                       {"until", nullptr},
                                                       {"basis", "b"},
                                                       {"evidence_sha256", evidence}}}}});
  }

  static Json usage(const std::string& id, const std::string& time, const std::string& quantity,
                    const std::string& project = "") {
    Json event = {{"specversion", "1.0"},
                  {"type", "compute.usage.v1"},
                  {"source", "/s"},
                  {"id", id},
                  {"subject", firm_of_tests},
                  {"time", time},
                  {"data", {{"sku", "gpu.a800"}, {"quantity", quantity}}}};
    if (!project.empty()) event["data"]["project"] = project;
    return event;
  }
  static Json correction(const std::string& id, const std::string& corrected, const std::string& time,
                         const std::string& quantity) {
    return {{"specversion", "1.0"},
            {"type", "compute.correction.v1"},
            {"source", "/c"},
            {"id", id},
            {"subject", firm_of_tests},
            {"time", time},
            {"data",
             {{"corrects", {{"source", "/s"}, {"id", corrected}}},
              {"quantity", quantity},
              {"reason", "refund"}}}};
  }

  std::string annual_cap_ = "1000000";  // of register_all()
  voucherd::testing::TempDir directory_;
  config::Options options_;
  ManualClock clock_{parse_instant("2026-06-15T12:00:00+08:00").value()};
  voucherd::testing::OwnerLoop loop_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Documents> documents_;
  Router router_;
};

}  // namespace voucherd::api
