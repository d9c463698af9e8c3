// The quarantine: what could not be counted, kept until it is released by a good arrival of
// the same identity, or dismissed. Holds what listing and period close need; the bytes stay
// in the journal. Derived by the fold.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "metering/state/usage_record.h"

namespace voucherd {

/// What is kept in memory of one text of an entry: whoever sends megabytes as an id fills the
/// journal with them, not the memory. A few bytes more where a character would be cut.
inline constexpr std::size_t quarantine_detail_bytes_max = 1024;

/// Whether an entry keeps `sent` as `kept`: the same text, or what was kept of one beyond its limit.
bool is_kept_as(std::string_view kept, std::string_view sent);

struct QuarantineEntry {
  QuarantineNumber number;
  ReasonCode code{};
  std::string detail;
  std::string source, id, subject, sku;
  std::string corrects_source, corrects_id;  // what a correction waits for
  MonthSpan months;
  Instant received_at;
  std::uint64_t fingerprint = 0;
  std::uint64_t times_sent = 1;
  friend bool operator==(const QuarantineEntry&, const QuarantineEntry&) = default;
};

/// Owned by one thread. Holds unresolved entries only.
class Quarantine {
 public:
  /// `number` is above all before it (asserted).
  void add(const QuarantinedEvent& event, QuarantineNumber number, Instant received_at);
  /// Adds to the entry's count; nothing where it is no longer unresolved.
  void count_resent(QuarantineNumber number);
  /// Removes the entry. False where it is not unresolved.
  bool close(QuarantineNumber number);
  /// Closes all entries of the identity but conflicts: its event has been accepted.
  void close_identity(std::string_view source, std::string_view id);

  /// True where close_identity() would find nothing, whatever the identity: nothing but conflicts.
  bool holds_conflicts_only() const { return by_identity_.empty(); }

  /// Whether any correction waits for its event.
  bool corrections_wait() const { return !by_target_.empty(); }
  /// The corrections that wait for the event of this identity, in order of their numbers.
  std::vector<QuarantineNumber> waiting_for(std::string_view source, std::string_view id) const;

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  const QuarantineEntry* find(QuarantineNumber number) const;
  /// The first unresolved entry with this content fingerprint.
  std::optional<QuarantineNumber> find_fingerprint(std::uint64_t fingerprint) const;
  /// Entries after `after`, in order of their number, until `visit` returns false.
  void visit(QuarantineNumber after, const std::function<bool(const QuarantineEntry&)>& visit) const;
  /// Of the last entry's record; 0: there is none.
  std::uint64_t last_position() const { return entries_.empty() ? 0 : entries_.rbegin()->first.position; }
  /// Number of unresolved entries that touch `month`.
  std::uint64_t blocking(Month month) const;

  /// The entries as they are now: another thread may read and destroy them, whatever becomes of these.
  class Snapshot {
   public:
    void save(std::string& out) const;

   private:
    friend class Quarantine;
    std::vector<std::shared_ptr<const QuarantineEntry>> entries_;
  };
  Snapshot snapshot() const;

  /// Canonical bytes.
  void save(std::string& out) const { snapshot().save(out); }
  /// Takes what save() wrote off the front of `in`. Fault "checkpoint_damaged".
  static Result<Quarantine> load(std::string_view& in);

 private:
  // Entries never change: one that does is replaced.
  using Entries = std::map<QuarantineNumber, std::shared_ptr<const QuarantineEntry>>;
  // Sets, since thousands of entries may share an identity, and each is taken out by itself.
  using ByHash = boost::unordered_flat_map<std::uint64_t, std::set<QuarantineNumber>>;
  void index(const QuarantineEntry& entry);
  void erase(Entries::iterator entry);
  static void unindex(ByHash& numbers, std::uint64_t hash, QuarantineNumber number);

  Entries entries_;
  std::set<std::pair<std::uint64_t, QuarantineNumber>> by_fingerprint_;
  // By identity_hash() with seed 0, for the entries that an accepted event closes, and of the event
  // that a correction waits for; verified on the entry's texts.
  ByHash by_identity_, by_target_;
  // By month: how many more entries touch it than the month before.
  std::map<Month, std::int64_t> blocking_changes_;
};

}  // namespace voucherd
