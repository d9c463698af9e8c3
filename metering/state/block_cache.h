// Stored events, most recently used first: verifying a duplicate, reading an event, applying a correction.
// Bounded by bytes. A record that was just written is kept whole; of an older one only the rows around the
// event that is asked for are read, so that one event out of thousands costs little.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>

#include <boost/unordered/unordered_flat_map.hpp>

#include "metering/journal/journal.h"
#include "metering/state/record_places.h"
#include "metering/state/stored_duplicates.h"
#include "metering/state/usage_record.h"

namespace voucherd {

/// Owned by one thread.
class BlockCache {
 public:
  BlockCache(const Journal& journal, std::size_t bytes_max);
  /// The accepted event at `place`, which is there (asserted), and when its record was taken in.
  using Visit = std::function<void(const EventView&, Instant received_at)>;
  void visit(EventPlace place, const Visit& visit);
  /// Whether the event at `place`, which is there, is certainly `event`; false where visit() has to tell. For
  /// duplicates from all over the history, of which each would unpack rows that nobody asks for again.
  bool holds(EventPlace place, const EventView& event);
  /// The whole record at `position`, which must be a usage record that is there (asserted).
  std::shared_ptr<const UsageRecord> get(Position position);
  /// Puts in a record that has just been written: retries of it find it without a read.
  void put(const RecordHeader& header, std::shared_ptr<const UsageRecord> record);

 private:
  struct Key {
    Position position = 0;
    std::uint32_t part = 0;  // of rows; or `whole`
    friend bool operator==(const Key&, const Key&) = default;
    friend std::size_t hash_value(const Key& key) {
      return static_cast<std::size_t>((key.position * 0x9e37'79b9'7f4a'7c15u) ^ key.part);
    }
  };
  struct Entry {
    Key key;
    Instant received_at;
    std::shared_ptr<const UsageRecord> record;  // of a part: only events
    std::uint32_t first_row = 0;
    std::size_t bytes = 0;
  };
  static constexpr std::uint32_t whole = ~std::uint32_t{0};
  const Entry* find(Key key);
  const Entry& add(Entry entry);
  void keep_within();
  const Entry& read_whole(Position position);
  const Entry& read_part(EventPlace place);

  const Journal& journal_;
  StoredDuplicates duplicates_;
  Key asked_last_;  // by holds()
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;
  boost::unordered_flat_map<Key, std::list<Entry>::iterator> index_;
};

}  // namespace voucherd
