// The month's package where not all goes well: a month that is closed meanwhile, a document that is too
// large.
#include <gmock/gmock.h>

#include "billing/render/document_size.h"
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* list_of_files_end = "PK\x05\x06";

class PackageTest : public ApiTest {
 protected:
  void SetUp() override {
    register_all();
    accept(usage("e1", "2026-03-01T08:00:00+08:00", "1"));
  }
};

TEST_F(PackageTest, IsWholeWhereTheMonthStaysAsItIs) {
  EXPECT_THAT(get("/v1/statements/2026-03.zip").body, HasSubstr(list_of_files_end));
  close("2026-03");
  EXPECT_THAT(get("/v1/statements/2026-03.zip").body, HasSubstr(list_of_files_end));
}

TEST_F(PackageTest, OfAMonthThatIsClosedMeanwhileEndsWithoutItsListOfFiles) {
  const auto begun = start("GET", "/v1/statements/2026-03.zip");
  ASSERT_TRUE(begun->has_value());
  close("2026-03");
  // Workbooks are archives with an end of their own; the package's own list would name each file once more.
  const std::string body = wait(begun).body, name = "2026-03/2026-03-";
  ASSERT_THAT(body, HasSubstr(name));
  EXPECT_EQ(body.find(name, body.find(name) + 1), std::string::npos);
}

class LargeDocumentTest : public ApiTest {
 protected:
  LargeDocumentTest() : ApiTest(config::Options{}) {}

  /// As many projects as a PDF has rows: with the line and the year of its subsidy two too many.
  void SetUp() override {
    register_all();
    constexpr std::size_t events_per_batch = 200;
    Json batch = Json::array();
    for (std::size_t i = 0; i < billing::pdf_rows_max; ++i) {
      const std::string number = std::to_string(i);
      batch.push_back(usage(number, "2026-03-01T08:00:00+08:00", "1", "p" + number));
      if (batch.size() < events_per_batch && i + 1 < billing::pdf_rows_max) continue;
      const auto answer = post_events(batch.dump(), {{"content-type", "application/json"}});
      ASSERT_EQ(answer.status, 200) << answer.body;
      batch.clear();
    }
  }
  static std::string path(const std::string& extension) {
    return std::string("/v1/statements/2026-03/") + firm_of_tests + extension;
  }
};

TEST_F(LargeDocumentTest, IsRefusedByItselfAndATextInThePackage) {
  const auto pdf = get(path(".pdf"));
  EXPECT_EQ(pdf.status, 422);
  EXPECT_THAT(pdf.body, HasSubstr("urn:voucherd:problem:document-too-large"));
  EXPECT_THAT(pdf.body, HasSubstr("the PDF would have 20002 rows, more than 20000; the statement's CSV"));
  EXPECT_THAT(get(path(".csv")).body, HasSubstr("p19999"));
  EXPECT_THAT(get(path(".xlsx")).body, StartsWith("PK")) << "a workbook takes more";

  const std::string package = get("/v1/statements/2026-03.zip?format=pdf").body;
  EXPECT_THAT(package, HasSubstr(std::string("2026-03-") + firm_of_tests + ".pdf.txt"));
  EXPECT_THAT(package, HasSubstr("2026-03-summary.xlsx"));
  EXPECT_THAT(package, HasSubstr(list_of_files_end));
}

}  // namespace
}  // namespace voucherd::api
