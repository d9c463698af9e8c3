// Opening, the fold behind the writer, checkpoints behind the fold.
#include "daemon/engine/engine.h"

#include <algorithm>

#include "daemon/engine/checkpointer.h"
#include "daemon/engine/first_record.h"
#include "daemon/engine/fold.h"
#include "daemon/engine/folders.h"
#include "daemon/engine/turns.h"
#include "metering/core/assert.h"
#include "metering/proof/payload_parts.h"
#include "metering/state/event_columns.h"
#include "metering/state/quarantine_dismissal.h"

namespace voucherd {

namespace {

/// What ingest must know, read from the ledger's facts.
class LedgerRegistry final : public Registry {
 public:
  explicit LedgerRegistry(const Fold& fold) : fold_(fold) {}
  bool knows_firm(std::string_view uscc) const override { return fold_.ledger().knows_firm(uscc); }
  bool knows_sku(std::string_view sku) const override { return fold_.ledger().knows_sku(sku); }
  Instant accept_from() const override {
    return start_of(fold_.ledger().facts().accept_from, fold_.genesis().offset);
  }

 private:
  const Fold& fold_;
};

billing::Refusal clock_refusal() {
  return {503,
          "The clock is behind",
          "the host's clock stands more than 5 minutes behind the last record; set it right and try again",
          {}};
}

billing::Refusal disk_refusal() {
  return {507, "The disk is full", "nothing of this change was kept; free some space and try again", {}};
}

/// The one thing that is drawn and not decided: the secret that hides a record's parts from each other.
Sequencer::Decision in_parts(RecordType type, const PayloadParts& content) {
  return {true, type, payload_in_parts_version, seal(content, draw_record_secret())};
}

}  // namespace

struct Engine::Impl {
  Impl(std::unique_ptr<Journal> opened, const Genesis& genesis, const config::Options& opts)
      : options(opts),
        journal(std::move(opened)),
        identities(IdentityBudget::of(opts.identity_bytes_max), opts.directory + runs_folder,
                   genesis.hash_seed),
        fold(*journal, genesis, opts.event_cache_bytes, &identities),
        registry(fold),
        proofs(*journal, fold.tree(), [this](std::function<void()> task) { post(std::move(task)); }),
        checkpointer(
            opts.directory + checkpoint_folder, fold,
            {opts.checkpoint_every_events, opts.checkpoint_every_records, opts.checkpoint_cpu_percent}) {}

  /// The tree must be the one that was signed last; what came since is signed.
  Result<void> open_heads() {
    TreeHeadFiles files{options.directory + proof_folder, options.signing_key_file};
    if (files.key_file.empty()) files.key_file = files.directory + "/signing-key.pem";
    const std::string origin =
        options.audit_origin.empty() ? "voucherd/" + fold.genesis().provider_uscc : options.audit_origin;
    auto opened = TreeHeads::open(std::move(files), origin);
    if (!opened) return opened.error();
    heads = std::move(*opened);
    auto started =
        heads->start(fold.tree(), proofs, [this](std::function<void()> task) { post(std::move(task)); });
    if (!started) heads.reset();  // nothing is to be signed any more
    return started;
  }

  Result<void> catch_up() {
    identities.open();  // what it can't take is built again
    if (auto loaded = checkpointer.load(journal->last_position()); !loaded) return loaded;
    auto folded = journal->scan(fold.position() + 1, [this](Record&& record) {
      auto replayed = fold.replay(record);
      if (replayed) checkpointer.after_record();  // a long way is not gone twice
      return replayed;
    });
    if (!folded) return folded;
    return identities.loaded() ? Result<void>() : load_identities_again();
  }

  /// The runs are not this journal's: the hashes of all events, from the records themselves.
  Result<void> load_identities_again() {
    identities.forget();
    identities.expect(fold.usage().events());
    return journal->scan(1, [this](Record&& record) -> Result<void> {
      if (record.header.type != RecordType::usage) return {};
      const auto usage = UsageRecord::decode(record.payload, record.header.version);
      VOUCHERD_ASSERT(usage.has_value());  // it has been folded
      return identities.load(identity_hashes(*usage, fold.genesis().hash_seed), usage->first_ordinal);
    });
  }

  void start(const Clock& host_clock, PostToOwner to_owner, Fatal fatal, ObserveCommit observe_commit) {
    clock = &host_clock;
    post = to_owner;
    turns = std::make_unique<Turns>(post);
    decoder = std::make_unique<DecodeThread>(post, fold.genesis().hash_seed, options.queue_bytes_max);
    IngestLimits limits;
    limits.queue_bytes_max = options.queue_bytes_max;
    limits.group_events_max = static_cast<std::uint32_t>(options.group_events_max);
    sequencer = std::make_unique<Sequencer>(
        Sequencer::Parts{*journal, host_clock, fold.usage(), identities, fold.blocks(), registry,
                         fold.genesis().hash_seed, fold.genesis().offset, std::move(to_owner),
                         [this](const Record& record, std::shared_ptr<const UsageRecord> usage,
                                std::span<const std::uint64_t> hashes, const RecordProof& proof) {
                           fold.apply(record, usage, hashes, proof);
                           checkpointer.after_record();
                         },
                         std::move(fatal), std::move(observe_commit)},
        limits);
  }

  /// Decodes within the queue's limit (a body is not refused by its own size alone); then `next`, unless the
  /// body can't be read.
  void decode(std::string body, wire::BodyFormat format, const std::string& source, IngestDone done,
              std::function<void(std::unique_ptr<IngestBatch>, const IngestDone&)> next) {
    if (decoder->bytes() > 0 &&
        decoder->bytes() + sequencer->figures().queue_bytes + body.size() > options.queue_bytes_max) {
      sequencer->count_overloaded();
      IngestReply reply;
      reply.outcome = IngestReply::Outcome::overloaded;
      return done(std::move(reply));
    }
    decoder->decode(std::move(body), format, source,
                    [done = std::move(done), next = std::move(next)](std::unique_ptr<IngestBatch> batch,
                                                                     std::optional<wire::BodyFault> fault) {
                      if (fault) return done(std::move(*fault));
                      next(std::move(batch), done);
                    });
  }

  /// What makes an answer out of a reply may throw (no memory, a bug). That must neither end the daemon nor
  /// unwind through what has just become durable: whoever waits for that answer goes without.
  template <class... Reply>
  std::function<void(Reply...)> guarded(std::function<void(Reply...)> done) {
    return [this, done = std::move(done)](Reply... reply) {
      try {
        done(std::forward<Reply>(reply)...);
      } catch (const std::exception& error) {
        if (report) report({"answer_failed", std::string("making an answer threw: ") + error.what()});
      }
    };
  }

  /// Runs `decide` unless the clock is behind; `done` finds the refusal in `reply`, also that of a full disk.
  template <class Reply>
  void exclusive(std::shared_ptr<Reply> reply,
                 std::function<Sequencer::Decision(const Sequencer::Slot&)> decide,
                 std::function<void()> done) {
    sequencer->exclusive(
        [reply, decide = std::move(decide)](const Sequencer::Slot& slot) -> Sequencer::Decision {
          if (!slot.clock_behind) return decide(slot);
          reply->refusal = clock_refusal();
          return {};
        },
        [reply, done = std::move(done)](Sequencer::Written written) {
          if (written == Sequencer::Written::disk_full) reply->refusal = disk_refusal();
          done();
        });
  }

  ~Impl() {
    decoder.reset();
    sequencer.reset();
    // What can't be signed now is signed at the next start, if it still is what was signed before.
    if (heads != nullptr) static_cast<void>(heads->stop());
  }

  config::Options options;
  std::unique_ptr<Journal> journal;
  KnownIdentities identities;
  Fold fold;
  LedgerRegistry registry;
  ProofReader proofs;
  std::unique_ptr<TreeHeads> heads;
  Checkpointer checkpointer;
  PostToOwner post;
  const Clock* clock = nullptr;
  std::unique_ptr<Sequencer> sequencer;
  std::unique_ptr<DecodeThread> decoder;
  std::function<void(const Fault&)> report;
  std::unique_ptr<Turns> turns;
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(const config::Options& options, const Clock& clock,
                                             PostToOwner post, Fatal fatal, ObserveCommit observe_commit) {
  auto journal = Journal::open({options.directory, static_cast<std::size_t>(options.block_cache_bytes),
                                static_cast<std::size_t>(options.write_buffer_bytes)});
  if (!journal) return journal.error();
  if ((*journal)->last_position() == 0) {
    if (auto written = write_genesis(**journal, options, clock.now()); !written) return written.error();
  }
  const auto genesis = read_genesis(**journal);
  if (!genesis) return genesis.error();
  if (auto fault = compare_genesis(*genesis, options)) return *fault;
  auto impl = std::make_unique<Impl>(std::move(*journal), *genesis, options);
  if (auto caught_up = impl->catch_up(); !caught_up) return caught_up.error();
  if (auto signed_before = impl->open_heads(); !signed_before) return signed_before.error();
  impl->start(clock, std::move(post), std::move(fatal), std::move(observe_commit));
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

void Engine::ingest(std::string body, wire::BodyFormat format, const std::string& source,
                    const billing::Actor& by, IngestDone done) {
  impl_->decode(std::move(body), format, source, impl_->guarded(std::move(done)),
                [this, by](std::unique_ptr<IngestBatch> batch, const IngestDone& reply) {
                  batch->sender = {by.kind, by.id};
                  impl_->sequencer->submit(std::move(batch),
                                           [reply](IngestReply ingested) { reply(std::move(ingested)); });
                });
}

void Engine::rehearse(std::string body, wire::BodyFormat format, const std::string& source, IngestDone done) {
  impl_->decode(std::move(body), format, source, impl_->guarded(std::move(done)),
                [this](const std::unique_ptr<IngestBatch>& batch, const IngestDone& reply) {
                  reply(impl_->sequencer->rehearse(*batch));
                });
}

void Engine::drain(std::function<void()> drained) { impl_->sequencer->drain(std::move(drained)); }

void Engine::release(std::vector<QuarantineNumber> numbers, const billing::Actor& by,
                     std::function<void(ReleaseReply)> done) {
  impl_->sequencer->release(std::move(numbers), {by.kind, by.id}, impl_->guarded(std::move(done)));
}

void Engine::dismiss(QuarantineNumber number, const billing::Actor& by, std::string reason,
                     std::function<void(DismissReply)> done) {
  VOUCHERD_ASSERT(!reason.empty());
  auto reply = std::make_shared<DismissReply>();
  auto decide = [this, reply, dismissal = QuarantineDismissal{{number}, by.kind, by.id, std::move(reason)}](
                    const Sequencer::Slot& slot) -> Sequencer::Decision {
    const QuarantineNumber wanted = dismissal.numbers.front();
    if (impl_->fold.usage().quarantine().find(wanted) == nullptr) {
      reply->refusal = {404,
                        "Not found",
                        "the quarantine holds no entry " + to_string(wanted) +
                            "; it was released or dismissed, or it never was",
                        {}};
    }
    if (reply->refusal) return {};
    reply->position = slot.position;
    return {true, RecordType::quarantine_dismissed, 1, dismissal.encode()};
  };
  impl_->exclusive(reply, std::move(decide),
                   [reply, done = impl_->guarded(std::move(done))] { done(std::move(*reply)); });
}

void Engine::change_facts(std::vector<billing::FactChange> changes, billing::Actor by, std::string reason,
                          std::optional<std::string> if_match, std::function<void(ChangeReply)> done) {
  auto reply = std::make_shared<ChangeReply>();
  auto decide = [this, reply, changes = std::move(changes), by = std::move(by), reason = std::move(reason),
                 if_match = std::move(if_match)](const Sequencer::Slot& slot) -> Sequencer::Decision {
    auto judged = impl_->fold.ledger().judge_facts(changes, by, reason, if_match);
    reply->refusal = std::move(judged.refusal);
    reply->created = std::move(judged.created);
    reply->position = impl_->fold.position();
    if (reply->refusal || judged.payload.empty()) return {};
    reply->position = slot.position;
    return in_parts(RecordType::facts, judged.payload);
  };
  impl_->exclusive(reply, std::move(decide),
                   [reply, done = impl_->guarded(std::move(done))] { done(std::move(*reply)); });
}

void Engine::close_period(Month period, billing::Actor by, std::string reason,
                          std::function<void(CloseReply)> done) {
  auto reply = std::make_shared<CloseReply>();
  auto decide = [this, reply, period, by = std::move(by),
                 reason = std::move(reason)](const Sequencer::Slot& slot) -> Sequencer::Decision {
    auto judged =
        impl_->fold.ledger().judge_close(period, by, reason, slot.intake_time, impl_->fold.chains());
    reply->refusal = std::move(judged.refusal);
    reply->closed = std::move(judged.already);
    if (reply->refusal || reply->closed) return {};
    return in_parts(RecordType::close, judged.payload);
  };
  impl_->exclusive(reply, std::move(decide), [this, reply, period, done = impl_->guarded(std::move(done))] {
    if (reply->refusal || reply->closed) return done(std::move(*reply));
    reply->closed = impl_->fold.ledger().closed(period);
    // Closed it is, signed or not: what hinders the signature is told elsewhere.
    impl_->heads->sign([reply, done](const Result<void>&) { done(std::move(*reply)); });
  });
}

TreeHeads& Engine::heads() { return *impl_->heads; }
const TreeHeads& Engine::heads() const { return *impl_->heads; }
ProofReader& Engine::proofs() { return impl_->proofs; }
const MerkleTree& Engine::tree() const { return impl_->fold.tree(); }
const Chains& Engine::chains() const { return impl_->fold.chains(); }

void Engine::change_token(access::TokenChange change, billing::Actor by,
                          std::function<void(TokenReply)> done) {
  auto reply = std::make_shared<TokenReply>();
  auto decide = [this, reply, change = std::move(change),
                 by = std::move(by)](const Sequencer::Slot& slot) -> Sequencer::Decision {
    const access::TokenBook& tokens = impl_->fold.tokens();
    auto judged = tokens.judge(change, by, slot.intake_time);
    reply->refusal = std::move(judged.refusal);
    reply->created = tokens.find(change.id) == nullptr;
    reply->position = impl_->fold.position();
    if (reply->refusal || judged.payload.empty()) return {};
    reply->position = slot.position;
    return {true, RecordType::token, access::token_record_version, std::move(judged.payload)};
  };
  impl_->exclusive(reply, std::move(decide),
                   [reply, done = impl_->guarded(std::move(done))] { done(std::move(*reply)); });
}

const access::TokenBook& Engine::tokens() const { return impl_->fold.tokens(); }
const billing::Ledger& Engine::ledger() const { return impl_->fold.ledger(); }
const UsageState& Engine::usage() const { return impl_->fold.usage(); }
const Genesis& Engine::genesis() const { return impl_->fold.genesis(); }
Position Engine::position() const { return impl_->fold.position(); }
std::string Engine::tree_root() const { return to_hex(impl_->fold.tree().root()); }
Instant Engine::last_intake_time() const { return impl_->journal->last_intake_time(); }
Instant Engine::now() const { return std::max(impl_->clock->now(), last_intake_time()); }
bool Engine::clock_behind() const { return impl_->sequencer->clock_behind(); }
double Engine::checkpoint_cpu_seconds() const { return impl_->checkpointer.cpu_seconds(); }
const IngestFigures& Engine::ingest_figures() const { return impl_->sequencer->figures(); }
const Journal& Engine::journal() const { return *impl_->journal; }
IdentityFigures Engine::identity_figures() const { return impl_->identities.figures(); }

bool Engine::find_event(std::string_view source, std::string_view id,
                        const std::function<void(const EventView&, EventPlace, Instant)>& visit) const {
  Fold& fold = impl_->fold;
  return impl_->identities.find(
      identity_hash(source, id, fold.genesis().hash_seed), [&](EventOrdinal ordinal) {
        if (ordinal >= fold.usage().events()) return false;  // not durable yet
        bool same = false;
        visit_event(ordinal, [&](const EventView& event, EventPlace place, Instant at) {
          same = event.source == source && event.id == id;
          if (same) visit(event, place, at);
        });
        return same;
      });
}

std::optional<Position> Engine::next_candidate(Position from, std::string_view firm, DayRun days) const {
  return impl_->fold.usage().ranges().next(from, firm, days);
}

std::uint32_t Engine::visit_record(Position position, std::uint32_t index, std::string_view firm,
                                   const std::optional<std::string>& sku, const VisitEvent& visit) const {
  // Not through the cache: a long listing would push out what duplicates and corrections need.
  std::uint32_t size = 0;
  const auto visit_payload = [&](const RecordHeader& header, std::string_view payload) {
    if (header.type != RecordType::usage) return;
    const auto columns = EventColumns::open(payload, header.version);
    VOUCHERD_ASSERT(columns.has_value());
    size = columns->size();
    const std::string_view wanted = sku ? *sku : std::string_view();
    const auto rows = columns->rows_of(firm, sku ? &wanted : nullptr);
    VOUCHERD_ASSERT(rows.has_value());
    std::optional<EventBlock> events;
    std::uint32_t group = 0;
    for (const std::uint32_t row : *rows) {
      if (row < index) continue;
      if (!events || row / columns->rows_per_group() != group) {
        group = row / columns->rows_per_group();
        events = columns->read(group, 1, RowParts::all).value();
      }
      const std::uint32_t within = row - group * columns->rows_per_group();
      const EventView event = events->at(within);
      std::optional<EventOrdinal> corrected;
      if (event.kind == EventKind::correction) corrected = events->corrected(within);
      if (!visit(event, {position, row}, header.intake_time, corrected)) return;
    }
  };
  VOUCHERD_ASSERT(impl_->journal->read_in_place(position, visit_payload).has_value());
  return size;
}

void Engine::visit_event(EventOrdinal ordinal,
                         const std::function<void(const EventView&, EventPlace, Instant)>& visit) const {
  const EventPlace place = impl_->fold.usage().place_of(ordinal);
  impl_->fold.blocks().visit(
      place, [&](const EventView& event, Instant received_at) { visit(event, place, received_at); });
}

Submissions Engine::submissions_of(Position position) const {
  Submissions submissions;
  const auto read = [&](const RecordHeader& header, std::string_view payload) {
    if (header.type != RecordType::usage) return;
    submissions = UsageRecord::submissions_of(payload, header.version).value();
  };
  VOUCHERD_ASSERT(impl_->journal->read_in_place(position, read).has_value());
  return submissions;
}

EventOrdinal Engine::ordinal_of(EventPlace place) const { return impl_->fold.usage().ordinal_of(place); }

void Engine::later(std::function<void()> part) const { impl_->turns->take(std::move(part)); }

void Engine::on_answer_failure(std::function<void(const Fault&)> report) {
  impl_->turns->on_failure(report);
  impl_->report = std::move(report);
}

}  // namespace voucherd
