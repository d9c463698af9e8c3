// The engine: journal, state, ledger and sequencer put together and kept in step, without
// sockets. The daemon's API, the tests and `voucherctl journal check` all drive this.
//
// One owner thread calls everything; `post` brings the writer's completions back to it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "billing/ledger/ledger.h"
#include "config/options.h"
#include "daemon/access/token_book.h"
#include "daemon/engine/tree_heads.h"
#include "metering/core/clock.h"
#include "metering/ingest/decode_thread.h"
#include "metering/ingest/sequencer.h"
#include "metering/journal/journal.h"
#include "metering/proof/tree.h"
#include "metering/state/known_identities.h"

namespace voucherd {

/// What a check of a data directory found.
struct CheckReport {
  Position last_position = 0;
  std::uint64_t events = 0;
  std::uint64_t checkpoints = 0;         // compared
  std::vector<std::string> differences;  // empty: all is well
  std::string tree_root;
  std::uint64_t signed_size = 0;  // of the last signed head; 0: there is none
};

class Engine {
 public:
  using PostToOwner = Sequencer::PostToOwner;
  using Fatal = Sequencer::Fatal;
  using ObserveCommit = Sequencer::ObserveCommit;

  /// Opens the directory (creating the journal with its genesis record where there is none), loads the
  /// newest checkpoint and folds the tail. Faults as Journal::open's, and "genesis_differs" where the
  /// configuration's provider, offset or currency are not the journal's; those of TreeHeads::open() and
  /// start() where the journal is not the one that was signed.
  static Result<std::unique_ptr<Engine>> open(const config::Options& options, const Clock& clock,
                                              PostToOwner post, Fatal fatal,
                                              ObserveCommit observe_commit = {});
  /// Drains; signs the last records; saves a checkpoint.
  ~Engine();

  // Ingest
  /// Decodes and submits. `done` runs on the owner thread, exactly once; with the fault where the body
  /// can't be read at all.
  using IngestDone = std::function<void(boost::system::result<IngestReply, wire::BodyFault>)>;
  /// Events from elsewhere than `source` and what lies below it are refused; "": none are.
  /// The journal says that they were sent by `by`.
  void ingest(std::string body, wire::BodyFormat format, const std::string& source, const billing::Actor& by,
              IngestDone done);
  /// What ingest() would answer, without keeping anything.
  void rehearse(std::string body, wire::BodyFormat format, const std::string& source, IngestDone done);
  void drain(std::function<void()> drained);

  // Quarantine
  void release(std::vector<QuarantineNumber> numbers, const billing::Actor& by,
               std::function<void(ReleaseReply)> done);
  struct DismissReply {
    std::optional<billing::Refusal>
        refusal;  // 404: no such entry; 503: the clock is behind; 507: the disk is full
    Position position = 0;
  };
  /// Closes an entry for good. `reason` is not empty (asserted).
  void dismiss(QuarantineNumber number, const billing::Actor& by, std::string reason,
               std::function<void(DismissReply)> done);

  // Billing. `done` runs on the owner thread after the record is durable and folded.
  struct ChangeReply {
    std::optional<billing::Refusal> refusal;  // also 503: the clock is behind; 507: the disk is full
    std::vector<bool> created;
    Position position = 0;  // of the record; where nothing changed, the last one
  };
  void change_facts(std::vector<billing::FactChange> changes, billing::Actor by, std::string reason,
                    std::optional<std::string> if_match, std::function<void(ChangeReply)> done);
  struct CloseReply {
    std::optional<billing::Refusal> refusal;
    std::optional<billing::ClosedPeriod> closed;
  };
  void close_period(Month period, billing::Actor by, std::string reason,
                    std::function<void(CloseReply)> done);

  // Proofs. A close is answered once a head that covers it is signed, or could not be: heads().fault().
  TreeHeads& heads();
  const TreeHeads& heads() const;
  ProofReader& proofs();
  const Chains& chains() const;
  const MerkleTree& tree() const;  // of durable records: it may be ahead of the signed head

  // Who may do what
  struct TokenReply {
    std::optional<billing::Refusal> refusal;  // also 503: the clock is behind; 507: the disk is full
    bool created = false;
    Position position = 0;  // of the record; where nothing changed, the last one
  };
  void change_token(access::TokenChange change, billing::Actor by, std::function<void(TokenReply)> done);

  // Reads: durable positions only
  const access::TokenBook& tokens() const;
  const billing::Ledger& ledger() const;
  const UsageState& usage() const;
  const Genesis& genesis() const;
  Position position() const;      // of the last folded record
  std::string tree_root() const;  // hex, at position()
  Instant last_intake_time() const;
  /// The intake time that a record would have now.
  Instant now() const;
  bool clock_behind() const;
  /// Processor time spent on checkpoints since the start.
  double checkpoint_cpu_seconds() const;
  const IngestFigures& ingest_figures() const;
  const Journal& journal() const;
  IdentityFigures identity_figures() const;
  /// The accepted event with this identity and its place, if durable.
  bool find_event(std::string_view source, std::string_view id,
                  const std::function<void(const EventView&, EventPlace, Instant received_at)>& visit) const;
  /// The first position from `from` on whose record may hold events of the firm on these days (of a
  /// correction: the days of what it corrects); nullopt: none from there on.
  std::optional<Position> next_candidate(Position from, std::string_view firm, DayRun days) const;
  /// The accepted events of the firm in the record at `position` from `index` on, until `visit` returns
  /// false: usage of the SKU where one is given, and the firm's corrections whatever their SKU. `corrected`
  /// is what a correction corrects. Returns the number of all accepted events there; 0 where it is no usage
  /// record.
  using VisitEvent = std::function<bool(const EventView&, EventPlace, Instant received_at,
                                        std::optional<EventOrdinal> corrected)>;
  std::uint32_t visit_record(Position position, std::uint32_t index, std::string_view firm,
                             const std::optional<std::string>& sku, const VisitEvent& visit) const;
  /// Precondition (asserted): ordinal < usage().events().
  void visit_event(EventOrdinal ordinal,
                   const std::function<void(const EventView&, EventPlace, Instant received_at)>& visit) const;
  /// Who sent what the record at `position` holds; nobody where it is no usage record.
  Submissions submissions_of(Position position) const;
  /// The ordinal of the event at `place`, which is there (asserted).
  EventOrdinal ordinal_of(EventPlace place) const;
  /// Runs the next part of a long read on the owner thread. All long reads take turns: between two parts,
  /// whatever else waits for the thread is done. One that throws is dropped, with what it owes; it must
  /// change nothing of the engine's.
  void later(std::function<void()> part) const;
  /// Called with what went wrong in making an answer (an exception in a `done` above, or in a part of a long
  /// read), for the log. The engine goes on: its own state is not touched there.
  void on_answer_failure(std::function<void(const Fault&)> report);

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Folds a stopped daemon's directory from the first record and compares with every checkpoint,
/// byte for byte, and with the identities on disk, all of them. Writes nothing.
/// `before_record`, where given, sees the fold before each record, and ends the check with a Fault.
class Fold;
using SeeRecord = std::function<Result<void>(const Fold& before, const Record& record)>;
Result<CheckReport> check_directory(const std::string& directory, const SeeRecord& before_record = {});

}  // namespace voucherd
