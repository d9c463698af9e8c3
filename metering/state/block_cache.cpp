// A list in the order of use, and an index of it.
#include "metering/state/block_cache.h"

#include <algorithm>
#include <utility>

#include "metering/core/assert.h"
#include "metering/state/event_columns.h"

namespace voucherd {

namespace {

// Rows of a part: some groups, for what is asked for next stands near.
constexpr std::uint32_t rows_of_part = 512;
// Of the bytes at most one in so many is for what is noted of scattered duplicates' records. It is taken from
// the blocks where it is asked for, and kept: without such duplicates they have all.
constexpr std::size_t duplicates_share = 2;

std::size_t bytes_of(const UsageRecord& record) {
  std::size_t bytes = sizeof(UsageRecord) + record.events.memory_bytes();
  for (const QuarantinedEvent& event : record.quarantined) {
    bytes += sizeof(event) + event.detail.size() + event.source.size() + event.id.size() +
             event.subject.size() + event.sku.size() + event.corrects_source.size() +
             event.corrects_id.size() + event.raw.size();
  }
  return bytes + record.resent.size() * sizeof(QuarantineNumber) +
         record.released.size() * sizeof(QuarantineRelease) + record.submissions.memory_bytes();
}

}  // namespace

BlockCache::BlockCache(const Journal& journal, std::size_t bytes_max)
    : journal_(journal), duplicates_(journal, bytes_max / duplicates_share), bytes_max_(bytes_max) {}

void BlockCache::visit(EventPlace place, const Visit& visit) {
  const Entry* entry = find({place.position, whole});
  if (entry == nullptr) entry = find({place.position, place.index / rows_of_part});
  if (entry == nullptr) entry = &read_part(place);
  // It may be pushed out by what `visit` reads.
  const auto record = entry->record;
  visit(record->events.at(place.index - entry->first_row), entry->received_at);
}

bool BlockCache::holds(EventPlace place, const EventView& event) {
  const Key part{place.position, place.index / rows_of_part};
  if (event.kind != EventKind::usage) return false;
  if (index_.contains({place.position, whole}) || index_.contains(part)) return false;
  // A batch that is sent again goes on in the same rows: it is better served by visit(), which keeps them.
  if (std::exchange(asked_last_, part) == part) return false;
  const bool same = duplicates_.holds(place, event);
  keep_within();
  return same;
}

std::shared_ptr<const UsageRecord> BlockCache::get(Position position) {
  const Entry* entry = find({position, whole});
  return entry != nullptr ? entry->record : read_whole(position).record;
}

void BlockCache::put(const RecordHeader& header, std::shared_ptr<const UsageRecord> record) {
  if (index_.contains({header.position, whole})) return;  // records never change
  const std::size_t bytes = bytes_of(*record);
  add({{header.position, whole}, header.intake_time, std::move(record), 0, bytes});
}

const BlockCache::Entry* BlockCache::find(Key key) {
  const auto known = index_.find(key);
  if (known == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, known->second);
  return &*known->second;
}

const BlockCache::Entry& BlockCache::add(Entry entry) {
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  index_.emplace(entries_.front().key, entries_.begin());
  keep_within();
  return entries_.front();
}

void BlockCache::keep_within() {
  // The newest stays, however large: its reader is about to use it.
  while (bytes_ + duplicates_.memory_bytes() > bytes_max_ && entries_.size() > 1) {
    bytes_ -= entries_.back().bytes;
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

const BlockCache::Entry& BlockCache::read_whole(Position position) {
  const Result<Record> record = journal_.read(position);
  VOUCHERD_ASSERT(record.has_value() && record->header.type == RecordType::usage);
  Result<UsageRecord> usage = UsageRecord::decode(record->payload, record->header.version);
  VOUCHERD_ASSERT(usage.has_value());
  put(record->header, std::make_shared<const UsageRecord>(std::move(*usage)));
  return entries_.front();
}

const BlockCache::Entry& BlockCache::read_part(EventPlace place) {
  auto part = std::make_shared<UsageRecord>();
  std::uint32_t first_row = 0;
  const auto header =
      journal_.read_in_place(place.position, [&](const RecordHeader& of, std::string_view payload) {
        VOUCHERD_ASSERT(of.type == RecordType::usage);
        const auto columns = EventColumns::open(payload, of.version);
        VOUCHERD_ASSERT(columns.has_value() && place.index < columns->size());
        const std::uint32_t rows = columns->rows_per_group(),
                            from = place.index / rows_of_part * rows_of_part;
        const std::uint32_t first = from / rows;
        const std::uint32_t last = std::min((from + rows_of_part - 1) / rows, columns->groups() - 1);
        auto events = columns->read(first, last - first + 1, RowParts::all);
        VOUCHERD_ASSERT(events.has_value());
        part->events = std::move(*events);
        first_row = first * rows;
      });
  VOUCHERD_ASSERT(header.has_value());
  const std::size_t bytes = bytes_of(*part);
  return add(
      {{place.position, place.index / rows_of_part}, header->intake_time, std::move(part), first_row, bytes});
}

}  // namespace voucherd
