// The access log: its chain, its files, and that nobody can forge a line of it.
#include "daemon/access/access_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "daemon/access/access_log_files.h"
#include "daemon/access/token_text.h"
#include "tests/support/hostile_strings.h"
#include "tests/support/owner_loop.h"
#include "tests/support/temp_dir.h"

namespace voucherd::access {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

class AccessLogTest : public ::testing::Test {
 protected:
  voucherd::testing::TempDir temporary_;
  AccessLogOptions options_{temporary_.path() + "/log", 180, UtcOffset{480}};
  ManualClock clock_{parse_instant("2026-06-15T12:00:00+08:00").value()};
  voucherd::testing::OwnerLoop loop_;
  std::mutex failed_mutex_;
  std::condition_variable failed_;
  int failures_ = 0;
  std::unique_ptr<AccessLog> log_;

  void open() {
    log_.reset();
    log_ = AccessLog::open(
               options_, clock_, [this](std::function<void()> task) { loop_.post(std::move(task)); },
               [this](const Fault&) {
                 const std::lock_guard lock(failed_mutex_);
                 ++failures_;
                 failed_.notify_one();
               })
               .value();
  }
  AccessEntry entry(const std::string& target = "/v1/statements/2026-03/x") const {
    return {clock_.now(),
            {"token", "abcdefghijkl"},
            "finance",
            "127.0.0.1:5000",
            "GET",
            "/v1/statements/{}/{}",
            target,
            200,
            ""};
  }
  bool write(AccessEntry entry) {
    std::optional<bool> done;
    log_->write(std::move(entry), [&](const Result<void>& written) { done = written.has_value(); });
    loop_.run_until([&] { return done.has_value(); });
    return *done;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> paths;
    for (const auto& file : access_log_files(options_.directory).value()) paths.push_back(file.path);
    return paths;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  static void rewrite(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  static std::vector<Json> lines(const std::string& path) {
    std::vector<Json> all;
    std::istringstream in(read(path));
    for (std::string line; std::getline(in, line);) all.push_back(Json::parse(line));
    return all;
  }
  ChainReport check() const { return check_access_log(files()).value(); }
};

TEST_F(AccessLogTest, AnswersOnlyWhenTheLineIsWritten) {
  open();
  EXPECT_TRUE(write(entry()));
  const auto all = lines(files().at(0));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["event"], "opened");
  EXPECT_EQ(all[1]["event"], "answered");
  EXPECT_EQ(all[1]["actor"]["id"], "abcdefghijkl");
  EXPECT_EQ(all[1]["route"], "/v1/statements/{}/{}");
  EXPECT_EQ(all[1]["target"], "/v1/statements/2026-03/x");
  EXPECT_EQ(all[1]["status"], 200);
  EXPECT_EQ(all[1]["at"], "2026-06-15T04:00:00+00:00");
}

TEST_F(AccessLogTest, ChainsAllLinesOverRestartsAndDays) {
  for (int day = 0; day < 3; ++day) {
    open();
    EXPECT_TRUE(write(entry()));
    clock_.advance(ms_per_day);
    EXPECT_TRUE(write(entry()));
  }
  log_.reset();
  EXPECT_EQ(files().size(), 4u);
  const auto report = check();
  EXPECT_EQ(report.fault, "");
  EXPECT_EQ(report.first, 1u);
  EXPECT_EQ(report.last, 9u);
}

TEST_F(AccessLogTest, TellsEveryChangeOfALine) {
  open();
  for (int i = 0; i < 5; ++i) write(entry());
  log_.reset();
  const std::string path = files().at(0), good = read(path);
  std::vector<std::string> split;
  std::istringstream in(good);
  for (std::string line; std::getline(in, line);) split.push_back(line + "\n");
  const auto joined = [](const std::vector<std::string>& all) {
    std::string text;
    for (const auto& line : all) text += line;
    return text;
  };
  EXPECT_EQ(check().fault, "");
  for (std::size_t i = 0; i + 1 < split.size(); ++i) {
    auto changed = split;
    changed[i].replace(changed[i].find("\"at\":\"2026"), 10, "\"at\":\"2025");
    rewrite(path, joined(changed));
    EXPECT_NE(check().fault, "") << "changed " << i;
    auto shorter = split;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    rewrite(path, joined(shorter));
    if (i > 0) {
      EXPECT_NE(check().fault, "") << "left out " << i;
    }
    auto longer = split;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(i), split[i]);
    rewrite(path, joined(longer));
    EXPECT_NE(check().fault, "") << "put in " << i;
  }
  rewrite(path, good.substr(0, good.size() - 1));
  EXPECT_NE(check().fault, "") << "cut off";
}

TEST_F(AccessLogTest, GoesOnBehindATornLine) {
  open();
  write(entry());
  log_.reset();
  const std::string path = files().at(0);
  rewrite(path, read(path) + "{\"line\":3,\"bef");
  open();
  write(entry());
  log_.reset();
  EXPECT_EQ(check().fault, "");
  EXPECT_EQ(check().last, 4u);
  EXPECT_EQ(lines(path).at(2)["cut_off_bytes"], 14);
}

TEST_F(AccessLogTest, CutsOffTheZerosThatAMachinesStopLeaves) {
  for (const std::size_t zeros : {1u, 4'096u, 200'000u}) {
    open();
    write(entry());
    log_.reset();
    const std::string path = files().at(0), good = read(path);
    rewrite(path, good + "{\"line\":" + std::string(zeros, '\0'));
    open();
    EXPECT_EQ(log_->cut_off_bytes(), 8 + zeros);
    write(entry());
    log_.reset();
    EXPECT_EQ(read(path).substr(0, good.size()), good);
    EXPECT_EQ(check().fault, "");
    ASSERT_FALSE(check().notes.empty());
    EXPECT_NE(check().notes.back().find("cut off " + std::to_string(8 + zeros) + " bytes"),
              std::string::npos);
  }
}

TEST_F(AccessLogTest, GoesOnFromTheDayBeforeWhereADaysFileIsAllZeros) {
  open();
  write(entry());
  log_.reset();
  clock_.advance(ms_per_day);
  rewrite(access_log_path(options_.directory, local_day(clock_.now(), options_.offset)),
          std::string(100'000, '\0'));
  open();
  write(entry());
  log_.reset();
  EXPECT_EQ(files().size(), 2u);
  EXPECT_EQ(check().fault, "");
  EXPECT_EQ(check().last, 4u);
}

TEST_F(AccessLogTest, SaysThatZerosBetweenLinesNeverReachedTheDisk) {
  open();
  for (int i = 0; i < 3; ++i) write(entry());
  log_.reset();
  std::string text = read(files().at(0));
  const std::size_t second = text.find('\n') + 1;
  text.replace(second, text.find('\n', second) - second, 100, '\0');
  rewrite(files().at(0), text);
  EXPECT_NE(check().fault.find("zero bytes: the machine stopped"), std::string::npos) << check().fault;
  open();  // what is there stays there
  EXPECT_EQ(log_->cut_off_bytes(), 0u);
}

TEST_F(AccessLogTest, TakesNoLineUntilWhatWasWrittenIsOnTheDisk) {
  open();
  write(entry());
  clock_.advance(ms_per_day);
  // Tomorrow's file takes every byte and can't be synced.
  const std::string tomorrow = access_log_path(options_.directory, local_day(clock_.now(), options_.offset));
  fs::create_symlink("/dev/null", tomorrow);
  EXPECT_TRUE(write(entry())) << "a line is written, and synced within a second";
  std::unique_lock lock(failed_mutex_);
  failed_.wait(lock, [&] { return failures_ > 0; });
  lock.unlock();
  EXPECT_FALSE(write(entry()));
  EXPECT_FALSE(write(entry()));
  log_.reset();
  fs::remove(tomorrow);
  open();
  EXPECT_TRUE(write(entry()));
}

TEST_F(AccessLogTest, BoundsWhatWaitsByItsBytes) {
  std::promise<void> entered, let_go;
  bool held = false;
  log_ = AccessLog::open(
             options_, clock_,
             [&](std::function<void()> task) {
               loop_.post(std::move(task));
               if (std::exchange(held, true)) return;
               entered.set_value();  // the log's thread is kept from its next lines
               let_go.get_future().wait();
             },
             [](const Fault&) {})
             .value();
  log_->write(entry(), [](const Result<void>&) {});
  entered.get_future().wait();
  const AccessEntry large = entry(std::string(64u << 10, 'x'));
  constexpr std::size_t places = access_log_waiting_bytes_max / (64u << 10), asked = 2 * places;
  static_assert(asked < access_log_waiting_max);
  std::size_t written = 0, refused = 0;
  for (std::size_t i = 0; i < asked; ++i) {
    log_->write(large, [&](const Result<void>& outcome) { ++(outcome ? written : refused); });
  }
  EXPECT_NEAR(static_cast<double>(refused), static_cast<double>(asked - places), 2) << "told at once";
  let_go.set_value();
  loop_.run_until([&] { return written + refused == asked; });
  EXPECT_TRUE(write(entry()));
  log_.reset();
}

TEST_F(AccessLogTest, LeavesTheModeOfADirectoryThatIsThereAsItIs) {
  open();
  const auto mode = [&] { return fs::status(options_.directory).permissions(); };
  EXPECT_EQ(mode(), fs::perms::owner_all);
  log_.reset();
  for (const unsigned deliberate : {0500u, 0700u, 0750u, 02770u}) {
    fs::permissions(options_.directory, static_cast<fs::perms>(deliberate));
    open();
    EXPECT_EQ(mode(), static_cast<fs::perms>(deliberate));
    log_.reset();
  }
  fs::permissions(options_.directory, static_cast<fs::perms>(0707));
  const auto refused = AccessLog::open(
      options_, clock_, [](const std::function<void()>&) {}, [](const Fault&) {});
  EXPECT_NE(refused.error().detail.find("chmod o-w"), std::string::npos);
}

TEST_F(AccessLogTest, RefusesToGoOnBehindWhatIsNoLine) {
  open();
  log_.reset();
  const std::string path = files().at(0);
  rewrite(path, read(path) + "something else\n");
  const auto opened = AccessLog::open(
      options_, clock_, [](const std::function<void()>&) {}, [](const Fault&) {});
  EXPECT_EQ(opened.error().code, "access_log_damaged");
}

TEST_F(AccessLogTest, DeletesAFileOnlyAfterTheRetention) {
  open();
  write(entry());
  clock_.advance(180 * ms_per_day);
  write(entry());
  EXPECT_EQ(files().size(), 2u);
  clock_.advance(ms_per_day);
  write(entry());
  EXPECT_EQ(files().size(), 2u);
  log_.reset();
  EXPECT_EQ(check().fault, "");
  EXPECT_EQ(check().first, 3u);
}

TEST_F(AccessLogTest, HasOneWriter) {
  open();
  const auto second = AccessLog::open(
      options_, clock_, [](const std::function<void()>&) {}, [](const Fault&) {});
  EXPECT_EQ(second.error().code, "access_log_failed");
}

TEST_F(AccessLogTest, NobodyForgesALine) {
  std::vector<std::string> hostile = {"a\nb",
                                      "a\r\n{\"line\":7}",
                                      "\x1b[2J",
                                      "\xe2\x80\xa8",
                                      "\xe2\x80\xae",
                                      "\xff\xfe",
                                      std::string("a\0b", 3),
                                      "\x7f",
                                      "\xc2\x9b",
                                      "\"},{\"",
                                      std::string(100'000, '\\')};
  for (const auto& each : hostile_texts()) hostile.push_back(each);
  open();
  for (const std::string& text : hostile) {
    clock_.advance(1'000);  // refusals have so many lines a second
    AccessEntry forged = entry("/v1/" + text);
    forged.method = text;
    forged.fault = text;
    EXPECT_TRUE(write(forged));
  }
  log_.reset();
  const std::string written = read(files().at(0));
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'),
            static_cast<std::ptrdiff_t>(hostile.size() + 1));
  for (const char c : written) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << static_cast<int>(c);
  EXPECT_EQ(check().fault, "");
  EXPECT_EQ(check().last, hostile.size() + 1);
}

TEST_F(AccessLogTest, CountsRefusedCallersApartAndLosesNoAnswerToThem) {
  open();
  AccessEntry refused = entry();
  refused.role = "ingest";
  refused.status = 403;
  refused.fault = "not for ingest";
  for (std::uint64_t i = 0; i < 3 * access_log_waiting_max; ++i) log_->write(refused, {});
  EXPECT_TRUE(write(entry()));
  log_.reset();
  std::uint64_t with_line = 0, others = 0;
  for (const Json& line : lines(files().at(0))) {
    if (line["event"] == "refused") ++with_line;
    if (line["event"] == "others_refused") others += line["entries"].get<std::uint64_t>();
  }
  EXPECT_EQ(with_line, access_refused_per_second_max);
  EXPECT_EQ(others, 3 * access_log_waiting_max - access_refused_per_second_max);
  EXPECT_EQ(check().fault, "");
}

TEST_F(AccessLogTest, CountsStrangersWhoKnockTooOften) {
  open();
  AccessEntry stranger = entry();
  stranger.role.clear();
  stranger.status = 401;
  stranger.fault = "nothing was shown";
  constexpr std::uint64_t knocks = access_refused_per_second_max + 50;
  for (std::uint64_t i = 0; i < knocks; ++i) log_->write(stranger, {});
  AccessEntry known = stranger;
  known.role = "auditor";
  EXPECT_TRUE(write(known)) << "who is known has a line";
  clock_.advance(1'000);
  stranger.at = clock_.now();
  log_->write(stranger, {});
  log_.reset();
  std::uint64_t with_line = 0, others = 0;
  for (const Json& line : lines(files().at(0))) {
    if (line["event"] == "refused" && !line.contains("role")) ++with_line;
    if (line["event"] == "others_refused") others += line["entries"].get<std::uint64_t>();
  }
  EXPECT_EQ(with_line, access_refused_per_second_max + 1);
  EXPECT_EQ(others, 50u);
  EXPECT_EQ(check().fault, "");
}

TEST_F(AccessLogTest, HoldsNoSecret) {
  const std::string token = new_token("abcdefghijkl");
  AccessEntry leaking = entry("/v1/" + token + "?t=" + token);
  leaking.fault = leaking.method = token;
  const std::string line = format_access_line(1, std::string(64, '0'), leaking);
  EXPECT_EQ(line.find(token.substr(17, 8)), std::string::npos);
}

}  // namespace
}  // namespace voucherd::access
