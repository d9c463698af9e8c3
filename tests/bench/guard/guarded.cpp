// What an event costs, in instructions: fixed events through the real steps of ingest, and a fixed year
// through rating, each step marked for callgrind. No clock, no randomness, no thread at work beside it, so
// that two runs count the same; guard.py runs this and compares. Run by itself it does the same and counts
// nothing.
#include <simdjson.h>
#include <valgrind/callgrind.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "billing/core/bill.h"
#include "metering/ingest/group_filler.h"
#include "tests/bench/driver/events.h"
#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd {
namespace {

constexpr std::size_t events_total = 20'000, batch_events = 1'000, group_batches = 4;
constexpr std::uint64_t events_a_day = 5'000;  // usage of four days: totals of more than one

/// Counts what `work` takes as the step `name`.
template <class Work>
auto step(const char* name, Work&& work) {
  CALLGRIND_ZERO_STATS;
  auto result = work();
  CALLGRIND_DUMP_STATS_AT(name);
  return result;
}

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "guarded: " << what << "\n";
  std::exit(1);
}

using Batches = std::vector<std::unique_ptr<IngestBatch>>;

Batches bodies(const bench::Events& events) {
  Batches batches;
  for (std::size_t first = 0; first < events_total; first += batch_events) {
    auto batch = std::make_unique<IngestBatch>();
    for (std::size_t i = 0; i < batch_events; ++i) {
      batch->body += events.text(bench::json_form(), first + i) + "\n";
    }
    batch->body.reserve(batch->body.size() + wire::body_padding_bytes);
    batches.push_back(std::move(batch));
  }
  return batches;
}

using Groups = std::vector<std::shared_ptr<CommitGroup>>;

void ingest() {
  const bench::Events events(events_a_day);
  testing::IngestHarness harness;
  for (int i = 0; i < bench::firms; ++i) harness.registry.firms.insert(bench::firm_code(i));
  for (int i = 0; i < bench::skus; ++i) harness.registry.skus.insert(bench::sku_name(i));
  const Sequencer::Parts parts{*harness.journal,
                               harness.clock,
                               harness.state,
                               harness.identities,
                               *harness.blocks,
                               harness.registry,
                               7,
                               UtcOffset{480},
                               {},
                               {},
                               {},
                               {}};
  GroupFiller filler(parts);
  Batches batches = bodies(events);
  step("decode", [&] {
    for (auto& batch : batches) {
      batch->decoded = harness.decoder.decode(batch->body, wire::BodyFormat::ndjson).value();
      batch->hash_identities(7);
    }
    return batches.size();
  });
  const Groups groups = step("fill", [&] {
    Groups sealed;
    std::uint64_t accepted = 0;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      accepted += filler.fill(*batches[i]).accepted;
      if ((i + 1) % group_batches == 0) sealed.push_back(filler.seal());
    }
    check(accepted == events_total, "not every event was accepted");
    return sealed;
  });
  const std::size_t bytes = step("encode", [&] {
    std::size_t size = 0;
    for (const auto& group : groups) size += group->usage->encode().size();
    return size;
  });
  const EventOrdinal folded = step("fold", [&] {
    for (const auto& group : groups) harness.state.apply(group->record.header, *group->usage, {});
    return harness.state.events();
  });
  check(folded == events_total, "not every event was folded");
  std::cout << bytes / events_total << " bytes an event\n";
}

billing::Facts facts() {
  billing::Facts facts;
  billing::PriceBook book{PriceBookVersion("2026"), parse_day("2026-01-01").value(), false, {}};
  for (int i = 0; i < bench::skus; ++i) {
    const SkuId sku(bench::sku_name(i));
    facts.skus[sku] = {sku, "GPU", "card_hour", "compute", billing::parse_rate("0.06").value()};
    book.prices[sku] = {{{std::nullopt, billing::parse_price("8.5").value()}}};
  }
  facts.price_books[book.version] = book;
  billing::Policy policy;
  policy.id = PolicyId("bench");
  policy.days.from = parse_day("2026-01-01").value();
  policy.categories = {"ai_agent"};
  policy.rate = billing::parse_rate("0.20").value();
  policy.annual_cap = billing::Fen{100'000'000};
  facts.policies[policy.id] = policy;
  const FirmId firm(bench::firm_code(0));
  facts.firms[firm] = {firm, "firm", "", {{"ai_agent", {policy.days.from, std::nullopt}, "", ""}}, {}, {}};
  return facts;
}

void rate() {
  const billing::FirmAccount account{FirmId(bench::firm_code(0)), {}, {}, {}};
  NumberedUsage usage;
  usage.projects.emplace_back("agent");
  for (int sku = 0; sku < bench::skus; ++sku) usage.skus.emplace_back(bench::sku_name(sku));
  std::sort(usage.skus.begin(), usage.skus.end());
  for (LocalDay day = parse_day("2026-01-01").value(); day < parse_day("2027-01-01").value(); ++day.days) {
    for (std::uint32_t sku = 0; sku < usage.skus.size(); ++sku) {
      usage.add({day, sku, 0, Quantity{1'234'567'890}});
    }
  }
  const billing::Facts known = facts();
  const auto rated = step("rate", [&] { return billing::rate_usage(account.firm, usage, known); });
  const billing::StatementHead head{{"centre", "91500000MA5U00000W"}, "CNY", UtcOffset{480}};
  const auto statement = step("statement", [&] {
    return billing::open_statement(account, rated, make_month(2026, 12), std::nullopt, known, head);
  });
  check(!statement.lines.empty(), "the statement has no line");
}

}  // namespace
}  // namespace voucherd

int main() {
  // The one that every machine has: which one is taken by itself depends on the CPU.
  simdjson::get_active_implementation() = simdjson::get_available_implementations()["fallback"];
  CALLGRIND_START_INSTRUMENTATION;
  // Rating first, before there are the journal's threads: so small a step would feel them.
  voucherd::rate();
  voucherd::ingest();
}
