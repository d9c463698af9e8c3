// The bytes of a run, read and written here only.
#include "metering/state/identity_run.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "metering/core/assert.h"
#include "metering/journal/checksum.h"
#include "metering/journal/encoding.h"

namespace voucherd {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "VIDENRUN";
constexpr std::uint32_t run_format = 1;  // stored: a changed layout takes the next number
constexpr std::size_t page_bytes = IdentityRun::page_bytes;
constexpr std::size_t entry_bytes = IdentityRun::entry_bytes;
constexpr std::size_t entries_bytes = IdentityRun::entries_per_page * entry_bytes;
constexpr std::size_t checksum_bytes = sizeof(std::uint64_t);
constexpr std::size_t pages_at_once = 64;  // read and written
constexpr std::string_view unfinished_suffix = ".new";

// An entry: 42 bits of the hash (the partition's are known) and 38 bits of the ordinal, in 80 bits.
constexpr int stored_hash_bits = HashBits::count - RunExtent::partition_bits;
constexpr int low_ordinal_bits = 16, high_ordinal_bits = 64 - stored_hash_bits;

std::string name_of(const RunExtent& extent) {
  const auto padded = [](std::uint64_t number, std::size_t digits) {
    const std::string text = std::to_string(number);
    return std::string(digits - std::min(digits, text.size()), '0') + text;
  };
  return std::string(IdentityRun::name_prefix) + padded(extent.partition, 2) + "-" +
         padded(extent.first, 12) + "-" + padded(extent.end, 12);
}

Fault damaged(const std::string& path, const std::string& what) {
  return {"identity_run_damaged", path + " " + what + "; it is built again from the identity hashes"};
}

void put_entry(std::string& out, const RunEntry& entry) {
  const std::uint64_t word = entry.bits << high_ordinal_bits | entry.ordinal >> low_ordinal_bits;
  std::array<char, entry_bytes> bytes;
  for (std::size_t i = 0; i < sizeof word; ++i) bytes[i] = static_cast<char>(word >> (8 * i) & 0xff);
  bytes[8] = static_cast<char>(entry.ordinal & 0xff);
  bytes[9] = static_cast<char>(entry.ordinal >> 8 & 0xff);
  out.append(bytes.data(), bytes.size());
}

RunEntry get_entry(unsigned partition, const char* at) {
  const auto word = get_little_endian<std::uint64_t>({at, sizeof(std::uint64_t)});
  const auto low = get_little_endian<std::uint16_t>({at + sizeof(std::uint64_t), sizeof(std::uint16_t)});
  constexpr std::uint64_t high_mask = (std::uint64_t{1} << high_ordinal_bits) - 1;
  return {std::uint64_t{partition} << stored_hash_bits | word >> high_ordinal_bits,
          (word & high_mask) << low_ordinal_bits | low};
}

/// Of the run's page `number`, counted from 0 behind the header.
bool is_whole(std::string_view page, std::uint64_t number) {
  const std::string_view body = page.substr(0, page_bytes - checksum_bytes);
  return get_little_endian<std::uint64_t>(page.substr(body.size())) == checksum64(body) &&
         get_little_endian<std::uint64_t>(page.substr(entries_bytes)) == number;
}

std::string header_page(const RunExtent& extent, std::uint64_t entries, std::uint64_t seed) {
  std::string out(magic);
  put_little_endian(out, run_format);
  put_little_endian(out, std::uint32_t{extent.partition});
  for (const std::uint64_t number : {seed, extent.first, extent.end, entries}) put_little_endian(out, number);
  put_little_endian(out, checksum64(out));
  out.resize(page_bytes, '\0');
  return out;
}

}  // namespace

// PageIndex ---------------------------------------------------------------------------------

PageIndex::PageIndex(std::uint64_t bytes_max)
    : keys_max_(std::max<std::size_t>(2, static_cast<std::size_t>(bytes_max / sizeof(std::uint32_t)))) {}

std::uint32_t PageIndex::key_of(HashBits bits) {
  return static_cast<std::uint32_t>(bits.value >> (stored_hash_bits - 32));
}

void PageIndex::add_page(HashBits first) {
  if (pages_++ % pages_per_key_ != 0) return;
  if (keys_.size() == keys_max_) {
    // Every other key goes.
    for (std::size_t i = 1; 2 * i < keys_.size(); ++i) keys_[i] = keys_[2 * i];
    keys_.resize((keys_.size() + 1) / 2);
    pages_per_key_ *= 2;
    if ((pages_ - 1) % pages_per_key_ != 0) return;
  }
  keys_.push_back(key_of(first));
}

std::uint64_t PageIndex::page_before(HashBits bits) const {
  // The page before the first that begins with this key may end with it.
  const auto at = std::lower_bound(keys_.begin(), keys_.end(), key_of(bits)) - keys_.begin();
  return at == 0 ? 0 : static_cast<std::uint64_t>(at - 1) * pages_per_key_;
}

// IdentityRun -------------------------------------------------------------------------------

std::optional<RunExtent> IdentityRun::extent_of_name(std::string_view name) {
  RunExtent extent;
  if (!name.starts_with(name_prefix)) return std::nullopt;
  const char* at = name.data() + name_prefix.size();
  const char* const end = name.data() + name.size();
  const auto number = [&](auto& value) {
    const auto [rest, error] = std::from_chars(at, end, value);
    at = rest != end && *rest == '-' ? rest + 1 : rest;
    return error == std::errc();
  };
  if (!number(extent.partition) || !number(extent.first) || !number(extent.end)) return std::nullopt;
  if (extent.partition >= RunExtent::partitions || name != name_of(extent)) return std::nullopt;
  return extent;
}

Result<void> IdentityRun::read_pages(std::uint64_t page, std::span<char> into) const {
  const auto got = file_.read_at((page + 1) * page_bytes, into);
  if (!got) return got.error();
  if (*got != into.size()) return damaged(path_, "is cut short");
  for (std::size_t at = 0; at < into.size(); at += page_bytes, ++page) {
    if (!is_whole({into.data() + at, page_bytes}, page)) {
      return damaged(path_, "has a wrong checksum in page " + std::to_string(page));
    }
  }
  return {};
}

Result<void> IdentityRun::read_header(std::uint64_t seed) {
  const auto page = file_.read_at(0, page_bytes);
  if (!page) return page.error();
  FixedReader in(*page);
  const bool known = in.bytes(magic.size()) == magic && in.integer<std::uint32_t>() == run_format;
  extent_.partition = in.integer<std::uint32_t>();
  const auto stored_seed = in.integer<std::uint64_t>();
  extent_.first = in.integer<EventOrdinal>();
  extent_.end = in.integer<EventOrdinal>();
  entries_ = in.integer<std::uint64_t>();
  if (!known || !in.ok() || extent_.partition >= RunExtent::partitions || extent_.end < extent_.first ||
      extent_.end > RunExtent::ordinals_max || entries_ > extent_.end - extent_.first ||
      *page != header_page(extent_, entries_, stored_seed)) {
    return damaged(path_, "has no good header");
  }
  if (stored_seed != seed) return damaged(path_, "belongs to another journal");
  const auto size = file_.size();
  if (!size) return size.error();
  if (*size != file_bytes(entries_)) return damaged(path_, "is not as long as its header says");
  return {};
}

Result<IdentityRun::Shared> IdentityRun::open(const std::string& path, const RunSettings& settings,
                                              const VisitPage& visit) {
  std::shared_ptr<IdentityRun> run(new IdentityRun(settings.index_bytes_max));
  run->path_ = path;
  auto file = PosixFile::open(path, O_RDONLY);
  if (!file) return file.error();
  run->file_ = std::move(*file);
  if (auto read = run->read_header(settings.seed); !read) return read.error();
  RunReader reader(*run);
  for (RunEntry last{0, 0};;) {
    const auto page = reader.next_page();
    if (!page) return page.error();
    if (page->empty()) break;
    for (const RunEntry& entry : *page) {
      if (entry < last || entry.ordinal < run->extent_.first || entry.ordinal >= run->extent_.end) {
        return damaged(path, "is out of order");
      }
      last = entry;
    }
    run->index_.add_page({page->front().bits});
    visit(*page);
  }
  run->index_.shrink();
  return Shared(std::move(run));
}

Result<void> IdentityRun::find(HashBits bits, std::vector<EventOrdinal>& found) const {
  std::array<char, page_bytes> buffer;
  const RunEntry wanted{bits.value, 0};
  for (std::uint64_t page = index_.page_before(bits); page < pages(); ++page) {
    if (auto read = read_pages(page, buffer); !read) return read;
    const std::uint64_t count = std::min<std::uint64_t>(entries_per_page, entries_ - page * entries_per_page);
    std::uint64_t from = 0;
    for (std::uint64_t until = count; from < until;) {
      const std::uint64_t middle = (from + until) / 2;
      if (get_entry(extent_.partition, &buffer[middle * entry_bytes]) < wanted) {
        from = middle + 1;
      } else {
        until = middle;
      }
    }
    for (; from < count; ++from) {
      const RunEntry entry = get_entry(extent_.partition, &buffer[from * entry_bytes]);
      if (entry.bits != bits.value) return {};
      found.push_back(entry.ordinal);
    }
  }
  return {};
}

Result<std::span<const RunEntry>> RunReader::next_page() {
  entries_.clear();
  if (page_ == run_.pages()) return std::span<const RunEntry>();
  if ((page_ - ahead_from_) * page_bytes >= ahead_.size()) {
    ahead_from_ = page_;
    ahead_.resize(std::min<std::uint64_t>(pages_at_once, run_.pages() - page_) * page_bytes);
    if (auto read = run_.read_pages(page_, ahead_); !read) return read.error();
  }
  const char* const page = ahead_.data() + (page_ - ahead_from_) * page_bytes;
  const std::uint64_t count = std::min<std::uint64_t>(IdentityRun::entries_per_page,
                                                      run_.entries() - page_ * IdentityRun::entries_per_page);
  for (std::uint64_t i = 0; i < count; ++i) {
    entries_.push_back(get_entry(run_.extent().partition, page + i * entry_bytes));
  }
  ++page_;
  return std::span<const RunEntry>(entries_);
}

// RunWriter ---------------------------------------------------------------------------------

RunWriter::RunWriter(const RunSettings& settings, const RunExtent& extent)
    : settings_(settings), run_(new IdentityRun(settings.index_bytes_max)) {
  run_->extent_ = extent;
  run_->path_ = settings.directory + "/" + name_of(extent);
  pages_.reserve(pages_at_once * page_bytes);
}

Result<std::unique_ptr<RunWriter>> RunWriter::create(const RunSettings& settings, const RunExtent& extent) {
  std::unique_ptr<RunWriter> writer(new RunWriter(settings, extent));
  auto file =
      PosixFile::open(writer->run_->path_ + std::string(unfinished_suffix), O_RDWR | O_CREAT | O_TRUNC);
  if (!file) return file.error();
  writer->run_->file_ = std::move(*file);
  return writer;
}

RunWriter::~RunWriter() {
  std::error_code ignored;
  if (!finished_) fs::remove(run_->path_ + std::string(unfinished_suffix), ignored);
}

Result<void> RunWriter::add(const RunEntry& entry) {
  VOUCHERD_ASSERT(run_->entries_ == 0 || last_ < entry);
  VOUCHERD_ASSERT(entry.ordinal >= run_->extent_.first && entry.ordinal < run_->extent_.end &&
                  RunExtent::partition_of({entry.bits}) == run_->extent_.partition);
  last_ = entry;
  if (page_entries_ == 0) run_->index_.add_page({entry.bits});
  put_entry(pages_, entry);
  ++run_->entries_;
  if (++page_entries_ < IdentityRun::entries_per_page) return {};
  end_page();
  return pages_.size() < pages_at_once * page_bytes ? Result<void>() : write_out();
}

void RunWriter::end_page() {
  const std::size_t begin = pages_.size() / page_bytes * page_bytes;
  pages_.resize(begin + entries_bytes, '\0');
  put_little_endian(pages_, written_ + begin / page_bytes);
  put_little_endian(pages_, checksum64(std::string_view(pages_).substr(begin)));
  page_entries_ = 0;
}

Result<void> RunWriter::write_out() {
  if (auto put = run_->file_.write_at((written_ + 1) * page_bytes, pages_); !put) return put;
  written_ += pages_.size() / page_bytes;
  pages_.clear();
  return {};
}

Result<IdentityRun::Shared> RunWriter::finish() {
  if (page_entries_ > 0) end_page();
  if (auto put = write_out(); !put) return put.error();
  const std::string header = header_page(run_->extent_, run_->entries_, settings_.seed);
  if (auto put = run_->file_.write_at(0, header); !put) return put.error();
  if (auto synced = run_->file_.sync(); !synced) return synced.error();
  std::error_code error;
  fs::rename(run_->path_ + std::string(unfinished_suffix), run_->path_, error);
  if (error) return Fault{"file_failed", run_->path_ + ": rename failed: " + error.message()};
  finished_ = true;
  if (auto synced = sync_directory(settings_.directory); !synced) return synced.error();
  run_->index_.shrink();
  return IdentityRun::Shared(std::move(run_));
}

}  // namespace voucherd
