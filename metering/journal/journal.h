// The journal: one ordered, append-only sequence of records on RocksDB; everything else
// that the daemon knows is a fold over it. FORMAT.md beside this file describes the bytes.
//
// The acknowledgement contract. When append() returns, every record given to it is on disk
// (one write batch, one fsync) and will be read back after any crash, byte for byte, at the
// same position; records are never changed, reordered or removed. A record whose append()
// did not return may or may not be there after a crash, but never a part of one append()
// call. A failed write or sync is fatal: append() logs nothing, retries nothing and
// returns the Fault; the caller must exit (after a failed fsync the page cache lies).
//
// A full disk is the one exception, since nothing is wrong with what is there: append() returns
// "journal_full", reads go on, and the next append() first puts everything that is in memory into
// tables and begins a new log. Then what was refused is gone for good; until then a crash may
// bring it back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/result.h"
#include "metering/core/time.h"

namespace rocksdb {
class Env;
}

namespace voucherd {

class FixedReader;
class StoredBytes;

/// What a record is. Stored: numbers are never changed or used again.
enum class RecordType : std::uint8_t {
  genesis = 1,  // the first record; see Genesis
  usage = 2,    // a commit group of usage: metering/state/usage_record.h
  facts = 3,    // changes of firms, SKUs, price books, …: billing/ledger
  close = 4,    // a month's close with the statements it freezes: billing/ledger
  quarantine_dismissed = 5,
  token = 6,  // who may do what: daemon/access
};

/// Positions count from 1 (genesis), without gaps.
using Position = std::uint64_t;

/// A close of a large centre is some tens of MB; an append() may hold several records.
inline constexpr std::size_t record_payload_bytes_max = 256u << 20;

struct RecordHeader {
  Position position = 0;
  Instant intake_time;  // max(clock, intake time of the record before)
  RecordType type = RecordType::usage;
  std::uint16_t version = 1;  // of the payload's format, per type
  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

struct Record {
  RecordHeader header;
  std::string payload;  // opaque to the journal
};

/// The first record: what never changes (rules §2).
struct Genesis {
  std::uint32_t format_version = 1;
  std::uint32_t rules_version = 1;
  UtcOffset offset;
  std::string currency = "CNY";
  std::string provider_name;
  std::string provider_uscc;
  std::uint64_t hash_seed = 0;  // of the identity index; random at creation, and for nobody else's eyes
  friend bool operator==(const Genesis&, const Genesis&) = default;
};
/// As a payload of this version: in parts (metering/proof/payload_parts.h), with the seed as the rest, so
/// that whoever is shown the record's leaf does not learn it.
inline constexpr std::uint16_t genesis_version = 2;
inline constexpr std::size_t genesis_secret_bytes = 32;
/// `secret` is random and as long as that (asserted).
std::string encode_genesis(const Genesis& genesis, std::string_view secret);
/// Of either version. Faults "format_unsupported", "record_damaged".
Result<Genesis> decode_genesis(std::uint16_t version, std::string_view payload);
/// What all may see of a payload of version 2: the seed is left 0.
Result<Genesis> decode_shown_genesis(std::string_view shown);

/// The bytes in front of a record's payload.
std::string encode_record_header(const RecordHeader& header, std::uint32_t payload_bytes);
struct DecodedHeader {
  RecordHeader header;
  std::uint32_t payload_bytes = 0;
};
/// Takes them off the front of `in`. Fault "record_damaged".
Result<DecodedHeader> decode_record_header(FixedReader& in);
/// The canonical bytes of a record: header, payload and checksum, as stored.
std::string encode_record(const RecordHeader& header, std::string_view payload);
/// Checks the record's own checksum. Fault "record_damaged".
Result<Record> decode_record(std::string_view bytes);
/// The same without a copy, and without a look at the checksum.
struct RecordView {
  RecordHeader header;
  std::string_view payload;
};
Result<RecordView> view_record(std::string_view bytes);

struct JournalOptions {
  std::string directory;  // created where absent; holds the database and the acknowledged-position file
  /// Memory for RocksDB's block cache, in bytes.
  std::size_t block_cache_bytes = 64u << 20;
  /// Size of RocksDB's write buffer, in bytes: the WAL is kept at most about twice this long.
  std::size_t write_buffer_bytes = 64u << 20;
  /// Where RocksDB's files live; nullptr: the operating system's. Tests inject failures with it.
  /// It must outlive the journal.
  rocksdb::Env* environment = nullptr;
};

/// Thread safety: append() from one thread at a time (the writer); reads from any thread.
class Journal {
 public:
  /// Opens, or creates an empty journal (last_position() == 0; the caller appends the genesis).
  /// Before RocksDB sees the files, the WAL is read to tell a torn tail (nothing valid behind
  /// it: dropped) from damage (valid records behind it): Fault "journal_damaged" with file and
  /// offset. Fault "journal_truncated" where the last record is older than the acknowledged
  /// position kept outside the database. Fault "journal_locked" where another process has it.
  static Result<std::unique_ptr<Journal>> open(const JournalOptions& options);
  /// The same without writing anything, for checks of a stopped daemon's directory.
  static Result<std::unique_ptr<Journal>> open_read_only(const JournalOptions& options);
  ~Journal();

  /// Durable when it returns. Precondition (asserted): positions follow last_position() without
  /// a gap, and intake times do not fall. Faults: "journal_full", after which the same positions are
  /// free for another append(); "journal_write_failed": exit.
  [[nodiscard]] Result<void> append(std::span<const Record> records);

  /// 0 where empty.
  Position last_position() const;
  /// Intake time of the last record; {0} where empty.
  Instant last_intake_time() const;

  /// Faults: "position_unknown", "record_damaged".
  Result<Record> read(Position position) const;
  /// The same without a copy, for large records of which little is looked at: `visit` gets the header and the
  /// payload's bytes, which end with the call. RocksDB's checksum of them has been compared where they came
  /// from a table's file, the record's own has not.
  using VisitRecord = std::function<void(const RecordHeader& header, std::string_view payload)>;
  Result<RecordHeader> read_in_place(Position position, const VisitRecord& visit) const;
  /// The same, and where in a table's file the payload stands, for parts of it to be read again: nullopt
  /// where it is still in memory, in RocksDB's cache, or packed with others.
  Result<std::optional<StoredBytes>> locate(Position position, const VisitRecord& visit) const;
  /// Calls `visit` for each record from `from` to the last, in order, until it returns a Fault.
  Result<void> scan(Position from, const std::function<Result<void>(Record&&)>& visit) const;

  /// RocksDB's figure by property name ("rocksdb.estimate-num-keys"); nullopt-like 0 where unknown.
  std::uint64_t database_property(const std::string& name) const;
  /// Bytes of RocksDB's write-ahead log files now.
  std::uint64_t log_bytes() const;
  /// Seconds spent in, and number of, append() calls since open: for metrics. Thread-safe.
  struct AppendFigures {
    std::uint64_t calls = 0;
    std::uint64_t bytes = 0;
    double seconds = 0;
  };
  AppendFigures append_figures() const;

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace voucherd
