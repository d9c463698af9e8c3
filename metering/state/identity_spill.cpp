#include "metering/state/identity_spill.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

constexpr std::size_t shards_per_partition = IdentityIndex::shard_count / RunExtent::partitions;

/// One of the sorted sequences that are merged.
struct Source {
  std::function<Result<std::span<const RunEntry>>()> refill;  // empty: there is no more
  std::span<const RunEntry> left;
};

/// The shards of a partition, sorted one after another; their identities go into the filter on the way.
class TableSource {
 public:
  TableSource(const IdentityIndex& table, unsigned partition, IdentityFilter& filter)
      : table_(table),
        filter_(filter),
        shard_(partition * shards_per_partition),
        end_(shard_ + shards_per_partition) {}

  std::span<const RunEntry> next() {
    entries_.clear();
    while (entries_.empty() && shard_ < end_) {
      table_.visit_shard(shard_++, [this](HashBits bits, EventOrdinal ordinal) {
        entries_.push_back({bits.value, ordinal});
        filter_.add(bits);
      });
    }
    std::sort(entries_.begin(), entries_.end());
    return entries_;
  }

 private:
  const IdentityIndex& table_;
  IdentityFilter& filter_;
  std::size_t shard_, end_;
  std::vector<RunEntry> entries_;
};

Result<void> refill(std::vector<Source>& sources, std::size_t at) {
  const auto more = sources[at].refill();
  if (!more) return more.error();
  sources[at].left = *more;
  if (more->empty()) sources.erase(sources.begin() + static_cast<std::ptrdiff_t>(at));
  return {};
}

/// Runs are derived, so they never take the journal's last bytes: a disk that is nearly full is full to them.
Result<void> leave_room(const std::string& directory, std::uint64_t entries) {
  std::error_code unknown;
  const auto space = std::filesystem::space(directory, unknown);
  const std::uint64_t wanted = IdentityRun::file_bytes(entries) + IdentitySpill::disk_bytes_left;
  if (unknown || space.available >= wanted) return {};
  return Fault{"file_failed", "a run of " + std::to_string(entries) +
                                  " identities and what is left to the journal need " +
                                  std::to_string(wanted) + " bytes in " + directory + ", which has " +
                                  std::to_string(space.available) + "; free some space"};
}

/// The source with the least entry. Few: most often two.
std::size_t least(const std::vector<Source>& sources) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < sources.size(); ++i) {
    if (sources[i].left.front() < sources[best].left.front()) best = i;
  }
  return best;
}

}  // namespace

IdentitySpill::IdentitySpill(Work work) : work_(std::move(work)), thread_([this] { run(); }) {}

IdentitySpill::~IdentitySpill() {
  stop_.store(true, std::memory_order_relaxed);
  wait();
}

void IdentitySpill::wait() {
  if (thread_.joinable()) thread_.join();
}

std::vector<IdentitySpill::Step> IdentitySpill::take_steps() {
  const std::lock_guard lock(mutex_);
  return std::exchange(steps_, {});
}

void IdentitySpill::run() {
  if (auto made = create_directory_durably(work_.settings.directory); !made) fault_ = made.error();
  for (unsigned partition = work_.partition; partition < RunExtent::partitions && !fault_; ++partition) {
    auto step = spill(partition);
    if (!step) {
      fault_ = step.error();
      break;
    }
    const RunChain& chain = work_.chains[partition];
    const std::vector<IdentityRun::Shared> replaced(chain.end() - static_cast<std::ptrdiff_t>(step->replaced),
                                                    chain.end());
    {
      const std::lock_guard lock(mutex_);
      steps_.push_back(std::move(*step));
    }
    // Whoever still looks there has the file open.
    std::error_code ignored;
    for (const auto& run : replaced) std::filesystem::remove(run->path(), ignored);
  }
  std::function<void()> on_end;
  {
    const std::lock_guard lock(mutex_);
    ended_.store(true, std::memory_order_release);
    on_end = std::move(on_end_);
  }
  if (on_end && !stop_.load(std::memory_order_relaxed)) on_end();
}

void IdentitySpill::tell(std::function<void()> on_end) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended()) {
      on_end_ = std::move(on_end);
      return;
    }
  }
  on_end();
}

Result<IdentitySpill::Step> IdentitySpill::spill(unsigned partition) {
  if (end_of(work_.chains[partition]) >= work_.end) return Step{partition, nullptr, 0};
  const std::size_t replaced = runs_to_replace(partition);
  auto run = merge(partition, replaced);
  if (!run) return run.error();
  return Step{partition, std::move(*run), replaced};
}

std::uint64_t IdentitySpill::table_size(unsigned partition) const {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < shards_per_partition; ++i) {
    size += work_.table->shard_size(partition * shards_per_partition + i);
  }
  return size;
}

std::size_t IdentitySpill::runs_to_replace(unsigned partition) const {
  const RunChain& chain = work_.chains[partition];
  std::uint64_t size = table_size(partition);
  std::size_t replaced = 0;
  for (auto run = chain.rbegin(); run != chain.rend() && (*run)->entries() <= size; ++run, ++replaced) {
    size += (*run)->entries();
  }
  return replaced;
}

Result<IdentityRun::Shared> IdentitySpill::merge(unsigned partition, std::size_t replaced) {
  const RunChain& chain = work_.chains[partition];
  const std::size_t kept = chain.size() - replaced;
  const EventOrdinal first = kept == 0 ? 0 : chain[kept - 1]->extent().end;
  std::uint64_t entries = table_size(partition);
  for (std::size_t i = kept; i < chain.size(); ++i) entries += chain[i]->entries();
  if (auto room = leave_room(work_.settings.directory, entries); !room) return room.error();
  auto writer = RunWriter::create(work_.settings, {partition, first, work_.end});
  if (!writer) return writer.error();

  TableSource table(*work_.table, partition, *work_.filter);
  std::vector<std::unique_ptr<RunReader>> readers;
  std::vector<Source> sources;
  sources.push_back({[&table] { return table.next(); }, {}});
  for (std::size_t i = kept; i < chain.size(); ++i) {
    RunReader& reader = *readers.emplace_back(std::make_unique<RunReader>(*chain[i]));
    sources.push_back({[&reader] { return reader.next_page(); }, {}});
  }
  for (std::size_t i = sources.size(); i-- > 0;) {
    if (auto filled = refill(sources, i); !filled) return filled.error();
  }
  while (!sources.empty()) {
    const std::size_t at = least(sources);
    if (auto added = (*writer)->add(sources[at].left.front()); !added) return added.error();
    sources[at].left = sources[at].left.subspan(1);
    if (!sources[at].left.empty()) continue;
    if (stop_.load(std::memory_order_relaxed)) return Fault{"stopped", "the daemon stops"};
    if (auto filled = refill(sources, at); !filled) return filled.error();
  }
  return (*writer)->finish();
}

}  // namespace voucherd
