#include "daemon/api/statement_view.h"

#include "metering/core/assert.h"

namespace voucherd::api {

std::optional<FoundStatement> find_statement(const Engine& engine, Month period, const FirmId& firm) {
  if (auto closed = engine.ledger().closed_statement(period, firm)) {
    return FoundStatement{std::move(closed->canonical), closed->position, std::move(closed->root), true};
  }
  if (const auto* open = engine.ledger().open_statement(period, firm)) {
    return FoundStatement{to_canonical_json(*open), engine.position(), engine.tree_root(), false};
  }
  return std::nullopt;
}

nlohmann::ordered_json journal_of(const FoundStatement& found) {
  return {{"position", found.position}, {"root", found.root}};
}

std::string with_journal(const FoundStatement& found) {
  VOUCHERD_ASSERT(!found.canonical.empty() && found.canonical.back() == '}');
  return found.canonical.substr(0, found.canonical.size() - 1) + ",\"journal\":" + journal_of(found).dump() +
         "}\n";
}

}  // namespace voucherd::api
