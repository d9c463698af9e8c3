#include "metering/journal/log_removal.h"

#include <fcntl.h>

#include <cstdint>
#include <filesystem>
#include <system_error>

#include "metering/journal/posix_file.h"

namespace voucherd {

namespace {
constexpr std::uint64_t removed_piece_bytes = 1u << 20;
}

void cut_down(const std::string& log) {
  std::error_code error;
  if (std::filesystem::hard_link_count(log, error) != 1 || error) return;
  const auto file = PosixFile::open(log, O_WRONLY);
  if (!file) return;
  auto left = file->size();
  while (left && *left > removed_piece_bytes) {
    *left -= removed_piece_bytes;
    if (!file->truncate(*left) || !file->sync()) return;
  }
}

}  // namespace voucherd
