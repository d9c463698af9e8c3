// GET /v1/audit/bundle/{period}/{uscc}: what it answers, that it verifies, and that it holds nothing of
// anybody else.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "billing/audit/container.h"
#include "billing/audit/verify.h"
#include "daemon/audit/directory_check.h"
#include "metering/journal/encoding.h"
#include "tests/daemon/api_fixture.h"
#include "tests/support/first_version.h"

namespace voucherd::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* other_firm = "91500000MA5UR3H88M";

class BundleTest : public ApiTest {
 protected:
  void SetUp() override { register_all(); }

  static std::string target(const std::string& period, const std::string& firm = firm_of_tests) {
    return "/v1/audit/bundle/" + period + "/" + firm;
  }
  Result<billing::BundleReport> verify(const std::string& bundle) {
    return billing::verify_bundle(bundle, engine_->heads().verifier());
  }
  static std::map<std::string, std::string> files_of(const std::string& bundle) {
    std::map<std::string, std::string> files;
    for (const auto& file : billing::read_container(bundle).value()) files[file.name] = file.bytes;
    return files;
  }
  void stop() {
    documents_.reset();
    engine_.reset();
  }
  /// The directory as a program before the parts would have left it: facts and closes of version 1, and no
  /// head signed.
  void stop_and_rewrite() {
    stop();
    std::filesystem::remove_all(options_.directory + "/checkpoints");
    std::filesystem::remove(options_.directory + "/proof/signed-head");
    voucherd::testing::rewrite_in_first_version(options_.directory);
  }
  /// Of the owner's thread, until the answer is whole.
  std::size_t turns_of(const std::string& what) {
    std::size_t turns = 0;
    const auto run_until = [&](const auto& done) {
      for (; !done(); ++turns) loop_.run_one();
    };
    const auto answer = start("GET", what);
    run_until([&] { return answer->has_value(); });
    http::Response& response = **answer;
    for (bool ended = false; !ended;) {
      std::optional<std::string> piece;
      response.next_piece([&](std::optional<std::string> next) { piece = std::move(next).value(); });
      run_until([&] { return piece.has_value(); });
      ended = piece->empty();
    }
    return turns;
  }
  void register_other() {
    put(std::string("/v1/firms/") + other_firm,
        {{"name", "Quite Another Company"}, {"district", "elsewhere-district"}});
    put("/v1/contracts/OTHER-CONTRACT-7", {{"firm", other_firm},
                                           {"signed", nullptr},
                                           {"from", "2026-01-01"},
                                           {"until", nullptr},
                                           {"discount", "0.123457"}});
    put("/v1/external-awards/OTHER-AWARD-3",
        {{"firm", other_firm}, {"year", 2026}, {"kind", "same_programme"}, {"amount", "4711.13"}});
  }
  static Json usage_of_other(const std::string& id, const std::string& time) {
    Json event = usage(id, time, "777.654321", "their-secret-project");
    event["subject"] = other_firm;
    event["data"]["node"] = "their-node-1";
    event["data"]["job"] = "their-job-1";
    return event;
  }
};

TEST_F(BundleTest, OfAClosedMonthIsAContainerThatVerifies) {
  accept(usage("e1", "2026-03-01T08:00:00+08:00", "12.5", "p"));
  close("2026-03");
  const auto answer = get(target("2026-03"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "application/x-tar");
  const auto report = verify(answer.body);
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_EQ(report->events, 1u);
  EXPECT_EQ(to_string(report->net), "106.25");
  EXPECT_EQ(to_string(report->subsidy), "21.25");
  EXPECT_TRUE(report->signature_checked);
}

TEST_F(BundleTest, IsThereOnlyOfAClosedMonthWithAStatement) {
  accept(usage("e1", "2026-03-01T08:00:00+08:00", "1"));
  EXPECT_EQ(get(target("2026-03")).status, 404) << "open";
  close("2026-03");
  EXPECT_EQ(get(target("2026-03", other_firm)).status, 404);
  EXPECT_EQ(get(target("2026-04")).status, 404);
  EXPECT_EQ(get(target("2026-13")).status, 422);
  EXPECT_EQ(get(target("2026-03") + "?x=1").status, 422);
}

TEST_F(BundleTest, WithCorrectionsAdjustmentsAndChangesOfFactsVerifies) {
  accept(usage("e1", "2026-03-01T08:00:00+08:00", "10", "p"));
  accept(usage("voided", "2026-03-02T08:00:00+08:00", "3"));
  accept(correction("c1", "voided", "2026-03-03T08:00:00+08:00", "0"));
  close("2026-03");
  accept(correction("c2", "e1", "2026-04-03T08:00:00+08:00", "7.5"));
  accept(usage("late", "2026-03-30T08:00:00+08:00", "1", "q"));
  accept(usage("e2", "2026-04-01T08:00:00+08:00", "4"));
  put("/v1/external-awards/a1",
      {{"firm", firm_of_tests}, {"year", 2026}, {"kind", "other_policy"}, {"amount", "5.00"}});
  close("2026-04");
  accept(usage("e3", "2026-05-01T08:00:00+08:00", "2"));
  close("2026-05");
  for (const char* period : {"2026-03", "2026-04", "2026-05"}) {
    const auto report = verify(get(target(period)).body);
    EXPECT_TRUE(report) << period << ": " << report.error().detail;
  }
  EXPECT_TRUE(files_of(get(target("2026-04")).body).contains("earlier/2026-03.json"));
}

TEST_F(BundleTest, IsTheSameAfterARestartButForTheHead) {
  accept(usage("e1", "2026-03-01T08:00:00+08:00", "1"));
  close("2026-03");
  const std::string before = get(target("2026-03")).body;
  restart();
  EXPECT_EQ(get(target("2026-03")).body, before);
}

TEST_F(BundleTest, HoldsNothingOfAnotherFirm) {
  register_other();
  accept({usage("own-1", "2026-03-01T08:00:00+08:00", "12.5"),
          usage_of_other("their-event-1", "2026-03-01T08:00:00+08:00"),
          usage("own-2", "2026-03-02T08:00:00+08:00", "1"),
          usage_of_other("their-event-2", "2026-03-05T08:00:00+08:00")});
  close("2026-03");
  const auto statement = get_json(std::string("/v1/statements/2026-03/") + other_firm + ".json");
  const std::string bundle = get(target("2026-03")).body;
  ASSERT_TRUE(verify(bundle));
  std::vector<std::string> theirs{other_firm,           "Quite Another Company",
                                  "elsewhere-district", "OTHER-CONTRACT-7",
                                  "OTHER-AWARD-3",      "4711.13",
                                  "0.123457",           "their-",
                                  "777.654321"};
  for (const char* total : {"net", "tax", "gross", "eligible", "subsidy", "payable"})
    theirs.push_back(statement["totals"][total].get<std::string>());
  std::string quantity;
  put_little_endian(quantity, std::int64_t{777'654'321'000});
  theirs.push_back(quantity);
  theirs.erase(std::remove(theirs.begin(), theirs.end(), "0.00"),
               theirs.end());  // their subsidy: said of everybody
  for (const std::string& what : theirs) EXPECT_THAT(bundle, Not(HasSubstr(what)));
  EXPECT_TRUE(verify(get(target("2026-03", other_firm)).body));
}

TEST_F(BundleTest, DoesNotShowTheSeedOfTheIdentities) {
  accept(usage("e1", "2026-03-01T08:00:00+08:00", "1"));
  close("2026-03");
  std::string seed;
  put_little_endian(seed, engine_->genesis().hash_seed);
  EXPECT_THAT(engine_->journal().read(1).value().payload, HasSubstr(seed));
  EXPECT_THAT(get(target("2026-03")).body, Not(HasSubstr(seed)));
}

TEST_F(BundleTest, OfAJournalFromBeforeThePartsIsRefusedAndItsDirectoryVerifies) {
  accept(usage("e1", "2026-03-01T08:00:00+08:00", "1", "p"));
  close("2026-03");
  stop_and_rewrite();
  open();
  accept(usage("e2", "2026-04-01T08:00:00+08:00", "1"));
  close("2026-04");
  for (const char* period : {"2026-03", "2026-04"}) {
    const auto answer = get(target(period));
    EXPECT_EQ(answer.status, 409) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("urn:voucherd:problem:bundle-not-provable"));
    EXPECT_THAT(answer.body, HasSubstr("voucherctl audit verify DIR"));
  }
  const VerifierKey key = engine_->heads().verifier();
  stop();
  const auto report = verify_directory(options_.directory, key).value();
  for (const auto& finding : report.findings) ADD_FAILURE() << finding.position << " " << finding.what;
  EXPECT_EQ(report.closes, 2u);
  EXPECT_EQ(report.statements, 2u);
}

TEST_F(BundleTest, OfManyEventsInOneRecordGivesTheOwnerBackBetweenThem) {
  constexpr int events = 20'000, per_turn_max = 4096;
  accept(usage("few", "2026-03-01T08:00:00+08:00", "1"));
  close("2026-03");
  Json many = Json::array();
  for (int i = 0; i < events; ++i) many.push_back(usage(std::to_string(i), "2026-04-01T08:00:00+08:00", "1"));
  accept(many);
  close("2026-04");
  EXPECT_GE(turns_of(target("2026-04")), turns_of(target("2026-03")) + events / per_turn_max);
}

TEST_F(BundleTest, WithoutAKeySaysThatNothingShowsWhoMadeIt) {
  accept(usage("e1", "2026-03-01T08:00:00+08:00", "1"));
  close("2026-03");
  const auto report = billing::verify_bundle(get(target("2026-03")).body, std::nullopt);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->signature_checked);
  EXPECT_THAT(report->not_proven.front(), HasSubstr("Who made this bundle"));
}

TEST_F(BundleTest, OfManyEventsComesInPiecesAndInSeveralEventFiles) {
  constexpr int batches = 60, events = 200;
  for (int batch = 0; batch < batches; ++batch) {
    Json body = Json::array();
    for (int i = 0; i < events; ++i) {
      body.push_back(usage(std::to_string(batch) + "-" + std::to_string(i) + std::string(100, 'x'),
                           "2026-03-01T08:00:00+08:00", "1", "p" + std::to_string(i % 7)));
    }
    const auto answer = post_events(body.dump(), {{"content-type", "application/json"}});
    ASSERT_EQ(answer.status, 200) << answer.body;
  }
  close("2026-03");
  const auto begun = start("GET", target("2026-03"));
  loop_.run_until([&] { return begun->has_value(); });
  EXPECT_LT((**begun).body.size(), 2u << 20) << "the first piece, not all of it";
  const std::string bundle = wait(begun).body;
  const auto report = verify(bundle);
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_EQ(report->events, static_cast<std::uint64_t>(batches * events));
  EXPECT_TRUE(files_of(bundle).contains("events/2026-03/000002.bin"));
}

}  // namespace
}  // namespace voucherd::api
