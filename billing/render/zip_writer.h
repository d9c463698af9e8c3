// A ZIP archive that is made piece by piece: what has been written can be taken away before the next file
// is added, so that an archive of any length needs the memory of one file. Equal files in equal order give
// equal bytes: no time, owner or locale of the host is in it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace voucherd::billing {

class ZipWriter {
 public:
  enum class Pack { deflate, store };  // store what is packed already

  ZipWriter();
  ~ZipWriter();
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  /// `name` is printable ASCII (asserted): what others are called stands in the files, where no unpacker
  /// takes it for a path or for another code page.
  void add(const std::string& name, std::string_view bytes, Pack pack);
  /// The list of files: an archive without it can't be opened. Nothing can be added behind it.
  void finish();
  /// What has been written since the last call.
  std::string take();
  std::size_t bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voucherd::billing
