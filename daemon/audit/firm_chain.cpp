#include "daemon/audit/firm_chain.h"

namespace voucherd {

namespace {

// Of one turn, in events: some milliseconds. What a correction corrects is looked up elsewhere.
constexpr std::size_t turn_cost = 2048, correction_cost = 128;

}  // namespace

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

void FirmLinkReader::take(const EventView& event, EventPlace place, std::optional<EventOrdinal> corrected) {
  const MonthRun touched = months_of_event(engine_, event, corrected);
  if (month_ < touched.first || touched.last < month_) return;
  append_event_bytes(bytes_, event, place.index);
  ++link_.events;
}

bool FirmLinkReader::read_some() {
  const std::size_t before = bytes_.size();
  std::size_t cost = 0;
  bool ended = true;
  engine_.visit_record(
      link_.position, next_, firm_.value, std::nullopt,
      [&](const EventView& event, EventPlace place, Instant, std::optional<EventOrdinal> corrected) {
        next_ = place.index;
        if (cost >= turn_cost) return ended = false;
        take(event, place, corrected);
        cost += corrected ? correction_cost : 1;
        return true;
      });
  sha_.add(std::string_view(bytes_).substr(before));
  if (ended) link_.digest = sha_.finish();
  return !ended;
}

std::optional<Position> next_firm_link(const Engine& engine, const FirmId& firm, Month month, Position from) {
  return engine.next_candidate(from, firm.value,
                               {first_day(month), LocalDay{first_day(month.next()).days - 1}});
}

}  // namespace voucherd
