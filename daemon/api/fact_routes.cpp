// Firms, SKUs, price books, contracts, policies, awards, settings: PUT, GET one, list, history.
#include <charconv>
#include <utility>

#include "daemon/api/api.h"
#include "daemon/api/preview.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

using billing::FactKind;

constexpr const char* settings_key = "settings";

std::string title_of(FactKind kind) { return std::string(to_string(kind)); }

http::Response show_version(int status, const billing::FactVersion& version, const std::string& etag) {
  auto response = json_response(status, version.shown);
  response.headers.emplace_back("ETag", etag);
  return response;
}

http::Response show_one(const Engine& engine, FactKind kind, const std::string& key) {
  const auto* history = engine.ledger().history(kind, key);
  if (history == nullptr) return not_found("there is no " + title_of(kind) + " " + key);
  return show_version(200, history->back(), engine.ledger().etag_of(kind, key));
}

http::Response show_history(const Engine& engine, FactKind kind, const std::string& key,
                            const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"limit", "after"})) return *refusal;
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return *refusal;
  const auto& [after, limit] = std::get<Page>(page);
  Position from = 0;  // versions behind this position
  const auto [end, error] = std::from_chars(after.data(), after.data() + after.size(), from);
  if (!after.empty() && (error != std::errc() || end != after.data() + after.size())) {
    return problem(422, "invalid", "Wrong query", "after is a version's position");
  }
  const auto* history = engine.ledger().history(kind, key);
  if (history == nullptr && kind == FactKind::settings) return list_response({}, std::nullopt);
  if (history == nullptr) return not_found("there is no " + title_of(kind) + " " + key);
  nlohmann::ordered_json items;
  std::optional<std::string> next;
  const nlohmann::ordered_json* before = nullptr;
  for (const auto& version : *history) {
    const auto* const previous = std::exchange(before, &version.shown);
    if (version.position <= from) continue;
    if (items.size() == limit) {
      next = items.back()["position"].dump();
      break;
    }
    nlohmann::ordered_json item = {{"position", version.position},
                                   {"at", format_instant(version.at, engine.genesis().offset)},
                                   {"by", show_actor(version.by)}};
    if (!version.reason.empty()) item["reason"] = version.reason;
    item["before"] = previous == nullptr ? nlohmann::ordered_json() : *previous;
    item["after"] = version.shown;
    items.push_back(std::move(item));
  }
  return list_response(std::move(items), next);
}

http::Response list(const Engine& engine, FactKind kind, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"limit", "after"})) return *refusal;
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return *refusal;
  const auto& [after, limit] = std::get<Page>(page);
  auto keys = engine.ledger().keys(kind, after, limit + 1);
  std::optional<std::string> next;
  if (keys.size() > limit) {
    keys.pop_back();
    next = keys.back();
  }
  nlohmann::ordered_json items;
  for (const auto& key : keys) items.push_back(engine.ledger().history(kind, key)->back().shown);
  return list_response(std::move(items), next);
}

struct Put {
  billing::FactChange change;
  std::string reason;
  std::optional<std::string> if_match;
};

std::variant<Put, http::Response> read_put(FactKind kind, const std::string& key,
                                           const http::Request& request) {
  auto read = read_object(request);
  if (auto* refusal = std::get_if<http::Response>(&read)) return std::move(*refusal);
  auto& body = std::get<nlohmann::json>(read);
  Put put;
  if (const auto given = body.find("reason"); given != body.end()) {
    if (!given->is_string()) {
      return problem(422, "invalid", "Wrong body", "reason must be a string",
                     {{"/reason", "must be a string"}});
    }
    put.reason = given->get<std::string>();
    body.erase(given);
  }
  if (const auto given = request.header("if-match"); !given.empty()) put.if_match = std::string(given);
  put.change = {kind, key, std::move(body)};
  return put;
}

void put(Engine& engine, FactKind kind, const std::string& key, const http::Request& request,
         const http::Reply& reply) {
  auto dry_run = read_dry_run(request, {});
  if (auto* refusal = std::get_if<http::Response>(&dry_run)) return reply(std::move(*refusal));
  auto read = read_put(kind, key, request);
  if (auto* refusal = std::get_if<http::Response>(&read)) return reply(std::move(*refusal));
  auto& [change, reason, if_match] = std::get<Put>(read);
  if (std::get<bool>(dry_run)) {
    const auto preview = engine.ledger().preview_facts({change}, actor_of(request), reason, if_match);
    if (preview.refusal) return reply(problem(*preview.refusal));
    auto body = show_preview(preview);
    body["created"] = preview.created.front();
    body["value"] = preview.shown.front();
    return reply(json_response(200, body));
  }
  engine.change_facts(
      {std::move(change)}, actor_of(request), reason, if_match,
      [&engine, kind, key, reply](const Engine::ChangeReply& done) {
        if (done.refusal) return reply(problem(*done.refusal));
        reply(show_version(done.created.front() ? 201 : 200, engine.ledger().history(kind, key)->back(),
                           engine.ledger().etag_of(kind, key)));
      });
}

void add_kind(Router& router, Engine& engine, FactKind kind) {
  const std::string path = "/v1/" + std::string(path_of(kind));
  router.add("GET", path,
             [&engine, kind](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(list(engine, kind, request));
             });
  router.add("GET", path + "/{}",
             [&engine, kind](http::Request&&, const PathValues& values, const http::Reply& reply) {
               reply(show_one(engine, kind, values[0]));
             });
  router.add("GET", path + "/{}/history",
             [&engine, kind](http::Request&& request, const PathValues& values, const http::Reply& reply) {
               reply(show_history(engine, kind, values[0], request));
             });
  router.add("PUT", path + "/{}",
             [&engine, kind](http::Request&& request, const PathValues& values, const http::Reply& reply) {
               put(engine, kind, values[0], request, reply);
             });
}

}  // namespace

void add_fact_routes(Router& router, Engine& engine) {
  for (const FactKind kind : {FactKind::firm, FactKind::sku, FactKind::price_book, FactKind::contract,
                              FactKind::policy, FactKind::external_award}) {
    add_kind(router, engine, kind);
  }
  // The settings are one fact: no key in the path.
  router.add("GET", "/v1/settings", [&engine](http::Request&&, const PathValues&, const http::Reply& reply) {
    if (engine.ledger().history(FactKind::settings, settings_key) != nullptr) {
      return reply(show_one(engine, FactKind::settings, settings_key));
    }
    reply(json_response(200, {{"accept_from", to_string(engine.ledger().facts().accept_from)}}));
  });
  router.add("GET", "/v1/settings/history",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(show_history(engine, FactKind::settings, settings_key, request));
             });
  router.add("PUT", "/v1/settings",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               put(engine, FactKind::settings, settings_key, request, reply);
             });
}

}  // namespace voucherd::api
