// Figures without a statement: usage by day, SKU and project, the sources, a firm's subsidy of a year.
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

class ApiUsageTest : public ApiTest {
 protected:
  Json usage_by(const std::string& more) {
    return get_json(std::string("/v1/usage?firm=") + firm_of_tests + more)["items"];
  }
  Json subsidy(const std::string& year) {
    return get_json(std::string("/v1/firms/") + firm_of_tests + "/subsidy/" + year);
  }
};

TEST_F(ApiUsageTest, AddsUsageUpByWhatItIsGroupedBy) {
  register_all();
  accept({usage("1", "2026-03-01T01:00:00+08:00", "1", "a"), usage("2", "2026-03-01T02:00:00+08:00", "2"),
          usage("3", "2026-03-02T01:00:00+08:00", "4", "a")});
  const Json by_all = {{{"day", "2026-03-01"},
                        {"sku", "gpu.a800"},
                        {"project", nullptr},
                        {"unit", "card_hour"},
                        {"quantity", "2"}},
                       {{"day", "2026-03-01"},
                        {"sku", "gpu.a800"},
                        {"project", "a"},
                        {"unit", "card_hour"},
                        {"quantity", "1"}},
                       {{"day", "2026-03-02"},
                        {"sku", "gpu.a800"},
                        {"project", "a"},
                        {"unit", "card_hour"},
                        {"quantity", "4"}}};
  EXPECT_EQ(usage_by(""), by_all);
  EXPECT_EQ(usage_by("&group_by=sku")[0]["quantity"], "7");
  EXPECT_EQ(usage_by("&group_by=day&until=2026-03-02").size(), 1u);
  EXPECT_EQ(usage_by("&group_by=project&from=2026-03-02"),
            Json::array({{{"project", "a"}, {"unit", "card_hour"}, {"quantity", "4"}}}));
}

TEST_F(ApiUsageTest, NeverAddsUpDifferentUnits) {
  register_all();
  put("/v1/skus/disk", {{"name", "d"}, {"unit", "gib_month"}, {"kind", "storage"}, {"tax_rate", "0.06"}});
  auto disk = usage("disk", "2026-03-01T00:00:00+08:00", "3");
  disk["data"]["sku"] = "disk";
  accept({usage("1", "2026-03-01T00:00:00+08:00", "1"), disk});
  EXPECT_EQ(usage_by("&group_by=day").size(), 2u);
}

TEST_F(ApiUsageTest, PagesUsage) {
  register_all();
  accept({usage("1", "2026-03-01T01:00:00+08:00", "1"), usage("2", "2026-03-02T02:00:00+08:00", "2")});
  const std::string target = std::string("/v1/usage?group_by=day&limit=1&firm=") + firm_of_tests;
  const auto first = get_json(target);
  EXPECT_EQ(first["items"][0]["day"], "2026-03-01");
  auto after = first["next"].get<std::string>();
  for (std::size_t tab; (tab = after.find('\t')) != std::string::npos;) after.replace(tab, 1, "%09");
  const auto second = get_json(target + "&after=" + after);
  EXPECT_EQ(second["items"][0]["day"], "2026-03-02");
  EXPECT_FALSE(second.contains("next"));
}

TEST_F(ApiUsageTest, RefusesWrongQueries) {
  register_all();
  for (const char* wrong : {"&group_by=week", "&from=x", "&until=2026-02-30", "&sku=gpu.a800", "&limit=0"}) {
    EXPECT_EQ(get(std::string("/v1/usage?firm=") + firm_of_tests + wrong).status, 422) << wrong;
  }
  EXPECT_EQ(get("/v1/usage").status, 422);
  EXPECT_EQ(get("/v1/usage?firm=nobody").status, 404);
}

TEST_F(ApiUsageTest, ShowsTheSourcesAndTheDaysThatAreMissing) {
  register_all();
  EXPECT_EQ(get_json("/v1/sources")["items"], Json::array());
  accept({usage("1", "2026-03-01T01:00:00+08:00", "1"), usage("2", "2026-03-02T02:00:00+08:00", "1"),
          usage("3", "2026-03-05T02:00:00+08:00", "1"), usage("4", "2026-03-07T02:00:00+08:00", "1")});
  accept(correction("c", "1", "2026-04-01T00:00:00+08:00", "0"));
  const Json expected = {{{"source", "/c"},
                          {"events", 1},
                          {"last_usage", nullptr},
                          {"last_arrival", "2026-06-15T12:00:00+08:00"},
                          {"gaps", Json::array()}},
                         {{"source", "/s"},
                          {"events", 4},
                          {"last_usage", "2026-03-07T02:00:00+08:00"},
                          {"last_arrival", "2026-06-15T12:00:00+08:00"},
                          {"gaps",
                           {{{"from", "2026-03-03"}, {"until", "2026-03-05"}},
                            {{"from", "2026-03-06"}, {"until", "2026-03-07"}}}}}};
  EXPECT_EQ(get_json("/v1/sources")["items"], expected);
}

TEST_F(ApiUsageTest, ShowsTheSubsidyMonthByMonth) {
  register_all();
  accept({usage("1", "2026-01-10T00:00:00+08:00", "100"), usage("2", "2026-03-10T00:00:00+08:00", "10")});
  const auto shown = subsidy("2026");
  const Json months = {
      {{"month", "2026-01"}, {"eligible", "850.00"}, {"target", "170.00"}, {"subsidy", "170.00"}},
      {{"month", "2026-02"}, {"eligible", "0.00"}, {"target", "170.00"}, {"subsidy", "0.00"}},
      {{"month", "2026-03"}, {"eligible", "85.00"}, {"target", "187.00"}, {"subsidy", "17.00"}}};
  EXPECT_EQ(shown["months"], months);
  EXPECT_EQ(shown["target"], "187.00");
  EXPECT_EQ(shown["cap"], "1000000.00");
  EXPECT_EQ(shown["remaining"], "999813.00");
  EXPECT_EQ(shown["cap_used_up"], nullptr);
  EXPECT_EQ(shown["cap_projected"], nullptr);
}

TEST_F(ApiUsageTest, ProjectsTheDayOnWhichTheCapIsUsedUp) {
  annual_cap_ = "100";
  register_all();
  // 17.00 in 10 days: of the 83.00 that remain, the last fen goes on the 49th day after (48.82…).
  accept({usage("1", "2026-01-01T00:00:00+08:00", "5"), usage("2", "2026-01-10T00:00:00+08:00", "5")});
  EXPECT_EQ(subsidy("2026")["cap_projected"], "2026-02-28");
}

TEST_F(ApiUsageTest, SaysInWhichMonthTheCapWasUsedUp) {
  annual_cap_ = "100";
  register_all();
  accept({usage("1", "2026-01-01T00:00:00+08:00", "5"), usage("2", "2026-02-10T00:00:00+08:00", "100"),
          usage("3", "2026-03-10T00:00:00+08:00", "1")});
  const auto shown = subsidy("2026");
  EXPECT_EQ(shown["cap_used_up"], "2026-02");
  EXPECT_EQ(shown["cap_projected"], nullptr);
  EXPECT_EQ(shown["remaining"], "0.00");
}

TEST_F(ApiUsageTest, AYearWithoutUsageHasNoMonths) {
  register_all();
  EXPECT_EQ(subsidy("2026")["months"], Json::array());
  EXPECT_EQ(get("/v1/firms/nobody/subsidy/2026").status, 404);
  EXPECT_EQ(get(std::string("/v1/firms/") + firm_of_tests + "/subsidy/26").status, 422);
}

}  // namespace
}  // namespace voucherd::api
