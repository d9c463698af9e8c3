#include "daemon/api/router.h"

#include <algorithm>
#include <optional>

#include "daemon/api/problem.h"

namespace voucherd::api {

namespace {

std::optional<PathValues> match(const std::vector<std::string>& pattern,
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

std::string Router::dispatch(http::Request&& request, http::Reply reply) const {
  const auto path = request.segments;
  const std::string& method = request.method == "HEAD" ? "GET" : request.method;
  std::string allow;
  for (const Route& route : routes_) {
    const auto values = match(route.segments, path);
    if (!values) continue;
    if (route.method == method) {
      route.handler(std::move(request), *values, std::move(reply));
      return route.pattern;
    }
    allow += (allow.empty() ? "" : ", ") + route.method;
  }
  if (allow.empty()) {
    reply(not_found("there is nothing at " + request.path));
    return {};
  }
  auto response = problem(405, "method-not-allowed", "Method not allowed", request.path + " takes " + allow);
  response.headers.emplace_back("Allow", allow);
  reply(std::move(response));
  return {};
}

}  // namespace voucherd::api
