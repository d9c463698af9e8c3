#include "daemon/audit/firm_chain.h"

#include "metering/proof/event_bytes.h"

namespace voucherd {

MonthRun months_of_event(const Engine& engine, const EventView& event,
                         std::optional<EventOrdinal> corrected) {
  UsageSpan span{};
  if (corrected) {
    engine.visit_event(*corrected,
                       [&span](const EventView& usage, EventPlace, Instant) { span = usage_span(usage); });
  } else {
    span = usage_span(event);
  }
  return months_of(span, engine.genesis().offset);
}

FirmLink read_firm_link(const Engine& engine, const FirmId& firm, Month month, Position position,
                        const VisitLinked& visit) {
  FirmLink found;
  found.link.position = position;
  engine.visit_record(
      position, 0, firm.value, std::nullopt,
      [&](const EventView& event, EventPlace place, Instant, std::optional<EventOrdinal> corrected) {
        const MonthRun touched = months_of_event(engine, event, corrected);
        if (month < touched.first || touched.last < month) return true;
        append_event_bytes(found.bytes, event, place.index);
        ++found.link.events;
        if (visit) visit(event, corrected);
        return true;
      });
  found.link.digest = sha256(found.bytes);
  return found;
}

std::optional<Position> next_firm_link(const Engine& engine, const FirmId& firm, Month month, Position from) {
  return engine.next_candidate(from, firm.value,
                               {first_day(month), LocalDay{first_day(month.next()).days - 1}});
}

}  // namespace voucherd
