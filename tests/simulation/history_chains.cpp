// Chains of firms' events, and what closes say of firms: the program's against the auditor's own.

#include "tests/simulation/history.h"

namespace voucherd::simulation {

naive::ChainTexts History::own_chains() {
  std::vector<naive::PlacedEvent> placed;
  for (const naive::Event& event : model_.events()) {
    const bool found = program_.engine().find_event(event.source, event.id,
                                                    [&](const EventView&, EventPlace place, Instant) {
                                                      placed.push_back({event, place.position, place.index});
                                                    });
    if (!found) throw Mismatch("an accepted event is not found: " + event.source + " " + event.id);
  }
  return naive::chains_of(std::move(placed), workload_.head().offset);
}

namespace {
std::string shown(const naive::ChainTexts& chains) {
  std::string out;
  for (const auto& [key, text] : chains) {
    out += key.first + " " + naive::show_month(key.second) + " " + text + "\n";
  }
  return out;
}

}  // namespace

void History::compare_chains() {
  naive::ChainTexts program;
  const Chains& chains = program_.engine().chains();
  for (const FirmId& firm : chains.firms()) {
    for (const auto& [month, chain] : *chains.of(firm.value)) {
      program[{firm.value, month.months}] = std::to_string(chain.events) + ":" + to_hex(chain.value);
    }
  }
  expect_equal("chains", shown(program), shown(own_chains()));
}

/// A close of a closed month again changes nothing: its chains are those of then.
void History::compare_parts_of_close(Position position, int month) {
  if (position != program_.engine().position()) return;
  const auto parts = naive::parts_of_close(program_.engine().journal().read(position).value().payload);
  naive::ChainTexts expected;
  for (const auto& [key, text] : own_chains()) {
    if (key.second <= month) expected[key] = text;
  }
  expect_equal("chains of the close", shown(parts.chains), shown(expected));
  naive::ChainTexts statements;
  const billing::Ledger& ledger = program_.engine().ledger();
  for (const Month each : ledger.periods()) {
    const auto closed = ledger.closed(each);
    if (!closed || closed->position != position) continue;
    for (const FirmId& firm : ledger.firms_with_statement(each, FirmId{""}, 1'000'000)) {
      statements[{firm.value, each.months}] =
          naive::sha256_hex(ledger.closed_statement(each, firm)->canonical);
    }
  }
  expect_equal("statements of the close", shown(parts.statements), shown(statements));
}

}  // namespace voucherd::simulation
