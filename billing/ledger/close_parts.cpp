// What a close says of one firm, so that it can be shown to that firm's auditor and to nobody else: its
// statements, the facts that they rest on, and the chains of its events, each as a hash. FORMAT.md in
// metering/proof.
#include "metering/proof/close_part.h"

#include "billing/ledger/ledger_state.h"

namespace voucherd::billing {

Sha256Hash LedgerState::facts_digest_of(const FirmId& firm, Month through) const {
  std::vector<FactPlace> places;
  const auto add = [&](FactKind kind, const std::string& key) {
    const auto* known = history(kind, key);
    if (known == nullptr) return;  // settings that were never set
    places.push_back({std::string(to_string(kind)), key, known->back().position, known->back().index});
  };
  add(FactKind::firm, firm.value);
  add(FactKind::settings, "settings");
  for (const Contract* contract : facts.contracts.of(firm)) add(FactKind::contract, contract->number.value);
  for (const Award* award : facts.awards.of(firm)) add(FactKind::external_award, award->id.value);
  for (const auto& [version, book] : facts.price_books) add(FactKind::price_book, version.value);
  for (const auto& [id, policy] : facts.policies) add(FactKind::policy, id.value);
  std::set<SkuId> skus;
  const RatedUsage& rated = view_of(firm).rated;  // all usage is on a charge or unpriced
  for (const auto& [key, charge] : rated.charges) {
    if (key.usage_month <= through) skus.insert(key.sku);
  }
  for (const auto& [key, quantity] : rated.unpriced) {
    if (key.usage_month <= through) skus.insert(key.sku);
  }
  if (const auto before = billed.find(firm); before != billed.end()) {
    for (const auto& [key, figures] : before->second.charges) skus.insert(key.sku);
  }
  for (const SkuId& sku : skus) add(FactKind::sku, sku.value);
  return facts_digest(std::move(places));
}

std::vector<std::string> LedgerState::close_parts(const ClosePayload& close, const Chains& chains) const {
  std::map<FirmId, ClosePart> parts;
  for (const auto& frozen : close.statements) {  // by month, then firm
    parts[frozen.firm].statements.emplace_back(frozen.month, sha256(frozen.canonical));
  }
  for (const FirmId& firm : chains.firms()) {
    for (const auto& [month, chain] : *chains.of(firm.value)) {
      if (month <= close.period) parts[firm].chains.emplace(month, chain);
    }
  }
  std::vector<std::string> encoded;
  encoded.reserve(parts.size());
  for (auto& [firm, part] : parts) {
    part.firm = firm;
    part.through = close.period;
    part.facts = facts_digest_of(firm, close.period);
    encoded.push_back(part.encode());
  }
  return encoded;
}

Result<std::vector<std::string>> Ledger::parts_of_close(const Record& record, const Chains& chains) const {
  const auto close = close_of_record(record.header, record.payload);
  if (!close) {
    return Fault{"payload_damaged", "the close at position " + std::to_string(record.header.position) +
                                        " can't be read; restore the directory from a backup"};
  }
  return impl_->close_parts(*close, chains);
}

}  // namespace voucherd::billing
