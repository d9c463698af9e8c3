// Problem details are cold: nlohmann writes them.
#include "daemon/http/problem.h"

#include <boost/beast/http/status.hpp>
#include <nlohmann/json.hpp>

namespace voucherd::http {

std::string_view reason_phrase(int status) {
  namespace beast_http = boost::beast::http;
  const auto phrase = beast_http::obsolete_reason(beast_http::int_to_status(static_cast<unsigned>(status)));
  return {phrase.data(), phrase.size()};
}

Response problem(const Refusal& refusal) {
  nlohmann::ordered_json body;
  body["type"] = "about:blank";
  body["title"] = reason_phrase(refusal.status);
  body["status"] = refusal.status;
  body["detail"] = refusal.detail;
  Response response;
  response.status = refusal.status;
  response.content_type = "application/problem+json";
  // Details may quote what the client sent, which need not be UTF-8.
  response.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return response;
}

Response failed_inside() { return problem({500, "the request failed inside the server; its log says why"}); }

}  // namespace voucherd::http
