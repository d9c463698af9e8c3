// Statements of the naive model (rules §6; api.md, "What finance pulls"): differences, as JSON.
#include <algorithm>

#include "tests/support/naive_model.h"

namespace naive {

void Figures::add(const Figures& other, int sign) {
  quantity += sign * other.quantity;
  net += sign * other.net;
  tax += sign * other.tax;
  gross += sign * other.gross;
  eligible_quantity += sign * other.eligible_quantity;
  eligible_amount += sign * other.eligible_amount;
  for (const auto& [reason, part] : other.ineligible) ineligible[reason] += sign * part;
  for (const auto& [project, share] : other.projects) {
    projects[project].first += sign * share.first;
    projects[project].second += sign * share.second;
  }
  std::erase_if(ineligible, [](const auto& entry) { return entry.second == 0; });
  std::erase_if(projects,
                [](const auto& entry) { return entry.second.first == 0 && entry.second.second == 0; });
}

bool Figures::all_zero() const {
  return quantity == 0 && net == 0 && tax == 0 && gross == 0 && eligible_quantity == 0 &&
         eligible_amount == 0;
}

bool Statement::has_difference() const {
  return !lines.empty() ||
         std::any_of(years.begin(), years.end(), [](const YearRow& row) { return row.this_statement != 0; });
}

Reckoning::Reckoning(const Head& head, const Facts& facts, const std::vector<Event>& events,
                     const Frozen& frozen, std::optional<int> closed_through)
    : head_(head), facts_(facts), frozen_(frozen), closed_through_(closed_through) {
  for (const auto& [uscc, firm] : facts.firms)
    rated_[uscc] = rate(uscc, usage_of(uscc, events, head.offset), facts);
}

std::optional<std::pair<int, int>> Reckoning::usage_months() const {
  std::set<int> months;
  for (const auto& [firm, rated] : rated_) {
    for (const auto& [key, figures] : rated.charges) months.insert(key.month);
    for (const auto& [key, quantity] : rated.unpriced) months.insert(key.first);
  }
  if (months.empty()) return std::nullopt;
  return std::make_pair(*months.begin(), *months.rbegin());
}

void Reckoning::Account::add(const Statement& statement) {
  for (const Line& line : statement.lines) charges[line.key].add(line.difference, 1);
  for (const YearRow& row : statement.years) granted[row.year] += row.this_statement;
}

Statement Reckoning::open(int month, const std::string& firm) const {
  Account account;
  for (const auto& [key, statement] : frozen_) {
    if (key.second == firm) account.add(statement);
  }
  // The earlier open months are taken as closed as they stand.
  const auto months = usage_months();
  int earlier = closed_through_ ? *closed_through_ + 1 : (months ? months->first : month);
  for (; earlier < month; ++earlier) account.add(difference(earlier, firm, account));
  Statement statement = difference(month, firm, account);
  show(statement, month, firm);
  return statement;
}

Statement Reckoning::difference(int month, const std::string& firm, const Account& account) const {
  Statement statement;
  std::set<ChargeKey> keys;
  const Rated& now = rated_.at(firm);
  for (const auto& [key, figures] : now.charges) keys.insert(key);
  for (const auto& [key, figures] : account.charges) keys.insert(key);
  for (const ChargeKey& key : keys) {
    if (key.month > month) continue;
    Line line{key, {}, {}, {}};
    if (const auto billed = account.charges.find(key); billed != account.charges.end())
      line.before = billed->second;
    if (const auto charge = now.charges.find(key); charge != now.charges.end()) line.after = charge->second;
    line.difference = line.after;
    line.difference.add(line.before, -1);
    if (!line.difference.all_zero()) statement.lines.push_back(line);
  }
  // READING: unpriced usage of every usage month up to the statement's is outstanding, closed or not.
  for (const auto& [key, quantity] : now.unpriced) {
    if (key.first <= month) statement.unpriced[key] = quantity;
  }
  for (const auto& [year, last_month] : years_of(firm, month, account)) {
    const auto granted = account.granted.find(year);
    const YearRow row =
        year_row(firm, year, last_month, granted == account.granted.end() ? Int(0) : granted->second);
    statement.years.push_back(row);
  }
  for (const Line& line : statement.lines) {
    statement.net += line.difference.net;
    statement.tax += line.difference.tax;
    statement.gross += line.difference.gross;
    statement.eligible += line.difference.eligible_amount;
  }
  for (const YearRow& row : statement.years) statement.subsidy += row.this_statement;
  return statement;
}

/// The years with eligible quantity or grants, each with the month up to which it counts here.
std::map<int, int> Reckoning::years_of(const std::string& firm, int month, const Account& account) const {
  const int this_year = 1970 + month / 12;
  std::map<int, int> years;
  const auto add = [&](int year) { years[year] = year == this_year ? month % 12 + 1 : 12; };
  for (const auto& [key, figures] : rated_.at(firm).charges) {
    if (key.month <= month && figures.eligible_quantity != 0) add(1970 + key.month / 12);
  }
  // READING: grants that add up to nothing are no grants.
  for (const auto& [year, granted] : account.granted) {
    if (granted != 0) add(year);
  }
  return years;
}

// JSON ----------------------------------------------------------------------------------------------

namespace {

std::string show_quantity(const Int& nanos) { return show_decimal(Fraction(nanos, Int(1'000'000'000))); }

Json show_figures(const Figures& figures) {
  return {{"quantity", show_quantity(figures.quantity)},
          {"net", show_fen(figures.net)},
          {"tax", show_fen(figures.tax)},
          {"gross", show_fen(figures.gross)},
          {"eligible_quantity", show_quantity(figures.eligible_quantity)},
          {"eligible_amount", show_fen(figures.eligible_amount)}};
}

Json show_years(const std::vector<YearRow>& years) {
  Json list = Json::array();
  for (const YearRow& row : years) {
    list.push_back({{"year", row.year},
                    {"eligible_to_date", show_fen(row.eligible)},
                    {"target", show_fen(row.target)},
                    {"granted_before", show_fen(row.granted_before)},
                    {"this_statement", show_fen(row.this_statement)},
                    {"cap", show_fen(row.cap)},
                    {"other_centres", show_fen(row.other_centres)},
                    {"remaining", show_fen(row.remaining)}});
  }
  return list;
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

Json Reckoning::show_line(const Line& line, int month) const {
  static const std::vector<std::string> reasons{"policy_not_in_force", "sku_not_subsidised", "related_party",
                                                "firm_not_eligible"};
  const Sku& sku = facts_.skus.at(line.key.sku);
  const std::vector<Tier> tiers = tiers_of(line.key, facts_);
  Json json = show_figures(line.difference);
  json["usage_month"] = show_month(line.key.month);
  json["adjustment"] = line.key.month < month;
  json["sku"] = line.key.sku;
  json["unit"] = sku.unit;
  json["contract"] = or_null(line.key.contract);
  json["price_book"] = line.key.book;
  json["unit_price"] = tiers.size() == 1 ? Json(show_decimal(tiers[0].price)) : Json(nullptr);
  json["tax_rate"] = sku.tax_text;
  json["ineligible"] = Json::array();
  for (const auto& [reason, quantity] : line.difference.ineligible) {
    json["ineligible"].push_back(
        {{"code", reasons.at(static_cast<std::size_t>(reason))}, {"quantity", show_quantity(quantity)}});
  }
  json["projects"] = Json::array();
  for (const auto& [project, share] : line.difference.projects) {
    json["projects"].push_back({{"project", or_null(project)},
                                {"quantity", show_quantity(share.first)},
                                {"net", show_fen(share.second)}});
  }
  if (line.key.month < month) {
    json["before"] = show_figures(line.before);
    json["after"] = show_figures(line.after);
  }
  return json;
}

void Reckoning::show(Statement& statement, int month, const std::string& firm) const {
  std::string policy_id;
  for (int day = first_day_of_month(month); day < first_day_of_month(month + 1); ++day) {
    if (const auto in_force = facts_.policy_on(day).first; !in_force.empty()) policy_id = in_force;
  }
  const Policy* policy = policy_id.empty() ? nullptr : &facts_.policies.at(policy_id);
  const std::string settlement = policy == nullptr ? "reimburse" : policy->settlement;
  const Int payable = settlement == "deduct" ? Int(statement.gross - statement.subsidy) : statement.gross;
  const Firm& who = facts_.firms.at(firm);
  Json& json = statement.json;
  json["statement"] = show_month(month) + "/" + firm;
  json["period"] = show_month(month);
  json["state"] = "open";
  json["provider"] = {{"name", head_.provider_name}, {"uscc", head_.provider_uscc}};
  json["firm"] = {{"uscc", firm}, {"name", who.name}, {"district", who.district}};
  json["currency"] = head_.currency;
  json["utc_offset"] = show_offset(head_.offset);
  json["policy"] = or_null(policy_id);
  json["rate"] = policy == nullptr ? Json(nullptr) : Json(policy->rate_text);
  json["settlement"] = settlement;
  json["tax_basis"] = policy == nullptr ? Json(nullptr) : Json(policy->basis);
  json["lines"] = Json::array();
  for (const Line& line : statement.lines) json["lines"].push_back(show_line(line, month));
  json["unpriced"] = Json::array();
  for (const auto& [key, quantity] : statement.unpriced) {
    json["unpriced"].push_back({{"usage_month", show_month(key.first)},
                                {"sku", key.second},
                                {"unit", facts_.skus.at(key.second).unit},
                                {"quantity", show_quantity(quantity)}});
  }
  json["totals"] = {{"net", show_fen(statement.net)},         {"tax", show_fen(statement.tax)},
                    {"gross", show_fen(statement.gross)},     {"eligible", show_fen(statement.eligible)},
                    {"subsidy", show_fen(statement.subsidy)}, {"payable", show_fen(payable)}};
  json["payable_in_words"] = rmb_words(payable);
  json["subsidy"] = show_years(statement.years);
}

}  // namespace naive
