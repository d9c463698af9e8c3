// What reaches the storage below RocksDB: that nothing is written again after a failure, and
// that a record is written about twice over its life. Both are seen through a file system that
// counts the bytes and fails on demand.
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "tests/metering/journal/journal_fixture.h"

namespace voucherd::journal_test {
namespace {

enum class Failing { nothing, log_writes, log_syncs, table_writes };

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

 private:
  Storage& storage_;
};

class JournalStorageTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> open() {
    JournalOptions options = small_options(temporary_.sub("journal"));
    options.environment = environment_.get();
    auto journal = Journal::open(options);
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

}  // namespace
}  // namespace voucherd::journal_test
