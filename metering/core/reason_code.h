// Why an event could not be counted. The number is stored in the journal and the
// name is in the API: neither is ever changed or used again for something else.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace voucherd {

enum class ReasonCode : std::uint8_t {
  // The bytes.
  malformed = 1,         // not JSON, or not an object
  duplicate_member = 2,  // a member stands twice in one object
  nesting_too_deep = 3,
  invalid_utf8 = 4,  // broken UTF-8, or a lone surrogate in an escape
  // The envelope.
  specversion_unsupported = 10,
  type_unknown = 11,
  member_missing = 12,     // a required member is absent
  member_wrong_type = 13,  // a member has another JSON type than the contract's
  member_too_long = 14,
  member_empty = 15,      // source, id or sku is ""
  time_malformed = 16,    // time, start or end is no RFC 3339 instant
  data_unsupported = 17,  // data_base64, or a datacontenttype other than JSON
  // The content.
  subject_invalid = 20,  // not a 统一社会信用代码
  quantity_malformed = 21,
  quantity_too_fine = 22,
  quantity_out_of_range = 23,
  quantity_not_positive = 24,
  interval_incomplete = 25,  // only one of start and end
  interval_reversed = 26,    // end before start
  no_usage_time = 27,        // neither time nor interval
  interval_too_long = 28,    // over 31 days
  usage_in_future = 29,      // ends over 5 minutes ahead of the intake time
  usage_too_old = 30,        // begins before accept_from
  firm_unknown = 31,
  sku_unknown = 32,
  // Identity and corrections.
  conflict = 40,  // the identity is taken by other content
  correction_target_unknown = 41,
  correction_of_correction = 42,
  correction_firm_differs = 43,
  // Who sent it. Never stored: nothing of such an event is kept.
  source_not_allowed = 50,
};

/// The API's name of `code`, e.g. "quantity_not_positive".
std::string_view to_string(ReasonCode code);
std::optional<ReasonCode> parse_reason_code(std::string_view name);

}  // namespace voucherd
