// Splits and decodes a request target.
#include "daemon/http/target.h"

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <optional>

namespace voucherd::http {
namespace {

Fault malformed(std::string detail) { return {"target_malformed", std::move(detail)}; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_utf8(std::string_view text) {
  namespace utf = boost::locale::utf;
  auto it = text.begin();
  while (it != text.end()) {
    if (!utf::is_valid_codepoint(utf::utf_traits<char>::decode(it, text.end()))) return false;
  }
  return true;
}

bool has_control_bytes(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

enum class Plus { literal, space };

Result<std::string> decode(std::string_view in, Plus plus) {
  std::string out;
  out.reserve(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '+' && plus == Plus::space) {
      out += ' ';
    } else if (in[i] != '%') {
      out += in[i];
    } else {
      const int high = i + 1 < in.size() ? hex_value(in[i + 1]) : -1;
      const int low = i + 2 < in.size() ? hex_value(in[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return malformed("the target has a '%' that is not followed by two hexadecimal digits: '" +
                         std::string(in.substr(i, 3)) + "'; write a literal '%' as '%25'");
      }
      out += static_cast<char>(static_cast<unsigned char>(high * 16 + low));
      i += 2;
    }
  }
  if (!is_utf8(out)) return malformed("the target is not UTF-8 after percent-decoding");
  return {boost::system::in_place_value, std::move(out)};  // a Fault could be made of a string too
}

/// The path and query of an absolute-form target; the authority is the Host header's business.
std::optional<std::string_view> strip_authority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size()) continue;
    const bool matches = std::equal(scheme.begin(), scheme.end(), target.begin(), [](char expected, char c) {
      return expected == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    });
    if (!matches) continue;
    const auto slash = target.find_first_of("/?", scheme.size());
    if (slash == std::string_view::npos) return "/";
    if (target[slash] == '/') return target.substr(slash);
  }
  return std::nullopt;
}

Result<void> parse_path(std::string_view path, Request& request) {
  auto decoded = decode(path, Plus::literal);
  if (!decoded) return decoded.error();
  if (has_control_bytes(*decoded)) return malformed("the path has a control byte");
  request.path = std::move(*decoded);
  for (std::string_view rest = path; rest.size() > 1 && rest.front() == '/';) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('/'), rest.size());
    auto segment = decode(rest.substr(0, end), Plus::literal);
    // Bytes of one UTF-8 sequence may not be spread over two segments.
    if (!segment) return segment.error();
    request.segments.push_back(std::move(*segment));
    rest.remove_prefix(end);
    if (rest.size() == 1) request.segments.emplace_back();  // "/a/" ends with an empty segment
  }
  return {};
}

Result<void> parse_query(std::string_view query, Request& request) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals), Plus::space);
    if (!name) return name.error();
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())), Plus::space);
    if (!value) return value.error();
    request.query.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

}  // namespace

Result<void> parse_target(std::string_view target, Request& request) {
  if (target == "*") {
    request.path = "*";
    return {};
  }
  if (target.empty() || target.front() != '/') {
    const auto stripped = strip_authority(target);
    if (!stripped) return malformed("the target is neither a path that begins with '/' nor an http URL");
    target = *stripped;
  }
  if (target.find('#') != std::string_view::npos) {
    return malformed(
        "the target has a '#': fragments are not sent to a server; write a literal '#' as '%23'");
  }
  const auto question = std::min(target.find('?'), target.size());
  if (auto path = parse_path(target.substr(0, question), request); !path) return path;
  return parse_query(target.substr(std::min(question + 1, target.size())), request);
}

}  // namespace voucherd::http
