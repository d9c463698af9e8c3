// A firm's chains: per usage month a running hash over its events in the order of the journal, so that a
// close can vouch for all of one firm's events and show nothing of another's. FORMAT.md beside this file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/ids.h"
#include "metering/core/result.h"
#include "metering/core/time.h"
#include "metering/journal/journal.h"
#include "metering/proof/sha256.h"
#include "metering/state/dictionary.h"

namespace voucherd {

struct Chain {
  std::uint64_t events = 0;
  Sha256Hash value{};  // 32 zero bytes before the first link
  friend bool operator==(const Chain&, const Chain&) = default;
};
using MonthChains = std::map<Month, Chain>;

/// What one record adds to one chain.
struct ChainLink {
  Position position = 0;
  std::uint32_t events = 0;
  Sha256Hash digest{};  // SHA-256 of the events' bytes
};
void extend(Sha256& sha, Chain& chain, const ChainLink& link);

/// Of all firms; owned by one thread.
class Chains {
 public:
  Chains() = default;
  // A copy would point into the original's chains.
  Chains(const Chains&) = delete;
  Chains& operator=(const Chains&) = delete;
  Chains(Chains&&) = default;
  Chains& operator=(Chains&&) = default;
  /// A number for the firm, which lives as long as this object.
  std::uint32_t firm_number(std::string_view firm);
  /// The same for who has numbers of its own for firms, and always the same ones.
  std::uint32_t firm_number(std::uint32_t elsewhere, std::string_view firm) {
    return numbers_.of(elsewhere, [&] { return firm_number(firm); });
  }
  /// Bring the firm's entry, then its last chain, into the cache: call some links ahead of extend(), the
  /// first one twice as many.
  void prefetch_firm(std::uint32_t firm) const { __builtin_prefetch(&firms_chains_[firm], 1); }
  void prefetch(std::uint32_t firm) const { __builtin_prefetch(firms_chains_[firm].last, 1); }
  void extend(std::uint32_t firm, Month month, const ChainLink& link);

  /// nullptr where no event of the firm was accepted.
  const MonthChains* of(std::string_view firm) const;
  std::vector<FirmId> firms() const;  // in the order of their codes

  /// Canonical bytes.
  void save(std::string& out) const;
  /// Takes what save() wrote off the front of `in`. Fault "chains_damaged".
  static Result<Chains> load(std::string_view& in);

 private:
  struct FirmChains {
    MonthChains by_month;
    // The one that was extended last: nearly always it is the next one too. A map's entries stay in place.
    Month last_month;
    Chain* last = nullptr;
  };
  Dictionary firms_;
  NumbersElsewhere numbers_;
  std::vector<FirmChains> firms_chains_;  // by number
  Sha256 sha_;
};

}  // namespace voucherd
