// The API as the commands need it: JSON in, JSON out, lists page by page, problems as sentences.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "daemon/ctl/http_client.h"

namespace voucherd::ctl {

inline constexpr int page_items = 500;

using Json = nlohmann::ordered_json;
using Query = std::vector<std::pair<std::string, std::string>>;

/// A member that is text; "" where it is absent, null or something else.
std::string text_member(const Json& object, const char* member);

/// "/v1/firms" and {{"limit","5"}} → "/v1/firms?limit=5"; entries without a value are left out.
std::string with_query(const std::string& path, const Query& query);

/// What a reply that is not 2xx says, on a line each: title, detail and every error with its pointer.
/// The code is "http_<status>".
Fault problem_of(const HttpReply& reply);

class ApiClient {
 public:
  explicit ApiClient(ServerAddress server) : http_(std::move(server)) {}

  /// The body of a 2xx answer; the Fault of problem_of() otherwise.
  Result<std::string> get(const std::string& target, const std::string& accept);
  Result<Json> get_json(const std::string& target);
  /// get() of an answer of any length, piece by piece. Faults of HttpClient::receive(), too.
  Result<void> download(const std::string& target, const std::string& accept, const HttpClient::Sink& sink);
  /// PUT or POST of JSON text.
  Result<Json> send_json(const std::string& method, const std::string& target, std::string body);
  /// POST of a file as it is.
  Result<Json> send_file(const std::string& target, const std::string& content_type, std::string body);
  /// Calls `visit` for every item of a list, page after page, until it returns false.
  Result<void> for_each_item(const std::string& path, Query query, const std::function<bool(Json&&)>& visit);

 private:
  Result<std::string> exchange(const HttpRequest& request);
  HttpClient http_;
};

}  // namespace voucherd::ctl
