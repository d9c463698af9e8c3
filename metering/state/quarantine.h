// The quarantine: what could not be counted, kept until it is released by a good arrival of
// the same identity, or dismissed. Holds what listing and period close need; the bytes stay
// in the journal. Derived by the fold.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "metering/state/usage_record.h"

namespace voucherd {

struct QuarantineEntry {
  QuarantineNumber number;
  ReasonCode code{};
  std::string detail;
  std::string source, id, subject, sku;
  MonthSpan months;
  Instant received_at;
  std::uint64_t fingerprint = 0;
  std::uint64_t times_sent = 1;
  friend bool operator==(const QuarantineEntry&, const QuarantineEntry&) = default;
};

/// Owned by one thread. Holds unresolved entries only.
class Quarantine {
 public:
  void add(const QuarantinedEvent& event, QuarantineNumber number, Instant received_at);
  void count_resent(QuarantineNumber number);
  /// Removes the entry. False where it is not unresolved.
  bool close(QuarantineNumber number);
  /// Closes all entries of the identity but conflicts: its event has been accepted.
  void close_identity(std::string_view source, std::string_view id);

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  const QuarantineEntry* find(QuarantineNumber number) const;
  /// An unresolved entry with this content fingerprint.
  std::optional<QuarantineNumber> find_fingerprint(std::uint64_t fingerprint) const;
  /// Entries after `after`, in order of their number, until `visit` returns false.
  void visit(QuarantineNumber after, const std::function<bool(const QuarantineEntry&)>& visit) const;
  /// Number of unresolved entries that touch `month`.
  std::uint64_t blocking(Month month) const;

  void save(std::string& out) const;
  static Result<Quarantine> load(std::string_view& in);

 private:
  std::map<QuarantineNumber, QuarantineEntry> entries_;
  boost::unordered_flat_map<std::uint64_t, QuarantineNumber> by_fingerprint_;
  boost::unordered_flat_map<std::string, std::vector<QuarantineNumber>> by_identity_;  // "source\0id"
};

}  // namespace voucherd
