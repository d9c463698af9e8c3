#include "daemon/documents.h"

namespace voucherd {

void record_letterhead(Engine& engine, const billing::Letterhead& letterhead,
                       std::function<void(const std::optional<billing::Refusal>&)> done) {
  const auto* recorded = engine.ledger().history(billing::FactKind::letterhead, billing::letterhead_key);
  const auto shown = billing::show_fact(letterhead);
  if (recorded != nullptr && recorded->back().shown == shown) return done(std::nullopt);
  const nlohmann::json body = shown;
  engine.change_facts({{billing::FactKind::letterhead, billing::letterhead_key, body, {}}},
                      {"file", "configuration"}, "", std::nullopt,
                      [done = std::move(done)](const Engine::ChangeReply& reply) { done(reply.refusal); });
}

billing::Letterhead letterhead_at(const Engine& engine, Position position) {
  billing::Letterhead letterhead = engine.ledger().letterhead_at(position);
  letterhead.rules_version = engine.genesis().rules_version;
  return letterhead;
}

}  // namespace voucherd
