// A spill: a table that nobody changes any more becomes runs, on a thread of its own, partition after
// partition. Each step is on disk, synced, before it is published; then its owner looks there and
// gives back that part of the table. The new run takes in the ones before it that are not larger, so
// that the number of runs stays logarithmic and an identity is written again only as their sizes
// double. Its memory is a few buffers.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "metering/state/identity_filter.h"
#include "metering/state/identity_runs.h"

namespace voucherd {

/// Made, asked and destroyed by one thread.
class IdentitySpill {
 public:
  /// Buffers of the thread: what it reads ahead of the runs that it takes in, and what it writes.
  static constexpr std::uint64_t buffer_bytes_max = 4U << 20;
  /// Of the disk: no run is begun that would leave less.
  static constexpr std::uint64_t disk_bytes_left = std::uint64_t{256} << 20;

  struct Work {
    const IdentityIndex* table;  // settled, and not changed while this lives
    EventOrdinal end;            // the table covers all events before it that the chains do not
    RunChains chains;            // as they are
    unsigned partition;          // the first that is to be done; those before it are
    IdentityFilter* filter;
    RunSettings settings;
  };
  struct Step {
    unsigned partition;
    IdentityRun::Shared run;  // null: the chain covers all of the table already
    std::size_t replaced;     // so many runs at the chain's end, by this one
  };

  explicit IdentitySpill(Work work);
  /// Stops; what is not finished is not there.
  ~IdentitySpill();
  IdentitySpill(const IdentitySpill&) = delete;
  IdentitySpill& operator=(const IdentitySpill&) = delete;

  /// Calls `on_end` when it has ended, unless it was stopped: on its thread, or at once where it has.
  void tell(std::function<void()> on_end);
  /// What was finished since the last call.
  std::vector<Step> take_steps();
  /// True once no step will come any more: all is done, or the disk failed.
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  void wait();
  /// Precondition: ended().
  const std::optional<Fault>& fault() const { return fault_; }

 private:
  void run();
  Result<Step> spill(unsigned partition);
  std::uint64_t table_size(unsigned partition) const;
  std::size_t runs_to_replace(unsigned partition) const;
  Result<IdentityRun::Shared> merge(unsigned partition, std::size_t replaced);

  Work work_;
  std::atomic<bool> stop_ = false, ended_ = false;
  std::optional<Fault> fault_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<Step> steps_;
  std::function<void()> on_end_;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace voucherd
