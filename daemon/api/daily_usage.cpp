// What is known now, less what came after the close: usage that arrived since, and the difference that
// corrections since then made to usage that was there.
#include "daemon/api/daily_usage.h"

#include <map>
#include <memory>
#include <set>
#include <tuple>

namespace voucherd::api {

namespace {

using Json = nlohmann::ordered_json;
using Done = std::function<void(std::vector<billing::DailyUsage>)>;

class Gathering : public std::enable_shared_from_this<Gathering> {
 public:
  Gathering(const Engine& engine, const Json& statement, Done done)
      : engine_(engine),
        offset_(engine.genesis().offset),
        firm_(statement.at("firm").at("uscc").get<std::string>()),
        closed_(statement.at("state") == "closed"),
        known_(statement.at("journal").at("position").get<Position>()),
        end_(engine.position()),
        done_(std::move(done)) {
    for (const char* list : {"lines", "unpriced"}) {
      for (const Json& item : statement.at(list)) {
        const Month month = parse_month(item.at("usage_month").get<std::string>()).value();
        shown_.emplace(month, item.at("sku").get<std::string>());
        units_.emplace(item.at("sku").get<std::string>(), item.at("unit").get<std::string>());
      }
    }
  }

  void begin() {
    if (shown_.empty()) return finish();
    const LocalDay from = first_day(shown_.begin()->first);
    const LocalDay until = first_day(shown_.rbegin()->first.next());
    for (const UsageTotal& total : engine_.usage().totals().of(firm_, from, until)) {
      add(total.day, total.sku.value, total.project.value, total.quantity);
    }
    days_ = {from, LocalDay{until.days - 1}};
    next_ = known_ + 1;
    if (closed_) return step();
    finish();
  }

 private:
  /// One record that may have come too late; then others get their turn.
  void step() {
    const auto position = engine_.next_candidate(next_, firm_.value, days_);
    if (!position || *position > end_) return finish();
    engine_.visit_record(
        *position, 0, firm_.value, std::nullopt,
        [this](const EventView& event, EventPlace place, Instant, std::optional<EventOrdinal> corrected) {
          if (corrected) {
            take_back_correction(*corrected);
          } else {
            const EventOrdinal ordinal = engine_.ordinal_of(place);
            subtract(event, quantity_at(ordinal, event.quantity, end_));
          }
          return true;
        });
    next_ = *position + 1;
    engine_.later([self = shared_from_this()] { self->step(); });
  }

  /// Of usage that was there at the close; usage that came later is taken back as a whole, by itself.
  void take_back_correction(EventOrdinal corrected) {
    if (engine_.usage().place_of(corrected).position > known_ || !taken_back_.insert(corrected).second)
      return;
    engine_.visit_event(corrected, [&](const EventView& usage, EventPlace, Instant) {
      subtract(usage, quantity_at(corrected, usage.quantity, end_));
      subtract(usage, Quantity{} - quantity_at(corrected, usage.quantity, known_));
    });
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
  void subtract(const EventView& usage, Quantity quantity) {
    const auto spread = [&](Quantity whole, int sign) {
      spread_over_days(whole, usage_span(usage), offset_, [&](LocalDay day, Quantity part) {
        add(day, std::string(usage.sku), std::string(usage.project), {part.nanos * sign});
      });
    };
    if (quantity < Quantity{}) {
      spread(Quantity{} - quantity, 1);
    } else {
      spread(quantity, -1);
    }
  }

  void add(LocalDay day, const std::string& sku, const std::string& project, Quantity quantity) {
    if (shown_.contains({month_of(day), sku})) days_usage_[{day, sku, project}] += quantity;
  }

  void finish() {
    std::vector<billing::DailyUsage> rows;
    for (const auto& [key, quantity] : days_usage_) {
      const auto& [day, sku, project] = key;
      if (quantity.is_zero()) continue;
      rows.push_back({day, SkuId(sku), units_.at(sku), ProjectId(project), quantity});
    }
    std::exchange(done_, nullptr)(std::move(rows));
  }

  const Engine& engine_;
  UtcOffset offset_;
  FirmId firm_;
  bool closed_;
  Position known_, end_;  // what is shown was known at the first; what comes after the second is not seen
  Done done_;
  std::set<std::pair<Month, std::string>> shown_;
  std::map<std::string, std::string> units_;  // of SKUs, as the statement has them: they may change later
  std::map<std::tuple<LocalDay, std::string, std::string>, Quantity> days_usage_;
  DayRun days_;
  Position next_ = 0;
  std::set<EventOrdinal> taken_back_;
};

}  // namespace

void gather_daily_usage(const Engine& engine, const Json& statement, Done done) {
  std::make_shared<Gathering>(engine, statement, std::move(done))->begin();
}

}  // namespace voucherd::api
