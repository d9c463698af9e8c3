// What GET /v1/events answers: one event by its identity, or the events behind a figure.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "daemon/engine/engine.h"
#include "daemon/http/server.h"

namespace voucherd::api {

inline constexpr std::size_t events_default = 1000;
inline constexpr std::size_t events_max = 10'000;
/// Events that one answer looks at, so that nobody waits for a rare one in a long journal: a page may be
/// short, or empty, and still have a next.
inline constexpr std::size_t events_scanned_max = 2'000'000;

/// Exports that are being streamed: of all, and of one token. Each holds a piece in memory for as long as its
/// reader takes; beyond: 503.
inline constexpr int exports_max = 64;
inline constexpr int exports_per_token_max = 8;

/// Owner thread only.
struct ExportsUnderWay {
  int count = 0;
  std::unordered_map<std::string, int> of_token;  // those that have any
};

/// The events behind a figure: a firm's, of some days and a SKU.
struct EventsQuery {
  std::string subject;
  DayRun days;
  std::string sku;
};
std::vector<std::pair<std::string, std::string>> query_parameters(const EventsQuery& query);
/// "/v1/events?subject=…&from=…&until=…&sku=…", percent-encoded.
std::string events_target(const EventsQuery& query);

/// Firms are shown what was measured, not which of the centre's tokens sent it.
bool may_see_submitters(const http::Request& request);
/// The accepted event as the API shows it, with its corrections, the statements that it is on, and, where it
/// may be seen, who sent it.
nlohmann::ordered_json show_traced_event(const Engine& engine, const EventView& event, EventPlace place,
                                         Instant received_at, bool submitters);
/// ?source=…&id=…
http::Response find_event(const Engine& engine, const http::Request& request);
/// ?subject=…&from=…&until=…&sku=…: JSON in pages; NDJSON and CSV to the end of what is durable now, in
/// pieces, unless a limit asks for pages. Replies later: between two parts of a record whatever else
/// waits for the owner thread is done first. `under_way` may be empty where the request asks for a page.
void list_events(const Engine& engine, const std::shared_ptr<ExportsUnderWay>& under_way,
                 const http::Request& request, http::Reply reply);

}  // namespace voucherd::api
