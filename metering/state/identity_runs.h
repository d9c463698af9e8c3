// The runs of a directory. Those of one partition are a chain: the first begins with the first event,
// each next one where the one before ends. At start a chain is taken as far as its runs are whole; what
// is behind a damaged one is left over, and its identities are read from the identity hashes instead.
// Whether the runs hold exactly the identities that the journal does is found out by two sums, one over
// what is in them, one over the hashes as they are loaded or folded.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "metering/state/identity_run.h"

namespace voucherd {

using RunChain = std::vector<IdentityRun::Shared>;
using RunChains = std::array<RunChain, RunExtent::partitions>;

/// The ordinal that the chain does not cover any more.
EventOrdinal end_of(const RunChain& chain);

struct OpenedRuns {
  RunChains chains;
  std::vector<std::string> left_over;  // files that no chain needs: unfinished, replaced, damaged
  std::vector<Fault> faults;           // of damaged ones
};

/// Compares what runs hold with the identities of the events that they cover.
class RunSums {
 public:
  void add_stored(unsigned partition, std::span<const RunEntry> entries);
  /// To be called for each event that a chain covers, once.
  void see(HashBits bits, EventOrdinal ordinal);
  bool agree() const { return stored_ == seen_; }

 private:
  struct Sum {
    std::uint64_t count = 0, sum = 0;
    friend bool operator==(const Sum&, const Sum&) = default;
  };
  static void add(Sum& sum, const RunEntry& entry);
  std::array<Sum, RunExtent::partitions> stored_{}, seen_{};
};

/// Reads every run of the directory, if there is one; `visit` gets the entries of those that are taken,
/// and maybe of such as turn out to be damaged.
using VisitEntries = std::function<void(std::span<const RunEntry>)>;
OpenedRuns open_runs(const RunSettings& settings, RunSums& sums, const VisitEntries& visit);

/// Compares a directory's runs with the identities of all events, for a check. Writes nothing.
class RunCheck {
 public:
  explicit RunCheck(const RunSettings& settings);
  /// The hashes of events from `first` on.
  void see(std::span<const std::uint64_t> hashes, EventOrdinal first);
  /// After all events: sentences; none where all is well.
  std::vector<std::string> differences() const;

 private:
  RunSums sums_;
  OpenedRuns opened_;
};

}  // namespace voucherd
