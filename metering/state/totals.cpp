// The inner loop is add(): an index by the firm's number and one look-up. Everything that
// depends on an order (lists, canonical bytes) sorts by text when it is asked for.
#include "metering/state/totals.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>

#include "metering/core/assert.h"
#include "metering/state/saved_values.h"

namespace voucherd {

namespace {

// A power of two. Of fewer, a quarter could be none: a search would find no empty slot to end at.
constexpr std::size_t slots_at_start = 8;

Fault damaged() {
  return {"checkpoint_damaged", "the usage totals of a checkpoint can't be read; it is passed over"};
}

}  // namespace

std::size_t Totals::hash(const Key& key) {
  // Multiplication carries each part into the high bits, the shifts bring them back down.
  std::uint64_t hash = (static_cast<std::uint64_t>(key.sku) << 32 | key.project) * 0x9e37'79b9'7f4a'7c15u;
  hash = (hash ^ hash >> 32 ^ static_cast<std::uint32_t>(key.day)) * 0xd6e8'feb8'6659'fd93u;
  return static_cast<std::size_t>(hash ^ hash >> 32);
}

Totals::Table::Table(std::size_t slots_wanted)
    : size(slots_wanted == 0 ? 0 : static_cast<std::uint32_t>(std::max(slots_wanted, slots_at_start))) {
  VOUCHERD_ASSERT(slots_wanted <= size);
  // make_shared() would put its counters in front, and the slots across cache lines.
  if (size > 0) slots = std::shared_ptr<Slot[]>(new Slot[size]);
}

/// The key's slot, or the empty one where it would be. There is always an empty one.
Totals::Slot& Totals::Table::slot_of(const Key& key) const {
  const std::size_t mask = size - 1;
  for (std::size_t at = hash(key) & mask;; at = (at + 1) & mask) {
    Slot& slot = this->slot(at);
    if (!slot.taken || slot.key == key) return slot;
  }
}

/// The key's quantity, to be changed.
Quantity& Totals::Table::take(const Key& key) {
  // A quarter stays empty.
  if ((std::size_t{taken} + 1) * 4 > std::size_t{size} * 3) grow();
  Slot& slot = slot_of(key);
  if (!slot.taken) {
    slot.key = key;
    slot.taken = true;
    ++taken;
  }
  return slot.quantity;
}

template <class Visit>
void Totals::Table::each(Visit&& visit) const {
  for (std::size_t at = 0; at < size; ++at) {
    if (!slot(at).quantity.is_zero()) visit(slot(at).key, slot(at).quantity);
  }
}

/// Leaves the zeros behind. Where they were half of it, the size stays: else it would grow with all totals
/// that have ever been.
void Totals::Table::grow() {
  std::uint32_t left = 0;
  each([&](const Key&, Quantity) { ++left; });
  const Table former = *this;
  const std::size_t wanted = std::size_t{left} * 2 <= size ? size : std::size_t{size} * 2;
  *this = Table(left == 0 ? slots_at_start : wanted);
  taken = left;
  former.each([&](const Key& key, Quantity quantity) { slot_of(key) = {key, true, quantity}; });
}

/// Adds what came beside the table into it.
void Totals::FirmTotals::gather() {
  since.each([&](const Key& key, Quantity quantity) { table.take(key) += quantity; });
  since = Table();
}

Totals::Table Totals::FirmTotals::gathered() const {
  if (since.size == 0) return table;
  FirmTotals copy;
  copy.table = Table(std::max<std::size_t>(table.size, since.size));
  table.each([&](const Key& key, Quantity quantity) { copy.table.take(key) = quantity; });
  copy.since = since;
  copy.gather();
  return copy.table;
}

std::uint32_t Totals::firm_number(std::string_view firm) {
  const std::uint32_t number = firm_names_.intern(firm);
  if (number >= firms_.size()) firms_.resize(number + 1);
  return number;
}

std::uint32_t Totals::sku_number(std::string_view sku) { return sku_names_.intern(sku); }

std::uint32_t Totals::project_number(std::string_view project) { return project_names_.intern(project); }

void Totals::prefetch(std::uint32_t firm, LocalDay day, std::uint32_t sku, std::uint32_t project) const {
  const Table& table = firms_[firm].table;
  if (table.size == 0) return;
  __builtin_prefetch(&table.slot(hash({day.days, sku, project}) & (table.size - 1)), 1);
}

void Totals::add(std::uint32_t firm, LocalDay day, std::uint32_t sku, std::uint32_t project,
                 Quantity quantity) {
  VOUCHERD_ASSERT(firm < firms_.size());
  if (quantity.is_zero()) return;
  FirmTotals& totals = firms_[firm];
  const Key key{day.days, sku, project};
  Quantity elsewhere;  // the rest of this total
  if (frozen_) {
    elsewhere = totals.table.at(key);
  } else if (totals.since.size != 0) {
    totals.gather();
  }
  Quantity& kept = (frozen_ ? totals.since : totals.table).take(key);
  if ((kept + elsewhere).is_zero()) ++totals.totals;
  kept += quantity;
  if ((kept + elsewhere).is_zero()) --totals.totals;
  ++totals.version;
  sum_ += quantity;
}

const Totals::FirmTotals* Totals::totals_of(std::string_view firm) const {
  const auto number = firm_names_.find(firm);
  return number ? &firms_[*number] : nullptr;
}

std::vector<FirmId> Totals::firms() const {
  std::vector<FirmId> firms;
  for (std::size_t number = 0; number < firms_.size(); ++number) {
    if (firms_[number].totals > 0) firms.emplace_back(firm_names_.at(static_cast<std::uint32_t>(number)));
  }
  std::sort(firms.begin(), firms.end());
  return firms;
}

/// Numbers as they would be had the names been given in the order of their bytes, and only those
/// that a total uses.
struct Totals::Canonical {
  std::vector<std::string_view> texts;  // in order
  std::vector<std::uint32_t> rank;      // by number

  Canonical(const Dictionary& names, const std::vector<bool>& used) : rank(names.size()) {
    std::vector<std::uint32_t> order;
    for (std::uint32_t number = 0; number < names.size(); ++number) {
      if (used[number]) order.push_back(number);
    }
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return names.at(a) < names.at(b); });
    for (const std::uint32_t number : order) {
      rank[number] = static_cast<std::uint32_t>(texts.size());
      texts.emplace_back(names.at(number));
    }
  }

  void save(std::string& out) const {
    put_varint(out, texts.size());
    for (const std::string_view text : texts) put_text(out, text);
  }
};

/// Stable. The ranks are below `ranks`, and not many more than there are rows.
template <class RankOf>
void Totals::order_by(Rows& rows, std::size_t ranks, RankOf&& rank_of) {
  if (ranks < 2) return;
  std::vector<std::uint32_t> begins(ranks + 1);
  for (const auto& row : rows) ++begins[std::size_t{rank_of(row)} + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  Rows ordered(rows.size());
  for (const auto& row : rows) ordered[begins[rank_of(row)]++] = row;
  rows = std::move(ordered);
}

NumberedUsage Totals::between(const FirmTotals& totals, LocalDay from, LocalDay until) const {
  NumberedUsage usage;
  usage.rows.reserve(totals.totals);
  std::vector<bool> sku_used(sku_names_.size()), project_used(project_names_.size());
  totals.gathered().each([&](const Key& key, Quantity quantity) {
    const LocalDay day{key.day};
    if (day < from || day >= until) return;
    usage.add({day, key.sku, key.project, quantity});
    sku_used[key.sku] = project_used[key.project] = true;
  });
  const Canonical skus(sku_names_, sku_used), projects(project_names_, project_used);
  for (const std::string_view sku : skus.texts) usage.skus.emplace_back(sku);
  for (const std::string_view project : projects.texts) usage.projects.emplace_back(project);
  for (auto& row : usage.rows) {
    row.sku = skus.rank[row.sku];
    row.project = projects.rank[row.project];
  }
  return usage;
}

/// Thousands of totals with few names and days: counting them into place takes a tenth of what comparing
/// their texts does.
std::vector<UsageTotal> Totals::of(const FirmId& firm, LocalDay from, LocalDay until) const {
  const FirmTotals* totals = totals_of(firm.value);
  if (totals == nullptr) return {};
  NumberedUsage usage = between(*totals, from, until);
  Rows& rows = usage.rows;
  const LocalDay first = usage.first_day;
  order_by(rows, usage.projects.size(), [](const auto& row) { return row.project; });
  order_by(rows, usage.skus.size(), [](const auto& row) { return row.sku; });
  order_by(rows, static_cast<std::size_t>(usage.last_day.days - first.days) + 1,
           [first](const auto& row) { return static_cast<std::uint32_t>(row.day.days - first.days); });
  std::vector<UsageTotal> shown;
  shown.reserve(rows.size());
  for (const auto& [day, sku, project, quantity] : rows) {
    shown.push_back({day, usage.skus[sku], usage.projects[project], quantity});
  }
  return shown;
}

NumberedUsage Totals::of(const FirmId& firm) const {
  constexpr LocalDay first_day{-800'000};  // before year 1
  const FirmTotals* totals = totals_of(firm.value);
  return totals == nullptr ? NumberedUsage() : between(*totals, first_day, {local_day_max.days + 1});
}

std::uint64_t Totals::version_of(const FirmId& firm) const {
  const FirmTotals* totals = totals_of(firm.value);
  return totals == nullptr ? 0 : totals->version;
}

void Totals::Snapshot::save(std::string& out) const {
  std::vector<bool> firm_used(tables_.size()), sku_used(sku_names_.size()),
      project_used(project_names_.size());
  for (std::size_t number = 0; number < tables_.size(); ++number) {
    tables_[number].each([&](const Key& key, Quantity) {
      firm_used[number] = sku_used[key.sku] = project_used[key.project] = true;
    });
  }
  const Canonical firms(firm_names_, firm_used), skus(sku_names_, sku_used),
      projects(project_names_, project_used);
  firms.save(out);
  skus.save(out);
  projects.save(out);
  std::vector<Ranked> list;
  for (const std::string_view firm : firms.texts) {
    list.clear();
    tables_[*firm_names_.find(firm)].each([&](const Key& key, Quantity quantity) {
      list.push_back({{key.day, skus.rank[key.sku], projects.rank[key.project]}, quantity});
    });
    std::sort(list.begin(), list.end(),
              [](const Ranked& a, const Ranked& b) { return in_order(a.key) < in_order(b.key); });
    put_varint(out, list.size());
    for (const auto& [key, quantity] : list) {
      put_signed(out, key.day);
      put_varint(out, key.sku);
      put_varint(out, key.project);
      put_int128(out, quantity.nanos);
    }
  }
}

Totals::Snapshot Totals::snapshot() const {
  Snapshot snapshot;
  snapshot.firm_names_ = firm_names_;
  snapshot.sku_names_ = sku_names_;
  snapshot.project_names_ = project_names_;
  snapshot.tables_.reserve(firms_.size());
  for (const FirmTotals& firm : firms_) snapshot.tables_.push_back(firm.gathered());
  return snapshot;
}

Totals::Snapshot Totals::freeze() {
  VOUCHERD_ASSERT(!frozen_);
  for (FirmTotals& firm : firms_) {
    if (firm.since.size != 0) firm.gather();
  }
  frozen_ = true;
  return snapshot();
}

void Totals::save(std::string& out) const { snapshot().save(out); }

/// In the order of the names' bytes, as Canonical writes them.
void Totals::load_names(ByteReader& in, Dictionary& names) {
  std::string_view before;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::string_view name = in.text();
    if (names.size() > 0 && name <= before) in.fail();
    if (in.ok()) names.intern(name);
    before = name;
  }
}

/// In the order of (day, SKU, project), none of them zero.
void Totals::load_firm(ByteReader& in, std::uint32_t firm, NamesUsed& used) {
  constexpr std::uint64_t total_bytes_min = 4;
  const std::uint64_t count = in.varint_up_to(in.left() / total_bytes_min);
  if (count == 0) in.fail();
  // Large enough at once: a quarter stays empty.
  firms_[firm].table = Table(std::bit_ceil(std::size_t{count} + count / 3 + 1));
  std::optional<Key> before;
  for (std::uint64_t left = count; left > 0 && in.ok(); --left) {
    Key key{};
    key.day = read_day(in).days;
    const std::uint64_t sku = in.varint(), project = in.varint();
    const Quantity quantity = read_quantity(in);
    if (quantity.is_zero() || sku >= used.skus.size() || project >= used.projects.size()) in.fail();
    if (!in.ok()) return;
    key.sku = static_cast<std::uint32_t>(sku);
    key.project = static_cast<std::uint32_t>(project);
    if (before && in_order(*before) >= in_order(key)) in.fail();
    before = key;
    used.skus[key.sku] = used.projects[key.project] = true;
    add(firm, LocalDay{key.day}, key.sku, key.project, quantity);
    if (sum_.nanos < -saved_nanos_max || sum_.nanos > saved_nanos_max) in.fail();
  }
  firms_[firm].version = 1;
}

Result<Totals> Totals::load(std::string_view& in) {
  ByteReader reader(in);
  Totals totals;
  for (Dictionary* names : {&totals.firm_names_, &totals.sku_names_, &totals.project_names_}) {
    load_names(reader, *names);
  }
  totals.firms_.resize(totals.firm_names_.size());
  NamesUsed used{std::vector<bool>(totals.sku_names_.size()),
                 std::vector<bool>(totals.project_names_.size())};
  for (std::uint32_t number = 0; number < totals.firms_.size() && reader.ok(); ++number) {
    totals.load_firm(reader, number, used);
  }
  const auto all = [](const std::vector<bool>& names) {
    return std::find(names.begin(), names.end(), false) == names.end();
  };
  if (!reader.ok() || !all(used.skus) || !all(used.projects)) return damaged();
  in = reader.rest();
  return totals;
}

}  // namespace voucherd
