// GET /v1/audit/sample: events or statement lines drawn by a seed, each with its evidence. A piece of work at
// a time: what places an event in its firm's chain is read from that chain's beginning.
#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>

#include "daemon/api/api.h"
#include "daemon/api/event_queries.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"
#include "daemon/audit/draw.h"
#include "daemon/audit/firm_chain.h"
#include "daemon/audit/statement_scan.h"
#include "metering/core/assert.h"
#include "metering/proof/event_bytes.h"

namespace voucherd::api {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t sample_max = 100;
constexpr std::size_t seed_bytes_max = 256;

struct SampleQuery {
  std::string seed;
  bool lines = false;
  std::uint64_t count = 0, population = 0;  // 0: all there are
};

/// What stands around the drawn ones.
class Sample : public std::enable_shared_from_this<Sample> {
 public:
  Sample(const Engine& engine, SampleQuery query, http::Reply reply)
      : engine_(engine), query_(std::move(query)), reply_(std::move(reply)) {}
  virtual ~Sample() = default;
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;

  /// A piece of work; replies at the end.
  virtual void step() = 0;

 protected:
  void later() {
    engine_.later([self = shared_from_this()] { self->step(); });
  }
  /// Draws from `there` at most; false: the query names more, and that was answered.
  bool draw_from(std::uint64_t there, const char* what) {
    if (query_.population > there) {
      reply_(problem(422, "invalid", "Wrong query",
                     "population is " + std::to_string(query_.population) + "; there are " +
                         std::to_string(there) + " " + what));
      return false;
    }
    if (query_.population == 0) query_.population = there;
    drawn_ = draw(query_.seed, query_.count, query_.population);
    return true;
  }
  void finish() {
    reply_(json_response(200, Json{{"seed", query_.seed},
                                   {"population", query_.population},
                                   {"position", engine_.position()},
                                   {"root", engine_.tree_root()},
                                   {"items", std::move(items_)}}));
  }

  const Engine& engine_;
  SampleQuery query_;
  http::Reply reply_;
  std::vector<std::uint64_t> drawn_;
  Json items_ = Json::array();
};

class EventSample final : public Sample {
 public:
  using Sample::Sample;

  void step() override {
    if (!begun_) {
      begun_ = true;
      if (!draw_from(engine_.usage().events(), "accepted events")) return;
    } else if (!months_.empty()) {
      walk();
    } else if (items_.size() < drawn_.size()) {
      begin_event(drawn_[items_.size()]);
    }
    if (months_.empty() && items_.size() == drawn_.size()) return finish();
    later();
  }

 private:
  void begin_event(EventOrdinal ordinal) {
    engine_.visit_event(ordinal, [&](const EventView& event, EventPlace place, Instant received_at) {
      std::optional<EventOrdinal> corrected;
      if (event.kind == EventKind::correction) {
        engine_.find_event(
            event.corrects_source, event.corrects_id,
            [&](const EventView&, EventPlace at, Instant) { corrected = engine_.ordinal_of(at); });
      }
      const MonthRun touched = months_of_event(engine_, event, corrected);
      firm_ = FirmId(event.subject);
      position_ = place.position;
      for (Month month = touched.first; month <= touched.last; month = month.next()) months_.push_back(month);
      Json shown = show_traced_event(engine_, event, place, received_at, true);
      shown["drawn"] = ordinal;
      shown["chains"] = Json::array();
      items_.push_back(std::move(shown));
    });
  }

  /// Some events, and so one link at most, further in the chain of the next month that is left.
  void walk() {
    const Month month = months_.front();
    if (!reader_) {
      const auto position = next_firm_link(engine_, firm_, month, next_);
      VOUCHERD_ASSERT(position && *position <= position_);
      reader_.emplace(engine_, firm_, month, *position);
    }
    if (reader_->read_some()) return;
    const ChainLink link = reader_->link();
    reader_.reset();
    next_ = link.position + 1;
    if (link.events == 0) return;
    const Chain before = chain_;
    extend(sha_, chain_, link);
    if (link.position < position_) return;
    const auto closed = engine_.ledger().closed(month);
    items_.back()["chains"].push_back({{"month", to_string(month)},
                                       {"events_before", before.events},
                                       {"value_before", to_hex(before.value)},
                                       {"record_events", link.events},
                                       {"record_sha256", to_hex(link.digest)},
                                       {"value", to_hex(chain_.value)},
                                       {"bundle", bundle_of(month, closed.has_value())}});
    months_.erase(months_.begin());
    next_ = 1;
    chain_ = {};
  }

  /// Where the close's vouching for the whole chain is shown.
  Json bundle_of(Month month, bool closed) const {
    if (!closed || !engine_.ledger().closed_statement(month, firm_)) return nullptr;
    return "/v1/audit/bundle/" + to_string(month) + "/" + firm_.value;
  }

  bool begun_ = false;
  std::vector<Month> months_;  // of the last item's event, still to be placed
  FirmId firm_;
  Position position_ = 0, next_ = 1;
  std::optional<FirmLinkReader> reader_;  // of the link being read
  Chain chain_;
  Sha256 sha_;
};

class LineSample final : public Sample {
 public:
  using Sample::Sample;

  /// Counts the lines of some statements, or shows one drawn line, at a time.
  void step() override {
    if (!begun_) {
      begun_ = true;
      const auto periods = engine_.ledger().periods();
      through_ = engine_.ledger().closed_through();
      if (through_ && !periods.empty()) month_ = periods.front();
    } else if (month_) {
      count_some();
    } else if (!drawn_from_) {
      drawn_from_ = true;
      if (!draw_from(lines_, "lines on closed statements")) return;
    } else if (items_.size() < drawn_.size()) {
      show(drawn_[items_.size()]);
    } else {
      return finish();
    }
    later();
  }

 private:
  struct Counted {
    std::uint64_t first_line = 0;
    Month month;
    FirmId firm;
  };

  /// Some firms of the month that is being counted.
  void count_some() {
    constexpr std::size_t firms_per_turn = 8, bytes_per_turn = 4u << 20;
    const auto firms = engine_.ledger().firms_with_statement(*month_, after_, firms_per_turn);
    std::size_t bytes = 0;
    for (const FirmId& firm : firms) {
      after_ = firm;
      const std::string statement = engine_.ledger().closed_statement(*month_, firm)->canonical;
      const std::uint64_t lines = lines_in(statement);
      if (lines > 0) counted_.push_back({lines_, *month_, firm});
      lines_ += lines;
      bytes += statement.size();
      if (bytes >= bytes_per_turn) return;
    }
    if (firms.size() == firms_per_turn) return;
    after_ = {};
    month_ = *month_ < *through_ ? std::optional(month_->next()) : std::nullopt;
  }

  void show(std::uint64_t line) {
    auto after =
        std::upper_bound(counted_.begin(), counted_.end(), line,
                         [](std::uint64_t value, const Counted& one) { return value < one.first_line; });
    const Counted& of = *(after - 1);
    const auto statement = engine_.ledger().closed_statement(of.month, of.firm);
    const Json drawn = Json::parse(line_in(statement->canonical, line - of.first_line));
    const Month usage_month = parse_month(drawn.at("usage_month").get<std::string>()).value();
    const EventsQuery events{of.firm.value,
                             {first_day(usage_month), LocalDay{first_day(usage_month.next()).days - 1}},
                             drawn.at("sku").get<std::string>()};
    const std::string number = to_string(of.month) + "/" + of.firm.value;
    items_.push_back({{"drawn", line},
                      {"statement", number},
                      {"line_index", line - of.first_line},
                      {"line", drawn},
                      {"statement_sha256", to_hex(sha256(statement->canonical))},
                      {"close", statement->position},
                      {"events", events_target(events)},
                      {"bundle", "/v1/audit/bundle/" + number}});
  }

  bool begun_ = false, drawn_from_ = false;
  std::optional<Month> month_, through_;  // being counted; the last one
  FirmId after_;                          // the last firm of the month that was counted
  std::vector<Counted> counted_;
  std::uint64_t lines_ = 0;
};

std::variant<SampleQuery, http::Response> read_query(const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"seed", "events", "lines", "population"}))
    return *refusal;
  SampleQuery query;
  std::vector<billing::FieldFault> faults;
  const auto number = [&](const char* name, std::uint64_t max) -> std::uint64_t {
    const std::string* text = request.query_value(name);
    std::uint64_t value = 0;
    if (text == nullptr) return 0;
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc() || stop != end || value == 0 || value > max)
      faults.push_back({name, "must be a number from 1 to " + std::to_string(max)});
    return value;
  };
  const std::uint64_t events = number("events", sample_max), lines = number("lines", sample_max);
  query.population = number("population", std::numeric_limits<std::uint64_t>::max());
  const std::string* seed = request.query_value("seed");
  if (seed == nullptr || seed->size() > seed_bytes_max) {
    faults.push_back({"seed", "must be a text of 1 to " + std::to_string(seed_bytes_max) + " bytes"});
  }
  if (faults.empty() && (events == 0) == (lines == 0))
    faults.push_back({"events", "name either events or lines: how many are drawn"});
  if (!faults.empty()) return problem(422, "invalid", "Wrong query", "the query can't be answered", faults);
  query.seed = *seed;
  query.lines = lines != 0;
  query.count = events + lines;
  return query;
}

void draw_sample(const Engine& engine, const http::Request& request, const http::Reply& reply) {
  auto read = read_query(request);
  if (auto* refusal = std::get_if<http::Response>(&read)) return reply(std::move(*refusal));
  auto& query = std::get<SampleQuery>(read);
  if (query.lines) {
    std::make_shared<LineSample>(engine, std::move(query), reply)->step();
  } else {
    std::make_shared<EventSample>(engine, std::move(query), reply)->step();
  }
}

}  // namespace

void add_sample_routes(Router& router, Engine& engine) {
  router.add("GET", "/v1/audit/sample",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               draw_sample(engine, request, reply);
             });
}

}  // namespace voucherd::api
