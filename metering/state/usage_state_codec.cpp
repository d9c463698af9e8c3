// UsageState as bytes, for checkpoints. Everything is written in an order of its own (by text,
// by number), never in one of hash tables, so that equal states have equal bytes.
#include <algorithm>

#include "metering/state/saved_values.h"
#include "metering/state/usage_state.h"

namespace voucherd {

namespace {

constexpr std::int64_t offset_minutes_max = 1439;

Fault damaged() {
  return {"checkpoint_damaged", "the usage state of a checkpoint can't be read; it is passed over"};
}

}  // namespace

void UsageState::save_figures(std::string& out) const {
  put_signed(out, offset_.minutes);
  put_int128(out, accepted_quantity_.nanos);
  put_varint(out, sources_.size());
  for (const auto& [source, figures] : sources_) {
    put_text(out, source);
    put_varint(out, figures.events);
    put_signed(out, figures.last_usage.ms);
    put_signed(out, figures.last_arrival.ms);
    put_varint(out, figures.usage_days.runs().size());
    for (const DayRun& run : figures.usage_days.runs()) {
      put_signed(out, run.first.days);
      put_varint(out, static_cast<std::uint64_t>(run.last.days - run.first.days));
    }
  }
}

void UsageState::save_corrections(std::string& out) const {
  put_varint(out, winners_.size());
  for (const auto& [event, winner] : winners_) {
    put_varint(out, event);
    put_varint(out, winner.correction);
    put_signed(out, winner.time.ms);
    put_text(out, winner.source);
    put_text(out, winner.id);
    put_int128(out, winner.quantity.nanos);
  }
  put_varint(out, corrections_.size());
  for (const auto& [event, corrections] : corrections_) {
    put_varint(out, event);
    put_varint(out, corrections.size());
    for (const EventOrdinal correction : corrections) put_varint(out, correction);
  }
}

void UsageState::Snapshot::save(std::string& out) const {
  out += figures_;
  places_.save(out);
  out += corrections_;
  ranges_.save(out);
  late_arrivals_.save(out);
  totals_.save(out);
  quarantine_.save(out);
}

UsageState::Snapshot UsageState::freeze() {
  Snapshot snapshot;
  save_figures(snapshot.figures_);
  save_corrections(snapshot.corrections_);
  snapshot.places_ = places_;
  snapshot.ranges_ = ranges_;
  snapshot.late_arrivals_ = late_arrivals_;
  snapshot.totals_ = totals_.freeze();
  snapshot.quarantine_ = quarantine_.snapshot();
  return snapshot;
}

void UsageState::save(std::string& out) const {
  save_figures(out);
  places_.save(out);
  save_corrections(out);
  ranges_.save(out);
  late_arrivals_.save(out);
  totals_.save(out);
  quarantine_.save(out);
}

void UsageState::load_figures(ByteReader& in) {
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::string_view source = in.text();
    if (!sources_.empty() && source <= sources_.rbegin()->first) in.fail();
    if (!in.ok()) return;
    SourceFigures& figures = sources_.emplace_hint(sources_.end(), source, SourceFigures())->second;
    figures.events = in.varint_up_to(saved_count_max);
    figures.last_usage = read_instant(in);
    figures.last_arrival = read_instant(in);
    std::optional<LocalDay> before;
    for (std::uint64_t runs = in.varint(); runs > 0 && in.ok(); --runs) {
      const LocalDay first = read_day(in);
      const LocalDay last{first.days + static_cast<std::int32_t>(in.varint_up_to(saved_days_max))};
      if (last.days > saved_days_max || (before && first.days - before->days < 2)) in.fail();
      if (in.ok()) figures.usage_days.insert({first, last});
      before = last;
    }
  }
}

void UsageState::load_winners(ByteReader& in) {
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const EventOrdinal event = in.varint();
    Winner winner;
    winner.correction = in.varint();
    winner.time = read_instant(in);
    winner.source = in.text();
    winner.id = in.text();
    winner.quantity = read_quantity(in);
    if (winner.quantity.nanos < 0 || winner.quantity.nanos > Quantity::event_nanos_max) in.fail();
    if (!winners_.empty() && event <= winners_.rbegin()->first) in.fail();
    if (in.ok()) winners_.emplace_hint(winners_.end(), event, std::move(winner));
  }
}

void UsageState::load_corrections(ByteReader& in) {
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const EventOrdinal event = in.varint();
    if (!corrections_.empty() && event <= corrections_.rbegin()->first) in.fail();
    if (!in.ok()) return;
    std::vector<EventOrdinal>& corrections =
        corrections_.emplace_hint(corrections_.end(), event, std::vector<EventOrdinal>())->second;
    EventOrdinal before = event;
    for (std::uint64_t more = in.varint(); more > 0 && in.ok(); --more) {
      const EventOrdinal correction = in.varint();
      if (correction <= before || correction >= events()) in.fail();
      corrections.push_back(correction);
      before = correction;
    }
  }
}

/// What is kept in several places is the same in all of them.
bool UsageState::agrees_with_itself() const {
  std::uint64_t events_of_sources = 0;
  for (const auto& [source, figures] : sources_) {
    if (figures.events > events() - events_of_sources) return false;
    events_of_sources += figures.events;
  }
  const bool same_events = events_of_sources == events() && ranges_.events() == events() &&
                           ranges_.last_position() == places_.last_position() &&
                           late_arrivals_.last_position() <= places_.last_position();
  const auto counts = [](const auto& winner, const auto& corrections) {
    const std::vector<EventOrdinal>& all = corrections.second;
    return winner.first == corrections.first &&
           std::binary_search(all.begin(), all.end(), winner.second.correction);
  };
  return same_events &&
         std::equal(winners_.begin(), winners_.end(), corrections_.begin(), corrections_.end(), counts);
}

Result<UsageState> UsageState::load(std::string_view& in) {
  ByteReader reader(in);
  const std::int64_t offset = reader.signed_varint();
  if (offset < -offset_minutes_max || offset > offset_minutes_max) return damaged();
  UsageState state(UtcOffset{static_cast<std::int32_t>(offset)});
  state.accepted_quantity_ = read_quantity(reader);
  state.load_figures(reader);
  state.places_.load(reader);
  state.load_winners(reader);
  state.load_corrections(reader);
  state.ranges_.load(reader);
  state.late_arrivals_.load(reader);
  if (!reader.ok() || !state.agrees_with_itself()) return damaged();
  std::string_view rest = reader.rest();
  Result<Totals> totals = Totals::load(rest);
  if (!totals) return totals.error();
  Result<Quarantine> quarantine = Quarantine::load(rest);
  if (!quarantine) return quarantine.error();
  state.totals_ = std::move(*totals);
  state.quarantine_ = std::move(*quarantine);
  in = rest;
  return state;
}

}  // namespace voucherd
