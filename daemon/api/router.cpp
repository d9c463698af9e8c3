#include "daemon/api/router.h"

#include <algorithm>
#include <optional>

#include "daemon/api/problem.h"

namespace voucherd::api {

namespace {

std::optional<PathValues> values_of(const std::vector<std::string>& pattern,
                                    const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  PathValues values;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "{}") {
      values.push_back(path[i]);
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return values;
}

/// "/v1/a/{}" is {"v1", "a", "{}"}.
std::vector<std::string> split(const std::string& pattern) {
  std::vector<std::string> segments;
  std::size_t from = 1;
  while (from <= pattern.size()) {
    const std::size_t to = std::min(pattern.find('/', from), pattern.size());
    segments.push_back(pattern.substr(from, to - from));
    from = to + 1;
  }
  return segments;
}

}  // namespace

void Router::add(const std::string& method, const std::string& pattern, RouteHandler handler) {
  routes_.push_back({method, pattern, split(pattern), std::move(handler)});
}

std::vector<std::pair<std::string, std::string>> Router::routes() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Route& route : routes_) all.emplace_back(route.method, route.pattern);
  return all;
}

Router::Match Router::match(const http::Request& request) const {
  Match match;
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  for (const Route& route : routes_) {
    auto values = values_of(route.segments, request.segments);
    if (!values) continue;
    if (route.method == method) return {&route, std::move(*values), {}};
    match.allow += (match.allow.empty() ? "" : ", ") + route.method;
  }
  return match;
}

std::string Router::answer(const Match& match, http::Request&& request, http::Reply reply) {
  if (match.route != nullptr) {
    match.route->handler(std::move(request), match.values, std::move(reply));
    return match.route->pattern;
  }
  if (match.allow.empty()) {
    reply(not_found("there is nothing at " + request.path));
    return {};
  }
  auto response =
      problem(405, "method-not-allowed", "Method not allowed", request.path + " takes " + match.allow);
  response.headers.emplace_back("Allow", match.allow);
  reply(std::move(response));
  return {};
}

}  // namespace voucherd::api
