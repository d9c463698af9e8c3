// Calendar arithmetic on C++20's proleptic Gregorian calendar, with the journal's fixed
// offset added: no time zone data, no host setting, no leap seconds. Parsing reads digits
// at fixed places and gathers what is wrong in one flag, since three instants stand in
// every event.
#include "metering/core/time.h"

#include <chrono>
#include <cstddef>
#include <cstring>

#include "metering/core/excerpt.h"
#include "metering/core/instant_reader.h"

namespace voucherd {
namespace {

constexpr std::int64_t ms_per_minute = 60'000;
constexpr std::int32_t offset_minutes_max = 1439;
constexpr std::size_t shown_bytes_max = 64;  // of a bad text in a fault's sentence

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);  // b > 0
}

std::chrono::year_month_day calendar(LocalDay day) {
  return std::chrono::year_month_day{std::chrono::sys_days{std::chrono::days{day.days}}};
}

/// Reads digits at fixed places; `ok` turns false at the first character that is none.
struct DigitReader {
  const char* text;
  bool ok = true;

  unsigned digit(std::size_t at) {
    const unsigned value = static_cast<unsigned>(static_cast<unsigned char>(text[at])) - '0';
    ok &= value <= 9;
    return value;
  }
  unsigned two(std::size_t at) { return digit(at) * 10 + digit(at + 1); }
  unsigned four(std::size_t at) { return two(at) * 100 + two(at + 2); }
  void literal(std::size_t at, char expected) { ok &= text[at] == expected; }
};

Fault fault(const char* code, std::string_view text, const char* must) {
  return {code, "\"" + excerpt(text, shown_bytes_max) + "\" is no " + must};
}

Fault time_malformed(std::string_view text) {
  return fault("time_malformed", text, "RFC 3339 instant, like 2026-03-01T08:00:00+08:00");
}

/// The days of a calendar date; false where there is no such date.
bool days_of(unsigned year, unsigned month, unsigned day, std::int32_t& days) {
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(year)}, std::chrono::month{month},
                                         std::chrono::day{day}};
  if (!date.ok()) return false;
  days = static_cast<std::int32_t>(std::chrono::sys_days{date}.time_since_epoch().count());
  return true;
}

/// ".123456": the first three digits as milliseconds; `at` moves behind the fraction.
bool read_fraction(std::string_view text, std::size_t& at, unsigned& ms) {
  const std::size_t first = ++at;
  unsigned weight = 100;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    ms += weight * static_cast<unsigned>(text[at] - '0');
    weight /= 10;  // 0 from the fourth digit on: cut off
  }
  return at > first;
}

/// "+08:00", sign included.
bool read_offset(std::string_view text, std::int32_t& minutes) {
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-')) return false;
  DigitReader read{text.data()};
  const unsigned hour = read.two(1);
  read.literal(3, ':');
  const unsigned minute = read.two(4);
  if (!read.ok || hour > 23 || minute > 59) return false;
  const auto whole = static_cast<std::int32_t>(hour * 60 + minute);
  minutes = text[0] == '-' ? -whole : whole;
  return true;
}

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value < 0 ? -value : value);
  if (value < 0) out += '-';
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

bool has_four_digit_year(Instant instant, UtcOffset offset) {
  const int year = static_cast<int>(calendar(local_day(instant, offset)).year());
  return year >= 0 && year <= 9999;
}

}  // namespace

int Month::year() const { return static_cast<int>(1970 + floor_div(months, 12)); }
int Month::month() const { return static_cast<int>(months - floor_div(months, 12) * 12 + 1); }

bool InstantReader::read_date(const char* text) {
  if (std::memcmp(text, date_.data(), date_bytes) == 0) return true;
  DigitReader read{text};
  const unsigned year = read.four(0), month = read.two(5), day = read.two(8);
  read.literal(4, '-');
  read.literal(7, '-');
  std::int32_t days = 0;
  if (!read.ok || !days_of(year, month, day, days)) return false;
  std::memcpy(date_.data(), text, date_bytes);
  date_ms_ = days * ms_per_day;
  return true;
}

/// "Z" or "+08:00"; sets offset_ms_.
bool InstantReader::read_zone(std::string_view text) {
  if (text.size() == offset_bytes && std::memcmp(text.data(), offset_.data(), offset_bytes) == 0) return true;
  if (text == "Z" || text == "z") {
    offset_ = utc;
    offset_ms_ = 0;
    return true;
  }
  std::int32_t minutes = 0;
  if (!read_offset(text, minutes)) return false;
  std::memcpy(offset_.data(), text.data(), offset_bytes);
  offset_ms_ = minutes * ms_per_minute;
  return true;
}

bool InstantReader::read(std::string_view text, Instant& instant) {
  constexpr std::size_t seconds_end = 19;  // "2026-03-01T08:00:00"
  if (text.size() <= seconds_end) return false;
  DigitReader read{text.data()};
  const unsigned hour = read.two(11), minute = read.two(14), second = read.two(17);
  read.literal(13, ':');
  read.literal(16, ':');
  read.ok &= text[10] == 'T' || text[10] == 't';
  if (!read.ok || hour > 23 || minute > 59 || second > 59 || !read_date(text.data())) return false;
  std::size_t at = seconds_end;
  unsigned ms = 0;
  if (text[at] == '.' && !read_fraction(text, at, ms)) return false;
  if (!read_zone(text.substr(at))) return false;
  const std::int64_t seconds = (hour * 60 + minute) * 60 + second;
  instant.ms = date_ms_ + seconds * 1000 + ms - offset_ms_;
  return true;
}

Result<Instant> parse_instant(std::string_view text) {
  Instant instant;
  if (InstantReader().read(text, instant)) return instant;
  return time_malformed(text);
}

std::string format_instant(Instant instant, UtcOffset offset) {
  // An instant within hours of the years 0000 and 9999 may leave them at this offset, and RFC 3339
  // has four digits for a year: then it is written at an offset at which it has them.
  for (const std::int32_t minutes : {0, -offset_minutes_max, offset_minutes_max}) {
    if (has_four_digit_year(instant, offset)) break;
    offset.minutes = minutes;
  }
  const LocalDay day = local_day(instant, offset);
  const std::int64_t ms = instant.ms - start_of(day, offset).ms;
  std::string out = to_string(day);
  out += 'T';
  append_padded(out, ms / 3'600'000, 2);
  out += ':';
  append_padded(out, ms / ms_per_minute % 60, 2);
  out += ':';
  append_padded(out, ms / 1000 % 60, 2);
  if (ms % 1000 != 0) {
    out += '.';
    append_padded(out, ms % 1000, 3);
  }
  return out + to_string(offset);
}

Result<UtcOffset> parse_utc_offset(std::string_view text) {
  UtcOffset offset;
  if (!read_offset(text, offset.minutes)) {
    return fault("utc_offset_malformed", text, "offset from UTC, like +08:00");
  }
  return offset;
}

std::string to_string(UtcOffset offset) {
  std::string out(1, offset.minutes < 0 ? '-' : '+');
  const std::int32_t minutes = offset.minutes < 0 ? -offset.minutes : offset.minutes;
  append_padded(out, minutes / 60, 2);
  out += ':';
  append_padded(out, minutes % 60, 2);
  return out;
}

LocalDay local_day(Instant instant, UtcOffset offset) {
  return {static_cast<std::int32_t>(floor_div(instant.ms + offset.minutes * ms_per_minute, ms_per_day))};
}

Instant start_of(LocalDay day, UtcOffset offset) {
  return {day.days * ms_per_day - offset.minutes * ms_per_minute};
}

Month month_of(LocalDay day) {
  const std::chrono::year_month_day date = calendar(day);
  return make_month(static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())));
}

Month make_month(int year, int month) { return {(year - 1970) * 12 + month - 1}; }

LocalDay first_day(Month month) {
  const std::chrono::sys_days first =
      std::chrono::year{month.year()} / std::chrono::month{static_cast<unsigned>(month.month())} / 1;
  return {static_cast<std::int32_t>(first.time_since_epoch().count())};
}

Result<LocalDay> parse_day(std::string_view text) {
  LocalDay day;
  if (text.size() == 10) {
    DigitReader read{text.data()};
    const unsigned year = read.four(0), month = read.two(5), date = read.two(8);
    read.literal(4, '-');
    read.literal(7, '-');
    if (read.ok && year != 0 && days_of(year, month, date, day.days)) return day;
  }
  return fault("date_malformed", text, "date; write it as YYYY-MM-DD, from 0001-01-01 to 9999-12-31");
}

std::string to_string(LocalDay day) {
  const std::chrono::year_month_day date = calendar(day);
  std::string out;
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  return out;
}

Result<Month> parse_month(std::string_view text) {
  if (text.size() == 7) {
    DigitReader read{text.data()};
    const unsigned year = read.four(0), month = read.two(5);
    read.literal(4, '-');
    if (read.ok && year != 0 && month >= 1 && month <= 12) {
      return make_month(static_cast<int>(year), static_cast<int>(month));
    }
  }
  return fault("period_malformed", text, "month; write it as YYYY-MM");
}

std::string to_string(Month month) {
  std::string out;
  append_padded(out, month.year(), 4);
  out += '-';
  append_padded(out, month.month(), 2);
  return out;
}

}  // namespace voucherd
