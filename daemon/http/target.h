// The request target: split first, decoded after, so that an encoded '/', '&' or '=' stays data.
#pragma once

#include <string_view>

#include "daemon/http/server.h"

namespace voucherd::http {

/// Fills path, segments and query of `request` from an origin-form ("/a?b=c"), absolute-form
/// ("http://host/a") or "*" target. Fault "target_malformed" for a broken percent escape, bytes that
/// are not UTF-8, control bytes in the path, or any other form.
Result<void> parse_target(std::string_view target, Request& request);

}  // namespace voucherd::http
