// Decoded usage records, most recently used first: verifying a duplicate, reading an event,
// applying a correction. Bounded by bytes.
#pragma once

#include <list>
#include <memory>
#include <unordered_map>

#include "metering/journal/journal.h"
#include "metering/state/usage_record.h"

namespace voucherd {

/// Owned by one thread.
class BlockCache {
 public:
  BlockCache(const Journal& journal, std::size_t bytes_max);
  /// The record at `position`, which must be a usage record that is there (asserted).
  std::shared_ptr<const UsageRecord> get(Position position);
  /// Puts in a record that has just been written: retries of it find it without a read.
  void put(Position position, std::shared_ptr<const UsageRecord> record);

 private:
  struct Entry {
    Position position;
    std::shared_ptr<const UsageRecord> record;
    std::size_t bytes;
  };
  void trim();
  const Journal& journal_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;
  std::unordered_map<Position, std::list<Entry>::iterator> index_;
};

}  // namespace voucherd
