// The check of a directory that no daemon has open: its journal is folded from the first record, and what is
// derived and saved beside it (checkpoints, runs of identities, the signed head) must be what comes out.
#include "daemon/engine/engine.h"
#include "daemon/engine/first_record.h"
#include "daemon/engine/fold.h"
#include "daemon/engine/folders.h"
#include "daemon/engine/tree_heads.h"
#include "metering/journal/checksum.h"
#include "metering/journal/encoding.h"
#include "metering/proof/payload_parts.h"
#include "metering/state/checkpoint.h"

namespace voucherd {

namespace {

void add_hashes(RunningChecksum& checksum, std::span<const std::uint64_t> hashes) {
  std::string bytes;
  for (const std::uint64_t hash : hashes) put_little_endian(bytes, hash);
  checksum.add(bytes);
}

/// What a close says of firms beside their chains, which the fold compares by itself.
std::optional<std::string> close_difference(const Fold& fold, const Record& record) {
  if (record.header.type != RecordType::close || record.header.version < payload_in_parts_version) {
    return std::nullopt;
  }
  const auto sealed = unseal(record.payload);
  const auto parts = fold.ledger().parts_of_close(record, fold.chains());
  if (sealed && parts && sealed->content.parts == *parts) return std::nullopt;
  return "the close at position " + std::to_string(record.header.position) +
         " says something else of a firm than the records before it";
}

/// The fold of the journal, beside what was saved of it on the way.
class DirectoryReplay {
 public:
  DirectoryReplay(const std::string& directory, const Journal& journal, const Genesis& genesis,
                  std::optional<TreeHead> head)
      : journal_(journal),
        head_(std::move(head)),
        store_(directory + checkpoint_folder),
        saved_(store_.load_all()),
        next_(saved_.begin()),
        runs_({directory + runs_folder, genesis.hash_seed}),
        fold_(journal, genesis, event_cache_bytes, nullptr) {
    report_.signed_size = head_ ? head_->size : 0;
  }

  Result<CheckReport> run(const SeeRecord& before_record) {
    auto folded = journal_.scan(1, [&](Record&& record) -> Result<void> {
      if (auto seen = before_record ? before_record(fold_, record) : Result<void>(); !seen) return seen;
      return take(record);
    });
    if (!folded) return folded.error();
    compare_ends();
    for (std::string& difference : runs_.differences()) differs(std::move(difference));
    report_.last_position = fold_.position();
    report_.events = fold_.usage().events();
    report_.tree_root = to_hex(fold_.tree().root());
    return std::move(report_);
  }

 private:
  static constexpr std::size_t event_cache_bytes = 64u << 20;

  void differs(std::string difference) { report_.differences.push_back(std::move(difference)); }

  Result<void> take(const Record& record) {
    if (auto difference = close_difference(fold_, record)) differs(std::move(*difference));
    if (auto replayed = fold_.replay(record); !replayed) return replayed;
    if (fold_.position() == report_.signed_size && fold_.tree().root() != head_->root) {
      differs("the tree at position " + std::to_string(fold_.position()) + " is not the one that was signed");
    }
    fresh_.clear();
    fold_.take_new_hashes(fresh_);
    runs_.see(fresh_, next_ordinal_);
    add_hashes(hashes_, fresh_);
    next_ordinal_ += fresh_.size();
    if (next_ != saved_.end() && next_->position == fold_.position()) compare(*next_++);
    return {};
  }

  void compare(const Checkpoint& checkpoint) {
    const Checkpoint folded = fold_.checkpoint();
    const std::string at = "checkpoint at position " + std::to_string(checkpoint.position) + ": ";
    for (const auto& [name, bytes] : folded.sections) {
      const auto found = checkpoint.sections.find(name);
      if (found == checkpoint.sections.end() || found->second != bytes) {
        differs(at + "section " + name + " differs from the fold");
      }
    }
    RunningChecksum kept;
    const auto loaded = store_.load_hashes(checkpoint.identity_hashes,
                                           [&](std::span<const std::uint64_t> some) -> Result<void> {
                                             add_hashes(kept, some);
                                             return {};
                                           });
    if (!loaded || kept.value() != hashes_.value()) differs(at + "identity hashes differ from the fold");
    ++report_.checkpoints;
  }

  void compare_ends() {
    for (; next_ != saved_.end(); ++next_) {
      differs("checkpoint at position " + std::to_string(next_->position) + " is beyond the journal's end");
    }
    if (report_.signed_size > fold_.position()) {
      differs("the journal ends at position " + std::to_string(fold_.position()) +
              ", but is signed up to position " + std::to_string(report_.signed_size));
    }
  }

  const Journal& journal_;
  std::optional<TreeHead> head_;
  CheckpointStore store_;
  std::vector<Checkpoint> saved_;
  std::vector<Checkpoint>::iterator next_;  // that has not been compared
  RunningChecksum hashes_;                  // of all events so far: there may be more than fit into memory
  std::vector<std::uint64_t> fresh_;        // of the last record
  EventOrdinal next_ordinal_ = 0;
  RunCheck runs_;
  Fold fold_;
  CheckReport report_;
};

}  // namespace

Result<CheckReport> check_directory(const std::string& directory, const SeeRecord& before_record) {
  auto journal = Journal::open_read_only({directory});
  if (!journal) return journal.error();
  const auto genesis = read_genesis(**journal);
  if (!genesis) return genesis.error();
  auto head = read_signed_head(directory + proof_folder);
  if (!head) return head.error();
  return DirectoryReplay(directory, **journal, *genesis, std::move(*head)).run(before_record);
}

}  // namespace voucherd
