// Reading the write-ahead log before RocksDB does. RocksDB's recovery stops at the first
// invalid byte and calls what it has found the whole, so one flipped bit would silently drop
// every acknowledged record behind it. Here a *torn tail* (an append() that a crash cut short:
// nothing whole behind it) is told from *damage* (an append began behind the invalid place, so
// everything before it had been synced and acknowledged).
//
// The log's format: blocks of 32 KiB; in each, fragments of crc32c (4 bytes, masked) · length
// (2) · type (1) · data; a record is one FULL fragment, or FIRST, MIDDLE … LAST.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metering/core/result.h"
#include "metering/journal/journal.h"

namespace voucherd {

/// The first place of a log file that can't be read.
struct WalBreak {
  std::uint64_t offset = 0;
  std::string what;  // "the checksum does not fit"
  /// Where a whole fragment that begins a record stands behind it: then it is damage.
  std::optional<std::uint64_t> record_behind;
};

struct WalFile {
  std::uint64_t number = 0;
  std::string path;
  bool has_records = false;    // before the break; RocksDB's empty batches don't count
  Position last_position = 0;  // of these records; 0 where there are none
  std::optional<WalBreak> first_break;
};

/// All log files in `database_directory`, oldest first.
/// Faults: "journal_damaged" where the format is one that this program never writes.
Result<std::vector<WalFile>> read_wal(const std::string& database_directory);

struct WalVerdict {
  bool torn_tail = false;
  Position last_position = 0;  // in the log files; 0 where they hold none
  /// Files with nothing but a torn tail: RocksDB would keep them, having nothing to put into a table, and
  /// what is appended to the next one would make them look damaged. To be emptied.
  std::vector<std::string> only_torn;
};

/// Judges the files with numbers from `first_live` on: RocksDB no longer reads older ones, which
/// only wait for their removal. Fault "journal_damaged" with file and offset.
Result<WalVerdict> judge_wal(const std::vector<WalFile>& files, std::uint64_t first_live);

}  // namespace voucherd
