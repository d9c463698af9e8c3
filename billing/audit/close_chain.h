// The closes that a bundle shows, from the journal's first to that of its month, and the firm's part of each.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "billing/audit/firm_events.h"
#include "billing/audit/proven_records.h"
#include "billing/core/statement.h"
#include "metering/proof/close_part.h"

namespace voucherd::billing {

/// What all may see of a close.
struct ShownClose {
  Position position = 0;
  Instant at;
  Month first, last;
  Actor by;
  std::string reason;
  Position previous = 0;
};

/// nullopt where `shared` is not what all may see of a close.
std::optional<ShownClose> decode_shown_close(const RecordHeader& header, std::string_view shared);

struct CloseChain {
  std::vector<ShownClose> closes;       // in order; the last one closed the month
  std::map<Position, ClosePart> parts;  // of those that concern the firm
};

/// Takes all closes. Throws Refused where one is missing, or the last one did not close `period`.
CloseChain read_closes(BundleFiles& files, ProvenRecords& records, const FirmId& firm, Month period);

/// Throws Refused unless at each close the chains were as its part says.
void check_chains(const CloseChain& closes, const FirmEvents& events);

}  // namespace voucherd::billing
