// Slot layout: FORMAT.md, "acknowledged".
#include "metering/journal/acknowledged_file.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "metering/journal/checksum.h"
#include "metering/journal/encoding.h"

namespace voucherd {

namespace {

constexpr std::string_view slot_magic = "VACK0001";
constexpr std::uint64_t slot_distance = 4096;  // so that one torn page spoils one slot
constexpr std::size_t slot_bytes = 24;
constexpr unsigned slot_count = 2;

using Slots = std::array<std::optional<Position>, slot_count>;

std::string encode_slot(Position position) {
  std::string slot(slot_magic);
  put_little_endian(slot, position);
  put_little_endian(slot, checksum64(slot));
  return slot;
}

Result<Slots> read_slots(const PosixFile& file) {
  Slots slots;
  for (unsigned i = 0; i < slot_count; ++i) {
    const auto bytes = file.read_at(i * slot_distance, slot_bytes);
    if (!bytes) return bytes.error();
    if (bytes->size() < slot_bytes) continue;
    const auto position = get_little_endian<Position>(std::string_view(*bytes).substr(slot_magic.size()));
    if (*bytes == encode_slot(position)) slots[i] = position;
  }
  if (!slots[0] && !slots[1]) {
    return Fault{"journal_damaged",
                 file.path() +
                     " can't be read in either of its two slots, so it can't be told whether acknowledged "
                     "records are missing. Restore the data directory from a backup or a standby; or, if the "
                     "journal is known to be complete, delete this one file and start again."};
  }
  return slots;
}

// Under another name first: a crash in between must not leave a file without a good slot.
Result<void> create(const std::string& path) {
  const std::string unfinished = path + ".new";
  const auto file = PosixFile::open(unfinished, O_RDWR | O_CREAT | O_TRUNC);
  if (!file) return file.error();
  for (unsigned i = 0; i < slot_count; ++i) {
    if (auto written = file->write_at(i * slot_distance, encode_slot(0)); !written) return written;
  }
  if (auto synced = file->sync(); !synced) return synced;
  std::error_code error;
  std::filesystem::rename(unfinished, path, error);
  if (error) return Fault{"file_failed", path + ": rename failed: " + error.message()};
  return sync_directory(std::filesystem::path(path).parent_path().string());
}

}  // namespace

Result<std::optional<Position>> read_acknowledged(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<Position>();
  const auto file = PosixFile::open(path, O_RDONLY);
  if (!file) return file.error();
  const auto slots = read_slots(*file);
  if (!slots) return slots.error();
  return std::max((*slots)[0], (*slots)[1]);  // nullopt is below every position
}

Result<AcknowledgedFile> AcknowledgedFile::open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    if (auto created = create(path); !created) return created.error();
  }
  auto file = PosixFile::open(path, O_RDWR);
  if (!file) return file.error();
  const auto slots = read_slots(*file);
  if (!slots) return slots.error();
  // The next write goes where nothing is lost: over the spoilt or the older slot.
  return AcknowledgedFile(std::move(*file), (*slots)[0] < (*slots)[1] ? 0 : 1);
}

Result<void> AcknowledgedFile::store(Position position) {
  auto written = file_.write_at(next_slot_ * slot_distance, encode_slot(position));
  if (written) next_slot_ = (next_slot_ + 1) % slot_count;
  return written;
}

}  // namespace voucherd
