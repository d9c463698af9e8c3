// The composition root: builds every part in order, wires them, runs until a signal, and takes
// them down in reverse.
#pragma once

#include <optional>
#include <string>

#include "config/options.h"
#include "metering/core/result.h"

namespace voucherd {

/// What is wrong with the files of [tls]; nullopt: nothing, or there is no TLS.
std::optional<Fault> tls_fault(const config::Options& options);

/// Runs the daemon on the calling thread. Once it listens, writes {"api": "address:port",
/// "admin": "address:port"} to `ports_file` (atomically; "" for none). Returns the exit status: 0 after
/// SIGTERM or SIGINT, 1 where it could not start.
int run_daemon(const config::Options& options, const std::string& ports_file);

}  // namespace voucherd
