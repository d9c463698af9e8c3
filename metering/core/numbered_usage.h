// One firm's usage with numbers instead of names: what rating goes through, thousands of rows with a few
// names among them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "metering/core/ids.h"
#include "metering/core/quantity.h"
#include "metering/core/time.h"

namespace voucherd {

struct NumberedUsage {
  struct Row {
    LocalDay day;
    std::uint32_t sku = 0, project = 0;  // of the names below
    Quantity quantity;
  };
  void add(const Row& row) {
    if (rows.empty()) first_day = last_day = row.day;
    first_day = std::min(first_day, row.day);
    last_day = std::max(last_day, row.day);
    rows.push_back(row);
  }

  // In the order of their bytes, each once.
  std::vector<SkuId> skus;
  std::vector<ProjectId> projects;
  std::vector<Row> rows;         // in no order
  LocalDay first_day, last_day;  // of the rows
};

}  // namespace voucherd
