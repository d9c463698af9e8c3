// Usage of predecessors is not in a firm's bundle: their targets are taken from the statement itself, as an
// award at another centre, which counts in the same place. Everything else is reckoned.
#include "billing/audit/recompute.h"

#include <tuple>

#include "billing/audit/refused.h"

namespace voucherd::billing {

namespace {

using Identity = std::pair<std::string_view, std::string_view>;

/// Of an event's corrections the one that counts: the latest time, then the greater source, then id (rules
/// §7).
std::map<Identity, const EventView*> latest_corrections(const FirmEvents& events) {
  std::map<Identity, const EventView*> latest;
  for (const auto& [place, bundled] : events.events) {
    const EventView& event = bundled.event;
    if (event.kind != EventKind::correction) continue;
    const EventView*& known = latest[{event.corrects_source, event.corrects_id}];
    if (known == nullptr ||
        std::tie(*known->time, known->source, known->id) < std::tie(*event.time, event.source, event.id))
      known = &event;
  }
  return latest;
}

/// Usage up to the period: what comes later is in the bundle where it shares an event with it, and says
/// nothing here.
std::vector<UsageOfDay> usage_until(Month period, const FirmEvents& events, UtcOffset offset) {
  const auto latest = latest_corrections(events);
  std::map<std::tuple<LocalDay, std::string_view, std::string_view>, Quantity> totals;
  for (const auto& [place, bundled] : events.events) {
    const EventView& event = bundled.event;
    if (event.kind == EventKind::correction) continue;
    const auto correction = latest.find({event.source, event.id});
    const Quantity quantity = correction == latest.end() ? event.quantity : correction->second->quantity;
    spread_over_days(quantity, usage_span(event), offset, [&](LocalDay day, Quantity part) {
      if (month_of(day) <= period) totals[{day, event.sku, event.project}] += part;
    });
  }
  std::vector<UsageOfDay> usage;
  for (const auto& [key, quantity] : totals) {
    const auto& [day, sku, project] = key;
    if (!quantity.is_zero()) usage.push_back({day, SkuId(sku), ProjectId(project), quantity});
  }
  return usage;
}

Billed added_up(const std::vector<BilledStatement>& earlier) {
  Billed billed;
  for (const BilledStatement& statement : earlier) {
    for (const auto& [key, figures] : statement.lines) {
      ChargeFigures& known = billed.charges[key];
      known = known + figures;
    }
    for (const auto& [year, granted] : statement.granted) billed.granted[year] += granted;
  }
  return billed;
}

/// The core takes for granted what the ledger keeps: here it is asked of bytes that someone handed over.
void refuse_unknown_skus(const FirmAccount& account, const Facts& facts) {
  const auto ask = [&facts](const SkuId& sku) {
    refuse_unless(facts.skus.contains(sku), "facts", "a SKU that was used or billed is missing");
  };
  for (const UsageOfDay& usage : account.usage) ask(usage.sku);
  for (const auto& [key, figures] : account.billed.charges) ask(key.sku);
}

/// The facts without predecessors, and with what they took of each year's cap as an award.
Facts without_predecessors(const StatementGrounds& grounds) {
  Facts facts = grounds.facts;
  Firm& firm = facts.firms.at(grounds.firm);
  if (firm.predecessors.empty()) return facts;
  firm.predecessors.clear();
  for (const auto& [year, stated] : grounds.stated_other_centres) {
    Fen own;
    for (const Award* award : facts.awards.of(grounds.firm))
      if (award->year == year && award->kind == AwardKind::same_programme) own += award->amount;
    refuse_unless(own <= stated, bundle_statement, "other_centres is less than the firm's own awards");
    Award taken;
    taken.id = AwardId("predecessors/" + std::to_string(year));  // no key of the API has a slash
    taken.firm = grounds.firm;
    taken.year = year;
    taken.amount = stated - own;
    const AwardId id = taken.id;
    facts.awards.put(id, std::move(taken));
  }
  return facts;
}

}  // namespace

std::string recompute(const StatementGrounds& grounds, const FirmEvents& events) {
  FirmAccount account;
  account.firm = grounds.firm;
  account.usage = usage_until(grounds.period, events, grounds.head.offset);
  account.billed = added_up(grounds.earlier);
  refuse_unknown_skus(account, grounds.facts);
  // All that is not billed up to the month stands on its statement: where it was closed together with months
  // before it, those billed nothing (rules §6).
  Statement statement = open_statement(account, grounds.period, grounds.period.previous(),
                                       without_predecessors(grounds), grounds.head);
  statement.closed = grounds.closed;
  return to_canonical_json(statement);
}

}  // namespace voucherd::billing
