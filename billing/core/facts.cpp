// Which price book, contract and policy hold on a day. Linear: there are few of each, and
// rating asks once a day, not once an event.
#include "billing/core/facts.h"

namespace voucherd::billing {

const PriceBook* Facts::price_book_on(LocalDay day) const {
  const PriceBook* in_force = nullptr;
  for (const auto& [version, book] : price_books) {
    if (book.effective_from > day) continue;
    if (in_force == nullptr || book.effective_from > in_force->effective_from) in_force = &book;
  }
  return in_force;
}

const Contract* Facts::contract_on(const FirmId& firm, LocalDay day) const {
  for (const auto& [number, contract] : contracts)
    if (contract.days.covers(day) && contract.firm == firm) return &contract;
  return nullptr;
}

const Policy* Facts::policy_on(LocalDay day) const {
  for (const auto& [id, policy] : policies)
    if (policy.days.covers(day)) return &policy;
  return nullptr;
}

}  // namespace voucherd::billing
