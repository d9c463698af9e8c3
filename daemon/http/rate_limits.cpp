#include "daemon/http/rate_limits.h"

#include <algorithm>

#include "metering/core/assert.h"

namespace voucherd::http {

namespace {

/// Looking for full buckets costs a walk over all of them.
constexpr std::chrono::seconds clearing_interval{1};

}  // namespace

RateLimits::RateLimits(std::uint64_t per_second, std::uint64_t burst, std::size_t keys_max)
    : interval_(per_second == 0 ? 0 : 1'000'000'000 / static_cast<std::int64_t>(per_second)),
      tolerance_(interval_ * static_cast<std::int64_t>(burst)),
      keys_max_(keys_max) {
  VOUCHERD_ASSERT(per_second <= 1'000'000'000 && burst > 0);
}

std::optional<std::uint64_t> RateLimits::take(std::string_view key, Time now) {
  if (interval_.count() == 0) return std::nullopt;
  Time& full_at = bucket_of(key, now);
  const Time would_be = std::max(full_at, now) + interval_;
  if (would_be - now > tolerance_) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(would_be - now - tolerance_);
    return static_cast<std::uint64_t>(wait.count());
  }
  full_at = would_be;
  return std::nullopt;
}

RateLimits::Time& RateLimits::bucket_of(std::string_view key, Time now) {
  std::string name(key);
  if (const auto known = full_at_.find(name); known != full_at_.end()) return known->second;
  if (full_at_.size() >= keys_max_ && now >= next_clearing_) {
    next_clearing_ = now + clearing_interval;
    // One that is full is as good as none.
    std::erase_if(full_at_, [now](const auto& bucket) { return bucket.second <= now; });
  }
  if (full_at_.size() >= keys_max_) return shared_full_at_;
  return full_at_.try_emplace(std::move(name)).first->second;
}

}  // namespace voucherd::http
