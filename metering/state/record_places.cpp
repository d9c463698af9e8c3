#include "metering/state/record_places.h"

#include <algorithm>
#include <limits>

#include "metering/core/assert.h"
#include "metering/state/saved_values.h"

namespace voucherd {

void RecordPlaces::append(Position position, std::uint32_t events) {
  VOUCHERD_ASSERT(events > 0 && (open_.empty() || open_.back().last_position() < position));
  if (!open_.empty()) {
    Run& last = open_.back();
    if (last.events == events && last.last_position() + 1 == position &&
        last.records < std::numeric_limits<std::uint32_t>::max()) {
      ++last.records;
      events_ += events;
      return;
    }
  }
  append_run({events_, position, events, 1});
}

void RecordPlaces::append_run(Run run) {
  if (open_.size() == runs_shared) {
    full_.push_back(std::make_shared<const Runs>(std::move(open_)));
    open_ = {};
  }
  open_.push_back(run);
  events_ += std::uint64_t{run.events} * run.records;
}

/// The last run that does not come behind what is looked for. Precondition: the first one does not.
template <class Precedes>
const RecordPlaces::Run& RecordPlaces::last_run(Precedes&& precedes) const {
  const Runs* runs = &open_;
  if (!precedes(open_.front())) {
    const auto behind = std::partition_point(full_.begin(), full_.end(),
                                             [&](const auto& some) { return precedes(some->front()); });
    VOUCHERD_ASSERT(behind != full_.begin());
    runs = std::prev(behind)->get();
  }
  return *std::prev(std::partition_point(runs->begin(), runs->end(), precedes));
}

EventPlace RecordPlaces::place_of(EventOrdinal ordinal) const {
  VOUCHERD_ASSERT(ordinal < events_);
  const Run& run = last_run([&](const Run& some) { return some.first <= ordinal; });
  const std::uint64_t within = ordinal - run.first;
  return {run.position + within / run.events, static_cast<std::uint32_t>(within % run.events)};
}

EventOrdinal RecordPlaces::ordinal_of(EventPlace place) const {
  VOUCHERD_ASSERT(events_ > 0);
  const Run& run = last_run([&](const Run& some) { return some.position <= place.position; });
  VOUCHERD_ASSERT(place.position <= run.last_position() && place.index < run.events);
  return run.first + (place.position - run.position) * run.events + place.index;
}

std::size_t RecordPlaces::memory_bytes() const {
  return (full_.size() * runs_shared + open_.capacity()) * sizeof(Run);
}

template <class Visit>
void RecordPlaces::each_run(Visit&& visit) const {
  for (const auto& runs : full_) {
    for (const Run& run : *runs) visit(run);
  }
  for (const Run& run : open_) visit(run);
}

void RecordPlaces::save(std::string& out) const {
  put_varint(out, full_.size() * runs_shared + open_.size());
  Position before = 0;
  each_run([&](const Run& run) {
    put_varint(out, run.position - before);
    put_varint(out, run.events);
    put_varint(out, run.records);
    before = run.last_position();
  });
}

void RecordPlaces::load(ByteReader& in) {
  constexpr std::uint64_t u32_max = std::numeric_limits<std::uint32_t>::max();
  Position before = 0;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::uint64_t gap = in.varint_up_to(saved_count_max);
    Run run{events_, before + gap, static_cast<std::uint32_t>(in.varint_up_to(EventBlock::events_max)),
            static_cast<std::uint32_t>(in.varint_up_to(u32_max))};
    if (gap == 0 || run.events == 0 || run.records == 0) in.fail();
    const bool goes_on = gap == 1 && !open_.empty() && open_.back().events == run.events &&
                         open_.back().records < std::numeric_limits<std::uint32_t>::max();
    if (!in.ok() || goes_on) return static_cast<void>(in.fail());
    before = run.last_position();
    append_run(run);
    if (events_ > saved_count_max || before > saved_count_max) in.fail();
  }
}

}  // namespace voucherd
