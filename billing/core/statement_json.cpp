// The canonical JSON of a statement: compact, members in the order of api.md, so that equal
// statements are equal bytes.
#include <nlohmann/json.hpp>

#include "billing/core/statement.h"

namespace voucherd::billing {

namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value, Json (*shown)(const T&)) {
  return value ? shown(*value) : Json(nullptr);
}

template <class Tag>
Json or_null(const Id<Tag>& id) {
  return id.empty() ? Json(nullptr) : Json(id.value);
}

Json ineligible_json(const std::map<IneligibleReason, Quantity>& ineligible) {
  Json list = Json::array();
  for (const auto& [reason, quantity] : ineligible)
    list.push_back({{"code", to_string(reason)}, {"quantity", to_string(quantity)}});
  return list;
}

Json projects_json(const std::map<ProjectId, ProjectShare>& projects) {
  Json list = Json::array();
  for (const auto& [project, share] : projects)
    list.push_back({{"project", or_null(project)},
                    {"quantity", to_string(share.quantity)},
                    {"net", to_string(share.net)}});
  return list;
}

Json whole_json(const ChargeFigures& figures) {
  return {{"quantity", to_string(figures.quantity)},
          {"net", to_string(figures.net)},
          {"tax", to_string(figures.tax)},
          {"gross", to_string(figures.gross)},
          {"eligible_quantity", to_string(figures.eligible_quantity)},
          {"eligible_amount", to_string(figures.eligible_amount)}};
}

Json line_json(const StatementLine& line) {
  const ChargeFigures& figures = line.figures;
  Json json{{"usage_month", to_string(line.key.usage_month)},
            {"adjustment", line.adjustment},
            {"sku", line.key.sku.value},
            {"unit", line.unit},
            {"contract", or_null(line.key.contract)},
            {"price_book", line.key.price_book.value},
            {"quantity", to_string(figures.quantity)},
            {"unit_price",
             or_null<UnitPrice>(line.unit_price, [](const UnitPrice& p) { return Json(to_string(p)); })},
            {"net", to_string(figures.net)},
            {"tax_rate", line.tax_rate.text},
            {"tax", to_string(figures.tax)},
            {"gross", to_string(figures.gross)},
            {"eligible_quantity", to_string(figures.eligible_quantity)},
            {"eligible_amount", to_string(figures.eligible_amount)},
            {"ineligible", ineligible_json(figures.ineligible)},
            {"projects", projects_json(figures.projects)}};
  if (line.adjustment) {
    json["before"] = whole_json(line.before);
    json["after"] = whole_json(line.after);
  }
  return json;
}

Json unpriced_json(const UnpricedUsage& usage) {
  return {{"usage_month", to_string(usage.key.usage_month)},
          {"sku", usage.key.sku.value},
          {"unit", usage.unit},
          {"quantity", to_string(usage.quantity)}};
}

Json year_json(const SubsidyYear& year) {
  return {{"year", year.year},
          {"eligible_to_date", to_string(year.eligible_to_date)},
          {"target", to_string(year.target)},
          {"granted_before", to_string(year.granted_before)},
          {"this_statement", to_string(year.this_statement)},
          {"cap", to_string(year.cap)},
          {"other_centres", to_string(year.other_centres)},
          {"remaining", to_string(year.remaining)}};
}

Json totals_json(const Statement& statement) {
  return {{"net", to_string(statement.net())},
          {"tax", to_string(statement.tax())},
          {"gross", to_string(statement.gross())},
          {"eligible", to_string(statement.eligible())},
          {"subsidy", to_string(statement.subsidy_total())},
          {"payable", to_string(statement.payable())}};
}

template <class Items, class Show>
Json list_json(const Items& items, Show show) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(show(item));
  return list;
}

void add_head(const Statement& statement, Json& json) {
  json["statement"] = statement_number(statement.period, statement.firm);
  json["period"] = to_string(statement.period);
  json["state"] = statement.closed ? "closed" : "open";
  if (statement.closed) {
    json["closed_at"] = format_instant(statement.closed->at, statement.offset);
    json["closed_by"] = {{"kind", statement.closed->by.kind}, {"id", statement.closed->by.id}};
  }
  json["provider"] = {{"name", statement.provider.name}, {"uscc", statement.provider.uscc}};
  json["firm"] = {
      {"uscc", statement.firm.value}, {"name", statement.firm_name}, {"district", statement.firm_district}};
  json["currency"] = statement.currency;
  json["utc_offset"] = to_string(statement.offset);
  json["policy"] = or_null<PolicyId>(statement.policy, [](const PolicyId& id) { return Json(id.value); });
  json["rate"] = or_null<Rate>(statement.rate, [](const Rate& rate) { return Json(rate.text); });
  json["settlement"] = statement.settlement == Settlement::deduct ? "deduct" : "reimburse";
  json["tax_basis"] = or_null<TaxBasis>(statement.tax_basis, [](const TaxBasis& basis) {
    return Json(basis == TaxBasis::net ? "net" : "gross");
  });
}

}  // namespace

std::string to_canonical_json(const Statement& statement) {
  Json json;
  add_head(statement, json);
  json["lines"] = list_json(statement.lines, line_json);
  json["unpriced"] = list_json(statement.unpriced, unpriced_json);
  json["totals"] = totals_json(statement);
  json["payable_in_words"] = amount_in_words(statement.payable());
  json["subsidy"] = list_json(statement.subsidy, year_json);
  // Facts and labels were checked to be UTF-8 where they came in; anything else aborts here.
  return json.dump(-1, ' ', false, Json::error_handler_t::strict);
}

}  // namespace voucherd::billing
