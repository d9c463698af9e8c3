// What the API says of sources, of a year's subsidy and of events, as text for people.
#pragma once

#include <string>

#include "daemon/ctl/api_client.h"

namespace voucherd::ctl {

/// A table of the items of /v1/sources.
std::string sources_text(const Json& sources);
/// A table of the months, and what is left of the cap.
std::string subsidy_text(const Json& subsidy);
/// One line: an item of /v1/events?subject=….
std::string event_line(const Json& item);

}  // namespace voucherd::ctl
