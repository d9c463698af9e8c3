// Time at a fixed offset from UTC (rules §2): instants in milliseconds, local days
// and months. No time zone data and no host setting takes part.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "metering/core/result.h"

namespace voucherd {

/// Milliseconds since 1970-01-01T00:00:00Z.
struct Instant {
  std::int64_t ms = 0;
  friend auto operator<=>(const Instant&, const Instant&) = default;
};

/// The journal's offset from UTC in minutes (+480 is +08:00); −1439 … 1439. Never changes.
struct UtcOffset {
  std::int32_t minutes = 480;
  friend auto operator<=>(const UtcOffset&, const UtcOffset&) = default;
};

/// A calendar day at the journal's offset: days since 1970-01-01 (local).
struct LocalDay {
  std::int32_t days = 0;
  friend auto operator<=>(const LocalDay&, const LocalDay&) = default;
};

/// A calendar month at the journal's offset: months since 1970-01 (local).
struct Month {
  std::int32_t months = 0;
  friend auto operator<=>(const Month&, const Month&) = default;
  int year() const;
  int month() const;  // 1 … 12
  Month next() const { return {months + 1}; }
  Month previous() const { return {months - 1}; }
};

inline constexpr std::int64_t ms_per_day = 86'400'000;
inline constexpr LocalDay local_day_max{2'932'896};  // 9999-12-31

/// RFC 3339 `date-time` with any offset, cut off to the millisecond (towards the past).
/// Fault "time_malformed" (a leap second, :60, is refused too: it has no place on this scale).
Result<Instant> parse_instant(std::string_view text);
/// RFC 3339 with the offset; milliseconds only where they are not zero.
std::string format_instant(Instant instant, UtcOffset offset);

/// "+08:00". Fault "utc_offset_malformed".
Result<UtcOffset> parse_utc_offset(std::string_view text);
std::string to_string(UtcOffset offset);

LocalDay local_day(Instant instant, UtcOffset offset);
Instant start_of(LocalDay day, UtcOffset offset);
Month month_of(LocalDay day);
Month make_month(int year, int month);
LocalDay first_day(Month month);

/// "YYYY-MM-DD", years 0001 … 9999. Fault "date_malformed".
Result<LocalDay> parse_day(std::string_view text);
std::string to_string(LocalDay day);
/// "YYYY-MM". Fault "period_malformed".
Result<Month> parse_month(std::string_view text);
std::string to_string(Month month);

}  // namespace voucherd
