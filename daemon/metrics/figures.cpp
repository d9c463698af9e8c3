// The rows.
#include "daemon/metrics/figures.h"

namespace voucherd {
namespace {

using Snapshot = MetricsSnapshot;

template <class Number>
double exported(Number number) {
  return static_cast<double>(number);
}
double seconds(Instant instant) { return static_cast<double>(instant.ms) / 1e3; }

/// Taken in integers: a float's rounding must not hide a lost event, nor invent one.
Int128 ingest_difference(const Snapshot& s) {
  return static_cast<Int128>(s.events_received) - s.events_accepted - s.events_duplicate - s.events_conflict -
         s.events_quarantined;
}

constexpr auto counter = Figure::Type::counter;
constexpr auto gauge = Figure::Type::gauge;

constexpr Figure table[] = {
    {counter, "voucherd_events_received_total", "Usage events received since start.",
     [](const Snapshot& s) { return exported(s.events_received); }},
    {counter, "voucherd_events_accepted_total", "Usage events counted for the first time since start.",
     [](const Snapshot& s) { return exported(s.events_accepted); }},
    {counter, "voucherd_events_duplicate_total", "Usage events that were known with the same content.",
     [](const Snapshot& s) { return exported(s.events_duplicate); }},
    {counter, "voucherd_events_refused_total",
     "Usage events that were not kept since their token may not send their source.",
     [](const Snapshot& s) { return exported(s.events_refused); }},
    {counter, "voucherd_events_conflict_total", "Usage events whose identity was taken by other content.",
     [](const Snapshot& s) { return exported(s.events_conflict); }},
    {counter, "voucherd_events_quarantined_total", "Usage events that could not be counted and were kept.",
     [](const Snapshot& s) { return exported(s.events_quarantined); }},
    {counter, "voucherd_ignored_members_total", "Members of events that are not of the contract.",
     [](const Snapshot& s) { return exported(s.ignored_members); }},
    {counter, "voucherd_batches_overloaded_total", "Batches refused because the queue was full.",
     [](const Snapshot& s) { return exported(s.batches_overloaded); }},
    {counter, "voucherd_batches_disk_full_total", "Batches refused because the journal's disk was full.",
     [](const Snapshot& s) { return exported(s.batches_disk_full); }},
    {counter, "voucherd_commit_groups_total", "Commit groups made durable since start.",
     [](const Snapshot& s) { return exported(s.commit_groups); }},
    {counter, "voucherd_journal_appends_total", "Appends to the journal since start.",
     [](const Snapshot& s) { return exported(s.journal_appends); }},
    {counter, "voucherd_journal_append_bytes_total", "Bytes appended to the journal since start.",
     [](const Snapshot& s) { return exported(s.journal_append_bytes); }},
    {counter, "voucherd_journal_append_seconds_total",
     "Time spent in appends to the journal, their fsync included.",
     [](const Snapshot& s) { return s.journal_append_seconds; }},
    {counter, "voucherd_checkpoint_cpu_seconds_total", "Processor time spent on checkpoints since start.",
     [](const Snapshot& s) { return s.checkpoint_cpu_seconds; }},
    {counter, "voucherd_handshakes_refused_total",
     "Connections closed before their TLS handshake since their address had made too many "
     "(limits.handshakes_per_second).",
     [](const Snapshot& s) { return exported(s.handshakes_refused); }},
    {counter, "voucherd_failures_total",
     "Requests and connections that ended with a failure inside the server; its log has each.",
     [](const Snapshot& s) { return exported(s.failures); }},

    {gauge, "voucherd_queue_batches", "Batches that wait for the journal.",
     [](const Snapshot& s) { return exported(s.queue_batches); }},
    {gauge, "voucherd_queue_bytes", "Bytes of the batches that wait for the journal.",
     [](const Snapshot& s) { return exported(s.queue_bytes); }},
    {gauge, "voucherd_quarantine_entries", "Unresolved entries of the quarantine.",
     [](const Snapshot& s) { return exported(s.quarantine_entries); }},
    {gauge, "voucherd_identities", "Known identities of events.",
     [](const Snapshot& s) { return exported(s.identities); }},
    {gauge, "voucherd_identity_memory_bytes", "Memory of known identities.",
     [](const Snapshot& s) { return exported(s.identity.memory_bytes); }},
    {gauge, "voucherd_identities_memory_limit_bytes",
     "What that memory stays below: memory.identity_bytes_max.",
     [](const Snapshot& s) { return exported(s.identity.memory_bytes_max); }},
    {gauge, "voucherd_identities_in_memory", "Known identities that no run on disk holds.",
     [](const Snapshot& s) { return exported(s.identity.in_memory); }},
    {gauge, "voucherd_identities_on_disk", "Known identities in runs on disk.",
     [](const Snapshot& s) { return exported(s.identity.on_disk); }},
    {gauge, "voucherd_identities_runs", "Runs of identities on disk.",
     [](const Snapshot& s) { return exported(s.identity.runs); }},
    {counter, "voucherd_identities_disk_lookups_total", "Look-ups of identities that read runs on disk.",
     [](const Snapshot& s) { return exported(s.identity.disk_lookups); }},
    {counter, "voucherd_identities_false_positives_total",
     "Look-ups of identities that read runs on disk and found nothing there.",
     [](const Snapshot& s) { return exported(s.identity.false_positives); }},
    {gauge, "voucherd_identities_spill_failed",
     "1 where identities could not be written to disk the last time; new events are refused when their "
     "memory is "
     "full.",
     [](const Snapshot& s) { return s.identity.spill_failed ? 1.0 : 0.0; }},
    {gauge, "voucherd_journal_position", "Position of the journal's last record.",
     [](const Snapshot& s) { return exported(s.journal_position); }},
    {gauge, "voucherd_tree_head_size", "Records under the last signed head of the journal's tree.",
     [](const Snapshot& s) { return exported(s.tree_head_size); }},
    {gauge, "voucherd_tree_head_failed",
     "1 where the journal's tree could not be signed the last time, or must not be: it is not the one that "
     "was "
     "signed before.",
     [](const Snapshot& s) { return s.tree_head_failed ? 1.0 : 0.0; }},
    {gauge, "voucherd_clock_behind",
     "1 while the clock stands behind the journal's last record and intake is refused.",
     [](const Snapshot& s) { return s.clock_behind ? 1.0 : 0.0; }},
    {gauge, "voucherd_facts_import_failed",
     "1 where the last import of facts.files found faults, so that the facts before it are in force.",
     [](const Snapshot& s) { return s.facts_import_failed ? 1.0 : 0.0; }},
    {gauge, "voucherd_tls_reload_failed",
     "1 while the files of [tls] had faults when they were last read; the old ones are in use.",
     [](const Snapshot& s) { return s.tls_reload_failed ? 1.0 : 0.0; }},
    {gauge, "voucherd_tls_certificate_expires_timestamp_seconds",
     "Until when the server's certificate is valid, in seconds since 1970; 0 without TLS.",
     [](const Snapshot& s) { return static_cast<double>(s.tls_certificate_expires_s); }},

    {gauge, "voucherd_unpriced_quantity", "Usage on days on which its SKU has no price, in the SKUs' units.",
     [](const Snapshot& s) { return exported(s.unpriced.nanos) / 1e9; }},
    {gauge, "voucherd_subsidy_granted_fen", "Subsidy on closed statements, in fen (0.01 yuan).",
     [](const Snapshot& s) { return exported(s.subsidy_granted.value); }},
    {gauge, "voucherd_subsidy_open_fen",
     "Subsidy on open statements, in fen (0.01 yuan); below 0 is a clawback.",
     [](const Snapshot& s) { return exported(s.subsidy_open.value); }},
    {gauge, "voucherd_firms_at_cap", "Firms whose annual cap is used up in their latest year.",
     [](const Snapshot& s) { return exported(s.firms_at_cap); }},
    {gauge, "voucherd_closed_until_timestamp_seconds",
     "Start of the first month that is not closed; 0: none is closed.",
     [](const Snapshot& s) { return s.closed_until ? seconds(*s.closed_until) : 0.0; }},

    {gauge, "voucherd_identity_quantity_difference",
     "Accepted quantities less charged and unpriced ones, in units of 1e-9. Must be 0.",
     [](const Snapshot& s) { return exported(s.difference_quantity); }},
    {gauge, "voucherd_identity_lines_difference",
     "Closed lines and open differences less charges, in fen (0.01 yuan). Must be 0.",
     [](const Snapshot& s) { return exported(s.difference_lines); }},
    {gauge, "voucherd_identity_subsidy_difference",
     "Subsidy granted and open less the targets, in fen (0.01 yuan). Must be 0.",
     [](const Snapshot& s) { return exported(s.difference_subsidy); }},
    {gauge, "voucherd_identity_ingest_difference",
     "Events received less accepted, duplicate, conflicting and quarantined ones. Must be 0.",
     [](const Snapshot& s) { return exported(ingest_difference(s)); }},

    {gauge, "voucherd_database_live_sst_bytes", "Size of RocksDB's live SST files.",
     [](const Snapshot& s) { return exported(s.database_live_sst_bytes); }},
    {gauge, "voucherd_database_memtable_bytes", "Memory of RocksDB's memtables.",
     [](const Snapshot& s) { return exported(s.database_memtable_bytes); }},
    {gauge, "voucherd_database_pending_compaction_bytes", "Bytes that RocksDB has yet to compact.",
     [](const Snapshot& s) { return exported(s.database_pending_compaction_bytes); }},
    {gauge, "voucherd_database_wal_bytes", "Size of RocksDB's write-ahead log.",
     [](const Snapshot& s) { return exported(s.database_wal_bytes); }},

    {gauge, "voucherd_http_connections", "Open connections of the API.",
     [](const Snapshot& s) { return exported(s.api_connections); }},
    {gauge, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
     [](const Snapshot& s) { return seconds(s.process_start); }},
    {gauge, "process_resident_memory_bytes", "Resident memory size in bytes.",
     [](const Snapshot& s) { return exported(s.process_resident_bytes); }},
};

}  // namespace

std::span<const Figure> figures() { return table; }

}  // namespace voucherd
