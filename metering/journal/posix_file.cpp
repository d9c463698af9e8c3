// The system calls behind PosixFile; see the header.
#include "metering/journal/posix_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace voucherd {

namespace {

Fault file_fault(const std::string& path, const char* call, int error) {
  return {"file_failed", path + ": " + call + " failed: " + std::generic_category().message(error)};
}

}  // namespace

Result<PosixFile> PosixFile::open(const std::string& path, int flags, unsigned mode) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
  if (descriptor < 0) return file_fault(path, "open", errno);
  return PosixFile(path, descriptor);
}

PosixFile::~PosixFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

PosixFile::PosixFile(PosixFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

PosixFile& PosixFile::operator=(PosixFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Fault PosixFile::failed(const char* call) const { return file_fault(path_, call, errno); }

Result<std::uint64_t> PosixFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return failed("fstat");
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::string> PosixFile::read_at(std::uint64_t offset, std::size_t count) const {
  std::string bytes(count, '\0');
  const auto done = read_at(offset, std::span<char>(bytes));
  if (!done) return done.error();
  bytes.resize(*done);
  return Result<std::string>(boost::system::in_place_value, std::move(bytes));
}

Result<std::size_t> PosixFile::read_at(std::uint64_t offset, std::span<char> into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("pread");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> PosixFile::write_at(std::uint64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed("pwrite");
    offset += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> PosixFile::truncate(std::uint64_t size) const {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return failed("ftruncate");
  return {};
}

Result<void> PosixFile::sync() const {
  if (::fsync(descriptor_) != 0) return failed("fsync");
  return {};
}

Result<bool> PosixFile::try_lock(bool exclusive) const {
  if (::flock(descriptor_, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return failed("flock");
}

Result<void> sync_directory(const std::string& directory) {
  const auto handle = PosixFile::open(directory, O_RDONLY | O_DIRECTORY);
  if (!handle) return handle.error();
  return handle->sync();
}

Result<void> create_directory_durably(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path path = fs::absolute(directory, error).lexically_normal();
  if (error) return file_fault(directory, "getcwd", error.value());
  if (fs::is_directory(path, error)) return {};
  const fs::path parent = path.has_filename() ? path.parent_path() : path.parent_path().parent_path();
  if (parent != path) {
    if (auto made = create_directory_durably(parent.string()); !made) return made;
  }
  fs::create_directory(path, error);
  if (error) return file_fault(directory, "mkdir", error.value());
  return sync_directory(parent.string());
}

}  // namespace voucherd
