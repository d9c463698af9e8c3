// What the ledger holds (private to this room). Two layers: what the fold has gathered, which
// is saved in checkpoints; and per firm what is derived from it and from the usage totals,
// which is a cache and never saved.
#pragma once

#include <nlohmann/json.hpp>
#include <set>

#include "billing/ledger/ledger.h"

namespace voucherd::billing {

/// One close, by the month that it was asked for; months before it were closed along.
struct CloseEntry {
  Month first;  // of the months that it closed
  Position position = 0;
  Instant at;
  Actor by;
  std::string reason;
  std::string root;
  std::map<Month, PeriodTotals> totals;  // of months with statements
};

/// What closed statements have used, and so is immutable (rules §6).
struct Used {
  std::set<PriceBookVersion> price_books;
  std::set<ContractNumber> contracts;
  std::set<SkuId> skus;
  std::optional<Month> first_month;  // the earliest usage month on a closed line
};

/// Counts changes, so that what is derived knows what it was derived from.
struct Versions {
  std::uint64_t shared = 0;  // of price books, SKUs and policies: they concern everyone
  std::uint64_t closes = 0;
  std::map<FirmId, std::uint64_t> of_firm;  // of the firm's own fact, contracts and awards
};

/// All that is derived of one firm at one state of usage, facts and closes. A close makes its
/// statements anew, but what has been rated stays.
struct FirmView {
  std::vector<std::uint64_t> stamp;  // what usage was rated by: see stamp_of()
  RatedUsage rated;
  std::optional<Month> first_usage, last_usage;
  std::map<std::string, Quantity> accepted_by_kind;
  // Rests on closes and predecessors too:
  std::vector<std::uint64_t> statements_stamp;
  std::map<Month, Statement> open;     // open statements asked for so far
  std::optional<Month> years_through;  // of `years`
  std::vector<SubsidyYear> years;      // the years' targets, computed apart from the statements
};

/// One change on its way through the judge.
struct DraftChange {
  FactKind kind{};
  std::string key;
  std::string prefix;          // of its pointers: "" where the call has one change, else "/<index>"
  std::optional<Fact> fact;    // nullopt: couldn't be read
  std::optional<Fact> faulty;  // then: what of it could be, the rest empty; its references are judged
  std::optional<Origin> origin;
  bool created = false;
  bool differs = false;  // from what is in force
};

/// A call of the judge: its changes, and the facts as they would be.
struct DraftCall {
  std::vector<DraftChange> changes;
  Facts after;
  std::optional<Refusal> refusal;  // of what is wrong in itself
  bool differs() const;
};

/// A close record's payload; FORMAT.md in metering/journal describes it.
struct ClosePayload {
  Month first, period;
  Actor by;
  std::string reason;
  struct Frozen {
    Month month;
    FirmId firm;
    std::string canonical;
  };
  std::vector<Frozen> statements;  // by month, then firm
};

struct LedgerState {
  LedgerState(StatementHead h, const UsageState& u) : head(std::move(h)), usage(u) {}

  StatementHead head;
  const UsageState& usage;

  // Gathered by the fold.
  Facts facts;
  std::map<FactKind, std::map<std::string, std::vector<FactVersion>>> histories;
  std::map<Month, CloseEntry> closes;
  std::map<Month, std::map<FirmId, std::string>> statements;  // closed, canonical bytes
  std::map<FirmId, Billed> billed;
  std::map<FirmId, Fen> billed_gross;  // the closed statements' own totals: not added up from lines
  Used used;

  // Derived; valid while the stamps are.
  Versions versions;
  mutable std::map<FirmId, FirmView> views;

  // The fold (ledger_fold.cpp)
  /// False where the body can't be read.
  bool fold_fact(FactKind kind, const std::string& key, const nlohmann::json& body, FactVersion version);
  /// A change of a record in parts or before them; `version` is as the record says.
  void fold_change(const nlohmann::json& change, FactVersion version);
  void fold_facts(const Record& record);
  /// Puts `fact` into force and counts whom that concerns.
  void take(const Fact& fact);
  void fold_close(std::string_view payload, const RecordHeader& header, const std::string& root);
  /// Adds a frozen statement to what is billed. False where its bytes can't be read.
  bool freeze(Month period, const FirmId& firm, std::string canonical, CloseEntry& close);

  // Derivation (firm_view.cpp)
  std::set<FirmId> predecessors_of(const FirmId& firm, const Facts& by) const;
  std::vector<UsageOfDay> usage_of(const FirmId& firm) const;
  /// Without the firm's own usage: whoever asks has it rated.
  FirmAccount account_of(const FirmId& firm, const Facts& by) const;
  /// Of the firm's rated usage: versions of the facts and of the usage that it rests on.
  std::vector<std::uint64_t> stamp_of(const FirmId& firm) const;
  std::vector<std::uint64_t> statements_stamp_of(const FirmId& firm) const;
  FirmView& view_of(const FirmId& firm) const;
  /// Precondition: `period` is open. The statement may be empty.
  const Statement& statement_of(const FirmId& firm, Month period) const;
  /// Each year's target for the usage months up to `through`; years without usage and grants left out.
  const std::vector<SubsidyYear>& years_of(const FirmId& firm, Month through) const;
  /// What of a year's cap is left to come, awards under other policies taken off (rules §5: the firm is
  /// topped up to the higher of the two); at or below 0 it is used up.
  struct CapLeft {
    Fen left, other_awards;
    bool used_up = false;  // false without eligible usage
  };
  CapLeft cap_left_of(const FirmId& firm, const SubsidyYear& year) const;
  /// Firms with usage or with closed statements, in order.
  std::vector<FirmId> firms() const;
  std::optional<Month> closed_through() const;
  bool is_closed(Month period) const { return closed_through() && period <= *closed_through(); }
  /// The open months in which a line or a subsidy difference can stand: from the first open month
  /// (with usage, where none is closed) to the last with usage; nullopt where there are none.
  struct MonthRange {
    Month first, last;
  };
  std::optional<MonthRange> open_months() const;

  // Reads of facts (ledger_reads.cpp)
  const std::vector<FactVersion>* history(FactKind kind, const std::string& key) const;
  std::string etag_of(FactKind kind, const std::string& key) const;

  // Judging
  /// Reads the bodies and compares them with what is in force (fact_judge.cpp).
  std::vector<DraftChange> read_changes(const std::vector<FactChange>& changes,
                                        std::vector<FieldFault>& faults) const;
  /// All that can be said of changes without a look at what is closed (fact_judge.cpp).
  DraftCall draft_of(const std::vector<FactChange>& changes, const Actor& by, const std::string& reason,
                     const std::optional<std::string>& if_match) const;
  /// Why closed statements forbid changes that are right in themselves (fact_judge.cpp).
  std::optional<Refusal> forbidden_by_closed(const DraftCall& call) const;
  /// Numbers of the closed statements of which a figure would differ, in order (fact_judge.cpp).
  std::vector<std::string> closed_statements_of(const DraftCall& call) const;
  /// True where a change would make a closed figure differ and no reason goes with it (fact_judge.cpp).
  bool lacks_reason(const DraftCall& call, const std::string& reason) const;
  /// Open statements that would change (fact_preview.cpp).
  std::vector<StatementChange> changed_statements(const DraftCall& call) const;
  /// Why the month can't be closed, but for its end; without what a reason signs off, where
  /// `signed_off` (close.cpp).
  std::vector<FieldFault> close_obstacles(Month period, bool signed_off) const;
  /// The close record's content, and the closed month's totals (close.cpp).
  ClosePayload freeze_months(Month period, const Actor& by, const std::string& reason, Instant at,
                             PeriodTotals& totals) const;
  /// What the close says of each firm, to be shown apart from the others (close_parts.cpp).
  std::vector<std::string> close_parts(const ClosePayload& close, const Chains& chains) const;
  /// Of the facts that the firm's statements of months up to `through` rest on (close_parts.cpp).
  Sha256Hash facts_digest_of(const FirmId& firm, Month through) const;
  /// Closed statements of which a figure would differ with `changes` (fact_closed.cpp).
  using Concerned = std::set<std::pair<Month, FirmId>>;
  Concerned concerned_by(const std::vector<DraftChange>& changes, const Facts& after) const;
  /// Whom a change can concern at all: everyone, or these firms and those that succeed them.
  struct Affected {
    bool everyone = false;
    std::set<FirmId> firms;
  };
  /// In closed months, where awards need no reason; or in open ones.
  enum class In { closed_months, open_months };
  Affected affected_by(const std::vector<DraftChange>& changes, In months) const;
  /// `before` and `after`: a firm that begins or ceases to succeed an affected one is affected.
  bool reaches(const Affected& affected, const FirmId& firm, const Facts& before, const Facts& after) const;
  /// The same for one firm, by its charges and its targets.
  struct Comparison {
    const Facts &before, &after;
    RatedUsage was, would_be;  // of the closed months
  };
  void compare(const FirmId& firm, const Facts& before, const Facts& after, Concerned& concerned) const;
  void compare_charges(const FirmId& firm, const Comparison& sides, Concerned& concerned) const;
  void compare_targets(const FirmId& firm, const Comparison& sides, Concerned& concerned) const;
  /// The month of the firm's last closed statement up to `not_after`.
  std::optional<Month> last_statement(const FirmId& firm, Month not_after) const;
};

/// Adds a statement's amounts.
void add_to(PeriodTotals& totals, const Statement& statement);

/// What is wrong with the words that a record keeps beside its content (fact_judge.cpp).
std::vector<FieldFault> words_faults(const Actor& by, const std::string& reason);

/// As read_fact(), but what could be read is returned though there are faults; the rest is empty
/// (fact_read.cpp).
Fact read_what_can_be(FactKind kind, const std::string& key, const nlohmann::json& body,
                      std::vector<FieldFault>& faults);

/// Faults between facts: references, overlaps, cycles (fact_cross.cpp). `after` holds all changes.
void judge_references(const std::vector<DraftChange>& changes, const Facts& after,
                      std::vector<FieldFault>& faults);

/// Sentences on what closed statements have used and `changes` would alter (fact_closed.cpp).
std::vector<FieldFault> immutable_faults(const std::vector<DraftChange>& changes, const Facts& before,
                                         const Used& used, Month closed_through);

/// As in payloads of version 1 and in checkpoints.
std::string encode_close(const ClosePayload& close);
std::optional<ClosePayload> decode_close(std::string_view payload);
/// As in payloads of version 2, without the parts; `before`: the position of the close before it, or 0.
PayloadParts close_in_parts(const ClosePayload& close, Position before);
/// Of either version; nullopt where the payload is damaged.
std::optional<ClosePayload> close_of_record(const RecordHeader& header, std::string_view payload);

struct Ledger::Impl : LedgerState {
  using LedgerState::LedgerState;
};

}  // namespace voucherd::billing
