// See the header. The scan is strict where RocksDB's is lenient: any fragment that is not
// what the writer would have written next is a break, and then the rest of the file is
// searched for the beginning of another record, at every byte where a length can't be trusted.
#include "metering/journal/wal_check.h"

#include <fcntl.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <utility>

#include "metering/journal/database_key.h"
#include "metering/journal/encoding.h"
#include "metering/journal/posix_file.h"

namespace voucherd {

namespace {

constexpr std::size_t block_bytes = 32 * 1024;
constexpr std::size_t header_bytes = 7;

constexpr std::size_t recycled_number_bytes = 4;

enum : std::uint8_t { full = 1, first = 2, middle = 3, last = 4 };
// Types of options that the journal never sets: recycled logs, compressed logs.
enum : std::uint8_t { recycled_min = 5, recycled_max = 8, foreign_max = 9 };

struct Fragment {
  std::uint8_t type = 0;
  std::string_view data;
  std::size_t bytes() const { return header_bytes + data.size(); }
  bool begins_record() const { return type == full || type == first; }
};

/// RocksDB's own crc32c is not exported; its public file checksum is the same function, and
/// uses the processor's instruction where there is one.
std::uint32_t crc32c(std::string_view bytes) {
  static const auto factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  const auto generator = factory->CreateFileChecksumGenerator({});
  generator->Update(bytes.data(), bytes.size());
  generator->Finalize();
  std::uint32_t value = 0;  // it comes as four bytes, highest first
  for (const char byte : generator->GetChecksum()) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// As stored: rotated and offset, so that a checksum of bytes that hold checksums stays useful.
std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

/// The whole fragment at the front of `bytes`, of one of the types up to `type_max`.
std::optional<Fragment> parse_fragment(std::string_view bytes, std::uint8_t type_max) {
  if (bytes.size() < header_bytes) return std::nullopt;
  const auto type = static_cast<std::uint8_t>(bytes[6]);
  if (type < full || type > type_max) return std::nullopt;
  std::size_t length = get_little_endian<std::uint16_t>(bytes.substr(4));
  if (type >= recycled_min && type <= recycled_max) length += recycled_number_bytes;
  if (length > bytes.size() - header_bytes) return std::nullopt;
  const std::string_view type_and_data = bytes.substr(6, 1 + length);
  if (get_little_endian<std::uint32_t>(bytes) != masked_crc32c(type_and_data)) return std::nullopt;
  return Fragment{type, type_and_data.substr(1)};
}

/// Why parse_fragment() found none, in words.
std::string why_invalid(std::string_view bytes) {
  if (bytes.size() < header_bytes) return "the file ends within the header of a fragment";
  const auto type = static_cast<std::uint8_t>(bytes[6]);
  if (type < full || type > last) return "a fragment has the unknown type " + std::to_string(type);
  const std::size_t length = get_little_endian<std::uint16_t>(bytes.substr(4));
  if (length > bytes.size() - header_bytes) return "a fragment is longer than what is left of its block";
  return "the checksum of a fragment does not fit its bytes";
}

/// Where in `block`, from `from` on, a whole fragment begins a record.
std::optional<std::size_t> find_record_start(std::string_view block, std::size_t from) {
  while (from + header_bytes <= block.size()) {
    const auto fragment = parse_fragment(block.substr(from), last);
    if (fragment && fragment->begins_record()) return from;
    from += fragment ? fragment->bytes() : 1;
  }
  return std::nullopt;
}

/// Notes the positions that a write batch puts; whatever else it does is not ours.
class PositionsOfBatch final : public rocksdb::WriteBatch::Handler {
 public:
  rocksdb::Status PutCF(std::uint32_t column_family, const rocksdb::Slice& key,
                        const rocksdb::Slice&) override {
    const auto position = position_of_key({key.data(), key.size()});
    if (column_family != 0 || !position) return rocksdb::Status::Corruption("a foreign key");
    last_position = std::max(last_position, *position);
    return rocksdb::Status::OK();
  }
  Position last_position = 0;
};

class WalScan {
 public:
  explicit WalScan(WalFile file) : result_(std::move(file)) {}

  Result<WalFile> run() {
    auto file = PosixFile::open(result_.path, O_RDONLY);
    if (!file) return file.error();
    for (block_start_ = 0;; block_start_ += block_bytes) {
      auto block = file->read_at(block_start_, block_bytes);
      if (!block) return block.error();
      if (result_.first_break) {
        search(*block, 0);
      } else if (auto scanned = scan_block(*block); !scanned) {
        return scanned.error();
      }
      if (block->size() < block_bytes) break;
      if (result_.first_break && result_.first_break->record_behind) break;
    }
    if (in_record_ && !result_.first_break) break_at(record_start_, "a record lacks its last fragments");
    return std::move(result_);
  }

 private:
  Result<void> scan_block(std::string_view block) {
    std::size_t at = 0;
    while (at < block.size()) {
      const std::string_view left = block.substr(at);
      // The writer fills what is too short for a header at a block's end with zeros.
      if (left.size() < header_bytes && block.size() == block_bytes) return {};
      const auto fragment = parse_fragment(left, foreign_max);
      if (fragment && fragment->type >= recycled_min) return foreign_format(at);
      if (!fragment) {
        break_at(block_start_ + at, why_invalid(left));
        search(block, at + 1);
        return {};
      }
      if (fragment->begins_record() == in_record_) {
        break_at(block_start_ + at, "the fragments of a record are out of order");
        search(block, fragment->begins_record() ? at : at + fragment->bytes());
        return {};
      }
      take(*fragment, block_start_ + at);
      if (result_.first_break) return {};
      at += fragment->bytes();
    }
    return {};
  }

  void take(const Fragment& fragment, std::uint64_t offset) {
    if (fragment.begins_record()) {
      record_.clear();
      record_start_ = offset;
    }
    record_.append(fragment.data);
    in_record_ = fragment.type == first || fragment.type == middle;
    if (!in_record_) take_record();
  }

  void take_record() {
    rocksdb::WriteBatch batch(std::move(record_));
    record_.clear();
    PositionsOfBatch positions;
    if (const auto status = batch.Iterate(&positions); !status.ok()) {
      // Whole by its checksums, so no crash made it so.
      break_at(record_start_, "a record is no write batch of this journal (" + status.ToString() + ")");
      result_.first_break->record_behind = record_start_;
      return;
    }
    if (positions.last_position == 0) return;
    result_.has_records = true;
    result_.last_position = positions.last_position;
  }

  void search(std::string_view block, std::size_t from) {
    if (const auto found = find_record_start(block, from)) {
      result_.first_break->record_behind = block_start_ + *found;
    }
  }

  void break_at(std::uint64_t offset, std::string what) {
    result_.first_break = WalBreak{offset, std::move(what), std::nullopt};
  }

  Result<void> foreign_format(std::size_t at) const {
    return Fault{
        "journal_damaged",
        result_.path + " at byte " + std::to_string(block_start_ + at) +
            " holds a compressed or recycled log, which this program never writes: another program has "
            "had the directory open. Restore it from a backup or a standby."};
  }

  WalFile result_;
  std::uint64_t block_start_ = 0;
  bool in_record_ = false;
  std::uint64_t record_start_ = 0;
  std::string record_;
};

std::optional<std::uint64_t> log_number(const std::filesystem::path& path) {
  if (path.extension() != ".log") return std::nullopt;
  const std::string stem = path.stem().string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  if (error != std::errc() || end != stem.data() + stem.size()) return std::nullopt;
  return number;
}

Fault damage(const WalFile& file, const std::string& behind) {
  return {"journal_damaged",
          file.path + " is damaged at byte " + std::to_string(file.first_break->offset) + ": " +
              file.first_break->what + ", but " + behind +
              ", so this is no append that a crash cut short: acknowledged records would be "
              "lost. Nothing was changed. Keep the directory as it is, check the disk, and "
              "restore from a backup or a standby."};
}

}  // namespace

Result<std::vector<WalFile>> read_wal(const std::string& database_directory) {
  std::vector<WalFile> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(database_directory, error)) {
    const auto number = log_number(entry.path());
    if (!number) continue;
    WalFile file;
    file.number = *number;
    file.path = entry.path().string();
    auto scanned = WalScan(std::move(file)).run();
    if (!scanned) return scanned.error();
    files.push_back(std::move(*scanned));
  }
  if (error) return Fault{"file_failed", database_directory + " can't be listed: " + error.message()};
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return files;
}

Result<WalVerdict> judge_wal(const std::vector<WalFile>& files, std::uint64_t first_live) {
  WalVerdict verdict;
  const WalFile* torn = nullptr;
  for (const WalFile& file : files) {
    if (file.number < first_live) continue;
    // RocksDB opens the next log with an empty batch after a torn tail: only records count.
    if (torn != nullptr && file.has_records) return damage(*torn, "records follow in " + file.path);
    if (file.has_records) verdict.last_position = file.last_position;
    if (!file.first_break) continue;
    if (const auto behind = file.first_break->record_behind) {
      return damage(file, "a whole record begins at byte " + std::to_string(*behind));
    }
    torn = &file;
    if (!file.has_records) verdict.only_torn.push_back(file.path);
  }
  verdict.torn_tail = torn != nullptr;
  return verdict;
}

}  // namespace voucherd
