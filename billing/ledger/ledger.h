// The ledger: the fold of billing's records (facts and closes), the judge of changes to them,
// and the answer to what finance asks. A deterministic function of the journal; no clock.
//
// Changes go two ways apart: judge_*() says what a change would do and builds the record's
// payload; apply() folds a record that has become durable. Between the two stands the journal.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "billing/core/bill.h"
#include "billing/core/programme.h"
#include "billing/ledger/fact_codec.h"
#include "metering/journal/journal.h"
#include "metering/proof/chains.h"
#include "metering/proof/payload_parts.h"
#include "metering/state/usage_state.h"

namespace voucherd::billing {

/// A refusal of a change: as the API says it (RFC 9457).
struct Refusal {
  int status = 422;  // 422: wrong; 409: forbidden by something closed; 412: If-Match fails
  std::string title, detail;
  std::vector<FieldFault> faults;
};

/// Where one of several changes comes from: who and why are kept with it, not the call's.
struct Origin {
  Actor by;
  std::string reason;
};

struct FactChange {
  FactKind kind{};
  std::string key;
  nlohmann::json body;  // as sent, without `reason`
  /// With an origin the change is recorded even where it equals what is in force: the history then
  /// tells what that origin said last.
  std::optional<Origin> origin = {};
};

struct FactVersion {
  Position position = 0;
  std::uint32_t index = 0;  // among the record's changes
  Instant at;
  Actor by;
  std::string reason;            // "" where none was needed
  nlohmann::ordered_json shown;  // show_fact()
};

/// An open statement before or after a change.
struct StatementAmounts {
  Fen net, tax, gross, eligible, subsidy, payable;
  friend bool operator==(const StatementAmounts&, const StatementAmounts&) = default;
};
/// An open statement that a change would alter; nullopt: there is none.
struct StatementChange {
  Month period;
  FirmId firm;
  std::optional<StatementAmounts> before, after;
};

struct PeriodTotals {
  std::uint64_t statements = 0;
  Fen net, tax, gross, eligible, subsidy;
  friend bool operator==(const PeriodTotals&, const PeriodTotals&) = default;
};

struct ClosedPeriod {
  Month period;
  Position position = 0;
  Instant at;
  Actor by;
  std::string reason;
  PeriodTotals totals;
};

/// A closed statement's bytes and where they are proven.
struct ClosedStatement {
  std::string canonical;  // the frozen bytes
  Position position = 0;  // of the close record
  std::string root;       // hex tree root at that position
};

class Ledger {
 public:
  /// `usage` outlives the ledger and is read only.
  Ledger(StatementHead head, const UsageState& usage);
  ~Ledger();

  // Changes --------------------------------------------------------------------------------
  struct Judged {
    std::optional<Refusal> refusal;
    PayloadParts payload;       // of a `facts` record; empty where refused or where nothing changes
    std::vector<bool> created;  // per change: true for a key that is new
    /// Numbers of the closed statements whose figures would differ, in order: what needs a reason,
    /// and what a dry run shows.
    std::vector<std::string> concerned;
  };
  /// Judges changes that are to be made together (all or nothing). `if_match` is compared with etag_of()
  /// of the first change's key. Firms' codes are checked, references to unknown firms and SKUs
  /// refused, overlapping contracts, policies and equal effective_from refused: all faults at once.
  /// Pointers of a call with several changes begin with the change's index ("/3/eligibility/0/from").
  Judged judge_facts(const std::vector<FactChange>& changes, const Actor& by, const std::string& reason,
                     const std::optional<std::string>& if_match) const;

  struct Preview {
    std::optional<Refusal> refusal;  // as of judge_facts(), but for a missing reason
    bool needs_reason = false;       // some closed figure would differ
    std::vector<bool> created;
    std::vector<nlohmann::ordered_json> shown;  // the facts as they would be
    std::vector<std::string> concerned;         // as in Judged
    std::vector<StatementChange> statements;    // by period, then firm
  };
  /// What the changes would do, to closed and to open statements; nothing is kept. Rates every firm that
  /// they concern once more.
  Preview preview_facts(const std::vector<FactChange>& changes, const Actor& by, const std::string& reason,
                        const std::optional<std::string>& if_match) const;

  struct JudgedClose {
    std::optional<Refusal> refusal;
    std::optional<ClosedPeriod> already;  // the month is closed: the same reply again
    PayloadParts payload;                 // of a `close` record
    PeriodTotals totals;
  };
  /// Rules §6. `at` is the intake time that the record will have; `chains` are those of the records before
  /// it.
  JudgedClose judge_close(Month period, const Actor& by, const std::string& reason, Instant at,
                          const Chains& chains) const;

  // The fold -------------------------------------------------------------------------------
  /// Folds a `facts` or `close` record; `root` is the tree root after it (hex).
  void apply(const Record& record, const std::string& root);
  /// What a stored `close` record should say of each firm, as parts of its payload; ask before it is folded.
  /// Fault "payload_damaged".
  Result<std::vector<std::string>> parts_of_close(const Record& record, const Chains& chains) const;
  void save(std::string& out) const;
  static Result<std::unique_ptr<Ledger>> load(std::string_view& in, StatementHead head,
                                              const UsageState& usage);

  // Reads ----------------------------------------------------------------------------------
  const Facts& facts() const;
  bool knows_firm(std::string_view uscc) const;
  bool knows_sku(std::string_view sku) const;
  /// Versions of a fact, oldest first; nullptr where the key is unknown.
  const std::vector<FactVersion>* history(FactKind kind, const std::string& key) const;
  /// Keys of a kind after `after`, in order of their bytes, at most `limit`.
  std::vector<std::string> keys(FactKind kind, const std::string& after, std::size_t limit) const;
  /// Quoted, as the header has it: "\"<position>\"".
  std::string etag_of(FactKind kind, const std::string& key) const;

  /// What stands on documents of this position: the letterhead then in force. Before the first one the first,
  /// since journals were begun before letterheads were recorded.
  Letterhead letterhead_at(Position position) const;

  std::optional<Month> closed_through() const;
  /// Months from the first with usage or a close to the last of either.
  std::vector<Month> periods() const;
  /// Every month up to closed_through() is closed; one that was closed along with a later one has the
  /// close's position, time and actor, and totals of its own.
  std::optional<ClosedPeriod> closed(Month period) const;
  struct Unpriced {
    UnpricedKey key;
    std::string unit;
    Quantity quantity;
    std::uint64_t firms = 0;
  };
  /// Lines of earlier usage months on the statements of one month.
  struct LateUsage {
    std::uint64_t lines = 0;
    Fen net, tax, gross, eligible;
  };
  /// What a close of an open month would find and do.
  struct Readiness {
    /// Why judge_close() would refuse, whatever the clock says about the month's end: empty where it is
    /// ready.
    std::vector<FieldFault> obstacles;
    std::vector<std::string> remarks;                 // what should be thought of before, but refuses nothing
    std::map<std::string, std::uint64_t> quarantine;  // unresolved entries in the way, by code
    std::vector<Unpriced> unpriced;                   // of the months that it would close
    std::map<Month, LateUsage> late;                  // by usage month
    /// The months that it would close, the asked one last; those after the last usage left out, but for
    /// the asked one.
    std::map<Month, PeriodTotals> months;
  };
  /// Precondition: `period` is open.
  Readiness readiness(Month period) const;

  /// Firms that have a statement in `period`, in order, after `after`, at most `limit`.
  std::vector<FirmId> firms_with_statement(Month period, const FirmId& after, std::size_t limit) const;
  /// The open statement; nullptr where there is none (404) or the month is closed. It lives until the next
  /// call of any function here.
  const Statement* open_statement(Month period, const FirmId& firm) const;
  std::optional<ClosedStatement> closed_statement(Month period, const FirmId& firm) const;
  PeriodTotals open_totals(Month period) const;

  /// A firm's subsidy of a year as it stands now, whatever is closed. nullopt: the firm is unknown.
  struct SubsidyMonth {
    Month month;
    Fen eligible;  // of this usage month
    Fen target;    // of the year up to and including it
    Fen subsidy;   // by how much the target rose, or fell
  };
  struct SubsidyOverview {
    SubsidyYear year;                  // up to the last month
    std::vector<SubsidyMonth> months;  // January to the year's last one with usage
    /// The month from which on nothing was left to come: of the cap, less the target and all awards.
    std::optional<Month> cap_used_up;
    /// When nothing will be left if the target rises as it did, on average, from the year's first day of
    /// usage to its last; nullopt: not within the year and a policy, or it is used up.
    std::optional<LocalDay> cap_projected;
  };
  std::optional<SubsidyOverview> subsidy_overview(const FirmId& firm, int year) const;

  // What explains a statement:
  /// The facts as they were at `position`; of firms, contracts and awards those of `firm` only.
  Facts facts_at(const FirmId& firm, Position position) const;
  /// What the firm's closed statements of the months before `before` say, in order.
  std::vector<std::pair<Month, BilledStatement>> billed_before(const FirmId& firm, Month before) const;

  /// Firms with usage or with closed statements, in order.
  std::vector<FirmId> firms() const;
  /// A firm's part of the programme's year, of which `full_months` months have ended.
  FirmOfProgramme firm_of_programme(const FirmId& firm, int year, int full_months) const;

  /// Rules §6's identities and the figures beside them, over all firms: exact. `difference_*` must be 0.
  struct Figures {
    std::map<std::string, Quantity> charged_by_kind, accepted_by_kind;  // by SKU kind
    Quantity unpriced;
    Int128 difference_quantity = 0;  // accepted − charged − unpriced, in 1e-9
    Int128 difference_lines = 0;     // Σ closed lines + open differences − Σ charges, in fen (gross)
    Int128 difference_subsidy = 0;   // Σ granted + open − Σ targets, in fen
    Fen subsidy_granted, subsidy_open;
    std::uint64_t firms_at_cap = 0;
    std::map<int, Fen> subsidy_by_year;
    std::map<int, Fen> budget_by_year;  // of the years with subsidy whose policy names one
  };
  Figures figures() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voucherd::billing
