// A thread of its own takes all entries that wait, makes their lines, and writes them in one call.
#include "daemon/access/access_log.h"

#include <fcntl.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon/access/access_log_files.h"
#include "daemon/access/token_text.h"
#include "metering/core/excerpt.h"
#include "metering/journal/posix_file.h"

namespace voucherd::access {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds sync_interval{1};
constexpr std::size_t short_text_bytes_max = 256;
constexpr std::size_t fault_bytes_max = 512;
constexpr int files_removed_per_day_max = 2;

/// Who showed nothing good.
bool is_refusal(const AccessEntry& entry) { return !entry.fault.empty(); }
bool is_stranger(const AccessEntry& entry) { return entry.role.empty(); }

/// Escapes all that is not printable ASCII.
std::string to_line(const Json& line) { return line.dump(-1, ' ', true, Json::error_handler_t::replace); }

Json begin_line(std::uint64_t number, const std::string& before, Instant at) {
  return {{"line", number}, {"before", before}, {"at", format_instant(at, UtcOffset{0})}};
}

/// The last complete line of a file that is `size` bytes long, and how many bytes are behind it.
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

struct AccessLog::Impl {
  struct Waiting {
    AccessEntry entry;
    std::function<void(bool)> written;
  };

  /// Entries without a line.
  struct Uncounted {
    std::uint64_t lost = 0;    // that could not be written
    std::uint64_t others = 0;  // refused, beyond their number a second
  };

  Impl(AccessLogOptions opts, const Clock& used_clock, PostToOwner to_owner, OnFailure failed)
      : options(std::move(opts)),
        clock(used_clock),
        post(std::move(to_owner)),
        on_failure(std::move(failed)) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_one();
    if (thread.joinable()) thread.join();
  }

  // Opening ---------------------------------------------------------------------------------

  Result<void> open() {
    if (auto made = create_directory_durably(options.directory); !made) return made;
    std::error_code ignored;  // made by somebody else: their mode stays
    std::filesystem::permissions(options.directory, std::filesystem::perms::owner_all, ignored);
    auto opened = PosixFile::open(options.directory + "/lock", O_RDWR | O_CREAT);
    if (!opened) return opened.error();
    lock_file = std::move(*opened);
    const auto locked = lock_file.try_lock(true);
    if (!locked) return locked.error();
    if (!*locked)
      return Fault{"access_log_failed",
                   options.directory + " is in use by another process; give each its own"};
    if (auto found = find_end(); !found) return found;
    Json line = begin_line(end.number + 1, end.sha256, clock.now());
    line["event"] = "opened";
    if (cut_off > 0) line["cut_off_bytes"] = cut_off;
    if (auto begun = begin_day(local_day(clock.now(), options.offset)); !begun) return begun;
    if (auto written = append({to_line(line)}); !written) return written;
    thread = std::thread([this] { run(); });
    return {};
  }

  Result<void> find_end() {
    const auto files = access_log_files(options.directory);
    if (!files) return files.error();
    if (!files->empty()) day = files->back().day;  // a clock that went back goes on in the newest file
    for (auto each = files->rbegin(); each != files->rend(); ++each) {
      const auto opened = PosixFile::open(each->path, O_RDWR);
      if (!opened) return opened.error();
      const auto bytes = opened->size();
      if (!bytes) return bytes.error();
      const auto tail = read_tail(*opened, *bytes);
      if (!tail) return tail.error();
      if (tail->torn > 0) {
        cut_off += tail->torn;
        if (auto cut = opened->truncate(*bytes - tail->torn); !cut) return cut;
      }
      if (tail->line.empty() && *bytes == tail->torn) continue;  // a crash came before its first line
      const auto link = read_chain_link(tail->line);
      if (!link)
        return Fault{"access_log_damaged", "the last line of " + each->path +
                                               " is none of an access log; move the file away, and keep it"};
      end = {link->number, sha256_hex(tail->line)};
      return {};
    }
    return {};
  }

  bool is_one_too_many(const AccessEntry& refused) {
    const std::int64_t second = refused.at.ms / 1000;
    if (std::exchange(refused_second, second) != second) strangers = callers = 0;
    return ++(is_stranger(refused) ? strangers : callers) > access_refused_per_second_max;
  }

  // The thread ------------------------------------------------------------------------------

  void run() {
    std::unique_lock lock(mutex);
    bool unsynced = true;
    for (;;) {
      const auto is_due = [this] { return stopping || !waiting.empty(); };
      if (unsynced || uncounted.others > 0) {
        wake.wait_for(lock, sync_interval, is_due);
      } else {
        wake.wait(lock, is_due);
      }
      std::deque<Waiting> taken = std::exchange(waiting, {});
      const Uncounted gone = std::exchange(uncounted, {});
      const bool last = stopping;
      lock.unlock();
      if (taken.empty() && gone.lost == 0 && gone.others == 0) {
        sync();
        unsynced = false;
      } else {
        unsynced = write_all(taken, gone) || unsynced;
      }
      lock.lock();
      if (last && waiting.empty()) break;
    }
    lock.unlock();
    sync();
  }

  /// Writes the lines and tells who waits for them.
  bool write_all(std::deque<Waiting>& taken, const Uncounted& gone) {
    const LocalDay today = local_day(clock.now(), options.offset);
    Result<void> done = today > day ? begin_day(today) : Result<void>();
    if (done) done = append(lines_of(taken, gone));
    if (!done) {
      if (!std::exchange(failing, true)) on_failure(done.error());
      const std::lock_guard lock(mutex);
      uncounted.lost += gone.lost + taken.size();
      uncounted.others += gone.others;
    } else {
      failing = false;
    }
    for (Waiting& each : taken) {
      if (each.written) post([written = std::move(each.written), good = done.has_value()] { written(good); });
    }
    return done.has_value();
  }

  std::vector<std::string> lines_of(const std::deque<Waiting>& taken, const Uncounted& gone) const {
    std::vector<std::string> lines;
    ChainEnd at = end;
    const auto add = [&](std::string line) {
      at = {at.number + 1, sha256_hex(line)};
      lines.push_back(std::move(line));
    };
    for (const auto& [event, entries] :
         {std::pair{"lost", gone.lost}, std::pair{"others_refused", gone.others}}) {
      if (entries == 0) continue;
      Json line = begin_line(at.number + 1, at.sha256, clock.now());
      line["event"] = event;
      line["entries"] = entries;
      add(to_line(line));
    }
    for (const Waiting& each : taken) add(format_access_line(at.number + 1, at.sha256, each.entry));
    return lines;
  }

  /// All of them or none: half a line would break the chain.
  Result<void> append(const std::vector<std::string>& lines) {
    std::string bytes;
    for (const std::string& line : lines) bytes.append(line).push_back('\n');
    if (auto written = file.write_at(size, bytes); !written) {
      static_cast<void>(file.truncate(size));
      return written;
    }
    size += bytes.size();
    end = {end.number + lines.size(), sha256_hex(lines.back())};
    return {};
  }

  /// Goes on in the day's file, and drops those whose time is over.
  Result<void> begin_day(LocalDay today) {
    sync();
    const LocalDay next = std::max(day, today);
    auto opened = PosixFile::open(access_log_path(options.directory, next), O_RDWR | O_CREAT);
    if (!opened) return opened.error();
    const auto bytes = opened->size();
    if (!bytes) return bytes.error();
    file = std::move(*opened);
    size = *bytes;
    day = next;
    const auto files = access_log_files(options.directory);
    if (!files) return files.error();
    // A few at a time: a clock that jumped ahead must not cost the whole log.
    int left = files_removed_per_day_max;
    for (const AccessLogFile& each : *files) {
      const std::int64_t age = std::int64_t{day.days} - each.day.days;
      std::error_code ignored;  // tried again tomorrow
      if (age > static_cast<std::int64_t>(options.retention_days) && left-- > 0)
        std::filesystem::remove(each.path, ignored);
    }
    return sync_directory(options.directory);
  }

  void sync() {
    if (file.path().empty()) return;
    const auto synced = file.sync();
    if (!synced && !std::exchange(failing, true)) on_failure(synced.error());
  }

  AccessLogOptions options;
  const Clock& clock;
  PostToOwner post;
  OnFailure on_failure;

  std::mutex mutex;  // guards these
  std::condition_variable wake;
  std::deque<Waiting> waiting;
  Uncounted uncounted;
  std::int64_t refused_second = 0;
  std::uint64_t strangers = 0, callers = 0;  // refused in that second
  bool stopping = false;

  // The thread's:
  PosixFile lock_file, file;
  std::uint64_t size = 0;
  LocalDay day{};
  ChainEnd end;
  std::uint64_t cut_off = 0;
  bool failing = false;
  std::thread thread;
};

AccessLog::AccessLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AccessLog::~AccessLog() = default;

Result<std::unique_ptr<AccessLog>> AccessLog::open(const AccessLogOptions& options, const Clock& clock,
                                                   PostToOwner post, OnFailure on_failure) {
  auto impl = std::make_unique<Impl>(options, clock, std::move(post), std::move(on_failure));
  if (auto opened = impl->open(); !opened) return opened.error();
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(impl)));
}

void AccessLog::write(AccessEntry entry, std::function<void(bool)> written) {
  bool counted = false;
  {
    const std::lock_guard lock(impl_->mutex);
    counted = is_refusal(entry) && impl_->is_one_too_many(entry);
    // Refusals leave half of the places to answers that are given only with their line.
    const std::size_t places = written ? access_log_waiting_max : access_log_waiting_max / 2;
    if (!counted && impl_->waiting.size() < places) {
      impl_->waiting.push_back({std::move(entry), std::move(written)});
      impl_->wake.notify_one();
      return;
    }
    ++(counted ? impl_->uncounted.others : impl_->uncounted.lost);
  }
  if (written) written(counted);
}

}  // namespace voucherd::access
