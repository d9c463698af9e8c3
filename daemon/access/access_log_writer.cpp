// Opening after whatever has happened, and writing so that what is there is a chain.
#include "daemon/access/access_log_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "daemon/access/token_text.h"
#include "metering/core/excerpt.h"

namespace voucherd::access {

namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t short_text_bytes_max = 256;
constexpr std::size_t fault_bytes_max = 512;
constexpr int files_removed_per_day_max = 2;
constexpr std::size_t unsynced_bytes_max = 4u << 20;  // then it is synced before the next lines
constexpr std::size_t scan_bytes = 64u << 10;

/// Escapes all that is not printable ASCII.
std::string to_line(const Json& line) { return line.dump(-1, ' ', true, Json::error_handler_t::replace); }

Json begin_line(std::uint64_t number, const std::string& before, Instant at) {
  return {{"line", number}, {"before", before}, {"at", format_instant(at, UtcOffset{0})}};
}

/// Up to where there is something else than zeros: a machine that stops can leave a file longer than what of
/// it had reached the disk.
Result<std::uint64_t> end_of_text(const PosixFile& file, std::uint64_t size) {
  while (size > 0) {
    const std::uint64_t from = size - std::min<std::uint64_t>(size, scan_bytes);
    const auto bytes = file.read_at(from, static_cast<std::size_t>(size - from));
    if (!bytes) return bytes.error();
    const std::size_t last = bytes->find_last_not_of('\0');
    if (last != std::string::npos) return from + last + 1;
    size = from;
  }
  return size;
}

/// The last complete line of a file's first `size` bytes, and how many bytes are behind it.
struct Tail {
  std::string line;
  std::uint64_t torn = 0;
};
Result<Tail> read_tail(const PosixFile& file, std::uint64_t size) {
  const std::uint64_t from = size - std::min<std::uint64_t>(size, 2 * access_log_line_bytes_max);
  const auto bytes = file.read_at(from, static_cast<std::size_t>(size - from));
  if (!bytes) return bytes.error();
  const std::size_t end = bytes->rfind('\n');
  if (end == std::string::npos) return Tail{"", size - from};
  const std::size_t begin = end == 0 ? std::string::npos : bytes->rfind('\n', end - 1);
  return Tail{bytes->substr(begin + 1, end - begin - 1), bytes->size() - end - 1};
}

}  // namespace

std::string format_access_line(std::uint64_t number, const std::string& before, const AccessEntry& entry) {
  const auto shown = [](const std::string& text, std::size_t bytes_max) {
    return excerpt(without_secrets(text), bytes_max);
  };
  Json line = begin_line(number, before, entry.at);
  line["event"] = entry.fault.empty() ? "answered" : "refused";
  line["actor"] = {{"kind", entry.actor.kind}, {"id", entry.actor.id}};
  if (!entry.role.empty()) line["role"] = entry.role;
  line["peer"] = entry.peer;
  line["method"] = shown(entry.method, short_text_bytes_max);
  line["route"] = entry.route;
  line["target"] = shown(entry.target, access_target_bytes_max);
  line["status"] = entry.status;
  if (!entry.fault.empty()) line["fault"] = shown(entry.fault, fault_bytes_max);
  return to_line(line);
}

// -------------------------------------------------------------------------------------- opening

Result<void> AccessLogWriter::open() {
  if (auto made = make_directory(); !made) return made;
  if (auto locked = lock(); !locked) return locked;
  if (auto found = find_end(); !found) return found;
  Json line = begin_line(end_.number + 1, end_.sha256, clock_.now());
  line["event"] = "opened";
  if (cut_off_ > 0) line["cut_off_bytes"] = cut_off_;
  if (auto begun = begin_day(local_day(clock_.now(), options_.offset)); !begun) return begun;
  return write_lines({to_line(line)});
}

/// One that is there already stays as its owner has set it: it may be stricter than ours, or open to a group
/// of auditors on purpose. Only where anybody could put files of their own into it, it is refused.
Result<void> AccessLogWriter::make_directory() const {
  const std::string& directory = options_.directory;
  std::error_code error;
  const fs::file_status there = fs::status(directory, error);
  if (!fs::exists(there)) {
    if (auto made = create_directory_durably(directory); !made) return made;
    fs::permissions(directory, fs::perms::owner_all, error);
    if (error) return Fault{"access_log_failed", directory + " can't be set to 0700: " + error.message()};
    return {};
  }
  if ((there.permissions() & fs::perms::others_write) == fs::perms::none) return {};
  return Fault{"access_log_failed", directory +
                                        " can be written by everyone, who could then change the access log; "
                                        "take that away (chmod o-w)"};
}

Result<void> AccessLogWriter::lock() {
  auto opened = PosixFile::open(options_.directory + "/lock", O_RDWR | O_CREAT);
  if (!opened) return opened.error();
  lock_file_ = std::move(*opened);
  const auto locked = lock_file_.try_lock(true);
  if (!locked) return locked.error();
  if (*locked) return {};
  return Fault{"access_log_failed", options_.directory + " is in use by another process; give each its own"};
}

Result<void> AccessLogWriter::find_end() {
  const auto files = access_log_files(options_.directory);
  if (!files) return files.error();
  if (!files->empty()) day_ = files->back().day;  // a clock that went back goes on in the newest file
  for (auto each = files->rbegin(); each != files->rend(); ++each) {
    const auto found = find_end_in(each->path);
    if (!found) return found.error();
    if (*found) return {};
  }
  return {};
}

/// Cuts off what is no line; false: no line is left, since a crash came before its first one.
Result<bool> AccessLogWriter::find_end_in(const std::string& path) {
  const auto file = PosixFile::open(path, O_RDWR);
  if (!file) return file.error();
  const auto bytes = file->size();
  if (!bytes) return bytes.error();
  const auto text_bytes = end_of_text(*file, *bytes);
  if (!text_bytes) return text_bytes.error();
  const auto tail = read_tail(*file, *text_bytes);
  if (!tail) return tail.error();
  const std::uint64_t good_bytes = *text_bytes - tail->torn;
  const auto link = read_chain_link(tail->line);
  if (!link && good_bytes > 0) {
    return Fault{"access_log_damaged",
                 "the last line of " + path + " is none of an access log; move the file away, and keep it"};
  }
  if (good_bytes < *bytes) {
    cut_off_ += *bytes - good_bytes;
    if (auto cut = file->truncate(good_bytes); !cut) return cut.error();
  }
  if (link) end_ = {link->number, sha256_hex(tail->line)};
  return link.has_value();
}

// -------------------------------------------------------------------------------------- writing

Result<void> AccessLogWriter::append(const std::vector<const AccessEntry*>& entries,
                                     const Unlisted& unlisted) {
  if (sync_failed_ || unsynced_.size() >= unsynced_bytes_max) {
    if (auto synced = sync(); !synced) return synced;
  }
  const LocalDay today = local_day(clock_.now(), options_.offset);
  if (today > day_) {
    if (auto begun = begin_day(today); !begun) return begun;
  }
  std::vector<std::string> lines;
  ChainEnd at = end_;
  const auto add = [&](std::string line) {
    at = {at.number + 1, sha256_hex(line)};
    lines.push_back(std::move(line));
  };
  for (const auto& [event, count] :
       {std::pair{"lost", unlisted.lost}, std::pair{"others_refused", unlisted.others}}) {
    if (count == 0) continue;
    Json line = begin_line(at.number + 1, at.sha256, clock_.now());
    line["event"] = event;
    line["entries"] = count;
    add(to_line(line));
  }
  for (const AccessEntry* entry : entries) add(format_access_line(at.number + 1, at.sha256, *entry));
  return write_lines(lines);
}

/// All of them or none: half a line would break the chain.
Result<void> AccessLogWriter::write_lines(const std::vector<std::string>& lines) {
  if (tail_is_torn_) {
    if (auto cut = file_.truncate(size_); !cut) return cut;
    tail_is_torn_ = false;
  }
  std::string bytes;
  for (const std::string& line : lines) bytes.append(line).push_back('\n');
  if (auto written = file_.write_at(size_, bytes); !written) {
    tail_is_torn_ = !file_.truncate(size_).has_value();
    return written;
  }
  size_ += bytes.size();
  unsynced_ += bytes;
  end_ = {end_.number + lines.size(), sha256_hex(lines.back())};
  return {};
}

Result<void> AccessLogWriter::sync() {
  if (unsynced_.empty()) return {};
  if (sync_failed_) {
    if (auto again = file_.write_at(size_ - unsynced_.size(), unsynced_); !again) return again;
  }
  auto synced = file_.sync();
  sync_failed_ = !synced;
  if (synced) unsynced_.clear();
  return synced;
}

/// Goes on in the day's file, and drops those whose time is over.
Result<void> AccessLogWriter::begin_day(LocalDay today) {
  if (auto synced = sync(); !synced) return synced;
  const LocalDay next = std::max(day_, today);
  auto opened = PosixFile::open(access_log_path(options_.directory, next), O_RDWR | O_CREAT);
  if (!opened) return opened.error();
  const auto bytes = opened->size();
  if (!bytes) return bytes.error();
  const auto files = access_log_files(options_.directory);
  if (!files) return files.error();
  if (auto synced = sync_directory(options_.directory); !synced) return synced;
  file_ = std::move(*opened);
  size_ = *bytes;
  day_ = next;
  tail_is_torn_ = false;
  remove_old_files(*files);
  return {};
}

void AccessLogWriter::remove_old_files(const std::vector<AccessLogFile>& files) const {
  // A few at a time: a clock that jumped ahead must not cost the whole log.
  int left = files_removed_per_day_max;
  for (const AccessLogFile& each : files) {
    const std::int64_t age = std::int64_t{day_.days} - each.day.days;
    std::error_code ignored;  // tried again tomorrow
    if (age > static_cast<std::int64_t>(options_.retention_days) && left-- > 0)
      fs::remove(each.path, ignored);
  }
}

}  // namespace voucherd::access
