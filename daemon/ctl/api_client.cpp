// Paging follows `next` until it is absent; nothing but the page at hand is kept.
#include "daemon/ctl/api_client.h"

namespace voucherd::ctl {

namespace {

Result<Json> parsed(const std::string& body) {
  Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) {
    return Fault{"answer_malformed", "the server's answer is not JSON: " + body.substr(0, 200)};
  }
  return Result<Json>(boost::system::in_place_value, std::move(json));
}

/// The value of `after` for the next page; "" on the last.
std::string next_of(const Json& page) {
  const auto found = page.find("next");
  if (found == page.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace

std::string text_member(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string with_query(const std::string& path, const Query& query) {
  std::string target = path;
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    target += separator + name + "=" + percent_encoded(value);
    separator = '&';
  }
  return target;
}

Fault problem_of(const HttpReply& reply) {
  Fault fault{"http_" + std::to_string(reply.status), "the server answered " + std::to_string(reply.status)};
  const Json problem = Json::parse(reply.body, nullptr, false);
  if (!problem.is_object()) {
    if (!reply.body.empty()) fault.detail += ": " + reply.body.substr(0, 500);
    return fault;
  }
  if (const auto title = text_member(problem, "title"); !title.empty()) fault.detail += " " + title;
  if (const auto detail = text_member(problem, "detail"); !detail.empty()) fault.detail += ": " + detail;
  const auto errors = problem.find("errors");
  if (errors == problem.end() || !errors->is_array()) return fault;
  for (const auto& error : *errors) {
    if (!error.is_object()) continue;
    const auto pointer = text_member(error, "pointer");
    fault.detail +=
        "\n  " + (pointer.empty() ? std::string() : pointer + ": ") + text_member(error, "detail");
  }
  return fault;
}

Result<std::string> ApiClient::exchange(const HttpRequest& request) {
  auto reply = http_.send(request);
  if (!reply) return reply.error();
  if (reply->status < 200 || reply->status > 299) return problem_of(*reply);
  return Result<std::string>(boost::system::in_place_value, std::move(reply->body));
}

Result<std::string> ApiClient::get(const std::string& target, const std::string& accept) {
  return exchange({"GET", target, "", accept, ""});
}

Result<void> ApiClient::download(const std::string& target, const std::string& accept,
                                 const HttpClient::Sink& sink) {
  const auto reply = http_.receive({"GET", target, "", accept, ""}, sink);
  if (!reply) return reply.error();
  if (reply->status < 200 || reply->status > 299) return problem_of(*reply);
  return {};
}

Result<Json> ApiClient::get_json(const std::string& target) {
  const auto body = get(target, "application/json");
  if (!body) return body.error();
  return parsed(*body);
}

Result<Json> ApiClient::send_json(const std::string& method, const std::string& target, std::string body) {
  const auto answer = exchange({method, target, "application/json", "application/json", std::move(body)});
  if (!answer) return answer.error();
  return parsed(*answer);
}

Result<Json> ApiClient::send_file(const std::string& target, const std::string& content_type,
                                  std::string body) {
  const auto answer = exchange({"POST", target, content_type, "application/json", std::move(body)});
  if (!answer) return answer.error();
  return parsed(*answer);
}

Result<void> ApiClient::for_each_item(const std::string& path, Query query,
                                      const std::function<bool(Json&&)>& visit) {
  query.emplace_back("limit", std::to_string(page_items));
  query.emplace_back("after", "");
  for (;;) {
    auto page = get_json(with_query(path, query));
    if (!page) return page.error();
    const auto items = page->find("items");
    if (items == page->end() || !items->is_array()) {
      return Fault{"answer_malformed", "the server's answer to " + path + " is not a list"};
    }
    for (auto& item : *items) {
      if (!visit(std::move(item))) return {};
    }
    std::string next = next_of(*page);
    if (next.empty()) return {};
    if (next == query.back().second) {
      return Fault{"answer_malformed", "the server's list goes round in a circle at " + next};
    }
    query.back().second = std::move(next);
  }
}

}  // namespace voucherd::ctl
