// Accepted events by identity and by ordinal, wherever they are: in a group under way or in the
// journal. The identity index gives candidates; the event itself says whether it is the one.
#pragma once

#include <optional>

#include "metering/ingest/groups_under_way.h"
#include "metering/state/block_cache.h"
#include "metering/state/known_identities.h"
#include "metering/state/usage_state.h"

namespace voucherd {

/// The owner thread's alone; everything that it is given outlives it.
class KnownEvents {
 public:
  KnownEvents(const GroupsUnderWay& groups, const UsageState& state, const KnownIdentities& identities,
              BlockCache& blocks)
      : groups_(groups), state_(state), identities_(identities), blocks_(blocks) {}

  struct Found {
    EventOrdinal ordinal;
    bool same;  // its content is that of the event asked for
  };
  /// The event with the source and id of `event`, whose identity hash is `hash`.
  std::optional<Found> find(const EventView& event, std::uint64_t hash) const;

  template <class Visit>
  void visit(EventOrdinal ordinal, Visit&& visit) const {
    if (const auto group = groups_.of(ordinal)) {
      const auto row = static_cast<std::uint32_t>(ordinal - group->usage->first_ordinal);
      return visit(group->usage->events.at(row));
    }
    blocks_.visit(state_.place_of(ordinal), [&](const EventView& event, Instant) { visit(event); });
  }

  /// Of the record that holds the event, which may be under way.
  Position position_of(EventOrdinal ordinal) const;
  /// The quarantined event's bytes as they came. Precondition: there is such an entry.
  std::string bytes_of(QuarantineNumber number) const;
  /// Who had sent it. Precondition: as above.
  Submitter submitter_of(QuarantineNumber number) const;

 private:
  std::shared_ptr<const UsageRecord> record_of(QuarantineNumber number) const;
  const GroupsUnderWay& groups_;
  const UsageState& state_;
  const KnownIdentities& identities_;
  BlockCache& blocks_;
};

}  // namespace voucherd
