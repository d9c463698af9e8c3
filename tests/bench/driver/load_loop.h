// Drives HTTP load over many connections from one thread: closed (each connection keeps so many requests
// under way) or open (requests are due at fixed times, whatever the server does, and their latency counts
// from when they were due: a server that stalls can't hide it).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/driver/http_client.h"

namespace voucherd::bench {

struct LoadShape {
  int connections = 4;
  int in_flight = 2;               // of one connection
  double requests_per_second = 0;  // 0: closed
};

struct Load {
  /// Writes the request with this number, from 0; false: there are no more.
  std::function<bool(std::uint64_t number, std::string& request)> make;
  /// May be empty. Fails by itself where the answer is not what it has to be.
  std::function<void(std::uint64_t number, int status, const std::string& body, double latency_ms)> take;
};

struct LoadResult {
  std::uint64_t requests = 0;
  double seconds = 0;
  double client_cpu_seconds = 0;
  std::vector<float> latency_ms;
};

/// Until there are no more requests and all are answered.
LoadResult run_load(const Endpoint& endpoint, const LoadShape& shape, const Load& load);

/// Of a sample that need not be in order; 0 where it is empty.
double quantile(std::vector<float> sample, double q);

}  // namespace voucherd::bench
