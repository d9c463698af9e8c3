#include "metering/state/stored_duplicates.h"

#include <utility>

namespace voucherd {

StoredDuplicates::StoredDuplicates(const Journal& journal, std::size_t bytes_max)
    : journal_(journal), bytes_max_(bytes_max) {}

bool StoredDuplicates::holds(EventPlace place, const EventView& event) {
  Entry* entry = find(place.position);
  if (entry != nullptr && entry->payload) {
    return entry->rows.holds(place.index, event, names_, *entry->payload);
  }
  keep_within();
  entry = find(place.position);
  bool same = false;
  const auto located =
      journal_.locate(place.position, [&](const RecordHeader& header, std::string_view payload) {
        if (header.type != RecordType::usage) return;
        if (entry == nullptr) {
          entry = add(place.position, StoredRows::of(payload, header.version, names_));
        }
        same = entry != nullptr && entry->rows.holds(place.index, event, names_, payload);
      });
  if (located && entry != nullptr) entry->payload = *located;
  return same;
}

StoredDuplicates::Entry* StoredDuplicates::find(Position position) {
  const auto known = index_.find(position);
  if (known == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, known->second);
  return &*known->second;
}

StoredDuplicates::Entry* StoredDuplicates::add(Position position, std::optional<StoredRows> rows) {
  if (!rows) return nullptr;
  entries_.push_front({position, std::move(*rows), std::nullopt});
  index_.emplace(position, entries_.begin());
  bytes_ += entries_.front().bytes();
  return &entries_.front();
}

/// Names are only ever added, so where they alone are too much all begins anew.
void StoredDuplicates::keep_within() {
  if (names_.memory_bytes() > bytes_max_ / 2) {
    index_.clear();
    entries_.clear();
    bytes_ = 0;
    names_ = {};
  }
  while (!entries_.empty() && memory_bytes() > bytes_max_) {
    bytes_ -= entries_.back().bytes();
    index_.erase(entries_.back().position);
    entries_.pop_back();
  }
}

}  // namespace voucherd
