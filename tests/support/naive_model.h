// The auditor: a model of the whole of voucherd that was written from the rules and the contract
// alone and shares no code with the program. It keeps plain lists in the order of arrival and
// computes every answer from scratch, so that it is slow, short and easy to believe.
//
// What it is told: events as a client would write them (texts), facts as PUT bodies, closes. What it
// answers: the verdict on each of them, and every statement as a JSON value.
//
// Readings of the rules where they leave room are marked READING in the .cpp files.
#pragma once

#include <compare>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/naive_numbers.h"

namespace naive {

using Json = nlohmann::json;

// Facts ------------------------------------------------------------------------------------------

/// [from, until) in day numbers.
struct Days {
  int from = 0;
  std::optional<int> until;
  bool has(int day) const { return from <= day && (!until || day < *until); }
  bool overlaps(const Days& other) const {
    return (!until || other.from < *until) && (!other.until || from < *other.until);
  }
};

struct Tier {
  std::optional<Int> up_to;  // in 1e-9
  Fraction price;            // yuan
};
using Prices = std::map<std::string, std::vector<Tier>>;

struct Firm {
  std::string name, district;
  std::vector<std::pair<std::string, Days>> eligibility;  // category, days
  std::vector<Days> related;
  std::vector<std::string> predecessors;
};
struct Sku {
  std::string unit, kind, tax_text;
};
struct Book {
  int from = 0;
  bool inclusive = false;
  Prices prices;
};
struct Contract {
  std::string firm;
  Days days;
  Prices prices;
  std::optional<Fraction> discount;
};
struct Policy {
  Days days;
  std::set<std::string> categories, kinds;
  std::string rate_text, basis, settlement;
  Int cap;
};
struct Award {
  std::string firm, kind;
  int year = 0;
  Int amount;
};

struct Facts {
  std::map<std::string, Firm> firms;
  std::map<std::string, Sku> skus;
  std::map<std::string, Book> books;
  std::map<std::string, Contract> contracts;
  std::map<std::string, Policy> policies;
  std::map<std::string, Award> awards;
  int accept_from = 0;
  std::map<std::pair<std::string, std::string>, Json> bodies;  // (kind, key): as sent

  /// Takes a PUT body over. `kind` is the API's path segment ("firms", "price-books", "settings", …).
  void put(const std::string& kind, const std::string& key, const Json& body);
  std::pair<std::string, const Book*> book_on(int day) const;
  std::pair<std::string, const Contract*> contract_on(const std::string& firm, int day) const;
  std::pair<std::string, const Policy*> policy_on(int day) const;
};

struct FactChange {
  std::string kind, key;
  Json body;
};

// Events -----------------------------------------------------------------------------------------

/// An event as a client writes it: texts, not values.
struct SentEvent {
  std::string malformed;  // not empty: these bytes instead of an event
  std::string raw;        // its bytes as they are sent: what can't be read is the same where these are
  std::string specversion = "1.0", type = "compute.usage.v1", source, id, subject;
  std::optional<std::string> time, start, end, sku, quantity;
  std::string project, node, job;
  std::string corrects_source, corrects_id, reason;
};

/// An event as read. Instants in milliseconds, the quantity in 1e-9.
struct Event {
  bool correction = false;
  std::string source, id, subject, sku, project, node, job, corrects_source, corrects_id, reason;
  std::optional<std::int64_t> time, start, end;
  Int quantity;
  friend bool operator==(const Event&, const Event&) = default;
};

struct Verdict {
  std::string outcome;  // accepted, duplicate, conflict, quarantined
  std::string code;     // "" where accepted or duplicate
};

/// A quarantined event.
struct Held {
  std::string code, content;
  std::string unreadable;  // the code where it can't be read, whatever else is known; else ""
  Event event;
  int first_month = 0, last_month = 0;
  int times_sent = 1;
  bool resolved = false;
};

/// What became of entries that were tried again.
struct Released {
  int status = 0;  // 503: the clock is behind
  int released = 0, unknown = 0;
  std::vector<std::string> still;  // why each of the others is still held, in order
};

// Money ------------------------------------------------------------------------------------------

struct ChargeKey {
  int month = 0;
  std::string sku, book, contract;
  friend auto operator<=>(const ChargeKey&, const ChargeKey&) = default;
};

/// The reasons of rules §4, in its order.
enum Ineligible { policy_not_in_force, sku_not_subsidised, related_party, firm_not_eligible };

struct Figures {
  Int quantity, net, tax, gross, eligible_quantity, eligible_amount;
  std::map<int, Int> ineligible;
  std::map<std::string, std::pair<Int, Int>> projects;  // quantity, net
  void add(const Figures& other, int sign);
  bool all_zero() const;  // of the six
};

struct Rated {
  std::map<ChargeKey, Figures> charges;
  std::map<ChargeKey, std::map<std::string, Int>> eligible_by_policy;
  std::map<std::pair<int, std::string>, Int> unpriced;  // month, sku
};

struct Line {
  ChargeKey key;
  Figures difference, before, after;
};

struct YearRow {
  int year = 0;
  Int eligible, target, granted_before, this_statement, cap, other_centres, remaining;
};

struct Statement {
  std::vector<Line> lines;
  std::map<std::pair<int, std::string>, Int> unpriced;
  std::vector<YearRow> years;
  Json json;  // the canonical statement, without `journal`
  Int net, tax, gross, eligible, subsidy;
  bool has_difference() const;  // a line or a subsidy difference
};

/// Everything that statements depend on; each instance computes from scratch.
class Reckoning {
 public:
  struct Head {
    std::string provider_name, provider_uscc, currency;
    int offset = 480;
  };
  using Frozen = std::map<std::pair<int, std::string>, Statement>;  // month, firm
  Reckoning(const Head& head, const Facts& facts, const std::vector<Event>& events, const Frozen& frozen,
            std::optional<int> closed_through);

  const Rated& rated(const std::string& firm) const { return rated_.at(firm); }
  /// The open statement; it may be empty.
  Statement open(int month, const std::string& firm) const;
  /// The year's row up to the month (1 … 12) with `granted` before it.
  YearRow year_row(const std::string& firm, int year, int month, const Int& granted) const;
  /// First and last month with usage, if there is any.
  std::optional<std::pair<int, int>> usage_months() const;

 private:
  struct Account {
    std::map<ChargeKey, Figures> charges;
    std::map<int, Int> granted;
    void add(const Statement& statement);
  };
  Statement difference(int month, const std::string& firm, const Account& account) const;
  std::map<int, int> years_of(const std::string& firm, int month, const Account& account) const;
  void show(Statement& statement, int month, const std::string& firm) const;
  Json show_line(const Line& line, int month) const;

  const Head& head_;
  const Facts& facts_;
  const Frozen& frozen_;
  std::optional<int> closed_through_;
  std::map<std::string, Rated> rated_;
};

/// All usage of a firm, as corrected: (day, SKU, project) → quantity.
using UsageOfFirm = std::map<std::tuple<int, std::string, std::string>, Int>;
UsageOfFirm usage_of(const std::string& firm, const std::vector<Event>& events, int offset);
Rated rate(const std::string& firm, const UsageOfFirm& usage, const Facts& facts);
/// The tiers that price a charge; empty where the facts have none.
std::vector<Tier> tiers_of(const ChargeKey& key, const Facts& facts);

// The model --------------------------------------------------------------------------------------

class Model {
 public:
  Model(Reckoning::Head head, std::int64_t created_ms);

  /// nullopt: the clock is behind (503), nothing is kept.
  std::optional<std::vector<Verdict>> take(const std::vector<SentEvent>& batch, std::int64_t clock_ms);

  enum class Need { no, yes, unclear };
  /// Whether a change needs a reason: some closed figure would differ.
  Need reason_need(const FactChange& change) const;
  /// True where the change is to something that a closed statement used; then it is refused (409).
  bool touches_closed(const FactChange& change) const;
  /// The HTTP status of the refusal, or 0: made.
  int change(const FactChange& change, const std::string& reason, std::int64_t clock_ms);

  struct Closed {
    int status = 0;  // 0: closed, or closed before
    std::vector<std::string> why;
    Json reply;  // without position
  };
  Closed close(int month, const std::string& actor_kind, const std::string& actor_id,
               const std::string& reason, std::int64_t clock_ms);
  /// What a close of the month would have signed off: "unpriced" and "quarantine", where there are any.
  std::vector<std::string> to_sign_off(int month) const;

  Reckoning reckon() const { return Reckoning(head_, facts_, events_, frozen_, closed_through_); }
  const Reckoning::Frozen& frozen() const { return frozen_; }
  std::optional<int> closed_through() const { return closed_through_; }
  const Facts& facts() const { return facts_; }
  const std::vector<Event>& events() const { return events_; }
  /// The unresolved entries, in the order in which they came, as indexes of quarantine().
  std::vector<std::size_t> unresolved() const;
  const std::vector<Held>& quarantine() const { return held_; }
  /// Tries these entries again, in this order.
  Released release(const std::vector<std::size_t>& entries, std::int64_t clock_ms);
  /// 0: done; 404: it is resolved; 503: the clock is behind.
  int dismiss(std::size_t entry, std::int64_t clock_ms);
  std::int64_t last_intake_ms() const { return last_intake_ms_; }

 private:
  Verdict judge(const SentEvent& sent, std::int64_t intake_ms);
  std::string fault_of(const Event& event, std::int64_t intake_ms) const;
  std::string fault_of_correction(const Event& event) const;
  void hold(Held held, std::int64_t intake_ms);
  void accept(const Event& event);
  const Event* find(const std::string& source, const std::string& id) const;
  std::vector<int> months_to_close(int month) const;
  Json freeze(int month, const Reckoning& now, const Json& actor, std::int64_t at,
              Reckoning::Frozen& frozen) const;

  Reckoning::Head head_;
  Facts facts_;
  std::vector<Event> events_;  // accepted, in order of acceptance
  std::vector<Held> held_;
  Reckoning::Frozen frozen_;
  std::map<int, Json> closes_;
  std::optional<int> closed_through_;
  std::int64_t last_intake_ms_;
  bool wrote_ = false;  // while a batch is judged: its record exists
};

}  // namespace naive
