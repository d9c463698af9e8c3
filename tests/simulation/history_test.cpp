// Seeded random histories against the program and the auditor. A failure prints its seed and what
// was done; VOUCHERD_SIM_SEED=<seed> VOUCHERD_SIM_COUNT=1 runs it again.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/simulation/history.h"

namespace voucherd::simulation {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread starts
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

constexpr int failures_max = 3;
constexpr std::uint64_t histories_to_see_all = 300;

/// What a long run must have met, or the workload no longer tests what it is for.
const std::vector<std::string> must_be_seen{"accepted",
                                            "duplicate",
                                            "conflict",
                                            "malformed",
                                            "clock_behind",
                                            "quantity_not_positive",
                                            "quantity_malformed",
                                            "quantity_too_fine",
                                            "quantity_out_of_range",
                                            "interval_incomplete",
                                            "interval_reversed",
                                            "interval_too_long",
                                            "no_usage_time",
                                            "usage_in_future",
                                            "usage_too_old",
                                            "firm_unknown",
                                            "sku_unknown",
                                            "subject_invalid",
                                            "type_unknown",
                                            "specversion_unsupported",
                                            "member_missing",
                                            "member_too_long",
                                            "time_malformed",
                                            "change 0",
                                            "change 409",
                                            "change 422",
                                            "close",
                                            "close signed off",
                                            "close refused: not ended",
                                            "close refused: quarantine",
                                            "close refused: unpriced",
                                            "close refused: earlier month open",
                                            "adjustment",
                                            "tiers",
                                            "contract",
                                            "at the cap",
                                            "clawback",
                                            "other centres",
                                            "two years",
                                            "unpriced",
                                            "deduct",
                                            "ineligible: policy_not_in_force",
                                            "ineligible: sku_not_subsidised",
                                            "ineligible: related_party",
                                            "ineligible: firm_not_eligible"};

TEST(HistoryTest, EveryHistoryIsAsTheAuditorComputesIt) {
  const std::uint64_t first = from_environment("VOUCHERD_SIM_SEED", 1);
  const std::uint64_t count = from_environment("VOUCHERD_SIM_COUNT", VOUCHERD_SIM_COUNT);
  Features features;
  features.corrections = from_environment("VOUCHERD_SIM_CORRECTIONS", VOUCHERD_SIM_CORRECTIONS) != 0;
  int failures = 0;
  std::size_t comparisons = 0;
  std::map<std::string, std::uint64_t> seen;
  for (std::uint64_t seed = first; seed < first + count && failures < failures_max; ++seed) {
    std::string log;
    try {
      History history(seed, features);
      try {
        history.run();
      } catch (...) {
        log = history.log();
        throw;
      }
      comparisons += history.comparisons();
      for (const auto& [what, times] : history.seen()) seen[what] += times;
    } catch (const std::exception& found) {
      ++failures;
      ADD_FAILURE() << "VOUCHERD_SIM_SEED=" << seed << "\n" << log << "\n" << found.what();
    }
  }
  std::cout << count << " histories from seed " << first << ", " << comparisons
            << " comparisons of everything\n";
  EXPECT_GT(comparisons, 0u);
  for (const auto& [what, times] : seen) std::cout << "  " << what << ": " << times << "\n";
  if (count < histories_to_see_all || failures > 0) return;
  for (const std::string& what : must_be_seen) EXPECT_TRUE(seen.contains(what)) << what;
  if (!features.corrections) return;
  for (const char* what : {"correction_target_unknown", "correction_of_correction", "correction_firm_differs",
                           "released", "released in vain", "dismissal 0"}) {
    EXPECT_TRUE(seen.contains(what)) << what;
  }
}

}  // namespace
}  // namespace voucherd::simulation
