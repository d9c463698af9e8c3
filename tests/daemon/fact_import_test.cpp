// Files of facts: what is taken in, when, under whose name, and that faults change nothing.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "daemon/imports/fact_files.h"
#include "daemon/imports/fact_import.h"
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

class FactImportTest : public ApiTest {
 protected:
  void write(const std::string& name, const std::string& text) {
    const auto path = std::filesystem::path(folder_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  ImportOutcome import_files() {
    std::optional<ImportOutcome> outcome;
    import_facts(*engine_, {folder_}, [&](ImportOutcome done) { outcome = std::move(done); });
    loop_.run_until([&] { return outcome.has_value(); });
    return *outcome;
  }
  void write_sku(const std::string& name) {
    write("skus/gpu.json", R"({"name": ")" + name + R"(", "unit": "card_hour", "kind": "compute"})");
  }
  void write_many(const std::string& price) {
    write("all.json", R"({"price-books": {"q1": {"effective_from": "2026-01-01", "prices": {"gpu": ")" +
                          price + R"("}}}, "settings": {"accept_from": "2025-06-01"}})");
  }
  std::string name_of_sku() { return get_json("/v1/skus/gpu")["name"]; }

  const std::string folder_ = directory_.path() + "/facts";
};

TEST_F(FactImportTest, FilesBecomeOneRecordWithTheFileAndItsDigestAsWho) {
  write_sku("A800");
  write_many("8.50");
  write("skus/.hidden.json", "{");
  write("notes.txt", "no facts");
  const auto position = engine_->position();
  const auto outcome = import_files();
  EXPECT_THAT(outcome.faults, IsEmpty());
  EXPECT_EQ(outcome.files, 2u);
  EXPECT_EQ(outcome.changes, 3u);
  EXPECT_EQ(engine_->position(), position + 1);
  EXPECT_EQ(get_json("/v1/settings")["accept_from"], "2025-06-01");
  const auto history = get_json("/v1/skus/gpu/history")["items"];
  EXPECT_EQ(history[0]["by"]["kind"], "file");
  EXPECT_THAT(history[0]["by"]["id"].get<std::string>(),
              MatchesRegex(".*/skus/gpu.json sha256:[0-9a-f]{64}"));
  // printf '%s' '{"name": "A800", "unit": "card_hour", "kind": "compute"}' | sha256sum
  EXPECT_THAT(history[0]["by"]["id"].get<std::string>(),
              ::testing::EndsWith("6a72449619a1aa7348078da31745d34705aada6c32a140c41d5e9abbd018ab98"));
  EXPECT_THAT(get_json("/v1/price-books/q1/history")["items"][0]["by"]["id"].get<std::string>(),
              HasSubstr("/all.json sha256:"));
}

TEST_F(FactImportTest, OnlyWhatChangedSinceTheLastImportOfTheFileIsTakenIn) {
  write_sku("A800");
  write_many("8.50");
  import_files();
  const auto position = engine_->position();
  EXPECT_EQ(import_files().changes, 0u);
  EXPECT_EQ(engine_->position(), position);
  write_many("9.00");
  EXPECT_EQ(import_files().changes, 1u);
  EXPECT_THAT(get_json("/v1/settings/history")["items"], SizeIs(1));
  EXPECT_THAT(get_json("/v1/skus/gpu/history")["items"], SizeIs(1));
  EXPECT_EQ(get_json("/v1/price-books/q1")["prices"]["gpu"], "9");
}

TEST_F(FactImportTest, AChangeOverTheApiStaysUntilTheFileSaysSomethingNew) {
  write_sku("A800");
  import_files();
  ask("PUT", "/v1/skus/gpu", R"({"name": "by hand", "unit": "card_hour", "kind": "compute"})");
  EXPECT_EQ(import_files().changes, 0u);
  EXPECT_EQ(name_of_sku(), "by hand");
  write_sku("A800 80G");
  EXPECT_EQ(import_files().changes, 1u);
  EXPECT_EQ(name_of_sku(), "A800 80G");
}

TEST_F(FactImportTest, AFileThatSaysWhatIsInForceAlreadyIsRememberedAllTheSame) {
  put("/v1/skus/gpu", {{"name", "A800"}, {"unit", "card_hour"}, {"kind", "compute"}});
  write_sku("A800");
  EXPECT_EQ(import_files().changes, 1u);
  ask("PUT", "/v1/skus/gpu", R"({"name": "by hand", "unit": "card_hour", "kind": "compute"})");
  EXPECT_EQ(import_files().changes, 0u);
  EXPECT_EQ(name_of_sku(), "by hand");
}

TEST_F(FactImportTest, FaultsOfAllFilesAreListedAndNothingIsTakenIn) {
  write_sku("A800");
  import_files();
  const auto position = engine_->position();
  write_sku("new");
  write("skus/bad.json", R"({"name": "x", "unit": "gib", "kind": "tape", "colour": "red"})");
  write("policies/torn.json", "{");
  write("firms/X.json", R"({"name": "x"})");
  write("twice.json", R"({"skus": {"gpu": {"name": "y", "unit": "gib", "kind": "storage"}}, "cats": {}})");
  const auto outcome = import_files();
  EXPECT_THAT(
      outcome.faults,
      ElementsAre(HasSubstr("firms/X.json: The firm's code"), HasSubstr("policies/torn.json: is not JSON"),
                  HasSubstr("skus/bad.json: /kind: "), HasSubstr("skus/bad.json: /colour: "),
                  HasSubstr("twice.json: /cats: is no kind"),
                  HasSubstr("twice.json: /skus/gpu: the same fact stands in " + folder_ + "/skus/gpu.json")));
  EXPECT_EQ(engine_->position(), position);
  EXPECT_EQ(name_of_sku(), "A800");
}

TEST_F(FactImportTest, WhatTheJudgeRefusesIsToldByFileToo) {
  write_sku("A800");
  write_many("8.50");
  write("contracts/c.json", R"({"firm": "91500000MA5UG0WY2W", "from": "2026-01-01", "discount": "0.1"})");
  const auto outcome = import_files();
  ASSERT_THAT(outcome.faults, SizeIs(1));
  EXPECT_THAT(outcome.faults[0],
              HasSubstr("contracts/c.json: /firm: The firm 91500000MA5UG0WY2W is unknown"));
  EXPECT_EQ(get("/v1/skus/gpu").status, 404);
}

TEST_F(FactImportTest, AClosedFigureDiffersOnlyWithTheReasonThatTheFileGives) {
  register_all();
  accept(usage("1", "2026-04-01T12:00:00+08:00", "10"));
  close("2026-04");
  const std::string contract = R"("firm": "91500000MA5UG0WY2W", "from": "2026-04-01", "discount": "0.1")";
  write("contracts/c.json", "{" + contract + "}");
  const auto refused = import_files();
  ASSERT_THAT(refused.faults, SizeIs(1));
  EXPECT_THAT(refused.faults[0], HasSubstr("needs a reason"));
  write("contracts/c.json", "{" + contract + R"(, "reason": "signed late"})");
  EXPECT_THAT(import_files().faults, IsEmpty());
  EXPECT_EQ(get_json("/v1/contracts/c/history")["items"][0]["reason"], "signed late");
}

TEST_F(FactImportTest, FilesThatAreNotThereAndMembersThatStandTwiceAreFaults) {
  EXPECT_THAT(read_fact_files({folder_ + "/none.json"}).faults,
              ElementsAre(HasSubstr("none.json: is no file")));
  write("skus/a.json", R"({"name": "a", "name": "b", "unit": "gib", "kind": "storage"})");
  write("list.json", "[]");
  write("skus.json", R"({"skus": {"b": []}, "policies": 1})");
  EXPECT_THAT(
      read_fact_files({folder_}).faults,
      ElementsAre(HasSubstr("list.json: must hold a JSON object"), HasSubstr("skus.json: /policies: must be"),
                  HasSubstr("skus.json: /skus/b: "), HasSubstr("skus/a.json: has the member name twice")));
}

}  // namespace
}  // namespace voucherd::api
