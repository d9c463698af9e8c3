// Which price book, contract and policy hold on a day. Linear in the books, the policies and the
// firm's own contracts: there are few of each, and rating asks once a day, not once an event.
#include "billing/core/facts.h"

namespace voucherd::billing {

template <class Key, class Value>
void OfFirms<Key, Value>::put(const Key& key, Value value) {
  const auto [entry, is_new] = by_key_.try_emplace(key);
  if (!is_new) {
    const auto former = by_firm_.find(entry->second.firm);
    former->second.erase(key);
    if (former->second.empty()) by_firm_.erase(former);
  }
  by_firm_[value.firm].insert(key);
  entry->second = std::move(value);
}

template <class Key, class Value>
std::vector<const Value*> OfFirms<Key, Value>::of(const FirmId& firm) const {
  std::vector<const Value*> values;
  const auto keys = by_firm_.find(firm);
  if (keys == by_firm_.end()) return values;
  values.reserve(keys->second.size());
  for (const Key& key : keys->second) values.push_back(&by_key_.at(key));
  return values;
}

template class OfFirms<ContractNumber, Contract>;
template class OfFirms<AwardId, Award>;

const PriceBook* Facts::price_book_on(LocalDay day) const {
  const PriceBook* in_force = nullptr;
  for (const auto& [version, book] : price_books) {
    if (book.effective_from > day) continue;
    if (in_force == nullptr || book.effective_from > in_force->effective_from) in_force = &book;
  }
  return in_force;
}

const Contract* Facts::contract_on(const FirmId& firm, LocalDay day) const {
  for (const Contract* contract : contracts.of(firm))
    if (contract->days.covers(day)) return contract;
  return nullptr;
}

const Policy* Facts::policy_on(LocalDay day) const {
  for (const auto& [id, policy] : policies)
    if (policy.days.covers(day)) return &policy;
  return nullptr;
}

}  // namespace voucherd::billing
