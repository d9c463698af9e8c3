// Facts and usage from a seed: books with gaps, tiers, both taxes, contracts of both kinds,
// policies that succeed each other within a year, eligibility with holes, awards, predecessors.
#pragma once

#include <algorithm>
#include <random>

#include "tests/billing/core/example.h"

namespace voucherd::billing::example {

class RandomWorld {
 public:
  static constexpr std::string_view first_usage_day = "2026-10-01";
  static constexpr int usage_days = 150;  // 2026-10-01 … 2027-02-27

  explicit RandomWorld(std::uint64_t seed) : random_(seed) {
    add_skus();
    add_books();
    add_contracts();
    add_policies();
    facts.firms[firm] = random_firm(firm, {predecessor});
    facts.firms[predecessor] = random_firm(predecessor, {});
    if (chance(3)) put(facts, award("same", AwardKind::same_programme, amount(0, 100'000), firm, 2027));
    if (chance(3)) put(facts, award("other", AwardKind::other_policy, amount(0, 100'000), firm, 2026));
  }

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool chance(int one_in) { return between(1, one_in) == 1; }

  /// An entry of a day in [0, days_until) of the usage days.
  UsageOfDay random_usage(int days_until = usage_days) {
    static const std::array<const char*, 4> projects{"", "a", "b", "智能体"};
    return {usage_day(between(0, days_until - 1)), skus_[static_cast<std::size_t>(between(0, 3))],
            ProjectId(projects[static_cast<std::size_t>(between(0, 3))]),
            Quantity{between(0, 40'000'000'000)}};
  }
  std::vector<UsageOfDay> usage(int entries, int days_until = usage_days) {
    std::vector<UsageOfDay> list;
    list.reserve(static_cast<std::size_t>(entries));
    for (int i = 0; i < entries; ++i) list.push_back(random_usage(days_until));
    return list;
  }
  void shuffle(std::vector<UsageOfDay>& list) { std::shuffle(list.begin(), list.end(), random_); }

  static LocalDay usage_day(std::int64_t number) {
    return {day(first_usage_day).days + static_cast<int>(number)};
  }

  Firm random_firm(const FirmId& id, std::vector<FirmId> predecessors) {
    Firm made = eligible_firm(id, std::move(predecessors));
    made.eligibility = {{"ai_agent", random_days(), "文件", ""}, {"digital_twin", random_days(), "文件", ""}};
    if (chance(4)) made.related_party = {random_days()};
    return made;
  }

  inline static const FirmId predecessor{"91500000MA5UOLDXXX"};
  Facts facts;

 private:
  DayInterval random_days() {
    const auto from = between(-30, usage_days);
    return {usage_day(from), chance(3) ? std::nullopt : std::optional(usage_day(from + between(1, 100)))};
  }
  std::string amount(std::int64_t low, std::int64_t high) {
    return voucherd::billing::to_string(Fen{between(low, high)});
  }
  UnitPrice price() { return {Int128{between(0, 99'999'999)} * 1'000'000}; }
  SkuPrice random_price() {
    if (!chance(3)) return {{{std::nullopt, price()}}};
    return {{{Quantity{between(1, 50'000'000'000)}, price()}, {std::nullopt, price()}}};
  }
  PriceList random_list(int left_out_one_in) {
    PriceList list;
    for (const SkuId& sku : skus_)
      if (!chance(left_out_one_in)) list[sku] = random_price();
    return list;
  }

  void add_skus() {
    for (const SkuId& sku : skus_) facts.skus[sku] = {sku, "", "card_hour", "compute", rate("0.06")};
    facts.skus.at(skus_[1]).tax_rate = rate("0.13");
    facts.skus.at(skus_[2]).kind = "storage";
  }
  void add_books() {
    const std::array<const char*, 3> versions{"b", "a", "c"};
    std::int64_t from = between(-10, 5);
    for (const char* version : versions) {
      put(facts, PriceBook{PriceBookVersion(version), usage_day(from), chance(2), random_list(8)});
      from += between(1, 80);
    }
  }
  void add_contracts() {
    std::int64_t from = between(-10, 60);
    for (const char* number : {"HT-2", "HT-1"}) {
      const std::int64_t until = from + between(1, 60);
      std::variant<PriceList, Rate> terms;
      if (chance(2))
        terms = random_list(2);
      else
        terms = Rate{between(0, 1'000'000), "?"};
      put(facts,
          Contract{ContractNumber(number), firm, std::nullopt, {usage_day(from), usage_day(until)}, terms});
      from = until + between(0, 20);
    }
  }
  void add_policies() {
    const std::int64_t change = between(10, usage_days - 10);
    Policy first = shipped_policy();
    first.id = PolicyId("z-first");
    first.days = {usage_day(-20), usage_day(change)};
    Policy next = shipped_policy();
    next.id = PolicyId("a-next");
    next.days = {usage_day(change + between(0, 10)), std::nullopt};
    for (Policy* policy : {&first, &next}) {
      policy->tax_basis = chance(2) ? TaxBasis::net : TaxBasis::gross;
      policy->settlement = chance(2) ? Settlement::reimburse : Settlement::deduct;
      policy->rate = Rate{between(0, 1'000'000), "0.5"};
      policy->annual_cap = Fen{between(0, 2'000'000)};
      put(facts, *policy);
    }
  }

  std::mt19937_64 random_;
  const std::array<SkuId, 4> skus_{SkuId("a"), SkuId("b"), SkuId("c"), SkuId("d")};
};

}  // namespace voucherd::billing::example
