// Systems that one might take instead, with the same events by their own protocols. None of them promises
// what voucherd does (what each lacks stands beside it), so these are for orientation; none is needed.
#pragma once

#include <string>

#include "tests/bench/driver/events.h"
#include "tests/bench/driver/http_client.h"

namespace voucherd::bench {

/// NATS JetStream: a stream in files, message ids told apart within its window of two minutes; acknowledged
/// without an fsync for each. One connection, 8,000 messages under way.
bool nats_installed();
Json run_nats_stream(const std::string& directory, const Events& events, std::uint64_t count);

/// VictoriaMetrics: samples of 65,536 series, without ids, acknowledged from memory. 1,000 lines of CSV a
/// request, 4 connections × 2 under way.
bool victoria_metrics_installed();
Json run_victoria_import(const std::string& directory, const Events& events, std::uint64_t count);

}  // namespace voucherd::bench
