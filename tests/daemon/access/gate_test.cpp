// Who gets in, how far, and what the journal and the access log say of it.
#include <filesystem>

#include "daemon/api/event_queries.h"
#include "tests/daemon/access/gate_fixture.h"

namespace voucherd::api {
namespace {

std::string header_of(const http::Response& response, const std::string& name) {
  for (const auto& [each, value] : response.headers) {
    if (each == name) return value;
  }
  return "";
}

std::string detail_of(const http::Response& response) { return Json::parse(response.body)["detail"]; }

const Headers json_body = {{"content-type", "application/json"}};
constexpr const char* other_firm = "91500000MA5U00000W";

class GateKeepingTest : public GateTest {};

TEST_F(GateKeepingTest, AsksForATokenWhereNoneIsShown) {
  const auto refused = ask_as("", "GET", "/v1/periods");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(header_of(refused, "WWW-Authenticate"), "Bearer realm=\"voucherd\"");
  EXPECT_EQ(status_as("", "GET", "/nowhere"), 401);
}

TEST_F(GateKeepingTest, SaysWhatIsWrongWithAToken) {
  const std::string mistyped = admin_.substr(0, admin_.size() - 1) + (admin_.back() == '0' ? "1" : "0");
  const auto refused = ask_as(mistyped, "GET", "/v1/tokens");
  EXPECT_EQ(refused.status, 401);
  EXPECT_NE(detail_of(refused).find("mistyped"), std::string::npos);
  EXPECT_EQ(header_of(refused, "WWW-Authenticate"), "Bearer realm=\"voucherd\", error=\"invalid_token\"");
  const auto unknown = ask_as(access::new_token("aaaaaaaaaaaa"), "GET", "/v1/tokens");
  const auto wrong_secret = ask_as(access::new_token(id_of(token("auditor"))), "GET", "/v1/tokens");
  EXPECT_EQ(unknown.body, wrong_secret.body) << "which ids there are is nobody's business";
  const auto two = ask(request_of(admin_, "GET", "/v1/tokens", "", {{"authorization", "Bearer " + admin_}}));
  EXPECT_EQ(two.status, 401);
}

TEST_F(GateKeepingTest, LetsWhoShowsNothingDoEverythingWhereAccessIsNotRequired) {
  access_.required = false;
  EXPECT_EQ(status_as("", "GET", "/v1/periods"), 200);
  EXPECT_EQ(ask(request_of("", "GET", "/v1/periods", "", {{"authorization", "Basic YTpi"}})).status, 200);
  EXPECT_EQ(status_as(token("operator"), "GET", "/v1/firms"), 403) << "a token that is shown counts";
  EXPECT_EQ(status_as(access::new_token("aaaaaaaaaaaa"), "GET", "/v1/periods"), 401);
}

TEST_F(GateKeepingTest, EndsATokenAtItsExpiryAndAtItsRevocation) {
  const std::string short_lived = token("auditor", {{"expires", "2026-06-15T12:00:01+08:00"}});
  EXPECT_EQ(status_as(short_lived, "GET", "/v1/periods"), 200);
  clock_.advance(1'000);
  EXPECT_EQ(detail_of(ask_as(short_lived, "GET", "/v1/periods")),
            "token " + id_of(short_lived) + " has expired; ask an admin for another one");
  const std::string lost = token("auditor");
  EXPECT_EQ(status_as(lost, "GET", "/v1/periods"), 200);
  EXPECT_EQ(status_as(admin_, "POST", "/v1/tokens/" + id_of(lost) + "/revoke", R"({"reason":"lost"})"), 200);
  EXPECT_EQ(detail_of(ask_as(lost, "GET", "/v1/periods")),
            "token " + id_of(lost) + " is revoked; ask an admin for another one");
}

TEST_F(GateKeepingTest, LooksAgainWhenTheBodyIsThere) {
  const std::string finance = token("finance");
  http::Request request = request_of(finance, "PUT", "/v1/settings", R"({"accept_from":"2025-02-01"})");
  ASSERT_FALSE(gate_.admit(request));
  EXPECT_EQ(status_as(admin_, "POST", "/v1/tokens/" + id_of(finance) + "/revoke", "{}"), 200);
  auto answer = std::make_shared<std::optional<http::Response>>();
  gate_.answer(std::move(request), [answer](http::Response response) { *answer = std::move(response); });
  EXPECT_EQ(wait(answer).status, 401);
}

TEST_F(GateKeepingTest, TakesBothSecretsDuringTheOverlapOfARotation) {
  const std::string old_text = token("auditor"), id = id_of(old_text), new_text = access::new_token(id);
  const Json body = {{"sha256", access::sha256_hex(new_text)}, {"old_until", "2026-06-15T13:00:00+08:00"}};
  EXPECT_EQ(status_as(admin_, "POST", "/v1/tokens/" + id + "/rotate", body.dump()), 200);
  EXPECT_EQ(status_as(old_text, "GET", "/v1/periods"), 200);
  EXPECT_EQ(status_as(new_text, "GET", "/v1/periods"), 200);
  clock_.advance(3'600'000);
  EXPECT_EQ(status_as(old_text, "GET", "/v1/periods"), 401);
  EXPECT_EQ(status_as(new_text, "GET", "/v1/periods"), 200);
}

TEST_F(GateKeepingTest, KeepsTokensOverARestart) {
  const std::string auditor = token("auditor");
  restart();
  EXPECT_EQ(engine_->tokens().find(id_of(auditor))->identity->role, access::Role::auditor);
}

TEST_F(GateKeepingTest, ShowsTheFiguresOfOtherFirmsToNoFirm) {
  register_all();
  accept(usage("1", "2026-03-01T09:00:00+08:00", "1"));
  const std::string firm = token("firm", {{"firms", {firm_of_tests}}});
  for (const std::string before :
       {"/v1/statements/2026-03/", "/v1/usage?firm=", "/v1/events?subject=", "/v1/firms/"}) {
    const std::string after = before == "/v1/firms/" ? "/subsidy/2026" : "";
    EXPECT_EQ(status_as(firm, "GET", before + firm_of_tests + after), 200) << before;
    EXPECT_EQ(status_as(firm, "GET", before + other_firm + after), 403) << before;
  }
  for (const std::string& hidden :
       {"/v1/statements/2026-03/" + std::string(other_firm) + "." + firm_of_tests,
        "/v1/statements/2026-03/" + std::string(other_firm) + "%2F" + firm_of_tests, std::string("/v1/usage"),
        std::string("/v1/events?source=%2Fs&id=1"), std::string("/v1/events?id=1&subject=") + firm_of_tests,
        std::string("/v1/usage?firm=") + other_firm + "&firm=" + firm_of_tests,
        std::string("/v1/statements?period=2026-03"), std::string("/v1/statements/2026-03.zip"),
        std::string("/v1/firms/") + firm_of_tests}) {
    EXPECT_EQ(status_as(firm, "GET", hidden), 403) << hidden;
  }
  EXPECT_EQ(status_as(firm, "GET", std::string("/v1/statements/2026-03/") + firm_of_tests + ".csv"), 200);
  EXPECT_EQ(status_as(firm, "GET", std::string("/v1/statements/2026-03/") + firm_of_tests + "/explain"), 200);
  // The first of two is what counts, here as in the answer.
  const auto both =
      ask_as(firm, "GET", std::string("/v1/usage?firm=") + firm_of_tests + "&firm=" + other_firm);
  EXPECT_EQ(both.status, 200);
}

TEST_F(GateKeepingTest, RefusesEventsOfOtherSourcesAndCountsTheGoodOnesOfTheirBatch) {
  register_all();
  const std::string collector = token("ingest", {{"source", "/s"}});
  const auto of = [](Json event, const std::string& source) {
    event["source"] = source;
    return event;
  };
  const std::string time = "2026-03-01T09:00:00+08:00";
  const Json batch = {usage("1", time, "1"), of(usage("2", time, "1"), "/s/node"),
                      of(usage("3", time, "1"), "/spare"), of(correction("4", "1", time, "0"), "/other"),
                      usage("5", time, "-1")};
  for (const char* target : {"/v1/events?dry_run=1", "/v1/events"}) {
    const auto answer = ask_as(collector, "POST", target, batch.dump(), json_body);
    ASSERT_EQ(answer.status, 200) << answer.body;
    const Json reply = Json::parse(answer.body);
    EXPECT_EQ(reply["received"], 5);
    EXPECT_EQ(reply["accepted"], 2);
    EXPECT_EQ(reply["refused"], 2);
    EXPECT_EQ(reply["quarantined"], 1);
    EXPECT_EQ(reply["problems"][0]["index"], 2);
    EXPECT_EQ(reply["problems"][0]["code"], "source_not_allowed");
    EXPECT_FALSE(reply["problems"][0].contains("quarantine"));
    EXPECT_EQ(reply["problems"][1]["index"], 3);
    EXPECT_EQ(reply["problems"][2]["code"], "quantity_not_positive");
  }
  EXPECT_EQ(engine_->usage().quarantine().size(), 1u);
  EXPECT_EQ(engine_->usage().events(), 2u);
  EXPECT_EQ(engine_->ingest_figures().received, 3u);
  EXPECT_EQ(engine_->ingest_figures().refused, 2u);
}

TEST_F(GateKeepingTest, SendsNobodysCorrectionsOfOtherSources) {
  register_all();
  accept(usage("1", "2026-03-01T09:00:00+08:00", "1"));                         // of /s
  const Json void_it = correction("2", "1", "2026-03-02T09:00:00+08:00", "0");  // of /c
  const std::string own_only = token("ingest", {{"source", "/c"}}), both = token("ingest", {{"source", "/"}});
  const auto refused = ask_as(own_only, "POST", "/v1/events", void_it.dump(), json_body);
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("data.corrects.source /s"), std::string::npos);
  EXPECT_EQ(status_as(both, "POST", "/v1/events", void_it.dump(), json_body), 200);
}

TEST_F(GateKeepingTest, DoesNotTellWhetherAnotherSourcesEventIsKnown) {
  register_all();
  const Json event = usage("1", "2026-03-01T09:00:00+08:00", "1");
  const std::string stranger = token("ingest", {{"source", "/x"}});
  const auto before = ask_as(stranger, "POST", "/v1/events", event.dump(), json_body);
  accept(event);
  const auto after = ask_as(stranger, "POST", "/v1/events", event.dump(), json_body);
  EXPECT_EQ(before.status, 403);
  EXPECT_EQ(after.body, before.body);
}

TEST_F(GateKeepingTest, ReleasesNothingThatASourceWasRefusedFor) {
  register_all();
  const std::string stranger = token("ingest", {{"source", "/x"}});
  const Json batch = {usage("1", "2026-03-01T09:00:00+08:00", "1")};
  EXPECT_EQ(status_as(stranger, "POST", "/v1/events", batch.dump(), json_body), 403);
  EXPECT_EQ(status_as(token("operator"), "POST", "/v1/quarantine/release", "{}"), 200);
  EXPECT_EQ(engine_->usage().events(), 0u);
}

TEST_F(GateKeepingTest, PutsWhoDidItIntoTheJournal) {
  const std::string finance = token("finance");
  const std::string body = R"({"accept_from":"2025-02-01"})";
  EXPECT_EQ(status_as(finance, "PUT", "/v1/settings", body), 201);
  const Json history = Json::parse(ask_as(finance, "GET", "/v1/settings/history").body);
  EXPECT_EQ(history["items"][0]["by"], (Json{{"kind", "token"}, {"id", id_of(finance)}}));
  const Json shown = Json::parse(ask_as(admin_, "GET", "/v1/tokens/" + id_of(finance)).body);
  EXPECT_EQ(shown["created_by"], (Json{{"kind", "token"}, {"id", admin_id_}}));
  EXPECT_EQ(shown["history"][0]["action"], "create");
}

TEST_F(GateKeepingTest, NeverShowsAHashOrASecret) {
  const std::string auditor = token("auditor"), hash = access::sha256_hex(auditor);
  for (const std::string& target : {std::string("/v1/tokens"), "/v1/tokens/" + id_of(auditor)}) {
    const auto shown = ask_as(auditor, "GET", target);
    EXPECT_EQ(shown.status, 200);
    EXPECT_EQ(shown.body.find(hash), std::string::npos);
  }
}

TEST_F(GateKeepingTest, RepeatsNoTokenThatStandsInTheWrongPlace) {
  const std::string auditor = token("auditor"), secret = auditor.substr(17, 32);
  for (const std::string& target : {"/v1/" + auditor, "/v1/skus/" + auditor, "/v1/skus?" + auditor + "=1"}) {
    const auto answer = ask_as(auditor, "GET", target);
    EXPECT_GE(answer.status, 400) << target;
    EXPECT_EQ(answer.body.find(secret), std::string::npos) << target;
  }
}

TEST_F(GateKeepingTest, TakesACertificateThatIsBoundToARole) {
  const std::string fingerprint(64, 'a');
  const auto asked = [&](const std::string& method, const std::string& target, const std::string& body = "") {
    http::Request request = request_of("", method, target, body);
    request.tls = true;
    request.client_certificate = fingerprint;
    return ask(std::move(request));
  };
  EXPECT_EQ(asked("GET", "/v1/periods").status, 401);
  access_.required = false;
  EXPECT_EQ(asked("GET", "/v1/periods").status, 200) << "one that is bound to nothing claims nothing";
  access_.required = true;
  const Json bound = {{"role", "finance"}, {"expires", nullptr}, {"certificate_sha256", fingerprint}};
  EXPECT_EQ(status_as(admin_, "PUT", "/v1/tokens/abcdefghijkl", bound.dump()), 201);
  EXPECT_EQ(asked("GET", "/v1/periods").status, 200);
  EXPECT_EQ(asked("GET", "/v1/sources").status, 403);
  EXPECT_EQ(asked("PUT", "/v1/settings", R"({"accept_from":"2025-02-01"})").status, 201);
  EXPECT_EQ(engine_->ledger().history(billing::FactKind::settings, "settings")->back().by,
            (billing::Actor{"certificate", fingerprint}));
}

TEST_F(GateKeepingTest, LogsReadsOfStatementsAndTokensAndEveryRefusal) {
  register_all();
  const std::string auditor = token("auditor"), path = std::string("/v1/statements/2026-03/") + firm_of_tests;
  EXPECT_EQ(status_as(auditor, "GET", path), 404);
  EXPECT_EQ(status_as(auditor, "GET", "/v1/skus"), 200);
  EXPECT_EQ(status_as(auditor, "PUT", "/v1/settings", "{}"), 403);
  EXPECT_EQ(status_as("", "GET", "/v1/periods"), 401);
  EXPECT_EQ(status_as(auditor, "GET", "/v1/tokens?limit=5"), 200);
  const std::string stranger = token("ingest", {{"source", "/x"}});
  EXPECT_EQ(status_as(stranger, "POST", "/v1/events", usage("1", "2026-03-01T09:00:00+08:00", "1").dump(),
                      json_body),
            403);
  std::vector<std::string> seen;
  for (const Json& line : access_lines()) {
    if (line["event"] == "opened" || (line["method"] == "PUT" && line["status"] == 201)) continue;
    seen.push_back(line["method"].get<std::string>() + " " + line["target"].get<std::string>() + " " +
                   line["status"].dump() + " " + line["actor"]["id"].get<std::string>() + " " +
                   line.value("role", "-"));
  }
  const std::string id = id_of(auditor);
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "GET " + path + " 404 " + id + " auditor", "PUT /v1/settings 403 " + id + " auditor",
                      "GET /v1/periods 401 127.0.0.1 -", "GET /v1/tokens?limit=5 200 " + id + " auditor",
                      "POST /v1/events 403 " + id_of(stranger) + " ingest"}));
}

/// An export in many pieces is under way.
class GateStreamTest : public GateTest {
 protected:
  GateStreamTest() {
    register_all();
    Json events = Json::array();
    for (int i = 0; i < 250; ++i) {
      events.push_back(usage(std::to_string(i), "2026-03-01T09:00:00+08:00", "1", std::string(120, 'p')));
    }
    for (int record = 0; record < 12; ++record) {
      for (auto& event : events) event["id"] = event["id"].get<std::string>() + "x";
      accept(events);
    }
  }
  using Piece = std::optional<std::string>;
  /// The answer with its first piece.
  http::Response begin(http::Request request) {
    EXPECT_FALSE(gate_.admit(request));
    auto answer = std::make_shared<std::optional<http::Response>>();
    gate_.answer(std::move(request), [answer](http::Response response) { *answer = std::move(response); });
    loop_.run_until([&] { return answer->has_value(); });
    return **answer;
  }
  http::Request export_of(const std::string& token) {
    return request_of(token, "GET", std::string("/v1/events?format=ndjson&subject=") + firm_of_tests);
  }
  Piece next_of(const http::Response& response) {
    std::optional<Piece> piece;
    response.next_piece([&](Piece given) { piece = std::move(given); });
    loop_.run_until([&] { return piece.has_value(); });
    return *piece;
  }
};

TEST_F(GateStreamTest, EndsAnAnswerInPiecesWhoseTokenIsRevoked) {
  const std::string auditor = token("auditor");
  const auto response = begin(export_of(auditor));
  ASSERT_TRUE(response.next_piece);
  EXPECT_TRUE(next_of(response));
  EXPECT_EQ(status_as(admin_, "POST", "/v1/tokens/" + id_of(auditor) + "/revoke", "{}"), 200);
  EXPECT_FALSE(next_of(response));
  const Json line = access_lines().back();
  EXPECT_EQ(line["event"], "refused");
  EXPECT_EQ(line["fault"],
            "while it was answered: token " + id_of(auditor) + " is revoked; ask an admin for another one");
}

TEST_F(GateStreamTest, EndsAnAnswerInPiecesWhoseTokenOrCertificateExpires) {
  const auto by_token = begin(export_of(token("auditor", {{"expires", "2026-06-15T12:00:01+08:00"}})));
  http::Request request = export_of(token("auditor"));
  request.client_certificate = std::string(64, 'a');
  request.client_certificate_expires = Instant{clock_.now().ms + 1'000};
  const auto by_certificate = begin(std::move(request));
  for (const auto* each : {&by_token, &by_certificate}) EXPECT_TRUE(next_of(*each));
  clock_.advance(1'000);
  for (const auto* each : {&by_token, &by_certificate}) EXPECT_FALSE(next_of(*each));
}

TEST_F(GateStreamTest, GivesATokenSoManyExportsAndAllOfThemSoMany) {
  std::vector<http::Response> under_way;
  const std::string greedy = token("auditor");
  const auto status_of = [&](const std::string& text) {
    http::Response response = begin(export_of(text));
    const int status = response.status;
    if (status == 200) under_way.push_back(std::move(response));
    return status;
  };
  for (int i = 0; i < exports_per_token_max; ++i) EXPECT_EQ(status_of(greedy), 200) << i;
  const auto refused = begin(export_of(greedy));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(header_of(refused, "Retry-After"), "5");
  EXPECT_EQ(status_as(greedy, "GET", std::string("/v1/events?subject=") + firm_of_tests), 200) << "a page";
  while (static_cast<int>(under_way.size()) < exports_max) {
    ASSERT_EQ(status_of(token("auditor")), 200) << under_way.size();
  }
  const std::string late = token("auditor");
  EXPECT_EQ(status_of(late), 503);
  under_way.pop_back();  // its reader has gone
  EXPECT_EQ(status_of(late), 200);
}

TEST_F(GateKeepingTest, AnExpiredCertificateIsNoGoodThoughItsConnectionIsOpen) {
  const std::string fingerprint(64, 'a');
  const Json bound = {{"role", "finance"}, {"expires", nullptr}, {"certificate_sha256", fingerprint}};
  EXPECT_EQ(status_as(admin_, "PUT", "/v1/tokens/abcdefghijkl", bound.dump()), 201);
  const std::string auditor = token("auditor");
  const Instant expires{clock_.now().ms + 1'000};
  const auto asked = [&](const std::string& text) {
    http::Request request = request_of(text, "GET", "/v1/periods");
    request.tls = true;
    request.client_certificate = fingerprint;
    request.client_certificate_expires = expires;
    return ask(std::move(request));
  };
  EXPECT_EQ(asked("").status, 200);
  clock_.advance(1'000);
  const auto refused = asked("");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(detail_of(refused),
            "the certificate of this connection has expired; connect again with one that is valid");
  EXPECT_EQ(asked(auditor).status, 401) << "a new connection would not come to show its token either";
  access_.required = false;
  EXPECT_EQ(asked("").status, 401) << "nor is it as if nothing were shown";
}

TEST_F(GateKeepingTest, BoundsTheAnswersThatWaitForTheirLines) {
  const std::string auditor = token("auditor");
  access_.answers_waiting_bytes = access::access_log_answers_bytes_max;
  const auto refused = ask_as(auditor, "GET", "/v1/tokens");
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(detail_of(refused).find("too many answers wait for it"), std::string::npos);
  EXPECT_EQ(header_of(refused, "Retry-After"), "30");
  access_.answers_waiting_bytes = 0;
  EXPECT_EQ(status_as(auditor, "GET", "/v1/tokens"), 200);
  EXPECT_EQ(access_.answers_waiting_bytes, 0u);
}

TEST_F(GateKeepingTest, RefusesAReadThatTheLogTakesNoLineOf) {
  const std::string auditor = token("auditor");
  EXPECT_EQ(status_as(auditor, "GET", "/v1/tokens"), 200);
  // Tomorrow's file can't be made.
  std::filesystem::create_directory(
      access::access_log_path(directory_.path() + "/log", parse_day("2026-06-16").value()));
  clock_.advance(ms_per_day);
  const auto refused = ask_as(auditor, "GET", "/v1/tokens");
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(detail_of(refused).find("Is a directory"), std::string::npos) << "it says why: " << refused.body;
  EXPECT_EQ(status_as(auditor, "GET", "/v1/periods"), 200) << "what need not be logged goes on";
  std::filesystem::remove(
      access::access_log_path(directory_.path() + "/log", parse_day("2026-06-16").value()));
  EXPECT_EQ(status_as(auditor, "GET", "/v1/tokens"), 200);
}

TEST_F(GateKeepingTest, SlowsATokenDownThatAsksTooOften) {
  const std::string busy = token("auditor"), other = token("auditor");
  access_.rates = http::RateLimits(1, 2, 10);
  EXPECT_EQ(status_as(busy, "GET", "/v1/periods"), 200);
  EXPECT_EQ(status_as(busy, "GET", "/v1/periods"), 200);
  const auto refused = ask_as(busy, "GET", "/v1/periods");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header_of(refused, "Retry-After"), "1");
  EXPECT_EQ(status_as(other, "GET", "/v1/periods"), 200);
}

TEST_F(GateKeepingTest, GivesATokenSoManyConnections) {
  const std::string auditor = token("auditor");
  const auto status_of = [&](const std::string& peer) {
    http::Request request = request_of(auditor, "GET", "/v1/periods");
    request.peer = peer;
    return ask(std::move(request)).status;
  };
  for (const char* peer : {"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3", "10.0.0.1:2"})
    EXPECT_EQ(status_of(peer), 200);
  EXPECT_EQ(status_of("10.0.0.1:4"), 429);
  gate_.closed("10.0.0.1:1");
  EXPECT_EQ(status_of("10.0.0.1:4"), 200);
}

}  // namespace
}  // namespace voucherd::api
