#include "metering/state/recount.h"

#include <algorithm>
#include <tuple>

#include "metering/core/assert.h"
#include "metering/state/event_columns.h"

namespace voucherd {

namespace {

/// Of the corrections of one event, the one that counts (rules §7).
struct Winner {
  Instant time;
  std::string source, id;
  Quantity quantity;
  bool loses_to(const EventView& other) const {
    return std::tuple(time, std::string_view(source), std::string_view(id)) <
           std::tuple(*other.time, other.source, other.id);
  }
};

std::vector<std::uint32_t> numbers_of(const Dictionary& names, Totals& totals,
                                      std::uint32_t (Totals::*number)(std::string_view)) {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(names.size());
  for (std::uint32_t i = 0; i < names.size(); ++i) numbers.push_back((totals.*number)(names.at(i)));
  return numbers;
}

}  // namespace

Result<void> Recount::add(const RecordHeader& header, std::string_view payload) {
  const auto columns = EventColumns::open(payload, header.version);
  if (!columns) return columns.error();
  if (columns->first_ordinal() != places_.events()) {
    return Fault{"usage_record_damaged", "the record at position " + std::to_string(header.position) +
                                             " does not follow the events before it; restore from a backup"};
  }
  if (columns->size() == 0) return {};
  const auto events = columns->read(0, columns->groups(), RowParts::figures);
  if (!events) return events.error();
  places_.append(header.position, events->size());
  for (std::uint32_t row = 0; row < events->size(); ++row) {
    if (events->figures(row).kind != EventKind::correction) continue;
    corrections_.push_back({events->corrected(row), {header.position, row}});
  }
  add_usage(*events);
  return {};
}

void Recount::add_usage(const EventBlock& events) {
  const auto firms = numbers_of(events.subjects(), totals_, &Totals::firm_number);
  const auto skus = numbers_of(events.skus(), totals_, &Totals::sku_number);
  const auto projects = numbers_of(events.projects(), totals_, &Totals::project_number);
  constexpr std::uint32_t ahead = 8;
  for (std::uint32_t row = 0; row < events.size(); ++row) {
    if (row + ahead < events.size()) {
      const auto next = events.figures(row + ahead);
      totals_.prefetch(firms[next.subject], local_day(next.span.from, offset_), skus[next.sku],
                       projects[next.project]);
    }
    const auto event = events.figures(row);
    if (event.kind != EventKind::usage) continue;
    spread_over_days(event.quantity, event.span, offset_, [&](LocalDay day, Quantity part) {
      totals_.add(firms[event.subject], day, skus[event.sku], projects[event.project], part);
    });
  }
}

void Recount::correct(const ReadEvent& read) {
  std::stable_sort(corrections_.begin(), corrections_.end(),
                   [](const Correction& a, const Correction& b) { return a.target < b.target; });
  for (auto correction = corrections_.begin(); correction != corrections_.end();) {
    const EventOrdinal target = correction->target;
    std::optional<Winner> winner;
    for (; correction != corrections_.end() && correction->target == target; ++correction) {
      read(correction->place, [&](const EventView& event) {
        if (winner && !winner->loses_to(event)) return;
        winner = Winner{*event.time, std::string(event.source), std::string(event.id), event.quantity};
      });
    }
    read(places_.place_of(target), [&](const EventView& event) {
      const std::uint32_t firm = totals_.firm_number(event.subject), sku = totals_.sku_number(event.sku),
                          project = totals_.project_number(event.project);
      const auto add = [&](Quantity quantity, int sign) {
        spread_over_days(quantity, usage_span(event), offset_, [&](LocalDay day, Quantity part) {
          totals_.add(firm, day, sku, project, Quantity{part.nanos * sign});
        });
      };
      add(event.quantity, -1);
      add(winner->quantity, 1);
    });
  }
}

}  // namespace voucherd
