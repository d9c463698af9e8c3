// Layout of both files: metering/journal/FORMAT.md. A checkpoint is good as a whole or not
// used at all: one checksum covers all of it, and it carries the checksum of the identity
// hashes that it relies on, so that a bit flipped in either is found when it is loaded.
#include "metering/state/checkpoint.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "metering/core/assert.h"
#include "metering/journal/checksum.h"
#include "metering/journal/encoding.h"
#include "metering/journal/posix_file.h"

namespace voucherd {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view checkpoint_magic = "VCHECKPT";
constexpr std::uint32_t checkpoint_format = 1;  // stored: a changed layout takes the next number
constexpr std::string_view name_prefix = "checkpoint-";
constexpr std::string_view unfinished_suffix = ".new";
constexpr std::size_t position_digits = 20;  // so that the order of names is the positions'
constexpr std::size_t hash_bytes = sizeof(std::uint64_t);
constexpr std::size_t hashes_per_read = 1u << 20;

struct StoredCheckpoint {
  Checkpoint checkpoint;
  std::uint64_t hashes_checksum = 0;
};

Fault damaged(const std::string& what) {
  return {"checkpoint_damaged", what + "; fold the journal from its first record instead (nothing is lost)."};
}

std::string hash_path(const std::string& directory) { return directory + "/identity-hashes"; }

std::string checkpoint_path(const std::string& directory, Position position) {
  const std::string digits = std::to_string(position);
  return directory + "/" + std::string(name_prefix) + std::string(position_digits - digits.size(), '0') +
         digits;
}

/// nullopt for what is torn, flipped, or of another format or fold.
std::optional<StoredCheckpoint> decode(std::string_view bytes) {
  if (bytes.size() < checkpoint_magic.size() + sizeof(std::uint64_t)) return std::nullopt;
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(std::uint64_t));
  if (get_little_endian<std::uint64_t>(bytes.substr(body.size())) != checksum64(body)) return std::nullopt;
  FixedReader in(body);
  if (in.bytes(checkpoint_magic.size()) != checkpoint_magic) return std::nullopt;
  if (in.integer<std::uint32_t>() != checkpoint_format) return std::nullopt;
  if (in.integer<std::uint32_t>() != fold_version) return std::nullopt;
  StoredCheckpoint stored;
  stored.checkpoint.position = in.integer<Position>();
  stored.checkpoint.identity_hashes = in.integer<std::uint64_t>();
  stored.hashes_checksum = in.integer<std::uint64_t>();
  for (auto left = in.integer<std::uint32_t>(); left > 0 && in.ok(); --left) {
    std::string name(in.bytes(in.integer<std::uint32_t>()));
    stored.checkpoint.sections.emplace(std::move(name), in.bytes(in.integer<std::uint64_t>()));
  }
  if (!in.at_end()) return std::nullopt;
  return stored;
}

std::vector<fs::path> checkpoint_files(const std::string& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().filename().string().starts_with(name_prefix)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::uint64_t hashes_in_file(const std::string& directory) {
  std::error_code error;
  const auto bytes = fs::file_size(hash_path(directory), error);
  return error ? 0 : bytes / hash_bytes;
}

std::optional<StoredCheckpoint> read_checkpoint(const fs::path& path) {
  const auto file = PosixFile::open(path.string(), O_RDONLY);
  if (!file) return std::nullopt;
  const auto size = file->size();
  if (!size) return std::nullopt;
  const auto bytes = file->read_at(0, static_cast<std::size_t>(*size));
  return bytes ? decode(*bytes) : std::nullopt;
}

/// Usable ones, oldest first.
std::vector<StoredCheckpoint> read_checkpoints(const std::string& directory) {
  std::vector<StoredCheckpoint> usable;
  const std::uint64_t hashes = hashes_in_file(directory);
  for (const fs::path& path : checkpoint_files(directory)) {
    if (path.string().ends_with(unfinished_suffix)) continue;
    auto stored = read_checkpoint(path);
    if (stored && stored->checkpoint.identity_hashes <= hashes) usable.push_back(std::move(*stored));
  }
  return usable;
}

/// Calls `take(bytes)` for the first `count` hashes of the file, piece by piece.
template <class Take>
Result<void> read_hashes(const std::string& directory, std::uint64_t count, Take&& take) {
  if (count == 0) return {};
  const auto file = PosixFile::open(hash_path(directory), O_RDONLY);
  if (!file) return damaged(file.error().detail);
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t piece = std::min<std::uint64_t>(count - done, hashes_per_read);
    const auto bytes = file->read_at(done * hash_bytes, static_cast<std::size_t>(piece) * hash_bytes);
    if (!bytes) return damaged(bytes.error().detail);
    if (bytes->size() != piece * hash_bytes)
      return damaged(file->path() + " is shorter than its checkpoints say");
    if (auto taken = take(std::string_view(*bytes)); !taken) return taken;
    done += piece;
  }
  return {};
}

/// `checksum` must be the one that a kept checkpoint has for its first `count` hashes.
Result<void> check_vouched(const std::string& directory, std::uint64_t count, std::uint64_t checksum) {
  bool known = false;
  for (const StoredCheckpoint& stored : read_checkpoints(directory)) {
    if (stored.checkpoint.identity_hashes != count) continue;
    if (stored.hashes_checksum == checksum) return {};
    known = true;
  }
  return damaged(known ? hash_path(directory) + " does not fit the checksum in its checkpoint"
                       : "No checkpoint in " + directory + " covers " + std::to_string(count) +
                             " identity hashes");
}

/// Writes a file front to back, with the checksum of all of it at its end.
class ChecksummedFile {
 public:
  explicit ChecksummedFile(PosixFile file) : file_(std::move(file)) {}

  /// After a failed write the rest does nothing.
  void write(std::string_view bytes) {
    if (!result_) return;
    checksum_.add(bytes);
    result_ = file_.write_at(at_, bytes);
    at_ += bytes.size();
  }
  Result<void> finish() {
    std::string checksum;
    put_little_endian(checksum, checksum_.value());
    write(checksum);
    return result_ ? file_.sync() : result_;
  }

 private:
  PosixFile file_;
  RunningChecksum checksum_;
  std::uint64_t at_ = 0;
  Result<void> result_;
};

/// Section by section: a copy of the whole would be as large again.
Result<void> write_content(PosixFile to, const Checkpoint& checkpoint, std::uint64_t hashes_checksum) {
  ChecksummedFile file(std::move(to));
  std::string head(checkpoint_magic);
  put_little_endian(head, checkpoint_format);
  put_little_endian(head, fold_version);
  put_little_endian(head, checkpoint.position);
  put_little_endian(head, checkpoint.identity_hashes);
  put_little_endian(head, hashes_checksum);
  put_little_endian(head, static_cast<std::uint32_t>(checkpoint.sections.size()));
  for (const auto& [name, bytes] : checkpoint.sections) {
    put_little_endian(head, static_cast<std::uint32_t>(name.size()));
    head.append(name);
    put_little_endian(head, static_cast<std::uint64_t>(bytes.size()));
    file.write(head);
    head.clear();
    file.write(bytes);
  }
  file.write(head);
  return file.finish();
}

Result<void> write_checkpoint(const std::string& directory, const std::string& path,
                              const Checkpoint& checkpoint, std::uint64_t hashes_checksum) {
  const std::string unfinished = path + std::string(unfinished_suffix);
  std::error_code error;
  auto file = PosixFile::open(unfinished, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return file.error();
  if (auto written = write_content(std::move(*file), checkpoint, hashes_checksum); !written) {
    fs::remove(unfinished, error);  // on a full disk the room is needed
    return written;
  }
  fs::rename(unfinished, path, error);
  if (error) return Fault{"file_failed", path + ": rename failed: " + error.message()};
  return sync_directory(directory);
}

/// All but `newest` and the checkpoints_kept − 1 before it: unfinished ones, and such as are
/// ahead of it, which could not be used or it would have been built upon them.
void remove_others(const std::string& directory, const std::string& newest) {
  std::vector<fs::path> before;
  std::error_code ignored;
  for (const fs::path& path : checkpoint_files(directory)) {
    if (path.filename() < fs::path(newest).filename() && !path.string().ends_with(unfinished_suffix)) {
      before.push_back(path);
    } else if (path.filename() != fs::path(newest).filename()) {
      fs::remove(path, ignored);
    }
  }
  constexpr std::size_t kept_before = checkpoints_kept - 1;
  for (std::size_t i = 0; i + kept_before < before.size(); ++i) fs::remove(before[i], ignored);
}

}  // namespace

/// The checksum of the hash file's first `count` hashes, carried from one save to the next so
/// that a save reads nothing again.
struct CheckpointStore::HashFile {
  RunningChecksum checksum;
  std::uint64_t count = 0;

  Result<void> sync(const std::string& directory) const;
  Result<void> continue_from(const std::string& directory, std::uint64_t prefix);
  Result<void> append(const std::string& directory, std::span<const std::uint64_t> hashes);
};

Result<void> CheckpointStore::HashFile::continue_from(const std::string& directory, std::uint64_t prefix) {
  if (count == prefix) return {};
  HashFile again;
  auto read = read_hashes(directory, prefix, [&](std::string_view bytes) -> Result<void> {
    again.checksum.add(bytes);
    return {};
  });
  if (!read) return read;
  if (prefix > 0) {
    // Else a bit that flipped since the load would get a good checksum.
    if (auto vouched = check_vouched(directory, prefix, again.checksum.value()); !vouched) return vouched;
  }
  again.count = prefix;
  *this = std::move(again);
  return {};
}

Result<void> CheckpointStore::HashFile::append(const std::string& directory,
                                               std::span<const std::uint64_t> hashes) {
  const auto file = PosixFile::open(hash_path(directory), O_RDWR | O_CREAT);
  if (!file) return file.error();
  while (!hashes.empty()) {
    const auto piece = hashes.first(std::min(hashes.size(), hashes_per_read));
    std::string bytes;
    bytes.reserve(piece.size() * hash_bytes);
    for (const std::uint64_t hash : piece) put_little_endian(bytes, hash);
    if (auto written = file->write_at(count * hash_bytes, bytes); !written) return written;
    checksum.add(bytes);
    count += piece.size();
    hashes = hashes.subspan(piece.size());
  }
  // What a save left behind that a crash cut short.
  return file->truncate(count * hash_bytes);
}

Result<void> CheckpointStore::HashFile::sync(const std::string& directory) const {
  const auto file = PosixFile::open(hash_path(directory), O_RDWR);
  return file ? file->sync() : file.error();
}

CheckpointStore::CheckpointStore(std::string directory)
    : directory_(std::move(directory)), hashes_(std::make_unique<HashFile>()) {}
CheckpointStore::~CheckpointStore() = default;
CheckpointStore::CheckpointStore(CheckpointStore&&) noexcept = default;
CheckpointStore& CheckpointStore::operator=(CheckpointStore&&) noexcept = default;

Result<void> CheckpointStore::append_hashes(std::uint64_t first, std::span<const std::uint64_t> hashes) {
  if (auto made = create_directory_durably(directory_); !made) return made;
  if (auto continued = hashes_->continue_from(directory_, first); !continued) return continued;
  if (auto appended = hashes_->append(directory_, hashes); !appended) return appended;
  VOUCHERD_ASSERT(hashes_->count == first + hashes.size());
  return {};
}

std::uint64_t CheckpointStore::hashes() const { return hashes_->count; }

Result<void> CheckpointStore::save(const Checkpoint& checkpoint, std::span<const std::uint64_t> new_hashes) {
  VOUCHERD_ASSERT(new_hashes.size() <= checkpoint.identity_hashes);
  const std::uint64_t prefix = checkpoint.identity_hashes - new_hashes.size();
  if (auto appended = append_hashes(prefix, new_hashes); !appended) return appended;

  if (auto synced = hashes_->sync(directory_); !synced) return synced;
  const std::string path = checkpoint_path(directory_, checkpoint.position);
  auto written = write_checkpoint(directory_, path, checkpoint, hashes_->checksum.value());
  if (!written) return written;
  remove_others(directory_, path);
  return {};
}

std::optional<Checkpoint> CheckpointStore::load_newest(Position last) const {
  const std::uint64_t hashes = hashes_in_file(directory_);
  auto files = checkpoint_files(directory_);
  for (auto path = files.rbegin(); path != files.rend(); ++path) {
    if (path->string().ends_with(unfinished_suffix)) continue;
    auto stored = read_checkpoint(*path);
    if (!stored || stored->checkpoint.position > last) continue;
    if (stored->checkpoint.identity_hashes <= hashes) return std::move(stored->checkpoint);
  }
  return std::nullopt;
}

std::vector<Checkpoint> CheckpointStore::load_all() const {
  std::vector<Checkpoint> all;
  for (StoredCheckpoint& stored : read_checkpoints(directory_)) all.push_back(std::move(stored.checkpoint));
  return all;
}

Result<void> CheckpointStore::load_hashes(std::uint64_t count, const TakeHashes& take) const {
  if (count > hashes_in_file(directory_)) {
    return damaged(hash_path(directory_) + " holds fewer than " + std::to_string(count) + " identity hashes");
  }
  RunningChecksum checksum;
  std::vector<std::uint64_t> hashes;
  auto read = read_hashes(directory_, count, [&](std::string_view bytes) {
    checksum.add(bytes);
    hashes.resize(bytes.size() / hash_bytes);
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      hashes[i] = get_little_endian<std::uint64_t>(bytes.substr(i * hash_bytes));
    }
    return take(hashes);
  });
  if (!read) return read;
  if (count > 0) {
    if (auto vouched = check_vouched(directory_, count, checksum.value()); !vouched) return vouched;
  }
  hashes_->checksum = std::move(checksum);
  hashes_->count = count;
  return {};
}

}  // namespace voucherd
