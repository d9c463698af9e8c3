// What goes over all firms of a month gives the owner back between them, statements or not.
#include <algorithm>
#include <set>

#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

constexpr int firms = 20;

class StatementWalkTest : public ApiTest {
 protected:
  void SetUp() override {
    register_all();
    Json batch = Json::array();
    for (int number = 0; number < firms; ++number) {
      put("/v1/firms/" + code_of(number), {{"name", "n"}, {"district", "d"}});
      Json event = usage(std::to_string(number), "2026-03-01T08:00:00+08:00", "1");
      event["subject"] = code_of(number);
      batch.push_back(event);
    }
    accept(batch);
  }
  /// With its check character.
  static std::string code_of(int number) {
    const std::string stem = "91500000MA5UG0" + std::to_string(100 + number);
    for (const char check : std::string_view("0123456789ABCDEFGHJKLMNPQRTUWXY")) {
      if (check_uscc(stem + check)) return stem + check;
    }
    return {};
  }
  std::vector<std::string> listed(const std::string& query) {
    std::vector<std::string> codes;
    const Json page = get_json("/v1/statements?period=2026-03" + query);
    for (const Json& item : page["items"]) codes.push_back(item["firm"]["uscc"]);
    return codes;
  }
};

TEST_F(StatementWalkTest, OfAMonthWithoutStatementsIsNotDoneInOneTurn) {
  for (const auto& [target, status] :
       {std::pair{"/v1/statements?period=2026-02", 200}, std::pair{"/v1/statements/2026-02.zip", 404},
        std::pair{"/v1/periods/2026-02/summary", 200}}) {
    const auto answer = start("GET", target);
    EXPECT_FALSE(answer->has_value()) << target;
    EXPECT_EQ(wait(answer).status, status) << target;
  }
  EXPECT_TRUE(get_json("/v1/statements?period=2026-02")["items"].empty());
}

TEST_F(StatementWalkTest, OfASampleCountsTheLinesOfSomeFirmsATurn) {
  close("2026-03");
  const auto answer = start("GET", "/v1/audit/sample?seed=1&lines=1");
  int turns = 0;
  for (; !answer->has_value(); ++turns) loop_.run_one();
  const int of_counting = (firms + 7) / 8, of_drawing_showing_and_answering = 3;
  EXPECT_EQ(turns, of_counting + of_drawing_showing_and_answering);
  EXPECT_EQ(Json::parse((**answer).body)["population"], firms);
}

TEST_F(StatementWalkTest, ListsEveryFirmOnceInPagesOfAnySize) {
  const auto all = listed("");
  EXPECT_EQ(all.size(), static_cast<std::size_t>(firms));
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  for (const std::size_t limit : {1u, 7u, 8u, 19u, 20u, 21u}) {
    std::vector<std::string> paged;
    std::string after;
    for (bool more = true; more;) {
      const std::string query = "&limit=" + std::to_string(limit) + "&after=" + after;
      for (auto& code : listed(query)) paged.push_back(std::move(code));
      more = get_json("/v1/statements?period=2026-03" + query).contains("next");
      after = paged.back();
    }
    EXPECT_EQ(paged, all) << limit;
  }
}

TEST_F(StatementWalkTest, OfAMonthThatIsClosedMeanwhileIsNeverOfDraftsAndClosedOnes) {
  const auto list = start("GET", "/v1/statements?period=2026-03");
  const auto summary = start("GET", "/v1/periods/2026-03/summary");
  ASSERT_FALSE(list->has_value());
  ASSERT_FALSE(summary->has_value());
  close("2026-03");
  std::set<std::string> states;
  const Json listed_now = Json::parse(wait(list).body);
  for (const Json& item : listed_now["items"]) states.insert(item["state"]);
  EXPECT_EQ(states.size(), 1u);
  EXPECT_EQ(Json::parse(wait(summary).body)["firms"].size(), static_cast<std::size_t>(firms));
}

}  // namespace
}  // namespace voucherd::api
