// The access log's files while they are written: which day's is open, where the chain of hashes stands, and
// what the disk has not confirmed yet.
//
// After a failed fsync the page cache lies: the next one may report good what never reached the disk. So what
// was written since the last good one is kept in memory, and written again before anything else is; until
// that succeeds, no line is taken.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/access/access_log.h"
#include "daemon/access/access_log_files.h"
#include "metering/journal/posix_file.h"

namespace voucherd::access {

/// Entries without a line of their own.
struct Unlisted {
  std::uint64_t lost = 0;    // that could not be written
  std::uint64_t others = 0;  // refused, beyond their number a second
};

/// One thread at a time.
class AccessLogWriter {
 public:
  AccessLogWriter(AccessLogOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  /// Locks the directory, goes on behind the last line that is there, and writes that it was opened.
  Result<void> open();
  /// What a crash had left behind the last line, and open() cut off.
  std::uint64_t cut_off_bytes() const { return cut_off_; }

  /// A line for each that has entries, then one for each entry; all of them or none.
  Result<void> append(const std::vector<const AccessEntry*>& entries, const Unlisted& unlisted);
  /// Whether sync() has something to do.
  bool has_unsynced() const { return !unsynced_.empty(); }
  Result<void> sync();

 private:
  Result<void> make_directory() const;
  Result<void> lock();
  Result<void> find_end();
  Result<bool> find_end_in(const std::string& path);
  Result<void> begin_day(LocalDay today);
  void remove_old_files(const std::vector<AccessLogFile>& files) const;
  Result<void> write_lines(const std::vector<std::string>& lines);

  AccessLogOptions options_;
  const Clock& clock_;
  PosixFile lock_file_, file_;
  std::uint64_t size_ = 0;  // of the lines in the file
  std::string unsynced_;    // the last of them
  bool sync_failed_ = false, tail_is_torn_ = false;
  LocalDay day_{};
  ChainEnd end_;
  std::uint64_t cut_off_ = 0;
};

}  // namespace voucherd::access
