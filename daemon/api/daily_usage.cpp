// What is known now, less what came after the close: usage that arrived since, and the difference that
// corrections since then made to usage that was there. Only the records that may hold such (those of late
// arrivals) are read, and a part of one in a turn.
#include "daemon/api/daily_usage.h"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <tuple>

namespace voucherd::api {

namespace {

using Json = nlohmann::ordered_json;

class Gathering : public std::enable_shared_from_this<Gathering> {
 public:
  Gathering(const Engine& engine, UsageAsKnown wanted, UsageGathered done)
      : engine_(engine),
        offset_(engine.genesis().offset),
        wanted_(std::move(wanted)),
        end_(engine.position()),
        done_(std::move(done)),
        next_{wanted_.known + 1, 0} {}

  void begin() {
    const LocalDay from = first_day(wanted_.months.first), until = first_day(wanted_.months.last.next());
    for (const UsageTotal& total : engine_.usage().totals().of(wanted_.firm, from, until))
      add(total.day, total.sku.value, total.project.value, total.quantity);
    step();
  }

 private:
  /// What is kept of an event while its record is not held.
  struct Late {
    EventOrdinal ordinal = 0;
    std::optional<EventOrdinal> corrected;  // of a correction
    std::string sku, project;               // the rest of usage only
    UsageSpan span;
    Quantity quantity;
  };

  static constexpr std::size_t events_per_turn = 256;
  static constexpr std::size_t reads_per_turn = 16;  // of corrections, and of what they correct

  /// A part of a record that may have come too late, or of what was found in it; then others get their turn.
  void step() {
    if (found_.empty() && !look_for_more()) return finish();
    for (std::size_t reads = 0; !found_.empty() && reads < reads_per_turn; found_.pop_front())
      reads += take_back(found_.front());
    engine_.later([self = shared_from_this()] { self->step(); });
  }

  /// The events are looked at once their record is let go of: that means reading others, and no record is to
  /// be held while another one is read. False: there are no more.
  bool look_for_more() {
    const auto position =
        engine_.usage().late_arrivals().next(next_.position, wanted_.firm.value, wanted_.months);
    if (!position || *position > end_) return false;
    if (*position != next_.position) next_ = {*position, 0};
    std::size_t seen = 0;
    bool more = false;
    engine_.visit_record(
        *position, next_.index, wanted_.firm.value, std::nullopt,
        [&](const EventView& event, EventPlace place, Instant, std::optional<EventOrdinal> corrected) {
          more = seen++ == events_per_turn;
          if (more) next_ = place;
          if (!more) keep(event, place, corrected);
          return !more;
        });
    if (!more) next_ = {*position + 1, 0};
    return true;
  }

  void keep(const EventView& event, EventPlace place, std::optional<EventOrdinal> corrected) {
    Late late{engine_.ordinal_of(place), corrected, {}, {}, {}, event.quantity};
    if (!corrected) {
      late.sku = event.sku;
      late.project = event.project;
      late.span = usage_span(event);
    }
    found_.push_back(std::move(late));
  }

  /// Returns how many events had to be read.
  std::size_t take_back(const Late& late) {
    if (late.corrected) return take_back_correction(*late.corrected);
    subtract(late, quantity_at(late.ordinal, late.quantity, end_));
    return engine_.usage().corrections_of(late.ordinal).size();
  }

  /// Of usage that was there at the close; usage that came later is taken back as a whole, by itself.
  std::size_t take_back_correction(EventOrdinal corrected) {
    if (engine_.usage().place_of(corrected).position > wanted_.known || !taken_back_.insert(corrected).second)
      return 0;
    Late usage;
    engine_.visit_event(corrected, [&](const EventView& event, EventPlace, Instant) {
      usage = {corrected,     {}, std::string(event.sku), std::string(event.project), usage_span(event),
               event.quantity};
    });
    subtract(usage, quantity_at(corrected, usage.quantity, end_));
    subtract(usage, Quantity{} - quantity_at(corrected, usage.quantity, wanted_.known));
    return 1 + 2 * engine_.usage().corrections_of(corrected).size();
  }

  /// The event's quantity as corrected by what had come up to `position` (rules §7: the latest time
  /// counts, then the greater source, then the greater id).
  Quantity quantity_at(EventOrdinal ordinal, Quantity own, Position position) const {
    using Rank = std::tuple<Instant, std::string, std::string>;
    std::optional<Rank> best;
    Quantity quantity = own;
    for (const EventOrdinal correction : engine_.usage().corrections_of(ordinal)) {
      if (engine_.usage().place_of(correction).position > position) continue;
      engine_.visit_event(correction, [&](const EventView& event, EventPlace, Instant) {
        Rank rank{*event.time, std::string(event.source), std::string(event.id)};
        if (best && rank < *best) return;
        best = std::move(rank);
        quantity = event.quantity;
      });
    }
    return quantity;
  }

  /// Takes so much of the usage's days back.
  void subtract(const Late& usage, Quantity quantity) {
    const auto spread = [&](Quantity whole, int sign) {
      spread_over_days(whole, usage.span, offset_, [&](LocalDay day, Quantity part) {
        add(day, usage.sku, usage.project, {part.nanos * sign});
      });
    };
    if (quantity < Quantity{}) {
      spread(Quantity{} - quantity, 1);
    } else {
      spread(quantity, -1);
    }
  }

  void add(LocalDay day, const std::string& sku, const std::string& project, Quantity quantity) {
    const Month month = month_of(day);
    if (wanted_.months.first <= month && month <= wanted_.months.last)
      days_usage_[{day, sku, project}] += quantity;
  }

  void finish() {
    std::vector<billing::UsageOfDay> rows;
    for (const auto& [key, quantity] : days_usage_) {
      const auto& [day, sku, project] = key;
      if (!quantity.is_zero()) rows.push_back({day, SkuId(sku), ProjectId(project), quantity});
    }
    std::exchange(done_, nullptr)(std::move(rows));
  }

  const Engine& engine_;
  UtcOffset offset_;
  UsageAsKnown wanted_;
  Position end_;  // what comes after it is not seen
  UsageGathered done_;
  std::map<std::tuple<LocalDay, std::string, std::string>, Quantity> days_usage_;
  EventPlace next_;         // where to look on
  std::deque<Late> found_;  // and not looked at yet
  std::set<EventOrdinal> taken_back_;
};

/// What a statement's sheet of daily usage is about.
struct Shown {
  std::set<std::pair<Month, SkuId>> months_and_skus;
  std::map<SkuId, std::string> units;  // as the statement has them: they may change later
};

Shown shown_on(const Json& statement) {
  Shown shown;
  for (const char* list : {"lines", "unpriced"}) {
    for (const Json& item : statement.at(list)) {
      const SkuId sku(item.at("sku").get<std::string>());
      shown.months_and_skus.emplace(parse_month(item.at("usage_month").get<std::string>()).value(), sku);
      shown.units.emplace(sku, item.at("unit").get<std::string>());
    }
  }
  return shown;
}

}  // namespace

void gather_usage(const Engine& engine, UsageAsKnown wanted, UsageGathered done) {
  std::make_shared<Gathering>(engine, std::move(wanted), std::move(done))->begin();
}

void gather_daily_usage(const Engine& engine, const Json& statement,
                        std::function<void(std::vector<billing::DailyUsage>)> done) {
  Shown shown = shown_on(statement);
  if (shown.months_and_skus.empty()) return done({});
  UsageAsKnown wanted{FirmId(statement.at("firm").at("uscc").get<std::string>()),
                      {shown.months_and_skus.begin()->first, shown.months_and_skus.rbegin()->first},
                      statement.at("journal").at("position").get<Position>()};
  gather_usage(
      engine, std::move(wanted),
      [shown = std::move(shown), done = std::move(done)](std::vector<billing::UsageOfDay> usage) {
        std::vector<billing::DailyUsage> rows;
        for (auto& each : usage) {
          if (!shown.months_and_skus.contains({month_of(each.day), each.sku})) continue;
          const std::string& unit = shown.units.at(each.sku);
          rows.push_back({each.day, std::move(each.sku), unit, std::move(each.project), each.quantity});
        }
        done(std::move(rows));
      });
}

}  // namespace voucherd::api
