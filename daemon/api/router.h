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

struct Route {
  std::string method, pattern;
  std::vector<std::string> segments;
  RouteHandler handler;
};

class Router {
 public:
  /// `pattern` like "/v1/statements/{}/{}".
  void add(const std::string& method, const std::string& pattern, RouteHandler handler);
  /// What answers a request. HEAD is GET.
  struct Match {
    const Route* route = nullptr;  // nullptr: nothing does
    PathValues values;
    std::string allow;  // without a route: the methods that would; "": no pattern fits
  };
  Match match(const http::Request& request) const;
  /// Answers 404 where no pattern fits, 405 with Allow where another method would.
  /// Returns the pattern that answered, "" where none did: for metrics, whose labels must be few.
  static std::string answer(const Match& match, http::Request&& request, http::Reply reply);
  /// (method, pattern) of each route.
  std::vector<std::pair<std::string, std::string>> routes() const;

 private:
  std::vector<Route> routes_;
};

}  // namespace voucherd::api
