// The server's own error answers: RFC 9457 problem details, so that a client reads one shape of error
// whether the server or a handler refused.
#pragma once

#include <string>
#include <string_view>

#include "daemon/http/server.h"

namespace voucherd::http {

/// Why the server itself does not hand a request to the handler.
struct Refusal {
  int status = 400;
  std::string detail;
};

/// "Content Too Large" and the like; "Unknown Status" where HTTP has no phrase.
std::string_view reason_phrase(int status);

/// application/problem+json with `type`, `title` (the reason phrase), `status` and `detail`.
Response problem(const Refusal& refusal);
/// 500, which tells nobody outside what it was.
Response failed_inside();

}  // namespace voucherd::http
