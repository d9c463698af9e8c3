// What happens when the table is full, and at start. The look-up stands in the header.
#include "metering/state/known_identities.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

constexpr std::size_t prefetch_ahead = 32;
constexpr std::size_t shards_per_partition = IdentityIndex::shard_count / RunExtent::partitions;

/// Within what a slot can say of an ordinal, with some room for what comes in while a spill is under way.
/// A table has a smallest size: only tests have less, and count as if it had not.
std::uint64_t ids_in(std::uint64_t bytes) {
  constexpr std::uint64_t bytes_per_id_max = 16;
  return std::min(std::max(IdentityIndex::ids_in(bytes), bytes / bytes_per_id_max),
                  IdentityIndex::span_max / 8 * 7);
}

}  // namespace

IdentityBudget IdentityBudget::of(std::uint64_t bytes_max) {
  const std::uint64_t sixteenth = bytes_max / 16;
  // Half a sixteenth for indexes. The runs of a partition together are at most twice as large as the
  // largest.
  return {bytes_max, ids_in(11 * sixteenth), ids_in(3 * sixteenth), 9 * sixteenth,
          sixteenth / 2 / 2 / RunExtent::partitions};
}

KnownIdentities::KnownIdentities() = default;

KnownIdentities::KnownIdentities(const IdentityBudget& budget, std::string directory, std::uint64_t seed)
    : table_(0, budget.first_ids_max),
      budget_(budget),
      settings_{std::move(directory), seed, budget.index_bytes_max} {
  VOUCHERD_ASSERT(bounded() && budget.ids_max > 0);
}

KnownIdentities::~KnownIdentities() = default;

// At start ----------------------------------------------------------------------------------

std::vector<Fault> KnownIdentities::open() {
  VOUCHERD_ASSERT(size() == 0 && bounded());
  sums_.emplace();
  filter_ = IdentityFilter(budget_.filter_bytes);
  OpenedRuns opened = open_runs(settings_, *sums_, [this](std::span<const RunEntry> entries) {
    for (const RunEntry& entry : entries) filter_.add({entry.bits});
  });
  std::error_code ignored;
  for (const std::string& path : opened.left_over) std::filesystem::remove(path, ignored);
  chains_ = std::move(opened.chains);
  beyond_ = filter_filled_ =
      std::any_of(chains_.begin(), chains_.end(), [](const RunChain& chain) { return !chain.empty(); });
  if (!beyond_) filter_ = {};
  table_ = IdentityIndex(0, table_ids_max());
  return std::move(opened.faults);
}

void KnownIdentities::expect(std::uint64_t ids) {
  VOUCHERD_ASSERT(table_.size() == 0 && !frozen_);
  std::uint64_t covered = 0;
  EventOrdinal first = end_of(chains_.front());
  for (const RunChain& chain : chains_) {
    covered += end_of(chain) / RunExtent::partitions;
    first = std::min(first, end_of(chain));
  }
  table_ = IdentityIndex(first, table_ids_max());
  table_.reserve(ids - std::min(ids, covered));
}

Result<void> KnownIdentities::load(std::span<const std::uint64_t> hashes, EventOrdinal first) {
  std::array<EventOrdinal, RunExtent::partitions> covered{};
  std::transform(chains_.begin(), chains_.end(), covered.begin(), end_of);
  durable_ = first + hashes.size();
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    if (i + prefetch_ahead < hashes.size()) table_.prefetch(hashes[i + prefetch_ahead]);
    const HashBits bits = HashBits::of(hashes[i]);
    const EventOrdinal ordinal = first + i;
    if (sums_ && ordinal < covered[RunExtent::partition_of(bits)]) {
      sums_->see(bits, ordinal);
      continue;
    }
    if (frozen_ && table_.full()) {
      if (auto finished = finish_spill(); !finished) return finished;
    }
    insert(hashes[i], ordinal);
  }
  return {};
}

bool KnownIdentities::loaded() {
  const bool agree = !sums_ || sums_->agree();
  sums_.reset();
  return agree;
}

void KnownIdentities::forget() {
  spill_.reset();
  frozen_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(settings_.directory, ignored);
  for (RunChain& chain : chains_) chain.clear();
  filter_ = {};
  sums_.reset();
  fault_.reset();
  beyond_ = filter_filled_ = false;
  next_ = durable_ = 0;
  table_ = IdentityIndex(0, table_ids_max());
}

Result<void> KnownIdentities::finish_spill() {
  while (frozen_) {
    if (!spill_) start_spill();
    VOUCHERD_ASSERT(spill_ != nullptr);
    spill_->wait();
    advance();
    if (fault_) {
      return Fault{fault_->code,
                   "identities need more memory than memory.identity_bytes_max, and the disk "
                   "does not take them: " +
                       fault_->detail};
    }
  }
  return {};
}

// Changes -----------------------------------------------------------------------------------

std::uint64_t KnownIdentities::table_ids_max() const {
  if (!bounded()) return IdentityIndex::span_max;
  return beyond_ ? budget_.ids_max : budget_.first_ids_max;
}

/// The ordinal lies outside of what the table's slots can say: events were taken back, or the runs of some
/// partitions were lost and their identities stand far before the others'.
void KnownIdentities::insert_beyond(std::uint64_t hash, EventOrdinal ordinal) {
  if (table_.size() > 0) {
    VOUCHERD_ASSERT(bounded() && ordinal >= table_.first());
    VOUCHERD_ASSERT(finish_spill().has_value());
    freeze();
  }
  table_ = IdentityIndex(ordinal, table_ids_max());
  insert(hash, ordinal);
}

void KnownIdentities::erase(std::uint64_t hash, EventOrdinal ordinal) {
  VOUCHERD_ASSERT(ordinal >= durable_);
  next_ = std::min(next_, ordinal);
  if (ordinal >= table_.first()) return table_.erase(hash, ordinal);
  VOUCHERD_ASSERT(frozen_ && !spill_);  // the spill waits until all of it is durable
  frozen_->table.erase(hash, ordinal);
  frozen_->end = std::min(frozen_->end, ordinal);
  --frozen_->left;
}

void KnownIdentities::freeze() {
  VOUCHERD_ASSERT(bounded() && !frozen_);
  table_.settle();
  const std::uint64_t size = table_.size();
  frozen_.reset(new Frozen{std::move(table_), next_, 0, size});
  beyond_ = true;
  table_ = IdentityIndex(next_, budget_.ids_max);
  fault_.reset();
  start_spill();
}

void KnownIdentities::start_spill() {
  if (durable_ < frozen_->end) return;
  if (filter_.bytes() == 0) filter_ = IdentityFilter(budget_.filter_bytes);
  retry_at_ = table_.size() + budget_.ids_max / 16 + 1;
  spill_ = std::make_unique<IdentitySpill>(
      IdentitySpill::Work{&frozen_->table, frozen_->end, chains_, frozen_->published, &filter_, settings_});
  if (on_spill_end_) spill_->tell(on_spill_end_);
}

void KnownIdentities::on_spill_end(std::function<void()> call) {
  on_spill_end_ = std::move(call);
  if (spill_) spill_->tell(on_spill_end_);
}

void KnownIdentities::durable(EventOrdinal events) {
  durable_ = events;
  if (frozen_) advance();
}

void KnownIdentities::advance() {
  if (!spill_) {
    // After a failure, not at each record again.
    if (!fault_ || table_.size() >= retry_at_) start_spill();
    return;
  }
  const bool ended = spill_->ended();
  for (const IdentitySpill::Step& step : spill_->take_steps()) take(step);
  if (!ended) return;
  fault_ = spill_->fault();
  // What can't be read can't be passed over: the next start builds it again.
  VOUCHERD_ASSERT(!fault_ || fault_->code != "identity_run_damaged");
  spill_.reset();
  if (fault_) return;
  filter_filled_ = true;
  frozen_.reset();
  if (table_.full()) freeze();
}

void KnownIdentities::take(const IdentitySpill::Step& step) {
  VOUCHERD_ASSERT(step.partition == frozen_->published);
  ++frozen_->published;
  if (!step.run) return;
  RunChain& chain = chains_[step.partition];
  std::uint64_t spilled = step.run->entries();
  for (std::size_t i = 0; i < step.replaced; ++i) {
    spilled -= chain.back()->entries();
    chain.pop_back();
  }
  chain.push_back(step.run);
  VOUCHERD_ASSERT(spilled <= frozen_->left);
  frozen_->left -= spilled;
  frozen_->table.release_before(frozen_->published * shards_per_partition);
}

KnownIdentities::Room KnownIdentities::room_for(std::uint64_t ids) {
  const auto fits = [&] { return !frozen_ || (!table_.full() && table_.size() + ids <= budget_.ids_max); };
  if (fits()) return Room::yes;
  advance();
  if (fits()) return Room::yes;
  if (!fault_) return Room::spilling;
  if (!spill_) start_spill();
  return Room::disk;
}

// Look-ups ----------------------------------------------------------------------------------

void KnownIdentities::prefetch_beyond(std::uint64_t hash) const {
  if (frozen_) frozen_->table.prefetch(hash);
  if (filter_.bytes() > 0) filter_.prefetch(HashBits::of(hash));
}

std::vector<EventOrdinal> KnownIdentities::read_runs(HashBits bits) const {
  std::vector<EventOrdinal> candidates;
  const RunChain& chain = chains_[RunExtent::partition_of(bits)];
  // Clients send again what is new.
  for (auto run = chain.rbegin(); run != chain.rend(); ++run) {
    const auto found = (*run)->find(bits, candidates);
    // What can't be read can't be passed over: the next start builds it again.
    VOUCHERD_ASSERT(found.has_value());
  }
  ++disk_lookups_;
  if (candidates.empty()) ++false_positives_;
  return candidates;
}

// Figures -----------------------------------------------------------------------------------

IdentityFigures KnownIdentities::figures() const {
  IdentityFigures figures;
  figures.in_memory = table_.size() + (frozen_ ? frozen_->left : 0);
  for (const RunChain& chain : chains_) {
    figures.runs += chain.size();
    for (const auto& run : chain) figures.on_disk += run->entries();
  }
  figures.memory_bytes = memory_bytes();
  figures.memory_bytes_max = budget_.bytes_max;
  figures.disk_lookups = disk_lookups_;
  figures.false_positives = false_positives_;
  figures.spill_failed = fault_.has_value();
  return figures;
}

std::uint64_t KnownIdentities::size() const {
  std::uint64_t size = table_.size() + (frozen_ ? frozen_->left : 0);
  for (const RunChain& chain : chains_) {
    for (const auto& run : chain) size += run->entries();
  }
  return size;
}

std::size_t KnownIdentities::memory_bytes() const {
  std::size_t bytes = table_.memory_bytes();
  if (frozen_) bytes += frozen_->table.memory_bytes();
  if (spill_) bytes += IdentitySpill::buffer_bytes_max;
  if (filter_filled_) {
    bytes += filter_.bytes();
  } else if (frozen_) {
    bytes += filter_.bytes() / RunExtent::partitions * (std::uint64_t{frozen_->published} + 1);
  }
  for (const RunChain& chain : chains_) {
    for (const auto& run : chain) bytes += run->memory_bytes();
  }
  return bytes;
}

}  // namespace voucherd
