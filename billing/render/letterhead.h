// What stands on a document beside the statement itself: the provider's address and bank from the
// configuration, and the rows of its daily usage. Plain values.
#pragma once

#include <cstdint>
#include <string>

#include "metering/core/ids.h"
#include "metering/core/quantity.h"
#include "metering/core/time.h"

namespace voucherd::billing {

/// An empty text is not printed; an empty name leaves its line to be signed by hand.
struct Letterhead {
  std::string address, telephone;
  std::string bank_name, bank_account;
  std::string prepared_by, reviewed_by, approved_by;  // 制单, 复核, 批准
  std::int32_t due_days = 30;       // after the day of the close; an open statement is not due
  std::uint32_t rules_version = 1;  // of the journal
};

/// A firm's usage of one day, SKU and project, as it was known at the statement's journal position.
struct DailyUsage {
  LocalDay day;
  SkuId sku;
  std::string unit;
  ProjectId project;  // empty: none
  Quantity quantity;
  friend bool operator==(const DailyUsage&, const DailyUsage&) = default;
};

}  // namespace voucherd::billing
