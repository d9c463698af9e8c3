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

TEST(HistoryTest, EveryHistoryIsAsTheAuditorComputesIt) {
  const std::uint64_t first = from_environment("VOUCHERD_SIM_SEED", 1);
  const std::uint64_t count = from_environment("VOUCHERD_SIM_COUNT", VOUCHERD_SIM_COUNT);
  Features features;
  features.corrections = from_environment("VOUCHERD_SIM_CORRECTIONS", VOUCHERD_SIM_CORRECTIONS) != 0;
  int failures = 0;
  std::size_t comparisons = 0;
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
    } catch (const std::exception& found) {
      ++failures;
      ADD_FAILURE() << "VOUCHERD_SIM_SEED=" << seed << "\n" << log << "\n" << found.what();
    }
  }
  std::cout << count << " histories from seed " << first << ", " << comparisons
            << " comparisons of everything\n";
  EXPECT_GT(comparisons, 0u);
}

}  // namespace
}  // namespace voucherd::simulation
