// The log: one line of logfmt per event on stderr, for people with grep and for collectors:
//   time=2026-03-01T01:00:00.123+00:00 level=info event=listening address=127.0.0.1:8080
// Values are escaped, so that nothing that came in over the wire can forge a line, a field or a
// terminal command. A Logger is passed to whoever logs; there is no global one.
#pragma once

#include <concepts>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

#include "metering/core/clock.h"
#include "metering/core/result.h"

namespace voucherd::log {

enum class Level { debug, info, warn, error };

/// "debug", "info", "warn", "error", as the configuration has them. Fault "log_level_unknown".
Result<Level> parse_level(std::string_view name);

struct Field {
  std::string_view name;  // a literal: snake_case
  std::string value;

  Field(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
  Field(std::string_view field_name, const char* text) : name(field_name), value(text) {}
  Field(std::string_view field_name, const std::string& text) : name(field_name), value(text) {}
  Field(std::string_view field_name, bool truth) : name(field_name), value(truth ? "true" : "false") {}
  template <std::integral Number>
  requires(!std::same_as<Number, bool> && !std::same_as<Number, char>)
      Field(std::string_view field_name, Number number)
      : name(field_name), value(std::to_string(number)) {}
};

/// Thread-safe.
class Logger {
 public:
  /// Writes to stderr. `clock` outlives the logger.
  Logger(Level least, const Clock& clock);
  /// Writes to `out`, which outlives the logger: for tests.
  Logger(Level least, const Clock& clock, std::ostream& out);
  ~Logger();

  /// `event` is a literal, snake_case, and stable: alerts are built on it.
  void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});
  void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::info, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::warn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::error, event, fields);
  }
  /// An error with the fault's code and detail.
  void error(std::string_view event, const Fault& fault) {
    error(event, {{"code", fault.code}, {"detail", fault.detail}});
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The line without its end, as write() puts it.
std::string format_line(Instant time, Level level, std::string_view event,
                        std::initializer_list<Field> fields);

}  // namespace voucherd::log
