// What the API says of how a statement's figures came about, as text that a person reads from the top down:
// Chinese with English beneath.
#pragma once

#include <string>

#include "daemon/ctl/api_client.h"

namespace voucherd::ctl {

/// Of GET …/explain.
std::string explain_text(const Json& explanation);

}  // namespace voucherd::ctl
