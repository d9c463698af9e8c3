// Changes of facts and closes in the naive model (rules §3, §5, §6): what is refused, what needs a
// reason, what a close freezes.
#include <algorithm>

#include "tests/support/naive_model.h"

namespace naive {

namespace {

constexpr std::int64_t behind_ms_max = 5 * 60'000;

/// 422 where the facts would contradict each other or name what nobody knows.
bool contradicts(const Facts& facts, const FactChange& change) {
  if (change.kind == "price-books") {
    const Book& book = facts.books.at(change.key);
    for (const auto& [sku, price] : book.prices) {
      if (!facts.skus.contains(sku)) return true;
    }
    return std::any_of(facts.books.begin(), facts.books.end(), [&](const auto& other) {
      return other.first != change.key && other.second.from == book.from;
    });
  }
  if (change.kind == "contracts") {
    const Contract& contract = facts.contracts.at(change.key);
    if (!facts.firms.contains(contract.firm)) return true;
    return std::any_of(facts.contracts.begin(), facts.contracts.end(), [&](const auto& other) {
      return other.first != change.key && other.second.firm == contract.firm &&
             other.second.days.overlaps(contract.days);
    });
  }
  if (change.kind == "policies") {
    const Policy& policy = facts.policies.at(change.key);
    return std::any_of(facts.policies.begin(), facts.policies.end(), [&](const auto& other) {
      return other.first != change.key && other.second.days.overlaps(policy.days);
    });
  }
  return change.kind == "external-awards" && !facts.firms.contains(facts.awards.at(change.key).firm);
}

bool same_six(const Figures& a, const Figures& b) {
  Figures difference = a;
  difference.add(b, -1);
  return difference.all_zero();
}

bool same_in_everything(const Figures& a, const Figures& b) {
  Figures difference = a;
  difference.add(b, -1);
  return difference.all_zero() && difference.ineligible.empty() && difference.projects.empty();
}

}  // namespace

Model::Need Model::reason_need(const FactChange& change) const {
  if (!closed_through_ || change.kind == "external-awards" || change.kind == "settings") return Need::no;
  Facts candidate = facts_;
  candidate.put(change.kind, change.key, change.body);
  const Reckoning before = reckon();
  const Reckoning after(head_, candidate, events_, frozen_, closed_through_);
  std::map<std::pair<std::string, ChargeKey>, Figures> billed;
  for (const auto& [key, statement] : frozen_) {
    for (const Line& line : statement.lines) billed[{key.second, line.key}].add(line.difference, 1);
  }
  Need need = Need::no;
  for (const auto& [uscc, firm] : facts_.firms) {
    std::set<ChargeKey> keys;
    for (const auto& [key, figures] : before.rated(uscc).charges) keys.insert(key);
    for (const auto& [key, figures] : after.rated(uscc).charges) keys.insert(key);
    for (const ChargeKey& key : keys) {
      if (key.month > *closed_through_) continue;
      const auto figures = [&](const Reckoning& of) {
        const auto found = of.rated(uscc).charges.find(key);
        return found == of.rated(uscc).charges.end() ? Figures{} : found->second;
      };
      const Figures old_figures = figures(before);
      const Figures new_figures = figures(after);
      const auto said = billed.find({uscc, key});
      // READING: a change that brings back what was billed makes no closed figure differ.
      if (!same_six(old_figures, new_figures) && said != billed.end() && !same_six(new_figures, said->second))
        return Need::yes;
      if (!same_in_everything(old_figures, new_figures)) need = Need::unclear;
    }
    if (before.rated(uscc).unpriced != after.rated(uscc).unpriced) need = Need::unclear;
    for (int month = *closed_through_; month >= *closed_through_ - 24; month -= month % 12 + 1) {
      const int year = 1970 + month / 12;
      const YearRow old_row = before.year_row(uscc, year, month % 12 + 1, 0);
      const YearRow new_row = after.year_row(uscc, year, month % 12 + 1, 0);
      if (old_row.target != new_row.target) need = Need::unclear;
    }
  }
  return need;
}

/// The body with prices and limits of tiers as numbers are printed: 8.50 is 8.5, and no change.
Json with_plain_prices(Json body) {
  const auto plain = [](Json& value, const auto& self) -> void {
    if (value.is_structured()) {
      for (Json& inner : value) self(inner, self);
    } else if (value.is_string()) {
      auto text = value.get<std::string>();
      if (text.find('.') == std::string::npos) return;
      text.erase(text.find_last_not_of('0') + 1);
      if (text.back() == '.') text.pop_back();
      value = text;
    }
  };
  if (body.contains("prices")) plain(body["prices"], plain);
  return body;
}

bool Model::touches_closed(const FactChange& change) const {
  const auto known = facts_.bodies.find({change.kind, change.key});
  if (known == facts_.bodies.end() || known->second == change.body || !closed_through_) return false;
  const auto on_a_line = [&](auto&& matches) {
    return std::any_of(frozen_.begin(), frozen_.end(), [&](const auto& entry) {
      return std::any_of(entry.second.lines.begin(), entry.second.lines.end(), matches);
    });
  };
  if (change.kind == "price-books")
    return on_a_line([&](const Line& line) { return line.key.book == change.key; });
  if (change.kind == "policies") {
    // READING: a closed statement used the policy that was in force in a month that it bills, or in one
    // between the first such month and the last closed one.
    std::optional<int> first;
    on_a_line([&](const Line& line) {
      first = std::min(first.value_or(line.key.month), line.key.month);
      return false;
    });
    const int until = first_day_of_month(*closed_through_ + 1);
    return first && facts_.policies.at(change.key).days.overlaps({first_day_of_month(*first), until});
  }
  if (change.kind == "skus") {
    const bool matters = known->second.value("kind", "") != change.body.value("kind", "") ||
                         known->second.value("tax_rate", "") != change.body.value("tax_rate", "");
    return matters && on_a_line([&](const Line& line) { return line.key.sku == change.key; });
  }
  if (change.kind != "contracts" ||
      !on_a_line([&](const Line& line) { return line.key.contract == change.key; })) {
    return false;
  }
  Json without_end_old = known->second;
  Json without_end_new = change.body;
  without_end_old.erase("until");
  without_end_new.erase("until");
  if (without_end_old != without_end_new) return true;
  Facts candidate = facts_;
  candidate.put(change.kind, change.key, change.body);
  const auto old_until = facts_.contracts.at(change.key).days.until;
  const auto new_until = candidate.contracts.at(change.key).days.until;
  const bool earlier = new_until && (!old_until || *new_until < *old_until);
  return !earlier || *new_until < first_day_of_month(*closed_through_ + 1);
}

int Model::change(const FactChange& change, const std::string& reason, std::int64_t clock_ms) {
  if (clock_ms < last_intake_ms_ - behind_ms_max) return 503;
  const auto known = facts_.bodies.find({change.kind, change.key});
  if (known != facts_.bodies.end() && with_plain_prices(known->second) == with_plain_prices(change.body))
    return 0;
  Facts candidate = facts_;
  candidate.put(change.kind, change.key, change.body);
  if (contradicts(candidate, change)) return 422;
  if (touches_closed(change)) return 409;
  if (reason.empty() && reason_need(change) == Need::yes) return 422;
  facts_ = candidate;
  last_intake_ms_ = std::max(clock_ms, last_intake_ms_);
  return 0;
}

/// The open months up to `month`, in order. READING: where nothing is closed, from the first month that
/// has usage or is touched by an unresolved quarantined event.
std::vector<int> Model::months_to_close(int month) const {
  int first = month;
  if (closed_through_) {
    first = *closed_through_ + 1;
  } else {
    if (const auto months = reckon().usage_months()) first = std::min(first, months->first);
    for (const Held& held : held_) first = held.resolved ? first : std::min(first, held.first_month);
  }
  std::vector<int> months;
  for (; first <= month; ++first) months.push_back(first);
  return months;
}

std::vector<std::string> Model::to_sign_off(int month) const {
  const std::vector<int> months = months_to_close(month);
  const Reckoning now = reckon();
  std::set<std::string> what;
  // READING: unpriced usage blocks the close of its own usage month only.
  for (const auto& [uscc, firm] : facts_.firms) {
    for (const auto& [key, quantity] : now.rated(uscc).unpriced) {
      if (!months.empty() && key.first >= months.front() && key.first <= month) what.insert("unpriced");
    }
  }
  for (const Held& held : held_) {
    if (!held.resolved && !months.empty() && held.first_month <= month && held.last_month >= months.front()) {
      what.insert("quarantine");
    }
  }
  return {what.begin(), what.end()};
}

Model::Closed Model::close(int month, const std::string& actor_kind, const std::string& actor_id,
                           const std::string& reason, std::int64_t clock_ms) {
  if (clock_ms < last_intake_ms_ - behind_ms_max) return {503, {"clock"}, {}};
  if (closed_through_ && month <= *closed_through_) return {0, {}, closes_.at(month)};
  const std::int64_t at = std::max(clock_ms, last_intake_ms_);
  std::vector<std::string> why;
  if (at < day_start_ms(first_day_of_month(month + 1), head_.offset)) why.emplace_back("not ended");
  const Reckoning now = reckon();
  // READING: before accept_from there is nothing to close, unless usage was taken there all the same.
  const auto usage = now.usage_months();
  if (!closed_through_ && month < month_of_day(facts_.accept_from) && (!usage || month < usage->first)) {
    why.emplace_back("before accept_from");
  }
  const std::vector<int> months = months_to_close(month);
  for (const int earlier : months) {
    for (const auto& [uscc, firm] : facts_.firms) {
      if (earlier < month && now.open(earlier, uscc).has_difference()) why.emplace_back("earlier month open");
    }
  }
  if (reason.empty()) {
    for (const std::string& what : to_sign_off(month)) why.push_back(what);
  }
  if (!why.empty()) return {409, why, {}};

  const Json actor = {{"kind", actor_kind}, {"id", actor_id}};
  Reckoning::Frozen frozen = frozen_;  // `now` reads frozen_ until all months are computed
  for (const int each : months) closes_[each] = freeze(each, now, actor, at, frozen);
  frozen_ = frozen;
  closed_through_ = month;
  last_intake_ms_ = at;
  return {0, {}, closes_[month]};
}

/// Freezes a month's statements; the reply of its close.
Json Model::freeze(int month, const Reckoning& now, const Json& actor, std::int64_t at,
                   Reckoning::Frozen& frozen) const {
  const std::string closed_at = show_instant(at, head_.offset);
  Int net, tax, gross, eligible, subsidy;
  int count = 0;
  for (const auto& [uscc, firm] : facts_.firms) {
    Statement statement = now.open(month, uscc);
    if (!statement.has_difference() && statement.unpriced.empty()) continue;
    statement.json["state"] = "closed";
    statement.json["closed_at"] = closed_at;
    statement.json["closed_by"] = actor;
    frozen[{month, uscc}] = statement;
    ++count;
    net += statement.net;
    tax += statement.tax;
    gross += statement.gross;
    eligible += statement.eligible;
    subsidy += statement.subsidy;
  }
  return {{"period", show_month(month)}, {"closed_at", closed_at},         {"closed_by", actor},
          {"statements", count},         {"net", show_fen(net)},           {"tax", show_fen(tax)},
          {"gross", show_fen(gross)},    {"eligible", show_fen(eligible)}, {"subsidy", show_fen(subsidy)}};
}

}  // namespace naive
