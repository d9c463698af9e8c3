#include "daemon/api/request.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "daemon/access/identity.h"
#include "daemon/api/api.h"
#include "daemon/api/problem.h"

namespace voucherd::api {

std::variant<Page, http::Response> read_page(const http::Request& request) {
  Page page{"", page_items_default};
  if (const std::string* after = request.query_value("after")) page.after = *after;
  if (const std::string* limit = request.query_value("limit")) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), value);
    if (error != std::errc() || end != limit->data() + limit->size() || value == 0 ||
        value > page_items_max) {
      return problem(422, "invalid", "Wrong query",
                     "limit is a number from 1 to " + std::to_string(page_items_max));
    }
    page.limit = value;
  }
  return page;
}

std::optional<LocalDay> read_day(const http::Request& request, const char* name,
                                 std::vector<billing::FieldFault>& faults) {
  const std::string* given = request.query_value(name);
  if (given == nullptr) return std::nullopt;
  const auto day = parse_day(*given);
  if (day) return *day;
  faults.push_back({name, day.error().detail});
  return std::nullopt;
}

std::optional<http::Response> refuse_unknown_query(const http::Request& request,
                                                   std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return problem(422, "invalid", "Wrong query", request.path + " takes no query parameter " + name);
    }
  }
  return std::nullopt;
}

bool wants_excel(const http::Request& request) {
  const std::string* excel = request.query_value("excel");
  return excel != nullptr && *excel == "1";
}

std::variant<nlohmann::json, http::Response> read_object(const http::Request& request) {
  // nlohmann keeps the last of two members of one name; which one was meant can't be known.
  std::vector<std::set<std::string>> members;
  std::optional<std::string> twice;
  const auto watch = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::object_start) members.emplace_back();
    if (event == nlohmann::json::parse_event_t::object_end) members.pop_back();
    if (event == nlohmann::json::parse_event_t::key &&
        !members.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  nlohmann::json body;
  try {
    body = nlohmann::json::parse(request.body, watch);
  } catch (const nlohmann::json::exception& error) {  // also: a number beyond a double
    return bad_request("the body is not JSON: " + std::string(error.what()));
  }
  if (twice) return bad_request("the member " + *twice + " stands twice in one object");
  if (!body.is_object()) return problem(422, "invalid", "Wrong body", "the body must be a JSON object");
  return body;
}

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes what stands in front of the next `separator` off `text`.
std::string_view take_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(part);
}

/// "0.8" in thousandths; what is no quality value counts as 1.
int quality(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = take_part(parameters, ';');
    if (parameter.size() < 3 || (parameter[0] | 0x20) != 'q' || parameter[1] != '=') continue;
    int value = 0, weight = 1000;
    for (const char c : parameter.substr(2)) {
      if (c == '.') continue;
      if (c < '0' || c > '9' || weight == 0) break;
      value += (c - '0') * weight;
      weight /= 10;
    }
    return value;
  }
  return 1000;
}

/// How closely a range of Accept names the type: 0 where it doesn't.
int closeness(std::string_view range, std::string_view type) {
  if (range == type) return 3;
  if (range.size() > 2 && range.substr(range.size() - 2) == "/*" &&
      type.substr(0, range.size() - 1) == range.substr(0, range.size() - 1)) {
    return 2;
  }
  return range == "*/*" ? 1 : 0;
}

}  // namespace

std::optional<std::size_t> choose_type(std::string_view accept,
                                       std::initializer_list<std::string_view> types) {
  if (trimmed(accept).empty()) return 0;
  std::optional<std::size_t> best;
  int best_quality = 0;
  for (std::size_t at = 0; at < types.size(); ++at) {
    int closest = 0, wanted = 0;
    for (std::string_view left = accept; !left.empty();) {
      std::string_view entry = take_part(left, ',');
      const int close = closeness(take_part(entry, ';'), types.begin()[at]);
      if (close > closest) {
        closest = close;
        wanted = quality(entry);
      }
    }
    if (wanted > best_quality) {
      best = at;
      best_quality = wanted;
    }
  }
  return best;
}

billing::Actor actor_of(const http::Request& request) {
  if (request.caller) return request.caller->actor;
  return {"local", request.peer.substr(0, request.peer.rfind(':'))};
}

http::Response json_response(int status, const nlohmann::ordered_json& body) {
  http::Response response;
  response.status = status;
  response.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  return response;
}

http::Response list_response(nlohmann::ordered_json items, const std::optional<std::string>& next) {
  if (items.is_null()) items = nlohmann::ordered_json::array();
  nlohmann::ordered_json body = {{"items", std::move(items)}};
  if (next) body["next"] = *next;
  return json_response(200, body);
}

nlohmann::ordered_json show_actor(const billing::Actor& actor) {
  return {{"kind", actor.kind}, {"id", actor.id}};
}

}  // namespace voucherd::api
