// Ingest with so little memory for identities that nearly all of them are on disk: duplicates of every age
// are told apart, through restarts and with files that are gone.
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

constexpr int batch_events = 40;

config::Options little_memory() {
  config::Options options;
  options.identity_bytes_max = 4096;  // 176 identities in memory at first, then 48
  return options;
}

class IdentitiesOnDiskTest : public ApiTest {
 protected:
  IdentitiesOnDiskTest() : ApiTest(little_memory()) { register_all(); }

  static std::string batch(int number, const std::string& quantity) {
    std::string lines;
    for (int i = 0; i < batch_events; ++i) {
      lines +=
          usage(std::to_string(number) + "/" + std::to_string(i), "2026-06-01T00:00:00Z", quantity).dump() +
          "\n";
    }
    return lines;
  }
  Json send(int number, const std::string& quantity = "2") {
    const auto answer = post_events(batch(number, quantity), {{"content-type", "application/x-ndjson"}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::parse(answer.body);
  }
  void send_new(int from, int until) {
    for (int number = from; number < until; ++number)
      ASSERT_EQ(send(number)["accepted"], batch_events) << number;
  }
  void expect_all_known(int until) {
    for (int number = 0; number < until; ++number) {
      ASSERT_EQ(send(number)["duplicate"], batch_events) << number;
    }
    EXPECT_EQ(engine_->usage().events(), std::uint64_t(until) * batch_events);
    EXPECT_EQ(engine_->usage().accepted_quantity(),
              Quantity{std::int64_t{until} * batch_events * 2'000'000'000});
  }
  void stop() { engine_.reset(); }
  std::filesystem::path runs() const { return options_.directory + "/checkpoints/identity-runs"; }
  void expect_sound() {
    const auto report = check_directory(options_.directory);
    ASSERT_TRUE(report.has_value()) << report.error().detail;
    EXPECT_TRUE(report->differences.empty()) << report->differences.front();
  }
};

TEST_F(IdentitiesOnDiskTest, TellsDuplicatesAndConflictsOfEveryAgeApart) {
  std::minstd_rand random(20261122);
  for (int number = 0; number < 60; ++number) {
    ASSERT_EQ(send(number)["accepted"], batch_events) << number;
    const int known = static_cast<int>(random() % static_cast<unsigned>(number + 1));
    ASSERT_EQ(send(known)["duplicate"], batch_events) << known;
    ASSERT_EQ(send(known, "3")["conflict"], batch_events) << known;
    if (number % 20 == 10) restart();
  }
  expect_all_known(60);
  EXPECT_GT(engine_->identity_figures().on_disk, 1'000u);
  EXPECT_GT(engine_->identity_figures().disk_lookups, 1'000u);
}

TEST_F(IdentitiesOnDiskTest, IsSoundAfterTheRunsOrAllCheckpointsAreGone) {
  send_new(0, 30);
  stop();
  expect_sound();
  ASSERT_FALSE(std::filesystem::is_empty(runs()));
  std::filesystem::remove(*std::filesystem::directory_iterator(runs()));
  open();
  expect_all_known(30);
  stop();
  std::filesystem::remove_all(runs().parent_path());
  open();
  expect_all_known(30);
  stop();
  expect_sound();
}

TEST_F(IdentitiesOnDiskTest, ACheckFindsRunsThatAreNotTheJournals) {
  send_new(0, 30);
  const std::uint64_t seed = engine_->genesis().hash_seed;
  stop();
  // A run that is whole, and says that it covers events that it does not hold.
  std::filesystem::remove_all(runs());
  std::filesystem::create_directory(runs());
  auto writer = RunWriter::create({runs().string(), seed}, {3, 0, 30 * batch_events}).value();
  ASSERT_TRUE(writer->finish().has_value());
  const auto report = check_directory(options_.directory).value();
  ASSERT_EQ(report.differences.size(), 1u);
  EXPECT_NE(report.differences.front().find("identity runs"), std::string::npos);
  open();  // which builds them again
  expect_all_known(30);
  stop();
  expect_sound();
}

TEST_F(IdentitiesOnDiskTest, RefusesNewEventsWhileTheDiskTakesNoIdentities) {
  std::filesystem::create_directories(runs().parent_path());
  std::ofstream(runs()) << "a file where the folder should be";
  int sent = 0;
  http::Response answer;
  do {
    answer = post_events(batch(sent++, "2"), {{"content-type", "application/x-ndjson"}});
  } while (answer.status == 200 && sent < 100);
  EXPECT_EQ(answer.status, 507) << answer.body;
  EXPECT_TRUE(engine_->identity_figures().spill_failed);
  EXPECT_LT(engine_->usage().events(), 176u + 48 + batch_events);
  std::filesystem::remove(runs());
  while (post_events(batch(sent, "2"), {{"content-type", "application/x-ndjson"}}).status == 507) {
  }
  EXPECT_FALSE(engine_->identity_figures().spill_failed);
}

}  // namespace
}  // namespace voucherd::api
