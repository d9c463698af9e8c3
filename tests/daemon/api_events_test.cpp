// GET /v1/events: one event with what corrects and carries it, and the events behind a figure.
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

class FindEventTest : public ApiTest {
 protected:
  FindEventTest() { register_all(); }
  Json find(const std::string& id, const std::string& source = "/s") {
    return get_json("/v1/events?source=" + source + "&id=" + id);
  }
  static Json statement(const std::string& period) { return period + "/" + firm_of_tests; }
};

TEST_F(FindEventTest, ShowsTheEventAsItWasAccepted) {
  auto event = usage("1", "2026-03-01T08:00:00+08:00", "2.5", "agents");
  event["data"]["start"] = "2026-03-01T07:00:00+08:00";
  event["data"]["end"] = "2026-03-01T08:00:00+08:00";
  event["data"]["node"] = "gpu-017";
  event["data"]["job"] = "81723";
  accept(event);
  const auto found = find("1");
  EXPECT_EQ(found["event"], event);
  EXPECT_EQ(found["position"], engine_->position());
  EXPECT_EQ(found["index"], 0);
  EXPECT_EQ(found["received_at"], "2026-06-15T12:00:00+08:00");
  EXPECT_EQ(found["submitted_by"], (Json{{"kind", "local"}, {"id", "127.0.0.1"}}));
  EXPECT_EQ(found["corrections"], Json::array());
}

TEST_F(FindEventTest, AnswersNotFound) {
  accept(usage("1", "2026-03-01T08:00:00+08:00", "1"));
  EXPECT_EQ(get("/v1/events?source=/s&id=2").status, 404);
  EXPECT_EQ(get("/v1/events?source=/t&id=1").status, 404);
}

TEST_F(FindEventTest, NeedsBothHalvesOfTheIdentity) {
  EXPECT_EQ(get("/v1/events?source=/s").status, 422);
  EXPECT_EQ(get("/v1/events?id=1").status, 422);
  EXPECT_EQ(get("/v1/events?source=/s&id=1&subject=x").status, 422);
}

TEST_F(FindEventTest, NamesItsCorrectionsAndTheOneThatCounts) {
  accept(usage("1", "2026-03-01T08:00:00+08:00", "5"));
  accept(correction("late", "1", "2026-03-03T00:00:00+08:00", "2"));
  accept(correction("early", "1", "2026-03-02T00:00:00+08:00", "3"));
  const auto found = find("1");
  ASSERT_EQ(found["corrections"].size(), 2u);
  EXPECT_EQ(found["corrections"][0]["event"]["id"], "late");
  EXPECT_EQ(found["corrections"][0]["event"]["data"]["quantity"], "2");
  EXPECT_EQ(found["corrections"][0]["counts"], true);
  EXPECT_EQ(found["corrections"][1]["event"]["id"], "early");
  EXPECT_EQ(found["corrections"][1]["counts"], false);
  EXPECT_EQ(find("late", "/c")["event"]["data"]["corrects"], (Json{{"source", "/s"}, {"id", "1"}}));
}

TEST_F(FindEventTest, IsOnTheStatementOfEachMonthThatItTouches) {
  auto event = usage("1", "2026-05-01T00:00:00+08:00", "8");
  event["data"]["start"] = "2026-03-31T20:00:00+08:00";
  event["data"]["end"] = "2026-04-01T04:00:00+08:00";
  accept(event);
  EXPECT_EQ(find("1")["statements"], Json::array({statement("2026-03"), statement("2026-04")}));
}

TEST_F(FindEventTest, LateUsageIsOnTheStatementOfTheFirstMonthThatWasOpenToIt) {
  accept(usage("1", "2026-03-10T00:00:00+08:00", "1"));
  close("2026-03");
  accept(usage("2", "2026-03-10T00:00:00+08:00", "1"));
  EXPECT_EQ(find("1")["statements"], Json::array({statement("2026-03")}));
  EXPECT_EQ(find("2")["statements"], Json::array({statement("2026-04")}));
  close("2026-04");
  EXPECT_EQ(find("2")["statements"], Json::array({statement("2026-04")}));
}

TEST_F(FindEventTest, IsOnEachStatementAsUnpricedUntilOneHasALineOfIt) {
  put("/v1/skus/cpu", {{"name", "c"}, {"unit", "core_hour"}, {"kind", "compute"}, {"tax_rate", "0.06"}});
  auto event = usage("1", "2026-03-10T00:00:00+08:00", "1");
  event["data"]["sku"] = "cpu";
  accept({event, usage("2", "2026-04-10T00:00:00+08:00", "1")});
  const Json reason = {{"reason", "the price comes late"}};
  ASSERT_EQ(ask("POST", "/v1/periods/2026-03/close", reason.dump()).status, 200);
  EXPECT_EQ(find("1")["statements"], Json::array({statement("2026-03"), statement("2026-04")}));
  put("/v1/price-books/late", {{"effective_from", "2026-02-01"},
                               {"tax_inclusive", false},
                               {"prices", {{"gpu.a800", "8.50"}, {"cpu", "0.10"}}},
                               {"reason", "late"}});
  EXPECT_EQ(find("1")["statements"], Json::array({statement("2026-03"), statement("2026-04")}));
  close("2026-04");
  accept(usage("3", "2026-05-10T00:00:00+08:00", "1"));
  EXPECT_EQ(find("1")["statements"], Json::array({statement("2026-03"), statement("2026-04")}));
}

TEST_F(FindEventTest, AMonthThatWasClosedAlongDoesNotHideTheStatement) {
  accept(usage("1", "2026-03-10T00:00:00+08:00", "1"));
  close("2026-03");
  accept(usage("2", "2026-05-10T00:00:00+08:00", "1"));
  close("2026-05");  // and April with it
  EXPECT_EQ(find("2")["statements"], Json::array({statement("2026-05")}));
}

TEST_F(FindEventTest, ACorrectionIsOnTheStatementOfItsDifference) {
  accept(usage("1", "2026-03-10T00:00:00+08:00", "2"));
  close("2026-03");
  accept(correction("c", "1", "2026-04-02T00:00:00+08:00", "0"));
  EXPECT_EQ(find("c", "/c")["statements"], Json::array({statement("2026-04")}));
}

TEST_F(FindEventTest, UsageThatWasVoidedBeforeItWasBilledIsOnNoStatement) {
  accept(usage("1", "2026-03-10T00:00:00+08:00", "2"));
  accept(correction("c", "1", "2026-04-02T00:00:00+08:00", "0"));
  EXPECT_EQ(find("1")["statements"], Json::array());
}

class ListEventsTest : public FindEventTest {
 protected:
  std::string of_firm(const std::string& more = "") {
    return std::string("/v1/events?subject=") + firm_of_tests + more;
  }
  std::vector<std::string> ids(const std::string& more) {
    std::vector<std::string> found;
    const Json page = get_json(of_firm(more));
    for (const auto& item : page["items"]) found.push_back(item["event"]["id"].get<std::string>());
    return found;
  }
  using Ids = std::vector<std::string>;
};

TEST_F(ListEventsTest, FiltersByFirmDaysAndSku) {
  put("/v1/skus/cpu", {{"name", "c"}, {"unit", "core_hour"}, {"kind", "compute"}, {"tax_rate", "0.06"}});
  auto other = usage("cpu", "2026-03-02T12:00:00+08:00", "1");
  other["data"]["sku"] = "cpu";
  accept({usage("first", "2026-03-01T00:00:00+08:00", "1"), usage("last", "2026-03-02T23:59:59+08:00", "1"),
          other, usage("after", "2026-03-03T00:00:00+08:00", "1")});
  EXPECT_EQ(ids(""), (Ids{"first", "last", "cpu", "after"}));
  EXPECT_EQ(ids("&from=2026-03-02&until=2026-03-03"), (Ids{"last", "cpu"}));
  EXPECT_EQ(ids("&from=2026-03-02&sku=gpu.a800"), (Ids{"last", "after"}));
  EXPECT_EQ(ids("&until=2026-03-02"), (Ids{"first"}));
  EXPECT_EQ(get_json("/v1/events?subject=nobody"), (Json{{"items", Json::array()}}));
}

TEST_F(ListEventsTest, AnIntervalStandsOnTheDaysThatItTouches) {
  auto event = usage("night", "2026-03-05T00:00:00+08:00", "2");
  event["data"]["start"] = "2026-03-01T23:00:00+08:00";
  event["data"]["end"] = "2026-03-03T00:00:00+08:00";
  accept(event);
  EXPECT_EQ(ids("&until=2026-03-01"), Ids{});
  EXPECT_EQ(ids("&until=2026-03-02"), Ids{"night"});
  EXPECT_EQ(ids("&from=2026-03-02"), Ids{"night"});
  EXPECT_EQ(ids("&from=2026-03-03"), Ids{});  // it ends as that day begins
}

TEST_F(ListEventsTest, ACorrectionStandsOnTheDaysOfWhatItCorrects) {
  accept(usage("1", "2026-03-01T12:00:00+08:00", "2"));
  accept(correction("c", "1", "2026-04-02T00:00:00+08:00", "0"));
  EXPECT_EQ(ids("&until=2026-03-02&sku=gpu.a800"), (Ids{"1", "c"}));
  EXPECT_EQ(ids("&from=2026-04-02"), Ids{});
}

TEST_F(ListEventsTest, FindsUsageThatWasTakenInBeforeItEnded) {
  accept(usage("ahead", "2026-06-15T12:05:00+08:00", "1"));
  clock_.set(parse_instant("2026-06-16T12:00:00+08:00").value());
  accept(usage("next day", "2026-06-16T00:00:00+08:00", "1"));
  EXPECT_EQ(ids("&from=2026-06-15"), (Ids{"ahead", "next day"}));
  EXPECT_EQ(ids("&from=2026-06-16"), Ids{"next day"});
}

TEST_F(ListEventsTest, LetsOthersInBetweenTwoRecords) {
  for (const char* id : {"1", "2", "3"}) accept(usage(id, "2026-03-01T00:00:00Z", "1"));
  const auto listing = start("GET", of_firm());
  EXPECT_FALSE(listing->has_value());
  EXPECT_EQ(get("/v1/sources").status, 200);
  EXPECT_FALSE(listing->has_value());
  EXPECT_EQ(Json::parse(wait(listing).body)["items"].size(), 3u);
}

TEST_F(ListEventsTest, LetsOthersInBetweenTwoPartsOfOneRecord) {
  constexpr std::size_t events = 1'000;
  Json batch = Json::array();
  for (std::size_t i = 0; i < events; ++i)
    batch.push_back(usage(std::to_string(i), "2026-03-01T00:00:00Z", "1"));
  accept(batch);
  for (const char* how : {"&limit=1000", "&format=csv&limit=1000", "&format=ndjson"}) {
    const auto listing = start("GET", of_firm(how));
    int others = 0;
    while (!listing->has_value()) {
      loop_.post([&] { ++others; });
      loop_.run_one();
    }
    EXPECT_GE(others, 4) << how;
    const std::string body = wait(listing).body;
    std::size_t seen = 0;
    for (std::size_t at = 0; (at = body.find("gpu.a800", at)) != std::string::npos; ++at) ++seen;
    EXPECT_EQ(seen, events) << how;
  }
}

TEST_F(ListEventsTest, PagesThroughAllEventsOnce) {
  accept({usage("1", "2026-03-01T00:00:00Z", "1"), usage("2", "2026-03-01T00:00:00Z", "1"),
          usage("3", "2026-03-01T00:00:00Z", "1")});
  accept({usage("4", "2026-03-01T00:00:00Z", "1"), usage("5", "2026-03-01T00:00:00Z", "1")});
  for (const std::size_t limit : {1u, 2u, 3u, 5u, 10u}) {
    Ids all;
    std::string after = "&after=";  // empty: from the start, as in any list
    for (;;) {
      const auto page = get_json(of_firm("&limit=" + std::to_string(limit) + after));
      EXPECT_LE(page["items"].size(), limit);
      for (const auto& item : page["items"]) all.push_back(item["event"]["id"].get<std::string>());
      if (!page.contains("next")) break;
      after = "&after=" + page["next"].get<std::string>();
    }
    EXPECT_EQ(all, (Ids{"1", "2", "3", "4", "5"})) << limit;
  }
}

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(ListEventsTest, StreamsToTheEndWhereNoLimitAsksForPages) {
  constexpr std::size_t batches = 4, batch = 1000;
  for (std::size_t i = 0; i < batches; ++i) {
    Json events = Json::array();
    for (std::size_t at = 0; at < batch; ++at) {
      events.push_back(usage(std::to_string(i * batch + at), "2026-03-01T00:00:00Z", "1"));
    }
    accept(events);
  }
  for (const char* format : {"application/x-ndjson", "text/csv"}) {
    const auto listing = start("GET", of_firm(), "", {{"accept", format}});
    loop_.run_until([&] { return listing->has_value(); });
    ASSERT_TRUE((*listing)->next_piece);  // more than one piece
    EXPECT_LT((*listing)->body.size(), 300u << 10);
    accept(usage(std::string("meanwhile ") + format, "2026-03-01T00:00:00Z", "1"));
    const std::string body = wait(listing).body;
    EXPECT_EQ(body.find("meanwhile " + std::string(format)), std::string::npos);
    const bool csv = std::string_view(format) == "text/csv";
    const std::size_t seen_before = csv ? 1 : 0;  // of the format before
    EXPECT_EQ(count_lines(body), batches * batch + seen_before + (csv ? 1 : 0)) << format;
    for (std::size_t i = 0; i < batches * batch; i += 777) {
      EXPECT_NE(body.find((csv ? "," : "\"id\":\"") + std::to_string(i) + (csv ? "," : "\"")),
                std::string::npos)
          << i;
    }
  }
}

TEST_F(ListEventsTest, AnEventThatFillsAPieceAndEndsItsRecordStandsThereOnce) {
  constexpr std::size_t events = 1500;  // a record each, and more than one piece together
  for (std::size_t i = 0; i < events; ++i) accept(usage(std::to_string(i), "2026-03-01T00:00:00Z", "1"));
  const auto listing = start("GET", of_firm(), "", {{"accept", "application/x-ndjson"}});
  loop_.run_until([&] { return listing->has_value(); });
  ASSERT_TRUE((*listing)->next_piece);
  EXPECT_EQ(count_lines(wait(listing).body), events);
}

TEST_F(ListEventsTest, TakesTheTypeThatIsLikedBest) {
  accept(usage("1", "2026-03-01T00:00:00Z", "1"));
  const auto type_for = [&](const char* accept) { return get(of_firm(), {{"accept", accept}}).content_type; };
  EXPECT_EQ(type_for("text/csv;q=0, application/json"), "application/json");
  EXPECT_EQ(type_for("application/json;q=0.1, text/csv"), "text/csv; charset=utf-8");
  EXPECT_EQ(type_for("text/*"), "text/csv; charset=utf-8");
  EXPECT_EQ(type_for("*/*"), "application/json");
  EXPECT_EQ(type_for("application/x-ndjson; q=0.5, */*; q=0.4"), "application/x-ndjson");
}

TEST_F(ListEventsTest, ComesAsLinesOfJson) {
  accept({usage("1", "2026-03-01T00:00:00Z", "1"), usage("2", "2026-03-01T00:00:00Z", "1")});
  const auto answer = get(of_firm("&limit=1"), {{"accept", "application/x-ndjson"}});
  EXPECT_EQ(answer.content_type, "application/x-ndjson");
  EXPECT_EQ(answer.body.find('\n'), answer.body.size() - 1);
  EXPECT_EQ(Json::parse(answer.body)["event"]["id"], "1");
  const Headers expected = {
      {"Vary", "Accept"},
      {"Link", "<" + of_firm("&limit=1&after=") + std::to_string(engine_->position()) + ".0>; rel=\"next\""}};
  EXPECT_EQ(answer.headers, expected);
  EXPECT_EQ(get(of_firm("&format=ndjson"), {{"accept", "text/csv"}}).content_type, "application/x-ndjson");
  EXPECT_EQ(get(of_firm("&format=json"), {{"accept", "text/csv"}}).content_type, "application/json");
}

TEST_F(ListEventsTest, ComesAsCsv) {
  accept(usage("=a,\"b\"", "2026-03-01T08:00:00+08:00", "1.50", "p"));
  const auto answer = get(of_firm(), {{"accept", "text/csv"}});
  EXPECT_EQ(answer.content_type, "text/csv; charset=utf-8");
  EXPECT_EQ(answer.body,
            "position,index,received_at,type,source,id,subject,time,sku,quantity,start,end,project,node,job,"
            "corrects_source,corrects_id,reason\r\n" +
                std::to_string(engine_->position()) +
                ",0,2026-06-15T12:00:00+08:00,compute.usage.v1,/s,\"'=a,\"\"b\"\"\"," + firm_of_tests +
                ",2026-03-01T08:00:00+08:00,gpu.a800,1.5,,,p,,,,,\r\n");
}

TEST_F(ListEventsTest, RefusesQueriesThatItCanNotRead) {
  for (const char* wrong : {"&from=yesterday", "&until=2026-13-01", "&limit=0", "&limit=10001", "&limit=x",
                            "&after=1", "&after=x.y", "&firm=x", "&format=pdf"}) {
    EXPECT_EQ(get(of_firm(wrong)).status, 422) << wrong;
  }
  EXPECT_EQ(get("/v1/events").status, 422);
  const auto both = get("/v1/events?from=x&until=y");
  EXPECT_EQ(Json::parse(both.body)["errors"].size(), 3u) << both.body;
}

}  // namespace
}  // namespace voucherd::api
