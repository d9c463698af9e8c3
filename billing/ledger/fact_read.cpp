// PUT bodies → facts. Each kind has one reader that asks for its members in the contract's
// order (api.md, "What billing knows"); what they have in common is field_reader's.
#include <algorithm>

#include "billing/ledger/fact_codec.h"
#include "billing/ledger/field_reader.h"
#include "billing/ledger/ledger_state.h"
#include "billing/ledger/price_reader.h"

namespace voucherd::billing {
namespace {

using nlohmann::json;

const std::vector<std::string>& sku_kinds() {
  static const std::vector<std::string> kinds = {"compute", "storage", "network", "support"};
  return kinds;
}

/// Keys stand in paths, ETags and file names.
std::string key_fault(const std::string& key) {
  std::string wrong = text_fault(key, 1, fact_key_bytes_max);
  if (!wrong.empty()) return wrong;
  if (key.find('/') != std::string::npos) {
    return "contains \"/\", which separates the parts of a path; use another sign, like \"-\"";
  }
  if (key == "." || key == "..") return "is a relative path; choose another one";
  return {};
}

/// The key may stand in the body too, as show_fact() prints it; then it must be the path's.
void check_key(FieldReader& reader, const std::string& member, const std::string& key) {
  const auto* value = reader.find(member, Need::optional, "the key of the path");
  if (value != nullptr && *value != key) {
    reader.fault(member, member + " must be \"" + key + "\", as in the path, or be left out");
  }
}

void read_eligibility(FieldReader& reader, Firm& firm, std::vector<FieldFault>& faults) {
  std::map<std::string, std::pair<std::vector<DayInterval>, std::vector<std::string>>> by_category;
  const auto item = [&](const json& value, const std::string& pointer) {
    FieldReader fields(value, pointer, faults);
    Eligibility eligibility;
    eligibility.category = fields.text("category", Need::required, 1, fact_key_bytes_max);
    const auto days = fields.interval();
    eligibility.basis = fields.text("basis", Need::optional, 0, fact_text_bytes_max);
    eligibility.evidence_sha256 = fields.sha256("evidence_sha256");
    fields.refuse_others();
    if (!days || eligibility.category.empty()) return;
    eligibility.days = *days;
    auto& [intervals, pointers] = by_category[eligibility.category];
    intervals.push_back(*days);
    pointers.push_back(pointer);
    firm.eligibility.push_back(std::move(eligibility));
  };
  reader.array("eligibility", Need::optional, "an array of intervals", item);
  for (const auto& [category, found] : by_category) {
    refuse_overlaps(found.first, found.second, "interval of category " + category, faults);
  }
}

void read_related_party(FieldReader& reader, Firm& firm, std::vector<FieldFault>& faults) {
  std::vector<std::string> pointers;
  const auto item = [&](const json& value, const std::string& pointer) {
    FieldReader fields(value, pointer, faults);
    const auto days = fields.interval();
    fields.refuse_others();
    if (!days) return;
    firm.related_party.push_back(*days);
    pointers.push_back(pointer);
  };
  reader.array("related_party", Need::optional, "an array of intervals", item);
  refuse_overlaps(firm.related_party, pointers, "interval", faults);
}

/// What is wrong with one more predecessor; "" where nothing.
std::string predecessor_fault(const Firm& firm, const json& value) {
  if (!value.is_string()) return "A predecessor must be a firm's code as a string";
  const FirmId code{value.get_ref<const std::string&>()};
  const auto good = check_uscc(code.value);
  if (!good) return good.error().detail;
  if (code == firm.uscc) return "A firm can't be its own predecessor; remove " + code.value;
  const auto& known = firm.predecessors;
  if (std::find(known.begin(), known.end(), code) != known.end())
    return code.value + " stands twice; remove one of them";
  return {};
}

void read_predecessors(FieldReader& reader, Firm& firm, std::vector<FieldFault>& faults) {
  const auto item = [&](const json& value, const std::string& pointer) {
    std::string wrong = predecessor_fault(firm, value);
    // A faulty one leaves its place empty: references are named by their index.
    firm.predecessors.push_back(wrong.empty() ? FirmId{value.get_ref<const std::string&>()} : FirmId{});
    if (!wrong.empty()) faults.push_back({pointer, std::move(wrong)});
  };
  reader.array("predecessors", Need::optional, "an array of firms' codes", item);
}

Fact read_firm(const std::string& key, FieldReader& reader, std::vector<FieldFault>& faults) {
  Firm firm;
  firm.uscc = FirmId{key};
  check_key(reader, "uscc", key);
  firm.name = reader.text("name", Need::required, 1, fact_text_bytes_max);
  firm.district = reader.text("district", Need::optional, 0, fact_text_bytes_max);
  read_eligibility(reader, firm, faults);
  read_related_party(reader, firm, faults);
  read_predecessors(reader, firm, faults);
  return firm;
}

Fact read_sku(const std::string& key, FieldReader& reader) {
  Sku sku;
  sku.id = SkuId{key};
  check_key(reader, "sku", key);
  sku.name = reader.text("name", Need::required, 1, fact_text_bytes_max);
  sku.unit = reader.text("unit", Need::required, 1, fact_unit_bytes_max);
  sku.kind = reader.one_of("kind", Need::required, sku_kinds(), "");
  sku.tax_rate = reader.rate("tax_rate", Need::optional).value_or(parse_rate("0.06").value());
  return sku;
}

Fact read_price_book(const std::string& key, FieldReader& reader, std::vector<FieldFault>& faults) {
  PriceBook book;
  book.version = PriceBookVersion{key};
  check_key(reader, "version", key);
  book.effective_from = reader.day("effective_from", Need::required).value_or(LocalDay{});
  book.tax_inclusive = reader.boolean("tax_inclusive", false);
  book.prices = read_prices(reader, Need::required, faults);
  return book;
}

Fact read_contract(const std::string& key, FieldReader& reader, std::vector<FieldFault>& faults) {
  Contract contract;
  contract.number = ContractNumber{key};
  check_key(reader, "number", key);
  contract.firm = reader.firm("firm");
  contract.signed_on = reader.day("signed", Need::optional, true);
  contract.days = reader.interval().value_or(DayInterval{});
  PriceList prices = read_prices(reader, Need::optional, faults);
  const auto discount = reader.rate("discount", Need::optional);
  const bool has_prices = reader.find("prices", Need::optional, "") != nullptr;
  const bool has_discount = reader.find("discount", Need::optional, "") != nullptr;
  if (reader.is_object() && has_prices == has_discount) {
    faults.push_back(
        {reader.pointer(), has_prices ? "A contract has either prices or a discount; remove one of them"
                                      : "A contract needs either prices or a discount; add one of them"});
  }
  if (has_discount) {
    contract.terms = discount.value_or(Rate{});
  } else {
    contract.terms = std::move(prices);
  }
  return contract;
}

/// A non-empty array of texts, without doubles.
std::set<std::string> read_texts(FieldReader& reader, const std::string& member, Need need,
                                 std::string_view what, const std::vector<std::string>* choices,
                                 std::vector<FieldFault>& faults) {
  std::set<std::string> texts;
  bool empty = true;
  const auto item = [&](const json& value, const std::string& pointer) {
    empty = false;
    const std::string text = value.is_string() ? value.get<std::string>() : std::string();
    const std::string wrong =
        value.is_string() ? text_fault(text, 1, fact_key_bytes_max) : "must be a string";
    if (!wrong.empty()) {
      faults.push_back({pointer, "This element of " + member + " " + wrong});
    } else if (choices != nullptr && std::find(choices->begin(), choices->end(), text) == choices->end()) {
      faults.push_back(
          {pointer, "\"" + text + "\" is no kind; choose of compute, storage, network and support"});
    } else if (!texts.insert(text).second) {
      faults.push_back({pointer, "\"" + text + "\" stands twice; remove one of them"});
    }
  };
  reader.array(member, need, what, item);
  const auto* value = reader.find(member, Need::optional, "");
  if (value != nullptr && value->is_array() && empty) {
    reader.fault(member, member + " is empty; it must be " + std::string(what));
  }
  return texts;
}

TaxBasis read_tax_basis(FieldReader& reader) {
  const std::string basis = reader.one_of("tax_basis", Need::optional, {"net", "gross"}, "");
  if (reader.is_object() && reader.find("tax_basis", Need::optional, "") == nullptr) {
    reader.fault(
        "tax_basis",
        "tax_basis is missing and has no default, since it decides over public money: say \"net\" (the "
        "subsidy is a share of the amount without VAT) or \"gross\" (with VAT)");
  }
  return basis == "gross" ? TaxBasis::gross : TaxBasis::net;
}

Fact read_policy(const std::string& key, FieldReader& reader, std::vector<FieldFault>& faults) {
  Policy policy;
  policy.id = PolicyId{key};
  check_key(reader, "id", key);
  const std::string programme = reader.text("programme", Need::optional, 1, fact_key_bytes_max);
  if (!programme.empty()) policy.programme = programme;
  policy.title = reader.text("title", Need::optional, 0, fact_text_bytes_max);
  policy.document = reader.text("document", Need::optional, 0, fact_text_bytes_max);
  policy.days = reader.interval().value_or(DayInterval{});
  policy.categories =
      read_texts(reader, "categories", Need::required, "an array of at least one category", nullptr, faults);
  policy.rate = reader.rate("rate", Need::required).value_or(Rate{});
  policy.annual_cap = reader.amount("annual_cap", Need::required).value_or(Fen{});
  policy.tax_basis = read_tax_basis(reader);
  auto kinds = read_texts(reader, "subsidised_kinds", Need::optional, "an array of at least one SKU kind",
                          &sku_kinds(), faults);
  if (!kinds.empty()) policy.subsidised_kinds = std::move(kinds);
  const std::string settlement =
      reader.one_of("settlement", Need::optional, {"reimburse", "deduct"}, "reimburse");
  policy.settlement = settlement == "deduct" ? Settlement::deduct : Settlement::reimburse;
  policy.require_payment = reader.boolean("require_payment", false);
  policy.programme_budget = reader.amount("programme_budget", Need::optional, true);
  return policy;
}

int read_year(FieldReader& reader) {
  const auto* value = reader.find("year", Need::required, "a year, like 2026");
  if (value == nullptr) return 0;
  const bool whole =
      value->is_number_integer() && (!value->is_number_unsigned() || value->get<std::uint64_t>() < 10000);
  if (whole && value->get<std::int64_t>() >= 2000 && value->get<std::int64_t>() <= 9999)
    return value->get<int>();
  reader.fault("year", "year must be a whole number from 2000 to 9999, without quotes");
  return 0;
}

Fact read_award(const std::string& key, FieldReader& reader) {
  Award award;
  award.id = AwardId{key};
  check_key(reader, "id", key);
  award.firm = reader.firm("firm");
  award.year = read_year(reader);
  const std::string kind = reader.one_of("kind", Need::required, {"same_programme", "other_policy"}, "");
  award.kind = kind == "other_policy" ? AwardKind::other_policy : AwardKind::same_programme;
  award.amount = reader.amount("amount", Need::required).value_or(Fen{});
  award.policy = reader.text("policy", Need::optional, 0, fact_text_bytes_max);
  award.evidence_sha256 = reader.sha256("evidence_sha256");
  return award;
}

Fact read_settings(FieldReader& reader) {
  Settings settings;
  settings.accept_from = reader.day("accept_from", Need::required).value_or(settings.accept_from);
  return settings;
}

std::int32_t read_due_days(FieldReader& reader) {
  constexpr std::int64_t due_days_max = 3650;
  const auto* value = reader.find("due_days", Need::required, "a number of days");
  if (value == nullptr) return 0;
  if (value->is_number_integer() && *value >= 0 && *value <= due_days_max) return value->get<std::int32_t>();
  reader.fault("due_days", "due_days must be a whole number from 0 to " + std::to_string(due_days_max));
  return 0;
}

Fact read_letterhead(FieldReader& reader) {
  const auto text = [&](const char* member) {
    return reader.text(member, Need::optional, 0, fact_text_bytes_max);
  };
  Letterhead letterhead;
  letterhead.address = text("address");
  letterhead.telephone = text("telephone");
  letterhead.bank_name = text("bank_name");
  letterhead.bank_account = text("bank_account");
  letterhead.prepared_by = text("prepared_by");
  letterhead.reviewed_by = text("reviewed_by");
  letterhead.approved_by = text("approved_by");
  letterhead.due_days = read_due_days(reader);
  return letterhead;
}

void check_path_key(FactKind kind, const std::string& key, std::vector<FieldFault>& faults) {
  if (kind == FactKind::settings) {
    if (key != "settings")
      faults.push_back({"", "There is one set of settings only; its key is \"settings\""});
    return;
  }
  if (kind == FactKind::letterhead) {
    if (key != letterhead_key)
      faults.push_back({"", "There is one letterhead only; its key is \"letterhead\""});
    return;
  }
  if (kind == FactKind::firm) {
    const auto good = check_uscc(key);
    if (!good) faults.push_back({"", "The firm's code in the path: " + good.error().detail});
    return;
  }
  const std::string wrong = key_fault(key);
  if (!wrong.empty()) faults.push_back({"", "The key in the path " + wrong});
}

}  // namespace

Fact read_what_can_be(FactKind kind, const std::string& key, const json& body,
                      std::vector<FieldFault>& faults) {
  check_path_key(kind, key, faults);
  FieldReader reader(body, "", faults);
  const auto read = [&]() -> Fact {
    switch (kind) {
      case FactKind::firm:
        return read_firm(key, reader, faults);
      case FactKind::sku:
        return read_sku(key, reader);
      case FactKind::price_book:
        return read_price_book(key, reader, faults);
      case FactKind::contract:
        return read_contract(key, reader, faults);
      case FactKind::policy:
        return read_policy(key, reader, faults);
      case FactKind::external_award:
        return read_award(key, reader);
      case FactKind::settings:
        return read_settings(reader);
      case FactKind::letterhead:
        return read_letterhead(reader);
    }
    return Settings{};
  };
  Fact fact = read();
  reader.refuse_others();
  return fact;
}

std::optional<Fact> read_fact(FactKind kind, const std::string& key, const json& body,
                              std::vector<FieldFault>& faults) {
  const std::size_t faults_before = faults.size();
  Fact fact = read_what_can_be(kind, key, body, faults);
  if (faults.size() > faults_before) return std::nullopt;
  return fact;
}

}  // namespace voucherd::billing
