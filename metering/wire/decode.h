// Bytes of a request → usage events (CloudEvents 1.0 JSON: one, a batch array, NDJSON).
// Pure: no clock, no state, no I/O. What needs the journal's state (identity, known
// firms and SKUs, limits on time) is judged by metering/ingest.
//
// One bad event never spoils its neighbours: its item carries the problem and whatever
// members could be read. Only a body that can't be read as a whole is a BodyFault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/reason_code.h"
#include "metering/core/usage_event.h"

namespace voucherd::wire {

/// Bytes that must be readable (of any value) behind the body that decode() is given.
inline constexpr std::size_t body_padding_bytes = 64;
inline constexpr int nesting_depth_max = 16;              // of objects and arrays within one event
inline constexpr std::size_t object_members_max = 128;    // of one object within an event
inline constexpr std::size_t batch_events_max = 100'000;  // of one request: "1," would be an item each

enum class BodyFormat : std::uint8_t {
  event,          // application/cloudevents+json: one object
  batch,          // application/cloudevents-batch+json: an array
  ndjson,         // application/x-ndjson: one object a line; empty lines (only white space) are passed over
  event_or_batch  // application/json
};

/// Why an event can't be counted: a sentence in `detail` says what is wrong and what to do,
/// e.g. "data.quantity is -1; it must be above 0".
struct Problem {
  ReasonCode code;
  std::string detail;
};

/// One event of a request, in request order.
struct Item {
  /// Where `problem` is empty, a complete event. Else the members that could be read: at least
  /// source and id where they were readable (identity is looked up before anything is judged).
  EventView event;
  std::optional<Problem> problem;
  std::string_view raw;  // the event's own bytes in the body
};

/// The decoded request. Views point into the body or into `arena`: keep both alive.
struct Batch {
  std::vector<Item> items;
  std::uint64_t ignored_members = 0;  // of data and of extension attributes: ignored and counted
  std::vector<std::unique_ptr<char[]>> arena;
};

/// The whole body is unreadable (400): `detail` says what and at which byte offset.
struct BodyFault {
  std::string detail;
};

/// `body` is followed by at least body_padding_bytes readable bytes. Not thread-safe for one
/// Decoder (it reuses its parser's memory); one Decoder per thread.
class Decoder {
 public:
  Decoder();
  ~Decoder();
  boost::system::result<Batch, BodyFault> decode(std::string_view body, BodyFormat format);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

[[noreturn]] void throw_exception_from_error(const BodyFault& fault, const boost::source_location&);

}  // namespace voucherd::wire
