// UsageState as bytes, for checkpoints. Everything is written in an order of its own (by text,
// by number), never in one of hash tables, so that equal states have equal bytes.
#include "metering/state/byte_coding.h"
#include "metering/state/usage_state.h"

namespace voucherd {

namespace {

constexpr std::int64_t offset_minutes_max = 1439;
constexpr std::int64_t days_apart_max = 4'000'000;  // beyond any two days of the years 0000 to 9999

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
  out += late_arrivals_;
  totals_.save(out);
  quarantine_.save(out);
}

UsageState::Snapshot UsageState::freeze() {
  Snapshot snapshot;
  save_figures(snapshot.figures_);
  save_corrections(snapshot.corrections_);
  snapshot.places_ = places_;
  snapshot.ranges_ = ranges_;
  late_arrivals_.save(snapshot.late_arrivals_);
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
    SourceFigures& figures = sources_[std::string(in.text())];
    figures.events = in.varint();
    figures.last_usage.ms = in.signed_varint();
    figures.last_arrival.ms = in.signed_varint();
    for (std::uint64_t runs = in.varint(); runs > 0 && in.ok(); --runs) {
      const std::int64_t first = in.signed_varint();
      const auto more = static_cast<std::int64_t>(in.varint_up_to(days_apart_max));
      if (first < -days_apart_max || first > days_apart_max) in.fail();
      if (in.ok()) {
        figures.usage_days.insert(
            {{static_cast<std::int32_t>(first)}, {static_cast<std::int32_t>(first + more)}});
      }
    }
  }
}

void UsageState::load_winners(ByteReader& in) {
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const EventOrdinal event = in.varint();
    Winner winner;
    winner.correction = in.varint();
    winner.time.ms = in.signed_varint();
    winner.source = in.text();
    winner.id = in.text();
    winner.quantity.nanos = in.int128();
    if (event >= winner.correction || winner.correction >= events()) in.fail();
    winners_.emplace(event, std::move(winner));
  }
}

void UsageState::load_corrections(ByteReader& in) {
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const EventOrdinal event = in.varint();
    std::vector<EventOrdinal>& corrections = corrections_[event];
    for (std::uint64_t more = in.varint(); more > 0 && in.ok(); --more) {
      corrections.push_back(in.varint());
      if (event >= corrections.back() || corrections.back() >= events()) in.fail();
    }
  }
}

Result<UsageState> UsageState::load(std::string_view& in) {
  ByteReader reader(in);
  const std::int64_t offset = reader.signed_varint();
  if (offset < -offset_minutes_max || offset > offset_minutes_max) return damaged();
  UsageState state(UtcOffset{static_cast<std::int32_t>(offset)});
  state.accepted_quantity_.nanos = reader.int128();
  state.load_figures(reader);
  state.places_.load(reader);
  state.load_winners(reader);
  state.load_corrections(reader);
  state.ranges_.load(reader);
  state.late_arrivals_.load(reader);
  if (!reader.ok()) return damaged();
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
