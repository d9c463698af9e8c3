// A commit group: what one journal record and one fsync make durable together, and who waits
// for it. The owner thread fills it; once sealed, a thread of the writer encodes and appends it.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "metering/ingest/sequencer.h"
#include "metering/proof/record_proof.h"

namespace voucherd {

struct CommitGroup {
  /// Header and payload. While the writer has the group, it alone touches this.
  Record record;
  /// The events of a usage record; null for the record of an exclusive operation. Written to by the
  /// owner until the group is sealed, only read after.
  std::shared_ptr<UsageRecord> usage;
  std::vector<std::uint64_t> hashes;  // identity hashes of usage->events
  std::vector<UsageSpan> corrected;   // spans of the events that its corrections correct, in their order
  RecordProof proof;                  // made by the writer

  // The owner's alone, also after sealing.
  struct Waiting {
    IngestReply reply;
    std::function<void(IngestReply)> done;
  };
  std::vector<Waiting> waiting;
  struct WaitingRelease {
    ReleaseReply reply;
    std::function<void(ReleaseReply)> done;
  };
  std::vector<WaitingRelease> releases;
  std::function<void(Sequencer::Written)> exclusive_done;
};

}  // namespace voucherd
