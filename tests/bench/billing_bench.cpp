// A statement of one firm: 40 SKUs on each day of the month in three projects (3,720 totals). The
// argument is the number of firms in the facts, with a contract and an award each.
#include <benchmark/benchmark.h>

#include "billing/core/bill.h"

namespace {

using namespace voucherd;
using namespace voucherd::billing;

const FirmId firm{"91500000MA5U000000"};
constexpr int one_firm = 1;
constexpr int many_firms = 1000;
constexpr int skus = 40;
constexpr int projects = 3;

SkuId sku(int number) { return SkuId("gpu.model-" + std::to_string(number)); }

Facts facts(std::int64_t firms) {
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
  for (std::int64_t i = 0; i < firms; ++i) {
    const std::string digits = std::to_string(i);
    const FirmId id(firm.value.substr(0, firm.value.size() - digits.size()) + digits);
    facts.firms[id] = {
        id, "某某科技有限公司", "渝中区", {{"ai_agent", {policy.days.from, std::nullopt}, "", ""}}, {}, {}};
    const ContractNumber number("HT-" + digits);
    const DayInterval days{parse_day("2026-01-01").value(), std::nullopt};
    facts.contracts.put(number, {number, id, std::nullopt, days, parse_rate("0.1").value()});
    const AwardId award("award-" + digits);
    facts.awards.put(award, {award, id, 2026, AwardKind::same_programme, Fen{100}, "", ""});
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
  const Facts known = facts(state.range(0));
  const FirmAccount of = account();
  for (auto _ : state) benchmark::DoNotOptimize(rate_usage(firm, of.usage, known));
}
BENCHMARK(rating)->Arg(one_firm)->Arg(many_firms)->Unit(benchmark::kMicrosecond);

void statement(benchmark::State& state) {
  const Facts known = facts(state.range(0));
  const FirmAccount of = account();
  const StatementHead head{{"某某智算中心", "91500000MA5UPROVID"}, "CNY", UtcOffset{480}};
  for (auto _ : state)
    benchmark::DoNotOptimize(open_statement(of, make_month(2026, 3), std::nullopt, known, head));
}
BENCHMARK(statement)->Arg(one_firm)->Arg(many_firms)->Unit(benchmark::kMicrosecond);

void canonical_json(benchmark::State& state) {
  const StatementHead head{{"某某智算中心", "91500000MA5UPROVID"}, "CNY", UtcOffset{480}};
  const Statement open = open_statement(account(), make_month(2026, 3), std::nullopt, facts(one_firm), head);
  for (auto _ : state) benchmark::DoNotOptimize(to_canonical_json(open));
}
BENCHMARK(canonical_json)->Unit(benchmark::kMicrosecond);

void parse_canonical(benchmark::State& state) {
  const StatementHead head{{"某某智算中心", "91500000MA5UPROVID"}, "CNY", UtcOffset{480}};
  const std::string bytes =
      to_canonical_json(open_statement(account(), make_month(2026, 3), std::nullopt, facts(one_firm), head));
  for (auto _ : state) benchmark::DoNotOptimize(parse_canonical_json(bytes));
}
BENCHMARK(parse_canonical)->Unit(benchmark::kMicrosecond);

}  // namespace
