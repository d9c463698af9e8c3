// From the members that were read to an event, or to the one problem that is reported: the
// first in the fixed order of the contract, whatever order the members came in.
#pragma once

#include "metering/core/instant_reader.h"
#include "metering/wire/members.h"

namespace voucherd::wire {

/// Fills `item.event` with what is readable and `item.problem` with what is wrong. Returns how
/// many members were ignored: the unknown ones and those of the other kind of event.
std::uint64_t judge(Members& members, InstantReader& instants, Item& item);

}  // namespace voucherd::wire
