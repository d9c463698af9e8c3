// The rows of a workbook's sheet of daily usage. Plain values.
#pragma once

#include <string>

#include "metering/core/ids.h"
#include "metering/core/quantity.h"
#include "metering/core/time.h"

namespace voucherd::billing {

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
