// /v1/quarantine: what could not be counted, and why; tried again (release) or closed for good
// (dismiss).
#include <map>
#include <set>

#include "daemon/api/api.h"
#include "daemon/api/event_view.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"

namespace voucherd::api {

namespace {

nlohmann::ordered_json show(const QuarantineEntry& entry, const Submissions& sent, UtcOffset offset) {
  return {{"quarantine", to_string(entry.number)},
          {"code", to_string(entry.code)},
          {"detail", entry.detail},
          {"source", entry.source},
          {"id", entry.id},
          {"subject", entry.subject},
          {"sku", entry.sku},
          {"months", {{"first", to_string(entry.months.first)}, {"last", to_string(entry.months.last)}}},
          {"received_at", format_instant(entry.received_at, offset)},
          {"submitted_by", show_submitter(sent.of_quarantined(entry.number.index))},
          {"times_sent", entry.times_sent}};
}

bool fits(const std::string* filter, std::string_view value) { return filter == nullptr || *filter == value; }

/// `?after=`: the entry behind which to begin; by default the first.
std::variant<QuarantineNumber, http::Response> read_after(const http::Request& request) {
  const std::string* after = request.query_value("after");
  if (after == nullptr) return QuarantineNumber{};
  const auto number = parse_quarantine_number(*after);
  if (number) return *number;
  return problem(422, "invalid", "Wrong query", "after is a quarantine number like 1842.0");
}

http::Response list(const Engine& engine, const http::Request& request) {
  if (auto refusal = refuse_unknown_query(request, {"limit", "after", "code", "subject", "sku"}))
    return *refusal;
  const auto page = read_page(request);
  if (const auto* refusal = std::get_if<http::Response>(&page)) return *refusal;
  const std::size_t limit = std::get<Page>(page).limit;
  const auto from = read_after(request);
  if (const auto* refusal = std::get_if<http::Response>(&from)) return *refusal;
  nlohmann::ordered_json items;
  std::optional<std::string> next;
  std::string last;
  std::optional<std::pair<Position, Submissions>> sent;  // entries of one record stand together
  engine.usage().quarantine().visit(std::get<QuarantineNumber>(from), [&](const QuarantineEntry& entry) {
    if (!fits(request.query_value("code"), to_string(entry.code)) ||
        !fits(request.query_value("subject"), entry.subject) ||
        !fits(request.query_value("sku"), entry.sku)) {
      return true;
    }
    if (items.size() == limit) {
      next = last;
      return false;
    }
    const Position position = entry.number.position;
    if (!sent || sent->first != position) sent.emplace(position, engine.submissions_of(position));
    items.push_back(show(entry, sent->second, engine.genesis().offset));
    last = to_string(entry.number);
    return true;
  });
  return list_response(std::move(items), next);
}

/// Entries that one request tries again: they share a record, and hold up other requests no longer.
constexpr std::size_t release_entries_max = 1000;

http::Response unavailable(IngestReply::Outcome outcome) {
  const char* const title = "Nothing was tried again";
  auto response =
      outcome == IngestReply::Outcome::disk_full
          ? problem(507, "disk-full", title, "the journal's disk is full; free some space and try again")
      : outcome == IngestReply::Outcome::clock_behind
          ? problem(503, "clock-behind", title,
                    "the host's clock stands more than 5 minutes behind the last record; set it right")
          : problem(503, "stopping", title, "the daemon is stopping; try again after its restart");
  response.headers.emplace_back("Retry-After", "30");
  return response;
}

http::Response show_release(const ReleaseReply& reply, const std::optional<std::string>& next) {
  if (reply.outcome != IngestReply::Outcome::done) return unavailable(reply.outcome);
  nlohmann::ordered_json body = {{"released", reply.released},
                                 {"still_quarantined", reply.still_quarantined},
                                 {"position", reply.position},
                                 {"problems", nlohmann::ordered_json::array()}};
  for (const auto& problem : reply.problems) {
    body["problems"].push_back({{"quarantine", to_string(problem.quarantine)},
                                {"source", problem.source},
                                {"id", problem.id},
                                {"code", to_string(problem.code)},
                                {"detail", problem.detail}});
  }
  if (next) body["next"] = *next;
  return json_response(200, body);
}

http::Response no_entry(const std::string& number) {
  return not_found("the quarantine holds no entry " + number +
                   "; it was released or dismissed, or it never was");
}

/// The members of a JSON object that are all texts, each one of `known`; the Response is the refusal.
std::variant<std::map<std::string, std::string>, http::Response> read_texts(
    const http::Request& request, const std::set<std::string>& known) {
  auto read = read_object(request);
  if (auto* refusal = std::get_if<http::Response>(&read)) return std::move(*refusal);
  std::map<std::string, std::string> texts;
  std::vector<billing::FieldFault> faults;
  for (const auto& [name, value] : std::get<nlohmann::json>(read).items()) {
    if (!known.contains(name)) {
      faults.push_back({"/" + name, "is no member of this body"});
    } else if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
      faults.push_back({"/" + name, "must be a string that is not empty"});
    } else {
      texts[name] = value.get<std::string>();
    }
  }
  if (!faults.empty()) return problem(422, "invalid", "Wrong body", "the body is wrong", faults);
  return texts;
}

void release_one(Engine& engine, const http::Request& request, const PathValues& values,
                 const http::Reply& reply) {
  if (auto refusal = refuse_unknown_query(request, {})) return reply(std::move(*refusal));
  const auto number = parse_quarantine_number(values[0]);
  if (!number) return reply(no_entry(values[0]));
  engine.release({*number}, actor_of(request), [reply, text = values[0]](const ReleaseReply& done) {
    reply(done.unknown > 0 ? no_entry(text) : show_release(done, std::nullopt));
  });
}

void release_many(Engine& engine, const http::Request& request, const http::Reply& reply) {
  if (auto refusal = refuse_unknown_query(request, {"after", "code", "subject", "sku"}))
    return reply(std::move(*refusal));
  std::map<std::string, std::string> filter;
  for (const char* member : {"code", "subject", "sku"}) {
    if (const std::string* value = request.query_value(member)) filter[member] = *value;
  }
  // Without a filter in the query there must be a body: nothing at all is not "everything".
  if (filter.empty() || !request.body.empty()) {
    auto read = read_texts(request, {"code", "subject", "sku"});
    if (auto* refusal = std::get_if<http::Response>(&read)) return reply(std::move(*refusal));
    filter.merge(std::get<std::map<std::string, std::string>>(read));
  }
  const auto passes = [&](const char* member, std::string_view value) {
    const auto wanted = filter.find(member);
    return wanted == filter.end() || wanted->second == value;
  };
  auto after = read_after(request);
  if (auto* refusal = std::get_if<http::Response>(&after)) return reply(std::move(*refusal));
  std::vector<QuarantineNumber> numbers;
  std::optional<std::string> next;
  engine.usage().quarantine().visit(std::get<QuarantineNumber>(after), [&](const QuarantineEntry& entry) {
    if (!passes("code", to_string(entry.code)) || !passes("subject", entry.subject) ||
        !passes("sku", entry.sku)) {
      return true;
    }
    if (numbers.size() == release_entries_max) {
      next = to_string(numbers.back());
      return false;
    }
    numbers.push_back(entry.number);
    return true;
  });
  engine.release(std::move(numbers), actor_of(request),
                 [reply, next](const ReleaseReply& done) { reply(show_release(done, next)); });
}

void dismiss(Engine& engine, const http::Request& request, const PathValues& values,
             const http::Reply& reply) {
  if (auto refusal = refuse_unknown_query(request, {})) return reply(std::move(*refusal));
  const auto number = parse_quarantine_number(values[0]);
  if (!number) return reply(no_entry(values[0]));
  auto read = read_texts(request, {"reason"});
  if (auto* refusal = std::get_if<http::Response>(&read)) return reply(std::move(*refusal));
  auto& texts = std::get<std::map<std::string, std::string>>(read);
  const std::string reason = texts["reason"];
  if (reason.empty() || reason.size() > event_reason_bytes_max) {
    return reply(problem(422, "invalid", "Wrong body", "the body is wrong",
                         {{"/reason", "must say why the event shall never be counted, in at most " +
                                          std::to_string(event_reason_bytes_max) + " bytes"}}));
  }
  engine.dismiss(*number, actor_of(request), reason,
                 [reply, text = values[0]](const Engine::DismissReply& done) {
                   if (done.refusal) return reply(problem(*done.refusal));
                   reply(json_response(200, {{"quarantine", text}, {"position", done.position}}));
                 });
}

}  // namespace

void add_quarantine_routes(Router& router, Engine& engine) {
  router.add("GET", "/v1/quarantine",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               reply(list(engine, request));
             });
  router.add("POST", "/v1/quarantine/release",
             [&engine](http::Request&& request, const PathValues&, const http::Reply& reply) {
               release_many(engine, request, reply);
             });
  router.add("POST", "/v1/quarantine/{}/release",
             [&engine](http::Request&& request, const PathValues& values, const http::Reply& reply) {
               release_one(engine, request, values, reply);
             });
  router.add("POST", "/v1/quarantine/{}/dismiss",
             [&engine](http::Request&& request, const PathValues& values, const http::Reply& reply) {
               dismiss(engine, request, values, reply);
             });
}

}  // namespace voucherd::api
