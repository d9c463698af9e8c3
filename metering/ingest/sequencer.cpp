// The flow of a batch: submit() → (queue_) → sequence() → open group → sealed → writer →
// on_durable(): fold, count, reply. Everything but the writer runs on the owner thread.
#include "metering/ingest/sequencer.h"

#include "metering/core/assert.h"
#include "metering/core/excerpt.h"
#include "metering/ingest/group_filler.h"
#include "metering/ingest/group_writer.h"

namespace voucherd {

namespace {

// A group of so many events is handed to the writer while it is at the one before: it encodes this one
// during that one's fsync. A smaller one grows until the fsync is over.
constexpr std::size_t encoded_ahead_events_min = 4'096;
constexpr std::size_t shown_source_bytes_max = 128;

}  // namespace

struct Sequencer::Impl {
  struct Release {
    std::vector<QuarantineNumber> numbers;
    Releaser by;
    std::function<void(ReleaseReply)> done;
  };
  struct Queued {
    std::unique_ptr<IngestBatch> batch;  // null: a release
    std::function<void(IngestReply)> done;
    Release release;
    std::size_t bytes() const { return batch ? batch->memory_bytes() : 0; }
    std::size_t events() const { return batch ? batch->decoded.items.size() : release.numbers.size(); }
  };
  struct Exclusive {
    std::function<Decision(const Slot&)> decide;
    std::function<void(Written)> done;
  };

  Impl(Parts parts, IngestLimits limits)
      : parts_(std::move(parts)),
        limits_(limits),
        filler_(parts_),
        writer_(
            parts_.journal,
            [this](std::shared_ptr<CommitGroup> group) {
              post([this, group = std::move(group)] { on_durable(*group); });
            },
            [this] { post([this] { on_refused(); }); }, parts_.fatal, parts_.observe_commit, parts_.offset) {
    parts_.identities.on_spill_end([post = parts_.post, alive = std::weak_ptr<bool>(alive_), this] {
      post([alive, this] {
        if (alive.lock()) advance();
      });
    });
  }

  // The state machine -----------------------------------------------------------------------

  void submit(std::unique_ptr<IngestBatch> batch, std::function<void(IngestReply)> done) {
    if (stopping_) return refuse(done, IngestReply::Outcome::stopping);
    if (clock_behind()) return refuse(done, IngestReply::Outcome::clock_behind);
    if (queue_.empty() && can_sequence() && !must_wait_for_room(batch->decoded.items.size())) {
      sequence(*batch, std::move(done));
    } else {
      const std::size_t bytes = batch->memory_bytes();
      if (figures_.queue_bytes + bytes > limits_.queue_bytes_max) {
        ++figures_.overloaded;
        return refuse(done, IngestReply::Outcome::overloaded);
      }
      figures_.queue_bytes += bytes;
      ++figures_.queue_batches;
      queue_.push_back({std::move(batch), std::move(done), {}});
    }
    advance();
  }

  void release(Release wanted) {
    if (stopping_) return refuse(wanted.done, IngestReply::Outcome::stopping);
    if (clock_behind()) return refuse(wanted.done, IngestReply::Outcome::clock_behind);
    if (queue_.empty() && can_sequence() && !must_wait_for_room(wanted.numbers.size())) {
      try_again(std::move(wanted));
    } else {
      ++figures_.queue_batches;
      queue_.push_back({nullptr, {}, std::move(wanted)});
    }
    advance();
  }

  /// Moves everything on that can be moved on.
  void advance() {
    while (!exclusives_.empty() && filler_.groups().empty()) run_exclusive();
    while (!queue_.empty() && can_sequence() && !must_wait_for_room(queue_.front().events())) {
      Queued next = std::move(queue_.front());
      queue_.pop_front();
      figures_.queue_bytes -= next.bytes();
      --figures_.queue_batches;
      if (next.batch) {
        sequence(*next.batch, std::move(next.done));
      } else {
        try_again(std::move(next.release));
      }
    }
    if (filler_.groups().open && writer_is_free()) writer_.write(filler_.seal());
    if (drained_ && idle()) std::exchange(drained_, nullptr)();
  }

  bool writer_is_free() const {
    const std::size_t sealed = filler_.groups().sealed.size();
    return sealed == 0 || (sealed == 1 && filler_.open_events() >= encoded_ahead_events_min);
  }
  bool can_sequence() const {
    const auto& open = filler_.groups().open;
    return exclusives_.empty() && !exclusive_under_way_ &&
           !(open && (filler_.open_events() >= limits_.group_events_max ||
                      filler_.open_bytes() >= limits_.group_bytes_max));
  }
  bool idle() const { return queue_.empty() && exclusives_.empty() && filler_.groups().empty(); }

  bool clock_behind() const { return parts_.clock.now().ms + clock_behind_ms_max < filler_.last_intake().ms; }

  template <class Reply>
  static void refuse(const std::function<void(Reply)>& done, IngestReply::Outcome outcome) {
    Reply reply;
    reply.outcome = outcome;
    done(std::move(reply));
  }

  void run_exclusive() {
    Exclusive next = std::move(exclusives_.front());
    exclusives_.pop_front();
    const Slot slot{filler_.groups().next_position, filler_.intake_now(), clock_behind()};
    Decision decision = next.decide(slot);
    if (!decision.write) return next.done(Written::no);
    auto group = filler_.seal(std::move(decision), slot.intake_time);
    group->exclusive_done = std::move(next.done);
    exclusive_under_way_ = true;
    writer_.write(std::move(group));
  }

  /// Events wait while identities go to disk to make room for theirs.
  bool must_wait_for_room(std::size_t events) const {
    return parts_.identities.room_for(events) == KnownIdentities::Room::spilling;
  }
  /// The disk takes no identities, and their memory is full.
  bool has_no_room(std::size_t events) {
    if (parts_.identities.room_for(events) != KnownIdentities::Room::disk) return false;
    ++figures_.disk_full;
    return true;
  }

  // Sequencing ------------------------------------------------------------------------------

  void sequence(const IngestBatch& batch, std::function<void(IngestReply)> done) {
    if (has_no_room(batch.decoded.items.size())) return refuse(done, IngestReply::Outcome::disk_full);
    IngestReply reply = filler_.fill(batch);
    figures_.ignored_members += batch.decoded.ignored_members;
    if (auto group = filler_.depends_on()) {
      group->waiting.push_back({std::move(reply), std::move(done)});
    } else {
      // Nothing new, and all that its duplicates refer to is durable and folded.
      reply.position = filler_.groups().durable_position();
      count(reply);
      done(std::move(reply));
    }
  }

  void try_again(Release wanted) {
    if (has_no_room(wanted.numbers.size())) return refuse(wanted.done, IngestReply::Outcome::disk_full);
    ReleaseReply reply = filler_.release(wanted.numbers, wanted.by);
    if (auto group = filler_.depends_on()) {
      group->releases.push_back({std::move(reply), std::move(wanted.done)});
    } else {
      reply.position = filler_.groups().durable_position();
      wanted.done(std::move(reply));
    }
  }

  IngestReply rehearse(const IngestBatch& batch) {
    IngestReply reply;
    reply.outcome = IngestReply::Outcome::clock_behind;
    if (clock_behind()) return reply;
    // For a moment its identities take memory like any others.
    const auto room = parts_.identities.room_for(batch.decoded.items.size());
    if (room == KnownIdentities::Room::yes) return filler_.rehearse(batch);
    const bool full = room == KnownIdentities::Room::disk;
    reply.outcome = full ? IngestReply::Outcome::disk_full : IngestReply::Outcome::overloaded;
    return reply;
  }

  // Durability ------------------------------------------------------------------------------

  /// Runs `finish` on the owner thread: what the writer has to say.
  void post(std::function<void()> finish) {
    parts_.post([this, alive = std::weak_ptr<bool>(alive_), finish = std::move(finish)] {
      if (!alive.lock()) return;
      finish();
      advance();
    });
  }

  void on_durable(CommitGroup& group) {
    const auto& sealed = filler_.groups().sealed;
    VOUCHERD_ASSERT(!sealed.empty() && sealed.front().get() == &group);
    parts_.fold(group.record, group.usage, group.hashes, group.proof);
    filler_.forget_folded();
    ++figures_.commit_groups;
    if (!group.usage) exclusive_under_way_ = false;
    for (auto& waiting : group.waiting) {
      waiting.reply.position = group.record.header.position;
      count(waiting.reply);
      waiting.done(std::move(waiting.reply));
    }
    for (auto& release : group.releases) {
      release.reply.position = group.record.header.position;
      release.done(std::move(release.reply));
    }
    if (group.exclusive_done) group.exclusive_done(Written::yes);
  }

  /// The disk is full. The groups behind the one that did not fit go too: they may hold duplicates of its
  /// events.
  void on_refused() {
    VOUCHERD_ASSERT(!filler_.groups().sealed.empty());
    const auto refused = filler_.take_back_all();
    writer_.forget_all();
    for (const auto& group : refused) {
      if (!group->usage) exclusive_under_way_ = false;
      figures_.disk_full += group->waiting.size();
    }
    for (const auto& group : refused) {
      for (const auto& waiting : group->waiting) refuse(waiting.done, IngestReply::Outcome::disk_full);
      for (const auto& waiting : group->releases) refuse(waiting.done, IngestReply::Outcome::disk_full);
      if (group->exclusive_done) group->exclusive_done(Written::disk_full);
    }
  }

  void count(const IngestReply& reply) {
    VOUCHERD_ASSERT(reply.received ==
                    reply.accepted + reply.duplicate + reply.conflict + reply.quarantined + reply.refused);
    figures_.received += reply.received - reply.refused;
    figures_.refused += reply.refused;
    figures_.accepted += reply.accepted;
    figures_.duplicate += reply.duplicate;
    figures_.conflict += reply.conflict;
    figures_.quarantined += reply.quarantined;
  }

  Parts parts_;
  IngestLimits limits_;
  GroupFiller filler_;

  std::deque<Queued> queue_;  // at most limits_.queue_bytes_max
  std::deque<Exclusive> exclusives_;
  bool exclusive_under_way_ = false;  // its record is not folded: what comes after is judged by it

  bool stopping_ = false;
  std::function<void()> drained_;
  IngestFigures figures_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  GroupWriter writer_;  // last: its thread uses the rest
};

void IngestBatch::refuse_other_sources(std::string_view allowed) {
  for (wire::Item& item : decoded.items) {
    const EventView& event = item.event;
    // One that can't be read has a problem of its own, and stays bad however often it is tried again.
    const bool own = event.source.empty() || is_source_within(event.source, allowed);
    const bool corrects_own =
        event.corrects_source.empty() || is_source_within(event.corrects_source, allowed);
    if (own && corrects_own) continue;
    item.problem = wire::Problem{
        ReasonCode::source_not_allowed,
        std::string(own ? "data.corrects.source " : "source ") +
            excerpt(own ? event.corrects_source : event.source, shown_source_bytes_max) + " is not within " +
            std::string(allowed) + ", which is all that the token may send; nothing of this event was kept"};
  }
}

void IngestBatch::hash_identities(std::uint64_t seed) {
  hashes.clear();
  hashes.reserve(decoded.items.size());
  for (const wire::Item& item : decoded.items) {
    hashes.push_back(identity_hash(item.event.source, item.event.id, seed));
  }
}

std::size_t IngestBatch::memory_bytes() const {
  // A longer text than this has a chunk of its own, and is in the body as well.
  constexpr std::size_t arena_chunk_bytes = 4096;
  const std::size_t arena =
      decoded.arena.empty() ? 0 : decoded.arena.size() * arena_chunk_bytes + body.size();
  return body.size() + arena + decoded.items.size() * sizeof(wire::Item) +
         hashes.size() * sizeof(std::uint64_t) + rows.size() * sizeof(EventBlock::Row) + row_texts.size();
}

Sequencer::Sequencer(Parts parts, IngestLimits limits)
    : impl_(std::make_unique<Impl>(std::move(parts), limits)) {}
Sequencer::~Sequencer() = default;

void Sequencer::submit(std::unique_ptr<IngestBatch> batch, std::function<void(IngestReply)> done) {
  impl_->submit(std::move(batch), std::move(done));
}
void Sequencer::release(std::vector<QuarantineNumber> numbers, Releaser by,
                        std::function<void(ReleaseReply)> done) {
  impl_->release({std::move(numbers), std::move(by), std::move(done)});
}
IngestReply Sequencer::rehearse(const IngestBatch& batch) { return impl_->rehearse(batch); }
void Sequencer::exclusive(std::function<Decision(const Slot&)> decide, std::function<void(Written)> done) {
  impl_->exclusives_.push_back({std::move(decide), std::move(done)});
  impl_->advance();
}
void Sequencer::drain(std::function<void()> drained) {
  impl_->stopping_ = true;
  impl_->drained_ = std::move(drained);
  impl_->advance();
}
void Sequencer::count_overloaded() { ++impl_->figures_.overloaded; }
const IngestFigures& Sequencer::figures() const { return impl_->figures_; }
bool Sequencer::clock_behind() const { return impl_->clock_behind(); }

}  // namespace voucherd
