// Reads the instants of a stream. Three stand in every event, nearly all of the same few dates and of one
// offset: what was worked out for the one before is not worked out again.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "metering/core/time.h"

namespace voucherd {

/// Owned by one thread.
class InstantReader {
 public:
  /// As parse_instant(), which says why where this returns false.
  bool read(std::string_view text, Instant& instant);

 private:
  static constexpr std::size_t date_bytes = 10;   // "2026-03-01"
  static constexpr std::size_t offset_bytes = 6;  // "+08:00"
  static constexpr std::array<char, offset_bytes> utc{'+', '0', '0', ':', '0', '0'};
  bool read_date(const char* text);
  bool read_zone(std::string_view text);

  std::array<char, date_bytes> date_{'1', '9', '7', '0', '-', '0', '1', '-', '0', '1'};
  std::array<char, offset_bytes> offset_ = utc;
  std::int64_t date_ms_ = 0;    // of date_'s start in UTC
  std::int64_t offset_ms_ = 0;  // of offset_
};

}  // namespace voucherd
