// The writer: encodes sealed groups and appends them to the journal, one fsync each. Two threads that do the
// same: a group stays on the one that took it, so that a small group costs one wake-up, and a large one is
// encoded while the one before it is synced. It knows nothing of identities or replies.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "metering/ingest/commit_group.h"

namespace voucherd {

class GroupWriter {
 public:
  /// Called on a thread of the writer, in the groups' order, once it is durable.
  using Durable = std::function<void(std::shared_ptr<CommitGroup>)>;
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
  void work();
  /// Payload and proof.
  static void encode(CommitGroup& group, RecordProver& prover);
  /// Waits until every group before this one is durable; false: it is not to be appended.
  bool wait_for_turn(std::unique_lock<std::mutex>& lock, std::uint64_t number, std::uint64_t forgotten);
  void append(std::shared_ptr<CommitGroup> group);

  Journal& journal_;
  Durable durable_;
  Refused refused_;
  Sequencer::Fatal fatal_;
  Sequencer::ObserveCommit observe_commit_;
  UtcOffset offset_;
  std::mutex mutex_;
  std::condition_variable handed_in_, turn_;
  std::deque<std::shared_ptr<CommitGroup>> waiting_;  // bounded: the owner seals two groups at most
  std::uint64_t taken_ = 0, appended_ = 0;            // groups, numbered in their order
  std::uint64_t forgotten_ = 0;                       // counts forget_all()
  bool refusing_ = false;                             // until forget_all()
  bool failed_ = false;                               // an append was fatal: nothing is appended any more
  bool stopping_ = false;
  std::thread threads_[2];  // last: they start when all else is there
};

}  // namespace voucherd
