// Tells that an event is one that is stored already, by reading some KB of its record. A record's names and
// the places of its parts are noted when the first of its events is asked for, and kept within a budget.
#pragma once

#include <cstddef>
#include <list>
#include <optional>

#include <boost/unordered/unordered_flat_map.hpp>

#include "metering/journal/journal.h"
#include "metering/journal/stored_bytes.h"
#include "metering/state/record_places.h"
#include "metering/state/stored_rows.h"

namespace voucherd {

/// Owned by one thread.
class StoredDuplicates {
 public:
  /// `journal` outlives it.
  StoredDuplicates(const Journal& journal, std::size_t bytes_max);
  /// Whether the event at `place`, which is there, is certainly `event`. False tells nothing.
  bool holds(EventPlace place, const EventView& event);
  std::size_t memory_bytes() const { return bytes_ + names_.memory_bytes(); }

 private:
  struct Entry {
    Position position = 0;
    StoredRows rows;
    std::optional<StoredBytes> payload;  // not yet where the record is only in memory
    std::size_t bytes() const { return sizeof(Entry) + rows.memory_bytes(); }
  };
  Entry* find(Position position);
  Entry* add(Position position, std::optional<StoredRows> rows);
  void keep_within();

  const Journal& journal_;
  const std::size_t bytes_max_;
  Dictionary names_;  // of all entries: records name much the same firms and sources
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;  // those used last in front
  boost::unordered_flat_map<Position, std::list<Entry>::iterator> index_;
};

}  // namespace voucherd
