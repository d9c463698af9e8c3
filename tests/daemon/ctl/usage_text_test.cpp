// Sources, a year's subsidy and events as people read them.
#include "daemon/ctl/usage_text.h"

#include <gtest/gtest.h>

namespace voucherd::ctl {
namespace {

TEST(UsageTextTest, ASourceShowsItsFirstGapsAndHowManyMoreThereAre) {
  const Json sources = Json::parse(R"([
    {"source":"/a","events":2,"last_usage":null,"last_arrival":"2026-03-01T00:00:00+08:00","gaps":[]},
    {"source":"/b","events":10,"last_usage":"x","last_arrival":"y","gaps":[
      {"from":"2026-01-01","until":"2026-01-02"},{"from":"2026-01-03","until":"2026-01-04"},
      {"from":"2026-01-05","until":"2026-01-06"},{"from":"2026-01-07","until":"2026-01-08"}]}])");
  const std::string text = sources_text(sources);
  EXPECT_NE(text.find("/a      2       –           2026-03-01T00:00:00+08:00\n"), std::string::npos) << text;
  EXPECT_NE(text.find("[2026-01-05, 2026-01-06) and 1 more\n"), std::string::npos) << text;
  EXPECT_EQ(sources_text(Json::array()), "nothing\n");
}

TEST(UsageTextTest, TheSubsidyIsATableOfMonthsAndWhatIsLeft) {
  const Json subsidy = Json::parse(R"({"firm":"9150","year":2026,"months":[
    {"month":"2026-01","eligible":"850.00","target":"170.00","subsidy":"170.00"}],
    "remaining":"830.00","cap_projected":null})");
  EXPECT_EQ(subsidy_text(subsidy),
            "MONTH    ELIGIBLE  SUBSIDY  TARGET\n"
            "----------------------------------\n"
            "2026-01    850.00   170.00  170.00\n"
            "\n"
            "firm: 9150\nyear: 2026\nremaining: 830.00\ncap_projected: –");
}

TEST(UsageTextTest, AnEventIsALine) {
  EXPECT_EQ(event_line(Json::parse(R"({"event":{"source":"/s","id":"1","time":"t",
      "data":{"sku":"gpu","quantity":"2","start":"a","end":"b","project":"p"}},"position":7,"index":0})")),
            "7.0  a – b  gpu  2  p  /s  1");
  EXPECT_EQ(event_line(Json::parse(R"({"event":{"source":"/c","id":"c\u001b[2J","time":"t",
      "data":{"corrects":{"source":"/s","id":"1"},"quantity":"0","reason":"r"}},"position":7,"index":1})")),
            "7.1  t  correction  0  /c  c [2J  of /s  1");
}

}  // namespace
}  // namespace voucherd::ctl
