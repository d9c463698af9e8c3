// A directory of a test's own, gone with it. In memory where the machine offers it: fsync is
// then cheap, and what is tested is order, not the disk.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace voucherd::testing {

class TempDir {
 public:
  TempDir() {
    const bool shm = std::filesystem::is_directory("/dev/shm");
    std::string name = (shm ? std::string("/dev/shm") : std::filesystem::temp_directory_path().string()) +
                       "/voucherd-test-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace voucherd::testing
