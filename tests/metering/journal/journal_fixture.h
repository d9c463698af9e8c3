// What the journal's tests share: directories of their own, records whose bytes follow from
// their position, images of a directory as a crash would leave it, and flipped bits.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "metering/journal/journal.h"

namespace voucherd::journal_test {

namespace fs = std::filesystem;

/// Removed with its content. In memory where the host offers that: the tests sync a lot, and
/// none of them depends on a real disk.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const fs::path base = fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
    std::string name = (base / "voucherd-journal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const fs::path& path() const { return path_; }
  std::string sub(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

inline std::string random_bytes(std::mt19937_64& random, std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t at = 0; at < count; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, count - at));
  }
  return bytes;
}

/// The record that all tests expect at `position`: most are short, some span blocks of the log.
inline Record record_at(Position position) {
  std::mt19937_64 random(position);
  const std::size_t bytes = position % 37 == 0 ? 90'000 : random() % 4'000;
  Record record;
  record.header.position = position;
  record.header.intake_time = {1'780'000'000'000 + static_cast<std::int64_t>(position) * 7};
  record.header.type = position == 1 ? RecordType::genesis : RecordType::usage;
  record.payload = random_bytes(random, bytes);
  return record;
}

inline std::vector<Record> records(Position from, Position to) {
  std::vector<Record> made;
  for (Position position = from; position <= to; ++position) made.push_back(record_at(position));
  return made;
}

inline void append_up_to(Journal& journal, Position to) {
  while (journal.last_position() < to) {
    const auto appended = journal.append(std::vector<Record>{record_at(journal.last_position() + 1)});
    ASSERT_TRUE(appended) << appended.error().detail;
  }
}

/// Buffers so small that a few hundred records fill several tables.
inline JournalOptions small_options(const std::string& directory) {
  JournalOptions options;
  options.directory = directory;
  options.block_cache_bytes = 1u << 20;
  options.write_buffer_bytes = 256u << 10;
  return options;
}

/// Why the journal's content is not what was appended, up to its last position; "" where it is.
inline std::string difference(const Journal& journal) {
  const Position last = journal.last_position();  // at least these; a writer may add more
  Position next = 1;
  const auto scanned = journal.scan(1, [&](Record&& record) -> Result<void> {
    const Record expected = record_at(next);
    if (record.header != expected.header || record.payload != expected.payload) {
      return Fault{"differs", "position " + std::to_string(next)};
    }
    ++next;
    return {};
  });
  if (!scanned) return scanned.error().code + ": " + scanned.error().detail;
  if (next <= last) return "the scan ended before position " + std::to_string(next);
  return "";
}

/// Names and sizes; "" where a file went away meanwhile. RocksDB only creates, extends, shortens and removes
/// files, so two equal listings mean that nothing happened in between.
inline std::string listing(const fs::path& directory) {
  std::map<std::string, std::uintmax_t> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
    files[entry.path().string()] = entry.is_regular_file(error) ? entry.file_size(error) : 0;
    if (error) return "";
  }
  std::string all;
  for (const auto& [name, size] : files) all += name + " " + std::to_string(size) + "\n";
  return error ? "" : all;
}

/// The directory as a crash of the process would leave it, also under an open journal: copied
/// again while RocksDB works on it in the background, since a crash happens at one instant.
inline void copy_image(const fs::path& from, const fs::path& to) {
  for (;;) {
    std::error_code error;
    const std::string before = listing(from);
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive, error);
    if (!error && !before.empty() && listing(from) == before) return;
    std::this_thread::yield();
  }
}

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline void flip_bit(const fs::path& path, std::uint64_t bit) {
  std::string bytes = read_file(path);
  ASSERT_LT(bit / 8, bytes.size());
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  write_file(path, bytes);
}

/// The files of a journal's database with that extension, oldest first.
inline std::vector<fs::path> database_files(const fs::path& directory, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory / "database")) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// A new seed for each run, printed so that a failure can be run again with VOUCHERD_TEST_SEED.
inline std::uint64_t test_seed() {
  const char* given = std::getenv("VOUCHERD_TEST_SEED");  // NOLINT(concurrency-mt-unsafe): one thread
  const std::uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  std::printf("seed: VOUCHERD_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace voucherd::journal_test
