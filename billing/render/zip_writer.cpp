// On libarchive. Without a modification time it writes the earliest that a ZIP can hold, 1980-01-01, in
// whatever time zone the host is.
#include "billing/render/zip_writer.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <new>
#include <utility>

#include "metering/core/assert.h"

namespace voucherd::billing {

struct ZipWriter::Impl {
  archive* zip = archive_write_new();
  std::string out;
};

namespace {

/// No exception passes through libarchive, which is written in C.
la_ssize_t append(archive*, void* out, const void* bytes, std::size_t size) noexcept {
  try {
    static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  } catch (const std::exception&) {
    return -1;
  }
  return static_cast<la_ssize_t>(size);
}

/// All goes to memory: only its end can make anything fail.
void require(bool done) {
  if (!done) throw std::bad_alloc();
}
void require(int result) { require(result == ARCHIVE_OK); }

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

}  // namespace

ZipWriter::ZipWriter() : impl_(std::make_unique<Impl>()) {
  VOUCHERD_ASSERT(impl_->zip != nullptr);
  require(archive_write_set_format_zip(impl_->zip));
  require(archive_write_set_bytes_per_block(impl_->zip, 0));
  require(archive_write_open(impl_->zip, &impl_->out, nullptr, append, nullptr));
}

ZipWriter::~ZipWriter() { archive_write_free(impl_->zip); }

void ZipWriter::add(const std::string& name, std::string_view bytes, Pack pack) {
  VOUCHERD_ASSERT(std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; }));
  require(pack == Pack::store ? archive_write_zip_set_compression_store(impl_->zip)
                              : archive_write_zip_set_compression_deflate(impl_->zip));
  constexpr int readable = 0644;
  const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
  require(entry != nullptr);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), readable);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  require(archive_write_header(impl_->zip, entry.get()));
  require(archive_write_data(impl_->zip, bytes.data(), bytes.size()) ==
          static_cast<la_ssize_t>(bytes.size()));
}

void ZipWriter::finish() { require(archive_write_close(impl_->zip)); }

std::string ZipWriter::take() { return std::exchange(impl_->out, {}); }

std::size_t ZipWriter::bytes() const { return impl_->out.size(); }

}  // namespace voucherd::billing
