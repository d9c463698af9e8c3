#include "metering/state/late_arrivals.h"

#include <algorithm>
#include <numeric>

#include "metering/core/assert.h"
#include "metering/state/byte_coding.h"

namespace voucherd {

namespace {

constexpr std::int64_t months_max = 12 * 10'000;  // from the year 0 to the year 9999

bool meet(MonthSpan a, MonthSpan b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

std::uint32_t LateArrivals::firm_number(std::string_view firm) {
  const std::uint32_t number = firms_.intern(firm);
  if (number == runs_.size()) runs_.emplace_back();
  return number;
}

void LateArrivals::add(std::uint32_t firm, MonthSpan months, Position position) {
  VOUCHERD_ASSERT(firm < runs_.size() && months.first <= months.last);
  std::vector<Run>& runs = runs_[firm];
  VOUCHERD_ASSERT(runs.empty() || runs.back().last < position);
  const bool goes_on =
      !runs.empty() && position - runs.back().last <= gap_max && runs.back().months == months;
  if (goes_on) {
    runs.back().last = position;
    return;
  }
  runs.push_back({position, position, months});
}

std::optional<Position> LateArrivals::next(Position from, std::string_view firm, MonthSpan months) const {
  const auto number = firms_.find(firm);
  if (!number) return std::nullopt;
  const std::vector<Run>& runs = runs_[*number];
  auto run =
      std::partition_point(runs.begin(), runs.end(), [&](const Run& each) { return each.last < from; });
  for (; run != runs.end(); ++run)
    if (meet(run->months, months)) return std::max(from, run->first);
  return std::nullopt;
}

void LateArrivals::save(std::string& out) const {
  std::vector<std::uint32_t> order(firms_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return firms_.at(a) < firms_.at(b); });
  put_varint(out, order.size());
  for (const std::uint32_t firm : order) {
    const std::vector<Run>& runs = runs_[firm];
    put_text(out, firms_.at(firm));
    put_varint(out, runs.size());
    Position before = 0;
    for (const Run& run : runs) {
      put_varint(out, run.first - before);
      put_varint(out, run.last - run.first);
      before = run.last;
      put_signed(out, run.months.first.months);
      put_varint(out, static_cast<std::uint64_t>(run.months.last.months - run.months.first.months));
    }
  }
}

void LateArrivals::load(ByteReader& in) {
  for (std::uint64_t firms = in.varint(); firms > 0 && in.ok(); --firms) {
    std::vector<Run>& runs = runs_[firm_number(in.text())];
    Position before = 0;
    for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
      Run& run = runs.emplace_back();
      run.first = before + in.varint();
      run.last = run.first + in.varint();
      if (run.first <= before) in.fail();
      before = run.last;
      const std::int64_t first = in.signed_varint();
      if (first < -months_max || first > months_max) in.fail();
      run.months.first = {static_cast<std::int32_t>(first)};
      run.months.last = {
          static_cast<std::int32_t>(first + static_cast<std::int64_t>(in.varint_up_to(months_max)))};
    }
  }
}

}  // namespace voucherd
