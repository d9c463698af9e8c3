// See the header. The order of the guards: the log's bytes, RocksDB's own checks, the
// acknowledged position, no gap in the positions.
#include "metering/journal/recovery.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "metering/journal/acknowledged_file.h"
#include "metering/journal/database_key.h"
#include "metering/journal/posix_file.h"
#include "metering/journal/wal_check.h"

namespace voucherd {

namespace {

using rocksdb::WALRecoveryMode;

constexpr const char* what_to_do =
    " Nothing was changed. Keep the directory as it is, check the disk, and restore from a backup or a "
    "standby.";

Fault damaged(const std::string& what) { return {"journal_damaged", what + what_to_do}; }

Fault open_fault(const JournalPaths& paths, const rocksdb::Status& status) {
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    return {"journal_locked", paths.directory + " is in use by another process (" + status.ToString() +
                                  "). Stop that one first; a directory serves one daemon."};
  }
  if (status.IsCorruption()) return damaged(paths.database + " can't be opened: " + status.ToString() + ".");
  return {"journal_open_failed", paths.database + " can't be opened: " + status.ToString() +
                                     ". Check the directory's owner, permissions and free space."};
}

/// A database has CURRENT from the end of its creation on. Records without it: it was lost, and
/// RocksDB would create an empty database over them.
Result<bool> database_exists(const JournalPaths& paths) {
  std::error_code error;
  if (!std::filesystem::is_directory(paths.database, error)) return false;
  if (std::filesystem::exists(paths.database + "/CURRENT", error)) return true;
  for (const auto& entry : std::filesystem::directory_iterator(paths.database, error)) {
    const auto extension = entry.path().extension();
    if (extension == ".sst" || (extension == ".log" && entry.file_size(error) > 0)) {
      return damaged(paths.database + "/CURRENT is missing, but " + entry.path().string() +
                     " holds records.");
    }
  }
  return false;
}

Result<std::optional<RecordHeader>> last_header(rocksdb::DB& database) {
  const std::unique_ptr<rocksdb::Iterator> it(database.NewIterator(verified_read(true)));
  it->SeekToLast();
  if (!it->status().ok()) return damaged("The last record can't be read: " + it->status().ToString() + ".");
  if (!it->Valid()) return std::optional<RecordHeader>();
  const auto record = decode_record(it->value().ToStringView());
  if (!record) return record.error();
  if (position_of_key(it->key().ToStringView()) != record->header.position) {
    return damaged("The last record is stored under another position than its own.");
  }
  return std::optional(record->header);
}

Result<void> check_acknowledged(const JournalPaths& paths, Position last) {
  const auto acknowledged = read_acknowledged(paths.acknowledged);
  if (!acknowledged) return acknowledged.error();
  if (!*acknowledged || **acknowledged <= last) return {};
  return Fault{"journal_truncated",
               "The journal in " + paths.directory + " ends at position " + std::to_string(last) +
                   ", but position " + std::to_string(**acknowledged) +
                   " was acknowledged: records are missing at its end." + what_to_do +
                   " Only if the loss is understood and accepted: delete " + paths.acknowledged +
                   ", start again, and have the sources send again."};
}

Fault gap(Position expected, Position found) {
  return damaged("The journal lacks position " + std::to_string(expected) + " (the next one found is " +
                 std::to_string(found) + "): a table or log file is missing.");
}

/// The tables' ranges follow each other, and hold as many records as positions.
Result<Position> check_tables(rocksdb::DB& database) {
  std::vector<rocksdb::LiveFileMetaData> files;
  database.GetLiveFilesMetaData(&files);
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.smallestkey < b.smallestkey; });
  Position last = 0;
  for (const auto& file : files) {
    const auto from = position_of_key(file.smallestkey);
    const auto to = position_of_key(file.largestkey);
    if (!from || !to) return damaged("The table " + file.name + " holds keys that are no positions.");
    if (*from != last + 1) return gap(last + 1, *from);
    last = *to;
  }
  rocksdb::TablePropertiesCollection tables;
  if (const auto status = database.GetPropertiesOfAllTables(&tables); !status.ok()) {
    return damaged("The tables can't be read: " + status.ToString() + ".");
  }
  std::uint64_t entries = 0;
  for (const auto& [name, properties] : tables) entries += properties->num_entries;
  if (entries != last) {
    return damaged("The tables hold " + std::to_string(entries) + " records for " + std::to_string(last) +
                   " positions.");
  }
  return last;
}

/// The tables, and then each record that is only in the log.
Result<void> check_gapless(rocksdb::DB& database) {
  const auto in_tables = check_tables(database);
  if (!in_tables) return in_tables.error();
  Position last = *in_tables;
  const std::unique_ptr<rocksdb::Iterator> it(database.NewIterator(verified_read(false)));
  for (it->Seek(key_of_position(last + 1)); it->Valid(); it->Next()) {
    const auto position = position_of_key(it->key().ToStringView());
    if (position != last + 1) return gap(last + 1, position.value_or(0));
    ++last;
  }
  if (!it->status().ok()) return damaged("The journal's end can't be read: " + it->status().ToString() + ".");
  return {};
}

Result<std::unique_ptr<rocksdb::DB>> open_rocksdb(const JournalOptions& options, Access access,
                                                  WALRecoveryMode recovery) {
  const JournalPaths paths(options.directory);
  const auto settings = database_options(options, access, recovery);
  rocksdb::DB* opened = nullptr;
  const auto status = access == Access::read_only
                          ? rocksdb::DB::OpenForReadOnly(settings, paths.database, &opened)
                          : rocksdb::DB::Open(settings, paths.database, &opened);
  if (!status.ok()) return open_fault(paths, status);
  return std::unique_ptr<rocksdb::DB>(opened);
}

Result<void> empty_file(const std::string& path) {
  const auto file = PosixFile::open(path, O_WRONLY);
  if (!file) return file.error();
  if (auto truncated = file->truncate(0); !truncated) return truncated;
  return file->sync();
}

/// Where our own reading has found the log whole, RocksDB has to find it whole as well.
WALRecoveryMode recovery_mode(bool torn) {
  return torn ? WALRecoveryMode::kPointInTimeRecovery : WALRecoveryMode::kAbsoluteConsistency;
}

Result<WalVerdict> check_wal(const std::vector<WalFile>& files, rocksdb::DB& database) {
  std::uint64_t first_live = 0;
  if (!database.GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &first_live)) {
    return damaged("RocksDB does not tell which log files it needs.");
  }
  return judge_wal(files, first_live);
}

}  // namespace

Result<std::optional<OpenedDatabase>> open_checked(const JournalOptions& options) {
  const JournalPaths paths(options.directory);
  const auto exists = database_exists(paths);
  if (!exists) return exists.error();
  if (!*exists) {
    if (auto checked = check_acknowledged(paths, 0); !checked) return checked.error();
    return std::optional<OpenedDatabase>();
  }
  const auto wal = read_wal(paths.database);
  if (!wal) return wal.error();
  const bool broken =
      std::any_of(wal->begin(), wal->end(), [](const auto& file) { return file.first_break; });
  auto database = open_rocksdb(options, Access::read_only, recovery_mode(broken));
  if (!database) {
    // Of damage our own finding says more than RocksDB's refusal; it may be in a log that is not needed any
    // more.
    const Fault& refused = database.error();
    if (refused.code != "journal_damaged") return refused;
    const auto verdict = judge_wal(*wal, 0);
    if (verdict) return refused;
    return Fault{verdict.error().code, verdict.error().detail + " " + refused.detail};
  }
  const auto verdict = check_wal(*wal, **database);
  if (!verdict) return verdict.error();
  const auto last = last_header(**database);
  if (!last) return last.error();
  const Position last_position = *last ? (*last)->position : 0;
  if (auto checked = check_acknowledged(paths, last_position); !checked) return checked.error();
  if (verdict->last_position > last_position) {
    return damaged("The log goes up to position " + std::to_string(verdict->last_position) +
                   ", but RocksDB takes it only up to " + std::to_string(last_position) + ".");
  }
  if (auto checked = check_gapless(**database); !checked) return checked.error();
  return std::optional<OpenedDatabase>(
      OpenedDatabase{std::move(*database), *last, verdict->torn_tail, verdict->only_torn});
}

Result<OpenedDatabase> open_for_writing(const JournalOptions& options,
                                        const std::optional<OpenedDatabase>& checked) {
  const bool torn = checked && checked->torn_tail;
  if (checked) {
    for (const std::string& path : checked->only_torn) {
      if (auto emptied = empty_file(path); !emptied) return emptied.error();
    }
  }
  auto database = open_rocksdb(options, Access::read_write, recovery_mode(torn));
  if (!database) return database.error();
  const auto last = last_header(**database);
  if (!last) return last.error();
  if (*last != (checked ? checked->last : std::nullopt)) {
    return damaged("RocksDB opened for writing holds another last record than read-only.");
  }
  return OpenedDatabase{std::move(*database), *last, torn, {}};
}

}  // namespace voucherd
