// One link of a firm's chain, made again from its record: the events of the firm that touch a month, with
// their bytes (metering/proof/FORMAT.md). Bundles are made of these, and samples are placed among them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "daemon/engine/engine.h"
#include "metering/proof/chains.h"
#include "metering/proof/event_bytes.h"

namespace voucherd {

struct FirmLink {
  ChainLink link;     // without events where none of the firm's in this record touches the month
  std::string bytes;  // of the events, in the order of their index
};

/// `visit` sees each event of the link; `corrected` is what a correction corrects.
using VisitLinked = std::function<void(const EventView& event, std::optional<EventOrdinal> corrected)>;
FirmLink read_firm_link(const Engine& engine, const FirmId& firm, Month month, Position position,
                        const VisitLinked& visit = {});

/// The position of the next record from `from` on that may have a link; nullopt: there is none.
std::optional<Position> next_firm_link(const Engine& engine, const FirmId& firm, Month month, Position from);

/// The months that an event touches; of a correction, those of what it corrects.
MonthRun months_of_event(const Engine& engine, const EventView& event, std::optional<EventOrdinal> corrected);

}  // namespace voucherd
