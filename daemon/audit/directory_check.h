// A whole data directory checked (`voucherctl audit verify DIR`; the daemon is stopped, or it is a backup):
// the records against the signed head first, then, folded from the first one, every closed statement made
// again as it was before its close. Writes nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/engine/engine.h"
#include "metering/proof/signed_note.h"

namespace voucherd {

/// What does not hold, and where.
struct DirectoryFinding {
  std::string what;
  Position position = 0;  // 0: no single record
  FirmId firm;            // empty: no single firm
  std::optional<Month> month;
};

struct DirectoryReport {
  Position last_position = 0;
  std::uint64_t events = 0, closes = 0, statements = 0, checkpoints = 0;
  std::string tree_root;         // hex, over all records
  std::optional<TreeHead> head;  // the last signed one
  bool signature_checked = false;
  std::vector<DirectoryFinding> findings;  // empty: all of it holds
  /// Sentences on what says nothing about the records: left open, or not read.
  std::vector<std::string> notes;
};

/// Told after each record, in both passes: how many records of how many.
using DirectoryProgress = std::function<void(std::uint64_t done, std::uint64_t whole, const char* what)>;

/// Without a key the head's signature is not checked. Fault where the journal can't be read at all, as
/// Journal::open_read_only() and scan() say it.
Result<DirectoryReport> verify_directory(const std::string& directory, const std::optional<VerifierKey>& key,
                                         const DirectoryProgress& progress = {});

}  // namespace voucherd
