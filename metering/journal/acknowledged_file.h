// The last acknowledged position, kept outside of the database: the second guard against
// a database that opens "successfully" with fewer records than were acknowledged.
//
// Two checksummed slots on pages of their own are written in turn after each commit, without
// an fsync of their own: after a crash of the process the file is exact; after a power loss it
// may be older, never newer than what is durable. A flipped bit spoils one slot, and the other
// still guards all but the last append().
#pragma once

#include <optional>
#include <string>

#include "metering/core/result.h"
#include "metering/journal/journal.h"
#include "metering/journal/posix_file.h"

namespace voucherd {

/// The position in the file at `path`; nullopt where there is no such file.
/// Fault "journal_damaged" where neither slot can be read.
Result<std::optional<Position>> read_acknowledged(const std::string& path);

/// For the one writer.
class AcknowledgedFile {
 public:
  /// Opens the file, or creates it with position 0, durably.
  static Result<AcknowledgedFile> open(const std::string& path);
  Result<void> store(Position position);
  Result<void> sync() const { return file_.sync(); }

 private:
  AcknowledgedFile(PosixFile file, unsigned next_slot) : file_(std::move(file)), next_slot_(next_slot) {}
  PosixFile file_;
  unsigned next_slot_;
};

}  // namespace voucherd
