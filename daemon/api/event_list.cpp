// GET /v1/events?subject=…: the raw events behind a figure, in journal order, page after page.
#include <algorithm>
#include <charconv>
#include <memory>

#include "billing/render/csv_writer.h"
#include "daemon/access/identity.h"
#include "daemon/api/api.h"
#include "daemon/api/event_queries.h"
#include "daemon/api/event_view.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

enum class Format { json, ndjson, csv };

struct EventFilter {
  std::string subject;
  DayRun days{parse_day("0001-01-01").value(), local_day_max};
  std::optional<std::string> sku;
  EventPlace next{1, 0};  // where to begin
  std::size_t limit = events_default;
  Format format = Format::json;
  bool streamed = false;  // to the end, in pieces; else a page
  bool excel = false;     // CSV begins with a byte order mark
};

/// By ?format=, else by Accept (JSON where it names none of ours); adds to `faults` where there is no such
/// format.
Format read_format(const http::Request& request, std::vector<billing::FieldFault>& faults) {
  const std::string* given = request.query_value("format");
  if (given == nullptr) {
    constexpr Format formats[] = {Format::json, Format::ndjson, Format::csv};
    return formats[choose_type(request.header("accept"),
                               {"application/json", "application/x-ndjson", "text/csv"})
                       .value_or(0)];
  }
  if (*given == "ndjson") return Format::ndjson;
  if (*given == "csv") return Format::csv;
  if (*given != "json") faults.push_back({"format", "must be json, ndjson or csv"});
  return Format::json;
}

const char* content_type_of(Format format) {
  if (format == Format::csv) return "text/csv; charset=utf-8";
  return format == Format::ndjson ? "application/x-ndjson" : "application/json";
}

std::variant<EventFilter, http::Response> read_filter(const http::Request& request) {
  if (auto refusal = refuse_unknown_query(
          request, {"subject", "from", "until", "sku", "limit", "after", "format", "excel"})) {
    return *refusal;
  }
  EventFilter filter;
  std::vector<billing::FieldFault> faults;
  if (const std::string* subject = request.query_value("subject")) {
    filter.subject = *subject;
  } else {
    faults.push_back({"subject", "name the firm, or one event by source and id"});
  }
  if (const auto from = read_day(request, "from", faults)) filter.days.first = *from;
  if (const auto until = read_day(request, "until", faults)) filter.days.last = LocalDay{until->days - 1};
  filter.format = read_format(request, faults);
  if (const std::string* sku = request.query_value("sku")) filter.sku = *sku;
  if (const std::string* limit = request.query_value("limit")) {
    const char* const end = limit->data() + limit->size();
    const auto [stop, error] = std::from_chars(limit->data(), end, filter.limit);
    if (error != std::errc() || stop != end || filter.limit == 0 || filter.limit > events_max) {
      faults.push_back({"limit", "must be a number from 1 to " + std::to_string(events_max)});
    }
  }
  filter.excel = wants_excel(request);
  filter.streamed = filter.format != Format::json && request.query_value("limit") == nullptr;
  if (const std::string* after = request.query_value("after"); after != nullptr) {
    // A place is written as a quarantine number is.
    if (const auto place = parse_quarantine_number(*after); place && place->index < EventBlock::events_max) {
      filter.next = EventPlace{place->position, place->index + 1};
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
  if (local_day(span.from, offset) > filter.days.last) return false;
  // Half-open: what ends at midnight does not touch the day that begins.
  const Instant last = span.from < span.to ? Instant{span.to.ms - 1} : span.to;
  return local_day(last, offset) >= filter.days.first;
}

std::string percent_encoded(std::string_view text) {
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
}

std::string target_of(const std::vector<std::pair<std::string, std::string>>& query) {
  std::string target = "/v1/events";
  char separator = '?';
  for (const auto& [name, value] : query) {
    target += separator + name + "=" + percent_encoded(value);
    separator = '&';
  }
  return target;
}

/// The same target with another `after`, for the Link header.
std::string next_target(std::vector<std::pair<std::string, std::string>> query, EventPlace after) {
  std::erase_if(query, [](const auto& parameter) { return parameter.first == "after"; });
  query.emplace_back("after", to_string(after));
  return target_of(query);
}

/// One streamed export's place among them, as long as it lives.
class ExportPlace {
 public:
  ExportPlace(std::shared_ptr<ExportsUnderWay> under_way, std::string token)
      : under_way_(std::move(under_way)), token_(std::move(token)) {
    if (!token_.empty()) ++under_way_->of_token[token_];
    ++under_way_->count;
  }
  ~ExportPlace() {
    --under_way_->count;
    const auto of_token = under_way_->of_token.find(token_);
    if (of_token != under_way_->of_token.end() && --of_token->second == 0)
      under_way_->of_token.erase(of_token);
  }
  ExportPlace(const ExportPlace&) = delete;
  ExportPlace& operator=(const ExportPlace&) = delete;

 private:
  std::shared_ptr<ExportsUnderWay> under_way_;  // what is left of a listing may outlive the routes
  std::string token_;                           // "": none was shown
};

/// Why there is no place for one more; nullopt: there is.
std::optional<http::Response> refuse_export(const ExportsUnderWay& under_way, const std::string& token) {
  const auto of_token = under_way.of_token.find(token);
  const bool token_has_its_share =
      of_token != under_way.of_token.end() && of_token->second >= exports_per_token_max;
  if (!token_has_its_share && under_way.count < exports_max) return std::nullopt;
  auto response =
      problem(503, "overloaded", "Too many exports",
              token_has_its_share ? "this token has its " + std::to_string(exports_per_token_max) +
                                        " exports under way; read them to their ends, or try again later"
                                  : std::to_string(exports_max) + " exports are under way; try again later");
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

/// One listing on its way: a part of a record at a time, so that ingest goes on meanwhile.
class Listing : public std::enable_shared_from_this<Listing> {
 public:
  Listing(const Engine& engine, EventFilter filter, std::unique_ptr<ExportPlace> place,
          const http::Request& request, http::Reply reply)
      : engine_(engine),
        filter_(std::move(filter)),
        place_(std::move(place)),
        query_(request.query),
        reply_(std::move(reply)),
        submitters_(may_see_submitters(request)),
        end_(engine.position()) {
    if (filter_.format != Format::csv) return;
    if (filter_.excel) rows_ = billing::excel_mark;
    rows_ += csv_heading();
  }

  void go_on() {
    engine_.later([self = shared_from_this()] { self->step(); });
  }

 private:
  void step() {
    const bool nothing_fits = filter_.days.last < filter_.days.first;
    const auto position = nothing_fits
                              ? std::nullopt
                              : engine_.next_candidate(filter_.next.position, filter_.subject, filter_.days);
    if (!position || *position > end_) return finish();
    scanned_ += events_per_record;
    if (*position != filter_.next.position) filter_.next = {*position, 0};
    turn_ends_ = false;
    taken_in_turn_ = 0;
    const std::uint32_t events = engine_.visit_record(
        *position, filter_.next.index, filter_.subject, filter_.sku,
        [&](const EventView& event, EventPlace place, Instant at, std::optional<EventOrdinal> corrected) {
          return take(event, place, at, corrected);
        });
    if (more_) return finish();
    if (piece_is_full()) return deliver();
    if (turn_ends_) return go_on();
    filter_.next = {*position + 1, 0};
    last_ = {*position, events > 0 ? events - 1 : 0};
    more_ = !filter_.streamed && scanned_ >= events_scanned_max;
    if (more_) return finish();
    go_on();
  }

  /// False: the page ends before this event.
  bool take(const EventView& event, EventPlace place, Instant received_at,
            std::optional<EventOrdinal> corrected) {
    turn_ends_ = taken_in_turn_ >= taken_per_turn_max;
    if (turn_ends_ || piece_is_full()) return false;
    taken_in_turn_ += corrected ? taken_per_correction : 1;
    if (!filter_.streamed && scanned_++ >= events_scanned_max) return end_page();
    // Behind this one: it may be the one that fills the piece, and the last of its record.
    filter_.next = {place.position, place.index + 1};
    if (fits(event, corrected)) {
      if (!filter_.streamed && count_ == filter_.limit) return end_page();
      add_row(event, place, received_at);
    }
    last_ = place;
    return true;
  }

  bool piece_is_full() const { return filter_.streamed && rows_.size() >= piece_bytes; }

  /// Hands over what was gathered: as the answer, or as its next piece. The next one is asked for.
  void deliver() {
    if (deliver_) return std::exchange(deliver_, nullptr)(std::exchange(rows_, {}));
    http::Response response = head();
    response.body = std::exchange(rows_, {});
    response.next_piece = [self = shared_from_this()](http::DeliverPiece to) {
      self->deliver_ = std::move(to);
      if (self->ended_) return self->deliver();
      self->go_on();
    };
    std::exchange(reply_, nullptr)(std::move(response));
  }

  bool end_page() {
    more_ = true;
    return false;
  }

  /// A correction stands behind the figures of the event that it corrects.
  bool fits(const EventView& event, std::optional<EventOrdinal> corrected) {
    const UtcOffset offset = engine_.genesis().offset;
    if (!corrected) return fits_usage(filter_, event, offset);
    bool fitting = false;
    scanned_ += events_per_correction;
    engine_.visit_event(*corrected, [&](const EventView& usage, EventPlace, Instant) {
      fitting = fits_usage(filter_, usage, offset);
    });
    return fitting;
  }

  void add_row(const EventView& event, EventPlace place, Instant received_at) {
    const UtcOffset offset = engine_.genesis().offset;
    if (filter_.format == Format::csv) {
      rows_ += csv_row(event, place, received_at, offset);
    } else {
      if (filter_.format == Format::json && count_ > 0) rows_ += ",\n";
      nlohmann::ordered_json row = show_kept_event(event, place, received_at, offset);
      if (submitters_) row["submitted_by"] = show_submitter(submitter_at(place));
      rows_ += row.dump();
      if (filter_.format == Format::ndjson) rows_ += "\n";
    }
    ++count_;
  }

  Submitter submitter_at(EventPlace place) {
    if (place.position != submissions_at_) {
      submissions_ = engine_.submissions_of(place.position);
      submissions_at_ = place.position;
    }
    return submissions_.of_event(place.index);
  }

  http::Response head() const {
    http::Response response;
    response.content_type = content_type_of(filter_.format);
    response.headers.emplace_back("Vary", "Accept");
    return response;
  }

  void finish() {
    if (!reply_) {  // pieces are under way: this is the last one, then an empty one
      ended_ = true;
      return deliver();
    }
    http::Response response = head();
    if (more_) response.headers.emplace_back("Link", "<" + next_target(query_, last_) + ">; rel=\"next\"");
    if (filter_.format != Format::json) {
      response.body = std::move(rows_);
    } else {
      response.body = "{\"items\":[" + rows_ + "]";
      if (more_) response.body += ",\"next\":\"" + to_string(last_) + "\"";
      response.body += "}\n";
    }
    reply_(std::move(response));
  }

  // What it costs to read a record, and another one for a correction, in events looked at.
  static constexpr std::size_t events_per_record = 500;
  static constexpr std::size_t events_per_correction = 1000;
  static constexpr std::size_t piece_bytes = 256u << 10;
  // Events of one turn, half a millisecond's, and what a correction counts for among them: it reads a record.
  static constexpr std::size_t taken_per_turn_max = 50;
  static constexpr std::size_t taken_per_correction = 25;

  const Engine& engine_;
  EventFilter filter_;
  std::unique_ptr<ExportPlace> place_;  // of one that is streamed
  std::vector<std::pair<std::string, std::string>> query_;
  http::Reply reply_;
  bool submitters_;          // are shown
  Submissions submissions_;  // of the record at submissions_at_
  Position submissions_at_ = 0;
  Position end_;                // what is accepted meanwhile is left out
  std::string rows_;            // bounded by the limit, or a piece, and the length of an event
  http::DeliverPiece deliver_;  // waits for the next piece
  bool ended_ = false, turn_ends_ = false;
  std::size_t count_ = 0, scanned_ = 0, taken_in_turn_ = 0;
  EventPlace last_;  // looked at: where the next page goes on after
  bool more_ = false;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> query_parameters(const EventsQuery& query) {
  return {{"subject", query.subject},
          {"from", to_string(query.days.first)},
          {"until", to_string(LocalDay{query.days.last.days + 1})},
          {"sku", query.sku}};
}

std::string events_target(const EventsQuery& query) { return target_of(query_parameters(query)); }

void list_events(const Engine& engine, const std::shared_ptr<ExportsUnderWay>& under_way,
                 const http::Request& request, http::Reply reply) {
  auto read = read_filter(request);
  if (auto* refusal = std::get_if<http::Response>(&read)) return reply(std::move(*refusal));
  auto& filter = std::get<EventFilter>(read);
  std::unique_ptr<ExportPlace> place;
  if (filter.streamed) {
    const std::string token = request.caller ? request.caller->token : std::string();
    if (auto refusal = refuse_export(*under_way, token)) return reply(std::move(*refusal));
    place = std::make_unique<ExportPlace>(under_way, token);
  }
  // Not at once: many that ask together take turns from the beginning.
  std::make_shared<Listing>(engine, std::move(filter), std::move(place), request, std::move(reply))->go_on();
}

}  // namespace voucherd::api
