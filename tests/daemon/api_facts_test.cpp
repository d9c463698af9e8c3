// Facts over the API: versions and their tags, dry runs, firms as CSV, and the state of a month.
#include <gmock/gmock.h>

#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class FactsApiTest : public ApiTest {
 protected:
  http::Response import_csv(const std::string& csv, const std::string& query = "") {
    return ask("POST", "/v1/firms/import" + query, csv, {{"content-type", "text/csv; charset=utf-8"}});
  }
  static std::string header(const http::Response& answer, const std::string& name) {
    for (const auto& [key, value] : answer.headers) {
      if (key == name) return value;
    }
    return "";
  }
  static Json contract(const std::string& from) {
    return {{"firm", firm_of_tests}, {"from", from}, {"until", nullptr}, {"discount", "0.50"}};
  }
};

TEST_F(FactsApiTest, EachKindIsPutShownListedAndHasAHistoryWithWhoAndWhen) {
  register_all();
  const Json award = {{"firm", firm_of_tests}, {"year", 2026}, {"kind", "other_policy"}, {"amount", "5"}};
  put("/v1/contracts/c", contract("2026-01-01"));
  put("/v1/external-awards/a", award);
  for (const std::string path : {"skus/gpu.a800", "price-books/2026", "policies/p", "contracts/c",
                                 "external-awards/a", "firms/91500000MA5UG0WY2W"}) {
    const auto one = get("/v1/" + path);
    EXPECT_EQ(one.status, 200) << path;
    EXPECT_THAT(get_json("/v1/" + path.substr(0, path.find('/')))["items"], SizeIs(1)) << path;
    const auto history = get_json("/v1/" + path + "/history")["items"];
    ASSERT_THAT(history, SizeIs(1)) << path;
    EXPECT_EQ(history[0]["by"], (Json{{"kind", "local"}, {"id", "127.0.0.1"}})) << path;
    EXPECT_EQ(history[0]["at"], "2026-06-15T12:00:00+08:00") << path;
    EXPECT_EQ(history[0]["before"], nullptr) << path;
    EXPECT_EQ(history[0]["after"], Json::parse(one.body)) << path;
    EXPECT_EQ(header(one, "ETag"), "\"" + history[0]["position"].dump() + "\"") << path;
  }
}

TEST_F(FactsApiTest, AHistoryComesInPages) {
  Json sku = {{"name", "a"}, {"unit", "core_hour"}, {"kind", "compute"}, {"tax_rate", "0.06"}};
  put("/v1/skus/cpu", sku);
  for (const char* name : {"b", "c"}) {
    sku["name"] = name;
    EXPECT_EQ(ask("PUT", "/v1/skus/cpu", sku.dump()).status, 200);
  }
  std::string names, after;
  Json last;
  for (int pages = 0; pages < 3; ++pages) {
    const auto page = get_json("/v1/skus/cpu/history?limit=1" + after);
    ASSERT_THAT(page["items"], SizeIs(1));
    EXPECT_EQ(page["items"][0]["before"], last) << "what the page before ended with";
    last = page["items"][0]["after"];
    names += last["name"].get<std::string>();
    EXPECT_EQ(page.contains("next"), pages < 2);
    if (pages < 2) after = "&after=" + page["next"].get<std::string>();
  }
  EXPECT_EQ(names, "abc");
  EXPECT_EQ(get("/v1/skus/cpu/history?after=x").status, 422);
  EXPECT_EQ(get("/v1/skus/cpu/history?until=2").status, 422);
}

TEST_F(FactsApiTest, ACloseTakesNoQuerySoThatNothingMistypedCloses) {
  EXPECT_EQ(ask("POST", "/v1/periods/2026-03/close?dry_run=1", "{}").status, 422);
  EXPECT_EQ(get_json("/v1/periods/2026-03")["state"], "open");
}

TEST_F(FactsApiTest, AnOutdatedTagRefusesTheChange) {
  register_all();
  put("/v1/contracts/c", contract("2026-01-01"));
  const std::string tag = header(get("/v1/contracts/c"), "ETag");
  EXPECT_EQ(ask("PUT", "/v1/contracts/c", contract("2026-02-01").dump(), {{"if-match", tag}}).status, 200);
  EXPECT_EQ(ask("PUT", "/v1/contracts/c", contract("2026-03-01").dump(), {{"if-match", tag}}).status, 412);
}

TEST_F(FactsApiTest, ADryRunShowsTheStatementsThatWouldChangeAndKeepsNothing) {
  register_all();
  accept(usage("1", "2026-05-01T12:00:00+08:00", "10"));
  const auto position = engine_->position();
  const auto answer = ask("PUT", "/v1/contracts/c?dry_run=1", contract("2026-05-01").dump());
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json shown = Json::parse(answer.body);
  EXPECT_EQ(shown["created"], true);
  EXPECT_EQ(shown["needs_reason"], false);
  EXPECT_EQ(shown["value"]["discount"], "0.50");
  EXPECT_EQ(shown["statements_changed"], 1);
  EXPECT_EQ(shown["statements"][0],
            Json::parse(R"({"statement":"2026-05/91500000MA5UG0WY2W","period":"2026-05",
    "firm":"91500000MA5UG0WY2W",
    "before":{"net":"85.00","tax":"5.10","gross":"90.10","eligible":"85.00","subsidy":"17.00","payable":"90.10"},
    "after":{"net":"42.50","tax":"2.55","gross":"45.05","eligible":"42.50","subsidy":"8.50","payable":"45.05"}})"));
  EXPECT_EQ(engine_->position(), position);
  EXPECT_EQ(get("/v1/contracts/c").status, 404);
  EXPECT_EQ(ask("PUT", "/v1/contracts/c?dry_run=yes", contract("2026-05-01").dump()).status, 422);
}

TEST_F(FactsApiTest, ADryRunNamesTheClosedStatementsAndAsksForAReason) {
  register_all();
  accept(usage("1", "2026-04-01T12:00:00+08:00", "10"));
  close("2026-04");
  const std::string body = contract("2026-04-01").dump();
  const Json shown = Json::parse(ask("PUT", "/v1/contracts/c?dry_run=1", body).body);
  EXPECT_EQ(shown["needs_reason"], true);
  EXPECT_EQ(shown["closed_statements"], Json({"2026-04/91500000MA5UG0WY2W"}));
  EXPECT_EQ(shown["statements"][0]["before"], nullptr);
  EXPECT_EQ(shown["statements"][0]["after"]["net"], "-42.50");
  EXPECT_EQ(ask("PUT", "/v1/contracts/c", body).status, 422);
  Json with_reason = contract("2026-04-01");
  with_reason["reason"] = "signed late";
  EXPECT_EQ(ask("PUT", "/v1/contracts/c", with_reason.dump()).status, 201);
  EXPECT_EQ(get_json("/v1/contracts/c/history")["items"][0]["reason"], "signed late");
  EXPECT_EQ(get_json("/v1/settings/history"), (Json{{"items", Json::array()}}));
}

TEST_F(FactsApiTest, AForbiddenChangeSaysWhatToDoInstead) {
  register_all();
  accept(usage("1", "2026-04-01T12:00:00+08:00", "10"));
  close("2026-04");
  const Json book = {{"effective_from", "2026-01-01"}, {"prices", {{"gpu.a800", "9"}}}};
  for (const std::string query : {"", "?dry_run=1"}) {
    const auto answer = ask("PUT", "/v1/price-books/2026" + query, book.dump());
    EXPECT_EQ(answer.status, 409);
    EXPECT_THAT(answer.body, HasSubstr("publish a new version"));
    EXPECT_THAT(answer.body, HasSubstr("2026-05-01"));
  }
}

TEST_F(FactsApiTest, FirmsComeAsOneRecordFromCsv) {
  register_all();
  const auto position = engine_->position();
  const std::string csv =
      "uscc,name,category,from\n"
      "914403001922038216,甲,ai_agent,2026-01-01\n"
      "91330106673959654P,乙,ai_agent,2026-01-01\n";
  const Json preview = Json::parse(import_csv(csv, "?dry_run=1").body);
  EXPECT_EQ(preview["created"], 2);
  EXPECT_EQ(engine_->position(), position);
  const auto answer = import_csv(csv);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Json::parse(answer.body),
            (Json{{"rows", 2}, {"firms", 2}, {"created", 2}, {"position", position + 1}}));
  EXPECT_EQ(engine_->position(), position + 1);
  EXPECT_EQ(get_json("/v1/firms/91330106673959654P")["eligibility"][0]["from"], "2026-01-01");
}

TEST_F(FactsApiTest, AWrongCsvIsListedWholeAndNothingIsTakenIn) {
  register_all();
  const auto position = engine_->position();
  const auto answer = import_csv("uscc,name,category,from\n914403001922038216,,ai_agent,2026\nX,乙,,\n");
  EXPECT_EQ(answer.status, 422);
  const Json errors = Json::parse(answer.body)["errors"];
  ASSERT_THAT(errors, SizeIs(3));
  EXPECT_EQ(errors[0]["pointer"], "row 2, column name");
  EXPECT_EQ(errors[1]["pointer"], "row 2, column from");
  EXPECT_EQ(errors[2]["pointer"], "row 3, column uscc");
  EXPECT_EQ(engine_->position(), position);
  EXPECT_EQ(ask("POST", "/v1/firms/import", "uscc,name\n", {{"content-type", "application/json"}}).status,
            415);
}

TEST_F(FactsApiTest, ACsvThatAltersClosedFiguresNeedsAReason) {
  register_all();
  accept(usage("1", "2026-04-01T12:00:00+08:00", "10"));
  close("2026-04");
  const std::string csv =
      std::string("uscc,name,category,from\n") + firm_of_tests + ",n,ai_agent,2026-05-01\n";
  EXPECT_EQ(import_csv(csv).status, 422);
  EXPECT_EQ(import_csv(csv, "?reason=late").status, 200);
}

TEST_F(FactsApiTest, AMonthTellsWhetherItIsReadyAndWhatItsCloseWouldDo) {
  register_all();
  put("/v1/skus/disk", {{"name", "d"}, {"unit", "gib"}, {"kind", "storage"}});
  accept(usage("1", "2026-04-01T12:00:00+08:00", "10"));
  close("2026-04");
  accept(Json::array(
      {usage("2", "2026-04-02T12:00:00+08:00", "1"), usage("3", "2026-05-02T12:00:00+08:00", "2")}));
  Json unpriced = usage("4", "2026-05-02T12:00:00+08:00", "7");
  unpriced["data"]["sku"] = "disk";
  accept(unpriced);
  Json unknown = usage("5", "2026-05-02T12:00:00+08:00", "7");
  unknown["data"]["sku"] = "none";
  post_events(unknown.dump(), {{"content-type", "application/json"}});
  const Json may = get_json("/v1/periods/2026-05");
  EXPECT_EQ(may["state"], "open");
  EXPECT_EQ(may["ended"], true);
  EXPECT_EQ(may["ready"], false);
  EXPECT_THAT(may["reasons"], SizeIs(2));
  EXPECT_EQ(may["quarantine"], 1);
  EXPECT_EQ(may["quarantine_by_code"], (Json{{"sku_unknown", 1}}));
  EXPECT_EQ(may["unpriced"][0],
            Json::parse(R"({"usage_month":"2026-05","sku":"disk","unit":"gib","quantity":"7","firms":1})"));
  EXPECT_EQ(may["late_usage"][0], Json::parse(R"({"usage_month":"2026-04","lines":1,"net":"8.50","tax":"0.51",
    "gross":"9.01","eligible":"8.50"})"));
  EXPECT_EQ(may["net"], "25.50");
  EXPECT_EQ(may["month_before"]["net"], "85.00");
  EXPECT_EQ(may["difference"]["net"], "-59.50");
  EXPECT_EQ(may["difference"]["statements"], 0);
  EXPECT_EQ(may["would_close"][0]["period"], "2026-05");
  EXPECT_EQ(may["would_close"][0]["net"], "25.50");
  const Json june = get_json("/v1/periods/2026-06");
  EXPECT_EQ(june["ended"], false);
  EXPECT_EQ(june["ready"], false);
  EXPECT_THAT(june["reasons"][0].get<std::string>(), HasSubstr("has not ended"));
  EXPECT_EQ(get_json("/v1/periods/2026-04")["state"], "closed");
  const Json periods = get_json("/v1/periods")["items"];
  ASSERT_THAT(periods, SizeIs(2));
  EXPECT_EQ(periods[0]["state"].get<std::string>() + periods[0]["net"].get<std::string>(), "closed85.00");
  EXPECT_EQ(periods[1]["state"].get<std::string>() + periods[1]["net"].get<std::string>(), "open25.50");
}

}  // namespace
}  // namespace voucherd::api
