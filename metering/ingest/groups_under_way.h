// The groups that are not folded yet: the open one, which is being filled, and those with the writer,
// in the order of their positions. What they hold is known before the state knows it.
#pragma once

#include <deque>
#include <memory>

#include "metering/ingest/commit_group.h"

namespace voucherd {

/// The owner thread's alone.
struct GroupsUnderWay {
  explicit GroupsUnderWay(Position last_position) : next_position(last_position + 1) {}

  bool empty() const { return !open && sealed.empty(); }
  /// The group that holds the event; nullptr where it is folded.
  std::shared_ptr<CommitGroup> of(EventOrdinal ordinal) const;
  /// The group whose record has this position; nullptr where there is none.
  std::shared_ptr<CommitGroup> at(Position position) const;
  /// Position of the group that holds the event; 0 where it is folded.
  Position position_of(EventOrdinal ordinal) const;
  /// Of the last record that is folded.
  Position durable_position() const { return next_position - 1 - sealed.size() - (open ? 1 : 0); }

  Position next_position;                           // of the next group
  std::shared_ptr<CommitGroup> open;                // being filled; may be null
  std::deque<std::shared_ptr<CommitGroup>> sealed;  // with the writer
};

}  // namespace voucherd
