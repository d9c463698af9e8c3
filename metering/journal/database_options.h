// How RocksDB is set up for the journal, and why.
#pragma once

#include <rocksdb/options.h>

#include "metering/journal/journal.h"

namespace voucherd {

/// RocksDB's checksum of each key and value from our write batch to its memory and log.
inline constexpr std::size_t protection_bytes_per_key = 8;

/// What an open may do to the directory.
enum class Access { read_only, read_write };

rocksdb::Options database_options(const JournalOptions& options, Access access,
                                  rocksdb::WALRecoveryMode recovery);
/// One fsync per write.
rocksdb::WriteOptions durable_write();
/// For single reads (`keep`: in the block cache) and for scans.
rocksdb::ReadOptions verified_read(bool keep);
/// Of what is not in a table yet, for iterators.
rocksdb::ReadOptions read_of_memory();

}  // namespace voucherd
