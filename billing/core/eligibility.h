// Why usage is not eligible (rules §4), in parts: what depends on the day and the SKU's kind
// apart from what depends on the day and the firm, so that rating asks each only once.
#pragma once

#include <optional>

#include "billing/core/charge.h"

namespace voucherd::billing {

/// related_party or firm_not_eligible, for a firm (nullptr: unknown, so never eligible) under a
/// policy; nullopt: the firm is eligible on the day.
std::optional<IneligibleReason> why_firm_ineligible(const Firm* firm, const Policy& policy, LocalDay day);

/// The first reason of rules §4 that holds; `of_firm` is why_firm_ineligible() where a policy is in force.
std::optional<IneligibleReason> first_reason(const Policy* policy, const Sku& sku,
                                             std::optional<IneligibleReason> of_firm);

/// The firm's facts, or nullptr.
const Firm* find_firm(const Facts& facts, const FirmId& firm);

}  // namespace voucherd::billing
