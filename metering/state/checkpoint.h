// Checkpoints: derived state saved at a journal position, so that a start folds only the
// tail. Never needed for correctness: a missing, torn or foreign checkpoint is passed over
// and the journal is folded from an older one or from the first record.
//
// A checkpoint is a file of named sections, each canonical bytes, with a checksum; identity
// hashes are one append-only file beside it (8 bytes an event, in order of the ordinals),
// which is only ever extended: a checkpoint says how many of them it covers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "metering/core/result.h"
#include "metering/journal/journal.h"

namespace voucherd {

/// Raised whenever the fold or a section's bytes change: older checkpoints are then passed over.
inline constexpr std::uint32_t fold_version = 7;
inline constexpr int checkpoints_kept = 2;

struct Checkpoint {
  Position position = 0;
  std::uint64_t identity_hashes = 0;
  std::map<std::string, std::string> sections;  // "usage", "ledger", "tree", "chains"
};

/// Thread safety: one caller at a time (load_hashes() too remembers what it has read).
class CheckpointStore {
 public:
  /// The directory is created by the first save().
  explicit CheckpointStore(std::string directory);
  ~CheckpointStore();
  CheckpointStore(CheckpointStore&&) noexcept;
  CheckpointStore& operator=(CheckpointStore&&) noexcept;

  /// Adds hashes behind the first `first` of the hash file, to be covered by the next checkpoint: so they
  /// need not be kept until there is one. Not synced before that. Faults as save()'s.
  Result<void> append_hashes(std::uint64_t first, std::span<const std::uint64_t> hashes);
  /// How many hashes of the file this store vouches for: what it has loaded or appended.
  std::uint64_t hashes() const;
  /// Appends `new_hashes` to the hash file (syncs it), then writes the checkpoint under a temporary
  /// name, syncs and renames it; removes all but the newest checkpoints_kept. `new_hashes` are the
  /// last ones of checkpoint.identity_hashes; those before them are in the file already (all of them
  /// are new after a fold from the first record). Fault "checkpoint_damaged" where the file lacks
  /// them or no checkpoint vouches for them; "file_failed" where the disk refuses.
  Result<void> save(const Checkpoint& checkpoint, std::span<const std::uint64_t> new_hashes);
  /// The newest usable checkpoint at or before `last`, of this fold_version; nullopt where none is.
  std::optional<Checkpoint> load_newest(Position last) const;
  /// All usable checkpoints, oldest first: for `voucherctl journal check`.
  std::vector<Checkpoint> load_all() const;
  /// Gives `take` the first `count` identity hashes piece by piece, where `count` is that of a kept
  /// checkpoint. Fault "checkpoint_damaged", maybe after the last piece: forget them all, and fold from the
  /// first record. A fault of `take` ends it.
  using TakeHashes = std::function<Result<void>(std::span<const std::uint64_t>)>;
  Result<void> load_hashes(std::uint64_t count, const TakeHashes& take) const;

 private:
  struct HashFile;
  std::string directory_;
  std::unique_ptr<HashFile> hashes_;  // what the running checksum covers
};

}  // namespace voucherd
