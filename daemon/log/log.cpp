// Formatting is ours, since it is a promise; levels, locking and flushing are spdlog's.
#include "daemon/log/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <boost/locale/utf.hpp>

#include "metering/core/assert.h"

namespace voucherd::log {
namespace {

constexpr std::array<std::string_view, 4> level_names = {"debug", "info", "warn", "error"};
constexpr std::size_t value_bytes_max = 4096;  // of one field; a line stays a line

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// Code points that a terminal or a viewer obeys instead of showing: C1 controls, line and paragraph
/// separators, marks that turn the direction of writing.
bool is_obeyed(boost::locale::utf::code_point point) {
  return (point >= 0x80 && point <= 0x9f) || point == 0x2028 || point == 0x2029 || point == 0xfeff ||
         (point >= 0x200b && point <= 0x200f) || (point >= 0x202a && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

void append_hex(std::string& out, unsigned value, int digits) {
  constexpr std::string_view hex = "0123456789abcdef";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += hex[(value >> shift) & 0xf];
}

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte != 0x7f) {
    out += c;
  } else {
    out += "\\x";
    append_hex(out, byte, 2);
  }
}

void append_escaped(std::string& out, std::string_view text) {
  namespace utf = boost::locale::utf;
  for (const char* at = text.begin(); at != text.end();) {
    const auto byte = static_cast<unsigned char>(*at);
    if (byte < 0x80) {
      append_ascii(out, *at++);
      continue;
    }
    const char* next = at;
    const auto point = utf::utf_traits<char>::decode(next, text.end());
    if (!utf::is_valid_codepoint(point)) {
      out += "\\x";
      append_hex(out, byte, 2);
      ++at;
    } else if (is_obeyed(point)) {
      out += "\\u";
      append_hex(out, point, 4);
      at = next;
    } else {
      out.append(at, next);
      at = next;
    }
  }
}

/// Bare where no reader could misread it.
bool needs_quotes(std::string_view text) {
  return text.empty() || std::any_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte <= 0x20 || byte >= 0x7f || c == '"' || c == '\\' || c == '=';
         });
}

void append_value(std::string& out, std::string_view text) {
  if (!needs_quotes(text) && text.size() <= value_bytes_max) {
    out += text;
    return;
  }
  out += '"';
  append_escaped(out, text.substr(0, value_bytes_max));
  if (text.size() > value_bytes_max) out += "…";
  out += '"';
}

}  // namespace

Result<Level> parse_level(std::string_view name) {
  const auto found = std::find(level_names.begin(), level_names.end(), name);
  if (found == level_names.end()) {
    return Fault{"log_level_unknown",
                 "the log level '" + std::string(name) + "' is none of debug, info, warn, error"};
  }
  return static_cast<Level>(found - level_names.begin());
}

std::string format_line(Instant time, Level level, std::string_view event,
                        std::initializer_list<Field> fields) {
  VOUCHERD_ASSERT(is_name(event));
  std::string line = "time=" + format_instant(time, UtcOffset{0});
  line.append(" level=").append(level_names[static_cast<std::size_t>(level)]);
  line.append(" event=").append(event);
  for (const Field& field : fields) {
    VOUCHERD_ASSERT(is_name(field.name));
    line.append(" ").append(field.name).append("=");
    append_value(line, field.value);
  }
  return line;
}

struct Logger::Impl {
  Impl(Level least, const Clock& used_clock, spdlog::sink_ptr sink)
      : clock(used_clock), logger("voucherd", std::move(sink)) {
    logger.set_pattern("%v");
    logger.set_level(spdlog_level(least));
    logger.flush_on(spdlog::level::trace);  // a line is out before what it tells of goes on
  }
  const Clock& clock;
  spdlog::logger logger;
};

Logger::Logger(Level least, const Clock& clock)
    : impl_(std::make_unique<Impl>(least, clock, std::make_shared<spdlog::sinks::stderr_sink_mt>())) {}
Logger::Logger(Level least, const Clock& clock, std::ostream& out)
    : impl_(std::make_unique<Impl>(least, clock, std::make_shared<spdlog::sinks::ostream_sink_mt>(out))) {}
Logger::~Logger() = default;

void Logger::write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!impl_->logger.should_log(spdlog_level(level))) return;
  const std::string line = format_line(impl_->clock.now(), level, event, fields);
  impl_->logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace voucherd::log
