// A list in the order of use, and an index of it.
#include "metering/state/block_cache.h"

#include "metering/core/assert.h"

namespace voucherd {

namespace {

std::size_t bytes_of(const UsageRecord& record) {
  std::size_t bytes = sizeof(UsageRecord) + record.events.memory_bytes();
  for (const QuarantinedEvent& event : record.quarantined) {
    bytes += sizeof(event) + event.detail.size() + event.source.size() + event.id.size() +
             event.subject.size() + event.sku.size() + event.corrects_source.size() +
             event.corrects_id.size() + event.raw.size();
  }
  return bytes + record.resent.size() * sizeof(QuarantineNumber) +
         record.released.size() * sizeof(QuarantineRelease);
}

}  // namespace

BlockCache::BlockCache(const Journal& journal, std::size_t bytes_max)
    : journal_(journal), bytes_max_(bytes_max) {}

std::shared_ptr<const UsageRecord> BlockCache::get(Position position) {
  if (const auto known = index_.find(position); known != index_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    return known->second->record;
  }
  const Result<Record> record = journal_.read(position);
  VOUCHERD_ASSERT(record.has_value() && record->header.type == RecordType::usage);
  Result<UsageRecord> usage = UsageRecord::decode(record->payload);
  VOUCHERD_ASSERT(usage.has_value());
  auto shared = std::make_shared<const UsageRecord>(std::move(*usage));
  put(position, shared);
  return shared;
}

void BlockCache::put(Position position, std::shared_ptr<const UsageRecord> record) {
  if (index_.contains(position)) return;  // records never change
  const std::size_t bytes = bytes_of(*record);
  entries_.push_front({position, std::move(record), bytes});
  index_.emplace(position, entries_.begin());
  bytes_ += bytes;
  trim();
}

void BlockCache::trim() {
  // The newest stays, however large: its reader is about to use it.
  while (bytes_ > bytes_max_ && entries_.size() > 1) {
    bytes_ -= entries_.back().bytes;
    index_.erase(entries_.back().position);
    entries_.pop_back();
  }
}

}  // namespace voucherd
