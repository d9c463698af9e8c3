#include "daemon/api/body.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemon/api/problem.h"
#include "metering/wire/json_text.h"

namespace voucherd::api {

namespace {

constexpr std::size_t unpack_step_bytes = 256u << 10;
// RFC 9659: what a zstd content encoding may ask of its reader, 8 MB.
constexpr int zstd_window_log_max = 23;
constexpr int gzip_window_bits = 15 + 16;  // the largest window, and gzip's header and trailer only

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

http::Response too_large(std::size_t bytes_max) {
  return problem(413, "body-too-large", "Body too large",
                 "the body is more than " + std::to_string(bytes_max) +
                     " bytes when unpacked; send it in smaller batches");
}

http::Response broken(const char* encoding) {
  return bad_request("the body is no whole " + std::string(encoding) + " stream, as Content-Encoding says");
}

/// What is unpacked so far. One byte of room beyond the limit: that it is filled says "too large".
class Unpacked {
 public:
  explicit Unpacked(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  /// Room behind what is there; at least one byte unless too_large().
  char* grow() {
    if (filled_ == bytes_.size()) bytes_.resize(std::min(bytes_max_ + 1, filled_ + unpack_step_bytes));
    return bytes_.data() + filled_;
  }
  std::size_t room() const { return bytes_.size() - filled_; }
  void fill(std::size_t bytes) { filled_ += bytes; }
  bool too_large() const { return filled_ > bytes_max_; }
  std::string take() {
    bytes_.resize(filled_);
    return std::move(bytes_);
  }

 private:
  std::size_t bytes_max_;
  std::size_t filled_ = 0;
  std::string bytes_;
};

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

/// RFC 1952: one member or several, one behind the other.
std::optional<http::Response> unpack_gzip(std::string& body, std::size_t bytes_max) {
  z_stream stream{};
  if (inflateInit2_(&stream, gzip_window_bits, ZLIB_VERSION, static_cast<int>(sizeof stream)) != Z_OK)
    throw std::bad_alloc();
  const std::unique_ptr<z_stream, InflateEnd> ends(&stream);
  if (body.size() > std::numeric_limits<uInt>::max()) return too_large(bytes_max);
  stream.next_in = reinterpret_cast<Bytef*>(body.data());
  stream.avail_in = static_cast<uInt>(body.size());
  Unpacked out(bytes_max);
  int state = Z_OK;
  while (state != Z_STREAM_END || stream.avail_in > 0) {
    if (state == Z_STREAM_END && inflateReset(&stream) != Z_OK) return broken("gzip");
    stream.next_out = reinterpret_cast<Bytef*>(out.grow());
    const std::size_t room = out.room();
    stream.avail_out = static_cast<uInt>(room);
    state = inflate(&stream, Z_NO_FLUSH);
    // With room to write, Z_BUF_ERROR means that the stream wants bytes which are not there.
    if (state != Z_OK && state != Z_STREAM_END) return broken("gzip");
    out.fill(room - stream.avail_out);
    if (out.too_large()) return too_large(bytes_max);
  }
  body = out.take();
  return std::nullopt;
}

/// RFC 8878: one frame or several.
std::optional<http::Response> unpack_zstd(std::string& body, std::size_t bytes_max) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  if (!context) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, zstd_window_log_max);
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  Unpacked out(bytes_max);
  for (;;) {
    char* const to = out.grow();
    ZSTD_outBuffer room{to, out.room(), 0};
    const std::size_t read_before = in.pos;
    const std::size_t wanted = ZSTD_decompressStream(context.get(), &room, &in);
    if (ZSTD_isError(wanted) != 0) return broken("zstd");
    out.fill(room.pos);
    if (out.too_large()) return too_large(bytes_max);
    if (wanted == 0 && in.pos == in.size) break;  // a frame's end and the body's
    if (room.pos == 0 && in.pos == read_before) return broken("zstd");
  }
  body = out.take();
  return std::nullopt;
}

bool is_attribute(const std::string& header) { return header.size() > 3 && header.starts_with("ce-"); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// What a quoted string says; other text as it is.
std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string plain;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

/// A header's value as an attribute (CloudEvents HTTP binding §3.1.3.2); nullopt: a broken escape, or
/// no UTF-8.
std::optional<std::string> read_attribute(std::string_view header) {
  const std::string text = unquote(header);
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      value += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    value += static_cast<char>(static_cast<unsigned char>(high * 16 + low));
    i += 2;
  }
  if (wire::first_broken_utf8(value) != value.size()) return std::nullopt;
  return value;
}

bool is_json_type(const std::string& type) {
  return type.empty() || type == "application/json" ||
         (type.ends_with("+json") && wire::first_broken_utf8(type) == type.size());
}

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

}  // namespace

std::string media_type(std::string_view content_type) {
  std::string type = in_lower_case(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  return type;
}

std::optional<http::Response> unpack_body(http::Request& request, std::size_t bytes_max) {
  const std::string encoding = in_lower_case(request.header("content-encoding"));
  if (encoding.empty() || encoding == "identity") return std::nullopt;
  if (encoding == "gzip" || encoding == "x-gzip") return unpack_gzip(request.body, bytes_max);
  if (encoding == "zstd") return unpack_zstd(request.body, bytes_max);
  auto refusal =
      problem(415, "content-encoding", "Unsupported content encoding",
              "the content encoding " + encoding + " is not understood; send gzip, zstd, or no encoding");
  refusal.headers.emplace_back("Accept-Encoding", "gzip, zstd");
  return refusal;
}

bool is_binary_mode(const http::Request& request) {
  const std::string type = media_type(request.header("content-type"));
  if (type.starts_with("application/cloudevents") || type == "application/x-ndjson") return false;
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [](const auto& header) { return is_attribute(header.first); });
}

std::optional<http::Response> gather_event(http::Request& request) {
  const std::string type = media_type(request.header("content-type"));
  if (!is_json_type(type)) {
    return problem(415, "media-type", "Unsupported media type",
                   "the data of an event whose attributes are headers is application/json, not " + type);
  }
  std::string event = "{";
  for (const auto& [name, text] : request.headers) {
    if (!is_attribute(name)) continue;
    const auto value = read_attribute(text);
    if (!value) return bad_request("the header " + name + " is not UTF-8 in percent-encoding");
    // A name that stands twice is told by the decoder, as in any event.
    event += quoted(name.substr(3)) + ":" + quoted(*value) + ",";
  }
  if (!type.empty()) event += "\"datacontenttype\":" + quoted(type) + ",";
  const std::string_view data = wire::trim_json_space(request.body);
  if (const std::size_t broken = wire::first_broken_utf8(request.body); broken < request.body.size()) {
    return bad_request("the body is not UTF-8 at byte " + std::to_string(broken) +
                       "; with ce-* headers it is the event's data");
  }
  std::string open;
  if (data.empty()) {
    event.pop_back();  // the last comma: there is an attribute
  } else if (!wire::is_json_value(data, open)) {
    return bad_request("the body is not JSON; with ce-* headers it is the event's data");
  } else {
    event += "\"data\":";
    event += data;
  }
  request.body = std::move(event) + "}";
  return std::nullopt;
}

}  // namespace voucherd::api
