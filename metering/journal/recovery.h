// Opening a database that may have been through a crash, a power loss or a failing disk: all
// guards are passed while it is open read-only, since a database that is opened for writing
// deletes the logs and tables that it believes it no longer needs, and with them the evidence.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metering/core/result.h"
#include "metering/journal/database_options.h"
#include "metering/journal/journal.h"

namespace voucherd {

/// What a journal's directory holds.
struct JournalPaths {
  explicit JournalPaths(const std::string& root)
      : directory(root), database(root + "/database"), acknowledged(root + "/acknowledged") {}
  std::string directory, database, acknowledged;
};

struct OpenedDatabase {
  std::unique_ptr<rocksdb::DB> database;
  std::optional<RecordHeader> last;  // nullopt where it is empty
  bool torn_tail = false;
  std::vector<std::string> only_torn;  // log files that open_for_writing() empties
};

/// The database, open read-only, after the log, the acknowledged position and the sequence of
/// positions have been checked; nullopt where none has been created yet. Precondition: the
/// directory's lock is held.
Result<std::optional<OpenedDatabase>> open_checked(const JournalOptions& options);

/// Opens for writing (or creates) what open_checked() has found good.
Result<OpenedDatabase> open_for_writing(const JournalOptions& options,
                                        const std::optional<OpenedDatabase>& checked);

}  // namespace voucherd
