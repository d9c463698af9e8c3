// Answers of the API that are not a success: RFC 9457 problems, all faults at once.
#pragma once

#include <string>
#include <vector>

#include "billing/ledger/ledger.h"
#include "daemon/http/server.h"

namespace voucherd::api {

/// `code` becomes the type, urn:voucherd:problem:<code>.
http::Response problem(int status, const std::string& code, const std::string& title,
                       const std::string& detail, const std::vector<billing::FieldFault>& errors = {});
http::Response problem(const billing::Refusal& refusal);
http::Response not_found(const std::string& detail);
http::Response not_acceptable(const std::string& detail);
http::Response bad_request(const std::string& detail);
/// A document that could not be made: 422 where it would be too large, 507 where its temporary files had no
/// space, else 500.
http::Response document_problem(const Fault& fault);
/// 503: the render thread has no place for another one.
http::Response too_many_documents();

}  // namespace voucherd::api
