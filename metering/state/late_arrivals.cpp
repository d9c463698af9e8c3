#include "metering/state/late_arrivals.h"

#include <algorithm>
#include <numeric>

#include "metering/core/assert.h"
#include "metering/state/saved_values.h"

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

void LateArrivals::FirmRuns::push(const Run& run) {
  if (last.first > 0) former.push_back(last);
  last = run;
}

void LateArrivals::add(std::uint32_t firm, MonthSpan months, Position position) {
  VOUCHERD_ASSERT(firm < runs_.size() && months.first <= months.last);
  FirmRuns& runs = runs_[firm];
  Run& last = runs.last;
  VOUCHERD_ASSERT(last.last < position);
  if (last.first > 0 && position - last.last <= gap_max && last.months == months) {
    last.last = position;
  } else {
    runs.push({position, position, months});
  }
}

std::optional<Position> LateArrivals::next(Position from, std::string_view firm, MonthSpan months) const {
  const auto number = firms_.find(firm);
  if (!number) return std::nullopt;
  const auto& [former, last] = runs_[*number];
  auto run =
      std::partition_point(former.begin(), former.end(), [&](const Run& each) { return each.last < from; });
  for (; run != former.end(); ++run) {
    if (meet(run->months, months)) return std::max(from, run->first);
  }
  if (last.last >= from && meet(last.months, months)) return std::max(from, last.first);
  return std::nullopt;
}

void LateArrivals::save(std::string& out) const {
  std::vector<std::uint32_t> order(firms_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return firms_.at(a) < firms_.at(b); });
  put_varint(out, order.size());
  for (const std::uint32_t firm : order) {
    const FirmRuns& runs = runs_[firm];
    put_text(out, firms_.at(firm));
    put_varint(out, runs.former.size() + 1);
    Position before = 0;
    const auto put = [&](const Run& run) {
      put_varint(out, run.first - before);
      put_varint(out, run.last - run.first);
      before = run.last;
      put_signed(out, run.months.first.months);
      put_varint(out, static_cast<std::uint64_t>(run.months.last.months - run.months.first.months));
    };
    for (const Run& run : runs.former) put(run);
    put(runs.last);
  }
}

void LateArrivals::load(ByteReader& in) {
  std::string_view firm_before;
  for (std::uint64_t firms = in.varint(); firms > 0 && in.ok(); --firms) {
    const std::string_view firm = in.text();
    const std::uint64_t count = in.varint_up_to(in.left());
    if (count == 0 || (!runs_.empty() && firm <= firm_before)) in.fail();
    if (!in.ok()) return;
    load_runs(in, count, runs_[firm_number(firm)]);
    firm_before = firm;
  }
}

void LateArrivals::load_runs(ByteReader& in, std::uint64_t count, FirmRuns& runs) {
  Position before = 0;
  for (; count > 0 && in.ok(); --count) {
    Run run;
    run.first = before + in.varint_up_to(saved_count_max);
    run.last = run.first + in.varint_up_to(saved_count_max);
    if (run.first <= before || run.last > saved_count_max) in.fail();
    const std::int64_t first = in.signed_varint();
    if (first < -months_max || first > months_max) in.fail();
    const auto more = static_cast<std::int64_t>(in.varint_up_to(months_max));
    if (!in.ok()) return;
    run.months = {{static_cast<std::int32_t>(first)}, {static_cast<std::int32_t>(first + more)}};
    // add() makes one run of these.
    if (before > 0 && run.first - before <= gap_max && runs.last.months == run.months) in.fail();
    before = run.last;
    runs.push(run);
  }
}

Position LateArrivals::last_position() const {
  Position last = 0;
  for (const FirmRuns& runs : runs_) last = std::max(last, runs.last.last);
  return last;
}

}  // namespace voucherd
