// The reader of requests under any bytes, cut into any pieces. Beyond "no crash, no read out of bounds":
//   - the same requests come out however the bytes are cut, and a refusal behind the same one (two things may
//     be wrong with it, and either be said);
//   - where each request ends is what a second, naive reading of RFC 9112 says, so that no byte of one
//     request's body is taken for another's;
//   - behind a refusal nothing is a request, and room that was taken for bodies is given back.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/request_reader.h"
#include "metering/core/assert.h"

namespace {

using namespace voucherd::http;

// Small, so that what a few bytes can reach lies on both sides of each.
Limits small_limits() {
  Limits limits{.body_bytes_max = 600,
                .connections_max = 1,
                .header_timeout_ms = 1,
                .body_timeout_ms = 1,
                .idle_timeout_ms = 1,
                .header_bytes_max = 256,
                .chunk_framing_bytes_max = 128};
  limits.received_bytes_max = 500;
  return limits;
}

struct Room final : BodyRoom {
  std::size_t taken = 0;
  bool take_room(std::size_t bytes) override {
    if (taken + bytes > 500) return false;
    taken += bytes;
    return true;
  }
  void give_room(std::size_t bytes) override {
    VOUCHERD_ASSERT(bytes <= taken);
    taken -= bytes;
  }
};

std::string_view header_of(const Request& request, std::string_view name) { return request.header(name); }

/// Follows the stream beside the reader: where the request that begins at `at` ends, and its body.
class NaiveReading {
 public:
  explicit NaiveReading(std::string_view stream) : stream_(stream) {}

  void check(const Request& request) {
    while (at_ < stream_.size() && (stream_[at_] == '\r' || stream_[at_] == '\n')) ++at_;
    const std::size_t head_end = stream_.find("\r\n\r\n", at_);
    VOUCHERD_ASSERT(head_end != std::string_view::npos);
    VOUCHERD_ASSERT(stream_.substr(at_).starts_with(request.method + " "));
    at_ = head_end + 4;
    if (!header_of(request, "transfer-encoding").empty()) {
      VOUCHERD_ASSERT(request.body == take_chunks());
      return;
    }
    std::size_t length = 0;
    const std::string_view said = header_of(request, "content-length");
    std::from_chars(said.data(), said.data() + said.size(), length);
    VOUCHERD_ASSERT(length <= stream_.size() - at_);
    VOUCHERD_ASSERT(request.body == stream_.substr(at_, length));
    at_ += length;
  }

 private:
  std::string take_chunks() {
    std::string body;
    for (;;) {
      const std::size_t line_end = stream_.find("\r\n", at_);
      VOUCHERD_ASSERT(line_end != std::string_view::npos);
      std::size_t size = 0;
      const auto read = std::from_chars(stream_.data() + at_, stream_.data() + line_end, size, 16);
      VOUCHERD_ASSERT(read.ec == std::errc{});
      at_ = line_end + 2;
      VOUCHERD_ASSERT(size + 2 <= stream_.size() - at_);
      body += stream_.substr(at_, size);
      VOUCHERD_ASSERT(stream_.substr(at_ + size, 2) == "\r\n");
      at_ += size + 2;
      if (size == 0) return body;
    }
  }

  std::string_view stream_;
  std::size_t at_ = 0;
};

std::string text_of(const Request& request) {
  std::string text = request.method + " " + request.path + "\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\n";
  return text + "\n" + request.body;
}

/// A refusal's status or a word of why the connection ends; a request's text has lines.
bool is_end(const std::string& outcome) { return outcome.find('\n') == std::string::npos; }

/// What a connection would make of the stream when it comes in pieces of `next_size()` bytes: each request,
/// and the refusal, if any, as the last.
template <class NextSize>
std::vector<std::string> outcomes_of(std::string_view stream, bool refuse_every_third, NextSize next_size) {
  static const Limits limits = small_limits();
  std::vector<std::string> outcomes;
  Room room;
  {
    RequestReader reader(limits, room);
    NaiveReading naive(stream);
    const auto end = [&](const std::string& why) {
      outcomes.push_back(why);
      reader.close();
      VOUCHERD_ASSERT(reader.advance() == RequestReader::Found::nothing);
    };
    std::size_t at = 0;
    for (bool open = true; open;) {
      switch (reader.advance()) {
        case RequestReader::Found::head:
          if (refuse_every_third && outcomes.size() % 3 == 2) {
            end("not admitted");
            reader.drop();
            open = false;
          } else {
            reader.begin_body();
          }
          continue;
        case RequestReader::Found::request: {
          auto message = reader.take();
          VOUCHERD_ASSERT(message.request.body.size() <= limits.body_bytes_max);
          naive.check(message.request);
          outcomes.push_back(text_of(message.request));
          if (!message.keep_alive) end("closed"), open = false;
          continue;
        }
        case RequestReader::Found::refusal:
          end("refused"), open = false;
          continue;
        case RequestReader::Found::nothing:
          break;
      }
      if (at == stream.size()) break;
      const auto space = reader.space();
      if (space.empty()) {
        end("refused");
        break;
      }
      const std::size_t bytes =
          std::min({space.size(), std::max<std::size_t>(1, next_size()), stream.size() - at});
      std::memcpy(space.data(), stream.data() + at, bytes);
      reader.received(bytes);
      at += bytes;
    }
  }
  VOUCHERD_ASSERT(room.taken == 0);
  return outcomes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool refuse = (data[0] & 1u) != 0;
  std::uint32_t state = data[1];
  const std::uint32_t piece_max = 1 + data[0] / 2u;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto at_once = outcomes_of(stream, refuse, [&] { return stream.size(); });
  const auto in_pieces = outcomes_of(stream, refuse, [&]() -> std::size_t {
    state = state * 1'103'515'245u + 12'345u;
    return 1 + (state >> 16) % piece_max;
  });
  // Where the stream breaks off, one of them may still be waiting for what the other has refused already.
  const std::size_t both = std::min(at_once.size(), in_pieces.size());
  VOUCHERD_ASSERT(
      std::equal(at_once.begin(), at_once.begin() + static_cast<std::ptrdiff_t>(both), in_pieces.begin()));
  for (const auto& longer : {at_once, in_pieces}) {
    VOUCHERD_ASSERT(longer.size() == both || (longer.size() == both + 1 && is_end(longer.back())));
  }
  return 0;
}
