// The sequencer: takes decoded batches, tells known identities from new ones, judges what
// needs state (limits on time, known firms and SKUs), puts the accepted events into the open
// commit group, and replies once the group is durable.
//
// The acknowledgement contract. A reply comes only after the fsync of the record that holds
// the batch's accepted and quarantined events, and after the commit of every event that one
// of its duplicates refers to. After a crash, whatever was acknowledged is there; sending a
// batch again is always safe, acknowledged or not. Where the disk is full, the batches of the record
// that did not fit, and those behind it, are refused and taken back: nothing of them is kept, and
// each later record tries again.
//
// A correction that comes before its event waits in quarantine; when the event is accepted, it is
// counted in the same record, right behind it.
//
// One owner thread calls everything here; the writer's threads encode and append. While they are
// busy, the next group fills: batching adapts by itself. Facts and closes are
// exclusive: the open group is sealed, everything before is made durable and folded, then
// the record is built on exactly that state.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "metering/core/clock.h"
#include "metering/ingest/judge.h"
#include "metering/journal/journal.h"
#include "metering/proof/record_proof.h"
#include "metering/state/block_cache.h"
#include "metering/state/known_identities.h"
#include "metering/state/usage_state.h"
#include "metering/wire/decode.h"

namespace voucherd {

struct IngestLimits {
  std::size_t group_bytes_max = 8u << 20;  // memory of an open group before new batches wait
  // Events of an open group, good, bad or sent again, before new batches wait.
  std::uint32_t group_events_max = 65'536;
  // Memory of batches that wait, to be decoded or for a group; beyond: overloaded.
  std::size_t queue_bytes_max = 64u << 20;
};

/// A request's events with the bytes that they point into.
struct IngestBatch {
  std::string body;  // with wire::body_padding_bytes of capacity behind it
  wire::Batch decoded;
  std::vector<std::uint64_t> hashes;  // identity hashes of the items, in their order
  /// Of each item that is a good usage event its row, with labels for its texts' numbers; of the others
  /// a row of no kind. Empty where nobody made labels (LabelTable): then the items say it all.
  std::vector<EventBlock::Row> rows;
  std::string row_texts;  // each row's id, up to its id_end, and job, up to its text_end
  std::uint32_t label_generation = 0;
  Submitter sender;

  /// Gives each event whose source, or the source of what it corrects, is not `allowed` or below it the
  /// problem source_not_allowed: it is refused, whatever else is wrong with it.
  void refuse_other_sources(std::string_view allowed);
  void hash_identities(std::uint64_t seed);
  /// What it holds, roughly: many short lines take far more decoded than as text.
  std::size_t memory_bytes() const;
};

struct IngestProblem {
  std::uint32_t index;  // in the request
  std::string source, id;
  ReasonCode code;
  std::string detail;
  QuarantineNumber quarantine;  // {} where none has been given: a rehearsal
};

struct IngestReply {
  // disk_full also where the memory of identities is full and the disk takes none of them.
  enum class Outcome { done, overloaded, clock_behind, stopping, disk_full } outcome = Outcome::done;
  std::uint64_t received = 0, accepted = 0, duplicate = 0, conflict = 0, quarantined = 0;
  std::uint64_t refused = 0;  // source_not_allowed: nothing of them is kept
  Position position = 0;      // at which the batch is durable
  std::vector<IngestProblem> problems;
};

/// What became of quarantine entries that were tried again.
struct ReleaseReply {
  IngestReply::Outcome outcome = IngestReply::Outcome::done;
  std::uint64_t released = 0, still_quarantined = 0;
  std::uint64_t unknown = 0;            // numbers that name no entry, or one that something else resolves
  Position position = 0;                // at which the released ones are durable
  std::vector<IngestProblem> problems;  // of those that are still bad; `index` counts in the request
};

/// Counted since start; received = accepted + duplicate + conflict + quarantined at all times: events that
/// were refused for their source are counted apart.
struct IngestFigures {
  std::uint64_t received = 0, accepted = 0, duplicate = 0, conflict = 0, quarantined = 0;
  std::uint64_t ignored_members = 0, commit_groups = 0;
  std::uint64_t refused = 0;                         // events
  std::uint64_t overloaded = 0, disk_full = 0;       // batches refused
  std::uint64_t queue_batches = 0, queue_bytes = 0;  // waiting now
};

class Sequencer {
 public:
  /// Runs `task` on the owner thread, soon. Called by the writer's threads. (Asio's post.)
  using PostToOwner = std::function<void(std::function<void()> task)>;
  /// Called on the owner thread for each record that has become durable, in order, before any reply
  /// for it: folds it. For a usage record, `usage` is its payload decoded and `hashes` are the identity
  /// hashes of its events in their order. `proof` is what proofs need of it.
  using Fold = std::function<void(const Record& record, std::shared_ptr<const UsageRecord> usage,
                                  std::span<const std::uint64_t> hashes, const RecordProof& proof)>;
  /// A failed append (but for a full disk): must not return to normal work (the process exits).
  using Fatal = std::function<void(const Fault&)>;
  /// Called on a thread of the writer with the seconds that an append took (writing and fsync); may be empty.
  using ObserveCommit = std::function<void(double seconds)>;

  struct Parts {
    Journal& journal;
    const Clock& clock;
    UsageState& state;
    KnownIdentities& identities;
    BlockCache& blocks;
    const Registry& registry;
    std::uint64_t hash_seed;
    UtcOffset offset;
    PostToOwner post;
    Fold fold;
    Fatal fatal;
    ObserveCommit observe_commit;
  };
  Sequencer(Parts parts, IngestLimits limits);
  /// Lets the writer finish what it has; what was not folded by then is folded at the next start,
  /// and its batches get no reply. drain() first, to reply to all.
  ~Sequencer();
  Sequencer(const Sequencer&) = delete;
  Sequencer& operator=(const Sequencer&) = delete;

  /// Replies through `done` on the owner thread, exactly once. Precondition: batch->hashes are filled.
  void submit(std::unique_ptr<IngestBatch> batch, std::function<void(IngestReply)> done);
  /// What submit() would answer now, with the position that it was judged at; keeps nothing.
  IngestReply rehearse(const IngestBatch& batch);

  /// Counts a batch that was refused before it came here: too many bytes were waiting to be decoded.
  void count_overloaded();

  /// Tries quarantine entries again, in order: bytes to event to judgement, as if they had just been
  /// sent. What is good now is counted, and its entry closed; the record says who did it. What is still
  /// bad changes nothing. The figures don't count it again. Replies like submit().
  struct Releaser {
    std::string kind, id;
  };
  void release(std::vector<QuarantineNumber> numbers, Releaser by, std::function<void(ReleaseReply)> done);

  /// What an exclusive operation decides: a record to write, or nothing (a refusal, a dry run).
  struct Decision {
    bool write = false;
    RecordType type{};
    std::uint16_t version = 1;
    std::string payload;
  };
  struct Slot {
    Position position;    // that its record will have
    Instant intake_time;  // that its record will have
    bool clock_behind;    // more than clock_behind_ms_max: it must refuse
  };
  enum class Written { yes, no, disk_full };
  /// Runs `decide` when everything submitted before is durable and folded and nothing is under way;
  /// if it writes, `done` runs after the record is durable and folded, or is refused by a full disk;
  /// else at once.
  void exclusive(std::function<Decision(const Slot&)> decide, std::function<void(Written)> done);

  /// Stops taking batches (outcome stopping), finishes what was taken, then calls `drained`.
  void drain(std::function<void()> drained);

  const IngestFigures& figures() const;
  /// True while the clock stands more than clock_behind_ms_max behind the last record (rules §2).
  bool clock_behind() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voucherd
