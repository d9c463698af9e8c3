// Everything is decided here, once: the record says what came of it, and the fold decides nothing.
#include "metering/ingest/group_filler.h"

#include <algorithm>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

constexpr std::size_t prefetch_ahead = 16;  // events between prefetching an identity's slot and looking at it
/// Memory of a group beyond which no more waiting corrections are put into it: they stay in quarantine
/// and can be released by hand. Far above what a batch brings; it keeps a record within its limit.
constexpr std::size_t released_group_bytes_max = 64u << 20;

/// Decodes a quarantined event's bytes as a batch of one item; `again` keeps what the item points into.
wire::Item decode_again(wire::Decoder& decoder, IngestBatch& again) {
  again.body.reserve(again.body.size() + wire::body_padding_bytes);
  auto decoded = decoder.decode(again.body, wire::BodyFormat::event);
  if (!decoded) return {{}, wire::Problem{ReasonCode::malformed, decoded.error().detail}, again.body};
  again.decoded = std::move(*decoded);
  VOUCHERD_ASSERT(again.decoded.items.size() == 1);
  return again.decoded.items.front();
}

std::size_t memory_bytes(const QuarantinedEvent& event) {
  return sizeof event + event.detail.size() + event.source.size() + event.id.size() + event.subject.size() +
         event.sku.size() + event.corrects_source.size() + event.corrects_id.size() + event.raw.size();
}

std::size_t memory_bytes(const IngestProblem& problem) {
  return sizeof problem + problem.source.size() + problem.id.size() + problem.detail.size();
}

/// Before anything else is judged: its sender is not to learn whether the identity is known.
bool is_refused(const wire::Item& item) {
  return item.problem && item.problem->code == ReasonCode::source_not_allowed;
}

std::string conflict_detail(Position position) {
  return "source and id are taken by an event with other content, accepted at position " +
         std::to_string(position) + "; the first stands: send a correction to change its quantity";
}

}  // namespace

GroupFiller::GroupFiller(const Sequencer::Parts& parts)
    : parts_(parts),
      judge_(parts.registry, parts.offset),
      groups_(parts.journal.last_position()),
      known_(groups_, parts.state, parts.identities, parts.blocks),
      pending_(parts.hash_seed),
      next_ordinal_(parts.state.events()),
      last_intake_(parts.journal.last_intake_time()) {}

// Groups ------------------------------------------------------------------------------------

CommitGroup& GroupFiller::open_group() {
  if (!groups_.open) {
    groups_.open = std::make_shared<CommitGroup>();
    last_intake_ = intake_now();
    groups_.open->record.header = {groups_.next_position++, last_intake_, RecordType::usage,
                                   usage_record_version};
    groups_.open->usage = std::make_shared<UsageRecord>();
    groups_.open->usage->first_ordinal = next_ordinal_;
    groups_.open->usage->sent_by(sender_);
    labels_.begin_group();
    reserve_as_before(groups_.open->usage->events);
  }
  return *groups_.open;
}

/// Under load groups follow one another, much alike: what it appends to then never moves.
void GroupFiller::reserve_as_before(EventBlock& events) const {
  if (groups_.sealed.empty() || !groups_.sealed.back()->usage) return;
  events.reserve_as(groups_.sealed.back()->usage->events);
}

void GroupFiller::sent_by(const Submitter& sender) {
  sender_ = sender;
  if (groups_.open) groups_.open->usage->sent_by(sender_);
}

std::size_t GroupFiller::open_bytes() const {
  return groups_.open ? groups_.open->usage->events.memory_bytes() + open_bad_bytes_ : 0;
}

std::size_t GroupFiller::open_events() const {
  if (!groups_.open) return 0;
  const UsageRecord& record = *groups_.open->usage;
  return record.events.size() + record.quarantined.size() + record.resent.size();
}

std::shared_ptr<CommitGroup> GroupFiller::seal() {
  VOUCHERD_ASSERT(groups_.open != nullptr);
  open_bad_bytes_ = 0;
  groups_.open->usage->events.give_back_unused();
  groups_.sealed.push_back(std::exchange(groups_.open, nullptr));
  return groups_.sealed.back();
}

std::shared_ptr<CommitGroup> GroupFiller::seal(Sequencer::Decision decision, Instant intake_time) {
  VOUCHERD_ASSERT(groups_.open == nullptr);
  last_intake_ = intake_time;
  auto group = std::make_shared<CommitGroup>();
  group->record = {{groups_.next_position++, intake_time, decision.type, decision.version},
                   std::move(decision.payload)};
  groups_.sealed.push_back(group);
  return group;
}

void GroupFiller::forget_folded() {
  const Position position = groups_.durable_position() + 1;
  const std::shared_ptr<CommitGroup> group = groups_.sealed.front();
  groups_.sealed.pop_front();
  if (group->usage) {
    forget_pending(*group, position);
  } else {
    judge_.forget();
    labels_.forget_registry();
  }
}

std::vector<std::shared_ptr<CommitGroup>> GroupFiller::take_back_all() {
  std::vector<std::shared_ptr<CommitGroup>> groups(groups_.sealed.begin(), groups_.sealed.end());
  if (groups_.open) groups.push_back(groups_.open);
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) take_back(**group);
  groups_.sealed.clear();
  groups_.open = nullptr;
  open_bad_bytes_ = 0;
  last_intake_ = parts_.journal.last_intake_time();
  return groups;
}

void GroupFiller::take_back(const CommitGroup& group) {
  const Position position = --groups_.next_position;
  if (!group.usage) return;
  for (std::size_t i = 0; i < group.hashes.size(); ++i) {
    parts_.identities.erase(group.hashes[i], group.usage->first_ordinal + i);
  }
  next_ordinal_ = group.usage->first_ordinal;
  forget_pending(group, position);
}

void GroupFiller::forget_pending(const CommitGroup& group, Position position) {
  for (std::uint32_t i = 0; i < group.usage->quarantined.size(); ++i) {
    pending_.remove(group.usage->quarantined[i], {position, i});
  }
}

// Events ------------------------------------------------------------------------------------

IngestReply GroupFiller::fill(const IngestBatch& batch) {
  const auto& items = batch.decoded.items;
  const auto& hashes = batch.hashes;
  VOUCHERD_ASSERT(hashes.size() == items.size());
  IngestReply reply;
  reply.received = items.size();
  depends_on_ = 0;
  sent_by(batch.sender);
  if (!batch.rows.empty()) labels_.expect(batch.label_generation);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i + prefetch_ahead < items.size()) parts_.identities.prefetch(hashes[i + prefetch_ahead]);
    // A row's event has an identity: nothing of the item is read for it.
    const bool row = i < batch.rows.size() && batch.rows[i].kind != 0;
    if (!row && is_refused(items[i])) {
      refuse(items[i], static_cast<std::uint32_t>(i), reply);
      continue;
    }
    const auto known = row ? known_.find(items[i].event, hashes[i]) : known_as(items[i], hashes[i]);
    if (row && !known && fill_row(batch, i)) {
      ++reply.accepted;
    } else {
      fill_item(items[i], hashes[i], known, static_cast<std::uint32_t>(i), reply);
    }
  }
  return reply;
}

IngestReply GroupFiller::rehearse(const IngestBatch& batch) {
  const Position position = groups_.durable_position();
  const Instant last_intake = last_intake_;
  const std::size_t bad_bytes = open_bad_bytes_;
  const auto kept = std::exchange(groups_.open, nullptr);
  if (kept) groups_.sealed.push_back(kept);
  IngestReply reply = fill(batch);
  if (groups_.open) take_back(*std::exchange(groups_.open, nullptr));
  if (kept) groups_.sealed.pop_back();
  groups_.open = kept;
  labels_.forget_indexes();
  open_bad_bytes_ = bad_bytes;
  last_intake_ = last_intake;
  for (IngestProblem& problem : reply.problems) {
    // Of this rehearsal, or of a group under way, which may be taken back.
    if (problem.quarantine.position > position) problem.quarantine = {};
  }
  reply.position = position;
  return reply;
}

bool GroupFiller::fill_row(const IngestBatch& batch, std::size_t i) {
  EventBlock::Row row = batch.rows[i];
  CommitGroup& group = open_group();
  if (!judge_.in_time(EventBlock::span_of(row), group.record.header.intake_time)) return false;
  const EventView& event = batch.decoded.items[i].event;  // read only where a label is new
  if (!is_registered(row, event)) return false;
  labels_.index(row, event, group.usage->events);
  const std::string_view texts = batch.row_texts;
  const std::uint32_t begin = i == 0 ? 0 : batch.rows[i - 1].text_end;
  const std::string_view id = texts.substr(begin, row.id_end - begin);
  const std::string_view job = texts.substr(row.id_end, row.text_end - row.id_end);
  accepted(group, group.usage->events.append_usage(row, id, job), batch.hashes[i]);
  if (corrections_wait()) release_waiting(event, batch.hashes[i]);
  return true;
}

bool GroupFiller::is_registered(const EventBlock::Row& row, const EventView& event) {
  std::uint8_t& firm = labels_.known_firm(row);
  std::uint8_t& sku = labels_.known_sku(row);
  if (firm == 0) firm = judge_.knows_firm(event.subject) ? 1 : 0;
  if (sku == 0) sku = judge_.knows_sku(event.sku) ? 1 : 0;
  return firm != 0 && sku != 0;
}

bool GroupFiller::corrections_wait() const {
  return parts_.state.quarantine().corrections_wait() || pending_.corrections_wait();
}

void GroupFiller::fill_item(const wire::Item& item, std::uint64_t hash,
                            const std::optional<KnownEvents::Found>& known, std::uint32_t index,
                            IngestReply& reply) {
  std::optional<wire::Problem> problem;
  switch (take(item, hash, known, problem)) {
    case Taken::accepted:
      ++reply.accepted;
      return release_waiting(item.event, hash);
    case Taken::duplicate:
      ++reply.duplicate;
      return;
    case Taken::bad:
      ++(problem->code == ReasonCode::conflict ? reply.conflict : reply.quarantined);
      return quarantine(item, std::move(*problem), index, reply);
  }
}

std::optional<KnownEvents::Found> GroupFiller::known_as(const wire::Item& item, std::uint64_t hash) const {
  if (item.event.source.empty() || item.event.id.empty()) return std::nullopt;
  return known_.find(item.event, hash);
}

GroupFiller::Taken GroupFiller::take(const wire::Item& item, std::uint64_t hash,
                                     const std::optional<KnownEvents::Found>& known,
                                     std::optional<wire::Problem>& problem) {
  const EventView& event = item.event;
  if (known) {
    if (known->same && !item.problem) {
      depend_on(groups_.position_of(known->ordinal));
      return Taken::duplicate;
    }
    problem = wire::Problem{ReasonCode::conflict, conflict_detail(known_.position_of(known->ordinal))};
    return Taken::bad;
  }
  Target target;
  problem = item.problem ? item.problem : judge(event, target);
  if (problem) return Taken::bad;
  accept(event, hash, target);
  return Taken::accepted;
}

void GroupFiller::accept(const EventView& event, std::uint64_t hash, const Target& target) {
  CommitGroup& group = open_group();
  labels_.others_follow();
  if (event.kind == EventKind::correction) group.corrected.push_back(target.span);
  accepted(group, group.usage->events.append(event, target.ordinal), hash);
}

void GroupFiller::accepted(CommitGroup& group, std::uint32_t row, std::uint64_t hash) {
  VOUCHERD_ASSERT(group.usage->first_ordinal + row == next_ordinal_);
  parts_.identities.insert(hash, next_ordinal_++);
  group.hashes.push_back(hash);
  depend_on(group.record.header.position);
}

std::optional<wire::Problem> GroupFiller::judge(const EventView& event, Target& target) {
  // The group's intake time is the record's: what is judged by it stays true of the record.
  const Instant intake = groups_.open ? groups_.open->record.header.intake_time : intake_now();
  if (event.kind == EventKind::usage) return judge_.usage(event, intake);
  EventView key;
  key.source = event.corrects_source;
  key.id = event.corrects_id;
  const auto found = known_.find(key, identity_hash(key.source, key.id, parts_.hash_seed));
  if (!found) return Judge::correction(event, nullptr);
  target.ordinal = found->ordinal;
  std::optional<wire::Problem> problem;
  known_.visit(found->ordinal, [&](const EventView& corrected) {
    problem = Judge::correction(event, &corrected);
    if (!problem) target.span = usage_span(corrected);
  });
  return problem;
}

void GroupFiller::refuse(const wire::Item& item, std::uint32_t index, IngestReply& reply) {
  ++reply.refused;
  reply.problems.push_back({index,
                            std::string(item.event.source),
                            std::string(item.event.id),
                            item.problem->code,
                            item.problem->detail,
                            {}});
}

void GroupFiller::quarantine(const wire::Item& item, wire::Problem problem, std::uint32_t index,
                             IngestReply& reply) {
  const EventView& event = item.event;
  CommitGroup& group = open_group();
  UsageRecord& record = *group.usage;
  depend_on(group.record.header.position);
  // A conflict is another entry than the same content refused before its identity was taken: that one
  // is closed when the group that took the identity is folded.
  const bool conflict = problem.code == ReasonCode::conflict;
  const std::uint64_t fingerprint = content_fingerprint(item, parts_.hash_seed) ^ (conflict ? 1U : 0U);
  std::optional<QuarantineNumber> number = known_bad(event, fingerprint);
  if (number) {
    record.resent.push_back(*number);
    open_bad_bytes_ += sizeof(QuarantineNumber);
  } else {
    number = {group.record.header.position, static_cast<std::uint32_t>(record.quarantined.size())};
    record.quarantined.push_back({problem.code, problem.detail, std::string(event.source),
                                  std::string(event.id), std::string(event.subject), std::string(event.sku),
                                  judge_.months(event, group.record.header.intake_time), "", "",
                                  std::string(item.raw), fingerprint});
    if (problem.code == ReasonCode::correction_target_unknown) {
      record.quarantined.back().corrects_source = event.corrects_source;
      record.quarantined.back().corrects_id = event.corrects_id;
    }
    pending_.add(record.quarantined.back(), *number);
    open_bad_bytes_ += memory_bytes(record.quarantined.back());
  }
  reply.problems.push_back({index, std::string(event.source), std::string(event.id), problem.code,
                            std::move(problem.detail), *number});
  open_bad_bytes_ += memory_bytes(reply.problems.back());
}

std::optional<QuarantineNumber> GroupFiller::known_bad(const EventView& event,
                                                       std::uint64_t fingerprint) const {
  if (const auto pending = pending_.find(fingerprint)) return pending;
  const auto number = parts_.state.quarantine().find_fingerprint(fingerprint);
  if (!number) return std::nullopt;
  const QuarantineEntry* entry = parts_.state.quarantine().find(*number);
  VOUCHERD_ASSERT(entry != nullptr);
  if (!is_kept_as(entry->source, event.source) || !is_kept_as(entry->id, event.id)) return std::nullopt;
  return number;
}

// Release ---------------------------------------------------------------------------------

void GroupFiller::release_waiting(const EventView& event, std::uint64_t hash) {
  if (event.kind != EventKind::usage || !corrections_wait()) return;
  std::vector<QuarantineNumber> waiting = parts_.state.quarantine().waiting_for(event.source, event.id);
  const auto pending = pending_.waiting_for(hash);
  waiting.insert(waiting.end(), pending.begin(), pending.end());
  if (waiting.empty()) return;
  const Submitter sender = sender_;
  for (const QuarantineNumber number : waiting) {
    if (open_group().usage->events.memory_bytes() > released_group_bytes_max) break;
    // The entry is closed by its identity, when the record is folded.
    std::optional<wire::Problem> still_bad;
    sent_by(known_.submitter_of(number));
    IngestBatch again;
    const wire::Item item = read_again(number, again);
    const std::uint64_t own_hash = identity_hash(item.event.source, item.event.id, parts_.hash_seed);
    take(item, own_hash, known_as(item, own_hash), still_bad);
  }
  sent_by(sender);
}

ReleaseReply GroupFiller::release(const std::vector<QuarantineNumber>& numbers,
                                  const Sequencer::Releaser& by) {
  ReleaseReply reply;
  depends_on_ = 0;
  const EventOrdinal own_from = next_ordinal_;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    release_entry(numbers[i], static_cast<std::uint32_t>(i), own_from, by, reply);
  }
  return reply;
}

void GroupFiller::release_entry(QuarantineNumber number, std::uint32_t index, EventOrdinal own_from,
                                const Sequencer::Releaser& by, ReleaseReply& reply) {
  const QuarantineEntry* entry = parts_.state.quarantine().find(number);
  if (entry == nullptr) {
    ++reply.unknown;
    return;
  }
  sent_by(known_.submitter_of(number));
  IngestBatch again;
  const wire::Item item = read_again(number, again);
  const EventView& event = item.event;
  const std::uint64_t hash = identity_hash(event.source, event.id, parts_.hash_seed);
  const auto known = known_as(item, hash);
  const bool own = known && known->ordinal >= own_from && known->same && !item.problem;
  const Position taken_by = known ? groups_.position_of(known->ordinal) : 0;
  if (taken_by != 0 && !own && entry->code != ReasonCode::conflict) {
    // A record under way takes its identity, and so closes it: the answer is the one that the fold of that
    // record would give a moment later.
    depend_on(taken_by);
    ++reply.unknown;
    return;
  }
  std::optional<wire::Problem> problem;
  const Taken taken = take(item, hash, known, problem);
  if (taken == Taken::bad) {
    ++reply.still_quarantined;
    reply.problems.push_back({index, std::string(event.source), std::string(event.id), problem->code,
                              std::move(problem->detail), number});
    return;
  }
  if (taken == Taken::accepted) release_waiting(event, hash);
  ++reply.released;
  CommitGroup& group = open_group();
  group.usage->released.push_back({number, by.kind, by.id});
  depend_on(group.record.header.position);
}

wire::Item GroupFiller::read_again(QuarantineNumber number, IngestBatch& again) {
  again.body = known_.bytes_of(number);
  return decode_again(decoder_, again);
}

}  // namespace voucherd
