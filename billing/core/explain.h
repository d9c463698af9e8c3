// From a figure down to what it is made of: a charge's days, price, formulas and reasons; a year's subsidy
// with the numbers in its formula. As JSON, since people and programs read the same. Recomputed from usage
// and facts, never copied from the figure that is explained: who asks compares the two.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <span>

#include "billing/core/charge.h"
#include "billing/core/statement.h"
#include "billing/core/subsidy.h"

namespace voucherd::billing {

/// The days of `usage` that make up the charge; empty where it is gone.
std::vector<UsageOfDay> usage_of_charge(const ChargeKey& key, const FirmId& firm,
                                        std::span<const UsageOfDay> usage, const Facts& facts);

/// `usage` holds at least the usage of the charge's month and SKU. Members: the charge's figures; `price`
/// (book, contract, tiers); `steps` (what, formula, result); `eligible` (by policy); `ineligible`; `days`.
nlohmann::ordered_json explain_charge(const ChargeKey& key, const FirmId& firm,
                                      std::span<const UsageOfDay> usage, const Facts& facts);

/// A year on a statement. `eligible` are the parts of its eligible amount under each policy, as far as
/// known: where they don't add up to it, and the year has several policies, the formula is left out.
/// `adds_up`: the formula gives the year's target; where it does not, a `remark` says why. `facts` are those
/// of the statement's position.
nlohmann::ordered_json explain_year(const SubsidyYear& year, const FirmId& firm,
                                    const std::map<PolicyId, Fen>& eligible, const Facts& facts);

}  // namespace voucherd::billing
