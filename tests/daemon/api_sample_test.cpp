// GET /v1/audit/sample: what a seed draws, and the evidence that comes with it.
#include <gmock/gmock.h>

#include <set>

#include "daemon/audit/draw.h"
#include "metering/proof/chains.h"
#include "metering/proof/event_bytes.h"
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

TEST(DrawTest, IsTheSameForEver) {
  EXPECT_EQ(draw("4711", 5, 1000), (std::vector<std::uint64_t>{963, 732, 723, 784, 740}));
}

TEST(DrawTest, TakesEachNumberOnceAndAllOfThemWhereThereAreFew) {
  for (const std::uint64_t population : {0u, 1u, 2u, 7u, 100u}) {
    const auto drawn = draw("seed", 100, population);
    EXPECT_EQ(drawn.size(), population);
    EXPECT_EQ(std::set<std::uint64_t>(drawn.begin(), drawn.end()).size(), population);
  }
}

class SampleTest : public ApiTest {
 protected:
  void SetUp() override {
    register_all();
    for (int i = 0; i < 20; ++i) {
      const std::string day = std::to_string(10 + i);
      accept(usage("e" + std::to_string(i), "2026-03-" + day + "T08:00:00+08:00", "1", "p"));
    }
    accept(correction("c", "e3", "2026-03-30T08:00:00+08:00", "0.5"));
  }
};

TEST_F(SampleTest, OfEventsPlacesEachInItsFirmsChain) {
  close("2026-03");
  const Json sample = get_json("/v1/audit/sample?seed=7&events=21");
  EXPECT_EQ(sample["population"], 21);
  ASSERT_EQ(sample["items"].size(), 21u);
  std::map<std::uint64_t, std::pair<std::string, std::string>> steps;  // events before → value before, value
  for (const Json& item : sample["items"]) {
    ASSERT_EQ(item["chains"].size(), 1u) << item;
    const Json& chain = item["chains"][0];
    EXPECT_EQ(chain["month"], "2026-03");
    EXPECT_EQ(chain["bundle"], std::string("/v1/audit/bundle/2026-03/") + firm_of_tests);
    EXPECT_EQ(item["statements"][0], std::string("2026-03/") + firm_of_tests);
    steps[chain["events_before"]] = {chain["value_before"], chain["value"]};
  }
  std::string value(64, '0');
  for (const auto& [before, step] : steps) {
    EXPECT_EQ(step.first, value) << "after " << before << " events";
    value = step.second;
  }
  EXPECT_EQ(value, to_hex(engine_->chains().of(firm_of_tests)->at(parse_month("2026-03").value()).value));
}

TEST_F(SampleTest, WithItsPopulationIsTheSameOnceThereIsMore) {
  const Json before = get_json("/v1/audit/sample?seed=7&events=5");
  accept(usage("later", "2026-03-02T08:00:00+08:00", "1"));
  EXPECT_EQ(get_json("/v1/audit/sample?seed=7&events=5")["population"], 22);
  EXPECT_EQ(get_json("/v1/audit/sample?seed=7&events=5&population=21")["items"], before["items"]);
}

TEST_F(SampleTest, OfLinesNamesStatementCloseAndEvents) {
  EXPECT_EQ(get_json("/v1/audit/sample?seed=7&lines=5")["items"].size(), 0u) << "nothing is closed";
  close("2026-03");
  const Json sample = get_json("/v1/audit/sample?seed=7&lines=5");
  ASSERT_EQ(sample["items"].size(), 1u);
  const Json& item = sample["items"][0];
  EXPECT_EQ(item["statement"], std::string("2026-03/") + firm_of_tests);
  EXPECT_EQ(item["line"]["quantity"], "19.5");
  EXPECT_EQ(get_json(item["events"].get<std::string>())["items"].size(), 21u);
}

TEST_F(SampleTest, RefusesWhatItCannotDraw) {
  for (const char* query : {"seed=7", "events=5", "seed=7&events=0", "seed=7&events=101",
                            "seed=7&events=5&lines=5", "seed=7&events=x", "seed=7&events=5&population=22"})
    EXPECT_EQ(get(std::string("/v1/audit/sample?") + query).status, 422) << query;
}

}  // namespace
}  // namespace voucherd::api
