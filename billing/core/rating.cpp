// Rating in three steps (rules §3, §4). Days on which the same month, price book, contract,
// policy and standing of the firm hold form one *stretch*; usage is summed into *cells* of
// stretch × SKU × project; the cells of a stretch and SKU are a *part* of a charge, and each charge
// is rounded once.
// So prices and reasons are looked up once a stretch and SKU, not once a day.
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <compare>
#include <tuple>

#include "billing/core/charge.h"
#include "billing/core/eligibility.h"
#include "billing/core/pricing.h"
#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

struct Stretch {
  Month month;
  const PriceBook* book = nullptr;
  const Contract* contract = nullptr;
  const Policy* policy = nullptr;
  std::optional<IneligibleReason> firm_reason;
  friend bool operator==(const Stretch&, const Stretch&) = default;
};

/// What holds on each day for one firm, found once a day.
class Calendar {
 public:
  /// For the days of the usage.
  Calendar(const FirmId& firm, const Facts& facts, const NumberedUsage& usage)
      : facts_(facts),
        firm_(find_firm(facts, firm)),
        contracts_(facts.contracts.of(firm)),
        first_(usage.first_day),
        last_(usage.last_day),
        number_of_day_(static_cast<std::size_t>(usage.last_day.days - usage.first_day.days) + 1, not_found) {}

  std::uint32_t stretch_number(LocalDay day) {
    VOUCHERD_ASSERT(first_ <= day && day <= last_);
    std::uint32_t& number = number_of_day_[static_cast<std::size_t>(day.days - first_.days)];
    if (number == not_found) number = find_or_add(stretch_on(day));
    return number;
  }
  const Stretch& stretch(std::uint32_t number) const { return stretches_[number]; }

 private:
  static constexpr std::uint32_t not_found = UINT32_MAX;

  Stretch stretch_on(LocalDay day) const {
    Stretch stretch{month_of(day), facts_.price_book_on(day), nullptr, facts_.policy_on(day), std::nullopt};
    for (const Contract* contract : contracts_)
      if (contract->days.covers(day)) stretch.contract = contract;
    if (stretch.policy != nullptr) stretch.firm_reason = why_firm_ineligible(firm_, *stretch.policy, day);
    return stretch;
  }

  std::uint32_t find_or_add(const Stretch& stretch) {
    const auto found = std::find(stretches_.rbegin(), stretches_.rend(), stretch);
    if (found != stretches_.rend()) return static_cast<std::uint32_t>(stretches_.rend() - found) - 1;
    stretches_.push_back(stretch);
    return static_cast<std::uint32_t>(stretches_.size() - 1);
  }

  const Facts& facts_;
  const Firm* firm_;
  std::vector<const Contract*> contracts_;
  LocalDay first_, last_;
  std::vector<Stretch> stretches_;
  std::vector<std::uint32_t> number_of_day_;
};

/// Usage of one stretch, SKU and project; these two are numbers of the usage's names.
struct Cell {
  std::uint32_t stretch = 0, sku = 0, project = 0;
  Quantity quantity;
  auto key() const { return std::tie(stretch, sku, project); }
};

/// Sums usage into cells: by place where all of a stretch are few, else by sorting.
class Cells {
 public:
  explicit Cells(const NumberedUsage& usage)
      : projects_(usage.projects.size()), per_stretch_(usage.skus.size() * projects_) {}

  void add(std::uint32_t stretch, const NumberedUsage::Row& row) {
    if (per_stretch_ > placed_per_stretch_max) {
      scattered_.push_back({stretch, row.sku, row.project, row.quantity});
      return;
    }
    if (placed_.size() <= stretch * per_stretch_) placed_.resize((stretch + 1) * per_stretch_);
    placed_[stretch * per_stretch_ + row.sku * projects_ + row.project] += row.quantity;
  }

  /// In the order of stretch, SKU and project, each once.
  std::vector<Cell> sorted() {
    std::sort(scattered_.begin(), scattered_.end(),
              [](const Cell& a, const Cell& b) { return a.key() < b.key(); });
    std::vector<Cell> cells;
    for (const Cell& cell : scattered_) {
      if (cells.empty() || cells.back().key() != cell.key()) {
        cells.push_back(cell);
      } else {
        cells.back().quantity += cell.quantity;
      }
    }
    for (std::size_t at = 0; at < placed_.size(); ++at) {
      if (placed_[at].is_zero()) continue;
      const std::size_t in_stretch = at % per_stretch_;
      cells.push_back({static_cast<std::uint32_t>(at / per_stretch_),
                       static_cast<std::uint32_t>(in_stretch / projects_),
                       static_cast<std::uint32_t>(in_stretch % projects_), placed_[at]});
    }
    return cells;
  }

 private:
  static constexpr std::size_t placed_per_stretch_max = 4096;  // 64 KiB

  std::size_t projects_, per_stretch_;
  std::vector<Quantity> placed_;  // none is negative: where it is zero, there is no usage
  std::vector<Cell> scattered_;
};

/// The cells of one stretch and SKU, all at one price.
struct Part {
  const Stretch* stretch = nullptr;
  std::uint32_t sku = 0;  // of the usage's names
  const Sku* sku_facts = nullptr;
  const Contract* contract = nullptr;  // that sets the price; nullptr: the price book does
  AppliedPrice applied;
  std::span<const Cell> cells;
  Quantity quantity;

  /// As charges are ordered: parts that are equal in it are one charge.
  friend bool operator==(const Part& a, const Part& b) { return (a <=> b) == 0; }
  friend std::strong_ordering operator<=>(const Part& a, const Part& b) {
    if (const auto order = a.stretch->month <=> b.stretch->month; order != 0) return order;
    if (const auto order = a.sku <=> b.sku; order != 0) return order;
    if (a.stretch->book != b.stretch->book) return a.stretch->book->version <=> b.stretch->book->version;
    if (a.contract == b.contract) return std::strong_ordering::equal;
    if (a.contract == nullptr || b.contract == nullptr) {
      return a.contract == nullptr ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    return a.contract->number <=> b.contract->number;
  }
};

/// Makes a charge of its parts.
class Charging {
 public:
  explicit Charging(const NumberedUsage& usage) : usage_(usage) {}

  ChargeKey key_of(const Part& part) const {
    return {part.stretch->month, usage_.skus[part.sku], part.stretch->book->version,
            part.contract == nullptr ? ContractNumber() : part.contract->number};
  }

  Charge charge_of(std::span<const Part> parts) const {
    const Part& first = parts.front();
    const Sku& sku = *first.sku_facts;
    const SkuPrice price = first.applied.price();
    const Tax tax{sku.tax_rate, first.stretch->book->tax_inclusive};
    Charge charge;
    charge.unit_price = shown_price(price);
    charge.tax_rate = sku.tax_rate;
    charge.unit = sku.unit;
    ChargeFigures& figures = charge.figures;
    for (const Part& part : parts) figures.quantity += part.quantity;
    const TaxedAmount amount = amount_of(price, figures.quantity, figures.quantity, tax);
    figures.net = amount.net;
    figures.tax = amount.tax;
    figures.gross = amount.gross;
    figures.projects = shares_of(parts, figures);
    for (const auto& [policy, quantity] : eligible_of(parts, sku, figures.ineligible)) {
      const TaxedAmount eligible = amount_of(price, quantity, figures.quantity, tax);
      const Fen by_basis = policy->tax_basis == TaxBasis::net ? eligible.net : eligible.gross;
      charge.eligible_by_policy.emplace(policy->id, by_basis);
      figures.eligible_quantity += quantity;
      figures.eligible_amount += by_basis;
    }
    return charge;
  }

 private:
  using ByPolicy = std::vector<std::pair<const Policy*, Quantity>>;

  /// The eligible quantity by policy; the rest goes to `ineligible` by its reason.
  static ByPolicy eligible_of(std::span<const Part> parts, const Sku& sku,
                              std::map<IneligibleReason, Quantity>& ineligible) {
    ByPolicy eligible;
    for (const Part& part : parts) {
      const Stretch& stretch = *part.stretch;
      if (const auto reason = first_reason(stretch.policy, sku, stretch.firm_reason)) {
        ineligible[*reason] += part.quantity;
        continue;
      }
      const auto known = std::find_if(eligible.begin(), eligible.end(),
                                      [&](const auto& of) { return of.first == stretch.policy; });
      Quantity& quantity =
          (known == eligible.end() ? eligible.emplace_back(stretch.policy, Quantity()) : *known).second;
      quantity += part.quantity;
    }
    return eligible;
  }

  /// Each project's net by cumulative allocation, so that the shares add up to the charge's (rules §3).
  std::map<ProjectId, ProjectShare> shares_of(std::span<const Part> parts,
                                              const ChargeFigures& figures) const {
    std::vector<std::pair<std::uint32_t, Quantity>> projects;
    for (const Part& part : parts) {
      for (const Cell& cell : part.cells) projects.emplace_back(cell.project, cell.quantity);
    }
    if (parts.size() > 1) std::sort(projects.begin(), projects.end());
    std::map<ProjectId, ProjectShare> shares;
    Quantity so_far;
    Fen allocated;
    for (const auto& [project, quantity] : projects) {
      so_far += quantity;
      const Fen up_to_here = round_product(figures.net.value, so_far.nanos, figures.quantity.nanos);
      ProjectShare& share = shares.try_emplace(shares.end(), usage_.projects[project])->second;
      share.quantity += quantity;
      share.net += up_to_here - allocated;
      allocated = up_to_here;
    }
    return shares;
  }

  const NumberedUsage& usage_;
};

/// The priced cells in parts, in the order of the charges; the quantities of the others go to `unpriced`.
std::vector<Part> parts_of(const std::vector<Cell>& cells, const Calendar& calendar,
                           const NumberedUsage& usage, const Facts& facts,
                           std::map<UnpricedKey, Quantity>& unpriced) {
  std::vector<Part> parts;
  for (auto from = cells.begin(); from != cells.end();) {
    const auto until = std::find_if(from, cells.end(), [&](const Cell& cell) {
      return cell.stretch != from->stretch || cell.sku != from->sku;
    });
    const SkuId& sku = usage.skus[from->sku];
    const auto known = facts.skus.find(sku);
    VOUCHERD_ASSERT(known != facts.skus.end());
    Part part{&calendar.stretch(from->stretch), from->sku, &known->second, nullptr, {}, {from, until}, {}};
    for (const Cell& cell : part.cells) part.quantity += cell.quantity;
    const Stretch& stretch = *part.stretch;
    const auto applied =
        stretch.book == nullptr ? std::nullopt : price_of(*stretch.book, stretch.contract, sku);
    if (applied) {
      part.applied = *applied;
      if (applied->by_contract) part.contract = stretch.contract;
      parts.push_back(part);
    } else {
      unpriced[{stretch.month, sku}] += part.quantity;
    }
    from = until;
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

/// The names that the rows have, in order, and their numbers in the rows.
template <class Name>
void number(std::span<const UsageOfDay> usage, Name UsageOfDay::*name, std::vector<Name>& names,
            std::vector<NumberedUsage::Row>& rows, std::uint32_t NumberedUsage::Row::*number) {
  boost::unordered_flat_map<std::string_view, std::uint32_t> numbers;
  for (const UsageOfDay& entry : usage) numbers.try_emplace((entry.*name).value, 0);
  for (const auto& [text, unset] : numbers) names.emplace_back(text);
  std::sort(names.begin(), names.end());
  for (std::uint32_t i = 0; i < names.size(); ++i) numbers[names[i].value] = i;
  for (std::size_t i = 0; i < usage.size(); ++i) rows[i].*number = numbers[(usage[i].*name).value];
}

}  // namespace

RatedUsage rate_usage(const FirmId& firm, std::span<const UsageOfDay> usage, const Facts& facts) {
  NumberedUsage numbered;
  for (const UsageOfDay& entry : usage) numbered.add({entry.day, 0, 0, entry.quantity});
  number(usage, &UsageOfDay::sku, numbered.skus, numbered.rows, &NumberedUsage::Row::sku);
  number(usage, &UsageOfDay::project, numbered.projects, numbered.rows, &NumberedUsage::Row::project);
  return rate_usage(firm, numbered, facts);
}

RatedUsage rate_usage(const FirmId& firm, const NumberedUsage& usage, const Facts& facts) {
  if (usage.rows.empty()) return {};
  Calendar calendar(firm, facts, usage);
  Cells cells(usage);
  for (const NumberedUsage::Row& row : usage.rows) {
    VOUCHERD_ASSERT(row.quantity.nanos >= 0);
    if (!row.quantity.is_zero()) cells.add(calendar.stretch_number(row.day), row);
  }
  const std::vector<Cell> sorted = cells.sorted();
  RatedUsage rated;
  const std::vector<Part> parts = parts_of(sorted, calendar, usage, facts, rated.unpriced);
  const Charging charging(usage);
  for (auto from = parts.begin(); from != parts.end();) {
    const auto until = std::find_if(from, parts.end(), [&](const Part& part) { return part != *from; });
    rated.charges.emplace_hint(rated.charges.end(), charging.key_of(*from),
                               charging.charge_of({from, until}));
    from = until;
  }
  return rated;
}

}  // namespace voucherd::billing
