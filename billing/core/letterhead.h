// What stands on a document beside the statement itself: the provider's address and bank, who signs, and when
// is to be paid. It comes from the configuration and is a fact like others, so that a closed statement's
// documents keep the one of their close. Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace voucherd::billing {

/// An empty text is not printed; an empty name leaves its line to be signed by hand.
struct Letterhead {
  std::string address, telephone;
  std::string bank_name, bank_account;
  std::string prepared_by, reviewed_by, approved_by;  // 制单, 复核, 批准
  std::int32_t due_days = 30;       // after the day of the close; an open statement is not due
  std::uint32_t rules_version = 1;  // of the journal: no part of the fact, put here by whoever renders
};

}  // namespace voucherd::billing
