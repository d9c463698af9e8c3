// GET /v1/events?subject=…: the raw events behind a figure, in journal order, page after page.
#include <algorithm>
#include <charconv>

#include "daemon/api/api.h"
#include "daemon/api/event_queries.h"
#include "daemon/api/event_view.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

struct EventFilter {
  std::string subject;
  std::optional<LocalDay> from, until;  // [from, until)
  std::optional<std::string> sku;
  std::optional<EventPlace> after;
  std::size_t limit = events_default;
};

enum class Format { json, ndjson, csv };

/// The first of our types that Accept names; JSON where it names none.
Format choose_format(std::string_view accept) {
  const std::size_t csv = accept.find("text/csv");
  const std::size_t ndjson = accept.find("application/x-ndjson");
  const std::size_t json = std::min(accept.find("application/json"), accept.find("*/*"));
  if (ndjson < csv && ndjson < json) return Format::ndjson;
  return csv < json ? Format::csv : Format::json;
}

const char* content_type_of(Format format) {
  if (format == Format::csv) return "text/csv; charset=utf-8";
  return format == Format::ndjson ? "application/x-ndjson" : "application/json";
}

/// Reads a query parameter that may be absent; adds to `faults` where it is wrong.
std::optional<LocalDay> read_day(const http::Request& request, const char* name,
                                 std::vector<billing::FieldFault>& faults) {
  const std::string* given = request.query_value(name);
  if (given == nullptr) return std::nullopt;
  const auto day = parse_day(*given);
  if (day) return *day;
  faults.push_back({name, day.error().detail});
  return std::nullopt;
}

std::variant<EventFilter, http::Response> read_filter(const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"subject", "from", "until", "sku", "limit", "after"})) {
    return *refusal;
  }
  EventFilter filter;
  std::vector<billing::FieldFault> faults;
  if (const std::string* subject = request.query_value("subject")) {
    filter.subject = *subject;
  } else {
    faults.push_back({"subject", "name the firm, or one event by source and id"});
  }
  filter.from = read_day(request, "from", faults);
  filter.until = read_day(request, "until", faults);
  if (const std::string* sku = request.query_value("sku")) filter.sku = *sku;
  if (const std::string* limit = request.query_value("limit")) {
    const char* const end = limit->data() + limit->size();
    const auto [stop, error] = std::from_chars(limit->data(), end, filter.limit);
    if (error != std::errc() || stop != end || filter.limit == 0 || filter.limit > events_max) {
      faults.push_back({"limit", "must be a number from 1 to " + std::to_string(events_max)});
    }
  }
  if (const std::string* after = request.query_value("after")) {
    // A place is written as a quarantine number is.
    if (const auto place = parse_quarantine_number(*after)) {
      filter.after = EventPlace{place->position, place->index};
    } else {
      faults.push_back({"after", "must be position.index, like 1842.0"});
    }
  }
  if (!faults.empty()) return problem(422, "invalid", "Wrong query", "the query can't be answered", faults);
  return filter;
}

bool fits_usage(const EventFilter& filter, const EventView& usage, UtcOffset offset) {
  if (filter.sku && usage.sku != *filter.sku) return false;
  const UsageSpan span = usage_span(usage);
  if (filter.until && local_day(span.from, offset) >= *filter.until) return false;
  // Half-open: what ends at midnight does not touch the day that begins.
  const Instant last = span.from < span.to ? Instant{span.to.ms - 1} : span.to;
  return !filter.from || local_day(last, offset) >= *filter.from;
}

/// A correction stands behind the figures of the event that it corrects.
bool fits(const Engine& engine, const EventFilter& filter, const EventView& event) {
  if (event.subject != filter.subject) return false;
  const UtcOffset offset = engine.genesis().offset;
  if (event.kind == EventKind::usage) return fits_usage(filter, event, offset);
  bool fitting = false;
  engine.find_event(event.corrects_source, event.corrects_id,
                    [&](const EventView& corrected, EventPlace, Instant) {
                      fitting = fits_usage(filter, corrected, offset);
                    });
  return fitting;
}

/// Where to begin: nothing is taken in more than some minutes before its usage ends, so that what came
/// long before `from` is passed over unread.
EventPlace first_place(const Engine& engine, const EventFilter& filter) {
  EventPlace place{1, 0};
  if (filter.after) place = {filter.after->position, filter.after->index + 1};
  if (filter.from) {
    const Instant begin = start_of(*filter.from, engine.genesis().offset);
    const Position position = engine.first_position_at({begin.ms - usage_ahead_ms_max});
    if (place.position < position) place = {position, 0};
  }
  return place;
}

/// A page on its way: the rows of its format, and where the next one begins.
struct EventPage {
  std::string rows;
  std::size_t count = 0;
  std::optional<EventPlace> next;  // the place to go on after
};

void add_row(EventPage& page, Format format, const EventView& event, EventPlace place, Instant received_at,
             UtcOffset offset) {
  if (format == Format::csv) {
    page.rows += csv_row(event, place, received_at, offset);
  } else {
    if (format == Format::json && page.count > 0) page.rows += ",\n";
    page.rows += show_kept_event(event, place, received_at, offset).dump();
    if (format == Format::ndjson) page.rows += "\n";
  }
  ++page.count;
}

EventPage read_events(const Engine& engine, const EventFilter& filter, Format format) {
  EventPage page;
  std::size_t scanned = 0;
  EventPlace last;
  engine.scan_events(first_place(engine, filter), [&](const EventView& event, EventPlace place, Instant at) {
    if (scanned++ == events_scanned_max) {
      page.next = last;
      return false;
    }
    if (fits(engine, filter, event)) {
      if (page.count == filter.limit) {
        page.next = last;
        return false;
      }
      add_row(page, format, event, place, at, engine.genesis().offset);
    }
    last = place;
    return true;
  });
  return page;
}

/// The same target with another `after`, for the Link header.
std::string next_target(const http::Request& request, EventPlace after) {
  const auto encoded = [](std::string_view text) {
    constexpr const char* digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         c == '-' || c == '.' || c == '_' || c == '~';
      if (plain) {
        out += c;
      } else {
        out += {'%', digits[byte >> 4], digits[byte & 15]};
      }
    }
    return out;
  };
  std::string target = "/v1/events?";
  for (const auto& [name, value] : request.query) {
    if (name != "after") target += name + "=" + encoded(value) + "&";
  }
  return target + "after=" + to_string(after);
}

}  // namespace

http::Response list_events(const Engine& engine, const http::Request& request) {
  const auto read = read_filter(request);
  if (const auto* refusal = std::get_if<http::Response>(&read)) return *refusal;
  const Format format = choose_format(request.header("accept"));
  EventPage page = read_events(engine, std::get<EventFilter>(read), format);
  http::Response response;
  response.content_type = content_type_of(format);
  response.headers.emplace_back("Vary", "Accept");
  if (page.next)
    response.headers.emplace_back("Link", "<" + next_target(request, *page.next) + ">; rel=\"next\"");
  if (format == Format::csv) {
    response.body = csv_heading() + page.rows;
  } else if (format == Format::ndjson) {
    response.body = std::move(page.rows);
  } else {
    response.body = "{\"items\":[" + page.rows + "]";
    if (page.next) response.body += ",\"next\":\"" + to_string(*page.next) + "\"";
    response.body += "}\n";
  }
  return response;
}

}  // namespace voucherd::api
