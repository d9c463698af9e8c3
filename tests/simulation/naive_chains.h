// The auditor's own chains: from FORMAT.md of metering/proof alone, with plain lists and one-shot hashes; it
// shares no code with the program.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/naive_model.h"

namespace naive {

/// An accepted event, and where the program keeps it.
struct PlacedEvent {
  Event event;
  std::uint64_t position = 0;
  std::uint32_t index = 0;
};

/// "count:value in hex", by firm and month.
using ChainTexts = std::map<std::pair<std::string, int>, std::string>;
ChainTexts chains_of(std::vector<PlacedEvent> events, int offset);

/// What the parts of a stored close say (payload version 2).
struct ClosedParts {
  ChainTexts chains;
  std::map<std::pair<std::string, int>, std::string> statements;  // hash in hex, by firm and month
};
ClosedParts parts_of_close(const std::string& payload);

std::string sha256_hex(const std::string& bytes);

}  // namespace naive
