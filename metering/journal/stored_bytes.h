// Where in a table's file the bytes of a record stand, so that a few of them can be read again without the
// rest, and without RocksDB.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "metering/journal/posix_file.h"

namespace voucherd {

/// A value; its file stays readable when RocksDB removes it. Table files are never changed, but nothing
/// compares a checksum here: whoever reads must not take what it finds for the last word. Thread-safe.
class StoredBytes {
 public:
  StoredBytes() = default;
  StoredBytes(std::shared_ptr<const PosixFile> file, std::uint64_t offset)
      : file_(std::move(file)), offset_(offset) {}

  /// Whether all of `into` could be filled with the bytes from `from` on.
  bool read(std::uint64_t from, std::span<char> into) const {
    const auto read = file_->read_at(offset_ + from, into);
    return read && *read == into.size();
  }
  /// Those behind the first `bytes`.
  StoredBytes behind(std::uint64_t bytes) const { return {file_, offset_ + bytes}; }

 private:
  std::shared_ptr<const PosixFile> file_;
  std::uint64_t offset_ = 0;
};

}  // namespace voucherd
