// Records behind the last signed head. After a crash there are some: a head is signed at most every second.
// So they say nothing against the directory, as long as they are of one stretch of time that this explains,
// and leave closed months alone; whoever adds records to a stopped daemon's journal has to keep to both.
#pragma once

#include <functional>
#include <string>

#include "daemon/audit/directory_check.h"
#include "daemon/engine/fold.h"

namespace voucherd {

/// From the first record behind the head to the last: a second, and what a loaded machine and a slow disk may
/// add to it.
inline constexpr std::int64_t unsigned_span_ms_max = 60'000;

/// What a record behind the head, which comes behind `before`, does to closed months. `journal` is the one
/// that is checked.
void check_unsigned_record(const Journal& journal, const Fold& before, const Record& record,
                           DirectoryReport& report);

}  // namespace voucherd
