// Statements as XLSX and PDF over the API: how they are asked for, that those of a closed month never
// change, and what the sheet of daily usage holds.
#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "daemon/api/daily_usage.h"
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* xlsx_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

std::string path(const std::string& period, const std::string& extension = "") {
  return "/v1/statements/" + period + "/" + firm_of_tests + extension;
}

std::string header_of(const http::Response& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

class DocumentsTest : public ApiTest {
 protected:
  DocumentsTest() : ApiTest(config::Options{}) {}

  void SetUp() override {
    register_all();
    accept(usage("e1", "2026-03-01T08:00:00+08:00", "12.5", "agent-platform"));
    accept(usage("e2", "2026-03-31T08:00:00+08:00", "2"));
    accept(usage("e3", "2026-04-02T08:00:00+08:00", "1"));
  }

  /// "2026-03-01 agent-platform 12.5", …; counts the owner's turns behind the first one.
  std::vector<std::string> daily(const std::string& period) {
    const auto statement = nlohmann::ordered_json::parse(get(path(period)).body);
    std::optional<std::vector<billing::DailyUsage>> rows;
    gather_daily_usage(*engine_, statement, [&](auto gathered) { rows = std::move(gathered); });
    for (turns_ = 0; !rows; ++turns_) loop_.run_one();
    std::vector<std::string> shown;
    for (const auto& row : *rows) {
      shown.push_back(to_string(row.day) + " " + row.project.value + " " + to_string(row.quantity));
    }
    return shown;
  }
  int turns_ = 0;
};

TEST_F(DocumentsTest, ComeByExtensionOrByAccept) {
  for (const auto& [extension, type, begin] :
       {std::tuple{".xlsx", xlsx_type, "PK"}, std::tuple{".pdf", "application/pdf", "%PDF-"}}) {
    const auto by_extension = get(path("2026-03", extension));
    EXPECT_EQ(by_extension.status, 200);
    EXPECT_EQ(by_extension.content_type, type);
    EXPECT_THAT(by_extension.body, StartsWith(begin));
    EXPECT_EQ(header_of(by_extension, "Content-Disposition"),
              std::string("attachment; filename=\"2026-03-") + firm_of_tests + extension + "\"");
    EXPECT_EQ(get(path("2026-03"), {{"accept", type}}).body, by_extension.body);
  }
  EXPECT_EQ(get(path("2026-03", ".doc")).status, 404);
  EXPECT_EQ(get(path("2026-03"), {{"accept", "application/msword"}}).status, 406);
  EXPECT_EQ(get(path("2025-03", ".pdf")).status, 404);
}

TEST_F(DocumentsTest, OfAClosedMonthNeverChange) {
  accept(correction("c0", "e1", "2026-03-05T08:00:00+08:00", "10"));
  const auto open = get(path("2026-03", ".pdf")).body;
  close("2026-03");
  const auto pdf = get(path("2026-03", ".pdf")).body, xlsx = get(path("2026-03", ".xlsx")).body;
  const auto days = daily("2026-03");
  EXPECT_NE(pdf, open);
  EXPECT_THAT(days, ElementsAre("2026-03-01 agent-platform 10", "2026-03-31  2"));

  accept(usage("late", "2026-03-01T08:00:00+08:00", "3", "agent-platform"));
  accept(correction("c1", "e1", "2026-03-06T08:00:00+08:00", "7"));    // counts before c0
  accept(correction("c2", "e2", "2026-03-06T08:00:00+08:00", "0"));    // and voids a day
  accept(correction("c3", "late", "2026-03-07T08:00:00+08:00", "4"));  // of what came late itself
  Json across = usage("night", "2026-04-01T08:00:00+08:00", "24");
  across["data"]["start"] = "2026-03-31T12:00:00+08:00";
  across["data"]["end"] = "2026-04-01T12:00:00+08:00";
  accept(across);
  EXPECT_EQ(daily("2026-03"), days);
  EXPECT_EQ(get(path("2026-03", ".xlsx")).body, xlsx);
  EXPECT_EQ(get(path("2026-03", ".pdf")).body, pdf);

  put("/v1/contracts/HT-1",
      {{"firm", firm_of_tests}, {"from", "2026-04-01"}, {"until", nullptr}, {"discount", "0.10"}});
  const auto renamed =
      ask("PUT", "/v1/skus/gpu.a800",
          Json{{"name", "A"}, {"unit", "card_day"}, {"kind", "compute"}, {"tax_rate", "0.06"}}.dump());
  EXPECT_EQ(renamed.status, 200) << renamed.body;
  restart();
  EXPECT_EQ(get(path("2026-03", ".xlsx")).body, xlsx);
  EXPECT_EQ(get(path("2026-03", ".pdf")).body, pdf);
}

TEST_F(DocumentsTest, OfAClosedMonthKeepTheLetterheadOfTheirClose) {
  const auto record = [this](const billing::Letterhead& letterhead) {
    bool done = false;
    record_letterhead(*engine_, letterhead, [&](const std::optional<billing::Refusal>& refusal) {
      EXPECT_FALSE(refusal) << refusal->detail;
      done = true;
    });
    loop_.run_until([&] { return done; });
  };
  billing::Letterhead letterhead;
  letterhead.bank_account = "3100 0001";
  letterhead.approved_by = "甲";
  record(letterhead);
  const Position recorded = engine_->position();
  record(letterhead);
  EXPECT_EQ(engine_->position(), recorded) << "once, as long as it stays the same";
  close("2026-03");
  const auto files = [this](const std::string& period) {
    return get(path(period, ".pdf")).body + get(path(period, ".xlsx")).body +
           get("/v1/statements/" + period + ".zip").body;
  };
  const std::string march = files("2026-03"), april = files("2026-04");
  letterhead.due_days = 90;
  letterhead.bank_account = "6200 0002";
  letterhead.approved_by = "乙";
  record(letterhead);
  EXPECT_EQ(files("2026-03"), march);
  EXPECT_NE(files("2026-04"), april);
  restart();
  EXPECT_EQ(files("2026-03"), march);
}

TEST_F(DocumentsTest, DailyUsageIsThatOfTheStatementsMonthsAndSkus) {
  EXPECT_THAT(daily("2026-03"), ElementsAre("2026-03-01 agent-platform 12.5", "2026-03-31  2"));
  EXPECT_THAT(daily("2026-04"), ElementsAre("2026-04-02  1"));
  close("2026-03");
  accept(correction("c1", "e1", "2026-03-06T08:00:00+08:00", "0"));
  EXPECT_THAT(daily("2026-04"), ElementsAre("2026-03-31  2", "2026-04-02  1"));
}

TEST_F(DocumentsTest, OfAMonthClosedLongAgoReadOnlyWhatCameLateForTheirFirm) {
  const std::string other = "91500000MA5U00000W";
  put("/v1/firms/" + other, {{"name", "o"}, {"district", "d"}});
  close("2026-03");
  for (int i = 0; i < 50; ++i) {
    accept(usage("june" + std::to_string(i), "2026-06-01T08:00:00+08:00", "1"));
    Json late = usage("late" + std::to_string(i), "2026-03-05T08:00:00+08:00", "1");
    late["subject"] = other;
    accept(late);
  }
  EXPECT_THAT(daily("2026-03"), ElementsAre("2026-03-01 agent-platform 12.5", "2026-03-31  2"));
  EXPECT_EQ(turns_, 0);
}

TEST_F(DocumentsTest, GiveTheOwnerBackBetweenPartsOfALargeRecord) {
  close("2026-03");
  Json batch = Json::array();
  for (int i = 0; i < 300; ++i) batch.push_back(usage(std::to_string(i), "2026-03-05T08:00:00+08:00", "1"));
  accept(batch);
  EXPECT_THAT(daily("2026-03"), ElementsAre("2026-03-01 agent-platform 12.5", "2026-03-31  2"));
  EXPECT_EQ(turns_, 2) << "one for each part";

  // Corrections need other events read: fewer at a time.
  batch.clear();
  for (int i = 0; i < 40; ++i) {
    const std::string number = std::to_string(i);
    batch.push_back(
        correction("c" + number, i % 2 == 0 ? "e1" : number, "2026-04-05T08:00:00+08:00", number));
  }
  accept(batch);
  EXPECT_THAT(daily("2026-03"), ElementsAre("2026-03-01 agent-platform 12.5", "2026-03-31  2"));
  EXPECT_GT(turns_, 4);
}

TEST_F(DocumentsTest, BeyondTheQueueAreRefusedForAWhile) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::atomic<bool> busy = false;
  ASSERT_TRUE(documents_->thread.submit(
      [&busy, opened] {
        busy = true;
        opened.wait();
        return Result<void>();
      },
      [](const Result<void>&) {}));
  while (!busy) std::this_thread::yield();
  std::vector<Answer> waiting;
  for (std::size_t i = 0; i < RenderThread::render_queue_max; ++i)
    waiting.push_back(start("GET", path("2026-03", ".pdf")));
  const auto refused = get(path("2026-03", ".pdf"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(header_of(refused, "Retry-After"), "1");
  EXPECT_EQ(get(path("2026-03")).status, 200) << "what needs no thread is answered meanwhile";
  gate.set_value();
  for (const auto& answer : waiting) EXPECT_EQ(wait(answer).status, 200);
}

using NoPdfTest = ApiTest;

TEST_F(NoPdfTest, SaysThatThereAreNoPdfs) {
  register_all();
  accept(usage("e1", "2026-03-01T08:00:00+08:00", "1"));
  const auto answer = get(path("2026-03", ".pdf"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("documents.font"));
  EXPECT_EQ(get(path("2026-03", ".xlsx")).status, 200);
}

}  // namespace
}  // namespace voucherd::api
