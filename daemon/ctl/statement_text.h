// A statement as text for a terminal: Chinese with English beside it.
#pragma once

#include <string>

#include "daemon/ctl/api_client.h"

namespace voucherd::ctl {

/// Made from the statement's JSON as the API gives it; members that are missing are left out.
std::string statement_text(const Json& statement);

}  // namespace voucherd::ctl
