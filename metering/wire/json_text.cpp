// Byte by byte and strict: these functions run on escapes, numbers, nesting beyond the limit
// and bodies that are refused anyway, so clarity goes before speed.
#include "metering/wire/json_text.h"

#include <cstdint>

namespace voucherd::wire {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool ends_scalar(char c) { return is_space(c) || c == ',' || c == ']' || c == '}' || c == ':' || c == '"'; }

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

/// Four hexadecimal digits at `at`; false where they are not there.
bool read_hex4(std::string_view text, std::size_t at, std::uint32_t& value) {
  if (text.size() < at + 4) return false;
  value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const char c = text[i];
    std::uint32_t digit = 0;
    if (is_digit(c)) {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint32_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<std::uint32_t>(c - 'A') + 10;
    } else {
      return false;
    }
    value = value * 16 + digit;
  }
  return true;
}

char* write_utf8(std::uint32_t code_point, char* out) {
  const auto put = [&out](std::uint32_t byte) {
    *out++ = static_cast<char>(static_cast<unsigned char>(byte));
  };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
  return out;
}

/// What a one-letter escape stands for; 0 where there is no such escape.
char short_escape(char letter) {
  switch (letter) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '/':
      return '/';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

bool is_high_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(std::uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// The \u escape whose 'u' stands at `at`; moves `at` behind it (and behind a second one of a pair).
Unescaped unescape_unicode(std::string_view text, std::size_t& at, char*& out) {
  std::uint32_t unit = 0;
  if (!read_hex4(text, at + 1, unit)) return Unescaped::bad_escape;
  at += 5;
  if (is_low_surrogate(unit)) return Unescaped::lone_surrogate;
  if (is_high_surrogate(unit)) {
    std::uint32_t low = 0;
    if (text.substr(at, 2) != "\\u") return Unescaped::lone_surrogate;
    if (!read_hex4(text, at + 2, low)) return Unescaped::bad_escape;
    if (!is_low_surrogate(low)) return Unescaped::lone_surrogate;
    at += 6;
    unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  }
  out = write_utf8(unit, out);
  return Unescaped::good;
}

/// Walks a JSON value with the open containers in a string of '{' and '['.
class ValueWalk {
 public:
  ValueWalk(std::string_view text, std::string& open) : text_(text), open_(open) { open_.clear(); }

  bool whole_text_is_one_value() {
    for (;;) {
      if (!value_or_opening()) return false;
      while (!expects_value_) {
        if (open_.empty()) return peek() == end_of_text && at_ == text_.size();
        if (!separator_or_closing()) return false;
      }
    }
  }

 private:
  static constexpr char end_of_text = 0;  // or a NUL byte, which is nowhere allowed in JSON

  /// The next character that is no white space.
  char peek() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : end_of_text;
  }

  bool value_or_opening() {
    const char c = peek();
    if (c == '{' || c == '[') {
      ++at_;
      open_.push_back(c);
      if (peek() == (c == '{' ? '}' : ']')) {
        close();
        return true;
      }
      return c == '[' || name();
    }
    expects_value_ = false;
    return c == '"' ? string() : scalar();
  }

  bool separator_or_closing() {
    const char c = peek();
    const bool in_object = open_.back() == '{';
    if (c == ',') {
      ++at_;
      expects_value_ = true;
      return !in_object || name();
    }
    if (c != (in_object ? '}' : ']')) return false;
    close();
    return true;
  }

  void close() {
    ++at_;
    open_.pop_back();
    expects_value_ = false;
  }

  bool name() {
    if (peek() != '"' || !string() || peek() != ':') return false;
    ++at_;
    return true;
  }

  bool string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  /// Leaves `at_` on the escape's last character.
  bool escape() {
    if (++at_ == text_.size()) return false;
    if (text_[at_] != 'u') return short_escape(text_[at_]) != 0;
    std::uint32_t unit = 0;
    if (!read_hex4(text_, at_ + 1, unit)) return false;
    at_ += 4;
    return true;
  }

  bool scalar() {
    const std::size_t first = at_;
    while (at_ < text_.size() && !ends_scalar(text_[at_])) ++at_;
    const std::string_view token = text_.substr(first, at_ - first);
    return is_json_literal(token) || is_json_number(token);
  }

  std::string_view text_;
  std::string& open_;
  std::size_t at_ = 0;
  bool expects_value_ = true;
};

/// Bytes of the UTF-8 sequence at the front of `text`; 0 where there is none.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [text](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  // Neither longer than needed, nor a surrogate, nor above U+10FFFF: all told by the second byte.
  const std::uint32_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint32_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  return length;
}

}  // namespace

bool is_json_number(std::string_view token) {
  std::size_t at = !token.empty() && token[0] == '-' ? 1 : 0;
  const std::size_t whole = at;
  at = skip_digits(token, at);
  if (at == whole || (token[whole] == '0' && at - whole > 1)) return false;
  if (at < token.size() && token[at] == '.') {
    const std::size_t fraction = at + 1;
    at = skip_digits(token, fraction);
    if (at == fraction) return false;
  }
  if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
    ++at;
    if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
    const std::size_t exponent = at;
    at = skip_digits(token, exponent);
    if (at == exponent) return false;
  }
  return at == token.size();
}

bool is_json_literal(std::string_view token) {
  return token == "true" || token == "false" || token == "null";
}

Unescaped unescape(std::string_view text, char* out, std::size_t& size) {
  char* const begin = out;
  Unescaped outcome = Unescaped::good;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\\') {
      *out++ = text[at++];
      continue;
    }
    if (++at == text.size()) return Unescaped::bad_escape;
    if (text[at] == 'u') {
      const Unescaped unicode = unescape_unicode(text, at, out);
      if (unicode == Unescaped::bad_escape) return unicode;
      // Reads on: a bad escape further on would make it no JSON at all.
      if (unicode == Unescaped::lone_surrogate) outcome = unicode;
      continue;
    }
    const char meant = short_escape(text[at++]);
    if (meant == 0) return Unescaped::bad_escape;
    *out++ = meant;
  }
  size = static_cast<std::size_t>(out - begin);
  return outcome;
}

bool is_json_value(std::string_view text, std::string& open) {
  return ValueWalk(text, open).whole_text_is_one_value();
}

std::size_t first_broken_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = utf8_sequence(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return at;
}

std::string_view trim_json_space(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace voucherd::wire
