// A run: identities on disk, sorted by hash, immutable. It holds one sixteenth of the hashes (a
// partition) of the events from one ordinal to another, 10 bytes an identity in pages of 4 KiB, each
// with a checksum of its own: a look-up reads one page and trusts nothing that it did not check.
// In memory it has the first hash of each page only. Layout: metering/journal/FORMAT.md.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/result.h"
#include "metering/journal/posix_file.h"
#include "metering/state/identity_index.h"

namespace voucherd {

struct RunEntry {
  std::uint64_t bits = 0;  // HashBits::value
  EventOrdinal ordinal = 0;
  friend auto operator<=>(const RunEntry&, const RunEntry&) = default;
};

/// What a run covers: all events of [first, end) whose hash lies in the partition.
struct RunExtent {
  static constexpr int partition_bits = 4;
  static constexpr unsigned partitions = 1U << partition_bits;
  static constexpr EventOrdinal ordinals_max = EventOrdinal{1} << 38;
  static unsigned partition_of(HashBits bits) {
    return static_cast<unsigned>(bits.value >> (HashBits::count - partition_bits));
  }

  unsigned partition = 0;
  EventOrdinal first = 0, end = 0;
  friend bool operator==(const RunExtent&, const RunExtent&) = default;
};

/// What a directory's runs have in common.
struct RunSettings {
  std::string directory;
  std::uint64_t seed = 0;  // of the journal's identity hash: another journal's runs are not taken
  std::uint64_t index_bytes_max = 1ULL << 20;  // of one run in memory; beyond, a look-up reads more pages
};

/// The first hash of each so many pages, within a bound: doubles the pages where it would grow beyond.
class PageIndex {
 public:
  explicit PageIndex(std::uint64_t bytes_max);
  void add_page(HashBits first);
  /// The page from which on to look.
  std::uint64_t page_before(HashBits bits) const;
  std::size_t memory_bytes() const { return keys_.capacity() * sizeof(std::uint32_t); }
  void shrink() { keys_.shrink_to_fit(); }

 private:
  static std::uint32_t key_of(HashBits bits);
  std::size_t keys_max_;
  std::uint64_t pages_ = 0, pages_per_key_ = 1;
  std::vector<std::uint32_t> keys_;
};

class RunReader;

/// Immutable: any thread may read.
class IdentityRun {
 public:
  static constexpr std::size_t page_bytes = 4096, entry_bytes = 10, entries_per_page = 408;
  static constexpr std::string_view name_prefix = "run-";
  /// Of a run of so many, with its header.
  static constexpr std::uint64_t file_bytes(std::uint64_t entries) {
    return ((entries + entries_per_page - 1) / entries_per_page + 1) * page_bytes;
  }
  using Shared = std::shared_ptr<const IdentityRun>;
  using VisitPage = std::function<void(std::span<const RunEntry>)>;

  /// Reads all of it, so that what is used is whole. Fault "identity_run_damaged": torn, flipped, out of
  /// order, or of another journal; "file_failed".
  static Result<Shared> open(const std::string& path, const RunSettings& settings, const VisitPage& visit);
  /// nullopt where no run has such a name.
  static std::optional<RunExtent> extent_of_name(std::string_view name);
  /// Puts the ordinals of all identities with these bits into `found`.
  Result<void> find(HashBits bits, std::vector<EventOrdinal>& found) const;

  const RunExtent& extent() const { return extent_; }
  std::uint64_t entries() const { return entries_; }
  std::uint64_t pages() const { return (entries_ + entries_per_page - 1) / entries_per_page; }
  const std::string& path() const { return path_; }
  std::size_t memory_bytes() const { return sizeof *this + index_.memory_bytes(); }

 private:
  friend class RunReader;
  friend class RunWriter;
  explicit IdentityRun(std::uint64_t index_bytes_max) : index_(index_bytes_max) {}
  Result<void> read_header(std::uint64_t seed);
  Result<void> read_pages(std::uint64_t page, std::span<char> into) const;

  std::string path_;
  PosixFile file_;
  RunExtent extent_;
  std::uint64_t entries_ = 0;
  PageIndex index_;
};

/// Reads a run from its first entry to its last.
class RunReader {
 public:
  explicit RunReader(const IdentityRun& run) : run_(run) {}
  /// The next entries, in order; empty behind the last.
  Result<std::span<const RunEntry>> next_page();

 private:
  const IdentityRun& run_;
  std::uint64_t page_ = 0;
  std::string ahead_;  // pages that are read already
  std::uint64_t ahead_from_ = 0;
  std::vector<RunEntry> entries_;
};

/// Writes a run under a temporary name.
class RunWriter {
 public:
  static Result<std::unique_ptr<RunWriter>> create(const RunSettings& settings, const RunExtent& extent);
  /// Removes what was not finished.
  ~RunWriter();
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  /// Greater than the one before, and within the extent (asserted).
  Result<void> add(const RunEntry& entry);
  /// Syncs, renames: from here on it is there after a crash too.
  Result<IdentityRun::Shared> finish();

 private:
  RunWriter(const RunSettings& settings, const RunExtent& extent);
  void end_page();
  Result<void> write_out();

  RunSettings settings_;
  std::shared_ptr<IdentityRun> run_;
  RunEntry last_;
  std::string pages_;               // not written yet
  std::uint64_t written_ = 0;       // pages, without the header
  std::uint64_t page_entries_ = 0;  // of the page under way
  bool finished_ = false;
};

}  // namespace voucherd
