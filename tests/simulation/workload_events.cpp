// The events of a history. A bad event has exactly one thing wrong with it, so that no order of
// checks is asked of the program but the one of the rules (identity first).
#include <algorithm>
#include <iterator>

#include "tests/simulation/workload.h"

namespace voucherd::simulation {

using naive::SentEvent;

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr std::int64_t day_ms = 24 * hour_ms;
constexpr std::int64_t ahead_ms_max = 5 * minute_ms;

}  // namespace

/// The instant at which a usage may begin: mostly lately, sometimes weeks ago, sometimes at the first
/// or last millisecond of a month.
std::int64_t Workload::some_instant(const naive::Model& model, std::int64_t intake_ms) {
  const std::int64_t earliest = naive::day_start_ms(model.facts().accept_from, head_.offset);
  std::int64_t at = intake_ms - dice_.between(0, 5 * day_ms);
  const int what = dice_.roll(0, 99);
  if (what < 25) at = intake_ms - dice_.between(0, 70 * day_ms);
  if (what >= 80) {
    const int month = naive::month_of_day(naive::local_day_of(intake_ms, head_.offset)) - dice_.roll(0, 2);
    const int day = naive::first_day_of_month(month) + (dice_.percent(60) ? 0 : dice_.roll(1, 27));
    at = naive::day_start_ms(day, head_.offset) + dice_.roll(-1, 1);
  }
  if (what >= 97) at = intake_ms + ahead_ms_max;
  return std::clamp(at, earliest, intake_ms + ahead_ms_max);
}

void Workload::give_time(SentEvent& event, const naive::Model& model, std::int64_t intake_ms) {
  const std::int64_t from = some_instant(model, intake_ms);
  if (dice_.percent(45)) {
    event.time = spell_instant(from, dice_);
    return;
  }
  const std::vector<std::int64_t> lengths{0, 1, hour_ms, day_ms, 31 * day_ms, dice_.between(1, 3 * day_ms)};
  std::int64_t to = from + dice_.pick(lengths);
  if (dice_.percent(15)) {
    to = naive::day_start_ms(naive::local_day_of(from, head_.offset) + dice_.roll(1, 3), head_.offset);
  }
  to = std::min(to, intake_ms + ahead_ms_max);
  event.start = spell_instant(from, dice_);
  event.end = spell_instant(to, dice_);
  if (dice_.percent(40)) event.time = spell_instant(dice_.percent(50) ? to : from - 400 * day_ms, dice_);
}

std::string Workload::some_quantity() {
  static const std::vector<std::string> texts{"8",    "12.5", "0.000000001", "1e2", "3.333333333", "0.5",
                                              "1.25", "24",   "7",           "100", "0.000000007", "1E-3"};
  const int what = dice_.roll(0, 99);
  if (what < 2) return "1000000000";
  if (what < 50) return dice_.pick(texts);
  return std::to_string(dice_.roll(0, 40)) + "." + std::to_string(dice_.between(1, 999'999'999));
}

SentEvent Workload::good_event(const naive::Model& model, std::int64_t intake_ms) {
  static const std::vector<std::string> sources{"/centre/slurm", "/centre/k8s", "作业/\"甲\"", "s"};
  static const std::vector<std::string> projects{"", "", "alpha", "beta", "乙", "Alpha"};
  SentEvent event;
  event.source = dice_.pick(sources);
  event.id = "e" + std::to_string(++next_id_) + (dice_.percent(10) ? "/\\\t甲" : "");
  event.subject = dice_.pick(firms_);
  event.sku = dice_.pick(skus_);
  event.quantity = some_quantity();
  event.project = dice_.pick(projects);
  if (dice_.percent(30)) event.node = "node-" + std::to_string(dice_.roll(1, 3));
  if (dice_.percent(30)) event.job = std::to_string(dice_.roll(1, 9));
  give_time(event, model, intake_ms);
  return event;
}

SentEvent Workload::bad_event(const naive::Model& model, std::int64_t intake_ms) {
  SentEvent event = good_event(model, intake_ms);
  const std::int64_t earliest = naive::day_start_ms(model.facts().accept_from, head_.offset);
  const auto only_time = [&](std::int64_t ms) {
    event.start = event.end = std::nullopt;
    event.time = spell_instant(ms, dice_);
  };
  const auto interval = [&](std::int64_t from, std::int64_t to) {
    event.start = spell_instant(from, dice_);
    event.end = spell_instant(to, dice_);
  };
  static const std::vector<std::string> bad_quantities{
      "-1",   "0",     "0.0000000001", "1000000000.000000001", "1000000001", "abc", "01", "NaN", "1.",
      "-0.5", "1e-10", "0e5"};
  const int what = dice_.roll(0, 14);
  if (what >= 6 && what <= 12) only_time(some_instant(model, intake_ms));
  switch (what) {
    case 0:
    case 1:
      event.quantity = dice_.pick(bad_quantities);
      break;
    case 2:
      if (intake_ms - earliest > 40 * day_ms) interval(intake_ms - 31 * day_ms - 1, intake_ms);
      break;
    case 3:
      only_time(intake_ms + ahead_ms_max + dice_.pick(std::vector<std::int64_t>{1, hour_ms, 40 * day_ms}));
      break;
    case 4:
      only_time(earliest - dice_.pick(std::vector<std::int64_t>{1, day_ms}));
      break;
    case 5:
      (dice_.percent(50) ? event.subject : *event.sku) = "?";
      break;  // replaced below
    case 6:
      event.subject = "91500000MA5U00000I";
      break;
    case 7:
      event.type = "compute.usage.v2";
      break;
    case 8:
      event.specversion = "0.3";
      break;
    case 9:
      event.sku = std::nullopt;
      break;
    case 10:
      event.time = dice_.pick(std::vector<std::string>{"yesterday", "2026-02-29T00:00:00Z", "2026-01-01"});
      break;
    case 11:
      event.time = std::nullopt;
      break;
    case 12:
      event.project = std::string(129, 'p');
      break;
    case 13: {  // half an interval
      const bool only_end = dice_.percent(50);
      (only_end ? event.start : event.end) = std::nullopt;
      (only_end ? event.end : event.start) = spell_instant(some_instant(model, intake_ms), dice_);
      break;
    }
    default: {  // an interval that ends before it starts, at times in another month
      const std::int64_t from = some_instant(model, intake_ms);
      interval(from, from - dice_.pick(std::vector<std::int64_t>{1, hour_ms, 20 * day_ms, 70 * day_ms}));
    }
  }
  if (event.subject == "?") event.subject = late_firm_;
  if (event.sku == "?") event.sku = late_sku_;
  return event;
}

SentEvent Workload::contradiction(const SentEvent& event, const naive::Model& model) {
  SentEvent other = respell(event, dice_);
  const bool taken = std::any_of(
      model.events().begin(), model.events().end(),
      [&](const naive::Event& known) { return known.source == event.source && known.id == event.id; });
  switch (dice_.roll(0, 4)) {
    case 0:
      other.quantity = "17.25";
      break;
    case 1:
      other.quantity = taken ? "-3" : "3";
      break;  // -3 would be a second fault where the identity is not taken
    case 2:
      other.node = "another";
      break;
    case 3:
      other.job = "another";
      break;
    default:
      other.subject = dice_.pick(firms_);
      other.node = "moved";
  }
  return other;
}

SentEvent Workload::correction(const naive::Model& model, std::int64_t intake_ms) {
  SentEvent event;
  event.type = "compute.correction.v1";
  event.source = dice_.percent(50) ? "/centre/finance" : "/centre/ops";
  event.id = "k" + std::to_string(++next_id_);
  SentEvent target;
  if (dice_.percent(20)) {
    target = good_event(model, intake_ms);  // that comes later than its correction
    unsent_.push_back(target);
  } else {
    std::vector<SentEvent> known;
    for (const WireEvent& sent : sent_) {
      const bool firm_known = std::find(firms_.begin(), firms_.end(), sent.event.subject) != firms_.end() ||
                              sent.event.subject == late_firm_;
      const bool usage = sent.event.type == "compute.usage.v1";
      if (firm_known && (usage || dice_.percent(5))) known.push_back(sent.event);
    }
    target = known.empty() ? good_event(model, intake_ms) : dice_.pick(known);
  }
  event.subject = dice_.percent(95) ? target.subject : dice_.pick(firms_);
  event.corrects_source = target.source;
  event.corrects_id = target.id;
  event.quantity = dice_.percent(30) ? "0" : some_quantity();
  if (dice_.percent(4)) event.quantity = "0.0000000001";
  // Few different times, so that source and id have to decide.
  event.time = spell_instant(start_ms_ + dice_.roll(0, 9) * 12 * day_ms, dice_);
  event.reason = "更正";
  return event;
}

/// As it was, byte for byte or in other words, or with other content under the same identity.
WireEvent Workload::sent_again(const naive::Model& model) {
  const WireEvent before = dice_.pick(sent_);
  const bool readable = before.event.malformed.empty();
  const int what = dice_.roll(0, 99);
  if (readable && what < 45) return write_event(respell(before.event, dice_), dice_);
  if (readable && what >= 70) return write_event(contradiction(before.event, model), dice_);
  return before;
}

WireEvent Workload::next_event(const naive::Model& model, std::int64_t intake_ms) {
  const int what = dice_.roll(0, 99);
  if (what < 18 && !sent_.empty()) return sent_again(model);
  if (what < 28) return write_event(bad_event(model, intake_ms), dice_);
  if (what < 38 && features_.corrections) return write_event(correction(model, intake_ms), dice_);
  if (what < 50 && !unsent_.empty()) {
    const SentEvent event = unsent_.front();
    unsent_.erase(unsent_.begin());
    return write_event(event, dice_);
  }
  return write_event(good_event(model, intake_ms), dice_);
}

Request Workload::next_request(const naive::Model& model, std::int64_t intake_ms) {
  static const std::vector<std::string> broken{"{\"specversion\":\"1.0\"", "not json", "[1,2]", "42",
                                               "{\"a\":tru}"};
  Request request;
  request.ndjson = dice_.percent(60);
  for (int i = dice_.percent(15) ? dice_.roll(8, 20) : dice_.roll(1, 5); i > 0; --i) {
    WireEvent event = next_event(model, intake_ms);
    if (!event.event.malformed.empty() && !request.ndjson) continue;
    request.events.push_back(event);
    sent_.push_back(event);
  }
  if (request.ndjson && dice_.percent(8)) {
    SentEvent event;
    event.malformed = dice_.pick(broken) + (dice_.percent(50) ? std::to_string(++next_id_) : "");
    request.events.push_back(write_event(event, dice_));
    sent_.push_back(request.events.back());
  }
  dice_.shuffle(request.events);
  return request;
}

}  // namespace voucherd::simulation
