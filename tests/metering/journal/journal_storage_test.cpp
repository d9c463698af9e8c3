// What reaches the storage below RocksDB: that nothing is written again after a failure, that a record is
// written about twice over its life, and that what RocksDB does behind it keeps out of the way. Seen through
// a file system that counts the bytes and fails on demand.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "metering/journal/posix_file.h"
#include "metering/journal/table_reads.h"
#include "tests/metering/journal/journal_fixture.h"

namespace voucherd::journal_test {
namespace {

enum class Failing { nothing, log_writes, log_syncs, table_writes, manifest_reads };

struct Storage {
  std::atomic<Failing> failing{Failing::nothing};
  std::atomic<int> calls_after_failure{0};  // writes and syncs of the log
  std::atomic<bool> has_failed{false};
  std::atomic<std::uint64_t> bytes_written{0};
};

class WatchedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WatchedFile(std::unique_ptr<rocksdb::FSWritableFile> target, Storage& storage, bool is_log)
      : FSWritableFileOwnerWrapper(std::move(target)), storage_(storage), is_log_(is_log) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    if (fails(is_log_ ? Failing::log_writes : Failing::table_writes)) {
      return rocksdb::IOStatus::IOError("injected write error");
    }
    storage_.bytes_written += data.size();
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* context) override {
    return Append(data, options, context);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    if (fails(Failing::log_syncs)) return rocksdb::IOStatus::IOError("injected sync error");
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }

 private:
  bool fails(Failing what) {
    if (is_log_ && storage_.has_failed) ++storage_.calls_after_failure;
    if (storage_.failing != what || (what == Failing::log_syncs && !is_log_)) return false;
    storage_.has_failed = true;
    return true;
  }
  Storage& storage_;
  bool is_log_;
};

class WatchedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit WatchedFileSystem(Storage& storage)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), storage_(storage) {}
  const char* Name() const override { return "watched"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, context);
    const bool is_log = name.ends_with(".log");
    if (status.ok() && (is_log || name.ends_with(".sst"))) {
      *result = std::make_unique<WatchedFile>(std::move(*result), storage_, is_log);
    }
    return status;
  }
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* context) override {
    if (storage_.failing == Failing::manifest_reads && name.find("MANIFEST") != std::string::npos) {
      return rocksdb::IOStatus::IOError("injected read error");
    }
    return FileSystemWrapper::NewSequentialFile(name, options, result, context);
  }

 private:
  Storage& storage_;
};

class JournalStorageTest : public ::testing::Test {
 protected:
  JournalOptions options() const {
    JournalOptions options = small_options(temporary_.sub("journal"));
    options.environment = environment_.get();
    return options;
  }
  std::unique_ptr<Journal> open() {
    auto journal = Journal::open(options());
    EXPECT_TRUE(journal) << journal.error().detail;
    return journal ? std::move(*journal) : nullptr;
  }

  void expect_fatal(Failing failing) {
    auto journal = open();
    append_up_to(*journal, 50);
    storage_.failing = failing;
    const auto failed = journal->append(records(51, 52));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, "journal_write_failed");
    EXPECT_NE(failed.error().detail.find("injected"), std::string::npos) << failed.error().detail;
    EXPECT_EQ(journal->last_position(), 50U);
    EXPECT_EQ(journal->read(51).error().code, "position_unknown");

    // The storage is well again, and still nothing may be tried: the page cache may lie.
    storage_.failing = Failing::nothing;
    EXPECT_EQ(journal->append(records(51, 52)).error().code, "journal_write_failed");
    EXPECT_EQ(storage_.calls_after_failure, 0);
    journal.reset();

    storage_.has_failed = false;
    const auto again = open();
    EXPECT_TRUE(again->last_position() == 50 || again->last_position() == 52) << again->last_position();
    EXPECT_EQ(difference(*again), "");
  }

  Storage storage_;
  std::unique_ptr<rocksdb::Env> environment_ =
      rocksdb::NewCompositeEnv(std::make_shared<WatchedFileSystem>(storage_));
  TemporaryDirectory temporary_;
};

TEST_F(JournalStorageTest, AFailedWriteIsFatalAndNeverTriedAgain) { expect_fatal(Failing::log_writes); }

TEST_F(JournalStorageTest, AFailedSyncIsFatalAndNeverTriedAgain) { expect_fatal(Failing::log_syncs); }

TEST_F(JournalStorageTest, AFailedFlushStopsTheJournalWithoutLosingAnything) {
  auto journal = open();
  append_up_to(*journal, 20);
  storage_.failing = Failing::table_writes;
  Position reached = 20;
  for (; reached < 1'000; ++reached) {
    if (!journal->append(records(reached + 1, reached + 1))) break;
  }
  ASSERT_LT(reached, 1'000U) << "the flush has never failed";
  EXPECT_EQ(difference(*journal), "");
  journal.reset();
  storage_.failing = Failing::nothing;
  EXPECT_GE(open()->last_position(), reached);
}

TEST_F(JournalStorageTest, WritesARecordOnceToTheLogAndOnceToATable) {
  const auto journal = open();
  append_up_to(*journal, 3'000);  // some 13 MB, 50 tables
  const auto appended = static_cast<double>(journal->append_figures().bytes);
  EXPECT_GT(appended, 10e6);
  const double amplification = static_cast<double>(storage_.bytes_written) / appended;
  RecordProperty("amplification", std::to_string(amplification));
  EXPECT_LT(amplification, 2.1);
}

/// Nice values of this process's threads of that name.
std::vector<int> niceness_of(const std::string& name) {
  std::vector<int> found;
  for (const auto& task : fs::directory_iterator("/proc/self/task")) {
    const auto thread = static_cast<id_t>(std::stoul(task.path().filename().string()));
    if (read_file(task.path() / "comm") == name + "\n") found.push_back(::getpriority(PRIO_PROCESS, thread));
  }
  return found;
}

TEST_F(JournalStorageTest, FlushesOnAThreadThatLetsOthersGoFirst) {
  const int own = ::getpriority(PRIO_PROCESS, 0);
  const auto journal = open();
  append_up_to(*journal, 500);  // some tables
  const std::vector<int> flushing = niceness_of("rocksdb:high");
  ASSERT_FALSE(flushing.empty());
  for (const int nice : flushing) EXPECT_GE(nice, 10);
  EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), own);
}

// A crash while a log was cut down leaves one that breaks off, with whole records in the next.
TEST_F(JournalStorageTest, BlamesNoLogThatWasCutDownForAnotherFault) {
  append_up_to(*open(), 300);
  append_up_to(*open(), 302);
  const fs::path live = database_files(temporary_.sub("journal"), ".log").back();
  const std::string bytes = read_file(live);
  ASSERT_GT(bytes.size(), 100U);
  write_file(live.parent_path() / "000001.log", bytes.substr(0, bytes.size() - 50));
  storage_.failing = Failing::manifest_reads;
  const auto refused = Journal::open(options());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "journal_open_failed") << refused.error().detail;
  EXPECT_NE(refused.error().detail.find("injected read error"), std::string::npos) << refused.error().detail;
  storage_.failing = Failing::nothing;
  const auto journal = open();
  EXPECT_EQ(journal->last_position(), 302U);
  EXPECT_EQ(difference(*journal), "");
}

/// What is left of a file's bytes when the journal's environment has removed it, as someone sees it who had
/// it open.
std::uint64_t left_after_removal(const fs::path& path) {
  constexpr std::uint64_t bytes = (3u << 20) + 5;
  write_file(path, std::string(bytes, 'x'));
  const auto file = PosixFile::open(path.string(), O_RDONLY);
  EXPECT_TRUE(file);
  EXPECT_TRUE(journal_environment()->DeleteFile(path.string()).ok());
  EXPECT_FALSE(fs::exists(path));
  return file->size().value();
}

TEST_F(JournalStorageTest, RemovesALogInPieces) {
  EXPECT_EQ(left_after_removal(temporary_.sub("000004.log")), 5u);  // a MiB at a time
  EXPECT_EQ(left_after_removal(temporary_.sub("000004.sst")), (3u << 20) + 5);
}

TEST_F(JournalStorageTest, RemovesALogWholeThatSomeoneLinkedForACopy) {
  const fs::path log = temporary_.sub("000004.log");
  write_file(log, std::string(3u << 20, 'x'));
  fs::create_hard_link(log, temporary_.sub("copy"));
  EXPECT_TRUE(journal_environment()->DeleteFile(log.string()).ok());
  EXPECT_FALSE(fs::exists(log));
  EXPECT_EQ(fs::file_size(temporary_.sub("copy")), 3u << 20);
  EXPECT_FALSE(journal_environment()->DeleteFile(log.string()).ok());  // there is none
}

}  // namespace
}  // namespace voucherd::journal_test
