// Token buckets by key (an address, a token): so many a second on average, so many at once. Each bucket is
// one instant, the one at which it will be full again, so that there is nothing to refill and no fraction to
// round. Keys are bounded: a flood of them costs neither memory nor the limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace voucherd::http {

class RateLimits {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `per_second` 0: no limit. Buckets beyond `keys_max` that are in use share one.
  RateLimits(std::uint64_t per_second, std::uint64_t burst, std::size_t keys_max);

  /// Takes one of the key's. Where there is none: in how many seconds there will be one, at least 1, for
  /// Retry-After.
  std::optional<std::uint64_t> take(std::string_view key, Time now);

 private:
  Time& bucket_of(std::string_view key, Time now);

  std::chrono::nanoseconds interval_, tolerance_;  // between two of them; of the whole burst
  std::size_t keys_max_;
  std::unordered_map<std::string, Time> full_at_;
  Time shared_full_at_{};
  Time next_clearing_{};
};

}  // namespace voucherd::http
