// The arithmetic of a charge's figures: a statement's line is a difference of two of them.
#include "billing/core/charge.h"

#include <tuple>

namespace voucherd::billing {

namespace {

/// The quantity to which a breakdown's entry is added; a share of a project carries its net too.
void add(Quantity& to, Quantity by, bool negative) { to = negative ? to - by : to + by; }
void add(ProjectShare& to, const ProjectShare& by, bool negative) {
  add(to.quantity, by.quantity, negative);
  to.net = negative ? to.net - by.net : to.net + by.net;
}

/// Adds `by` (or takes it away) entry by entry; entries that become zero are dropped.
template <class Map>
void add_entries(Map& to, const Map& by, bool negative) {
  for (const auto& [key, value] : by) {
    const auto entry = to.try_emplace(key).first;
    add(entry->second, value, negative);
    if (entry->second == typename Map::mapped_type{}) to.erase(entry);
  }
}

ChargeFigures combine(ChargeFigures a, const ChargeFigures& b, bool negative) {
  const auto fen = [negative](Fen x, Fen y) { return negative ? x - y : x + y; };
  add(a.quantity, b.quantity, negative);
  a.net = fen(a.net, b.net);
  a.tax = fen(a.tax, b.tax);
  a.gross = fen(a.gross, b.gross);
  add(a.eligible_quantity, b.eligible_quantity, negative);
  a.eligible_amount = fen(a.eligible_amount, b.eligible_amount);
  add_entries(a.ineligible, b.ineligible, negative);
  add_entries(a.projects, b.projects, negative);
  return a;
}

auto amounts(const ChargeFigures& f) {
  return std::tie(f.quantity, f.net, f.tax, f.gross, f.eligible_quantity, f.eligible_amount);
}

}  // namespace

bool ChargeFigures::same_amounts(const ChargeFigures& other) const {
  return amounts(*this) == amounts(other);
}

ChargeFigures ChargeFigures::operator-(const ChargeFigures& other) const {
  return combine(*this, other, true);
}

ChargeFigures ChargeFigures::operator+(const ChargeFigures& other) const {
  return combine(*this, other, false);
}

}  // namespace voucherd::billing
