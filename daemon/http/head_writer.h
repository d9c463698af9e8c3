// Response heads as bytes: one place through which every header value passes, since a CR or LF in one
// would go out raw and forge a second response.
#pragma once

#include <chrono>
#include <string>

#include "daemon/http/server.h"

namespace voucherd::http {

/// What the connection, not the handler, decides about an answer.
struct Framing {
  bool http10 = false;  // the request's version
  bool last = false;    // the connection closes after it
};

/// Answers 204 and 304 carry neither a body nor its length.
bool may_have_body(int status);

/// Status line and headers with the empty line. Asserts that the handler's names and values carry no
/// control bytes and that it sets none of the headers that belong to the connection.
std::string format_head(const Response& response, Framing framing, const std::string& date);

/// RFC 9110 §5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string format_http_date(std::chrono::sys_seconds time);

}  // namespace voucherd::http
