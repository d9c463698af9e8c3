// A file by its descriptor: what std::fstream lacks and durability needs (positioned
// writes, fsync of files and directories, locks). Every failure is a Fault "file_failed"
// that names the file, the call and the system's reason; nothing is retried but EINTR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "metering/core/result.h"

namespace voucherd {

/// Owns a descriptor. Thread safety: that of the system calls.
class PosixFile {
 public:
  PosixFile() = default;
  /// `flags` are those of open(2); O_CLOEXEC is added. `mode` is that of a file which this makes: billing
  /// data is not for everyone on the host.
  static Result<PosixFile> open(const std::string& path, int flags, unsigned mode = 0640);
  ~PosixFile();
  PosixFile(PosixFile&& other) noexcept;
  PosixFile& operator=(PosixFile&& other) noexcept;
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  const std::string& path() const { return path_; }
  Result<std::uint64_t> size() const;
  /// Fewer bytes than `count` only where the file ends.
  Result<std::string> read_at(std::uint64_t offset, std::size_t count) const;
  /// The same into memory that is there; returns how many bytes it read.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const;
  Result<void> write_at(std::uint64_t offset, std::string_view bytes) const;
  Result<void> truncate(std::uint64_t size) const;
  Result<void> sync() const;
  /// False where another descriptor holds it; the lock goes with the descriptor.
  Result<bool> try_lock(bool exclusive) const;

 private:
  PosixFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  Fault failed(const char* call) const;

  std::string path_;
  int descriptor_ = -1;
};

/// Makes what was created, renamed or removed in `directory` durable.
Result<void> sync_directory(const std::string& directory);
/// Creates `directory` with its parents where absent, durably.
Result<void> create_directory_durably(const std::string& directory);

}  // namespace voucherd
