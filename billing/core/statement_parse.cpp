// A frozen statement read back. The bytes come from the journal, so they are ours, but they
// decide what has been billed: each figure must print as it was read, and the totals must be the
// sums of the lines.
#include <nlohmann/json.hpp>

#include "billing/core/statement.h"

namespace voucherd::billing {

namespace {

using Json = nlohmann::json;

/// Thrown and caught in this file only.
struct Malformed {
  std::string where;
};

const Json& member(const Json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (!object.is_object() || found == object.end()) throw Malformed{name};
  return *found;
}

const Json& list(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_array()) throw Malformed{name};
  return value;
}

const std::string& text(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_string()) throw Malformed{name};
  return value.get_ref<const std::string&>();
}

/// "" for null.
std::string text_or_null(const Json& object, const char* name) {
  return member(object, name).is_null() ? std::string() : text(object, name);
}

/// So many lines as memory holds add up to less than 2^127.
constexpr Int128 figure_magnitude_max = Int128{1'000'000'000'000'000} * 1'000'000'000'000'000;

Int128 within_bounds(const Result<Int128>& units, const char* name) {
  if (!units || *units > figure_magnitude_max || *units < -figure_magnitude_max) throw Malformed{name};
  return *units;
}

Fen fen(const Json& object, const char* name) {
  const std::string& shown = text(object, name);
  const Int128 units = within_bounds(parse_decimal(shown, 2), name);
  if (to_string(Fen{units}) != shown) throw Malformed{name};
  return {units};
}

Quantity quantity(const Json& object, const char* name) {
  const std::string& shown = text(object, name);
  const Int128 nanos = within_bounds(parse_decimal(shown, Quantity::scale), name);
  if (to_string(Quantity{nanos}) != shown) throw Malformed{name};
  return {nanos};
}

ChargeKey key_of(const Json& line) {
  const Result<Month> month = parse_month(text(line, "usage_month"));
  if (!month) throw Malformed{"usage_month"};
  return {*month, SkuId(text(line, "sku")), PriceBookVersion(text(line, "price_book")),
          ContractNumber(text_or_null(line, "contract"))};
}

ChargeFigures figures_of(const Json& line) {
  ChargeFigures figures;
  figures.quantity = quantity(line, "quantity");
  figures.net = fen(line, "net");
  figures.tax = fen(line, "tax");
  figures.gross = fen(line, "gross");
  figures.eligible_quantity = quantity(line, "eligible_quantity");
  figures.eligible_amount = fen(line, "eligible_amount");
  for (const Json& entry : list(line, "ineligible")) {
    const auto reason = parse_ineligible_reason(text(entry, "code"));
    if (!reason) throw Malformed{"code"};
    figures.ineligible.emplace(*reason, quantity(entry, "quantity"));
  }
  for (const Json& entry : list(line, "projects"))
    figures.projects.emplace(ProjectId(text_or_null(entry, "project")),
                             ProjectShare{quantity(entry, "quantity"), fen(entry, "net")});
  return figures;
}

BilledStatement read(const Json& json) {
  BilledStatement billed;
  billed.firm = FirmId(text(member(json, "firm"), "uscc"));
  ChargeFigures sum;
  for (const Json& line : list(json, "lines")) {
    sum = sum + billed.lines.emplace_back(key_of(line), figures_of(line)).second;
  }
  Fen granted;
  for (const Json& year : list(json, "subsidy")) {
    const Json& number = member(year, "year");
    if (!number.is_number_integer()) throw Malformed{"year"};
    const Fen part = fen(year, "this_statement");
    if (!billed.granted.emplace(number.get<int>(), part).second) throw Malformed{"year"};
    granted += part;
  }
  const Json& totals = member(json, "totals");
  billed.net = fen(totals, "net");
  billed.tax = fen(totals, "tax");
  billed.gross = fen(totals, "gross");
  billed.eligible = fen(totals, "eligible");
  billed.subsidy = fen(totals, "subsidy");
  if (billed.net != sum.net || billed.tax != sum.tax || billed.gross != sum.gross ||
      billed.eligible != sum.eligible_amount || billed.subsidy != granted)
    throw Malformed{"totals"};
  return billed;
}

}  // namespace

Result<BilledStatement> parse_canonical_json(std::string_view bytes) {
  const Json json = Json::parse(bytes, nullptr, false);
  if (json.is_discarded()) return Fault{"statement_malformed", "the frozen statement is not JSON"};
  try {
    return read(json);
  } catch (const Malformed& malformed) {
    return Fault{"statement_malformed", "the frozen statement is damaged: its member '" + malformed.where +
                                            "' is missing or is not what a statement holds"};
  }
}

}  // namespace voucherd::billing
