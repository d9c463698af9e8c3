// The inner loop is add(): an index by the firm's number and one look-up. Everything that
// depends on an order (lists, canonical bytes) sorts by text when it is asked for.
#include "metering/state/totals.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "metering/core/assert.h"
#include "metering/state/byte_coding.h"

namespace voucherd {

namespace {

Fault damaged() {
  return {"checkpoint_damaged", "the usage totals of a checkpoint can't be read; it is passed over"};
}

}  // namespace

std::uint32_t Totals::Names::number(std::string_view text) {
  if (const auto known = numbers.find(text); known != numbers.end()) return known->second;
  VOUCHERD_ASSERT(texts.size() < std::numeric_limits<std::uint32_t>::max());
  const auto next = static_cast<std::uint32_t>(texts.size());
  texts.emplace_back(text);
  numbers.emplace(text, next);
  return next;
}

std::size_t Totals::KeyHash::operator()(const Key& key) const noexcept {
  // Multiplication carries each part into the high bits, the shifts bring them back down.
  std::uint64_t hash = (static_cast<std::uint64_t>(key.sku) << 32 | key.project) * 0x9e37'79b9'7f4a'7c15u;
  hash = (hash ^ hash >> 32 ^ static_cast<std::uint32_t>(key.day)) * 0xd6e8'feb8'6659'fd93u;
  return static_cast<std::size_t>(hash ^ hash >> 32);
}

std::uint32_t Totals::firm_number(std::string_view firm) {
  const std::uint32_t number = firm_names_.number(firm);
  if (number >= firms_.size()) firms_.resize(number + 1);
  return number;
}

std::uint32_t Totals::sku_number(std::string_view sku) { return sku_names_.number(sku); }

std::uint32_t Totals::project_number(std::string_view project) { return project_names_.number(project); }

void Totals::add(std::uint32_t firm, LocalDay day, std::uint32_t sku, std::uint32_t project,
                 Quantity quantity) {
  VOUCHERD_ASSERT(firm < firms_.size());
  if (quantity.is_zero()) return;
  FirmTotals& totals = firms_[firm];
  const auto total = totals.by_key.try_emplace(Key{day.days, sku, project}).first;
  total->second += quantity;
  if (total->second.is_zero()) totals.by_key.erase(total);
  ++totals.version;
  sum_ += quantity;
}

const Totals::FirmTotals* Totals::totals_of(std::string_view firm) const {
  const auto known = firm_names_.numbers.find(firm);
  return known == firm_names_.numbers.end() ? nullptr : &firms_[known->second];
}

std::vector<FirmId> Totals::firms() const {
  std::vector<FirmId> firms;
  for (std::size_t number = 0; number < firms_.size(); ++number) {
    if (!firms_[number].by_key.empty()) firms.emplace_back(firm_names_.texts[number]);
  }
  std::sort(firms.begin(), firms.end());
  return firms;
}

std::vector<UsageTotal> Totals::of(const FirmId& firm, LocalDay from, LocalDay until) const {
  std::vector<UsageTotal> list;
  const FirmTotals* totals = totals_of(firm.value);
  if (totals == nullptr) return list;
  for (const auto& [key, quantity] : totals->by_key) {
    const LocalDay day{key.day};
    if (day < from || day >= until) continue;
    list.push_back(
        {day, SkuId(sku_names_.texts[key.sku]), ProjectId(project_names_.texts[key.project]), quantity});
  }
  std::sort(list.begin(), list.end(), [](const UsageTotal& a, const UsageTotal& b) {
    return std::tie(a.day, a.sku, a.project) < std::tie(b.day, b.sku, b.project);
  });
  return list;
}

std::uint64_t Totals::version_of(const FirmId& firm) const {
  const FirmTotals* totals = totals_of(firm.value);
  return totals == nullptr ? 0 : totals->version;
}

/// Numbers as they would be had the names been given in the order of their bytes, and only those
/// that a total uses.
struct Totals::Canonical {
  std::vector<std::string_view> texts;  // in order
  std::vector<std::uint32_t> rank;      // by number

  Canonical(const Names& names, const std::vector<bool>& used) : rank(names.texts.size()) {
    std::vector<std::uint32_t> order;
    for (std::uint32_t number = 0; number < names.texts.size(); ++number) {
      if (used[number]) order.push_back(number);
    }
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return names.texts[a] < names.texts[b]; });
    for (const std::uint32_t number : order) {
      rank[number] = static_cast<std::uint32_t>(texts.size());
      texts.emplace_back(names.texts[number]);
    }
  }

  void save(std::string& out) const {
    put_varint(out, texts.size());
    for (const std::string_view text : texts) put_text(out, text);
  }
};

void Totals::save(std::string& out) const {
  std::vector<bool> firm_used(firms_.size()), sku_used(sku_names_.texts.size()),
      project_used(project_names_.texts.size());
  for (std::size_t number = 0; number < firms_.size(); ++number) {
    firm_used[number] = !firms_[number].by_key.empty();
    for (const auto& [key, quantity] : firms_[number].by_key)
      sku_used[key.sku] = project_used[key.project] = true;
  }
  const Canonical firms(firm_names_, firm_used), skus(sku_names_, sku_used),
      projects(project_names_, project_used);
  firms.save(out);
  skus.save(out);
  projects.save(out);
  for (const std::string_view firm : firms.texts) {
    std::vector<std::pair<Key, Quantity>> list;
    for (const auto& [key, quantity] : totals_of(firm)->by_key) {
      list.push_back({{key.day, skus.rank[key.sku], projects.rank[key.project]}, quantity});
    }
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
      return std::tie(a.first.day, a.first.sku, a.first.project) <
             std::tie(b.first.day, b.first.sku, b.first.project);
    });
    put_varint(out, list.size());
    for (const auto& [key, quantity] : list) {
      put_signed(out, key.day);
      put_varint(out, key.sku);
      put_varint(out, key.project);
      put_int128(out, quantity.nanos);
    }
  }
}

Result<Totals> Totals::load(std::string_view& in) {
  ByteReader reader(in);
  Totals totals;
  for (Names* names : {&totals.firm_names_, &totals.sku_names_, &totals.project_names_}) {
    for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) names->number(reader.text());
  }
  totals.firms_.resize(totals.firm_names_.texts.size());
  const std::size_t skus = totals.sku_names_.texts.size(), projects = totals.project_names_.texts.size();
  for (FirmTotals& firm : totals.firms_) {
    for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
      const std::int64_t day = reader.signed_varint();
      const std::uint64_t sku = reader.varint(), project = reader.varint();
      const Quantity quantity{reader.int128()};
      if (!reader.ok() || day != static_cast<std::int32_t>(day) || sku >= skus || project >= projects) {
        return damaged();
      }
      const Key key{static_cast<std::int32_t>(day), static_cast<std::uint32_t>(sku),
                    static_cast<std::uint32_t>(project)};
      if (quantity.is_zero() || !firm.by_key.emplace(key, quantity).second) return damaged();
      if (__builtin_add_overflow(totals.sum_.nanos, quantity.nanos, &totals.sum_.nanos)) return damaged();
    }
    firm.version = 1;
  }
  if (!reader.ok()) return damaged();
  in = reader.rest();
  return totals;
}

}  // namespace voucherd
