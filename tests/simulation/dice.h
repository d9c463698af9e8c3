// Random choices that are the same on every machine for a seed: the standard's distributions are
// not, so they are not used.
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace voucherd::simulation {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  /// lowest … highest, both included.
  std::int64_t between(std::int64_t lowest, std::int64_t highest) {
    return lowest + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(highest - lowest + 1));
  }
  int roll(int lowest, int highest) { return static_cast<int>(between(lowest, highest)); }
  bool percent(int chance) { return between(0, 99) < chance; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(from.size()) - 1))];
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(i) - 1))]);
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace voucherd::simulation
