// Where each event is kept: which record, and which of its events. Records follow each other, so an event's
// ordinal is looked up among the records' first ones. Records of a trickle are alike (one event each, one
// position after the other): a run of such is one entry, whatever its length.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "metering/journal/journal.h"
#include "metering/state/usage_record.h"

namespace voucherd {

class ByteReader;

/// Where an event is kept.
struct EventPlace {
  Position position = 0;
  std::uint32_t index = 0;
  friend bool operator==(const EventPlace&, const EventPlace&) = default;
};

/// Owned by one thread. A copy shares all but the last few thousand runs, which never change: it costs
/// little, and another thread may read it.
class RecordPlaces {
 public:
  /// The next record with events. Positions ascend and `events` is not 0 (asserted).
  void append(Position position, std::uint32_t events);
  /// Precondition (asserted): ordinal < events().
  EventPlace place_of(EventOrdinal ordinal) const;
  /// The ordinal of the event at `place`, which is there (asserted).
  EventOrdinal ordinal_of(EventPlace place) const;
  EventOrdinal events() const { return events_; }
  /// Of the last record with events; 0: there is none.
  Position last_position() const { return open_.empty() ? 0 : open_.back().last_position(); }
  std::size_t memory_bytes() const;

  /// Canonical bytes.
  void save(std::string& out) const;
  /// Takes what save() wrote off the front of `in`, which is not ok() where it is anything else.
  void load(ByteReader& in);

 private:
  /// Records one position apart with as many events each.
  struct Run {
    EventOrdinal first = 0;
    Position position = 0;
    std::uint32_t events = 0;   // of each record
    std::uint32_t records = 0;  // not 0
    Position last_position() const { return position + records - 1; }
  };
  using Runs = std::vector<Run>;
  static constexpr std::size_t runs_shared = 4096;
  void append_run(Run run);
  template <class Precedes>
  const Run& last_run(Precedes&& precedes) const;
  template <class Visit>
  void each_run(Visit&& visit) const;

  std::vector<std::shared_ptr<const Runs>> full_;  // runs_shared each
  Runs open_;                                      // the last ones; empty only where there are none at all
  EventOrdinal events_ = 0;
};

}  // namespace voucherd
