// 401 says who could come in, 403 who would have to, 429 when to come again.
#include "daemon/api/gate.h"

#include <algorithm>

#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

http::Response unauthorized(const std::string& fault) {
  auto response = problem(401, "unauthorized", "Show who you are",
                          fault.empty() ? "send a token: Authorization: Bearer vch_…" : fault);
  response.headers.emplace_back(
      "WWW-Authenticate",
      fault.empty() ? "Bearer realm=\"voucherd\"" : "Bearer realm=\"voucherd\", error=\"invalid_token\"");
  return response;
}

std::string names_of(const access::Roles& roles) {
  std::string names;
  for (const access::Role role : access::all_roles) {
    if (!roles.contains(role)) continue;
    names.append(names.empty() ? "" : ", ").append(to_string(role));
  }
  return names;
}

/// The firm that the request names, where it must be the caller's own; "" where it names none.
std::string firm_of(access::Own own, const http::Request& request, const PathValues& values) {
  const auto query = [&](const char* name) {
    const std::string* value = request.query_value(name);
    return value == nullptr ? std::string() : *value;
  };
  switch (own) {
    case access::Own::nowhere:
      return {};
    case access::Own::first_value:
      return values.at(0);
    case access::Own::second_value:
      return values.at(1).substr(0, values.at(1).find('.'));  // without the extension
    case access::Own::query_firm:
      return query("firm");
    case access::Own::query_subject:
      // One event by its identity may be anybody's.
      return request.query_value("source") != nullptr || request.query_value("id") != nullptr
                 ? std::string()
                 : query("subject");
  }
  return {};
}

/// Why the role, or the firm, is not enough; "": it is.
std::string forbidden(const access::Identity& caller, const access::Permission* permission,
                      const http::Request& request, const PathValues& values) {
  const std::string who = "token " + caller.token + " has the role " + std::string(to_string(caller.role));
  if (permission == nullptr) return who + "; no role may do this";
  if (!permission->roles.contains(caller.role))
    return who + "; this takes one of: " + names_of(permission->roles);
  if (caller.role != access::Role::firm || permission->own == access::Own::nowhere) return {};
  const std::string firm = firm_of(permission->own, request, values);
  if (std::find(caller.firms.begin(), caller.firms.end(), firm) != caller.firms.end()) return {};
  return "token " + caller.token + " reads figures of its own firms only; name one of them";
}

std::string target_of(const http::Request& request) {
  std::string target = request.path;
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    target.append(1, separator).append(name).append("=").append(value);
    separator = '&';
  }
  return target;
}

http::Response too_many(const std::string& detail, std::uint64_t retry_after) {
  auto response = problem(429, "too-many-requests", "Too many requests", detail);
  response.headers.emplace_back("Retry-After", std::to_string(retry_after));
  return response;
}

http::Response not_logged(const std::string& why) {
  auto response = problem(503, "access-log", "The access log takes no line",
                          "what is read here must be in the access log, which can't be written now (" + why +
                              "); try again later");
  response.headers.emplace_back("Retry-After", "30");
  return response;
}

/// All of a request but its body.
http::Request head_of(const http::Request& request) {
  http::Request head;
  head.method = request.method;
  head.path = request.path;
  head.segments = request.segments;
  head.query = request.query;
  head.headers = request.headers;
  head.peer = request.peer;
  head.tls = request.tls;
  head.client_certificate = request.client_certificate;
  head.client_certificate_expires = request.client_certificate_expires;
  return head;
}

}  // namespace

bool Gate::shows_nothing(const http::Request& request) const {
  return !access_.required && request.client_certificate.empty() && request.header("authorization").empty();
}

Gate::Judgement Gate::judge(const http::Request& request) const {
  Judgement judgement;
  judgement.match = router_.match(request);
  const Route* route = judgement.match.route;
  if (route != nullptr) judgement.permission = access::permission_of(route->method, route->pattern);
  if (shows_nothing(request) || (judgement.permission != nullptr && judgement.permission->anyone))
    return judgement;
  auto outcome = access_.authenticator.identify(request, engine_.tokens(), engine_.now());
  judgement.caller = std::move(outcome.identity);
  if (!judgement.caller) {
    if (!outcome.claimed && !access_.required) return judgement;
    judgement.fault = outcome.fault.empty() ? "nothing was shown" : outcome.fault;
    judgement.refusal = unauthorized(outcome.fault);
  } else if (route != nullptr) {
    judgement.fault = forbidden(*judgement.caller, judgement.permission, request, judgement.match.values);
    if (!judgement.fault.empty())
      judgement.refusal = problem(403, "forbidden", "Not allowed", judgement.fault);
  }
  return judgement;
}

std::optional<http::Response> Gate::admit(const http::Request& head) {
  if (shows_nothing(head)) return std::nullopt;
  Judgement judgement = judge(head);
  // Before what it may do: a token that is refused again and again is held to its rate, too.
  if (judgement.caller) {
    if (auto refusal = hold_to_limits(head, *judgement.caller)) {
      judgement.refusal = std::move(refusal);
      judgement.fault = "too many";
    }
  }
  if (judgement.refusal) log_refusal(head, judgement, judgement.refusal->status);
  return std::move(judgement.refusal);
}

std::optional<http::Response> Gate::hold_to_limits(const http::Request& head,
                                                   const access::Identity& caller) {
  if (!connections_.take(head.peer, caller.token))
    return too_many(
        "this token has its number of connections (access.token_connections_max); keep fewer open",
        http::retry_after_seconds);
  const auto wait = access_.rates.take(caller.token, std::chrono::steady_clock::now());
  if (!wait) return std::nullopt;
  return too_many("this token has sent more than access.token_requests_per_second; send the same again later",
                  *wait);
}

std::string Gate::answer(http::Request&& request, http::Reply reply) {
  Judgement judgement = judge(request);
  const std::string pattern =
      judgement.match.route == nullptr ? std::string() : judgement.match.route->pattern;
  if (judgement.refusal) {
    log_refusal(request, judgement, judgement.refusal->status);
    reply(std::move(*judgement.refusal));
    return pattern;
  }
  // Only reads come in pieces.
  if (judgement.caller && request.method == "GET") reply = held_to_its_right(std::move(reply), request);
  if (judgement.permission != nullptr && judgement.permission->logged) {
    reply = logged(std::move(reply), entry_of(request, judgement));
  } else if (judgement.caller && !judgement.caller->source.empty()) {
    reply = refusal_logged(std::move(reply), entry_of(request, judgement));
  }
  request.caller = std::move(judgement.caller);
  return Router::answer(judgement.match, std::move(request), std::move(reply));
}

access::AccessEntry Gate::entry_of(const http::Request& request, const Judgement& judgement) const {
  access::AccessEntry entry;
  entry.at = engine_.now();
  entry.actor = judgement.caller ? judgement.caller->actor : actor_of(request);
  // A stranger is not the local actor, who may do anything.
  if (!judgement.caller && access_.required) entry.actor.kind = "unknown";
  if (judgement.caller) entry.role = to_string(judgement.caller->role);
  entry.peer = request.peer;
  entry.method = request.method;
  if (judgement.match.route != nullptr) entry.route = judgement.match.route->pattern;
  entry.target = target_of(request);
  return entry;
}

void Gate::log_refusal(const http::Request& request, const Judgement& judgement, int status) {
  access::AccessEntry entry = entry_of(request, judgement);
  entry.status = status;
  entry.fault = judgement.fault;
  access_.log->write(std::move(entry), {});
}

http::Reply Gate::held_to_its_right(http::Reply reply, const http::Request& request) {
  return [this, reply = std::move(reply),
          head = std::make_shared<const http::Request>(head_of(request))](http::Response response) {
    if (!response.next_piece) return reply(std::move(response));
    response.next_piece = [this, head, next = std::move(response.next_piece)](http::DeliverPiece deliver) {
      Judgement again = judge(*head);
      if (!again.refusal) return next(std::move(deliver));
      again.fault.insert(0, "while it was answered: ");
      log_refusal(*head, again, again.refusal->status);
      deliver(std::nullopt);
    };
    reply(std::move(response));
  };
}

http::Reply Gate::logged(http::Reply reply, access::AccessEntry entry) {
  return [this, reply = std::move(reply), entry = std::move(entry)](http::Response response) {
    std::size_t& waiting = access_.answers_waiting_bytes;
    if (waiting > 0 && waiting + response.body.size() > access::access_log_answers_bytes_max)
      response = not_logged("too many answers wait for it");
    access::AccessEntry answered = entry;
    answered.status = response.status;
    const std::size_t bytes = response.body.size();
    waiting += bytes;
    const auto kept = std::make_shared<http::Response>(std::move(response));
    access_.log->write(std::move(answered), [&waiting, bytes, reply, kept](const Result<void>& written) {
      waiting -= bytes;
      reply(written ? std::move(*kept) : not_logged(written.error().detail));
    });
  };
}

http::Reply Gate::refusal_logged(http::Reply reply, access::AccessEntry entry) {
  return [this, reply = std::move(reply), entry = std::move(entry)](http::Response response) {
    if (response.status == 403) {
      access::AccessEntry refused = entry;
      refused.status = response.status;
      refused.fault = "no event of a source that the token may send";
      access_.log->write(std::move(refused), {});
    }
    reply(std::move(response));
  };
}

}  // namespace voucherd::api
