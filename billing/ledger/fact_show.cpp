// Facts → JSON, as the API shows them and the journal keeps them; and the names of kinds.
#include <array>

#include "billing/ledger/fact_codec.h"
#include "billing/ledger/price_reader.h"

namespace voucherd::billing {
namespace {

using nlohmann::ordered_json;

struct KindNames {
  FactKind kind;
  std::string_view name, path;
};
// Stored in the journal and part of the API: never to change.
constexpr std::array<KindNames, 8> kind_names = {
    {{FactKind::firm, "firm", "firms"},
     {FactKind::sku, "sku", "skus"},
     {FactKind::price_book, "price_book", "price-books"},
     {FactKind::contract, "contract", "contracts"},
     {FactKind::policy, "policy", "policies"},
     {FactKind::external_award, "external_award", "external-awards"},
     {FactKind::settings, "settings", "settings"},
     {FactKind::letterhead, "letterhead", ""}}};

ordered_json day_or_null(const std::optional<LocalDay>& day) {
  return day ? ordered_json(to_string(*day)) : ordered_json(nullptr);
}

void show_days(ordered_json& out, const DayInterval& days) {
  out["from"] = to_string(days.from);
  out["until"] = day_or_null(days.until);
}

ordered_json show(const Firm& firm) {
  ordered_json out;
  out["uscc"] = firm.uscc.value;
  out["name"] = firm.name;
  out["district"] = firm.district;
  ordered_json eligibility = ordered_json::array();
  for (const auto& interval : firm.eligibility) {
    ordered_json shown;
    shown["category"] = interval.category;
    show_days(shown, interval.days);
    shown["basis"] = interval.basis;
    shown["evidence_sha256"] = interval.evidence_sha256;
    eligibility.push_back(std::move(shown));
  }
  out["eligibility"] = std::move(eligibility);
  ordered_json related = ordered_json::array();
  for (const auto& days : firm.related_party) {
    ordered_json shown;
    show_days(shown, days);
    related.push_back(std::move(shown));
  }
  out["related_party"] = std::move(related);
  ordered_json predecessors = ordered_json::array();
  for (const auto& predecessor : firm.predecessors) predecessors.push_back(predecessor.value);
  out["predecessors"] = std::move(predecessors);
  return out;
}

ordered_json show(const Sku& sku) {
  ordered_json out;
  out["sku"] = sku.id.value;
  out["name"] = sku.name;
  out["unit"] = sku.unit;
  out["kind"] = sku.kind;
  out["tax_rate"] = sku.tax_rate.text;
  return out;
}

ordered_json show(const PriceBook& book) {
  ordered_json out;
  out["version"] = book.version.value;
  out["effective_from"] = to_string(book.effective_from);
  out["tax_inclusive"] = book.tax_inclusive;
  out["prices"] = show_prices(book.prices);
  return out;
}

ordered_json show(const Contract& contract) {
  ordered_json out;
  out["number"] = contract.number.value;
  out["firm"] = contract.firm.value;
  out["signed"] = day_or_null(contract.signed_on);
  show_days(out, contract.days);
  if (const auto* prices = std::get_if<PriceList>(&contract.terms)) {
    out["prices"] = show_prices(*prices);
  } else {
    out["discount"] = std::get<Rate>(contract.terms).text;
  }
  return out;
}

ordered_json show(const Policy& policy) {
  ordered_json out;
  out["id"] = policy.id.value;
  out["programme"] = policy.programme;
  out["title"] = policy.title;
  out["document"] = policy.document;
  show_days(out, policy.days);
  out["categories"] = policy.categories;
  out["rate"] = policy.rate.text;
  out["annual_cap"] = to_string(policy.annual_cap);
  out["tax_basis"] = policy.tax_basis == TaxBasis::net ? "net" : "gross";
  out["subsidised_kinds"] = policy.subsidised_kinds;
  out["settlement"] = policy.settlement == Settlement::reimburse ? "reimburse" : "deduct";
  out["require_payment"] = policy.require_payment;
  out["programme_budget"] =
      policy.programme_budget ? ordered_json(to_string(*policy.programme_budget)) : ordered_json(nullptr);
  return out;
}

ordered_json show(const Award& award) {
  ordered_json out;
  out["id"] = award.id.value;
  out["firm"] = award.firm.value;
  out["year"] = award.year;
  out["kind"] = award.kind == AwardKind::same_programme ? "same_programme" : "other_policy";
  out["amount"] = to_string(award.amount);
  out["policy"] = award.policy;
  out["evidence_sha256"] = award.evidence_sha256;
  return out;
}

ordered_json show(const Settings& settings) {
  ordered_json out;
  out["accept_from"] = to_string(settings.accept_from);
  return out;
}

ordered_json show(const Letterhead& letterhead) {
  ordered_json out;
  out["address"] = letterhead.address;
  out["telephone"] = letterhead.telephone;
  out["bank_name"] = letterhead.bank_name;
  out["bank_account"] = letterhead.bank_account;
  out["prepared_by"] = letterhead.prepared_by;
  out["reviewed_by"] = letterhead.reviewed_by;
  out["approved_by"] = letterhead.approved_by;
  out["due_days"] = letterhead.due_days;
  return out;
}

}  // namespace

std::string_view to_string(FactKind kind) { return kind_names[static_cast<std::size_t>(kind)].name; }
std::string_view path_of(FactKind kind) { return kind_names[static_cast<std::size_t>(kind)].path; }

std::optional<FactKind> fact_kind_of_path(std::string_view path) {
  for (const auto& names : kind_names) {
    if (!path.empty() && names.path == path) return names.kind;
  }
  return std::nullopt;
}

std::optional<FactKind> fact_kind_of_name(std::string_view name) {
  for (const auto& names : kind_names) {
    if (names.name == name) return names.kind;
  }
  return std::nullopt;
}

ordered_json show_fact(const Fact& fact) {
  return std::visit([](const auto& value) { return show(value); }, fact);
}

}  // namespace voucherd::billing
