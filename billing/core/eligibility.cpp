// The reasons stand in the order of rules §4: the first that holds is the one that is given.
#include "billing/core/eligibility.h"

#include <algorithm>
#include <array>
#include <utility>

#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

constexpr std::array<std::pair<IneligibleReason, std::string_view>, 4> reason_names{{
    {IneligibleReason::policy_not_in_force, "policy_not_in_force"},
    {IneligibleReason::sku_not_subsidised, "sku_not_subsidised"},
    {IneligibleReason::related_party, "related_party"},
    {IneligibleReason::firm_not_eligible, "firm_not_eligible"},
}};

}  // namespace

std::string_view to_string(IneligibleReason reason) {
  for (const auto& [value, name] : reason_names)
    if (value == reason) return name;
  invariant_failed("a reason without a name", __FILE__, __LINE__);
}

std::optional<IneligibleReason> parse_ineligible_reason(std::string_view text) {
  for (const auto& [value, name] : reason_names)
    if (name == text) return value;
  return std::nullopt;
}

const Firm* find_firm(const Facts& facts, const FirmId& firm) {
  const auto found = facts.firms.find(firm);
  return found == facts.firms.end() ? nullptr : &found->second;
}

std::optional<IneligibleReason> why_firm_ineligible(const Firm* firm, const Policy& policy, LocalDay day) {
  if (firm == nullptr) return IneligibleReason::firm_not_eligible;
  const auto covers = [day](const DayInterval& days) { return days.covers(day); };
  if (std::any_of(firm->related_party.begin(), firm->related_party.end(), covers))
    return IneligibleReason::related_party;
  const auto qualifies = [&](const Eligibility& eligibility) {
    return eligibility.days.covers(day) && policy.categories.contains(eligibility.category);
  };
  if (std::any_of(firm->eligibility.begin(), firm->eligibility.end(), qualifies)) return std::nullopt;
  return IneligibleReason::firm_not_eligible;
}

std::optional<IneligibleReason> first_reason(const Policy* policy, const Sku& sku,
                                             std::optional<IneligibleReason> of_firm) {
  if (policy == nullptr) return IneligibleReason::policy_not_in_force;
  if (!policy->subsidised_kinds.contains(sku.kind)) return IneligibleReason::sku_not_subsidised;
  return of_firm;
}

std::optional<IneligibleReason> why_ineligible(const FirmId& firm, const Sku& sku, LocalDay day,
                                               const Facts& facts) {
  const Policy* policy = facts.policy_on(day);
  const auto of_firm =
      policy == nullptr ? std::nullopt : why_firm_ineligible(find_firm(facts, firm), *policy, day);
  return first_reason(policy, sku, of_firm);
}

}  // namespace voucherd::billing
