// A statement's canonical bytes, frozen or as they would be now, and what stands beside them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/engine/engine.h"

namespace voucherd::api {

struct FoundStatement {
  std::string canonical;
  Position position = 0;  // of the close; of an open statement, the last one
  std::string root;
  bool closed = false;
};

/// nullopt: the firm has no statement of the month.
std::optional<FoundStatement> find_statement(const Engine& engine, Month period, const FirmId& firm);

/// What stands beside the canonical members as `journal`: what is frozen is everything but it.
nlohmann::ordered_json journal_of(const FoundStatement& found);
/// The canonical JSON with `journal` beside its members, and a line's end.
std::string with_journal(const FoundStatement& found);

}  // namespace voucherd::api
