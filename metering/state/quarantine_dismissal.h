// The payload of a quarantine_dismissed record: entries that someone looked at and that shall
// never be counted. FORMAT.md (metering/journal) describes the layout.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "metering/core/result.h"
#include "metering/state/usage_record.h"

namespace voucherd {

struct QuarantineDismissal {
  std::vector<QuarantineNumber> numbers;
  std::string by_kind, by_id;  // who
  std::string reason;

  std::string encode() const;
  /// Trusts nothing: Fault "quarantine_dismissal_damaged".
  static Result<QuarantineDismissal> decode(std::string_view payload);
  friend bool operator==(const QuarantineDismissal&, const QuarantineDismissal&) = default;
};

}  // namespace voucherd
