// A statement of one firm: 40 SKUs on each day of the month in three projects (3,720 totals), in a
// world of 1,000 firms with a contract and an award each.
#include <benchmark/benchmark.h>

#include "billing/core/bill.h"

namespace {

using namespace voucherd;
using namespace voucherd::billing;

const FirmId firm{"91500000MA5U000500"};
constexpr int skus = 40;
constexpr int projects = 3;

SkuId sku(int number) { return SkuId("gpu.model-" + std::to_string(number)); }

Facts facts() {
  Facts facts;
  PriceBook book{PriceBookVersion("2026-q1"), parse_day("2026-01-01").value(), false, {}};
  for (int i = 0; i < skus; ++i) {
    facts.skus[sku(i)] = {sku(i), "GPU", "card_hour", "compute", parse_rate("0.06").value()};
    book.prices[sku(i)] = {{{std::nullopt, parse_price("8.5").value()}}};
    if (i % 8 == 0) {
      const PriceTier first{Quantity{100'000'000'000}, parse_price("9").value()};
      book.prices[sku(i)].tiers.insert(book.prices[sku(i)].tiers.begin(), first);
    }
  }
  facts.price_books[book.version] = book;
  Policy policy;
  policy.id = PolicyId("cq-2025-12");
  policy.days.from = parse_day("2025-12-25").value();
  policy.categories = {"ai_agent"};
  policy.rate = parse_rate("0.20").value();
  policy.annual_cap = Fen{100'000'000};
  facts.policies[policy.id] = policy;
  for (int i = 0; i < 1000; ++i) {
    const FirmId id("91500000MA5U000" + std::to_string(i));
    facts.firms[id] = {
        id, "某某科技有限公司", "渝中区", {{"ai_agent", {policy.days.from, std::nullopt}, "", ""}}, {}, {}};
    const ContractNumber number("HT-" + std::to_string(i));
    const DayInterval days{parse_day("2026-03-16").value(), std::nullopt};
    facts.contracts[number] = {number, id, std::nullopt, days, parse_rate("0.1").value()};
    const AwardId award("award-" + std::to_string(i));
    facts.awards[award] = {award, id, 2026, AwardKind::same_programme, Fen{100}, "", ""};
  }
  return facts;
}

FirmAccount account() {
  FirmAccount account{firm, {}, {}, {}};
  for (LocalDay day = first_day(make_month(2026, 3)); day < first_day(make_month(2026, 4)); ++day.days)
    for (int i = 0; i < skus; ++i)
      for (int project = 0; project < projects; ++project)
        account.usage.push_back(
            {day, sku(i), ProjectId("project-" + std::to_string(project)), Quantity{1'234'567'890}});
  return account;
}

void rating(benchmark::State& state) {
  const Facts known = facts();
  const FirmAccount of = account();
  for (auto _ : state) benchmark::DoNotOptimize(rate_usage(firm, of.usage, known));
}
BENCHMARK(rating)->Unit(benchmark::kMicrosecond);

void statement(benchmark::State& state) {
  const Facts known = facts();
  const FirmAccount of = account();
  const StatementHead head{{"某某智算中心", "91500000MA5UPROVID"}, "CNY", UtcOffset{480}};
  for (auto _ : state)
    benchmark::DoNotOptimize(open_statement(of, make_month(2026, 3), std::nullopt, known, head));
}
BENCHMARK(statement)->Unit(benchmark::kMicrosecond);

void canonical_json(benchmark::State& state) {
  const StatementHead head{{"某某智算中心", "91500000MA5UPROVID"}, "CNY", UtcOffset{480}};
  const Statement open = open_statement(account(), make_month(2026, 3), std::nullopt, facts(), head);
  for (auto _ : state) benchmark::DoNotOptimize(to_canonical_json(open));
}
BENCHMARK(canonical_json)->Unit(benchmark::kMicrosecond);

void parse_canonical(benchmark::State& state) {
  const StatementHead head{{"某某智算中心", "91500000MA5UPROVID"}, "CNY", UtcOffset{480}};
  const std::string bytes =
      to_canonical_json(open_statement(account(), make_month(2026, 3), std::nullopt, facts(), head));
  for (auto _ : state) benchmark::DoNotOptimize(parse_canonical_json(bytes));
}
BENCHMARK(parse_canonical)->Unit(benchmark::kMicrosecond);

}  // namespace
