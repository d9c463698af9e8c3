// Sums of figures that were rounded once, on their charge: nothing is rounded here.
#include "billing/core/month_summary.h"

#include <set>

#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

using Json = nlohmann::ordered_json;

Int128 units_of(const Json& object, const char* member, int digits) {
  const auto units = parse_decimal(object.at(member).get_ref<const std::string&>(), digits);
  VOUCHERD_ASSERT(units.has_value());
  return *units;
}

Fen fen_of(const Json& object, const char* member) { return {units_of(object, member, 2)}; }

Quantity quantity_of(const Json& object, const char* member) {
  return {units_of(object, member, Quantity::scale)};
}

}  // namespace

void MonthSummary::Amounts::add(const Json& of_statement) {
  statements += 1;
  net += fen_of(of_statement, "net");
  tax += fen_of(of_statement, "tax");
  gross += fen_of(of_statement, "gross");
  eligible += fen_of(of_statement, "eligible");
  subsidy += fen_of(of_statement, "subsidy");
  payable += fen_of(of_statement, "payable");
}

Json MonthSummary::Amounts::shown() const {
  return {{"statements", statements},     {"net", to_string(net)},           {"tax", to_string(tax)},
          {"gross", to_string(gross)},    {"eligible", to_string(eligible)}, {"subsidy", to_string(subsidy)},
          {"payable", to_string(payable)}};
}

void MonthSummary::add(const Json& statement) {
  VOUCHERD_ASSERT(statement.at("period").get_ref<const std::string&>() == to_string(period_));
  const Json& firm = statement.at("firm");
  totals_.add(statement.at("totals"));
  districts_[firm.at("district").get<std::string>()].add(statement.at("totals"));
  Json row = {{"uscc", firm.at("uscc")},
              {"name", firm.at("name")},
              {"district", firm.at("district")},
              {"state", statement.at("state")}};
  row.update(statement.at("totals"));
  firms_.push_back(std::move(row));
  add_lines(statement.at("lines"));
  for (const Json& usage : statement.at("unpriced")) {
    const UnpricedKey key{usage.at("usage_month").get<std::string>(),
                          {usage.at("sku").get<std::string>(), usage.at("unit").get<std::string>()}};
    unpriced_[key] += quantity_of(usage, "quantity");
  }
}

void MonthSummary::add_lines(const Json& lines) {
  std::set<SkuKey> on_this_statement;
  for (const Json& line : lines) {
    const SkuKey key{line.at("sku").get<std::string>(), line.at("unit").get<std::string>()};
    SkuAmounts& sku = skus_[key];
    if (on_this_statement.insert(key).second) sku.statements += 1;
    sku.quantity += quantity_of(line, "quantity");
    sku.eligible_quantity += quantity_of(line, "eligible_quantity");
    sku.net += fen_of(line, "net");
    sku.tax += fen_of(line, "tax");
    sku.gross += fen_of(line, "gross");
    sku.eligible += fen_of(line, "eligible_amount");
  }
}

Json MonthSummary::shown() const {
  Json districts = Json::array(), skus = Json::array(), unpriced = Json::array();
  for (const auto& [district, amounts] : districts_) {
    districts.push_back({{"district", district}});
    districts.back().update(amounts.shown());
  }
  for (const auto& [key, sku] : skus_) {
    skus.push_back({{"sku", key.sku},
                    {"unit", key.unit},
                    {"statements", sku.statements},
                    {"quantity", to_string(sku.quantity)},
                    {"net", to_string(sku.net)},
                    {"tax", to_string(sku.tax)},
                    {"gross", to_string(sku.gross)},
                    {"eligible_quantity", to_string(sku.eligible_quantity)},
                    {"eligible", to_string(sku.eligible)}});
  }
  for (const auto& [key, quantity] : unpriced_) {
    unpriced.push_back({{"usage_month", key.usage_month},
                        {"sku", key.sku.sku},
                        {"unit", key.sku.unit},
                        {"quantity", to_string(quantity)}});
  }
  return {{"period", to_string(period_)},      {"totals", totals_.shown()},
          {"districts", std::move(districts)}, {"skus", std::move(skus)},
          {"unpriced", std::move(unpriced)},   {"firms", firms_}};
}

}  // namespace voucherd::billing
