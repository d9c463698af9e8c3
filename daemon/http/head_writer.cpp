// Writes response heads.
#include "daemon/http/head_writer.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "daemon/http/problem.h"
#include "metering/core/assert.h"

namespace voucherd::http {
namespace {

bool is_token(std::string_view name) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

bool belongs_to_connection(std::string_view name) {
  constexpr std::array<std::string_view, 5> names = {"content-length", "connection", "transfer-encoding",
                                                     "date", "content-type"};
  return std::any_of(names.begin(), names.end(), [&](std::string_view owned) {
    return std::equal(name.begin(), name.end(), owned.begin(), owned.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
  });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  VOUCHERD_ASSERT(is_token(name) && is_field_value(value));
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_two_digits(std::string& out, unsigned value) {
  out += static_cast<char>('0' + value / 10 % 10);
  out += static_cast<char>('0' + value % 10);
}

}  // namespace

bool may_have_body(int status) { return status != 204 && status != 304; }

std::string format_head(const Response& response, Framing framing, const std::string& date) {
  VOUCHERD_ASSERT(response.status >= 200 && response.status <= 599);
  std::string out;
  out.reserve(256);
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(reason_phrase(response.status)).append("\r\n");
  append_field(out, "Date", date);
  if (may_have_body(response.status)) {
    if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
    if (!response.next_piece) {
      append_field(out, "Content-Length", std::to_string(response.body.size()));
    } else if (!framing.http10) {
      append_field(out, "Transfer-Encoding", "chunked");
    }
  }
  if (framing.last) {
    append_field(out, "Connection", "close");
  } else if (framing.http10) {
    append_field(out, "Connection", "keep-alive");
  }
  for (const auto& [name, value] : response.headers) {
    VOUCHERD_ASSERT(!belongs_to_connection(name));
    append_field(out, name, value);
  }
  out.append("\r\n");
  return out;
}

std::string format_http_date(std::chrono::sys_seconds time) {
  constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string out(weekdays[std::chrono::weekday(day).c_encoding()]);
  out.append(", ");
  append_two_digits(out, static_cast<unsigned>(date.day()));
  out.append(" ").append(months[static_cast<unsigned>(date.month()) - 1]);
  out.append(" ").append(std::to_string(static_cast<int>(date.year()))).append(" ");
  append_two_digits(out, static_cast<unsigned>(clock.hours().count()));
  out += ':';
  append_two_digits(out, static_cast<unsigned>(clock.minutes().count()));
  out += ':';
  append_two_digits(out, static_cast<unsigned>(clock.seconds().count()));
  return out.append(" GMT");
}

}  // namespace voucherd::http
