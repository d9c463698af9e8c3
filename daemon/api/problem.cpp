#include "daemon/api/problem.h"

#include <nlohmann/json.hpp>

#include "billing/render/document_size.h"
#include "daemon/access/token_text.h"

namespace voucherd::api {

http::Response problem(int status, const std::string& code, const std::string& title,
                       const std::string& detail, const std::vector<billing::FieldFault>& errors) {
  // Details quote what a client sent; a token that was put in the wrong place goes into nobody's log.
  using access::without_secrets;
  nlohmann::ordered_json body = {{"type", "urn:voucherd:problem:" + code},
                                 {"title", title},
                                 {"status", status},
                                 {"detail", without_secrets(detail)}};
  for (const auto& fault : errors) {
    body["errors"].push_back(
        {{"pointer", without_secrets(fault.pointer)}, {"detail", without_secrets(fault.detail)}});
  }
  http::Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  // Bytes that are not UTF-8 are replaced, never passed on.
  response.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  return response;
}

http::Response problem(const billing::Refusal& refusal) {
  const char* code = "invalid";
  switch (refusal.status) {
    case 404:
      code = "not-found";
      break;
    case 409:
      code = "forbidden-by-state";
      break;
    case 412:
      code = "precondition-failed";
      break;
    case 503:
      code = "clock-behind";
      break;
    case 507:
      code = "disk-full";
      break;
    default:
      break;
  }
  auto response = problem(refusal.status, code, refusal.title, refusal.detail, refusal.faults);
  if (refusal.status >= 500) response.headers.emplace_back("Retry-After", "30");
  return response;
}

http::Response not_found(const std::string& detail) { return problem(404, "not-found", "Not found", detail); }
http::Response not_acceptable(const std::string& detail) {
  return problem(406, "not-acceptable", "Not acceptable", detail);
}
http::Response bad_request(const std::string& detail) {
  return problem(400, "unreadable", "The request can't be read", detail);
}

http::Response document_problem(const Fault& fault) {
  if (fault.code == billing::document_too_large)
    return problem(422, "document-too-large", "The document would be too large", fault.detail);
  if (fault.code == "xlsx_failed")
    return problem(507, "disk-full", "No space for the document", fault.detail);
  return problem(500, "document-failed", "The document could not be made", fault.detail);
}

http::Response too_many_documents() {
  http::Response response = problem(503, "overloaded", "Too many documents",
                                    "more documents are waiting than fit the queue; try again");
  response.headers.emplace_back("Retry-After", std::to_string(http::retry_after_seconds));
  return response;
}

}  // namespace voucherd::api
