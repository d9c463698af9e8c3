// Two aims. Nothing acknowledged may be lost: every check is on, and the options in whose
// reach RocksDB 7.8 has lost data stay off. And records are written twice, to the log and to a
// table, and hardly ever again: measured, 2.0 bytes for each byte appended.
//
// The second follows from the keys. They only ascend, so tables never overlap, and levelled
// compaction *moves* a table down a level by renaming it in the manifest instead of writing it
// again. Universal compaction would merge what is already in order, and blob files would save
// nothing more while adding a second kind of file to check.
#include "metering/journal/database_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include <cstdarg>
#include <memory>

#include "metering/journal/table_reads.h"
#include "metering/journal/thread_priority.h"

namespace voucherd {

namespace {

constexpr std::size_t log_bytes_max = 4u << 20;  // RocksDB's own LOG, of what it did and why
constexpr std::size_t log_files_max = 5;
constexpr std::size_t table_block_bytes = 32u << 10;
constexpr std::size_t scan_readahead_bytes = 2u << 20;
constexpr std::size_t synced_on_the_way_bytes = 512u << 10;

/// Keeps RocksDB from writing its LOG into a directory that is only to be read.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, std::va_list) override {}
};

/// RocksDB watches a full disk and goes on by itself; here append() decides when.
class NoRecoveryByItself final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

/// A flush is in no hurry: its table has until the next one is full.
class QuietFlushes final : public rocksdb::EventListener {
 public:
  /// On the thread that flushes, which does nothing else.
  void OnFlushBegin(rocksdb::DB*, const rocksdb::FlushJobInfo&) override { let_others_go_first(); }
};

void set_tables(rocksdb::Options& to, const JournalOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.block_size = table_block_bytes;  // a usage record is longer and takes a block of its own
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  // No filter: only positions that exist are asked for.
  to.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Large usage records come compressed, and zstd finds out fast (1 GB/s, 2 % of ingest's time). Small ones,
  // of a trickle, repeat each other and are packed here, a block of many at a time.
  to.compression = rocksdb::kZSTD;
  to.compression_opts.level = 1;

  to.write_buffer_size = options.write_buffer_bytes;
  to.max_write_buffer_number = 2;  // one fills while one is flushed
  to.target_file_size_base = options.write_buffer_bytes;
  to.max_bytes_for_level_base = 10 * static_cast<std::uint64_t>(options.write_buffer_bytes);
  // By age RocksDB would write old tables again; there is nothing to be gained.
  to.ttl = 0;
  to.periodic_compaction_seconds = 0;
}

/// What a table costs those who wait for the log's fsync meanwhile: measured on ext4, 34 to 42 ms where its
/// 64 MiB are synced at its end, and the processor that packing it takes.
void set_manners(rocksdb::Options& to) {
  to.bytes_per_sync = synced_on_the_way_bytes;
  to.listeners.push_back(std::make_shared<QuietFlushes>());
}

void set_safety(rocksdb::Options& to) {
  to.paranoid_checks = true;
  to.paranoid_file_checks = true;  // a flushed table is read back before its log is removed
  to.force_consistency_checks = true;
  to.flush_verify_memtable_count = true;
  to.max_bgerror_resume_count = 0;  // after a failed write nothing is tried again
  to.listeners.push_back(std::make_shared<NoRecoveryByItself>());
  to.recycle_log_file_num = 0;
  to.wal_compression = rocksdb::kNoCompression;
  to.manual_wal_flush = false;
  to.unordered_write = false;
  to.avoid_flush_during_recovery = false;  // a torn log is gone once its records are in a table
}

}  // namespace

rocksdb::Options database_options(const JournalOptions& options, Access access,
                                  rocksdb::WALRecoveryMode recovery) {
  rocksdb::Options to;
  to.env = options.environment != nullptr ? options.environment : journal_environment();
  to.create_if_missing = access == Access::read_write;
  to.wal_recovery_mode = recovery;
  set_tables(to, options);
  set_safety(to);
  if (access == Access::read_write) set_manners(to);
  to.keep_log_file_num = log_files_max;
  to.max_log_file_size = log_bytes_max;
  to.stats_dump_period_sec = 0;
  to.stats_persist_period_sec = 0;
  if (access == Access::read_only) to.info_log = std::make_shared<NoLog>();
  return to;
}

rocksdb::WriteOptions durable_write() {
  rocksdb::WriteOptions options;
  options.sync = true;
  options.protection_bytes_per_key = voucherd::protection_bytes_per_key;
  return options;
}

rocksdb::ReadOptions verified_read(bool keep) {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = keep;
  if (!keep) options.readahead_size = scan_readahead_bytes;
  return options;
}

rocksdb::ReadOptions read_of_memory() {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kMemtableTier;
  return options;
}

}  // namespace voucherd
