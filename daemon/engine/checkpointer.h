// Checkpoints behind the fold: when one is due, and who writes it.
//
// A checkpoint is never needed for correctness: it shortens the next start. So it must not be in the way: the
// owner thread only freezes the state, which takes milliseconds whatever its size; a thread of its own turns
// it into bytes and writes them. And it must not take what ingest needs: the larger the state, the rarer. The
// next one waits until the process has used so much processor time that the last one is a small share of it.
// With that the start after a crash is bounded as well: the tail to be folded again is what that time could
// take in.
//
// Identity hashes are appended to their file in between, so that they don't gather in memory.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/engine/fold.h"
#include "metering/state/checkpoint.h"

namespace voucherd {

struct CheckpointLimits {
  std::uint64_t every_events = 1'000'000;  // at least so many events, or so many records, between two
  std::uint64_t every_records = 10'000;
  std::uint64_t cpu_percent = 4;  // at most, of the process' processor time; 100: whatever it takes
};

/// The owner thread's alone. The fold outlives it.
class Checkpointer {
 public:
  Checkpointer(std::string directory, Fold& fold, CheckpointLimits limits);
  /// Saves what came since the last checkpoint.
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  /// Loads the newest usable checkpoint at or before `last` into the empty fold; without one it stays empty.
  /// Fault where one that is whole does not load: a bug, not a torn file.
  Result<void> load(Position last);
  /// Call after each folded record.
  void after_record() {
    if (fold_.position() >= next_look_) look();
  }
  /// Spent since the start on checkpoints and hashes, on the owner thread and beside it.
  double cpu_seconds() const { return spent_seconds_.load(std::memory_order_relaxed); }

 private:
  /// The first `count` hashes of the file. False where it is damaged: none is loaded. Fault where there is no
  /// room for them.
  Result<bool> load_identities(std::uint64_t count);
  void look();
  bool is_due() const;
  void save();
  void start(std::optional<Fold::Frozen> frozen);
  void wait();
  // On the thread:
  void write(std::optional<Fold::Frozen> frozen);
  void write_hashes();

  Fold& fold_;
  CheckpointLimits limits_;
  Position next_look_ = 0;
  Position saved_position_ = 0;
  EventOrdinal saved_events_ = 0;
  bool given_up_ = false;  // until the restart

  std::thread thread_;
  std::atomic<bool> busy_ = false;
  std::atomic<double> spent_seconds_ = 0;
  // The thread's while busy_, else the owner's:
  CheckpointStore store_;
  std::vector<std::uint64_t> hashes_;  // that are not in the file
  std::uint64_t hashes_in_file_ = 0;
  // Processor seconds: of the process when the last save began; of that save; that must pass before the next.
  double began_at_ = 0, owner_seconds_ = 0, pause_seconds_ = 0;
};

}  // namespace voucherd
