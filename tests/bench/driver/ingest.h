// Streams of the bench's events into a daemon, and the check afterwards that nothing of them was lost.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "tests/bench/driver/daemon.h"
#include "tests/bench/driver/events.h"
#include "tests/bench/driver/http_client.h"
#include "tests/bench/driver/load_loop.h"

namespace voucherd::bench {

enum class BodyForm : std::uint8_t { ndjson, batch, single };

/// Which events the requests of a stream hold, and what has to become of them.
struct Stream {
  BodyForm form = BodyForm::ndjson;
  EventNumber first = 0;  // of the stream's new events
  std::uint64_t requests = 0;
  std::uint32_t batch = 1000;  // events of a request
  // Of every `one_in` requests, or of the events of each request: sent before, at random over all
  // history. 0: none.
  std::uint32_t repeated_batches_one_in = 0;
  std::uint32_t repeated_events_one_in = 0;
  bool sent_before = false;  // all of it, in the same order: nothing is new
};

/// Makes the requests of a stream and checks what is answered to each.
class StreamLoad {
 public:
  StreamLoad(const Events& events, const Stream& stream);

  bool make(std::uint64_t number, std::string& request);
  /// Fails where not exactly the new events were accepted.
  void take(std::uint64_t number, int status, const std::string& body) const;
  /// New events of the requests before this one.
  std::uint64_t new_events(std::uint64_t requests) const;

 private:
  bool is_repeated(std::uint64_t request) const;
  std::uint32_t new_events_of(std::uint64_t request) const;

  const Events& events_;
  Stream stream_;
  std::string head_;  // of every request: the body's length never changes
  EventNumber next_;
};

/// Figures of one load: events, rate, CPU, latency, bytes written. `observe` is told of every answer, with
/// the events answered so far; it may be empty.
using Observe = std::function<void(std::uint64_t events, double latency_ms)>;
Json run_stream(Daemon& daemon, const Events& events, const Stream& stream, const LoadShape& shape,
                const Observe& observe = {});

/// The daemon holds the events [0, count) and no others: all are counted, 10,000 of them found by their
/// identity with what was sent, and every firm's quantity is what adding up the events gives.
void check_events(const Daemon& daemon, const Events& events, std::uint64_t count);

}  // namespace voucherd::bench
