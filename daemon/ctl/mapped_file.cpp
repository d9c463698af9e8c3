#include "daemon/ctl/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace voucherd::ctl {

Result<MappedFile> MappedFile::open(const std::string& path, std::uint64_t bytes_max) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat found {};
  if (file < 0 || ::fstat(file, &found) != 0) {
    if (file >= 0) ::close(file);
    return Fault{"file_unreadable", path + " can't be read"};
  }
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size > bytes_max) {
    ::close(file);
    return Fault{"file_too_large", path + " has " + std::to_string(size) + " bytes; at most " +
                                       std::to_string(bytes_max) + " are read"};
  }
  // An empty file can't be mapped.
  void* const at = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  ::close(file);
  if (at == MAP_FAILED) return Fault{"file_unreadable", path + " can't be read where it lies"};
  return MappedFile(std::string_view(static_cast<const char*>(at), size));
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile::~MappedFile() {
  // munmap() takes what mmap() gave, which nothing here writes to.
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace voucherd::ctl
