// An accepted event as the API shows it: the CloudEvent that was taken in, and where it is kept.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "metering/core/usage_event.h"
#include "metering/state/usage_state.h"

namespace voucherd::api {

/// The CloudEvent with the members that are kept; instants at the journal's offset.
nlohmann::ordered_json show_event(const EventView& event, UtcOffset offset);

/// {event, position, index, received_at}.
nlohmann::ordered_json show_kept_event(const EventView& event, EventPlace place, Instant received_at,
                                       UtcOffset offset);
/// {kind, id}; null where it is not known.
nlohmann::ordered_json show_submitter(const Submitter& by);

/// The columns of csv_row(), with a line's end.
std::string csv_heading();
/// RFC 4180. No text can become a formula (billing/render/csv_writer.h): the bytes as they came are in the
/// JSON and NDJSON.
std::string csv_row(const EventView& event, EventPlace place, Instant received_at, UtcOffset offset);

/// "1842.0".
std::string to_string(EventPlace place);

}  // namespace voucherd::api
