// The canonical bytes of an event as a firm's chain hashes them: FORMAT.md beside this file. Stored nowhere,
// made again from the records; a bundle shows them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "metering/core/result.h"
#include "metering/core/usage_event.h"

namespace voucherd {

/// Appends the event's bytes: all that is kept of it but its subject. `index` is that among the accepted
/// events of its record.
void append_event_bytes(std::string& out, const EventView& event, std::uint32_t index);
/// The same to `at`, which has room for event_bytes_max(); returns their end.
char* write_event_bytes(char* at, const EventView& event, std::uint32_t index);
std::size_t event_bytes_max(const EventView& event);

struct IndexedEvent {
  std::uint32_t index = 0;
  EventView event;  // into the bytes; without a subject
};
/// Takes one event off the front of `in`. Fault "event_bytes_malformed" where append_event_bytes() would not
/// have written it so.
Result<IndexedEvent> take_event_bytes(std::string_view& in);

/// The months of the local days that usage of this span touches.
struct MonthRun {
  Month first, last;
  friend bool operator==(const MonthRun&, const MonthRun&) = default;
};
MonthRun months_of(UsageSpan span, UtcOffset offset);

}  // namespace voucherd
