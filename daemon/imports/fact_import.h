// One import of the files named by the configuration into the engine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/engine/engine.h"

namespace voucherd {

struct ImportOutcome {
  /// All that is wrong; where there is anything, no file has been taken in and the facts are as before.
  std::vector<std::string> faults;
  std::size_t files = 0;
  std::size_t changes = 0;  // 0: no file says anything new, and nothing was written
  Position position = 0;    // of the record
};

/// Reads the files and makes what changed since their last import one record. `done` runs on the engine's
/// owner thread, once the record is durable; at once where there is none to write.
void import_facts(Engine& engine, const std::vector<std::string>& names,
                  const std::function<void(ImportOutcome)>& done);

}  // namespace voucherd
