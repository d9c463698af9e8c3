// POST /v1/events: bytes to a batch to the sequencer, and its reply back. GET: one event, or those behind
// a figure.
#include <array>
#include <charconv>

#include "daemon/access/identity.h"
#include "daemon/api/api.h"
#include "daemon/api/body.h"
#include "daemon/api/event_queries.h"
#include "daemon/api/preview.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

constexpr std::size_t refused_shown_max = 20;

std::optional<wire::BodyFormat> body_format(std::string_view content_type) {
  const std::string type = media_type(content_type);
  if (type == "application/cloudevents+json") return wire::BodyFormat::event;
  if (type == "application/cloudevents-batch+json") return wire::BodyFormat::batch;
  if (type == "application/x-ndjson") return wire::BodyFormat::ndjson;
  if (type == "application/json") return wire::BodyFormat::event_or_batch;
  return std::nullopt;
}

http::Response unavailable(int status, const std::string& code, const std::string& detail,
                           const char* retry_after) {
  auto response = problem(status, code, "Nothing of this request was kept", detail);
  response.headers.emplace_back("Retry-After", retry_after);
  return response;
}

/// The answer without problems, which is given tens of thousands of times a second.
http::Response all_good(const IngestReply& reply) {
  http::Response response;
  std::string& body = response.body;
  body.reserve(128);
  const auto member = [&](std::string_view before, std::uint64_t value) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    body.append(before).append(digits.data(), end);
  };
  member(R"({"received":)", reply.received);
  member(R"(,"accepted":)", reply.accepted);
  member(R"(,"duplicate":)", reply.duplicate);
  member(R"(,"conflict":)", reply.conflict);
  member(R"(,"quarantined":)", reply.quarantined);
  member(R"(,"position":)", reply.position);
  body.append(R"(,"problems":[]})").push_back('\n');
  return response;
}

/// No event of the request is one that its token may send.
http::Response show_refused(const IngestReply& reply) {
  std::vector<billing::FieldFault> faults;
  for (const auto& problem : reply.problems) {
    if (faults.size() == refused_shown_max) break;
    faults.push_back({"/" + std::to_string(problem.index), problem.detail});
  }
  return problem(403, "forbidden", "Not allowed", "the token may send none of these events; nothing was kept",
                 faults);
}

http::Response show_reply(const IngestReply& reply) {
  switch (reply.outcome) {
    case IngestReply::Outcome::overloaded:
      return unavailable(503, "overloaded", "the ingest queue is full; send the same batch again later", "1");
    case IngestReply::Outcome::clock_behind:
      return unavailable(503, "clock-behind",
                         "the host's clock stands more than 5 minutes behind the last record; set it right",
                         "30");
    case IngestReply::Outcome::stopping:
      return unavailable(503, "stopping",
                         "the daemon is stopping; send the same batch again after its restart", "5");
    case IngestReply::Outcome::disk_full:
      return unavailable(507, "disk-full",
                         "the journal's disk is full; free some space and send the same batch again", "30");
    case IngestReply::Outcome::done:
      break;
  }
  if (reply.problems.empty()) return all_good(reply);
  if (reply.refused == reply.received) return show_refused(reply);
  nlohmann::ordered_json body = {{"received", reply.received},
                                 {"accepted", reply.accepted},
                                 {"duplicate", reply.duplicate},
                                 {"conflict", reply.conflict},
                                 {"quarantined", reply.quarantined},
                                 {"position", reply.position},
                                 {"problems", nlohmann::ordered_json::array()}};
  if (reply.refused > 0) body["refused"] = reply.refused;
  for (const auto& problem : reply.problems) {
    nlohmann::ordered_json shown = {{"index", problem.index},
                                    {"source", problem.source},
                                    {"id", problem.id},
                                    {"code", to_string(problem.code)},
                                    {"detail", problem.detail}};
    if (problem.quarantine.position != 0) shown["quarantine"] = to_string(problem.quarantine);
    body["problems"].push_back(std::move(shown));
  }
  return json_response(200, body);
}

/// Makes the request's body what the decoder takes; the format, or the refusal.
std::variant<wire::BodyFormat, http::Response> prepare_body(http::Request& request,
                                                            std::size_t body_bytes_max) {
  const bool binary = is_binary_mode(request);
  const auto format = binary ? wire::BodyFormat::event : body_format(request.header("content-type"));
  if (!format) {
    return problem(415, "media-type", "Unsupported media type",
                   "send application/cloudevents+json, application/cloudevents-batch+json, "
                   "application/x-ndjson or application/json");
  }
  if (auto refusal = unpack_body(request, body_bytes_max)) return std::move(*refusal);
  if (binary) {
    if (auto refusal = gather_event(request)) return std::move(*refusal);
  }
  return *format;
}

void post_events(Engine& engine, std::size_t body_bytes_max, http::Request&& request,
                 const http::Reply& reply) {
  const auto dry_run = read_dry_run(request, {});
  if (const auto* refusal = std::get_if<http::Response>(&dry_run)) return reply(*refusal);
  auto prepared = prepare_body(request, body_bytes_max);
  if (auto* refusal = std::get_if<http::Response>(&prepared)) return reply(std::move(*refusal));
  const auto answer = [reply](boost::system::result<IngestReply, wire::BodyFault> done) {
    reply(done ? show_reply(*done) : bad_request(done.error().detail));
  };
  const wire::BodyFormat format = std::get<wire::BodyFormat>(prepared);
  const std::string source = request.caller ? request.caller->source : "";
  if (std::get<bool>(dry_run)) return engine.rehearse(std::move(request.body), format, source, answer);
  engine.ingest(std::move(request.body), format, source, actor_of(request), answer);
}

}  // namespace

void add_event_routes(Router& router, Engine& engine, std::size_t body_bytes_max) {
  router.add("POST", "/v1/events",
             [&engine, body_bytes_max](http::Request&& request, const PathValues&, const http::Reply& reply) {
               post_events(engine, body_bytes_max, std::move(request), reply);
             });
  router.add("GET", "/v1/events",
             [&engine, exports = std::make_shared<ExportsUnderWay>()](
                 http::Request&& request, const PathValues&, const http::Reply& reply) {
               const bool one =
                   request.query_value("source") != nullptr || request.query_value("id") != nullptr;
               if (one) return reply(find_event(engine, request));
               list_events(engine, exports, request, reply);
             });
}

}  // namespace voucherd::api
