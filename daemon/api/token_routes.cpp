// /v1/tokens: who may come in. Only hashes of secrets ever get here: whoever makes a token keeps its secret.
#include "daemon/api/api.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

using Json = nlohmann::ordered_json;
using access::Token;
using access::TokenAction;

Json show_instant(const std::optional<Instant>& instant, UtcOffset offset) {
  return instant ? Json(format_instant(*instant, offset)) : Json();
}

const char* state_of(const Token& token, Instant now) {
  if (token.revoked_at) return "revoked";
  return token.is_expired(now) ? "expired" : "active";
}

Json show(const Engine& engine, const Token& token) {
  const UtcOffset offset = engine.genesis().offset;
  const Instant now = engine.now();
  const access::Identity& identity = *token.identity;
  Json shown = {{"id", identity.token}, {"role", to_string(identity.role)}};
  if (identity.role == access::Role::ingest) shown["source"] = identity.source;
  if (identity.role == access::Role::firm) shown["firms"] = identity.firms;
  shown["description"] = token.description;
  shown["expires"] = show_instant(token.expires, offset);
  shown["state"] = state_of(token, now);
  if (!token.certificate_sha256.empty()) shown["certificate_sha256"] = token.certificate_sha256;
  if (token.previous_until && *token.previous_until > now)
    shown["old_until"] = show_instant(token.previous_until, offset);
  if (token.revoked_at) shown["revoked_at"] = show_instant(token.revoked_at, offset);
  shown["created_at"] = format_instant(token.history.front().at, offset);
  shown["created_by"] = show_actor(token.history.front().by);
  return shown;
}

/// With what became of it, and who did it.
Json show_whole(const Engine& engine, const Token& token) {
  Json shown = show(engine, token);
  Json history = Json::array();
  for (const access::TokenEvent& event : token.history) {
    Json item = {{"position", event.position},
                 {"at", format_instant(event.at, engine.genesis().offset)},
                 {"by", show_actor(event.by)},
                 {"action", to_string(event.action)}};
    for (const char* member : {"expires", "old_until", "reason"}) {
      if (event.body.contains(member)) item[member] = event.body[member];
    }
    history.push_back(std::move(item));
  }
  shown["history"] = std::move(history);
  return shown;
}

http::Response show_one(const Engine& engine, const std::string& id) {
  const Token* token = engine.tokens().find(id);
  if (token == nullptr) return not_found("there is no token " + id);
  return json_response(200, show_whole(engine, *token));
}

http::Response list(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"limit", "after"})) return *refusal;
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return *refusal;
  const auto& [after, limit] = std::get<Page>(page);
  const auto& tokens = engine.tokens().all();
  Json items;
  std::optional<std::string> next;
  std::string last;
  for (auto token = tokens.upper_bound(after); token != tokens.end(); ++token) {
    if (items.size() == limit) {
      next = last;
      break;
    }
    items.push_back(show(engine, token->second));
    last = token->first;
  }
  return list_response(std::move(items), next);
}

void change(Engine& engine, TokenAction action, const http::Request& request, const std::string& id,
            const http::Reply& reply) {
  if (auto refusal = refuse_unknown_query(request, {})) return reply(std::move(*refusal));
  auto read = read_object(request);
  if (auto* refusal = std::get_if<http::Response>(&read)) return reply(std::move(*refusal));
  engine.change_token(
      {action, id, std::move(std::get<nlohmann::json>(read))}, actor_of(request),
      [&engine, id, reply](const Engine::TokenReply& done) {
        if (done.refusal) return reply(problem(*done.refusal));
        reply(json_response(done.created ? 201 : 200, show_whole(engine, *engine.tokens().find(id))));
      });
}

}  // namespace

void add_token_routes(Router& router, Engine& engine) {
  router.add("GET", "/v1/tokens",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(list(engine, request));
             });
  router.add("GET", "/v1/tokens/{}",
             [&engine](http::Request&&, const PathValues& values, const http::Reply& reply) {
               reply(show_one(engine, values[0]));
             });
  const auto add_change = [&](const char* method, const char* pattern, TokenAction action) {
    router.add(
        method, pattern,
        [&engine, action](http::Request&& request, const PathValues& values, const http::Reply& reply) {
          change(engine, action, request, values[0], reply);
        });
  };
  add_change("PUT", "/v1/tokens/{}", TokenAction::create);
  add_change("POST", "/v1/tokens/{}/rotate", TokenAction::rotate);
  add_change("POST", "/v1/tokens/{}/revoke", TokenAction::revoke);
}

}  // namespace voucherd::api
