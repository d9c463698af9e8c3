// A fingerprint that matches is not an identity: each candidate is read and compared.
#include "metering/ingest/known_events.h"

#include "metering/core/assert.h"

namespace voucherd {

std::optional<KnownEvents::Found> KnownEvents::find(const EventView& event, std::uint64_t hash) const {
  std::optional<Found> found;
  identities_.find(hash, [&](EventOrdinal ordinal) {
    if (!groups_.of(ordinal) && blocks_.holds(state_.place_of(ordinal), event)) {
      found = Found{ordinal, true};
      return true;
    }
    visit(ordinal, [&](const EventView& stored) {
      if (stored.source != event.source || stored.id != event.id) return;
      found = Found{ordinal, stored == event};
    });
    return found.has_value();
  });
  return found;
}

Position KnownEvents::position_of(EventOrdinal ordinal) const {
  const Position under_way = groups_.position_of(ordinal);
  return under_way != 0 ? under_way : state_.place_of(ordinal).position;
}

std::string KnownEvents::bytes_of(QuarantineNumber number) const {
  return record_of(number)->quarantined[number.index].raw;
}

Submitter KnownEvents::submitter_of(QuarantineNumber number) const {
  return record_of(number)->submissions.of_quarantined(number.index);
}

std::shared_ptr<const UsageRecord> KnownEvents::record_of(QuarantineNumber number) const {
  const auto group = groups_.at(number.position);
  std::shared_ptr<const UsageRecord> record = group ? group->usage : blocks_.get(number.position);
  VOUCHERD_ASSERT(number.index < record->quarantined.size());
  return record;
}

}  // namespace voucherd
