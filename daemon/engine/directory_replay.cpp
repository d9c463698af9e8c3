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

}  // namespace

Result<CheckReport> check_directory(const std::string& directory, const SeeRecord& before_record) {
  auto journal = Journal::open_read_only({directory});
  if (!journal) return journal.error();
  const auto genesis = read_genesis(**journal);
  if (!genesis) return genesis.error();
  const CheckpointStore store(directory + checkpoint_folder);
  std::vector<Checkpoint> saved = store.load_all();
  auto next = saved.begin();
  CheckReport report;
  RunningChecksum hashes;  // of all events so far: there may be more than fit into memory
  EventOrdinal next_ordinal = 0;
  RunCheck runs({directory + runs_folder, genesis->hash_seed});
  Fold fold(**journal, *genesis, 64u << 20, nullptr);
  const auto compare = [&](const Checkpoint& checkpoint) {
    const Checkpoint folded = fold.checkpoint();
    const std::string at = "checkpoint at position " + std::to_string(checkpoint.position) + ": ";
    for (const auto& [name, bytes] : folded.sections) {
      const auto found = checkpoint.sections.find(name);
      if (found == checkpoint.sections.end() || found->second != bytes) {
        report.differences.push_back(at + "section " + name + " differs from the fold");
      }
    }
    RunningChecksum kept;
    const auto loaded = store.load_hashes(checkpoint.identity_hashes,
                                          [&](std::span<const std::uint64_t> some) -> Result<void> {
                                            add_hashes(kept, some);
                                            return {};
                                          });
    if (!loaded || kept.value() != hashes.value())
      report.differences.push_back(at + "identity hashes differ from the fold");
    ++report.checkpoints;
  };
  const auto signed_head = read_signed_head(directory + proof_folder);
  if (!signed_head) return signed_head.error();
  report.signed_size = *signed_head ? (*signed_head)->size : 0;
  auto folded = (*journal)->scan(1, [&](Record&& record) -> Result<void> {
    if (auto seen = before_record ? before_record(fold, record) : Result<void>(); !seen) return seen;
    if (auto difference = close_difference(fold, record))
      report.differences.push_back(std::move(*difference));
    if (auto replayed = fold.replay(record); !replayed) return replayed;
    if (fold.position() == report.signed_size && fold.tree().root() != (*signed_head)->root) {
      report.differences.push_back("the tree at position " + std::to_string(fold.position()) +
                                   " is not the one that was signed");
    }
    std::vector<std::uint64_t> fresh;
    fold.take_new_hashes(fresh);
    runs.see(fresh, next_ordinal);
    add_hashes(hashes, fresh);
    next_ordinal += fresh.size();
    if (next != saved.end() && next->position == fold.position()) compare(*next++);
    return {};
  });
  if (!folded) return folded.error();
  for (; next != saved.end(); ++next) {
    report.differences.push_back("checkpoint at position " + std::to_string(next->position) +
                                 " is beyond the journal's end");
  }
  if (report.signed_size > fold.position()) {
    report.differences.push_back("the journal ends at position " + std::to_string(fold.position()) +
                                 ", but is signed up to position " + std::to_string(report.signed_size));
  }
  for (std::string& difference : runs.differences()) report.differences.push_back(std::move(difference));
  report.last_position = fold.position();
  report.events = fold.usage().events();
  report.tree_root = to_hex(fold.tree().root());
  return report;
}

}  // namespace voucherd
