// What operators see at /metrics. Most figures are kept by the rooms that own them and copied into a
// MetricsSnapshot when somebody asks; only requests and commits are counted here, as they happen.
//
// Gauges are binary floats, exact to 2^53: money is exported in 分, and the identities of rules §6 as
// differences that were taken exactly before, so that 0 means 0.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "billing/core/money.h"
#include "metering/core/quantity.h"
#include "metering/core/time.h"
#include "metering/state/known_identities.h"

namespace voucherd {

/// Filled by the composition root, on the owner thread, for each render().
struct MetricsSnapshot {
  // Ingest, since start: Engine::ingest_figures()
  std::uint64_t events_received = 0, events_accepted = 0, events_duplicate = 0, events_conflict = 0;
  std::uint64_t events_refused = 0;  // not among the received ones
  std::uint64_t events_quarantined = 0, ignored_members = 0, batches_overloaded = 0, commit_groups = 0;
  std::uint64_t batches_disk_full = 0;
  std::uint64_t queue_batches = 0, queue_bytes = 0;

  // State
  std::uint64_t quarantine_entries = 0;
  std::uint64_t identities = 0;
  IdentityFigures identity;
  std::uint64_t journal_position = 0;
  std::uint64_t tree_head_size = 0;
  bool tree_head_failed = false;
  bool clock_behind = false;
  bool facts_import_failed = false;
  bool tls_reload_failed = false;
  std::int64_t tls_certificate_expires_s = 0;  // since 1970; 0: no TLS

  // Billing: Ledger::figures() and closed_through()
  std::map<std::string, Quantity> accepted_by_kind, charged_by_kind;  // by SKU kind
  Quantity unpriced;
  billing::Fen subsidy_granted, subsidy_open;
  std::map<int, billing::Fen> subsidy_by_year;  // granted and open together: the caps' use
  std::map<int, billing::Fen> budget_by_year;   // of the years whose policy names one
  std::uint64_t firms_at_cap = 0;
  std::optional<Instant> closed_until;                  // start of the first month after the closed ones
  Int128 difference_quantity = 0;                       // in 1e-9
  Int128 difference_lines = 0, difference_subsidy = 0;  // in fen

  double checkpoint_cpu_seconds = 0;

  // Journal: append_figures() and database_property()
  std::uint64_t journal_appends = 0, journal_append_bytes = 0;
  double journal_append_seconds = 0;
  std::uint64_t database_live_sst_bytes = 0;            // rocksdb.live-sst-files-size
  std::uint64_t database_memtable_bytes = 0;            // rocksdb.size-all-mem-tables
  std::uint64_t database_pending_compaction_bytes = 0;  // rocksdb.estimate-pending-compaction-bytes
  std::uint64_t database_wal_bytes = 0;

  // Process
  std::uint64_t api_connections = 0;
  std::uint64_t handshakes_refused = 0, failures = 0;  // of both listeners
  Instant process_start;
  std::uint64_t process_resident_bytes = 0;
};

/// Of what render() returns.
inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

struct BuildInfo {
  std::string version, compiler, rocksdb;
};

class Metrics {
 public:
  explicit Metrics(const BuildInfo& build);
  ~Metrics();

  /// `route` is the pattern that answered ("/v1/statements/{}/{}"), "" where none did: never the path,
  /// or clients could make series at will. One thread.
  void count_request(std::string_view route, int status);
  /// Seconds that one commit group took to be durable. Thread-safe; for the writer.
  void observe_commit(double seconds);

  /// The text exposition format 0.0.4. One thread, that of count_request().
  std::string render(const MetricsSnapshot& snapshot);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Resident memory of this process now, in bytes; 0 where the system doesn't say.
std::uint64_t resident_memory_bytes();

}  // namespace voucherd
