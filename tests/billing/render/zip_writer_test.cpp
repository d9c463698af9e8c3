// The archive is read back with libarchive itself; tests/e2e reads it with Python's zipfile.
#include "billing/render/zip_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <map>

namespace voucherd::billing {
namespace {

std::map<std::string, std::string> read_zip(const std::string& bytes) {
  std::map<std::string, std::string> files;
  archive* in = archive_read_new();
  archive_read_support_format_zip_seekable(in);
  EXPECT_EQ(archive_read_open_memory(in, bytes.data(), bytes.size()), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(in, &entry) == ARCHIVE_OK) {
    std::string& content = files[archive_entry_pathname(entry)];
    content.resize(static_cast<std::size_t>(archive_entry_size(entry)));
    EXPECT_EQ(archive_read_data(in, content.data(), content.size()), static_cast<la_ssize_t>(content.size()));
  }
  archive_read_free(in);
  return files;
}

std::string example() {
  ZipWriter zip;
  zip.add("2026-03/a.csv", std::string(100'000, 'a'), ZipWriter::Pack::deflate);
  zip.add("2026-03/b.pdf", "stored", ZipWriter::Pack::store);
  zip.add("2026-03/empty.json", "", ZipWriter::Pack::deflate);
  zip.finish();
  return zip.take();
}

TEST(ZipWriterTest, HoldsItsFiles) {
  const auto files = read_zip(example());
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files.at("2026-03/a.csv"), std::string(100'000, 'a'));
  EXPECT_EQ(files.at("2026-03/b.pdf"), "stored");
  EXPECT_EQ(files.at("2026-03/empty.json"), "");
  EXPECT_LT(example().size(), 2'000u) << "what can be packed is packed";
}

TEST(ZipWriterTest, IsTheSameInEveryTimeZone) {
  const std::string here = example();
  for (const char* zone : {"Asia/Shanghai", "America/Los_Angeles", "UTC"}) {
    ::setenv("TZ", zone, 1);
    ::tzset();
    EXPECT_EQ(example(), here) << zone;
  }
  ::unsetenv("TZ");
  ::tzset();
}

TEST(ZipWriterTest, KeepsNothingOfWhatWasTaken) {
  ZipWriter zip;
  std::string all;
  for (int i = 0; i < 100; ++i) {
    zip.add("file-" + std::to_string(i), std::string(10'000, 'x'), ZipWriter::Pack::store);
    EXPECT_LT(zip.bytes(), 11'000u);
    all += zip.take();
  }
  zip.finish();
  all += zip.take();
  EXPECT_EQ(read_zip(all).size(), 100u);
}

}  // namespace
}  // namespace voucherd::billing
