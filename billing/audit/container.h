// The container of a bundle: a POSIX ustar archive, which `tar` opens everywhere, written in the one way in
// which it can be: files in the order of their names, mode 0644, without owner and time, two blocks of zeros
// behind the last. So equal files are equal bytes, and a byte that says nothing can't be changed unnoticed:
// a reader writes again what it read and refuses a difference.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/result.h"

namespace voucherd::billing {

/// Of one file (ustar has 11 octal digits).
inline constexpr std::uint64_t container_file_bytes_max = (std::uint64_t{1} << 33) - 1;

/// Zeros at the end of every one: without them it is not whole.
inline constexpr std::size_t container_end_bytes = 1024;
/// Of a whole one: some 500 million events.
inline constexpr std::uint64_t container_bytes_max = std::uint64_t{1} << 36;
/// What is noted of a file takes memory: an archive of nothing but headers is refused before it takes much.
inline constexpr std::size_t container_files_max = 200'000;

/// Written piece by piece: what has been written can be taken away before the next file is added.
class ContainerWriter {
 public:
  /// Names are 1 to 100 bytes of printable ASCII and rise from file to file (asserted).
  void add(const std::string& name, std::string_view bytes);
  /// Nothing can be added behind it.
  void finish();
  /// What has been written since the last call.
  std::string take();
  std::size_t bytes() const { return out_.size(); }

 private:
  std::string out_, last_;
  bool finished_ = false;
};

struct ContainerFile {
  std::string name;
  std::string_view bytes;  // of the container's
};

/// The files, in order. Fault "container_malformed" for everything that ContainerWriter does not write.
Result<std::vector<ContainerFile>> read_container(std::string_view container);

}  // namespace voucherd::billing
