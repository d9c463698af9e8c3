// The guards on top of Beast's parser.
#include "daemon/http/message_parser.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include "daemon/http/target.h"
#include "metering/core/assert.h"

namespace voucherd::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string lower_case(beast::string_view text) {
  std::string out(text.data(), text.size());
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// Tells a version that is not spoken here from a line that is no request line.
bool names_other_version(std::string_view block) {
  const auto line = block.substr(0, block.find('\r'));
  const auto version = line.substr(line.size() - std::min<std::size_t>(line.size(), 9));
  return version.size() == 9 && version.substr(0, 6) == " HTTP/" && is_digits(version.substr(6, 1)) &&
         version[7] == '.' && is_digits(version.substr(8)) && version != " HTTP/1.1" &&
         version != " HTTP/1.0";
}

/// RFC 9110 §7.2: host and port, so nothing that would start a path, a list or a user name.
bool is_host(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7f || std::string_view(",/?#@\\\"<>").find(c) != std::string_view::npos;
  });
}

}  // namespace

HeaderScan scan_header(std::string_view input, std::size_t from, std::size_t header_bytes_max) {
  // No method begins with these bytes; a TLS hello on the plain port is answered at once.
  if (!input.empty() &&
      (static_cast<unsigned char>(input[0]) <= 0x20 || static_cast<unsigned char>(input[0]) >= 0x7f)) {
    return {0, Refusal{400, "the connection does not begin with an HTTP/1.1 request line"}};
  }
  // One step back: a line end that was the last byte is judged by what follows it.
  std::size_t at = from > 0 ? from - 1 : 0;
  const std::size_t limit = std::min(input.size(), header_bytes_max);
  while ((at = input.find('\n', at)) < limit) {
    if (at == 0 || input[at - 1] != '\r') {
      return {0, Refusal{400, "a line of the header does not end with CR LF"}};
    }
    if (at >= 3 && input[at - 2] == '\n') return {at + 1, std::nullopt};
    if (at + 1 < input.size() && (input[at + 1] == ' ' || input[at + 1] == '\t')) {
      return {0, Refusal{400, "a header line begins with white space: folded lines are not accepted"}};
    }
    ++at;
  }
  if (input.size() >= header_bytes_max) {
    return {0, Refusal{431, "the header is larger than " + std::to_string(header_bytes_max) + " bytes"}};
  }
  return {};
}

MessageParser::MessageParser(const Limits& limits) : limits_(limits) {
  body_limit(limits.body_bytes_max);
  header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
  request_.headers.reserve(8);
}

std::optional<Refusal> MessageParser::read_header(std::string_view block) {
  ErrorCode ec;
  const std::size_t consumed = put(boost::asio::const_buffer(block.data(), block.size()), ec);
  if (ec == beast::http::error::bad_version && names_other_version(block)) {
    return Refusal{505, "the request line's version is neither HTTP/1.1 nor HTTP/1.0"};
  }
  if (ec) return refusal_of(ec);
  VOUCHERD_ASSERT(consumed == block.size());
  eager(true);  // from here on: all chunks of a buffer in one call
  return std::nullopt;
}

std::optional<Refusal> MessageParser::read_chunks(std::string_view input, std::size_t& consumed) {
  VOUCHERD_ASSERT(input.size() >= chunked_bytes_min);
  ErrorCode ec;
  consumed = put(boost::asio::const_buffer(input.data(), input.size()), ec);
  chunked_wire_bytes_ += consumed;
  if (ec && ec != beast::http::error::need_more) return refusal_of(ec);
  // Sizes, extensions and line ends are not part of the body, so its limit does not bound them.
  if (chunked_wire_bytes_ > request_.body.size() + limits_.chunk_framing_bytes_max) {
    return Refusal{400, "the chunks of the body are too small: their framing alone is over " +
                            std::to_string(limits_.chunk_framing_bytes_max) + " bytes"};
  }
  return std::nullopt;
}

void MessageParser::on_request_impl(beast::http::verb, Text method, Text target, int version, ErrorCode& ec) {
  request_.method.assign(method.data(), method.size());
  http10_ = version == 10;
  if (auto parsed = http::parse_target(view(target), request_); !parsed)
    refuse({400, parsed.error().detail}, ec);
}

void MessageParser::on_response_impl(int, Text, int, ErrorCode& ec) { ec = beast::http::error::bad_method; }

void MessageParser::on_field_impl(field which, Text name, Text value, ErrorCode& ec) {
  if (header_done_) return refuse({400, "the chunked body has trailer fields; they are not accepted"}, ec);
  if (request_.headers.size() >= header_fields_max) {
    return refuse({431, "the header has more than " + std::to_string(header_fields_max) + " fields"}, ec);
  }
  check_field(which, view(value), ec);
  request_.headers.emplace_back(lower_case(name), std::string(value.data(), value.size()));
}

void MessageParser::check_field(field which, std::string_view value, ErrorCode& ec) {
  if (which == field::host) {
    if (++hosts_ > 1) return refuse({400, "the header has more than one Host"}, ec);
    if (!is_host(value)) return refuse({400, "Host is not a host name with an optional port"}, ec);
  } else if (which == field::content_length) {
    if (++content_lengths_ > 1) return refuse({400, "the header has more than one Content-Length"}, ec);
    if (!is_digits(value)) return refuse({400, "Content-Length is not one decimal number"}, ec);
  } else if (which == field::transfer_encoding) {
    if (transfer_encoding_ || !beast::iequals(value, "chunked")) {
      return refuse({400, "Transfer-Encoding must be exactly 'chunked', once"}, ec);
    }
    transfer_encoding_ = true;
  } else if (which == field::expect) {
    if (!beast::iequals(value, "100-continue")) {
      return refuse({417, "Expect asks for something other than '100-continue'"}, ec);
    }
    expects_continue_ = true;
  }
}

void MessageParser::on_header_impl(ErrorCode& ec) {
  header_done_ = true;
  if (hosts_ == 0 && !http10_) return refuse({400, "the header has no Host"}, ec);
  if (transfer_encoding_ && http10_) return refuse({400, "HTTP/1.0 has no Transfer-Encoding"}, ec);
  if (transfer_encoding_ && content_lengths_ > 0) {
    return refuse({400, "the header has both Transfer-Encoding and Content-Length"}, ec);
  }
  if (http10_) expects_continue_ = false;  // RFC 9110 §10.1.1
}

std::size_t MessageParser::on_body_impl(Text, ErrorCode&) {
  VOUCHERD_ASSERT(!"bodies with a length are read by the connection");
  return 0;
}

/// Beast lets a line feed pass in a quoted value; who ends lines with them sees another chunk there.
void MessageParser::on_chunk_header_impl(std::uint64_t, Text extensions, ErrorCode& ec) {
  const bool printable = std::none_of(extensions.begin(), extensions.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
  if (!printable) refuse({400, "a chunk's extension has a control byte"}, ec);
}

std::size_t MessageParser::on_chunk_body_impl(std::uint64_t, Text body, ErrorCode&) {
  request_.body.append(body.data(), body.size());
  return body.size();
}

void MessageParser::refuse(Refusal refusal, ErrorCode& ec) {
  refusal_ = std::move(refusal);
  ec = beast::http::error::bad_field;
}

Refusal MessageParser::refusal_of(const ErrorCode& ec) const {
  using Error = beast::http::error;
  if (refusal_) return *refusal_;
  if (ec == Error::body_limit) {
    return {413, "the body is larger than " + std::to_string(limits_.body_bytes_max) +
                     " bytes; send smaller batches"};
  }
  return {400, "the request is malformed: " + ec.message()};
}

}  // namespace voucherd::http
