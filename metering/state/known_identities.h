// Which identities are known: exact for ever, within a fixed budget of memory.
//
// Up to the budget they are all in one table. A table that is full is frozen, and a background thread
// writes it to disk as sorted runs (identity_spill.h), in the order of the hash, while a new table takes
// what comes; its memory goes back piece by piece as the runs are published. From then on a look-up asks
// the table, then the frozen one, then a filter over all runs, and where that says "maybe" reads a page
// of each run of the hash's partition. Every match is only a candidate: the caller verifies it on the
// stored bytes, so nothing here can make two identities one.
//
// The runs are derived, like the table: at start they are taken from disk as far as they are whole, and
// compared with the identity hashes of all events; what is missing is read from those.
//
// Only durable events are written to runs: taking back what is under way never reaches the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "metering/state/identity_filter.h"
#include "metering/state/identity_index.h"
#include "metering/state/identity_runs.h"
#include "metering/state/identity_spill.h"

namespace voucherd {

/// How the memory is divided. Sixteenths of the whole: filter 9; table and frozen table 3 each, or 11 for
/// the one table while nothing is on disk, which shrinks as the filter fills; the runs' indexes and
/// buffers have the rest.
struct IdentityBudget {
  std::uint64_t bytes_max = 0;
  std::uint64_t first_ids_max = 0;  // of the table while nothing is on disk
  std::uint64_t ids_max = 0;        // of the table afterwards
  std::uint64_t filter_bytes = 0;
  std::uint64_t index_bytes_max = 0;  // of one run's index

  static IdentityBudget of(std::uint64_t bytes_max);
};

struct IdentityFigures {
  std::uint64_t in_memory = 0, on_disk = 0, runs = 0;
  std::uint64_t memory_bytes = 0, memory_bytes_max = 0;
  std::uint64_t disk_lookups = 0;     // look-ups that read runs, since start
  std::uint64_t false_positives = 0;  // those of them that found nothing there
  bool spill_failed = false;          // the last attempt to write runs
};

/// The owner thread's alone.
class KnownIdentities {
 public:
  /// All in memory, whatever it takes: for tests and tools.
  KnownIdentities();
  /// `directory` is the runs'; `seed` is the journal's, which tells its runs from another's.
  KnownIdentities(const IdentityBudget& budget, std::string directory, std::uint64_t seed);
  ~KnownIdentities();
  KnownIdentities(const KnownIdentities&) = delete;
  KnownIdentities& operator=(const KnownIdentities&) = delete;

  // At start: open(), load() for all events in their order, loaded(). Nothing may be looked for before.
  /// Takes what runs there are. Returns the faults of those that it could not take; they are built again.
  std::vector<Fault> open();
  /// `ids` will come: makes the table as large as it will have to be.
  void expect(std::uint64_t ids);
  /// The hashes of events from `first` on. Fault "file_failed" where the memory is full and the disk
  /// takes no runs.
  Result<void> load(std::span<const std::uint64_t> hashes, EventOrdinal first);
  /// All events of the journal are loaded. False where the runs do not hold exactly their identities:
  /// forget(), and load again.
  bool loaded();
  /// Removes the runs and begins anew.
  void forget();

  /// Brings the hash's places into the cache: call some events ahead of find().
  void prefetch(std::uint64_t hash) const;
  /// Calls `is_same(ordinal)` for each candidate until it returns true. Returns whether one did.
  template <class IsSame>
  bool find(std::uint64_t hash, IsSame&& is_same) const;
  void insert(std::uint64_t hash, EventOrdinal ordinal);
  /// Takes back an insert() of an event that is not durable. What is taken back has the greatest ordinals.
  void erase(std::uint64_t hash, EventOrdinal ordinal);
  /// All events before `events` are durable: they may be written to runs.
  void durable(EventOrdinal events);

  /// Whether that many more fit into the budget: else they wait for a spill that is under way, or for a
  /// disk that takes one.
  enum class Room : std::uint8_t { yes, spilling, disk };
  Room room_for(std::uint64_t ids);
  /// Called on any thread when a spill has ended, also one that a start began, so that what waits for room
  /// asks again.
  void on_spill_end(std::function<void()> call);

  std::uint64_t size() const;
  std::size_t memory_bytes() const;
  IdentityFigures figures() const;
  const RunChains& runs() const { return chains_; }

 private:
  struct Frozen {
    IdentityIndex table;
    EventOrdinal end;
    unsigned published = 0;  // partitions before it are on disk, and not looked for here any more
    std::uint64_t left = 0;  // identities in those from it on
  };
  std::uint64_t table_ids_max() const;
  bool bounded() const { return !settings_.directory.empty(); }
  void insert_beyond(std::uint64_t hash, EventOrdinal ordinal);
  void freeze();
  void start_spill();
  void advance();
  void take(const IdentitySpill::Step& step);
  /// Waits, which only a start may do.
  Result<void> finish_spill();
  /// The candidates on disk.
  std::vector<EventOrdinal> read_runs(HashBits bits) const;
  void prefetch_beyond(std::uint64_t hash) const;
  template <class IsSame>
  bool find_beyond(std::uint64_t hash, IsSame&& is_same) const;

  IdentityIndex table_;
  bool beyond_ = false;    // there is more than the table
  EventOrdinal next_ = 0;  // what was inserted last has the ordinal before it
  EventOrdinal durable_ = 0;
  IdentityBudget budget_;
  RunSettings settings_;
  std::unique_ptr<Frozen> frozen_;
  IdentityFilter filter_;
  bool filter_filled_ = false;  // all of its memory is in use
  RunChains chains_;
  std::optional<RunSums> sums_;  // while loading
  std::optional<Fault> fault_;   // of the last spill
  std::uint64_t retry_at_ = 0;   // size of the table
  std::function<void()> on_spill_end_;
  // Of look-ups, which are const to their callers.
  mutable std::uint64_t disk_lookups_ = 0, false_positives_ = 0;
  std::unique_ptr<IdentitySpill> spill_;  // last: it reads the frozen table and writes the filter
};

inline void KnownIdentities::prefetch(std::uint64_t hash) const {
  table_.prefetch(hash);
  if (beyond_) prefetch_beyond(hash);
}

template <class IsSame>
bool KnownIdentities::find(std::uint64_t hash, IsSame&& is_same) const {
  if (table_.find(hash, is_same)) return true;
  return beyond_ && find_beyond(hash, is_same);
}

template <class IsSame>
bool KnownIdentities::find_beyond(std::uint64_t hash, IsSame&& is_same) const {
  const HashBits bits = HashBits::of(hash);
  const unsigned partition = RunExtent::partition_of(bits);
  if (frozen_ && partition >= frozen_->published && frozen_->table.find(hash, is_same)) return true;
  if (chains_[partition].empty() || !filter_.may_hold(bits)) return false;
  // Its own copy: what asks about an event may look another one up.
  for (const EventOrdinal ordinal : read_runs(bits)) {
    if (is_same(ordinal)) return true;
  }
  return false;
}

inline void KnownIdentities::insert(std::uint64_t hash, EventOrdinal ordinal) {
  if (ordinal - table_.first() >= IdentityIndex::span_max) return insert_beyond(hash, ordinal);
  table_.insert(hash, ordinal);
  next_ = ordinal + 1;
  if (table_.full() && !frozen_) freeze();
}

}  // namespace voucherd
