#include "daemon/engine/checkpointer.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "metering/core/assert.h"
#include "metering/journal/thread_priority.h"

namespace voucherd {

namespace {

// In one piece: 8 MiB, half a second of ingest at its fastest.
constexpr std::size_t hashes_per_append = std::size_t{1} << 20;
// Hashes that a disk does not take are kept up to here (256 MiB); beyond, there are no more checkpoints.
constexpr std::size_t hashes_waiting_max = std::size_t{1} << 25;
// A look costs a system call at most: not at each record of one event.
constexpr Position records_between_looks = 16;
// A second of the owner thread delays everyone, a second of another one takes processor time: it weighs more.
constexpr double owner_weight = 10;

double cpu_seconds(clockid_t clock) {
  timespec now{};
  VOUCHERD_ASSERT(::clock_gettime(clock, &now) == 0);
  constexpr double nanoseconds_per_second = 1e9;
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / nanoseconds_per_second;
}
double process_seconds() { return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID); }
double thread_seconds() { return cpu_seconds(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace

Checkpointer::Checkpointer(std::string directory, Fold& fold, CheckpointLimits limits)
    : fold_(fold), limits_(limits), store_(std::move(directory)) {}

Checkpointer::~Checkpointer() {
  wait();
  if (fold_.position() > saved_position_ && !given_up_) save();
  wait();
}

Result<void> Checkpointer::load(Position last) {
  if (const auto checkpoint = store_.load_newest(last)) {
    const auto identities = load_identities(checkpoint->identity_hashes);
    if (!identities) return identities.error();
    if (*identities) {
      if (auto loaded = fold_.load(*checkpoint); !loaded) return loaded;
    }
  }
  // The hash file ends where the checkpoint does: what is folded from here on is new to it.
  saved_position_ = fold_.position();
  saved_events_ = hashes_in_file_ = fold_.usage().events();
  return {};
}

Result<bool> Checkpointer::load_identities(std::uint64_t count) {
  KnownIdentities& identities = fold_.identities();
  identities.expect(count);
  std::optional<Fault> refused;
  EventOrdinal first = 0;
  const auto read = store_.load_hashes(count, [&](std::span<const std::uint64_t> hashes) {
    auto loaded = identities.load(hashes, first);
    first += hashes.size();
    if (!loaded) refused = loaded.error();
    return loaded;
  });
  if (refused) return *refused;
  if (!read) identities.forget();  // something of it was not true
  return read.has_value();
}

void Checkpointer::look() {
  next_look_ = fold_.position() + std::min(records_between_looks, limits_.every_records);
  if (busy_.load(std::memory_order_acquire)) {
    given_up_ = given_up_ || fold_.new_hashes() > hashes_waiting_max;
    return;
  }
  wait();
  given_up_ = given_up_ || hashes_.size() > hashes_waiting_max;
  if (given_up_) {
    hashes_ = {};
    fold_.take_new_hashes(hashes_);
    hashes_ = {};
  } else if (is_due()) {
    save();
  } else if (fold_.new_hashes() >= hashes_per_append) {
    start(std::nullopt);
  }
}

bool Checkpointer::is_due() const {
  if (fold_.usage().events() - saved_events_ < limits_.every_events &&
      fold_.position() - saved_position_ < limits_.every_records) {
    return false;
  }
  return pause_seconds_ == 0 || process_seconds() - began_at_ >= pause_seconds_;
}

void Checkpointer::save() {
  saved_position_ = fold_.position();
  saved_events_ = fold_.usage().events();
  began_at_ = process_seconds();
  const double started = thread_seconds();
  auto frozen = fold_.freeze();
  owner_seconds_ = thread_seconds() - started;
  spent_seconds_.fetch_add(owner_seconds_, std::memory_order_relaxed);
  start(std::move(frozen));
}

void Checkpointer::start(std::optional<Fold::Frozen> frozen) {
  fold_.take_new_hashes(hashes_);
  busy_.store(true, std::memory_order_release);
  thread_ = std::thread([this, frozen = std::move(frozen)]() mutable {
    let_others_go_first();  // acknowledgements, where processors are few
    write(std::move(frozen));
    busy_.store(false, std::memory_order_release);
  });
}

void Checkpointer::wait() {
  if (!thread_.joinable()) return;
  thread_.join();
  fold_.thaw();
}

void Checkpointer::write(std::optional<Fold::Frozen> frozen) {
  const double started = thread_seconds();
  const bool is_checkpoint = frozen.has_value();
  write_hashes();
  if (frozen) {
    const Checkpoint checkpoint = std::move(*frozen).checkpoint();
    frozen.reset();
    // One that can't be written costs time at the next start, nothing else: the next one is tried as if it
    // had been. It is refused, too, while hashes are missing in the file.
    if (hashes_.empty()) static_cast<void>(store_.save(checkpoint, {}));
  }
  const double seconds = thread_seconds() - started;
  spent_seconds_.fetch_add(seconds, std::memory_order_relaxed);
  if (!is_checkpoint || limits_.cpu_percent >= 100) return;
  const double weighed = std::max(owner_seconds_ * owner_weight, owner_seconds_ + seconds);
  pause_seconds_ = weighed * 100 / static_cast<double>(limits_.cpu_percent);
}

void Checkpointer::write_hashes() {
  const bool appended = store_.append_hashes(hashes_in_file_, hashes_).has_value();
  // A disk that is full has taken some of them.
  const std::uint64_t end = hashes_in_file_ + hashes_.size();
  const std::uint64_t reached = store_.hashes();
  if (appended || (reached > hashes_in_file_ && reached <= end)) {
    hashes_.erase(hashes_.begin(), hashes_.begin() + static_cast<std::ptrdiff_t>(reached - hashes_in_file_));
    hashes_in_file_ = reached;
  }
  // After a disk that was full for long.
  if (hashes_.empty() && hashes_.capacity() > 2 * hashes_per_append) hashes_.shrink_to_fit();
}

}  // namespace voucherd
