// Rating in three steps (rules §3, §4). Days on which the same month, price book, contract,
// policy and standing of the firm hold form one *stretch*; usage is summed into *cells* of
// stretch × SKU × project; cells are gathered into charges, and each charge is rounded once.
// So prices and reasons are looked up once a stretch and SKU, not once a day.
#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <array>
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
  Calendar(const FirmId& firm, const Facts& facts)
      : facts_(facts), firm_(find_firm(facts, firm)), contracts_(facts.contracts.of(firm)) {}

  std::uint32_t stretch_number(LocalDay day) {
    if (last_day_ == day) return last_number_;  // usage comes mostly day by day
    const auto [known, is_new] = number_of_day_.try_emplace(day.days, 0);
    if (is_new) known->second = find_or_add(stretch_on(day));
    last_day_ = day;
    last_number_ = known->second;
    return last_number_;
  }
  const Stretch& stretch(std::uint32_t number) const { return stretches_[number]; }

 private:
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
  std::vector<Stretch> stretches_;
  boost::unordered_flat_map<std::int32_t, std::uint32_t> number_of_day_;
  std::optional<LocalDay> last_day_;
  std::uint32_t last_number_ = 0;
};

/// Usage of one stretch, SKU and project; these two are numbers of the usage's names.
struct Cell {
  std::uint32_t stretch = 0, sku = 0, project = 0;
  std::uint32_t next = 0;  // the cell that followed this one the last time
  Quantity quantity;
};

/// Sums usage into cells. Each day has mostly the same SKUs and projects in the same order, so
/// the cell that followed last time is tried before the table is.
class Cells {
 public:
  void add(std::uint32_t stretch, const NumberedUsage::Row& usage) {
    const std::uint32_t guess = cells_.empty() ? 0 : cells_[last_].next;
    const std::uint32_t number = is_of(guess, stretch, usage) ? guess : find_or_add(stretch, usage);
    cells_[last_].next = number;
    last_ = number;
    cells_[number].quantity += usage.quantity;
  }

  /// In the order of stretch, SKU and project.
  std::vector<Cell> take_sorted() {
    std::sort(cells_.begin(), cells_.end(), [](const Cell& a, const Cell& b) {
      return std::tie(a.stretch, a.sku, a.project) < std::tie(b.stretch, b.sku, b.project);
    });
    return std::move(cells_);
  }

 private:
  using Key = std::array<std::uint32_t, 3>;

  bool is_of(std::uint32_t number, std::uint32_t stretch, const NumberedUsage::Row& usage) const {
    if (number >= cells_.size()) return false;
    const Cell& cell = cells_[number];
    return cell.stretch == stretch && cell.sku == usage.sku && cell.project == usage.project;
  }

  std::uint32_t find_or_add(std::uint32_t stretch, const NumberedUsage::Row& usage) {
    const auto size = static_cast<std::uint32_t>(cells_.size());
    const auto [known, is_new] = numbers_.try_emplace(Key{stretch, usage.sku, usage.project}, size);
    if (is_new) cells_.push_back({stretch, usage.sku, usage.project, size + 1, {}});
    return known->second;
  }

  std::vector<Cell> cells_;
  std::uint32_t last_ = 0;
  boost::unordered_flat_map<Key, std::uint32_t, boost::hash<Key>> numbers_;
};

/// A charge while its quantities are gathered.
struct Draft {
  const Sku* sku = nullptr;
  bool tax_inclusive = false;
  SkuPrice price;
  Quantity quantity;
  std::map<PolicyId, std::pair<const Policy*, Quantity>> eligible;
  std::map<IneligibleReason, Quantity> ineligible;
  std::vector<std::pair<const ProjectId*, Quantity>> projects;
};

/// Each project's net by cumulative allocation, so that the shares add up to `net` (rules §3).
std::map<ProjectId, ProjectShare> allocate(const Draft& draft, Fen net) {
  auto projects = draft.projects;
  std::sort(projects.begin(), projects.end(),
            [](const auto& a, const auto& b) { return *a.first < *b.first; });
  std::map<ProjectId, ProjectShare> shares;
  Quantity so_far;
  Fen allocated;
  for (const auto& [project, quantity] : projects) {
    so_far += quantity;
    const Fen up_to_here = round_product(net.value, so_far.nanos, draft.quantity.nanos);
    ProjectShare& share = shares.try_emplace(shares.end(), *project)->second;
    share.quantity += quantity;
    share.net += up_to_here - allocated;
    allocated = up_to_here;
  }
  return shares;
}

Charge finish(const Draft& draft) {
  const Tax tax{draft.sku->tax_rate, draft.tax_inclusive};
  const TaxedAmount amount = amount_of(draft.price, draft.quantity, draft.quantity, tax);
  Charge charge;
  charge.unit_price = shown_price(draft.price);
  charge.tax_rate = draft.sku->tax_rate;
  charge.unit = draft.sku->unit;
  ChargeFigures& figures = charge.figures;
  figures.quantity = draft.quantity;
  figures.net = amount.net;
  figures.tax = amount.tax;
  figures.gross = amount.gross;
  figures.ineligible = draft.ineligible;
  figures.projects = allocate(draft, amount.net);
  for (const auto& [id, part] : draft.eligible) {
    const auto& [policy, quantity] = part;
    const TaxedAmount eligible = amount_of(draft.price, quantity, draft.quantity, tax);
    const Fen by_basis = policy->tax_basis == TaxBasis::net ? eligible.net : eligible.gross;
    charge.eligible_by_policy.emplace(id, by_basis);
    figures.eligible_quantity += quantity;
    figures.eligible_amount += by_basis;
  }
  return charge;
}

/// Gathers sorted cells into charges and unpriced usage.
class Gathering {
 public:
  Gathering(const Facts& facts, const NumberedUsage& usage) : facts_(facts), usage_(usage) {}

  /// Takes the cells [from, until), all of one stretch and SKU.
  void take(const Stretch& stretch, const Cell* from, const Cell* until) {
    const SkuId& id = usage_.skus[from->sku];
    const auto sku = facts_.skus.find(id);
    VOUCHERD_ASSERT(sku != facts_.skus.end());
    Quantity quantity;
    for (const Cell* cell = from; cell != until; ++cell) quantity += cell->quantity;

    std::optional<AppliedPrice> applied;
    if (stretch.book != nullptr) applied = price_of(*stretch.book, stretch.contract, id);
    if (!applied) {
      rated_.unpriced[{stretch.month, id}] += quantity;
      return;
    }
    Draft& draft = draft_of(stretch, sku->second, std::move(*applied));
    draft.quantity += quantity;
    if (const auto reason = first_reason(stretch.policy, sku->second, stretch.firm_reason)) {
      draft.ineligible[*reason] += quantity;
    } else {
      auto& part = draft.eligible[stretch.policy->id];
      part.first = stretch.policy;
      part.second += quantity;
    }
    for (const Cell* cell = from; cell != until; ++cell)
      draft.projects.emplace_back(&usage_.projects[cell->project], cell->quantity);
  }

  RatedUsage finish_all() {
    for (auto& [key, draft] : drafts_) rated_.charges.emplace_hint(rated_.charges.end(), key, finish(draft));
    return std::move(rated_);
  }

 private:
  Draft& draft_of(const Stretch& stretch, const Sku& sku, AppliedPrice applied) {
    ChargeKey key{stretch.month, sku.id, stretch.book->version, {}};
    if (applied.by_contract) key.contract = stretch.contract->number;
    const auto [entry, is_new] = drafts_.try_emplace(std::move(key));
    if (is_new) {
      entry->second.sku = &sku;
      entry->second.tax_inclusive = stretch.book->tax_inclusive;
      entry->second.price = std::move(applied.price);
    }
    return entry->second;
  }

  const Facts& facts_;
  const NumberedUsage& usage_;
  std::map<ChargeKey, Draft> drafts_;
  RatedUsage rated_;
};

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
  numbered.rows.reserve(usage.size());
  for (const UsageOfDay& entry : usage) numbered.rows.push_back({entry.day, 0, 0, entry.quantity});
  number(usage, &UsageOfDay::sku, numbered.skus, numbered.rows, &NumberedUsage::Row::sku);
  number(usage, &UsageOfDay::project, numbered.projects, numbered.rows, &NumberedUsage::Row::project);
  return rate_usage(firm, numbered, facts);
}

RatedUsage rate_usage(const FirmId& firm, const NumberedUsage& usage, const Facts& facts) {
  Calendar calendar(firm, facts);
  Cells cells;
  for (const NumberedUsage::Row& row : usage.rows) {
    VOUCHERD_ASSERT(row.quantity.nanos >= 0);
    if (!row.quantity.is_zero()) cells.add(calendar.stretch_number(row.day), row);
  }
  const std::vector<Cell> sorted = cells.take_sorted();
  Gathering gathering(facts, usage);
  for (std::size_t from = 0; from < sorted.size();) {
    std::size_t until = from + 1;
    while (until < sorted.size() && sorted[until].stretch == sorted[from].stretch &&
           sorted[until].sku == sorted[from].sku) {
      ++until;
    }
    gathering.take(calendar.stretch(sorted[from].stretch), &sorted[from], sorted.data() + until);
    from = until;
  }
  return gathering.finish_all();
}

}  // namespace voucherd::billing
