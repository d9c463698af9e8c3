#include "tests/support/naive_numbers.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <regex>
#include <string_view>
#include <vector>

namespace naive {

namespace {

constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1000;

Int power_of_ten(int exponent) {
  Int result = 1;
  for (int i = 0; i < exponent; ++i) result *= 10;
  return result;
}

std::string padded(int value, int width) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%0*d", width, value);
  return text.data();
}

}  // namespace

std::optional<Fraction> read_decimal(const std::string& text) {
  if (text.size() > 40) return std::nullopt;
  std::size_t at = 0;
  const auto digit = [&] { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) ++at;
  if (!digit()) return std::nullopt;
  if (text[at] == '0' && at + 1 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '9')
    return std::nullopt;
  Int digits = 0;
  while (digit()) digits = digits * 10 + (text[at++] - '0');
  int scale = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digit()) return std::nullopt;
    for (; digit(); ++scale) digits = digits * 10 + (text[at++] - '0');
  }
  int exponent = 0;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const bool down = at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (!digit()) return std::nullopt;
    while (digit()) exponent = std::min(exponent * 10 + (text[at++] - '0'), 10'000);
    if (down) exponent = -exponent;
  }
  if (at != text.size()) return std::nullopt;
  if (negative) digits = -digits;
  exponent -= scale;
  if (exponent >= 0) return Fraction(digits * power_of_ten(exponent));
  return Fraction(digits, power_of_ten(-exponent));
}

std::string show_decimal(const Fraction& value) {
  const Int scaled = numerator(Fraction(value * power_of_ten(18)));
  std::string text = Int(abs(scaled)).str();
  if (text.size() < 19) text.insert(0, 19 - text.size(), '0');
  text.insert(text.size() - 18, 1, '.');
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  if (scaled < 0) text.insert(0, 1, '-');
  return text;
}

std::string show_fen(const Int& fen) {
  std::string text = Int(abs(fen)).str();
  if (text.size() < 3) text.insert(0, 3 - text.size(), '0');
  text.insert(text.size() - 2, 1, '.');
  if (fen < 0) text.insert(0, 1, '-');
  return text;
}

Int round_half_away(const Fraction& value) {
  const Int top = 2 * abs(numerator(value)) + denominator(value);
  const Int bottom = 2 * denominator(value);
  const Int rounded = top / bottom;
  return value < 0 ? Int(-rounded) : rounded;
}

std::string rmb_words(const Int& fen) {
  static const std::array<const char*, 10> digit_words{"零", "壹", "贰", "叁", "肆",
                                                       "伍", "陆", "柒", "捌", "玖"};
  static const std::array<const char*, 4> place_words{"", "拾", "佰", "仟"};
  // 亿 is said once, behind all that is above it: 1000 0095 0000 0000 is 壹仟万零玖拾伍亿.
  static const std::array<const char*, 4> group_words{"", "万", "亿", "万"};
  const Int amount = abs(fen);
  const std::string yuan = Int(amount / 100).str();
  const int jiao = static_cast<int>(Int(amount / 10 % 10));
  const int cents = static_cast<int>(Int(amount % 10));
  std::string words = fen < 0 ? "人民币（负数）" : "人民币";
  bool zero_waits = false;
  bool group_said = false;
  bool any = false;
  for (std::size_t i = 0; yuan != "0" && i < yuan.size(); ++i) {
    const std::size_t place = yuan.size() - 1 - i;
    const auto value = static_cast<std::size_t>(yuan[i] - '0');
    if (value == 0) {
      zero_waits = true;
    } else {
      if (zero_waits && any) words += "零";
      words += std::string(digit_words.at(value)) + place_words.at(place % 4);
      zero_waits = false;
      group_said = any = true;
    }
    if (place % 4 == 0) {
      if (group_said) {
        words += group_words.at(place / 4);
        zero_waits = false;
      } else if (place == 8 && any) {
        words += group_words.at(2);
      }
      group_said = false;
    }
  }
  if (any) words += "元";
  if (jiao == 0 && cents == 0) return words + (any ? "整" : "零元整");
  if (any && (yuan.back() == '0' || jiao == 0)) words += "零";
  if (jiao != 0) words += std::string(digit_words.at(static_cast<std::size_t>(jiao))) + "角";
  if (cents != 0) words += std::string(digit_words.at(static_cast<std::size_t>(cents))) + "分";
  return words;
}

int days_in_month(int year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int day_number(int year, int month, int day) {
  return first_day_of_month((year - 1970) * 12 + month - 1) + day - 1;
}

namespace {

/// Day numbers of the first of each month, counted up once: asked for all the time.
const std::vector<int>& first_days() {
  static const std::vector<int> days = [] {
    std::vector<int> first{0};
    for (int month = 0; month < 12 * 400; ++month) {
      first.push_back(first.back() + days_in_month(1970 + month / 12, month % 12 + 1));
    }
    return first;
  }();
  return days;
}

}  // namespace

int first_day_of_month(int month) { return first_days().at(static_cast<std::size_t>(month)); }

Date date_of(int day_number) {
  const int month = month_of_day(day_number);
  return {1970 + month / 12, month % 12 + 1, day_number - first_day_of_month(month) + 1};
}

int month_of_day(int day_number) {
  const std::vector<int>& first = first_days();
  return static_cast<int>(std::upper_bound(first.begin(), first.end(), day_number) - first.begin()) - 1;
}

std::optional<std::int64_t> read_instant(const std::string& text) {
  static const std::regex shape(
      R"((\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.(\d+))?([Zz]|[+-]\d\d:\d\d))");
  std::smatch part;
  if (!std::regex_match(text, part, shape)) return std::nullopt;
  const auto number = [&](std::size_t i) { return std::stoi(part[i].str()); };
  const int year = number(1);
  const int month = number(2);
  const int day = number(3);
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
    return std::nullopt;
  if (number(4) > 23 || number(5) > 59 || number(6) > 59) return std::nullopt;
  std::int64_t ms = day_number(year, month, day) * day_ms;
  ms += ((number(4) * 60LL + number(5)) * 60 + number(6)) * 1000;
  ms += std::stoi((part[8].str() + "000").substr(0, 3));
  const std::string zone = part[9].str();
  if (zone.size() == 6) {
    const int minutes = std::stoi(zone.substr(1, 2)) * 60 + std::stoi(zone.substr(4, 2));
    ms -= (zone[0] == '-' ? -minutes : minutes) * 60'000LL;
  }
  return ms;
}

int local_day_of(std::int64_t ms, int offset_minutes) {
  return static_cast<int>((ms + offset_minutes * 60'000LL) / day_ms);
}

std::int64_t day_start_ms(int day, int offset_minutes) { return day * day_ms - offset_minutes * 60'000LL; }

std::string show_instant(std::int64_t ms, int offset_minutes) {
  const int day = local_day_of(ms, offset_minutes);
  const auto in_day = static_cast<int>(ms - day_start_ms(day, offset_minutes));
  std::string text = show_day(day) + "T" + padded(in_day / 3'600'000, 2) + ":" +
                     padded(in_day / 60'000 % 60, 2) + ":" + padded(in_day / 1000 % 60, 2);
  if (in_day % 1000 != 0) text.append(".").append(padded(in_day % 1000, 3));
  return text + show_offset(offset_minutes);
}

int read_day(const std::string& text) {
  return day_number(std::stoi(text.substr(0, 4)), std::stoi(text.substr(5, 2)), std::stoi(text.substr(8, 2)));
}

std::string show_day(int day) {
  const Date date = date_of(day);
  return padded(date.year, 4) + "-" + padded(date.month, 2) + "-" + padded(date.day, 2);
}

std::string show_month(int month) { return padded(1970 + month / 12, 4) + "-" + padded(month % 12 + 1, 2); }

std::string show_offset(int offset_minutes) {
  const int size = std::abs(offset_minutes);
  std::string text = padded(size / 60, 2) + ":" + padded(size % 60, 2);
  text.insert(0, 1, offset_minutes < 0 ? '-' : '+');
  return text;
}

char uscc_check_character(const std::string& first_17) {
  static const std::string alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
  int sum = 0;
  int weight = 1;
  for (const char c : first_17) {
    sum += static_cast<int>(alphabet.find(c)) * weight;
    weight = weight * 3 % 31;
  }
  return alphabet[static_cast<std::size_t>((31 - sum % 31) % 31)];
}

}  // namespace naive
