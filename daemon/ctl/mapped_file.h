// A file read where it lies: what is larger than memory can be checked, too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "metering/core/result.h"

namespace voucherd::ctl {

class MappedFile {
 public:
  /// Faults "file_unreadable"; "file_too_large" beyond `bytes_max`, before anything is read.
  static Result<MappedFile> open(const std::string& path, std::uint64_t bytes_max);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

}  // namespace voucherd::ctl
