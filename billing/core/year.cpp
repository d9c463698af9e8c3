// A firm's target needs its predecessors' targets, which need theirs: a walk over the graph of
// predecessors that reckons each firm once and never enters a firm that it is still reckoning.
#include "billing/core/year.h"

#include <algorithm>

#include "billing/core/eligibility.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

constexpr int months_per_year = 12;

}  // namespace

std::vector<PolicyShare> shares_of(const RatedUsage& rated, int year, int month, const Facts& facts) {
  std::map<PolicyId, Fen> eligible;
  const auto from = rated.charges.lower_bound(ChargeKey{make_month(year, 1), {}, {}, {}});
  const auto until = rated.charges.lower_bound(ChargeKey{make_month(year, month).next(), {}, {}, {}});
  for (auto charge = from; charge != until; ++charge)
    for (const auto& [policy, amount] : charge->second.eligible_by_policy) eligible[policy] += amount;

  std::vector<std::pair<const Policy*, Fen>> in_time;
  in_time.reserve(eligible.size());
  for (const auto& [id, amount] : eligible) in_time.emplace_back(&facts.policies.at(id), amount);
  std::sort(in_time.begin(), in_time.end(),
            [](const auto& a, const auto& b) { return a.first->days.from < b.first->days.from; });
  std::vector<PolicyShare> shares;
  shares.reserve(in_time.size());
  for (const auto& [policy, amount] : in_time) shares.push_back({policy->rate, policy->annual_cap, amount});
  return shares;
}

const Policy* last_policy_between(Month from, Month through, const Facts& facts) {
  const LocalDay begin = first_day(from);
  const LocalDay end = first_day(through.next());
  const Policy* last = nullptr;
  for (const auto& [id, policy] : facts.policies) {
    const bool touches = policy.days.from < end && (!policy.days.until || *policy.days.until > begin);
    if (touches && (last == nullptr || policy.days.from > last->days.from)) last = &policy;
  }
  return last;
}

YearReckoning::YearReckoning(const FirmAccount& account, const RatedUsage& rated, const Facts& facts)
    : account_(account), rated_(rated), facts_(facts) {}

SubsidyYear YearReckoning::year_to(int year, int month) {
  VOUCHERD_ASSERT(month >= 1 && month <= months_per_year);
  Walk walk{year, month};
  const Figures figures = figures_of(account_.firm, walk);
  SubsidyYear result;
  result.year = year;
  result.eligible_to_date = figures.eligible;
  result.target = figures.target;
  result.other_centres = figures.other_centres;
  if (const auto granted = account_.billed.granted.find(year); granted != account_.billed.granted.end())
    result.granted_before = granted->second;
  result.this_statement = result.target - result.granted_before;
  if (const Policy* policy = last_policy_between(make_month(year, 1), make_month(year, month), facts_))
    result.cap = policy->annual_cap;
  result.remaining = std::max(Fen{}, result.cap - result.other_centres - result.target);
  return result;
}

Fen YearReckoning::forecast(int year, int through, const Expected& expected) {
  Walk walk{year, through, &expected};
  return figures_of(account_.firm, walk).target;
}

bool YearReckoning::is_used_up(int year, int month) {
  const SubsidyYear reckoned = year_to(year, month);
  const Fen other_awards = awards(account_.firm, year, AwardKind::other_policy);
  return !reckoned.eligible_to_date.is_zero() && reckoned.remaining <= other_awards;
}

YearReckoning::Figures YearReckoning::figures_of(const FirmId& firm, Walk& walk) {
  walk.under_way.insert(firm);
  const RatedUsage& rated = rated_of(firm);
  const std::vector<PolicyShare> shares = shares_of(rated, walk.year, walk.month, facts_);
  Figures figures;
  for (const PolicyShare& share : shares) figures.eligible += share.eligible;
  figures.other_centres =
      awards(firm, walk.year, AwardKind::same_programme) + targets_of_predecessors(firm, walk);
  const Fen other_awards = awards(firm, walk.year, AwardKind::other_policy);
  figures.target = subsidy_target(shares, figures.other_centres, other_awards);
  if (walk.expected != nullptr) {
    figures.target = std::max(figures.target,
                              subsidy_target((*walk.expected)(rated), figures.other_centres, other_awards));
  }
  walk.under_way.erase(firm);
  return figures;
}

Fen YearReckoning::targets_of_predecessors(const FirmId& firm, Walk& walk) {
  Fen sum;
  for (const FirmId& predecessor : all_predecessors(firm)) {
    if (walk.under_way.contains(predecessor)) continue;
    auto known = walk.reckoned.find(predecessor);
    if (known == walk.reckoned.end())
      known = walk.reckoned.emplace(predecessor, figures_of(predecessor, walk).target).first;
    sum += known->second;
  }
  return sum;
}

std::set<FirmId> YearReckoning::all_predecessors(const FirmId& firm) const {
  std::set<FirmId> found;
  std::vector<FirmId> to_visit{firm};
  while (!to_visit.empty()) {
    const Firm* visited = find_firm(facts_, to_visit.back());
    to_visit.pop_back();
    if (visited == nullptr) continue;
    for (const FirmId& predecessor : visited->predecessors)
      if (found.insert(predecessor).second) to_visit.push_back(predecessor);
  }
  found.erase(firm);
  return found;
}

const RatedUsage& YearReckoning::rated_of(const FirmId& firm) {
  if (firm == account_.firm) return rated_;
  const auto [entry, is_new] = rated_predecessors_.try_emplace(firm);
  if (!is_new) return entry->second;
  if (const auto usage = account_.predecessor_usage.find(firm); usage != account_.predecessor_usage.end())
    entry->second = rate_usage(firm, usage->second, facts_);
  return entry->second;
}

Fen YearReckoning::awards(const FirmId& firm, int year, AwardKind kind) const {
  Fen sum;
  for (const Award* award : facts_.awards.of(firm))
    if (award->year == year && award->kind == kind) sum += award->amount;
  return sum;
}

SubsidyYear subsidy_of_year(const FirmAccount& account, const RatedUsage& rated, int year, int month,
                            const Facts& facts) {
  return YearReckoning(account, rated, facts).year_to(year, month);
}

}  // namespace voucherd::billing
