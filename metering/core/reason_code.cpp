// The names of the reasons, in one table.
#include "metering/core/reason_code.h"

namespace voucherd {
namespace {

struct Name {
  ReasonCode code;
  std::string_view name;
};

constexpr Name names[] = {
    {ReasonCode::malformed, "malformed"},
    {ReasonCode::duplicate_member, "duplicate_member"},
    {ReasonCode::nesting_too_deep, "nesting_too_deep"},
    {ReasonCode::invalid_utf8, "invalid_utf8"},
    {ReasonCode::specversion_unsupported, "specversion_unsupported"},
    {ReasonCode::type_unknown, "type_unknown"},
    {ReasonCode::member_missing, "member_missing"},
    {ReasonCode::member_wrong_type, "member_wrong_type"},
    {ReasonCode::member_too_long, "member_too_long"},
    {ReasonCode::member_empty, "member_empty"},
    {ReasonCode::time_malformed, "time_malformed"},
    {ReasonCode::data_unsupported, "data_unsupported"},
    {ReasonCode::subject_invalid, "subject_invalid"},
    {ReasonCode::quantity_malformed, "quantity_malformed"},
    {ReasonCode::quantity_too_fine, "quantity_too_fine"},
    {ReasonCode::quantity_out_of_range, "quantity_out_of_range"},
    {ReasonCode::quantity_not_positive, "quantity_not_positive"},
    {ReasonCode::interval_incomplete, "interval_incomplete"},
    {ReasonCode::interval_reversed, "interval_reversed"},
    {ReasonCode::no_usage_time, "no_usage_time"},
    {ReasonCode::interval_too_long, "interval_too_long"},
    {ReasonCode::usage_in_future, "usage_in_future"},
    {ReasonCode::usage_too_old, "usage_too_old"},
    {ReasonCode::firm_unknown, "firm_unknown"},
    {ReasonCode::sku_unknown, "sku_unknown"},
    {ReasonCode::conflict, "conflict"},
    {ReasonCode::correction_target_unknown, "correction_target_unknown"},
    {ReasonCode::correction_of_correction, "correction_of_correction"},
    {ReasonCode::correction_firm_differs, "correction_firm_differs"},
    {ReasonCode::source_not_allowed, "source_not_allowed"},
};

}  // namespace

std::string_view to_string(ReasonCode code) {
  for (const Name& entry : names) {
    if (entry.code == code) return entry.name;
  }
  return "unknown";  // a number that a later version stored
}

std::optional<ReasonCode> parse_reason_code(std::string_view name) {
  for (const Name& entry : names) {
    if (entry.name == name) return entry.code;
  }
  return std::nullopt;
}

}  // namespace voucherd
