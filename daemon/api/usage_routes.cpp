// GET /v1/usage, /v1/sources and a firm's subsidy of a year: figures without a statement.
#include <algorithm>
#include <charconv>
#include <map>

#include "daemon/api/api.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

using Json = nlohmann::ordered_json;

struct Grouping {
  bool day = false, sku = false, project = false;
};

/// "day,sku,project" or a part of it; nullopt: another word.
std::optional<Grouping> parse_grouping(std::string_view text) {
  Grouping grouping;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view word = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (word == "day") {
      grouping.day = true;
    } else if (word == "sku") {
      grouping.sku = true;
    } else if (word == "project") {
      grouping.project = true;
    } else {
      return std::nullopt;
    }
  }
  return grouping;
}

struct UsageQuery {
  FirmId firm;
  LocalDay from, until;
  Grouping grouping;
};

std::variant<UsageQuery, http::Response> read_usage_query(const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"firm", "from", "until", "group_by", "limit", "after"})) {
    return *refusal;
  }
  UsageQuery query;
  std::vector<billing::FieldFault> faults;
  if (const std::string* firm = request.query_value("firm")) {
    query.firm = FirmId(*firm);
  } else {
    faults.push_back({"firm", "name the firm by its code"});
  }
  query.from = read_day(request, "from", faults).value_or(parse_day("0001-01-01").value());
  query.until = read_day(request, "until", faults).value_or(LocalDay{local_day_max.days + 1});
  const std::string* group_by = request.query_value("group_by");
  if (const auto grouping = parse_grouping(group_by == nullptr ? "day,sku,project" : *group_by)) {
    query.grouping = *grouping;
  } else {
    faults.push_back({"group_by", "must be of day, sku and project, with commas between them"});
  }
  if (!faults.empty()) return problem(422, "invalid", "Wrong query", "the query can't be answered", faults);
  return query;
}

struct UsageGroup {
  Json shown;
  Quantity quantity;
};

/// By what they are grouped by, in its order. Quantities of different units are never added up.
std::map<std::string, UsageGroup> group_usage(const Engine& engine, const UsageQuery& query) {
  std::map<std::string, UsageGroup> groups;
  for (const UsageTotal& total : engine.usage().totals().of(query.firm, query.from, query.until)) {
    Json shown = Json::object();
    if (query.grouping.day) shown["day"] = to_string(total.day);
    if (query.grouping.sku) shown["sku"] = total.sku.value;
    if (query.grouping.project) {
      shown["project"] = total.project.empty() ? Json() : Json(total.project.value);
    }
    shown["unit"] = engine.ledger().facts().skus.at(total.sku).unit;
    std::string key;  // what sorts below every text parts the parts
    for (const auto& [name, value] : shown.items()) {
      key += (value.is_null() ? std::string() : value.get<std::string>()) + '\t';
    }
    UsageGroup& group = groups[key];
    group.shown = std::move(shown);
    group.quantity += total.quantity;
  }
  return groups;
}

http::Response list_usage(const Engine& engine, const http::Request& request) {
  const auto read = read_usage_query(request);
  if (const auto* refusal = std::get_if<http::Response>(&read)) return *refusal;
  const auto& query = std::get<UsageQuery>(read);
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return *refusal;
  const auto& [after, limit] = std::get<Page>(page);
  if (!engine.ledger().knows_firm(query.firm.value)) {
    return not_found("there is no firm " + query.firm.value);
  }
  auto groups = group_usage(engine, query);
  Json items;
  std::optional<std::string> next;
  std::string last;
  for (auto group = groups.upper_bound(after); group != groups.end(); ++group) {
    if (items.size() == limit) {
      next = last;
      break;
    }
    last = group->first;
    group->second.shown["quantity"] = to_string(group->second.quantity);
    items.push_back(std::move(group->second.shown));
  }
  return list_response(std::move(items), next);
}

/// The days without usage between the first one with and the last.
Json show_gaps(const DaySet& days) {
  Json gaps = Json::array();
  for (std::size_t i = 1; i < days.runs().size(); ++i) {
    const LocalDay from{days.runs()[i - 1].last.days + 1};
    gaps.push_back({{"from", to_string(from)}, {"until", to_string(days.runs()[i].first)}});
  }
  return gaps;
}

http::Response list_sources(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"limit", "after"})) return *refusal;
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return *refusal;
  const auto& [after, limit] = std::get<Page>(page);
  const UtcOffset offset = engine.genesis().offset;
  const auto& sources = engine.usage().sources();
  Json items;
  std::optional<std::string> next;
  std::string last;
  for (auto source = sources.upper_bound(after); source != sources.end(); ++source) {
    if (items.size() == limit) {
      next = last;
      break;
    }
    const auto& [name, figures] = *source;
    const bool has_usage = !figures.usage_days.runs().empty();
    items.push_back({{"source", name},
                     {"events", figures.events},
                     {"last_usage", has_usage ? Json(format_instant(figures.last_usage, offset)) : Json()},
                     {"last_arrival", format_instant(figures.last_arrival, offset)},
                     {"gaps", show_gaps(figures.usage_days)}});
    last = name;
  }
  return list_response(std::move(items), next);
}

std::optional<int> parse_year(const std::string& text) {
  const auto month = parse_month(text + "-01");
  if (!month) return std::nullopt;
  return month->year();
}

http::Response show_subsidy(const Engine& engine, const http::Request& request, const PathValues& values) {
  if (auto refusal = refuse_unknown_query(request, {})) return *refusal;
  const auto year = parse_year(values[1]);
  if (!year) return problem(422, "invalid", "Wrong year", "a year has four digits, like 2026");
  const auto overview = engine.ledger().subsidy_overview(FirmId(values[0]), *year);
  if (!overview) return not_found("there is no firm " + values[0]);
  Json months = Json::array();
  for (const auto& month : overview->months) {
    months.push_back({{"month", to_string(month.month)},
                      {"eligible", to_string(month.eligible)},
                      {"target", to_string(month.target)},
                      {"subsidy", to_string(month.subsidy)}});
  }
  const auto& used_up = overview->cap_used_up;
  const auto& projected = overview->cap_projected;
  return json_response(200, {{"firm", values[0]},
                             {"year", *year},
                             {"months", std::move(months)},
                             {"eligible", to_string(overview->year.eligible_to_date)},
                             {"target", to_string(overview->year.target)},
                             {"granted", to_string(overview->year.granted_before)},
                             {"cap", to_string(overview->year.cap)},
                             {"other_centres", to_string(overview->year.other_centres)},
                             {"remaining", to_string(overview->year.remaining)},
                             {"cap_used_up", used_up ? Json(to_string(*used_up)) : Json()},
                             {"cap_projected", projected ? Json(to_string(*projected)) : Json()}});
}

}  // namespace

void add_usage_routes(Router& router, Engine& engine) {
  router.add("GET", "/v1/usage",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(list_usage(engine, request));
             });
  router.add("GET", "/v1/sources",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(list_sources(engine, request));
             });
  router.add("GET", "/v1/firms/{}/subsidy/{}",
             [&engine](http::Request&& request, const PathValues& values, const http::Reply& reply) {
               reply(show_subsidy(engine, request, values));
             });
}

}  // namespace voucherd::api
