// Copies the rooms' figures into what /metrics shows.
#pragma once

#include "daemon/engine/engine.h"
#include "daemon/metrics/metrics.h"

namespace voucherd {

BuildInfo build_info();

/// On the engine's owner thread. Takes the identities of rules §6 over all firms: those whose usage did
/// not change since the last call cost nothing.
MetricsSnapshot take_snapshot(const Engine& engine, std::uint64_t api_connections, Instant process_start);

}  // namespace voucherd
