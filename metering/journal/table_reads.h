// Tells from where RocksDB reads: an environment whose table files note, while someone asks on the same
// thread, which bytes of which file went where in memory.
#pragma once

#include <rocksdb/env.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "metering/journal/stored_bytes.h"

namespace voucherd {

class TablePath;

/// The operating system's, of the process's whole life. It notes reads, and removes a log ("*.log") piece by
/// piece.
rocksdb::Env* journal_environment();

/// While it lives, its thread's reads of table files are noted. One at a time on a thread (asserted).
class TableReads {
 public:
  TableReads();
  ~TableReads();
  TableReads(const TableReads&) = delete;
  TableReads& operator=(const TableReads&) = delete;

  /// Where `bytes` stand, which RocksDB gave out: found where they lie in memory that a read filled, and
  /// verified by a second read of the file, since that memory may have been used anew. nullopt where they
  /// came from elsewhere (its memory, its cache, a packed block) or can't be read.
  std::optional<StoredBytes> locate(std::string_view bytes) const;

 private:
  friend class NotingFile;
  struct Note {
    std::string_view memory;
    std::uint64_t offset;
    std::shared_ptr<TablePath> table;
  };
  std::vector<Note> notes_;
};

}  // namespace voucherd
