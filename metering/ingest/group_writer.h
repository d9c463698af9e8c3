// The writer: encodes sealed groups and appends them to the journal, all that wait in one append (one
// fsync). Two threads, so that one group is encoded while the one before it is synced. It knows nothing of
// identities or replies.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "metering/ingest/commit_group.h"

namespace voucherd {

class GroupWriter {
 public:
  /// Called on a thread of the writer, in the groups' order, once they are durable.
  using Durable = std::function<void(std::vector<std::shared_ptr<CommitGroup>>)>;
  /// Called on a thread of the writer where the disk is full: of the groups that are not durable yet nothing
  /// is in the journal, and nothing is written until forget_all().
  using Refused = std::function<void()>;
  GroupWriter(Journal& journal, Durable durable, Refused refused, Sequencer::Fatal fatal,
              Sequencer::ObserveCommit observe_commit, UtcOffset offset);
  /// Finishes what was handed in, unless it was refused.
  ~GroupWriter();
  GroupWriter(const GroupWriter&) = delete;
  GroupWriter& operator=(const GroupWriter&) = delete;

  /// Any thread. Groups come in the order of their positions.
  void write(std::shared_ptr<CommitGroup> group);
  /// After a refusal: drops whatever is not durable; then writes again.
  void forget_all();

 private:
  using Groups = std::vector<std::shared_ptr<CommitGroup>>;
  void encode_all();
  void append_all();
  /// Payload and proof.
  void encode(CommitGroup& group);
  [[nodiscard]] Result<void> append(const Groups& groups);

  Journal& journal_;
  Durable durable_;
  Refused refused_;
  Sequencer::Fatal fatal_;
  Sequencer::ObserveCommit observe_commit_;
  RecordProver prover_;  // the encoder's
  std::mutex mutex_;
  std::condition_variable wake_;
  // Bounded: the owner seals two groups at most.
  Groups waiting_, encoded_;
  bool encoding_ = false;
  bool refusing_ = false;        // until forget_all()
  std::uint64_t forgotten_ = 0;  // counts forget_all(): a group that was being encoded is dropped by it
  bool stopping_ = false;
  std::thread encoder_, appender_;  // last: they start when all else is there
};

}  // namespace voucherd
