// One link of a firm's chain, made again from its record: the events of the firm that touch a month, with
// their bytes (metering/proof/FORMAT.md). Bundles are made of these, and samples are placed among them. A
// record may hold more events of one firm than a turn of the owner's thread can take: they are read in parts.
#pragma once

#include <optional>
#include <string>

#include "daemon/engine/engine.h"
#include "metering/proof/chains.h"
#include "metering/proof/event_bytes.h"

namespace voucherd {

class FirmLinkReader {
 public:
  FirmLinkReader(const Engine& engine, FirmId firm, Month month, Position position)
      : engine_(engine), firm_(std::move(firm)), month_(month) {
    link_.position = position;
  }

  /// Reads some events more; false once all are read.
  bool read_some();
  /// Once all are read: without events where none of the firm's in this record touches the month.
  const ChainLink& link() const { return link_; }
  /// Of the link's events, in the order of their index.
  const std::string& bytes() const { return bytes_; }

 private:
  void take(const EventView& event, EventPlace place, std::optional<EventOrdinal> corrected);

  const Engine& engine_;
  FirmId firm_;
  Month month_;
  ChainLink link_;
  std::string bytes_;
  Sha256 sha_;
  std::uint32_t next_ = 0;  // index of the first event that is not read
};

/// The position of the next record from `from` on that may have a link; nullopt: there is none.
std::optional<Position> next_firm_link(const Engine& engine, const FirmId& firm, Month month, Position from);

/// The months that an event touches; of a correction, those of what it corrects.
MonthRun months_of_event(const Engine& engine, const EventView& event, std::optional<EventOrdinal> corrected);

}  // namespace voucherd
