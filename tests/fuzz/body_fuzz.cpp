// What a request's body goes through before the decoder: unpacking (gzip, zstd), and the making of an event
// from `ce-*` headers. The first byte picks the encoding or binary mode. Beyond "no crash":
//   - what comes out is within its limit, and no memory grows beyond it;
//   - an event that was gathered from headers and data is one JSON value, which the decoder reads as one
//   event.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "daemon/api/body.h"
#include "metering/core/assert.h"
#include "metering/wire/decode.h"

namespace {

using namespace voucherd;

constexpr std::size_t bytes_max = 4096;

void unpack(const char* encoding, std::string_view body) {
  http::Request request;
  request.headers.emplace_back("content-encoding", encoding);
  request.body = body;
  const auto refusal = api::unpack_body(request, bytes_max);
  if (refusal) {
    VOUCHERD_ASSERT(refusal->status == 400 || refusal->status == 413);
  } else {
    VOUCHERD_ASSERT(request.body.size() <= bytes_max);
  }
}

/// Lines "name: value" as headers, then an empty line and the data.
void gather(std::string_view text) {
  http::Request request;
  while (!text.empty() && text.front() != '\n') {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    // Others never come out of the HTTP parser (RFC 9110 §5.6.2).
    constexpr std::string_view token = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
    if (colon == 0 || line.substr(0, colon).find_first_not_of(token) != std::string_view::npos) return;
    request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  if (!text.empty()) text.remove_prefix(1);
  request.body = text;
  if (!api::is_binary_mode(request)) return;
  if (const auto refusal = api::gather_event(request)) {
    VOUCHERD_ASSERT(refusal->status == 400 || refusal->status == 415);
    return;
  }
  const std::size_t size = request.body.size();
  request.body.append(wire::body_padding_bytes, '\0');
  wire::Decoder decoder;
  const auto batch = decoder.decode(std::string_view(request.body).substr(0, size), wire::BodyFormat::event);
  VOUCHERD_ASSERT(batch && batch->items.size() == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      unpack("gzip", body);
      break;
    case 1:
      unpack("zstd", body);
      break;
    default:
      gather(body);
      break;
  }
  return 0;
}
