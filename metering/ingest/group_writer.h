// The writer thread: encodes sealed groups and appends them to the journal, all that wait in
// one append (one fsync). It knows nothing of identities or replies.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "metering/ingest/commit_group.h"

namespace voucherd {

class GroupWriter {
 public:
  /// Called on the writer thread, in the groups' order, once they are durable.
  using Durable = std::function<void(std::vector<std::shared_ptr<CommitGroup>>)>;
  /// Called on the writer thread where the disk is full: nothing of these groups is in the journal.
  using Refused = Durable;
  GroupWriter(Journal& journal, Durable durable, Refused refused, Sequencer::Fatal fatal,
              Sequencer::ObserveCommit observe_commit);
  /// Finishes what was handed in.
  ~GroupWriter();
  GroupWriter(const GroupWriter&) = delete;
  GroupWriter& operator=(const GroupWriter&) = delete;

  /// Any thread. Groups come in the order of their positions.
  void write(std::shared_ptr<CommitGroup> group);

 private:
  void run();
  [[nodiscard]] Result<void> append(const std::vector<std::shared_ptr<CommitGroup>>& groups);

  Journal& journal_;
  Durable durable_;
  Refused refused_;
  Sequencer::Fatal fatal_;
  Sequencer::ObserveCommit observe_commit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<CommitGroup>> waiting_;  // bounded: the owner seals a group only when idle
  bool stopping_ = false;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace voucherd
