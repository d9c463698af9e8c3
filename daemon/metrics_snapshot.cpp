#include "daemon/metrics_snapshot.h"

#include <rocksdb/version.h>

#include "daemon/version.h"

namespace voucherd {

namespace {

void put_ingest(MetricsSnapshot& snapshot, const IngestFigures& figures) {
  snapshot.events_received = figures.received;
  snapshot.events_accepted = figures.accepted;
  snapshot.events_duplicate = figures.duplicate;
  snapshot.events_conflict = figures.conflict;
  snapshot.events_refused = figures.refused;
  snapshot.events_quarantined = figures.quarantined;
  snapshot.ignored_members = figures.ignored_members;
  snapshot.batches_overloaded = figures.overloaded;
  snapshot.batches_disk_full = figures.disk_full;
  snapshot.commit_groups = figures.commit_groups;
  snapshot.queue_batches = figures.queue_batches;
  snapshot.queue_bytes = figures.queue_bytes;
}

void put_billing(MetricsSnapshot& snapshot, const Engine& engine) {
  const auto figures = engine.ledger().figures();
  snapshot.accepted_by_kind = figures.accepted_by_kind;
  snapshot.charged_by_kind = figures.charged_by_kind;
  snapshot.unpriced = figures.unpriced;
  snapshot.subsidy_granted = figures.subsidy_granted;
  snapshot.subsidy_open = figures.subsidy_open;
  snapshot.subsidy_by_year = figures.subsidy_by_year;
  snapshot.budget_by_year = figures.budget_by_year;
  snapshot.firms_at_cap = figures.firms_at_cap;
  snapshot.difference_quantity = figures.difference_quantity;
  snapshot.difference_lines = figures.difference_lines;
  snapshot.difference_subsidy = figures.difference_subsidy;
  if (const auto through = engine.ledger().closed_through()) {
    snapshot.closed_until = start_of(first_day(through->next()), engine.genesis().offset);
  }
}

void put_journal(MetricsSnapshot& snapshot, const Journal& journal) {
  const auto appends = journal.append_figures();
  snapshot.journal_appends = appends.calls;
  snapshot.journal_append_bytes = appends.bytes;
  snapshot.journal_append_seconds = appends.seconds;
  snapshot.database_live_sst_bytes = journal.database_property("rocksdb.live-sst-files-size");
  snapshot.database_memtable_bytes = journal.database_property("rocksdb.size-all-mem-tables");
  snapshot.database_wal_bytes = journal.log_bytes();
  snapshot.database_pending_compaction_bytes =
      journal.database_property("rocksdb.estimate-pending-compaction-bytes");
}

}  // namespace

BuildInfo build_info() {
  return {version_text(), std::string("gcc ") + __VERSION__, rocksdb::GetRocksVersionAsString()};
}

MetricsSnapshot take_snapshot(const Engine& engine, std::uint64_t api_connections, Instant process_start) {
  MetricsSnapshot snapshot;
  put_ingest(snapshot, engine.ingest_figures());
  put_billing(snapshot, engine);
  put_journal(snapshot, engine.journal());
  snapshot.quarantine_entries = engine.usage().quarantine().size();
  snapshot.identities = engine.usage().events();
  snapshot.identity = engine.identity_figures();
  snapshot.journal_position = engine.position();
  snapshot.tree_head_size = engine.heads().signed_size();
  snapshot.tree_head_failed = engine.heads().fault().has_value();
  snapshot.clock_behind = engine.clock_behind();
  snapshot.checkpoint_cpu_seconds = engine.checkpoint_cpu_seconds();
  snapshot.api_connections = api_connections;
  snapshot.process_start = process_start;
  snapshot.process_resident_bytes = resident_memory_bytes();
  return snapshot;
}

}  // namespace voucherd
