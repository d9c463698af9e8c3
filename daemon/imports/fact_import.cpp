#include "daemon/imports/fact_import.h"

#include "daemon/imports/fact_files.h"

namespace voucherd {

void import_facts(Engine& engine, const std::vector<std::string>& names,
                  const std::function<void(ImportOutcome)>& done) {
  FactFiles read = read_fact_files(names);
  ImportOutcome outcome;
  outcome.files = read.files;
  outcome.faults = std::move(read.faults);
  if (!outcome.faults.empty()) return done(std::move(outcome));
  auto facts = changed_since_import(std::move(read.facts), engine.ledger());
  outcome.changes = facts.size();
  if (facts.empty()) return done(std::move(outcome));
  std::vector<billing::FactChange> changes;
  for (const FileFact& fact : facts) changes.push_back(fact.change);
  const billing::Actor by = facts.front().change.origin->by;
  engine.change_facts(std::move(changes), by, "", std::nullopt,
                      [outcome, facts = std::move(facts), done](const Engine::ChangeReply& reply) mutable {
                        if (reply.refusal) outcome.faults = told_by_file(*reply.refusal, facts);
                        outcome.position = reply.position;
                        done(std::move(outcome));
                      });
}

}  // namespace voucherd
