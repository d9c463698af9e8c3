// How a log goes that RocksDB needs no more.
#pragma once

#include <string>

namespace voucherd {

/// Shortens the file a MiB at a time, until the rest is one piece to unlink. Unlinked whole, a log of 64 MiB
/// holds up the file system's next commit for some 20 ms (measured on ext4, which discards the blocks there),
/// and with it the fsync of the log after it. A log that is shared is left whole: somebody may have linked it
/// for a copy. Where this fails, unlinking does it all.
void cut_down(const std::string& log);

}  // namespace voucherd
