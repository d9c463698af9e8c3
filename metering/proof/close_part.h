// One firm's part of a close: its statements, the facts that they rest on and its chains, all as hashes.
// FORMAT.md beside this file.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metering/core/ids.h"
#include "metering/proof/chains.h"

namespace voucherd {

struct ClosePart {
  FirmId firm;
  Month through;                                         // the last month that the close closes
  std::vector<std::pair<Month, Sha256Hash>> statements;  // by month: hash of the canonical bytes
  Sha256Hash facts{};
  MonthChains chains;  // of months up to `through`
  friend bool operator==(const ClosePart&, const ClosePart&) = default;

  std::string encode() const;
};
/// Fault "close_part_malformed".
Result<ClosePart> decode_close_part(std::string_view bytes);

/// A fact that statements rest on, by its last change.
struct FactPlace {
  std::string kind, key;
  Position position = 0;
  std::uint32_t index = 0;  // among the record's changes
  friend auto operator<=>(const FactPlace&, const FactPlace&) = default;
};
/// Of the places in their order, each (kind, key) once.
Sha256Hash facts_digest(std::vector<FactPlace> places);

}  // namespace voucherd
