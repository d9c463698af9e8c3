// A sealed group's header is the writer's. Positions are consecutive, so they are counted instead.
#include "metering/ingest/groups_under_way.h"

#include <algorithm>

namespace voucherd {

std::shared_ptr<CommitGroup> GroupsUnderWay::of(EventOrdinal ordinal) const {
  if (open && ordinal >= open->usage->first_ordinal) return open;
  for (auto group = sealed.rbegin(); group != sealed.rend(); ++group) {
    if ((*group)->usage && ordinal >= (*group)->usage->first_ordinal) return *group;
  }
  return nullptr;
}

std::shared_ptr<CommitGroup> GroupsUnderWay::at(Position position) const {
  if (open && open->record.header.position == position) return open;
  const Position first = durable_position() + 1;
  if (position < first || position >= first + sealed.size()) return nullptr;
  return sealed[position - first];
}

Position GroupsUnderWay::position_of(EventOrdinal ordinal) const {
  const auto group = of(ordinal);
  if (!group) return 0;
  if (group == open) return open->record.header.position;
  const auto place = std::find(sealed.begin(), sealed.end(), group) - sealed.begin();
  return durable_position() + 1 + static_cast<Position>(place);
}

}  // namespace voucherd
