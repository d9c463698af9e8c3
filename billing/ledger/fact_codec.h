// Facts as JSON: reads a PUT body into a fact and prints a fact as the API shows it. Every
// fault of a body is listed at once, each with a JSON pointer (RFC 6901).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "billing/core/facts.h"
#include "billing/core/letterhead.h"

namespace voucherd::billing {

/// One thing wrong with a body. `pointer` is "" for the body as a whole.
struct FieldFault {
  std::string pointer, detail;
  friend bool operator==(const FieldFault&, const FieldFault&) = default;
};

/// The path segment of the API and the journal's name of the kind; both never change.
enum class FactKind { firm, sku, price_book, contract, policy, external_award, settings, letterhead };
std::string_view to_string(FactKind kind);  // "firm", "sku", "price_book", …
std::string_view path_of(FactKind kind);    // "firms", "skus", …; "" where it has none: the letterhead
std::optional<FactKind> fact_kind_of_path(std::string_view path);
std::optional<FactKind> fact_kind_of_name(std::string_view name);

/// The settings: one fact, key "settings".
struct Settings {
  LocalDay accept_from{20089};
};

/// What the configuration says of documents: one fact, which only the daemon itself records.
inline constexpr const char* letterhead_key = "letterhead";

using Fact = std::variant<Firm, Sku, PriceBook, Contract, Policy, Award, Settings, Letterhead>;

/// Reads `body` (an object, without a member `reason`, which the caller takes out) as the fact `key`
/// of `kind`. Unknown members, missing ones, wrong types, values out of range, intervals that
/// overlap or are empty within the fact: all collected in `faults`. What needs other facts is judged
/// by the ledger.
std::optional<Fact> read_fact(FactKind kind, const std::string& key, const nlohmann::json& body,
                              std::vector<FieldFault>& faults);

/// Puts `fact` into `facts`, in the place of the one with its key.
void put_fact(Facts& facts, const Fact& fact);

/// The fact as the API shows it: members in the contract's order, defaults filled in, the key as
/// first member ("uscc", "sku", "version", "number", "id"), so that a list reads well; read_fact()
/// accepts that member where it equals the key.
nlohmann::ordered_json show_fact(const Fact& fact);

}  // namespace voucherd::billing
