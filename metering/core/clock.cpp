// The host's clock, cut off to the millisecond: read by the shell only.
#include "metering/core/clock.h"

#include <chrono>

namespace voucherd {

Instant SystemClock::now() const {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return {now.time_since_epoch().count()};
}

}  // namespace voucherd
