#include "daemon/api/request.h"

#include <algorithm>
#include <charconv>
#include <set>

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

std::optional<http::Response> refuse_unknown_query(const http::Request& request,
                                                   std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return problem(422, "invalid", "Wrong query", request.path + " takes no query parameter " + name);
    }
  }
  return std::nullopt;
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

billing::Actor actor_of(const http::Request& request) {
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
