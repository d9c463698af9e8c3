// Which function answers which method and path. A pattern is segments; "{}" takes any one.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/http/server.h"

namespace voucherd::api {

/// What the "{}" of the pattern stood for, in order.
using PathValues = std::vector<std::string>;
using RouteHandler = std::function<void(http::Request&&, const PathValues&, http::Reply)>;

class Router {
 public:
  /// `pattern` like "/v1/statements/{}/{}".
  void add(const std::string& method, const std::string& pattern, RouteHandler handler);
  /// Answers 404 where no pattern fits, 405 with Allow where another method would. HEAD is GET.
  /// Returns the pattern that answered, "" where none did: for metrics, whose labels must be few.
  std::string dispatch(http::Request&& request, http::Reply reply) const;
  /// (method, pattern) of each route.
  std::vector<std::pair<std::string, std::string>> routes() const;

 private:
  struct Route {
    std::string method, pattern;
    std::vector<std::string> segments;
    RouteHandler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace voucherd::api
