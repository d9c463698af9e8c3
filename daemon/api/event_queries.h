// What GET /v1/events answers: one event by its identity, or the events behind a figure.
#pragma once

#include "daemon/engine/engine.h"
#include "daemon/http/server.h"

namespace voucherd::api {

inline constexpr std::size_t events_default = 1000;
inline constexpr std::size_t events_max = 10'000;
/// Events that one answer looks at, so that a rare firm in a long journal holds up nobody: a page may be
/// short and still have a next.
inline constexpr std::size_t events_scanned_max = 500'000;

/// ?source=…&id=…
http::Response find_event(const Engine& engine, const http::Request& request);
/// ?subject=…&from=…&until=…&sku=…, as JSON, NDJSON or CSV.
http::Response list_events(const Engine& engine, const http::Request& request);

}  // namespace voucherd::api
