// The fold. Texts are looked up once per record and dictionary entry; an event then costs a
// few indexes and one look-up per day that it touches.
#include "metering/state/usage_state.h"

#include <algorithm>
#include <tuple>

#include "metering/core/assert.h"

namespace voucherd {

namespace {
constexpr std::uint32_t prefetch_ahead = 8;  // events, or firms, between prefetching and adding
}

/// One record being folded: what its dictionary indexes mean in the state.
struct UsageState::Fold {
  UsageState& state;
  const RecordHeader& header;
  const EventBlock& events;
  std::vector<std::uint32_t>&firms, &skus, &projects, &sources;
  LocalDay open_from;  // days before it were over when the record was taken in, and so was their month
  std::vector<std::optional<DayRun>>
      late;  // by firm: days of usage that came after its first month had ended

  Fold(UsageState& into, const RecordHeader& of, const EventBlock& block)
      : state(into),
        header(of),
        events(block),
        firms(into.firms_),
        skus(into.skus_),
        projects(into.projects_),
        sources(into.record_sources_),
        open_from(first_day(month_of(local_day(header.intake_time, state.offset_)))),
        late(events.subjects().size()) {
    Totals& totals = state.totals_;
    number(events.subjects(), firms, [&](std::string_view firm) {
      state.ranges_.add_firm(firm);
      return totals.firm_number(firm);
    });
    number(events.skus(), skus, [&](std::string_view sku) { return totals.sku_number(sku); });
    number(events.projects(), projects,
           [&](std::string_view project) { return totals.project_number(project); });
    number(events.sources(), sources, [&](std::string_view source) { return state.source_number(source); });
  }

  template <class NumberOf>
  static void number(const Dictionary& texts, std::vector<std::uint32_t>& numbers, NumberOf&& number_of) {
    numbers.resize(texts.size());
    for (std::uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = number_of(texts.at(i));
  }

  Source& source_of(const EventBlock::Figures& event) {
    return state.source_by_number_[sources[event.source]];
  }

  void count_arrival(const EventBlock::Figures& event) {
    SourceFigures& figures = *source_of(event).figures;
    ++figures.events;
    figures.last_arrival = std::max(figures.last_arrival, header.intake_time);
  }

  /// Of the events behind this one.
  void prefetch_behind(std::uint32_t index) const {
    if (index + 2 * prefetch_ahead < events.size()) {
      state.totals_.prefetch_firm(firms[events.subject(index + 2 * prefetch_ahead)]);
    }
    if (index + prefetch_ahead >= events.size()) return;
    const EventBlock::Figures event = events.figures(index + prefetch_ahead);
    state.totals_.prefetch(firms[event.subject], local_day(event.span.from, state.offset_), skus[event.sku],
                           projects[event.project]);
  }

  void apply_usage(const EventBlock::Figures& event) {
    Source& source = source_of(event);
    SourceFigures& figures = *source.figures;
    figures.last_usage = std::max(figures.last_usage, event.span.to);
    std::optional<DayRun> days;
    spread_over_days(event.quantity, event.span, state.offset_, [&](LocalDay day, Quantity part) {
      days = DayRun{days ? days->first : day, day};
      state.totals_.add(firms[event.subject], day, skus[event.sku], projects[event.project], part);
    });
    if (*days != source.last_days) figures.usage_days.insert(*days);
    source.last_days = *days;
    state.ranges_.add_days(*days);
    state.accepted_quantity_ += event.quantity;
    note_late(event.subject, *days);
  }

  void note_late(std::uint32_t subject, DayRun days) {
    if (days.first >= open_from) return;
    std::optional<DayRun>& all = late[subject];
    all = all ? DayRun{std::min(all->first, days.first), std::max(all->last, days.last)} : days;
  }

  void keep_late() {
    LateArrivals& arrivals = state.late_arrivals_;
    for (std::uint32_t subject = 0; subject < late.size(); ++subject) {
      const std::uint32_t behind = subject + prefetch_ahead;
      if (behind < late.size() && late[behind]) arrivals.prefetch(late_number(behind));
      if (!late[subject]) continue;
      const MonthSpan months{month_of(late[subject]->first), month_of(late[subject]->last)};
      arrivals.add(late_number(subject), months, header.position);
    }
  }

  std::uint32_t late_number(std::uint32_t subject) const {
    return state.late_numbers_.of(
        firms[subject], [&] { return state.late_arrivals_.firm_number(events.subjects().at(subject)); });
  }
};

UsageState::UsageState(UtcOffset offset) : offset_(offset) {}

void UsageState::apply(const RecordHeader& header, const UsageRecord& record, const ReadEvent& event_at) {
  VOUCHERD_ASSERT(record.first_ordinal == events());
  std::uint32_t number = 0;
  for (const QuarantinedEvent& event : record.quarantined) {
    quarantine_.add(event, {header.position, number++}, header.intake_time);
  }
  for (const QuarantineNumber& resent : record.resent) quarantine_.count_resent(resent);

  // Released entries are closed by number: also where the event was there already.
  for (const QuarantineRelease& release : record.released) quarantine_.close(release.number);

  const EventBlock& events = record.events;
  firms_.clear();
  if (events.size() == 0) return;
  places_.append(header.position, events.size());
  ranges_.begin_record(header.position, events.size());
  const bool closes_entries = !quarantine_.holds_conflicts_only();
  Fold fold(*this, header, events);
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    fold.prefetch_behind(i);
    const EventBlock::Figures figures = events.figures(i);
    fold.count_arrival(figures);
    if (figures.kind == EventKind::usage) {
      fold.apply_usage(figures);
    } else {
      const EventView event = events.at(i);
      const EventOrdinal ordinal = record.first_ordinal + i, target = events.corrected(i);
      VOUCHERD_ASSERT(target < ordinal);
      const auto correct = [&](const EventView& corrected) {
        fold.note_late(figures.subject, apply_correction(event, ordinal, target, corrected));
      };
      if (target >= record.first_ordinal) {
        correct(events.at(static_cast<std::uint32_t>(target - record.first_ordinal)));
      } else {
        event_at(target, correct);
      }
    }
    if (closes_entries) {
      const EventView event = events.at(i);
      quarantine_.close_identity(event.source, event.id);
    }
  }
  fold.keep_late();
}

std::uint32_t UsageState::source_number(std::string_view source) {
  const std::uint32_t number = source_names_.intern(source);
  if (number == source_by_number_.size()) {
    source_by_number_.push_back({.figures = &sources_[std::string(source)]});
  }
  return number;
}

DayRun UsageState::apply_correction(const EventView& correction, EventOrdinal ordinal, EventOrdinal target,
                                    const EventView& corrected) {
  VOUCHERD_ASSERT(corrected.kind == EventKind::usage && correction.time.has_value());
  const UsageSpan span = usage_span(corrected);
  corrections_[target].push_back(ordinal);
  DayRun days{local_day(span.from, offset_), {}};
  spread_over_days(corrected.quantity, span, offset_, [&](LocalDay day, Quantity) { days.last = day; });
  ranges_.add_days(days);
  Quantity counted = corrected.quantity;
  if (const auto winner = winners_.find(target); winner != winners_.end()) {
    const Winner& former = winner->second;
    // Rules §7: the latest time counts, then the greater source, then the greater id.
    if (std::tuple(*correction.time, correction.source, correction.id) <=
        std::tuple(former.time, std::string_view(former.source), std::string_view(former.id))) {
      return days;
    }
    counted = former.quantity;
  }
  const std::uint32_t firm = totals_.firm_number(corrected.subject);
  const std::uint32_t sku = totals_.sku_number(corrected.sku);
  const std::uint32_t project = totals_.project_number(corrected.project);
  spread_over_days(counted, span, offset_, [&](LocalDay day, Quantity part) {
    totals_.add(firm, day, sku, project, Quantity{} - part);
  });
  spread_over_days(correction.quantity, span, offset_,
                   [&](LocalDay day, Quantity part) { totals_.add(firm, day, sku, project, part); });
  accepted_quantity_ += correction.quantity - counted;
  winners_[target] = {.correction = ordinal,
                      .time = *correction.time,
                      .source = std::string(correction.source),
                      .id = std::string(correction.id),
                      .quantity = correction.quantity};
  return days;
}

std::optional<EventOrdinal> UsageState::winning_correction(EventOrdinal event) const {
  const auto winner = winners_.find(event);
  if (winner == winners_.end()) return std::nullopt;
  return winner->second.correction;
}

std::vector<EventOrdinal> UsageState::corrections_of(EventOrdinal event) const {
  const auto found = corrections_.find(event);
  return found == corrections_.end() ? std::vector<EventOrdinal>() : found->second;
}

}  // namespace voucherd
