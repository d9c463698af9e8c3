// A statement is the difference between what the journal says now and what has been billed
// (rules §6). What belongs to the period: in the earliest open month everything up to it, in a
// later one its own usage only, since the months before are taken as closed as they stand.
#include "billing/core/bill.h"

#include "billing/core/eligibility.h"
#include "billing/core/pricing.h"
#include "billing/core/year.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

ChargeKey first_key(Month month) { return {month, {}, {}, {}}; }

/// What of a firm's charges and years is open in one period.
class Differences {
 public:
  Differences(const FirmAccount& account, const RatedUsage& rated, Month period,
              std::optional<Month> closed_through, const Facts& facts)
      : account_(account),
        rated_(rated),
        period_(period),
        is_earliest_(closed_through && closed_through->next() == period),
        facts_(facts),
        years_(account, rated, facts) {}

  /// Charges now and charges billed, walked side by side in the order of their keys.
  std::vector<StatementLine> lines() const {
    std::vector<StatementLine> lines;
    const auto add = [&](std::optional<StatementLine> line) {
      if (line) lines.push_back(std::move(*line));
    };
    const ChargeKey until = first_key(period_.next());
    const ChargeKey from = first_key(is_earliest_ ? make_month(1, 1) : period_);
    auto now = rated_.charges.lower_bound(from);
    auto billed = account_.billed.charges.lower_bound(from);
    const auto now_end = rated_.charges.lower_bound(until);
    const auto billed_end = account_.billed.charges.lower_bound(until);
    while (now != now_end || billed != billed_end) {
      if (billed == billed_end || (now != now_end && now->first < billed->first)) {
        add(line_of(now->first, now->second, {}));
        ++now;
      } else if (now == now_end || billed->first < now->first) {
        add(line_of(billed->first, gone_charge(billed->first), billed->second));
        ++billed;
      } else {
        add(line_of(now->first, now->second, billed->second));
        ++now;
        ++billed;
      }
    }
    return lines;
  }

  std::vector<UnpricedUsage> unpriced() const {
    std::vector<UnpricedUsage> outstanding;
    for (const auto& [key, quantity] : rated_.unpriced)
      if (key.usage_month <= period_) outstanding.push_back({key, sku(key.sku).unit, quantity});
    return outstanding;
  }

  /// The years with eligible quantity up to the period, or with grants.
  std::vector<SubsidyYear> subsidy() {
    std::set<int> candidates;
    for (const auto& [key, charge] : rated_.charges)
      if (key.usage_month <= period_ && !charge.figures.eligible_quantity.is_zero())
        candidates.insert(key.usage_month.year());
    const std::set<int> with_eligible_quantity = candidates;
    for (const auto& [year, granted] : account_.billed.granted)
      if (year <= period_.year()) candidates.insert(year);

    std::vector<SubsidyYear> shown;
    for (const int year : candidates) {
      const SubsidyYear figures = subsidy_of(year);
      if (with_eligible_quantity.contains(year) || !figures.granted_before.is_zero())
        shown.push_back(figures);
    }
    return shown;
  }

 private:
  const Sku& sku(const SkuId& id) const {
    const auto found = facts_.skus.find(id);
    VOUCHERD_ASSERT(found != facts_.skus.end());
    return found->second;
  }

  std::optional<StatementLine> line_of(const ChargeKey& key, const Charge& now,
                                       const ChargeFigures& before) const {
    if (now.figures.same_amounts(before)) return std::nullopt;
    StatementLine line;
    line.key = key;
    line.adjustment = key.usage_month < period_;
    line.unit = now.unit;
    line.unit_price = now.unit_price;
    line.tax_rate = now.tax_rate;
    line.figures = now.figures - before;
    if (line.adjustment) {
      line.before = before;
      line.after = now.figures;
    }
    return line;
  }

  /// A charge that was billed and is none any more: without figures, described as it was.
  Charge gone_charge(const ChargeKey& key) const {
    Charge charge;
    charge.unit = sku(key.sku).unit;
    charge.tax_rate = sku(key.sku).tax_rate;
    const auto book = facts_.price_books.find(key.price_book);
    const auto contract = facts_.contracts.find(key.contract);
    if (book == facts_.price_books.end()) return charge;
    const Contract* named = contract == facts_.contracts.end() ? nullptr : &contract->second;
    const auto applied = price_of(book->second, named, key.sku);
    if (applied && applied->by_contract == !key.contract.empty())
      charge.unit_price = shown_price(applied->price());
    return charge;
  }

  /// A year as it stands at the end of `month`: a year before the month's is whole.
  SubsidyYear year_at(int year, Month month) {
    return years_.year_to(year, year < month.year() ? 12 : month.month());
  }

  SubsidyYear subsidy_of(int year) {
    SubsidyYear figures = year_at(year, period_);
    const Month previous = period_.previous();
    if (is_earliest_ || year > previous.year()) return figures;
    figures.granted_before = year_at(year, previous).target;
    figures.this_statement = figures.target - figures.granted_before;
    return figures;
  }

  const FirmAccount& account_;
  const RatedUsage& rated_;
  const Month period_;
  const bool is_earliest_;
  const Facts& facts_;
  YearReckoning years_;
};

}  // namespace

Statement open_statement(const FirmAccount& account, Month period, std::optional<Month> closed_through,
                         const Facts& facts, const StatementHead& head) {
  return open_statement(account, rate_usage(account.firm, account.usage, facts), period, closed_through,
                        facts, head);
}

Statement open_statement(const FirmAccount& account, const RatedUsage& rated, Month period,
                         std::optional<Month> closed_through, const Facts& facts, const StatementHead& head) {
  VOUCHERD_ASSERT(!closed_through || *closed_through < period);
  Statement statement;
  statement.period = period;
  statement.provider = head.provider;
  statement.currency = head.currency;
  statement.offset = head.offset;
  statement.firm = account.firm;
  if (const Firm* firm = find_firm(facts, account.firm)) {
    statement.firm_name = firm->name;
    statement.firm_district = firm->district;
  }
  if (const Policy* policy = last_policy_between(period, period, facts)) {
    statement.policy = policy->id;
    statement.rate = policy->rate;
    statement.settlement = policy->settlement;
    statement.tax_basis = policy->tax_basis;
  }
  Differences differences(account, rated, period, closed_through, facts);
  statement.lines = differences.lines();
  statement.unpriced = differences.unpriced();
  statement.subsidy = differences.subsidy();
  return statement;
}

}  // namespace voucherd::billing
