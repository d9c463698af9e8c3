// A thread of its own takes all entries that wait, makes their lines, and writes them in one call.
#include "daemon/access/access_log.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "daemon/access/access_log_writer.h"

namespace voucherd::access {

namespace {

constexpr std::chrono::seconds sync_interval{1};

/// Who showed nothing good.
bool is_refusal(const AccessEntry& entry) { return !entry.fault.empty(); }
bool is_stranger(const AccessEntry& entry) { return entry.role.empty(); }

/// Of an entry that waits.
std::size_t bytes_of(const AccessEntry& entry) {
  return sizeof entry + entry.actor.kind.size() + entry.actor.id.size() + entry.role.size() +
         entry.peer.size() + entry.method.size() + entry.route.size() + entry.target.size() +
         entry.fault.size();
}

}  // namespace

struct AccessLog::Impl {
  struct Waiting {
    AccessEntry entry;
    Written written;
  };

  Impl(const AccessLogOptions& options, const Clock& clock, PostToOwner to_owner, OnFailure failed)
      : writer(options, clock), post(std::move(to_owner)), on_failure(std::move(failed)) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_one();
    if (thread.joinable()) thread.join();
  }

  /// Refusals leave half of the places to answers that are given only with their line.
  bool has_place(bool for_answer) const {
    const std::size_t share = for_answer ? 1 : 2;
    return waiting.size() < access_log_waiting_max / share &&
           waiting_bytes < access_log_waiting_bytes_max / share;
  }

  bool is_one_too_many(const AccessEntry& refused) {
    const std::int64_t second = refused.at.ms / 1000;
    if (std::exchange(refused_second, second) != second) strangers = callers = 0;
    return ++(is_stranger(refused) ? strangers : callers) > access_refused_per_second_max;
  }

  // The thread ------------------------------------------------------------------------------

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      const auto is_due = [this] { return stopping || !waiting.empty(); };
      if (writer.has_unsynced() || unlisted.others > 0) {
        wake.wait_for(lock, sync_interval, is_due);
      } else {
        wake.wait(lock, is_due);
      }
      std::deque<Waiting> taken = std::exchange(waiting, {});
      const Unlisted gone = std::exchange(unlisted, {});
      const bool last = stopping;
      lock.unlock();
      if (taken.empty() && gone.lost == 0 && gone.others == 0) {
        note(writer.sync());
      } else {
        write_all(taken, gone);
      }
      lock.lock();
      if (last && waiting.empty()) break;
    }
    lock.unlock();
    note(writer.sync());
  }

  /// Each failure once, until something succeeds.
  void note(const Result<void>& outcome) {
    if (!outcome && !failing) on_failure(outcome.error());
    failing = !outcome;
  }

  /// Writes the lines and tells who waits for them.
  void write_all(std::deque<Waiting>& taken, const Unlisted& gone) {
    std::vector<const AccessEntry*> entries;
    std::size_t bytes = 0;
    for (const Waiting& each : taken) {
      entries.push_back(&each.entry);
      bytes += bytes_of(each.entry);
    }
    const Result<void> done = writer.append(entries, gone);
    note(done);
    {
      const std::lock_guard lock(mutex);
      waiting_bytes -= bytes;
      if (!done) {
        unlisted.lost += gone.lost + taken.size();
        unlisted.others += gone.others;
      }
    }
    for (Waiting& each : taken) {
      if (each.written) post([written = std::move(each.written), done] { written(done); });
    }
  }

  AccessLogWriter writer;  // the thread's, once it runs
  PostToOwner post;
  OnFailure on_failure;
  bool failing = false;  // the thread's

  std::mutex mutex;  // guards these
  std::condition_variable wake;
  std::deque<Waiting> waiting;
  std::size_t waiting_bytes = 0;  // those that are being written too
  Unlisted unlisted;
  std::int64_t refused_second = 0;
  std::uint64_t strangers = 0, callers = 0;  // refused in that second
  bool stopping = false;

  std::thread thread;
};

AccessLog::AccessLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AccessLog::~AccessLog() = default;

Result<std::unique_ptr<AccessLog>> AccessLog::open(const AccessLogOptions& options, const Clock& clock,
                                                   PostToOwner post, OnFailure on_failure) {
  auto impl = std::make_unique<Impl>(options, clock, std::move(post), std::move(on_failure));
  if (auto opened = impl->writer.open(); !opened) return opened.error();
  impl->thread = std::thread([used = impl.get()] { used->run(); });
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(impl)));
}

std::uint64_t AccessLog::cut_off_bytes() const { return impl_->writer.cut_off_bytes(); }

void AccessLog::write(AccessEntry entry, Written written) {
  bool counted = false;
  {
    const std::lock_guard lock(impl_->mutex);
    counted = is_refusal(entry) && impl_->is_one_too_many(entry);
    if (!counted && impl_->has_place(written != nullptr)) {
      impl_->waiting_bytes += bytes_of(entry);
      impl_->waiting.push_back({std::move(entry), std::move(written)});
      impl_->wake.notify_one();
      return;
    }
    ++(counted ? impl_->unlisted.others : impl_->unlisted.lost);
  }
  if (!written) return;
  written(counted ? Result<void>() : Fault{"access_log_failed", "too many lines wait to be written"});
}

}  // namespace voucherd::access
