// Events for the tests and benchmarks of this room: ordinary ones, as a centre sends them, and
// wild ones, which use every freedom that the contract leaves.
#pragma once

#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "metering/core/usage_event.h"

namespace voucherd::test {

using Random = std::mt19937_64;

/// VOUCHERD_TEST_SEED where it is set, else another one each run: traced, so that a failure prints it.
inline std::uint64_t seed_of_this_run() {
  const char* wanted = std::getenv("VOUCHERD_TEST_SEED");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  if (wanted != nullptr) return std::strtoull(wanted, nullptr, 10);
  return std::random_device{}();
}

/// At least `from`, at most `to`.
inline std::int64_t between(Random& random, std::int64_t from, std::int64_t to) {
  return std::uniform_int_distribution<std::int64_t>(from, to)(random);
}
inline bool one_in(Random& random, int n) { return between(random, 1, n) == 1; }

inline std::string hex_digits(Random& random, std::size_t count) {
  std::string text;
  while (text.size() < count) text += "0123456789abcdef"[between(random, 0, 15)];
  return text;
}

inline std::string any_bytes(Random& random, std::size_t count) {
  std::string text;
  while (text.size() < count) text += static_cast<char>(static_cast<unsigned char>(between(random, 0, 255)));
  return text;
}

/// An event with the bytes that its view points to.
struct SampleEvent {
  EventKind kind = EventKind::usage;
  std::string source, id, subject, sku, project, node, job, corrects_source, corrects_id, reason;
  std::optional<Instant> time, start, end;
  Quantity quantity{1'000'000'000};

  EventView view() const {
    return {.kind = kind,
            .source = source,
            .id = id,
            .subject = subject,
            .time = time,
            .quantity = quantity,
            .sku = sku,
            .project = project,
            .node = node,
            .job = job,
            .start = start,
            .end = end,
            .corrects_source = corrects_source,
            .corrects_id = corrects_id,
            .reason = reason};
  }
};

inline constexpr std::int64_t sample_start_ms = 1'772'323'200'000;  // 2026-03-01T00:00:00Z

/// 1,000 firms, 40 SKUs, 500 sources, ids of 24 hex digits, intervals of an hour at most.
inline SampleEvent ordinary_event(Random& random, std::int64_t arrival_ms) {
  SampleEvent event;
  event.source = "/centre/rongzhi/node-" + std::to_string(between(random, 100, 599));
  event.id = hex_digits(random, 24);
  event.subject = "91500000MA5U" + std::to_string(between(random, 100'000, 100'999));
  event.sku = "gpu.model-" + std::to_string(between(random, 10, 49));
  event.project = "project-" + std::to_string(between(random, 1, 8));
  event.node = "gpu-" + std::to_string(between(random, 100, 299));
  event.job = std::to_string(between(random, 10'000, 99'999));
  event.time = Instant{arrival_ms - between(random, 0, 2'000)};
  event.end = Instant{event.time->ms / 60'000 * 60'000};
  event.start = Instant{event.end->ms - between(random, 1, 60) * 60'000};
  event.quantity.nanos = static_cast<Int128>(between(random, 1, 64'000)) * 1'000'000;
  return event;
}

inline Quantity any_quantity(Random& random, std::int64_t least) {
  if (one_in(random, 8)) return {Quantity::event_nanos_max};
  std::int64_t scale = 1;
  for (std::int64_t digits = between(random, 0, 9); digits > 0; --digits) scale *= 10;
  return {static_cast<Int128>(between(random, least, 1'000'000'000)) * scale};
}

inline SampleEvent wild_event(Random& random) {
  const auto label = [&](std::int64_t longest) {
    return any_bytes(random, static_cast<std::size_t>(one_in(random, 8) ? longest : between(random, 0, 9)));
  };
  const auto instant = [&] { return Instant{between(random, -62'167'219'200'000, 253'402'300'799'999)}; };
  SampleEvent event;
  event.source = label(256);
  event.id =
      one_in(random, 2) ? hex_digits(random, static_cast<std::size_t>(between(random, 1, 64))) : label(256);
  event.subject = label(18);
  if (one_in(random, 4)) {
    event.kind = EventKind::correction;
    event.time = instant();
    event.corrects_source = label(256);
    event.corrects_id = label(256);
    event.reason = label(1024);
    event.quantity = any_quantity(random, 0);
    return event;
  }
  event.sku = label(128);
  event.project = label(128);
  event.node = label(128);
  event.job = label(128);
  event.quantity = any_quantity(random, 1);
  if (one_in(random, 2)) {
    event.start = instant();
    event.end = Instant{event.start->ms + between(random, 0, 1'000'000)};
  }
  if (!event.start || one_in(random, 2)) event.time = instant();
  return event;
}

}  // namespace voucherd::test
