// The genesis record: made once, read at every open, and held against the configuration.
#pragma once

#include <optional>

#include "config/options.h"
#include "metering/journal/journal.h"

namespace voucherd {

/// Precondition: the journal is empty.
Result<void> write_genesis(Journal& journal, const config::Options& options, Instant now);

/// Fault "record_damaged" where the first record is none.
Result<Genesis> read_genesis(const Journal& journal);

/// Fault "genesis_differs" where the configuration's provider, offset or currency are not the journal's.
std::optional<Fault> compare_genesis(const Genesis& genesis, const config::Options& options);

}  // namespace voucherd
