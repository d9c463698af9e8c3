// The plot of rate and latency against stored events, as SVG: three panels over one axis.
#pragma once

#include <string>

#include "tests/bench/driver/http_client.h"

namespace voucherd::bench {

/// `points` as the scenarios history and ids leave them.
std::string plot(const std::string& title, const Json& points);

}  // namespace voucherd::bench
