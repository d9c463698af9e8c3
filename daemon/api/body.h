// A request's body on its way to the decoder: unpacked where it came packed, and put into an
// event's JSON where its attributes came as headers (CloudEvents binary mode).
#pragma once

#include <optional>

#include "daemon/http/server.h"

namespace voucherd::api {

/// Unpacks `request.body` by its Content-Encoding (gzip, zstd, identity); bytes_max bounds what
/// comes out, and with it the memory. The Response is the refusal: 400 for a broken stream, 413
/// beyond the limit, 415 for another encoding.
std::optional<http::Response> unpack_body(http::Request& request, std::size_t bytes_max);

/// Whether the attributes of one event stand in `ce-*` headers and the body is its data: there are such
/// headers, and the content type is none that holds whole events itself.
bool is_binary_mode(const http::Request& request);

/// Precondition: is_binary_mode(). Makes the body the JSON of the event: attributes from the headers,
/// percent-decoded, and `data`. The Response is the refusal: 400 for headers or data that can't be
/// read, 415 for data that is not JSON by its content type.
std::optional<http::Response> gather_event(http::Request& request);

/// "application/json" of "Application/JSON; charset=utf-8".
std::string media_type(std::string_view content_type);

}  // namespace voucherd::api
