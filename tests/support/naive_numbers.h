// The auditor's own arithmetic: decimals, money words and a calendar, written from the rules alone
// and slowly on purpose (a year is counted day by day), so that it shares no mistake with the
// code that it audits. Exact integers and fractions throughout.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace naive {

using Int = boost::multiprecision::cpp_int;
/// Never divide one by an integer: Boost 1.81 gives 1/1 for (1/1)/100. Fraction(a, b) and fraction by
/// fraction are right.
using Fraction = boost::multiprecision::cpp_rational;

/// A JSON number's text as an exact fraction; nullopt where it is none or has over 40 characters.
std::optional<Fraction> read_decimal(const std::string& text);
/// A fraction whose decimal expansion ends (at most 18 digits), without trailing zeros.
std::string show_decimal(const Fraction& value);
/// Whole fen as yuan with two digits.
std::string show_fen(const Int& fen);
/// Half away from zero.
Int round_half_away(const Fraction& value);
/// 人民币大写 (rules §9).
std::string rmb_words(const Int& fen);

/// A calendar date.
struct Date {
  int year = 1970, month = 1, day = 1;
};
int days_in_month(int year, int month);
/// Days since 1970-01-01.
int day_number(int year, int month, int day);
Date date_of(int day_number);
/// Months since 1970-01 of a day.
int month_of_day(int day_number);
int first_day_of_month(int month);

/// RFC 3339 to milliseconds since 1970 UTC, cut off; nullopt where it is none.
std::optional<std::int64_t> read_instant(const std::string& text);
/// With the offset; milliseconds only where not zero.
std::string show_instant(std::int64_t ms, int offset_minutes);
int local_day_of(std::int64_t ms, int offset_minutes);
std::int64_t day_start_ms(int day, int offset_minutes);
int read_day(const std::string& text);  // "2026-03-01"
std::string show_day(int day);
std::string show_month(int month);            // "2026-03"
std::string show_offset(int offset_minutes);  // "+08:00"
/// The check character of rules §9 for the first 17.
char uscc_check_character(const std::string& first_17);

}  // namespace naive
