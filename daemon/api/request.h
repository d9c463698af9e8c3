// What routes share in reading requests and writing answers.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>

#include "billing/core/statement.h"
#include "billing/ledger/fact_codec.h"
#include "daemon/http/server.h"

namespace voucherd::api {

struct Page {
  std::string after;
  std::size_t limit;
};
/// `?limit=` and `?after=`; the Response is the refusal of a limit that is no number from 1 to the most.
std::variant<Page, http::Response> read_page(const http::Request& request);

/// The day that a query parameter names; nullopt where it is absent, or wrong: then there is a fault more.
std::optional<LocalDay> read_day(const http::Request& request, const char* name,
                                 std::vector<billing::FieldFault>& faults);

/// The refusal of query parameters other than `known`; nullopt: all are known.
std::optional<http::Response> refuse_unknown_query(const http::Request& request,
                                                   std::initializer_list<std::string_view> known);

/// ?excel=1: CSV shall begin with a byte order mark.
bool wants_excel(const http::Request& request);

/// A body that is one JSON object without duplicate members. The Response is 400 or 422.
std::variant<nlohmann::json, http::Response> read_object(const http::Request& request);

/// Which of `types` the Accept header likes best (RFC 9110 §12.5.1: q, `*/*`, `text/*`; of equals the first
/// one in `types`); nullopt: none. An absent header takes the first.
std::optional<std::size_t> choose_type(std::string_view accept,
                                       std::initializer_list<std::string_view> types);

/// Who sent it, for the journal; {"local", address} where nobody has shown a token or a certificate.
billing::Actor actor_of(const http::Request& request);

http::Response json_response(int status, const nlohmann::ordered_json& body);
/// {"items": […], "next": …}; `next` only where given.
http::Response list_response(nlohmann::ordered_json items, const std::optional<std::string>& next);

nlohmann::ordered_json show_actor(const billing::Actor& actor);

}  // namespace voucherd::api
