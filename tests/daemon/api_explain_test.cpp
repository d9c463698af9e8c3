// Explanations over the API: what explains a closed statement is what was known at its close.
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

class ExplainApiTest : public ApiTest {
 protected:
  void SetUp() override {
    register_all();
    Json policy = Json::parse(get("/v1/policies/p").body);
    policy["until"] = "2026-02-15";
    ASSERT_EQ(ask("PUT", "/v1/policies/p", policy.dump()).status, 200);
    policy.erase("id");
    policy["from"] = "2026-02-15";
    policy["until"] = "2028-01-01";
    policy["rate"] = "0.30";
    put("/v1/policies/q", policy);
    accept(usage("jan", "2026-01-10T08:00:00+08:00", "100"));
    accept(usage("feb", "2026-02-20T08:00:00+08:00", "10"));
    accept(usage("mar", "2026-03-20T08:00:00+08:00", "20"));
  }
  Json explained(const std::string& period) {
    return get_json("/v1/statements/" + period + "/" + firm_of_tests + "/explain");
  }
};

TEST_F(ExplainApiTest, OfAClosedYearUnderTwoPoliciesKeepsTheSplitOfTheClose) {
  for (const char* period : {"2026-01", "2026-02", "2026-03"}) close(period);
  const Json before = explained("2026-03");
  const Json& year = before["subsidy"][0];
  EXPECT_EQ(year["adds_up"], true) << year;
  ASSERT_EQ(year["policies"].size(), 2u);
  EXPECT_EQ(year["policies"][0]["eligible"], "850.00");
  EXPECT_EQ(year["policies"][1]["eligible"], "255.00");
  // As much under one policy more as under the other less: the sum alone would not tell.
  accept(usage("late", "2026-01-11T08:00:00+08:00", "5"));
  accept(correction("c", "feb", "2026-04-01T08:00:00+08:00", "5"));
  accept(usage("apr", "2026-04-02T08:00:00+08:00", "1"));
  EXPECT_EQ(explained("2026-03"), before);
  const Json april = explained("2026-04")["subsidy"][0];
  EXPECT_EQ(april["adds_up"], true) << april;
  EXPECT_EQ(april["policies"][0]["eligible"], "892.50");
}

}  // namespace
}  // namespace voucherd::api
