#include "daemon/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

namespace voucherd {

namespace {

constexpr std::string_view credentials = "$CREDENTIALS_DIRECTORY/";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Fault unreadable(const std::string& path, int error) {
  return {"file_unreadable", path + " can't be read: " + std::generic_category().message(error)};
}

std::string octal(mode_t mode) {
  std::string digits = "0000";
  for (std::size_t i = 0; i < 4; ++i) digits[3 - i] = static_cast<char>('0' + ((mode >> (3 * i)) & 7u));
  return digits;
}

/// Why others could read the file; nullopt: they can't.
std::optional<std::string> exposure(const struct stat& file) {
  if (file.st_uid != 0 && file.st_uid != ::geteuid()) {
    return "it belongs to user " + std::to_string(file.st_uid) +
           ", who is neither root nor the one that this process runs as";
  }
  const mode_t group_may = file.st_uid == 0 ? S_IRGRP : 0;
  if ((file.st_mode & (S_IRWXG | S_IRWXO) & ~group_may) == 0) return std::nullopt;
  return "its mode is " + octal(file.st_mode & 07777u) +
         ", so that others can get at it; set it to 0600, or to 0640 where root owns it";
}

Result<std::string> read_file(const std::string& named, bool secret) {
  const auto path = resolve_credential(named);
  if (!path) return path.error();
  // Without O_NONBLOCK a pipe by that name would hold up the start.
  const Descriptor file(::open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about {};
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0) return unreadable(*path, errno);
  if (!S_ISREG(about.st_mode)) return Fault{"file_unreadable", *path + " is not a regular file"};
  if (secret) {
    if (const auto why = exposure(about)) return Fault{"secret_exposed", *path + " is not taken: " + *why};
  }
  std::string content;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0) return unreadable(*path, errno);
    if (got == 0) return {boost::system::in_place_value, std::move(content)};
    content.append(piece.data(), static_cast<std::size_t>(got));
    if (content.size() > secret_file_bytes_max) {
      return Fault{"file_unreadable",
                   *path + " is longer than " + std::to_string(secret_file_bytes_max) + " bytes"};
    }
  }
}

}  // namespace

Result<std::string> resolve_credential(const std::string& path) {
  if (!path.starts_with(credentials)) return {boost::system::in_place_value, path};
  // Nobody sets the environment while the programs run.
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  if (directory == nullptr || *directory == '\0') {
    return Fault{"credential_unknown",
                 path +
                     " is no file here: systemd sets CREDENTIALS_DIRECTORY for a service that has "
                     "LoadCredential="};
  }
  return {boost::system::in_place_value, std::string(directory) + "/" + path.substr(credentials.size())};
}

Result<std::string> read_secret_file(const std::string& path) { return read_file(path, true); }

Result<std::string> read_small_file(const std::string& path) { return read_file(path, false); }

}  // namespace voucherd
