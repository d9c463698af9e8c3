#include "billing/audit/firm_events.h"

#include <algorithm>

#include "billing/audit/refused.h"
#include "billing/audit/untrusted_text.h"
#include "metering/journal/encoding.h"
#include "metering/proof/event_bytes.h"

namespace voucherd::billing {

namespace {

/// What ingest would have accepted, as far as reckoning rests on it.
bool is_good(const EventView& event) {
  constexpr std::int64_t interval_ms_max = 31 * ms_per_day;  // rules §2
  const auto in_range = [](const std::optional<Instant>& instant) {
    return !instant || (instant->ms > -instant_ms_max && instant->ms < instant_ms_max);
  };
  if (!in_range(event.time) || !in_range(event.start) || !in_range(event.end)) return false;
  const bool correction = event.kind == EventKind::correction;
  if (event.start &&
      (correction || *event.end < *event.start || event.end->ms - event.start->ms > interval_ms_max))
    return false;
  if (!event.time && (correction || !event.start)) return false;
  return event.quantity.nanos >= (correction ? 0 : 1) && event.quantity.nanos <= Quantity::event_nanos_max;
}

void refuse_broken_texts(const EventView& event, const std::string& where) {
  for (const std::string_view text : {event.source, event.id, event.sku, event.project, event.node, event.job,
                                      event.corrects_source, event.corrects_id, event.reason})
    refuse_broken_text(text, where);
}

/// One month's files, read one after another.
class MonthReader {
 public:
  MonthReader(FirmEvents& events, Month month, Position close)
      : events_(events), month_(month), links_(events.chains[month]), close_(close) {
    links_.emplace_back();
  }

  void read(const std::string& name, std::string_view file) {
    refuse_unless(!file.empty() && filled_, name, "is empty, or stands behind a file that is not full");
    FixedReader in(file);
    while (!in.rest().empty()) {
      refuse_unless(file.size() - in.rest().size() < event_file_bytes, name, "goes on behind its end");
      read_record(in, name);
    }
    filled_ = file.size() >= event_file_bytes;
  }

 private:
  void read_record(FixedReader& in, const std::string& name) {
    const auto position = in.integer<Position>();
    const auto count = in.integer<std::uint32_t>();
    const std::string_view bytes = in.bytes(in.integer<std::uint32_t>());
    const std::string where = name + ", record " + std::to_string(position);
    refuse_unless(in.ok() && count > 0, where, "is cut short");
    refuse_unless(position > links_.back().position && position < close_, where, "is out of order");
    std::string_view left = bytes;
    std::optional<std::uint32_t> last;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto taken = take_event_bytes(left);
      refuse_unless(taken && is_good(taken->event), where, "an event is malformed");
      refuse_broken_texts(taken->event, where);
      refuse_unless(!last || taken->index > *last, where, "its events are out of order");
      last = taken->index;
      const auto known = events_.events.try_emplace({position, taken->index}, BundledEvent{taken->event, {}});
      BundledEvent& event = known.first->second;
      refuse_unless(known.second || event.event == taken->event, where,
                    "an event is another one in another month");
      event.months.push_back(month_);
    }
    refuse_unless(left.empty(), where, "bytes are left over behind its events");
    ChainAt next{position, links_.back().chain};
    extend(sha_, next.chain, {position, count, sha256(bytes)});
    links_.push_back(next);
  }

  FirmEvents& events_;
  Month month_;
  std::vector<ChainAt>& links_;
  Sha256 sha_;
  Position close_;
  bool filled_ = true;
};

using Identity = std::pair<std::string_view, std::string_view>;

}  // namespace

FirmEvents read_firm_events(BundleFiles& files, Position close) {
  FirmEvents events;
  for (const std::string& first : files.names("events/", "/000001.bin")) {
    const auto month = parse_month(first.substr(std::string_view("events/").size(), 7));
    refuse_unless(month.has_value() && first == bundle_events(*month, 1), first,
                  "is no name of a bundle's file");
    MonthReader reader(events, *month, close);
    const std::string folder = first.substr(0, first.rfind('/') + 1);
    std::uint32_t number = 0;
    for (const std::string& name : files.names(folder, ".bin")) {
      refuse_unless(name == bundle_events(*month, ++number), name, "is not the next file of its month");
      reader.read(name, files.take(name));
    }
  }
  return events;
}

void check_months(const FirmEvents& events, Month last, UtcOffset offset) {
  std::map<Identity, const EventView*> by_identity;
  for (const auto& [place, bundled] : events.events) {
    const bool is_new =
        by_identity.emplace(Identity(bundled.event.source, bundled.event.id), &bundled.event).second;
    refuse_unless(is_new, "events", "one identity stands twice");
  }
  for (const auto& [place, bundled] : events.events) {
    const std::string where = "event " + std::to_string(place.first) + "." + std::to_string(place.second);
    const EventView* usage = &bundled.event;
    if (bundled.event.kind == EventKind::correction) {
      const auto found = by_identity.find({bundled.event.corrects_source, bundled.event.corrects_id});
      refuse_unless(found != by_identity.end() && found->second->kind == EventKind::usage, where,
                    "corrects what is not there");
      usage = found->second;
    }
    const MonthRun touched = months_of(usage_span(*usage), offset);
    std::vector<Month> expected;
    for (Month month = touched.first; month <= std::min(touched.last, last); month = month.next())
      expected.push_back(month);
    refuse_unless(bundled.months == expected, where,
                  "does not stand in the chains of the months that it touches");
  }
}

}  // namespace voucherd::billing
