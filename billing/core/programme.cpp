// A firm's year is reckoned month by month by the rules of the subsidy; the sums are sums.
#include "billing/core/programme.h"

#include <algorithm>

#include "billing/core/eligibility.h"
#include "billing/core/year.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

using Json = nlohmann::ordered_json;
using OfFirmMonth = FirmOfProgramme::OfMonth;

constexpr int used_digits = 4;
constexpr Int128 used_unit = 10'000;

/// How many card hours (卡时) one of `unit` is; 0: it does not count cards by time.
Int128 card_hours_per(std::string_view unit) {
  constexpr Int128 hours_per_day = 24;
  if (unit == "card_hour") return 1;
  return unit == "card_day" ? hours_per_day : 0;
}

Quantity card_hours_of(Quantity quantity, std::string_view unit) {
  return {quantity.nanos * card_hours_per(unit)};
}

std::size_t index_of(int month) { return static_cast<std::size_t>(month - 1); }

void add_usage(const RatedUsage& rated, int year, const Facts& facts, FirmOfProgramme& firm) {
  for (const auto& [key, charge] : rated.charges) {
    if (key.usage_month.year() != year) continue;
    OfFirmMonth& month = firm.months[index_of(key.usage_month.month())];
    month.has_usage = true;
    month.net += charge.figures.net;
    month.eligible += charge.figures.eligible_amount;
    month.card_hours += card_hours_of(charge.figures.quantity, charge.unit);
    month.eligible_card_hours += card_hours_of(charge.figures.eligible_quantity, charge.unit);
  }
  for (const auto& [key, quantity] : rated.unpriced) {
    if (key.usage_month.year() != year) continue;
    OfFirmMonth& month = firm.months[index_of(key.usage_month.month())];
    month.has_usage = true;
    month.card_hours += card_hours_of(quantity, facts.skus.at(key.sku).unit);
  }
}

/// The category under which the firm's usage was last eligible.
std::string category_of(const FirmId& id, std::span<const UsageOfDay> usage, const Facts& facts) {
  const Firm* firm = find_firm(facts, id);
  std::optional<LocalDay> last;
  for (const UsageOfDay& each : usage) {
    if (each.quantity.is_zero() || (last && each.day <= *last)) continue;
    if (!why_ineligible(id, facts.skus.at(each.sku), each.day, facts)) last = each.day;
  }
  if (firm == nullptr || !last) return {};
  const Policy* policy = facts.policy_on(*last);
  for (const Eligibility& each : firm->eligibility) {
    if (each.days.covers(*last) && policy != nullptr && policy->categories.contains(each.category)) {
      return each.category;
    }
  }
  return {};
}

Fen eligible_of(const RatedUsage& rated, Month first, Month last) {
  Fen sum;
  const auto until = rated.charges.lower_bound(ChargeKey{last.next(), {}, {}, {}});
  for (auto charge = rated.charges.lower_bound(ChargeKey{first, {}, {}, {}}); charge != until; ++charge)
    sum += charge->second.figures.eligible_amount;
  return sum;
}

/// The full months' shares, and what the months after them are taken to add, up to and including `through`:
/// one share for each run of months under one policy, in order of time.
std::vector<PolicyShare> expected_shares(const RatedUsage& rated, int year, int full_months, int through,
                                         const Facts& facts) {
  const int basis = std::min(full_months, forecast_basis_months_max);
  const Fen sum =
      eligible_of(rated, make_month(year, full_months - basis + 1), make_month(year, full_months));
  std::vector<PolicyShare> shares = shares_of(rated, year, full_months, facts);
  const Policy* last = nullptr;
  int run = 0;
  for (int month = full_months + 1; month <= through; ++month) {
    const Policy* policy = facts.policy_on(first_day(make_month(year, month)));
    if (policy == nullptr) continue;
    if (policy != last) {
      shares.push_back({policy->rate, policy->annual_cap, {}});
      run = 0;
    }
    last = policy;
    shares.back().eligible = round_product(sum.value, ++run, basis);
  }
  return shares;
}

}  // namespace

bool FirmOfProgramme::has_usage() const {
  return std::any_of(months.begin(), months.end(), [](const OfMonth& month) { return month.has_usage; });
}

FirmOfProgramme firm_of_programme(const FirmAccount& account, const RatedUsage& rated,
                                  std::span<const UsageOfDay> usage, int year, int full_months,
                                  const Facts& facts) {
  VOUCHERD_ASSERT(full_months >= 0 && full_months <= months_of_year);
  FirmOfProgramme firm;
  if (const Firm* known = find_firm(facts, account.firm)) firm.district = known->district;
  firm.category = category_of(account.firm, usage, facts);
  add_usage(rated, year, facts, firm);
  YearReckoning years(account, rated, facts);
  for (int month = 1; month <= months_of_year; ++month)
    firm.months[index_of(month)].target = years.year_to(year, month).target;
  if (const auto granted = account.billed.granted.find(year); granted != account.billed.granted.end())
    firm.granted = granted->second;
  firm.at_cap = years.is_used_up(year, months_of_year);
  for (int month = 1; month <= months_of_year; ++month) {
    OfFirmMonth& of_month = firm.months[index_of(month)];
    of_month.forecast = of_month.target;
    if (full_months == 0 || month <= full_months) continue;
    of_month.forecast = years.forecast(year, month, [&](const RatedUsage& of_firm) {
      return expected_shares(of_firm, year, full_months, month, facts);
    });
  }
  return firm;
}

std::optional<Fen> programme_budget(int year, const Facts& facts) {
  const Policy* policy = last_policy_between(make_month(year, 1), make_month(year, months_of_year), facts);
  return policy == nullptr ? std::nullopt : policy->programme_budget;
}

ProgrammeYear::ProgrammeYear(int year, int full_months, const Facts& facts)
    : year_(year), full_months_(full_months), budget_(programme_budget(year, facts)) {
  const DayInterval whole{first_day(make_month(year, 1)), first_day(make_month(year + 1, 1))};
  for (const auto& [id, policy] : facts.policies) {
    if (policy.days.from < *whole.until && (!policy.days.until || whole.from < *policy.days.until))
      policies_.push_back(id.value);
  }
}

void ProgrammeYear::Sums::add(const FirmOfProgramme& firm) {
  firms += 1;
  if (firm.target() > Fen{}) with_subsidy += 1;
  for (const auto& month : firm.months) {
    card_hours += month.card_hours;
    eligible_card_hours += month.eligible_card_hours;
    net += month.net;
    eligible += month.eligible;
  }
  subsidy += firm.target();
  forecast += firm.forecast();
}

void ProgrammeYear::add(const FirmOfProgramme& firm) {
  if (!firm.has_usage() && firm.granted.is_zero() && firm.target().is_zero()) return;
  all_.add(firm);
  districts_[firm.district].add(firm);
  categories_[firm.category].add(firm);
  granted_ += firm.granted;
  if (!firm.category.empty()) eligible_firms_ += 1;
  if (firm.at_cap) at_cap_ += 1;
  for (std::size_t i = 0; i < months_.size(); ++i) {
    const auto& from = firm.months[i];
    OfMonth& month = months_[i];
    if (from.has_usage) month.firms += 1;
    month.card_hours += from.card_hours;
    month.eligible_card_hours += from.eligible_card_hours;
    month.net += from.net;
    month.eligible += from.eligible;
    month.target += from.target;
    month.forecast += from.forecast;
  }
}

Json ProgrammeYear::Sums::shown(bool with_forecast) const {
  return {{"firms", firms},
          {"firms_with_subsidy", with_subsidy},
          {"card_hours", to_string(card_hours)},
          {"eligible_card_hours", to_string(eligible_card_hours)},
          {"net", to_string(net)},
          {"eligible", to_string(eligible)},
          {"subsidy", to_string(subsidy)},
          {"forecast", with_forecast ? Json(to_string(forecast)) : Json()}};
}

Json ProgrammeYear::months_shown() const {
  Json list = Json::array();
  Fen before;
  for (int number = 1; number <= months_of_year; ++number) {
    const OfMonth& month = months_[index_of(number)];
    list.push_back({{"month", to_string(make_month(year_, number))},
                    {"firms", month.firms},
                    {"card_hours", to_string(month.card_hours)},
                    {"eligible_card_hours", to_string(month.eligible_card_hours)},
                    {"net", to_string(month.net)},
                    {"eligible", to_string(month.eligible)},
                    {"subsidy", to_string(month.target - before)},
                    {"subsidy_to_date", to_string(month.target)},
                    {"forecast_to_date", full_months_ > 0 ? Json(to_string(month.forecast)) : Json()}});
    before = month.target;
  }
  return list;
}

Json ProgrammeYear::forecast_shown() const {
  if (full_months_ == 0) return nullptr;
  Json basis = Json::array();
  const int first = std::max(1, full_months_ - forecast_basis_months_max + 1);
  for (int month = first; month <= full_months_; ++month)
    basis.push_back(to_string(make_month(year_, month)));
  Json reached;
  for (int month = months_of_year; month >= 1 && budget_; --month) {
    if (months_[index_of(month)].forecast >= *budget_) reached = to_string(make_month(year_, month));
  }
  return {{"basis", std::move(basis)},
          {"subsidy", to_string(all_.forecast)},
          {"budget_left", budget_ ? Json(to_string(*budget_ - all_.forecast)) : Json()},
          {"budget_reached", std::move(reached)}};
}

Json ProgrammeYear::shown() const {
  const bool with_forecast = full_months_ > 0;
  Json used;
  if (budget_ && *budget_ > Fen{}) {
    used = format_fixed(round_product(all_.subsidy.value, used_unit, budget_->value).value, used_digits);
  }
  const auto list = [with_forecast](const char* name, const std::map<std::string, Sums>& groups) {
    Json rows = Json::array();
    for (const auto& [key, sums] : groups) {
      rows.push_back({{name, key.empty() ? Json() : Json(key)}});
      rows.back().update(sums.shown(with_forecast));
    }
    return rows;
  };
  return {{"year", year_},
          {"policies", policies_},
          {"budget", budget_ ? Json(to_string(*budget_)) : Json()},
          {"budget_used", std::move(used)},
          {"budget_left", budget_ ? Json(to_string(*budget_ - all_.subsidy)) : Json()},
          {"subsidy", to_string(all_.subsidy)},
          {"granted", to_string(granted_)},
          {"open", to_string(all_.subsidy - granted_)},
          {"firms",
           {{"with_usage", all_.firms},
            {"eligible", eligible_firms_},
            {"with_subsidy", all_.with_subsidy},
            {"at_cap", at_cap_}}},
          {"card_hours", to_string(all_.card_hours)},
          {"eligible_card_hours", to_string(all_.eligible_card_hours)},
          {"net", to_string(all_.net)},
          {"eligible", to_string(all_.eligible)},
          {"forecast", forecast_shown()},
          {"months", months_shown()},
          {"districts", list("district", districts_)},
          {"categories", list("category", categories_)}};
}

}  // namespace voucherd::billing
