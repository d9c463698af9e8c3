#include "metering/journal/table_reads.h"

#include <fcntl.h>
#include <rocksdb/file_system.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "metering/core/assert.h"
#include "metering/journal/log_removal.h"

namespace voucherd {

/// A table's file, opened a second time when someone asks for the first time.
class TablePath {
 public:
  explicit TablePath(std::string path) : path_(std::move(path)) {}
  std::shared_ptr<const PosixFile> open() {
    const std::lock_guard guard(mutex_);
    if (!file_) {
      auto opened = PosixFile::open(path_, O_RDONLY);
      if (opened) file_ = std::make_shared<const PosixFile>(std::move(*opened));
    }
    return file_;
  }

 private:
  std::string path_;
  std::mutex mutex_;
  std::shared_ptr<const PosixFile> file_;
};

namespace {
thread_local TableReads* asking = nullptr;
}

class NotingFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  NotingFile(std::unique_ptr<rocksdb::FSRandomAccessFile>&& file, const std::string& path)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), table_(std::make_shared<TablePath>(path)) {}

  rocksdb::IOStatus Read(std::uint64_t offset, std::size_t count, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* context) const override {
    auto status = FSRandomAccessFileOwnerWrapper::Read(offset, count, options, result, scratch, context);
    if (asking != nullptr && status.ok()) {
      asking->notes_.push_back({{result->data(), result->size()}, offset, table_});
    }
    return status;
  }

 private:
  std::shared_ptr<TablePath> table_;
};

namespace {

class JournalFiles final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "voucherd.JournalFiles"; }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* context) override {
    auto status = FileSystemWrapper::NewRandomAccessFile(path, options, file, context);
    if (status.ok()) *file = std::make_unique<NotingFile>(std::move(*file), path);
    return status;
  }

  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    if (path.ends_with(".log")) cut_down(path);
    return FileSystemWrapper::DeleteFile(path, options, context);
  }
};

bool stands_at(const StoredBytes& place, std::string_view bytes) {
  std::vector<char> again(bytes.size());
  return place.read(0, again) && std::string_view(again.data(), again.size()) == bytes;
}

}  // namespace

rocksdb::Env* journal_environment() {
  // Never taken down: RocksDB's threads may outlive what main() ends with.
  static rocksdb::Env* const environment =
      rocksdb::NewCompositeEnv(std::make_shared<JournalFiles>(rocksdb::FileSystem::Default())).release();
  return environment;
}

TableReads::TableReads() {
  VOUCHERD_ASSERT(asking == nullptr);
  asking = this;
}

TableReads::~TableReads() { asking = nullptr; }

std::optional<StoredBytes> TableReads::locate(std::string_view bytes) const {
  const std::less_equal<> up_to;  // of pointers into different memory, too
  for (const Note& note : notes_) {
    const char* const end = note.memory.data() + note.memory.size();
    if (!up_to(note.memory.data(), bytes.data()) || !up_to(bytes.data() + bytes.size(), end)) continue;
    const auto file = note.table->open();
    if (!file) return std::nullopt;
    const auto before = static_cast<std::uint64_t>(bytes.data() - note.memory.data());
    const StoredBytes place(file, note.offset + before);
    if (stands_at(place, bytes)) return place;
  }
  return std::nullopt;
}

}  // namespace voucherd
