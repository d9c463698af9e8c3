#include "metering/ingest/judge.h"

#include <algorithm>

namespace voucherd {

namespace {

/// Precondition: the event is beyond one of the limits.
wire::Problem time_problem(const EventView& event, Instant intake_time, Instant accept_from,
                           UtcOffset offset) {
  const UsageSpan span = usage_span(event);
  if (span.to.ms - span.from.ms > usage_interval_ms_max) {
    return wire::Problem{ReasonCode::interval_too_long,
                         "data.start to data.end is " +
                             std::to_string((span.to.ms - span.from.ms) / ms_per_day) +
                             " days; an interval is at most 31 days: send the usage in shorter parts"};
  }
  if (span.to.ms - intake_time.ms > usage_ahead_ms_max) {
    return wire::Problem{ReasonCode::usage_in_future, "the usage ends at " + format_instant(span.to, offset) +
                                                          ", over 5 minutes after its arrival at " +
                                                          format_instant(intake_time, offset) +
                                                          ": check the clock of the source"};
  }
  return {ReasonCode::usage_too_old,
          "the usage begins at " + format_instant(span.from, offset) + ", before accept_from " +
              format_instant(accept_from, offset) +
              ": set an earlier accept_from in /v1/settings if it is right, and release it"};
}

}  // namespace

std::optional<wire::Problem> Judge::usage(const EventView& event, Instant intake_time) {
  if (!in_time(usage_span(event), intake_time)) {
    return time_problem(event, intake_time, registry_.accept_from(), offset_);
  }
  if (!firms_.find(event.subject)) {
    if (!registry_.knows_firm(event.subject)) {
      const std::string firm(event.subject);
      return wire::Problem{
          ReasonCode::firm_unknown,
          "subject " + firm + " is not a registered firm: PUT /v1/firms/" + firm + ", then release it"};
    }
    firms_.intern(event.subject);
  }
  if (!skus_.find(event.sku)) {
    if (!registry_.knows_sku(event.sku)) {
      const std::string sku(event.sku);
      return wire::Problem{
          ReasonCode::sku_unknown,
          "data.sku " + sku + " is not a registered SKU: PUT /v1/skus/" + sku + ", then release it"};
    }
    skus_.intern(event.sku);
  }
  return std::nullopt;
}

std::optional<wire::Problem> Judge::correction(const EventView& event, const EventView* target) {
  if (target == nullptr) {
    return wire::Problem{ReasonCode::correction_target_unknown,
                         "no event has the identity that data.corrects names: send that event, then this "
                         "correction again"};
  }
  if (target->kind == EventKind::correction) {
    return wire::Problem{ReasonCode::correction_of_correction,
                         "data.corrects names a correction; correct the usage event itself"};
  }
  if (target->subject != event.subject) {
    return wire::Problem{ReasonCode::correction_firm_differs, "the corrected event's subject is " +
                                                                  std::string(target->subject) +
                                                                  "; a correction names the same firm"};
  }
  return std::nullopt;
}

MonthSpan Judge::months(const EventView& event, Instant intake_time) const {
  Instant from = event.time.value_or(intake_time);
  Instant to = from;
  if (event.kind == EventKind::usage && (event.start || event.end)) {
    from = event.start.value_or(event.end.value_or(from));
    to = event.end.value_or(from);
    if (to < from) std::swap(from, to);
    if (from < to) to.ms -= 1;  // half-open
  }
  return {month_of(local_day(from, offset_)), month_of(local_day(to, offset_))};
}

std::uint64_t content_fingerprint(const wire::Item& item, std::uint64_t seed) {
  if (item.problem) return identity_hash("raw", item.raw, seed);
  const EventView& event = item.event;
  std::string content;
  const auto text = [&](std::string_view part) {
    content.append(std::to_string(part.size())).append(":").append(part);
  };
  const auto instant = [&](const std::optional<Instant>& part) {
    text(part ? std::to_string(part->ms) : std::string());
  };
  text(std::to_string(static_cast<int>(event.kind)));
  for (const std::string_view part :
       {event.source, event.id, event.subject, event.sku, event.project, event.node, event.job,
        event.corrects_source, event.corrects_id, event.reason}) {
    text(part);
  }
  instant(event.time);
  instant(event.start);
  instant(event.end);
  text(to_string(event.quantity.nanos));
  return identity_hash("content", content, seed);
}

}  // namespace voucherd
