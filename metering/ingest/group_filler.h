// What becomes of each event: known, good, bad, or released from quarantine; and with that the
// filling of the open commit group. Decides on what is durable and on what is under way, and can
// take groups back that did not become durable, as if they had never been.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "metering/ingest/groups_under_way.h"
#include "metering/ingest/judge.h"
#include "metering/ingest/known_events.h"
#include "metering/ingest/label_notes.h"
#include "metering/ingest/pending_entries.h"

namespace voucherd {

/// The owner thread's alone; what `parts` refers to outlives it.
class GroupFiller {
 public:
  explicit GroupFiller(const Sequencer::Parts& parts);

  // Each puts into the open group what has to be recorded. A reply's position is not set yet.
  IngestReply fill(const IngestBatch& batch);
  ReleaseReply release(const std::vector<QuarantineNumber>& numbers, const Sequencer::Releaser& by);
  /// The group of the last record that the last fill() or release() depends on; nullptr: all are folded.
  std::shared_ptr<CommitGroup> depends_on() const { return groups_.at(depends_on_); }
  /// What fill() would answer: decided on a group of its own, which is taken back.
  IngestReply rehearse(const IngestBatch& batch);

  const GroupsUnderWay& groups() const { return groups_; }
  // Of the open group: what it holds in memory, roughly, and its events, good, bad or sent again.
  std::size_t open_bytes() const;
  std::size_t open_events() const;
  Instant last_intake() const { return last_intake_; }
  Instant intake_now() const { return std::max(parts_.clock.now(), last_intake_); }

  /// The open group, which is sealed with this. Precondition: there is one.
  std::shared_ptr<CommitGroup> seal();
  /// A sealed group of its own for a record that was decided elsewhere. Precondition: none is open.
  std::shared_ptr<CommitGroup> seal(Sequencer::Decision decision, Instant intake_time);
  /// The first sealed group is durable and folded.
  void forget_folded();
  /// Takes all groups back; they stay with the caller, in order.
  std::vector<std::shared_ptr<CommitGroup>> take_back_all();

 private:
  enum class Taken : std::uint8_t { accepted, duplicate, bad };

  CommitGroup& open_group();
  void reserve_as_before(EventBlock& events) const;
  /// What is put into groups from here on was sent by them.
  void sent_by(const Submitter& sender);
  /// The short way of a good event whose identity is not known; false where it is something else, and nothing
  /// is done.
  bool fill_row(const IngestBatch& batch, std::size_t i);
  void fill_item(const wire::Item& item, std::uint64_t hash, const std::optional<KnownEvents::Found>& known,
                 std::uint32_t index, IngestReply& reply);
  /// The accepted event with the item's identity.
  std::optional<KnownEvents::Found> known_as(const wire::Item& item, std::uint64_t hash) const;
  /// Judges, accepts. `problem` says why where it is bad; `known` is known_as() of it.
  Taken take(const wire::Item& item, std::uint64_t hash, const std::optional<KnownEvents::Found>& known,
             std::optional<wire::Problem>& problem);
  /// What a correction corrects.
  struct Target {
    EventOrdinal ordinal = 0;
    UsageSpan span;
  };
  void accept(const EventView& event, std::uint64_t hash, const Target& target);
  /// The open group has taken an event in as its row `row`.
  void accepted(CommitGroup& group, std::uint32_t row, std::uint64_t hash);
  bool is_registered(const EventBlock::Row& row, const EventView& event);
  bool corrections_wait() const;
  std::optional<wire::Problem> judge(const EventView& event, Target& target);
  static void refuse(const wire::Item& item, std::uint32_t index, IngestReply& reply);
  void quarantine(const wire::Item& item, wire::Problem problem, std::uint32_t index, IngestReply& reply);
  /// The unresolved entry of the same content, durable or under way.
  std::optional<QuarantineNumber> known_bad(const EventView& event, std::uint64_t fingerprint) const;
  /// Counts the corrections that wait for the event just accepted, as far as they are good now.
  void release_waiting(const EventView& event, std::uint64_t hash);
  /// Events from `own_from` on are of the same release.
  void release_entry(QuarantineNumber number, std::uint32_t index, EventOrdinal own_from,
                     const Sequencer::Releaser& by, ReleaseReply& reply);
  /// The entry's event, read from its bytes; it points into `again`.
  wire::Item read_again(QuarantineNumber number, IngestBatch& again);
  /// Forgets the last group, as if it had never been opened. Precondition: there is none behind it.
  void take_back(const CommitGroup& group);
  void forget_pending(const CommitGroup& group, Position position);
  void depend_on(Position position) { depends_on_ = std::max(depends_on_, position); }

  const Sequencer::Parts& parts_;
  Judge judge_;
  GroupsUnderWay groups_;
  KnownEvents known_;
  PendingEntries pending_;
  LabelNotes labels_;
  Submitter sender_;
  EventOrdinal next_ordinal_;
  Instant last_intake_;
  std::size_t open_bad_bytes_ = 0;  // of the open group's bad events and what their batches are told of them
  wire::Decoder decoder_;           // for entries that are tried again
  Position depends_on_ = 0;
};

}  // namespace voucherd
