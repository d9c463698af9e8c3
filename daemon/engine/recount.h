// All charges of a stopped daemon's journal again, from the stored events, the facts and the closes alone,
// compared with what the daemon itself had: for auditors, and after a load test.
#pragma once

#include <string>
#include <vector>

#include "billing/core/money.h"
#include "metering/journal/journal.h"

namespace voucherd {

struct RecountReport {
  Position last_position = 0;
  std::uint64_t events = 0, corrections = 0;
  std::uint64_t firms = 0, charges = 0;
  billing::Fen net, tax, gross;            // of all charges
  double seconds = 0, charge_seconds = 0;  // processor time: of reading and adding up; of rating
  std::vector<std::string> differences;    // from the daemon's totals; empty: all is well
};

/// Writes nothing. Faults as Journal::open_read_only's, and of records that can't be read.
Result<RecountReport> recount_directory(const std::string& directory);

}  // namespace voucherd
