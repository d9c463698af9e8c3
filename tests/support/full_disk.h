// A disk that is full on demand: RocksDB's writes to it fail as the system's would, after a part of
// the bytes.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace voucherd::testing {

class FullDisk {
 public:
  FullDisk() : environment_(rocksdb::NewCompositeEnv(std::make_shared<Files>(*this))) {}

  /// For JournalOptions::environment; lives as long as this.
  rocksdb::Env* environment() { return environment_.get(); }
  std::atomic<bool> full = false;
  /// Every write fails, and not for want of space.
  std::atomic<bool> broken = false;
  /// What the disk says is free while it is not full.
  std::atomic<std::uint64_t> free_bytes = std::uint64_t{1} << 30;

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> target, FullDisk& disk)
        : FSWritableFileOwnerWrapper(std::move(target)), disk_(disk) {}
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
      if (disk_.broken) return rocksdb::IOStatus::IOError("injected");
      if (!disk_.full) return FSWritableFileOwnerWrapper::Append(data, options, context);
      const rocksdb::Slice part(data.data(), data.size() / 2);
      FSWritableFileOwnerWrapper::Append(part, options, context).PermitUncheckedError();
      return rocksdb::IOStatus::NoSpace("injected");
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* context) override {
      return Append(data, options, context);
    }

   private:
    FullDisk& disk_;
  };

  class Files final : public rocksdb::FileSystemWrapper {
   public:
    explicit Files(FullDisk& disk) : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(disk) {}
    const char* Name() const override { return "full on demand"; }
    rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* context) override {
      auto status = FileSystemWrapper::NewWritableFile(name, options, result, context);
      if (status.ok()) *result = std::make_unique<File>(std::move(*result), disk_);
      return status;
    }
    rocksdb::IOStatus GetFreeSpace(const std::string&, const rocksdb::IOOptions&, std::uint64_t* bytes,
                                   rocksdb::IODebugContext*) override {
      *bytes = disk_.full ? 0 : disk_.free_bytes.load();
      return rocksdb::IOStatus::OK();
    }

   private:
    FullDisk& disk_;
  };

  std::unique_ptr<rocksdb::Env> environment_;
};

}  // namespace voucherd::testing
