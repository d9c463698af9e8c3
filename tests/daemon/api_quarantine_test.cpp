// /v1/quarantine: listing, trying again singly and by filter, dismissing; who did it is in the journal;
// what stays unresolved holds up the close until it is signed off.
#include "metering/state/quarantine_dismissal.h"
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

class QuarantineApiTest : public ApiTest {
 protected:
  QuarantineApiTest() { register_all(); }

  struct Answer {
    int status;
    Json body;
  };
  Answer post(const std::string& target, const std::string& body = "") {
    const auto answer = ask("POST", target, body);
    return {answer.status, Json::parse(answer.body)};
  }
  Answer release(const std::string& number) { return post("/v1/quarantine/" + number + "/release"); }
  Answer dismiss(const std::string& number, const std::string& reason = "测试数据") {
    return post("/v1/quarantine/" + number + "/dismiss", Json{{"reason", reason}}.dump());
  }
  /// The numbers that a batch's bad events have got.
  std::vector<std::string> send(const Json& events) {
    const auto answer = post_events(events.dump(), {{"content-type", "application/json"}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::vector<std::string> numbers;
    const Json reply = Json::parse(answer.body);
    for (const Json& problem : reply["problems"]) numbers.push_back(problem["quarantine"]);
    return numbers;
  }
  Json listed(const std::string& filter = "") { return get_json("/v1/quarantine" + filter)["items"]; }
  std::string sum() const { return to_string(engine_->usage().totals().sum()); }

  static Json event(const std::string& id, const std::string& quantity) {
    return usage(id, "2026-06-10T09:00:00+08:00", quantity);
  }
  static Json of_late_sku(const std::string& id) {
    Json late = event(id, "2");
    late["data"]["sku"] = "gpu.h20";
    return late;
  }
  void register_late_sku() {
    put("/v1/skus/gpu.h20",
        {{"name", "H20"}, {"unit", "card_hour"}, {"kind", "compute"}, {"tax_rate", "0.06"}});
  }
};

TEST_F(QuarantineApiTest, ReleasesOneEntryOnceItsSkuIsRegistered) {
  const std::string number = send(of_late_sku("1")).at(0);
  const auto early = release(number);
  EXPECT_EQ(early.status, 200);
  EXPECT_EQ(early.body["still_quarantined"], 1);
  EXPECT_EQ(early.body["problems"][0]["quarantine"], number);
  EXPECT_EQ(early.body["problems"][0]["code"], "sku_unknown");
  register_late_sku();
  const auto done = release(number);
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.body["released"], 1);
  EXPECT_EQ(done.body["still_quarantined"], 0);
  EXPECT_EQ(sum(), "2");
  EXPECT_EQ(release(number).status, 404);
  EXPECT_TRUE(listed().empty());
}

TEST_F(QuarantineApiTest, ReleasesByCodeByFirmAndBySku) {
  const std::string other_firm = "91500107MAABCDEF1R";
  Json of_other_firm = event("2", "3");
  of_other_firm["subject"] = other_firm;
  send({of_late_sku("1"), of_other_firm, event("3", "-1")});
  register_late_sku();
  put("/v1/firms/" + other_firm, {{"name", "乙"}});
  const auto by_sku = post("/v1/quarantine/release", R"({"sku":"gpu.h20"})");
  EXPECT_EQ(by_sku.status, 200);
  EXPECT_EQ(by_sku.body["released"], 1);
  EXPECT_EQ(sum(), "2");
  const auto by_firm = post("/v1/quarantine/release", Json{{"subject", other_firm}}.dump());
  EXPECT_EQ(by_firm.body["released"], 1);
  EXPECT_EQ(sum(), "5");
  const auto by_code = post("/v1/quarantine/release", R"({"code":"quantity_not_positive"})");
  EXPECT_EQ(by_code.body["released"], 0);
  EXPECT_EQ(by_code.body["still_quarantined"], 1);
  EXPECT_EQ(post("/v1/quarantine/release", R"({"code":"firm_unknown"})").body["still_quarantined"], 0);
}

TEST_F(QuarantineApiTest, ReleasesEverythingInPagesWhereThereIsMore) {
  for (int batch = 0; batch < 11; ++batch) {
    Json events;
    for (int i = 0; i < (batch == 10 ? 3 : 100); ++i)
      events.push_back(of_late_sku(std::to_string(batch * 100 + i)));
    send(events);
  }
  register_late_sku();
  const auto first = post("/v1/quarantine/release", "{}");
  EXPECT_EQ(first.body["released"], 1'000);
  ASSERT_TRUE(first.body.contains("next"));
  const auto rest = post("/v1/quarantine/release?after=" + first.body["next"].get<std::string>(), "{}");
  EXPECT_EQ(rest.body["released"], 3);
  EXPECT_FALSE(rest.body.contains("next"));
  EXPECT_EQ(sum(), "2006");
}

TEST_F(QuarantineApiTest, TakesTheFilterOfAReleaseFromTheQueryToo) {
  const auto answer = ask("POST", "/v1/quarantine/release?code=sku_unknown&sku=");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Json::parse(answer.body)["released"], 0);
  EXPECT_EQ(ask("POST", "/v1/quarantine/release").status, 400);  // nothing at all is not everything
}

TEST_F(QuarantineApiTest, RefusesWhatItCannotReadAndSaysWhere) {
  const std::string number = send(event("1", "-1")).at(0);
  EXPECT_EQ(post("/v1/quarantine/release", "no json").status, 400);
  const auto unknown = post("/v1/quarantine/release", R"({"firm":"x","code":7})");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_EQ(unknown.body["errors"].size(), 2u);
  EXPECT_EQ(post("/v1/quarantine/release?after=x", "{}").status, 422);
  EXPECT_EQ(release("nonsense").status, 404);
  EXPECT_EQ(dismiss("99.0").status, 404);
  for (const std::string body : {"{}", R"({"reason":""})", R"({"reason":1})", R"({"why":"x"})"}) {
    EXPECT_EQ(post("/v1/quarantine/" + number + "/dismiss", body).status, 422) << body;
  }
  EXPECT_EQ(listed().size(), 1u);
}

TEST_F(QuarantineApiTest, AddsOnlyACountWhereTheSameIsSentAgainAndStillBad) {
  const std::string number = send(event("1", "-1")).at(0);
  EXPECT_EQ(send(event("1", "-1")).at(0), number);
  ASSERT_EQ(listed().size(), 1u);
  EXPECT_EQ(listed()[0]["times_sent"], 2);
  EXPECT_EQ(listed()[0]["submitted_by"], (Json{{"kind", "local"}, {"id", "127.0.0.1"}}));
}

TEST_F(QuarantineApiTest, DismissesForGoodAndHoldsTheSameAnewWhereItComesAgain) {
  const std::string number = send(event("1", "-1")).at(0);
  const auto done = dismiss(number);
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.body["quarantine"], number);
  EXPECT_TRUE(listed().empty());
  EXPECT_EQ(dismiss(number).status, 404);
  EXPECT_NE(send(event("1", "-1")).at(0), number);
  EXPECT_EQ(listed().size(), 1u);
}

TEST_F(QuarantineApiTest, RecordsWhoReleasedAndWhoDismissed) {
  const auto numbers = send({of_late_sku("1"), event("2", "-1")});
  register_late_sku();
  const auto released = release(numbers[0]);
  const auto dismissed = dismiss(numbers[1], "测试");
  const auto record = engine_->journal().read(released.body["position"].get<Position>()).value();
  const auto usage = UsageRecord::decode(record.payload, usage_record_version).value();
  ASSERT_EQ(usage.released.size(), 1u);
  EXPECT_EQ(to_string(usage.released[0].number), numbers[0]);
  EXPECT_EQ(usage.released[0].by_kind, "local");
  EXPECT_EQ(usage.released[0].by_id, "127.0.0.1");
  const auto second = engine_->journal().read(dismissed.body["position"].get<Position>()).value();
  EXPECT_EQ(second.header.type, RecordType::quarantine_dismissed);
  const auto dismissal = QuarantineDismissal::decode(second.payload).value();
  EXPECT_EQ(to_string(dismissal.numbers.at(0)), numbers[1]);
  EXPECT_EQ(dismissal.by_kind, "local");
  EXPECT_EQ(dismissal.by_id, "127.0.0.1");
  EXPECT_EQ(dismissal.reason, "测试");
}

TEST_F(QuarantineApiTest, KeepsWhatWasResolvedResolvedAfterARestart) {
  const auto numbers = send({of_late_sku("1"), event("2", "-1"), event("3", "0")});
  register_late_sku();
  release(numbers[0]);
  dismiss(numbers[1]);
  restart();
  ASSERT_EQ(listed().size(), 1u);
  EXPECT_EQ(listed()[0]["quarantine"], numbers[2]);
  EXPECT_EQ(sum(), "2");
}

TEST_F(QuarantineApiTest, HoldsUpTheCloseUntilEveryEntryIsResolvedOrSignedOff) {
  const auto of_may = [](const std::string& id, const std::string& quantity) {
    return usage(id, "2026-05-10T09:00:00+08:00", quantity);
  };
  const std::string number = send({of_may("1", "-1"), of_may("2", "3")}).at(0);
  const auto refused = post("/v1/periods/2026-05/close", "{}");
  EXPECT_EQ(refused.status, 409);
  EXPECT_NE(refused.body["detail"].get<std::string>().find(number), std::string::npos);
  dismiss(number);
  const std::string other = send(of_may("4", "0")).at(0);
  EXPECT_EQ(post("/v1/periods/2026-05/close", "{}").status, 409);
  EXPECT_EQ(post("/v1/periods/2026-05/close", R"({"reason":"known"})").status, 200);
  EXPECT_EQ(dismiss(other).status, 200);  // what was signed off can still be resolved
}

TEST_F(QuarantineApiTest, ListsACorrectionThatWaitsUntilItsEventReleasesIt) {
  send(correction("c", "1", "2026-06-11T00:00:00+08:00", "0"));
  EXPECT_EQ(listed("?code=correction_target_unknown").size(), 1u);
  accept(event("1", "8"));
  EXPECT_TRUE(listed().empty());
  EXPECT_EQ(sum(), "0");
}

class CorrectionApiTest : public QuarantineApiTest {
 protected:
  /// The net of the only line that the month has.
  std::string net_of_line(const std::string& period) {
    const Json statement = get_json("/v1/statements/" + period + "/" + firm_of_tests);
    EXPECT_EQ(statement["lines"].size(), 1u);
    EXPECT_EQ(statement["lines"][0]["usage_month"], "2026-03");
    EXPECT_EQ(statement["lines"][0]["adjustment"], period != "2026-03");
    return statement["lines"][0]["net"];
  }
  void correct(const std::string& id, const std::string& time, const std::string& quantity) {
    accept(correction(id, "1", time, quantity));
  }
};

TEST_F(CorrectionApiTest, RaisesLowersAndVoidsWhatClosedMonthsHaveBilled) {
  accept(usage("1", "2026-03-10T09:00:00+08:00", "2"));
  EXPECT_EQ(net_of_line("2026-03"), "17.00");
  correct("c1", "2026-03-11T00:00:00+08:00", "3");
  EXPECT_EQ(net_of_line("2026-03"), "25.50");
  close("2026-03");
  correct("c2", "2026-04-11T00:00:00+08:00", "5");
  EXPECT_EQ(net_of_line("2026-04"), "17.00");
  close("2026-04");
  correct("c3", "2026-05-11T00:00:00+08:00", "0");
  EXPECT_EQ(net_of_line("2026-05"), "-42.50");
  close("2026-05");
  // An older correction than the one that counts changes nothing, whenever it comes.
  correct("c0", "2026-02-01T00:00:00+08:00", "9");
  EXPECT_EQ(get("/v1/statements/2026-06/" + std::string(firm_of_tests)).status, 404);
  EXPECT_EQ(net_of_line("2026-03"), "25.50");
}

// The totals of a firm whose only usage is voided are gone; what it was billed is not.
TEST_F(CorrectionApiTest, GivesBackABilledMonthWhoseOnlyUsageIsVoided) {
  accept(usage("1", "2026-03-10T09:00:00+08:00", "2"));
  close("2026-03");
  correct("c", "2026-04-11T00:00:00+08:00", "0");
  for (const bool restarted : {false, true}) {
    if (restarted) restart();
    EXPECT_EQ(get_json("/v1/statements?period=2026-04")["items"].size(), 1u);
    EXPECT_EQ(net_of_line("2026-04"), "-17.00");
  }
  const Json statement = get_json("/v1/statements/2026-04/" + std::string(firm_of_tests));
  EXPECT_EQ(statement["totals"]["subsidy"], "-3.40");
  EXPECT_EQ(statement["lines"][0]["before"]["net"], "17.00");
  EXPECT_EQ(statement["lines"][0]["after"]["net"], "0.00");
  close("2026-04");
  EXPECT_TRUE(get_json("/v1/statements?period=2026-05")["items"].empty());
}

}  // namespace
}  // namespace voucherd::api
