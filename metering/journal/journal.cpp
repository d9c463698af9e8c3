// The journal itself: what recovery.h has opened, one write batch per append(), and the
// acknowledged position behind it.
#include "metering/journal/journal.h"

#include <fcntl.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "metering/core/assert.h"
#include "metering/journal/acknowledged_file.h"
#include "metering/journal/database_key.h"
#include "metering/journal/database_options.h"
#include "metering/journal/posix_file.h"
#include "metering/journal/recovery.h"
#include "metering/journal/stored_bytes.h"
#include "metering/journal/table_reads.h"

namespace voucherd {

namespace {

/// The lock is on the directory itself: a check that must not write needs no lock file.
Result<PosixFile> lock_directory(const std::string& directory, Access access) {
  auto handle = PosixFile::open(directory, O_RDONLY | O_DIRECTORY);
  if (!handle) return Fault{"journal_missing", "There is no journal: " + handle.error().detail + "."};
  const auto locked = handle->try_lock(access == Access::read_write);
  if (!locked) return locked.error();
  if (!*locked) {
    return Fault{
        "journal_locked",
        directory + " is in use by another process. Stop that one first; a directory serves one daemon."};
  }
  return handle;
}

Fault write_failed(const std::string& why) {
  return {"journal_write_failed",
          "The journal can't be written: " + why +
              ". What was not acknowledged may or may not be there after a restart; the process must exit."};
}

// Below this no recovery from a full disk is tried: it writes the memory's records into a table.
constexpr std::uint64_t free_bytes_to_resume = 16u << 20;
constexpr int flush_end_waits_max = 2'000;  // of a millisecond

constexpr const char* closed = "the journal could not be opened again after a full disk";

Fault disk_full(const std::string& why) {
  return {"journal_full", "The journal's disk is full (" + why +
                              "). Nothing of this was kept; free some space and try again."};
}

Fault unreadable(Position position, const std::string& why) {
  return {"record_damaged",
          "The record at position " + std::to_string(position) + " can't be read: " + why +
              ". Stop the daemon and restore the data directory from a backup or a standby."};
}

Result<Record> decode_at(Position position, std::string_view bytes) {
  auto record = decode_record(bytes);
  if (!record) return unreadable(position, record.error().detail);
  if (record->header.position != position) return unreadable(position, "another record stands in its place");
  return record;
}

}  // namespace

struct Journal::Impl {
  PosixFile lock;
  JournalOptions options;
  std::optional<AcknowledgedFile> acknowledged;  // absent where read-only
  // Null only after a reopen() that failed. append() replaces it under `replacing`, which reads
  // share; it alone looks at it without.
  std::unique_ptr<rocksdb::DB> database;
  std::shared_mutex replacing;
  // By an append(); only the next one looks at them.
  bool failed = false, full = false;

  std::atomic<Position> last_position{0};
  std::atomic<std::int64_t> last_intake_ms{0};
  std::atomic<std::uint64_t> append_calls{0}, append_bytes{0}, append_nanoseconds{0};

  void set_last(const RecordHeader& header) {
    last_intake_ms.store(header.intake_time.ms);
    last_position.store(header.position);
  }

  Result<void> get(Position position, const std::function<Result<void>(std::string_view)>& visit);
  Result<void> write(std::span<const Record> records);
  Result<void> resume();
  Result<void> reopen();
  bool flushes_have_ended() const;
  /// RocksDB's figure of that name. Precondition: the database is open.
  std::optional<std::uint64_t> property(const std::string& name) const {
    std::uint64_t value = 0;
    return database->GetIntProperty(name, &value) ? std::optional(value) : std::nullopt;
  }
  /// Memory that was to become a table is still memory, and nobody is at it.
  bool a_flush_has_failed() const {
    return property(rocksdb::DB::Properties::kNumImmutableMemTable).value_or(0) > 0;
  }
  bool memory_is_empty() const {
    return property(rocksdb::DB::Properties::kNumEntriesActiveMemTable) == std::uint64_t{0};
  }
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Journal::~Journal() {
  // Best effort: the file is a guard, and what it guards is durable without it.
  if (impl_->acknowledged) static_cast<void>(impl_->acknowledged->sync());
}

Result<std::unique_ptr<Journal>> Journal::open(const JournalOptions& options) {
  const JournalPaths paths(options.directory);
  if (auto made = create_directory_durably(paths.database); !made) return made.error();
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  auto lock = lock_directory(paths.directory, Access::read_write);
  if (!lock) return lock.error();
  impl->lock = std::move(*lock);

  auto checked = open_checked(options);
  if (!checked) return checked.error();
  if (*checked) (*checked)->database.reset();
  auto acknowledged = AcknowledgedFile::open(paths.acknowledged);
  if (!acknowledged) return acknowledged.error();
  auto opened = open_for_writing(options, *checked);
  if (!opened) return opened.error();
  impl->database = std::move(opened->database);
  if (opened->last) impl->set_last(*opened->last);

  // Recovery has put everything into synced tables: from here on it counts as acknowledged.
  impl->acknowledged = std::move(*acknowledged);
  if (auto stored = impl->acknowledged->store(impl->last_position); !stored) return stored.error();
  if (auto synced = impl->acknowledged->sync(); !synced) return synced.error();
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

Result<std::unique_ptr<Journal>> Journal::open_read_only(const JournalOptions& options) {
  auto impl = std::make_unique<Impl>();
  auto lock = lock_directory(options.directory, Access::read_only);
  if (!lock) return lock.error();
  impl->lock = std::move(*lock);
  auto checked = open_checked(options);
  if (!checked) return checked.error();
  if (!*checked) return Fault{"journal_missing", "There is no journal in " + options.directory + "."};
  impl->database = std::move((*checked)->database);
  if ((*checked)->last) impl->set_last(*(*checked)->last);
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

Result<void> Journal::append(std::span<const Record> records) {
  VOUCHERD_ASSERT(impl_->acknowledged);  // not read-only
  if (records.empty()) return {};
  if (impl_->failed) return write_failed("an earlier write has failed");
  const auto started = std::chrono::steady_clock::now();
  if (impl_->full) {
    if (auto resumed = impl_->resume(); !resumed) return resumed;
  }
  if (auto written = impl_->write(records); !written) {
    (written.error().code == "journal_full" ? impl_->full : impl_->failed) = true;
    return written;
  }
  const auto taken = std::chrono::steady_clock::now() - started;
  impl_->append_nanoseconds += static_cast<std::uint64_t>(std::chrono::nanoseconds(taken).count());
  ++impl_->append_calls;
  return {};
}

Result<void> Journal::Impl::write(std::span<const Record> records) {
  std::size_t payload_bytes = 0;
  for (const Record& record : records) payload_bytes += record.payload.size();
  rocksdb::WriteBatch batch(payload_bytes, 0, protection_bytes_per_key, 0);
  Position position = last_position;
  Instant intake_time{last_intake_ms};
  std::uint64_t bytes = 0;
  for (const Record& record : records) {
    VOUCHERD_ASSERT(record.header.position == position + 1);
    VOUCHERD_ASSERT(position == 0 || record.header.intake_time >= intake_time);
    ++position;
    intake_time = record.header.intake_time;
    const std::string value = encode_record(record.header, record.payload);
    bytes += value.size();
    if (const auto status = batch.Put(key_of_position(position), value); !status.ok()) {
      return write_failed(status.ToString());
    }
  }
  if (const auto status = database->Write(durable_write(), &batch); !status.ok()) {
    return status.IsNoSpace() ? disk_full(status.ToString()) : write_failed(status.ToString());
  }
  // Only now, so that the file is never ahead of what is durable.
  if (auto stored = acknowledged->store(position); !stored) return write_failed(stored.error().detail);
  append_bytes += bytes;
  set_last(records.back().header);
  return {};
}

/// After a full disk: the memory's records go into a table, and a new log begins behind what the failed
/// write has left of itself in the old one.
Result<void> Journal::Impl::resume() {
  std::uint64_t free_bytes = 0;
  const bool known = database->GetEnv()->GetFreeSpace(database->GetName(), &free_bytes).ok();
  if (known && free_bytes < free_bytes_to_resume) {
    return disk_full("only " + std::to_string(free_bytes) + " bytes are free, at least " +
                     std::to_string(free_bytes_to_resume) + " are needed to go on");
  }
  if (!flushes_have_ended()) return disk_full("a table is still being written to the full disk");
  if (memory_is_empty() || a_flush_has_failed()) return reopen();
  if (const auto status = database->Resume(); !status.ok()) {
    if (status.IsNoSpace()) return disk_full(status.ToString());
    failed = true;
    return write_failed(status.ToString());
  }
  full = false;
  return {};
}

/// A flush that began while the disk was full may fail only now: beside it, or behind it with its memory
/// still there, RocksDB's Resume() at times waits for ever, and where it returns, a late failure stops the
/// next append.
bool Journal::Impl::flushes_have_ended() const {
  for (int waits = 0; waits < flush_end_waits_max; ++waits) {
    if (property(rocksdb::DB::Properties::kNumRunningFlushes).value_or(0) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

/// Where the memory is empty, RocksDB's Resume() keeps the log that has failed, and no more can be written to
/// it. So everything is opened again, as by a restart.
Result<void> Journal::Impl::reopen() {
  const auto fail = [this](const std::string& why) {
    failed = true;
    return write_failed("after a full disk it could not be opened again (" + why + ")");
  };
  const std::unique_lock guard(replacing);
  database.reset();
  auto checked = open_checked(options);
  if (!checked) return fail(checked.error().detail);
  if (*checked) (*checked)->database.reset();
  auto opened = open_for_writing(options, *checked);
  if (!opened) return fail(opened.error().detail);
  database = std::move(opened->database);
  // What was refused is there nevertheless where only its sync has failed: a restart takes it in.
  const Position last = opened->last ? opened->last->position : 0;
  if (last != last_position) return fail("it ends at position " + std::to_string(last));
  full = false;
  return {};
}

Position Journal::last_position() const { return impl_->last_position; }

Instant Journal::last_intake_time() const { return {impl_->last_intake_ms}; }

Result<void> Journal::Impl::get(Position position,
                                const std::function<Result<void>(std::string_view)>& visit) {
  if (position == 0 || position > last_position) {
    return Fault{"position_unknown", "The journal has no position " + std::to_string(position) +
                                         "; its last is " + std::to_string(last_position) + "."};
  }
  const std::shared_lock guard(replacing);
  if (!database) return unreadable(position, closed);
  const std::string key = key_of_position(position);
  // What is still in RocksDB's memory is visited there; Get() would copy it.
  const std::unique_ptr<rocksdb::Iterator> in_memory(database->NewIterator(read_of_memory()));
  in_memory->Seek(key);
  if (in_memory->Valid() && in_memory->key() == key) return visit(in_memory->value().ToStringView());
  rocksdb::PinnableSlice value;
  const auto status = database->Get(verified_read(true), database->DefaultColumnFamily(), key, &value);
  if (!status.ok()) return unreadable(position, status.ToString());
  return visit(value.ToStringView());
}

Result<Record> Journal::read(Position position) const {
  std::optional<Record> found;
  auto got = impl_->get(position, [&](std::string_view bytes) -> Result<void> {
    auto record = decode_at(position, bytes);
    if (!record) return record.error();
    found = std::move(*record);
    return {};
  });
  if (!got) return got.error();
  return std::move(*found);
}

Result<RecordHeader> Journal::read_in_place(Position position, const VisitRecord& visit) const {
  RecordHeader header;
  auto got = impl_->get(position, [&](std::string_view bytes) -> Result<void> {
    const auto record = view_record(bytes);
    if (!record) return unreadable(position, record.error().detail);
    if (record->header.position != position)
      return unreadable(position, "another record stands in its place");
    header = record->header;
    visit(header, record->payload);
    return {};
  });
  if (!got) return got.error();
  return header;
}

Result<std::optional<StoredBytes>> Journal::locate(Position position, const VisitRecord& visit) const {
  const TableReads reads;
  std::optional<StoredBytes> found;
  const auto read = read_in_place(position, [&](const RecordHeader& header, std::string_view payload) {
    found = reads.locate(payload);
    visit(header, payload);
  });
  if (!read) return read.error();
  return found;
}

Result<void> Journal::scan(Position from, const std::function<Result<void>(Record&&)>& visit) const {
  const Position last = last_position();
  Position position = from == 0 ? 1 : from;
  const std::shared_lock guard(impl_->replacing);
  if (!impl_->database) return unreadable(position, closed);
  const std::unique_ptr<rocksdb::Iterator> it(impl_->database->NewIterator(verified_read(false)));
  for (it->Seek(key_of_position(position)); position <= last; it->Next(), ++position) {
    if (!it->Valid())
      return unreadable(position, it->status().ok() ? "it is missing" : it->status().ToString());
    if (position_of_key(it->key().ToStringView()) != position) return unreadable(position, "it is missing");
    auto record = decode_at(position, it->value().ToStringView());
    if (!record) return record.error();
    if (auto visited = visit(std::move(*record)); !visited) return visited;
  }
  return {};
}

std::uint64_t Journal::database_property(const std::string& name) const {
  const std::shared_lock guard(impl_->replacing);
  return impl_->database ? impl_->property(name).value_or(0) : 0;
}

std::uint64_t Journal::log_bytes() const {
  // Not by RocksDB, which waits for the removal of logs to end, and may do it on the caller's thread.
  namespace fs = std::filesystem;
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator file(JournalPaths(impl_->options.directory).database, error), end;
       !error && file != end; file.increment(error)) {
    std::error_code gone;
    const std::uint64_t size = file->path().extension() == ".log" ? file->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

Journal::AppendFigures Journal::append_figures() const {
  constexpr double nanoseconds_per_second = 1e9;
  return {impl_->append_calls, impl_->append_bytes,
          static_cast<double>(impl_->append_nanoseconds) / nanoseconds_per_second};
}

}  // namespace voucherd
