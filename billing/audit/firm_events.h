// The events of a firm as a bundle holds them: the files of its chains, read back link by link. Private to
// billing/audit.
#pragma once

#include <map>
#include <vector>

#include "billing/audit/bundle_files.h"
#include "metering/core/usage_event.h"
#include "metering/proof/chains.h"

namespace voucherd::billing {

/// No instant of a bundle lies farther from 1970: what is reckoned from them fits 64 bits.
inline constexpr std::int64_t instant_ms_max = 300'000'000'000'000;

struct BundledEvent {
  EventView event;            // into the bundle; its subject is left empty
  std::vector<Month> months;  // in whose files it stands
};

/// A chain as it is after the record at `position`.
struct ChainAt {
  Position position = 0;
  Chain chain;
};

struct FirmEvents {
  /// Each once, whatever number of months it touches, by its place: position of its record, and index there.
  std::map<std::pair<Position, std::uint32_t>, BundledEvent> events;
  /// Of each usage month, from the empty chain at position 0 on.
  std::map<Month, std::vector<ChainAt>> chains;
};

/// Takes all event files. Throws Refused where they are not in their canonical form, or an event is not one
/// that could have been accepted before `close`.
FirmEvents read_firm_events(BundleFiles& files, Position close);

/// Throws Refused unless each identity stands once, each correction's event is there, and each event stands
/// in the chains of all the months up to `last` that it touches.
void check_months(const FirmEvents& events, Month last, UtcOffset offset);

}  // namespace voucherd::billing
