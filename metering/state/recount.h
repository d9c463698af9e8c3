// Usage totals again, from the stored events alone: the columns that charges rest on, record after record,
// and the corrections at the end. Shares neither the fold's path nor its state, so that an auditor compares
// two things that were computed apart; and reads a fraction of what a replay does.
#pragma once

#include <functional>
#include <vector>

#include "metering/state/record_places.h"
#include "metering/state/totals.h"
#include "metering/state/usage_record.h"

namespace voucherd {

/// Owned by one thread.
class Recount {
 public:
  explicit Recount(UtcOffset offset) : offset_(offset) {}

  /// The next usage record. Faults: "usage_record_damaged", also where ordinals do not follow each other.
  Result<void> add(const RecordHeader& header, std::string_view payload);
  /// Applies the corrections, once, after the last record. `read` reads one event.
  using ReadEvent = std::function<void(EventPlace, const std::function<void(const EventView&)>&)>;
  void correct(const ReadEvent& read);

  const Totals& totals() const { return totals_; }
  std::uint64_t events() const { return places_.events(); }
  std::uint64_t corrections() const { return corrections_.size(); }

 private:
  struct Correction {
    EventOrdinal target;
    EventPlace place;
  };
  void add_usage(const EventBlock& events);

  UtcOffset offset_;
  Totals totals_;
  RecordPlaces places_;
  std::vector<Correction> corrections_;
};

}  // namespace voucherd
