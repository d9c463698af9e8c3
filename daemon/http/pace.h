// Whether an answer is read fast enough: so many bytes a second on average, over all its pieces. Kept as one
// instant, at which the reader will have been too slow, which each byte that goes moves on. While the reader
// waits for us, it stands still.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace voucherd::http {

class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::nanoseconds;

  /// `bytes_per_second` 0: any pace. What is read faster counts ahead, but never for more than `ahead_max`:
  /// a megabyte at once is no leave to take a byte a minute for the rest of the day.
  Pace(std::uint64_t bytes_per_second, Duration grace, Duration ahead_max)
      : bytes_per_second_(bytes_per_second), grace_(grace), ahead_max_(std::max(grace, ahead_max)) {}

  /// A new answer; it waits for its reader once resume() is called.
  void begin() { left_ = grace_; }
  void resume(Time now) { over_at_ = now + left_; }
  /// The reader has all that there is, and waits for more.
  void pause(Time now) {
    left_ = over_at_ - now;
    over_at_ = Time::max();
  }
  void moved(std::uint64_t bytes, Time now) {
    if (bytes_per_second_ == 0) return;
    const std::uint64_t seconds = bytes / bytes_per_second_, rest = bytes % bytes_per_second_;
    const auto worth = std::chrono::seconds(seconds) + Duration(rest * 1'000'000'000 / bytes_per_second_);
    over_at_ = std::min(over_at_ + worth, now + ahead_max_);
  }
  bool is_over(Time now) const { return bytes_per_second_ > 0 && now >= over_at_; }

 private:
  std::uint64_t bytes_per_second_;
  Duration grace_, ahead_max_;
  Duration left_{};
  Time over_at_ = Time::max();
};

}  // namespace voucherd::http
