// The fold of usage records: totals, quarantine, sources, and where each record's events
// begin. A deterministic function of the journal: no clock, no configuration.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metering/journal/journal.h"
#include "metering/state/day_set.h"
#include "metering/state/dictionary.h"
#include "metering/state/identity_index.h"
#include "metering/state/late_arrivals.h"
#include "metering/state/quarantine.h"
#include "metering/state/record_places.h"
#include "metering/state/record_ranges.h"
#include "metering/state/totals.h"
#include "metering/state/usage_record.h"

namespace voucherd {

class ByteReader;

struct SourceFigures {
  std::uint64_t events = 0;  // accepted, corrections included
  Instant last_usage;        // the latest end of usage; {0} where there is none
  Instant last_arrival;
  DaySet usage_days;  // on which usage of it lies
  friend bool operator==(const SourceFigures&, const SourceFigures&) = default;
};

/// Owned by one thread; holds durable records only (the identity index, which the sequencer
/// fills earlier, is not part of it).
class UsageState {
 public:
  explicit UsageState(UtcOffset offset);

  /// Folds one usage record. Asserts that it follows the last one (ordinals without a gap).
  /// A correction's effect needs the event it corrects: `event_at` reads it from the journal. It is
  /// asked only for events of earlier records.
  using ReadEvent = std::function<void(EventOrdinal, const std::function<void(const EventView&)>&)>;
  void apply(const RecordHeader& header, const UsageRecord& record, const ReadEvent& event_at);

  /// Numbers of the last record's firms, by its own ones: a firm has the same one in all records that this
  /// object folds.
  const std::vector<std::uint32_t>& firm_numbers() const { return firms_; }
  const Totals& totals() const { return totals_; }
  const Quarantine& quarantine() const { return quarantine_; }
  Quarantine& quarantine() { return quarantine_; }
  const std::map<std::string, SourceFigures, std::less<>>& sources() const { return sources_; }
  EventOrdinal events() const { return places_.events(); }
  /// Precondition (asserted): ordinal < events().
  EventPlace place_of(EventOrdinal ordinal) const { return places_.place_of(ordinal); }
  /// The ordinal of the event at `place`, which is there (asserted).
  EventOrdinal ordinal_of(EventPlace place) const { return places_.ordinal_of(place); }
  /// Of the last record that the state still tells something of; 0: there is none.
  Position last_position() const {
    return std::max<Position>(places_.last_position(), quarantine_.last_position());
  }
  /// Sum of the quantities of accepted events, as corrected: kept apart from the totals, so that
  /// the first identity of rules §6 compares two things that were computed differently.
  Quantity accepted_quantity() const { return accepted_quantity_; }
  /// The correction that counts for an event, if any: its own ordinal.
  std::optional<EventOrdinal> winning_correction(EventOrdinal event) const;
  /// All corrections of an event, as they came.
  std::vector<EventOrdinal> corrections_of(EventOrdinal event) const;
  /// Which records may hold a firm's events of some days.
  const RecordRanges& ranges() const { return ranges_; }
  /// Which records changed a firm's usage of months that had ended.
  const LateArrivals& late_arrivals() const { return late_arrivals_; }

  /// The state as it is at one record's end.
  class Snapshot;
  /// A snapshot that another thread may save and destroy, while this goes on, until thaw().
  Snapshot freeze();
  /// Precondition: the snapshot that freeze() gave is no longer read.
  void thaw() { totals_.thaw(); }

  /// Canonical bytes: states that folded the same records have the same.
  void save(std::string& out) const;
  /// Takes what save() wrote off the front of `in`; continues exactly as the saved one would have.
  /// Fault "checkpoint_damaged" where it is anything else. The records that follow come behind
  /// last_position(): that the caller checks.
  static Result<UsageState> load(std::string_view& in);

 private:
  struct Fold;
  /// What the fold keeps of a source beside its figures, found by number.
  struct Source {
    SourceFigures* figures = nullptr;            // in sources_, whose entries stay in place
    DayRun last_days{LocalDay{1}, LocalDay{0}};  // added to its usage_days before; nothing is on these
  };
  std::uint32_t source_number(std::string_view source);
  struct Winner {
    EventOrdinal correction;
    Instant time;
    std::string source, id;
    Quantity quantity;
    friend bool operator==(const Winner&, const Winner&) = default;
  };
  /// Returns the days of what it corrects.
  DayRun apply_correction(const EventView& correction, EventOrdinal ordinal, EventOrdinal target,
                          const EventView& corrected);
  void save_figures(std::string& out) const;
  void save_corrections(std::string& out) const;
  void load_figures(ByteReader& in);
  void load_winners(ByteReader& in);
  void load_corrections(ByteReader& in);
  bool agrees_with_itself() const;

  UtcOffset offset_;
  Totals totals_;
  Quarantine quarantine_;
  std::map<std::string, SourceFigures, std::less<>> sources_;
  Dictionary source_names_;               // of those that the fold has met since load()
  std::vector<Source> source_by_number_;  // by these
  // What the last record's dictionary indexes mean in the state; kept for their memory.
  std::vector<std::uint32_t> firms_, skus_, projects_, record_sources_;
  Quantity accepted_quantity_;
  RecordPlaces places_;
  std::map<EventOrdinal, Winner> winners_;
  std::map<EventOrdinal, std::vector<EventOrdinal>> corrections_;  // by the event that they correct
  RecordRanges ranges_;
  LateArrivals late_arrivals_;
  NumbersElsewhere late_numbers_;  // of the totals' firms in late_arrivals_
};

class UsageState::Snapshot {
 public:
  void save(std::string& out) const;

 private:
  friend class UsageState;
  std::string figures_, corrections_;  // small: bytes already
  LateArrivals late_arrivals_;
  RecordPlaces places_;
  RecordRanges ranges_;
  Totals::Snapshot totals_;
  Quarantine::Snapshot quarantine_;
};

}  // namespace voucherd
