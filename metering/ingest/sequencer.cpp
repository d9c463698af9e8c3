// The flow of a batch: submit() → (queue_) → sequence() → open_ group → sealed_ → writer →
// on_durable(): fold, count, reply. Everything but the writer runs on the owner thread.
#include "metering/ingest/sequencer.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_map>

#include "metering/core/assert.h"
#include "metering/ingest/commit_group.h"
#include "metering/ingest/group_writer.h"

namespace voucherd {

namespace {
constexpr std::size_t prefetch_ahead = 16;  // events between prefetching an identity's slot and looking at it
}

struct Sequencer::Impl {
  struct Queued {
    std::unique_ptr<IngestBatch> batch;
    std::function<void(IngestReply)> done;
  };
  struct Exclusive {
    std::function<Decision(const Slot&)> decide;
    std::function<void(Written)> done;
  };

  Impl(Parts parts, IngestLimits limits)
      : parts_(std::move(parts)),
        limits_(limits),
        judge_(parts_.registry, parts_.offset),
        next_position_(parts_.journal.last_position() + 1),
        next_ordinal_(parts_.state.events()),
        last_intake_(parts_.journal.last_intake_time()),
        writer_(
            parts_.journal,
            [this](auto groups) { post(std::move(groups), [this](auto& group) { on_durable(group); }); },
            [this](auto groups) { post(std::move(groups), [this](auto& group) { on_refused(group); }); },
            parts_.fatal, parts_.observe_commit) {}

  // The state machine -----------------------------------------------------------------------

  void submit(std::unique_ptr<IngestBatch> batch, std::function<void(IngestReply)> done) {
    if (stopping_) return refuse(done, IngestReply::Outcome::stopping);
    if (clock_behind()) return refuse(done, IngestReply::Outcome::clock_behind);
    if (queue_.empty() && can_sequence()) {
      sequence(*batch, std::move(done));
    } else {
      const std::size_t bytes = batch->body.size();
      if (figures_.queue_bytes + bytes > limits_.queue_bytes_max) {
        ++figures_.overloaded;
        return refuse(done, IngestReply::Outcome::overloaded);
      }
      figures_.queue_bytes += bytes;
      ++figures_.queue_batches;
      queue_.push_back({std::move(batch), std::move(done)});
    }
    advance();
  }

  /// Moves everything on that can be moved on.
  void advance() {
    while (sealed_.empty() && !exclusives_.empty() && !open_) run_exclusive();
    while (!queue_.empty() && can_sequence()) {
      Queued next = std::move(queue_.front());
      queue_.pop_front();
      figures_.queue_bytes -= next.batch->body.size();
      --figures_.queue_batches;
      sequence(*next.batch, std::move(next.done));
    }
    if (open_ && sealed_.empty()) seal();
    if (drained_ && idle()) std::exchange(drained_, nullptr)();
  }

  bool can_sequence() const {
    return exclusives_.empty() &&
           !(open_ && (open_->usage->events.size() >= limits_.group_events_max ||
                       open_->usage->events.memory_bytes() + open_raw_bytes_ >= limits_.group_bytes_max));
  }
  bool idle() const { return queue_.empty() && exclusives_.empty() && !open_ && sealed_.empty(); }

  bool clock_behind() const { return parts_.clock.now().ms + clock_behind_ms_max < last_intake_.ms; }
  Instant intake_now() const { return std::max(parts_.clock.now(), last_intake_); }

  static void refuse(const std::function<void(IngestReply)>& done, IngestReply::Outcome outcome) {
    IngestReply reply;
    reply.outcome = outcome;
    done(std::move(reply));
  }

  CommitGroup& open_group() {
    if (!open_) {
      open_ = std::make_shared<CommitGroup>();
      last_intake_ = intake_now();
      open_->record.header = {next_position_++, last_intake_, RecordType::usage, 1};
      open_->usage = std::make_shared<UsageRecord>();
      open_->usage->first_ordinal = next_ordinal_;
    }
    return *open_;
  }

  void seal() {
    sealed_.push_back(open_);
    open_raw_bytes_ = 0;
    writer_.write(std::exchange(open_, nullptr));
  }

  void run_exclusive() {
    Exclusive next = std::move(exclusives_.front());
    exclusives_.pop_front();
    const bool behind = clock_behind();
    const Slot slot{next_position_, intake_now(), behind};
    Decision decision = next.decide(slot);
    if (!decision.write) return next.done(Written::no);
    last_intake_ = slot.intake_time;
    auto group = std::make_shared<CommitGroup>();
    group->record = {{next_position_++, slot.intake_time, decision.type, decision.version},
                     std::move(decision.payload)};
    group->exclusive_done = std::move(next.done);
    sealed_.push_back(group);
    writer_.write(std::move(group));
  }

  // Sequencing ------------------------------------------------------------------------------

  void sequence(const IngestBatch& batch, std::function<void(IngestReply)> done) {
    IngestReply reply = sequence_items(batch);
    figures_.ignored_members += batch.decoded.ignored_members;
    if (auto group = group_at(waits_for_)) {
      group->waiting.push_back({std::move(reply), std::move(done)});
    } else {
      // Nothing new, and all that its duplicates refer to is durable and folded.
      reply.position = durable_position();
      count(reply);
      done(std::move(reply));
    }
  }

  /// The same decisions, on a group of its own that is taken back.
  IngestReply rehearse(const IngestBatch& batch) {
    IngestReply reply;
    if (clock_behind()) {
      reply.outcome = IngestReply::Outcome::clock_behind;
      return reply;
    }
    const Position position = durable_position();
    const Position scratch = next_position_;
    const Instant last_intake = last_intake_;
    const std::size_t raw_bytes = open_raw_bytes_;
    const auto kept = std::exchange(open_, nullptr);
    if (kept) sealed_.push_back(kept);
    reply = sequence_items(batch);
    if (open_) take_back(*std::exchange(open_, nullptr));
    if (kept) sealed_.pop_back();
    open_ = kept;
    open_raw_bytes_ = raw_bytes;
    last_intake_ = last_intake;
    for (IngestProblem& problem : reply.problems) {
      if (problem.quarantine.position == scratch) problem.quarantine = {};
    }
    reply.position = position;
    return reply;
  }

  IngestReply sequence_items(const IngestBatch& batch) {
    const auto& items = batch.decoded.items;
    const auto& hashes = batch.hashes;
    VOUCHERD_ASSERT(hashes.size() == items.size());
    IngestReply reply;
    reply.received = items.size();
    waits_for_ = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i + prefetch_ahead < items.size()) parts_.identities.prefetch(hashes[i + prefetch_ahead]);
      sequence_item(items[i], hashes[i], static_cast<std::uint32_t>(i), reply);
    }
    return reply;
  }

  void sequence_item(const wire::Item& item, std::uint64_t hash, std::uint32_t index, IngestReply& reply) {
    const EventView& event = item.event;
    bool same = false;
    if (!event.source.empty() && !event.id.empty()) {
      if (const auto known = find_identity(event, hash, same, !item.problem)) {
        if (same) {
          ++reply.duplicate;
          wait_for(position_of(*known));
        } else {
          ++reply.conflict;
          quarantine(item, {ReasonCode::conflict, conflict_detail(*known)}, index, reply);
        }
        return;
      }
    }
    if (item.problem) {
      ++reply.quarantined;
      return quarantine(item, *item.problem, index, reply);
    }
    EventOrdinal target = 0;
    if (auto problem = judge(event, target)) {
      ++reply.quarantined;
      return quarantine(item, std::move(*problem), index, reply);
    }
    accept(event, hash, target);
    ++reply.accepted;
  }

  void accept(const EventView& event, std::uint64_t hash, EventOrdinal target) {
    CommitGroup& group = open_group();
    const std::uint32_t row = group.usage->events.append(event, target);
    VOUCHERD_ASSERT(group.usage->first_ordinal + row == next_ordinal_);
    parts_.identities.insert(hash, next_ordinal_++);
    group.hashes.push_back(hash);
    wait_for(group.record.header.position);
  }

  std::optional<wire::Problem> judge(const EventView& event, EventOrdinal& target) {
    // The group's intake time is the record's: what is judged by it stays true of the record.
    const Instant intake = open_ ? open_->record.header.intake_time : intake_now();
    if (event.kind == EventKind::usage) return judge_.usage(event, intake);
    EventView key;
    key.source = event.corrects_source;
    key.id = event.corrects_id;
    bool same = false;
    const auto found =
        find_identity(key, identity_hash(key.source, key.id, parts_.hash_seed), same, /*compare=*/false);
    if (!found) return Judge::correction(event, nullptr);
    target = *found;
    std::optional<wire::Problem> problem;
    with_event(target, [&](const EventView& corrected) { problem = Judge::correction(event, &corrected); });
    return problem;
  }

  void quarantine(const wire::Item& item, wire::Problem problem, std::uint32_t index, IngestReply& reply) {
    const EventView& event = item.event;
    CommitGroup& group = open_group();
    UsageRecord& record = *group.usage;
    wait_for(group.record.header.position);
    // A conflict is another entry than the same content refused before its identity was taken: that one
    // is closed when the group that took the identity is folded.
    const bool conflict = problem.code == ReasonCode::conflict;
    const std::uint64_t fingerprint = content_fingerprint(item, parts_.hash_seed) ^ (conflict ? 1U : 0U);
    std::optional<QuarantineNumber> number = known_bad(event, fingerprint);
    if (number) {
      record.resent.push_back(*number);
    } else {
      number = {group.record.header.position, static_cast<std::uint32_t>(record.quarantined.size())};
      record.quarantined.push_back({problem.code, problem.detail, std::string(event.source),
                                    std::string(event.id), std::string(event.subject), std::string(event.sku),
                                    judge_.months(event, group.record.header.intake_time),
                                    std::string(item.raw), fingerprint});
      pending_bad_.emplace(fingerprint, *number);
      open_raw_bytes_ += item.raw.size();
    }
    reply.problems.push_back({index, std::string(event.source), std::string(event.id), problem.code,
                              std::move(problem.detail), *number});
  }

  /// The unresolved entry of the same content, durable or under way.
  std::optional<QuarantineNumber> known_bad(const EventView& event, std::uint64_t fingerprint) const {
    if (const auto pending = pending_bad_.find(fingerprint); pending != pending_bad_.end())
      return pending->second;
    const auto number = parts_.state.quarantine().find_fingerprint(fingerprint);
    if (!number) return std::nullopt;
    const QuarantineEntry* entry = parts_.state.quarantine().find(*number);
    VOUCHERD_ASSERT(entry != nullptr);
    if (entry->source != event.source || entry->id != event.id) return std::nullopt;
    return number;
  }

  // Identity --------------------------------------------------------------------------------

  /// The event of the same identity. With `compare`, `same` says whether its content is the same.
  std::optional<EventOrdinal> find_identity(const EventView& event, std::uint64_t hash, bool& same,
                                            bool compare) {
    std::optional<EventOrdinal> found;
    parts_.identities.find(hash, [&](EventOrdinal ordinal) {
      with_event(ordinal, [&](const EventView& stored) {
        if (stored.source != event.source || stored.id != event.id) return;  // only the fingerprint matches
        found = ordinal;
        same = compare && stored == event;
      });
      return found.has_value();
    });
    return found;
  }

  template <class Visit>
  void with_event(EventOrdinal ordinal, Visit&& visit) {
    if (const auto group = group_of(ordinal)) {
      return visit(
          group->usage->events.at(static_cast<std::uint32_t>(ordinal - group->usage->first_ordinal)));
    }
    const EventPlace place = parts_.state.place_of(ordinal);
    const auto record = parts_.blocks.get(place.position);
    visit(record->events.at(place.index));
  }

  /// The group under way that holds the event; nullptr where it is folded.
  std::shared_ptr<CommitGroup> group_of(EventOrdinal ordinal) const {
    if (open_ && ordinal >= open_->usage->first_ordinal) return open_;
    for (auto group = sealed_.rbegin(); group != sealed_.rend(); ++group) {
      if ((*group)->usage && ordinal >= (*group)->usage->first_ordinal) return *group;
    }
    return nullptr;
  }
  std::shared_ptr<CommitGroup> group_at(Position position) const {
    if (open_ && open_->record.header.position == position) return open_;
    // The header of a sealed group is the writer's; positions are consecutive, so count instead.
    const Position first = next_position_ - (open_ ? 1 : 0) - sealed_.size();
    if (position < first || position >= first + sealed_.size()) return nullptr;
    return sealed_[position - first];
  }
  Position position_of(EventOrdinal ordinal) const {
    const auto group = group_of(ordinal);
    if (!group) return 0;
    if (group == open_) return open_->record.header.position;
    const auto at = std::find(sealed_.begin(), sealed_.end(), group) - sealed_.begin();
    return next_position_ - (open_ ? 1 : 0) - sealed_.size() + static_cast<Position>(at);
  }
  Position durable_position() const { return next_position_ - 1 - sealed_.size() - (open_ ? 1 : 0); }
  void wait_for(Position position) { waits_for_ = std::max(waits_for_, position); }

  std::string conflict_detail(EventOrdinal known) const {
    const Position under_way = position_of(known);
    const Position position = under_way != 0 ? under_way : parts_.state.place_of(known).position;
    return "source and id are taken by an event with other content, accepted at position " +
           std::to_string(position) + "; the first stands: send a correction to change its quantity";
  }

  // Durability ------------------------------------------------------------------------------

  /// Brings groups that the writer is done with back to the owner thread.
  void post(std::vector<std::shared_ptr<CommitGroup>> groups, std::function<void(CommitGroup&)> finish) {
    parts_.post(
        [this, alive = std::weak_ptr<bool>(alive_), groups = std::move(groups), finish = std::move(finish)] {
          if (!alive.lock()) return;
          for (const auto& group : groups) finish(*group);
          advance();
        });
  }

  void on_durable(CommitGroup& group) {
    VOUCHERD_ASSERT(!sealed_.empty() && sealed_.front().get() == &group);
    parts_.fold(group.record, group.usage, group.hashes);
    sealed_.pop_front();
    ++figures_.commit_groups;
    if (!group.usage) judge_.forget();
    for (std::uint32_t i = 0; group.usage && i < group.usage->quarantined.size(); ++i) {
      pending_bad_.erase(group.usage->quarantined[i].fingerprint);
    }
    for (auto& waiting : group.waiting) {
      waiting.reply.position = group.record.header.position;
      count(waiting.reply);
      waiting.done(std::move(waiting.reply));
    }
    if (group.exclusive_done) group.exclusive_done(Written::yes);
  }

  /// The disk is full. The open group goes too: it may hold duplicates of this one's events.
  void on_refused(CommitGroup& group) {
    VOUCHERD_ASSERT(sealed_.size() == 1 && sealed_.front().get() == &group);
    auto refused = std::move(group.waiting);
    if (open_) {
      std::move(open_->waiting.begin(), open_->waiting.end(), std::back_inserter(refused));
      take_back(*std::exchange(open_, nullptr));
      open_raw_bytes_ = 0;
    }
    take_back(group);
    const auto kept = std::exchange(sealed_, {});  // the group lives on until all are told
    last_intake_ = parts_.journal.last_intake_time();
    figures_.disk_full += refused.size();
    for (const auto& waiting : refused) refuse(waiting.done, IngestReply::Outcome::disk_full);
    if (group.exclusive_done) group.exclusive_done(Written::disk_full);
  }

  /// Forgets the last group, as if it had never been opened. Precondition: there is none behind it.
  void take_back(const CommitGroup& group) {
    --next_position_;
    if (!group.usage) return;
    for (std::size_t i = 0; i < group.hashes.size(); ++i) {
      parts_.identities.erase(group.hashes[i], group.usage->first_ordinal + i);
    }
    next_ordinal_ = group.usage->first_ordinal;
    for (const QuarantinedEvent& event : group.usage->quarantined) pending_bad_.erase(event.fingerprint);
  }

  void count(const IngestReply& reply) {
    VOUCHERD_ASSERT(reply.received == reply.accepted + reply.duplicate + reply.conflict + reply.quarantined);
    figures_.received += reply.received;
    figures_.accepted += reply.accepted;
    figures_.duplicate += reply.duplicate;
    figures_.conflict += reply.conflict;
    figures_.quarantined += reply.quarantined;
  }

  Parts parts_;
  IngestLimits limits_;
  Judge judge_;
  Position next_position_;
  EventOrdinal next_ordinal_;
  Instant last_intake_;

  std::deque<Queued> queue_;  // at most limits_.queue_bytes_max of bodies
  std::deque<Exclusive> exclusives_;
  std::shared_ptr<CommitGroup> open_;                                // being filled
  std::size_t open_raw_bytes_ = 0;                                   // of its quarantined events
  std::deque<std::shared_ptr<CommitGroup>> sealed_;                  // with the writer, in order
  std::unordered_map<std::uint64_t, QuarantineNumber> pending_bad_;  // entries of groups under way
  Position waits_for_ = 0;                                           // the last record that it depends on

  bool stopping_ = false;
  std::function<void()> drained_;
  IngestFigures figures_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  GroupWriter writer_;  // last: its thread uses the rest
};

void IngestBatch::hash_identities(std::uint64_t seed) {
  hashes.clear();
  hashes.reserve(decoded.items.size());
  for (const wire::Item& item : decoded.items) {
    hashes.push_back(identity_hash(item.event.source, item.event.id, seed));
  }
}

Sequencer::Sequencer(Parts parts, IngestLimits limits)
    : impl_(std::make_unique<Impl>(std::move(parts), limits)) {}
Sequencer::~Sequencer() = default;

void Sequencer::submit(std::unique_ptr<IngestBatch> batch, std::function<void(IngestReply)> done) {
  impl_->submit(std::move(batch), std::move(done));
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
