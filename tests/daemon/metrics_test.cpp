// What /metrics shows, and that promtool finds nothing wrong with it.
#include "daemon/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace voucherd {
namespace {

using testing::HasSubstr;
using testing::Not;

MetricsSnapshot full_snapshot() {
  MetricsSnapshot s;
  s.events_received = 10;
  s.events_accepted = 5;
  s.events_duplicate = 2;
  s.events_conflict = 1;
  s.events_refused = 6;
  s.events_quarantined = 2;
  s.commit_groups = 3;
  s.queue_bytes = 4096;
  s.clock_behind = true;
  s.facts_import_failed = true;
  s.tree_head_size = 1842;
  s.tree_head_failed = true;
  s.tls_reload_failed = true;
  s.tls_certificate_expires_s = 1'800'000'000;
  s.accepted_by_kind["compute"] = Quantity{static_cast<Int128>(12'500'000'000)};
  s.charged_by_kind["storage"] = Quantity{static_cast<Int128>(1'000'000'000) * 1'000'000'000'000};
  s.subsidy_granted = billing::Fen{2125};
  s.subsidy_open = billing::Fen{-400};
  s.subsidy_by_year[2026] = billing::Fen{1725};
  s.budget_by_year[2026] = billing::Fen{500000};
  s.closed_until = Instant{1'772'294'400'000};
  s.process_start = Instant{1'700'000'000'500};
  s.journal_append_seconds = 0.25;
  s.checkpoint_cpu_seconds = 0.125;
  return s;
}

TEST(MetricsTest, ShowsTheSnapshot) {
  Metrics metrics({"0.1.0", "GCC 12.2", "7.8.3"});
  const std::string text = metrics.render(full_snapshot());
  for (const char* line : {
           "\nvoucherd_events_received_total 10\n",
           "\nvoucherd_events_accepted_total 5\n",
           "\nvoucherd_events_duplicate_total 2\n",
           "\nvoucherd_events_conflict_total 1\n",
           "\nvoucherd_events_refused_total 6\n",
           "\nvoucherd_events_quarantined_total 2\n",
           "\nvoucherd_commit_groups_total 3\n",
           "\nvoucherd_journal_append_seconds_total 0.25\n",
           "\nvoucherd_checkpoint_cpu_seconds_total 0.125\n",
           "\nvoucherd_queue_bytes 4096\n",
           "\nvoucherd_clock_behind 1\n",
           "\nvoucherd_facts_import_failed 1\n",
           "\nvoucherd_tree_head_size 1842\n",
           "\nvoucherd_tree_head_failed 1\n",
           "\nvoucherd_tls_reload_failed 1\n",
           "\nvoucherd_tls_certificate_expires_timestamp_seconds 1800000000\n",
           "\nvoucherd_accepted_quantity{kind=\"compute\"} 12.5\n",
           "\nvoucherd_charged_quantity{kind=\"storage\"} 1000000000000\n",
           "\nvoucherd_subsidy_granted_fen 2125\n",
           "\nvoucherd_subsidy_open_fen -400\n",
           "\nvoucherd_subsidy_cap_used_fen{year=\"2026\"} 1725\n",
           "\nvoucherd_programme_budget_fen{year=\"2026\"} 500000\n",
           "\nvoucherd_closed_until_timestamp_seconds 1772294400\n",
           "\nprocess_start_time_seconds 1700000000.5\n",
           "\nvoucherd_identity_quantity_difference 0\n",
           "\nvoucherd_identity_lines_difference 0\n",
           "\nvoucherd_identity_subsidy_difference 0\n",
           "\nvoucherd_identity_ingest_difference 0\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(
      text, HasSubstr("voucherd_build_info{compiler=\"GCC 12.2\",rocksdb=\"7.8.3\",version=\"0.1.0\"} 1\n"));
}

TEST(MetricsTest, ShowsADifferenceOfOneHoweverLargeTheSums) {
  Metrics metrics({});
  MetricsSnapshot s;
  s.events_received = (std::uint64_t{1} << 60) + 1;
  s.events_accepted = std::uint64_t{1} << 60;
  s.difference_quantity = 1;
  s.difference_lines = -1;
  s.difference_subsidy = static_cast<Int128>(1) << 90;
  const std::string text = metrics.render(s);
  EXPECT_THAT(text, HasSubstr("\nvoucherd_identity_ingest_difference 1\n"));
  EXPECT_THAT(text, HasSubstr("\nvoucherd_identity_quantity_difference 1\n"));
  EXPECT_THAT(text, HasSubstr("\nvoucherd_identity_lines_difference -1\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nvoucherd_identity_subsidy_difference 0\n")));
}

TEST(MetricsTest, FollowsTheTotalsFromOneRenderToTheNext) {
  Metrics metrics({});
  MetricsSnapshot s = full_snapshot();
  metrics.render(s);
  s.events_received = s.events_accepted = 1'000'000'007;
  s.clock_behind = false;
  s.accepted_by_kind["compute"] = Quantity{};
  const std::string text = metrics.render(s);
  EXPECT_THAT(text, HasSubstr("\nvoucherd_events_received_total 1000000007\n"));
  EXPECT_THAT(text, HasSubstr("\nvoucherd_clock_behind 0\n"));
  EXPECT_THAT(text, HasSubstr("\nvoucherd_accepted_quantity{kind=\"compute\"} 0\n"));
}

TEST(MetricsTest, ATotalThatIsNoIntegerMayStay) {
  // Added up as prometheus-cpp does, 0.002973112 + (0.594343148 - 0.002973112) is more than 0.594343148:
  // rendering that total again once ended the daemon.
  constexpr double first = 0.002973112, second = 0.594343148;
  ASSERT_GT(first + (second - first), second);
  Metrics metrics({});
  MetricsSnapshot s;
  s.journal_append_seconds = first;
  metrics.render(s);
  s.journal_append_seconds = second;
  const std::string text = metrics.render(s);
  EXPECT_EQ(metrics.render(s), text);
}

TEST(MetricsTest, CountsRequestsByRouteAndStatus) {
  Metrics metrics({});
  metrics.count_request("/v1/events", 200);
  metrics.count_request("/v1/events", 200);
  metrics.count_request("/v1/events", 503);
  metrics.count_request("", 404);
  const std::string text = metrics.render({});
  EXPECT_THAT(text, HasSubstr("voucherd_http_requests_total{route=\"/v1/events\",status=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("voucherd_http_requests_total{route=\"/v1/events\",status=\"503\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("voucherd_http_requests_total{route=\"\",status=\"404\"} 1\n"));
}

TEST(MetricsTest, CommitsAreObservedFromAnyThread) {
  Metrics metrics({});
  std::thread writer([&] {
    for (int i = 0; i < 1'000; ++i) metrics.observe_commit(0.002);
  });
  for (int i = 0; i < 100; ++i) metrics.render({});
  writer.join();
  const std::string text = metrics.render({});
  EXPECT_THAT(text, HasSubstr("voucherd_commit_seconds_count 1000\n"));
  EXPECT_THAT(text, HasSubstr("voucherd_commit_seconds_bucket{le=\"0.001\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("voucherd_commit_seconds_bucket{le=\"0.0025\"} 1000\n"));
}

TEST(MetricsTest, KnowsTheMemoryOfTheProcess) { EXPECT_GT(resident_memory_bytes(), 100'000u); }

TEST(MetricsTest, PromtoolHasNoComplaint) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "promtool is not installed";
  Metrics metrics({"0.1.0", "GCC 12.2", "7.8.3"});
  metrics.count_request("/v1/events", 200);
  metrics.observe_commit(0.001);
  const std::string base = testing::TempDir() + "voucherd_metrics_" + std::to_string(::getpid());
  std::ofstream(base + ".txt") << metrics.render(full_snapshot());
  const std::string command = "promtool check metrics <" + base + ".txt >" + base + ".out 2>&1";
  const int status = std::system(command.c_str());
  std::ostringstream said;
  said << std::ifstream(base + ".out").rdbuf();
  std::remove((base + ".txt").c_str());
  std::remove((base + ".out").c_str());
  EXPECT_EQ(status, 0) << said.str();
  EXPECT_EQ(said.str(), "");
}

}  // namespace
}  // namespace voucherd
