// GET /v1/statements/{period}/{uscc}/explain: from each figure of a statement down to days, events, price,
// contract, policy and cap. What is explained is the statement's; what explains it (the parts of a year under
// each of its policies too) is reckoned anew from the usage and the facts of the statement's journal
// position, and `adds_up` says whether the two agree.
#include <charconv>

#include "billing/core/explain.h"
#include "daemon/api/api.h"
#include "daemon/api/daily_usage.h"
#include "daemon/api/event_queries.h"
#include "daemon/api/problem.h"
#include "daemon/api/request.h"
#include "daemon/api/statement_view.h"
#include "metering/core/assert.h"

namespace voucherd::api {

namespace {

using Json = nlohmann::ordered_json;
using billing::Fen;

constexpr std::size_t events_shown_max = 20;
constexpr const char* figure_members[] = {"quantity",       "net", "tax", "gross", "eligible_quantity",
                                          "eligible_amount"};

const std::string& text_of(const Json& object, const char* member) {
  return object.at(member).get_ref<const std::string&>();
}

Fen fen_of(const Json& object, const char* member) {
  return {parse_decimal(text_of(object, member), 2).value()};
}

Json figures_of(const Json& from) {
  Json figures;
  for (const char* member : figure_members) figures[member] = from.at(member);
  return figures;
}

billing::ChargeKey key_of(const Json& line) {
  const Json& contract = line.at("contract");
  return {parse_month(text_of(line, "usage_month")).value(), SkuId(text_of(line, "sku")),
          PriceBookVersion(text_of(line, "price_book")),
          ContractNumber(contract.is_null() ? std::string() : contract.get<std::string>())};
}

billing::SubsidyYear year_of(const Json& shown) {
  billing::SubsidyYear year;
  year.year = shown.at("year").get<int>();
  year.eligible_to_date = fen_of(shown, "eligible_to_date");
  year.target = fen_of(shown, "target");
  year.granted_before = fen_of(shown, "granted_before");
  year.this_statement = fen_of(shown, "this_statement");
  year.cap = fen_of(shown, "cap");
  year.other_centres = fen_of(shown, "other_centres");
  year.remaining = fen_of(shown, "remaining");
  return year;
}

/// One explanation on its way.
class Explaining : public std::enable_shared_from_this<Explaining> {
 public:
  Explaining(const Engine& engine, Month period, FirmId firm, const FoundStatement& found,
             std::optional<std::size_t> line, http::Reply reply)
      : engine_(engine),
        period_(period),
        firm_(std::move(firm)),
        position_(found.position),
        statement_(Json::parse(with_journal(found))),
        line_(line),
        reply_(std::move(reply)) {}

  void start() {
    gather_usage(engine_, {firm_, {first_month(), period_}, position_},
                 [self = shared_from_this()](std::vector<billing::UsageOfDay> usage) {
                   self->usage_ = std::move(usage);
                   self->explain();
                 });
  }

 private:
  /// From which on usage is behind the statement: its lines' months and its subsidy's years.
  Month first_month() const {
    Month first = period_;
    for (const Json& line : statement_.at("lines"))
      first = std::min(first, parse_month(text_of(line, "usage_month")).value());
    for (const Json& year : statement_.at("subsidy"))
      first = std::min(first, make_month(year.at("year").get<int>(), 1));
    return first;
  }

  void explain() {
    facts_ = engine_.ledger().facts_at(firm_, position_);
    billed_ = engine_.ledger().billed_before(firm_, period_);
    for (const char* member :
         {"statement", "period", "state", "provider", "firm", "currency", "settlement", "totals"}) {
      body_[member] = statement_.at(member);
    }
    body_["steps"] = total_steps();
    body_["lines"] = Json::array();
    const Json& lines = statement_.at("lines");
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!line_ || *line_ == i + 1) body_["lines"].push_back(explain_line(i + 1, lines[i]));
    }
    body_["unpriced"] = statement_.at("unpriced");
    body_["subsidy"] = Json::array();
    for (const Json& year : statement_.at("subsidy")) body_["subsidy"].push_back(explain_year(year_of(year)));
    body_["journal"] = statement_.at("journal");
    if (!line_) return reply_(json_response(200, body_));
    ask_for_events();
  }

  Json total_steps() const {
    const Json& totals = statement_.at("totals");
    const bool deducted = text_of(statement_, "settlement") == "deduct";
    std::string payable = text_of(totals, "gross");
    if (deducted) payable += " − " + text_of(totals, "subsidy");
    return Json::array({{{"what", "gross"},
                         {"formula", text_of(totals, "net") + " + " + text_of(totals, "tax")},
                         {"result", totals.at("gross")}},
                        {{"what", "payable"}, {"formula", payable}, {"result", totals.at("payable")}}});
  }

  Json explain_line(std::size_t number, const Json& line) const {
    const billing::ChargeKey key = key_of(line);
    const auto sku = facts_.skus.find(key.sku);
    const bool adjustment = line.at("adjustment").get<bool>();
    Json charge = billing::explain_charge(key, firm_, usage_, facts_);
    const Json whole = figures_of(adjustment ? line.at("after") : line);
    Json shown = {{"line", number},
                  {"usage_month", line.at("usage_month")},
                  {"sku", line.at("sku")},
                  {"sku_name", sku == facts_.skus.end() ? Json() : Json(sku->second.name)},
                  {"unit", line.at("unit")},
                  {"adjustment", adjustment},
                  {"figures", figures_of(line)},
                  {"before", before(key)},
                  {"after", whole},
                  {"adds_up", whole == figures_of(charge)},
                  {"charge", std::move(charge)},
                  {"projects", line.at("projects")},
                  {"events", events_target(query_of(key))}};
    return shown;
  }

  /// The closed statements that billed the charge before.
  Json before(const billing::ChargeKey& key) const {
    Json statements = Json::array();
    for (const auto& [month, billed] : billed_) {
      for (const auto& [of, figures] : billed.lines) {
        if (of != key) continue;
        statements.push_back({{"statement", billing::statement_number(month, firm_)},
                              {"quantity", to_string(figures.quantity)},
                              {"net", to_string(figures.net)},
                              {"tax", to_string(figures.tax)},
                              {"gross", to_string(figures.gross)},
                              {"eligible_quantity", to_string(figures.eligible_quantity)},
                              {"eligible_amount", to_string(figures.eligible_amount)}});
      }
    }
    return statements;
  }

  Json explain_year(const billing::SubsidyYear& year) const {
    const Month through = year.year < period_.year() ? make_month(year.year, 12) : period_;
    std::vector<billing::UsageOfDay> usage;
    for (const billing::UsageOfDay& each : usage_) {
      const Month month = month_of(each.day);
      if (month.year() == year.year && month <= through) usage.push_back(each);
    }
    std::map<PolicyId, Fen> eligible;
    for (const auto& [key, charge] : billing::rate_usage(firm_, usage, facts_).charges)
      for (const auto& [policy, amount] : charge.eligible_by_policy) eligible[policy] += amount;
    Json shown = billing::explain_year(year, firm_, eligible, facts_);
    Json granted = Json::array();
    Fen left = year.granted_before;
    for (const auto& [month, billed] : billed_) {
      const auto part = billed.granted.find(year.year);
      if (part == billed.granted.end() || part->second.is_zero()) continue;
      granted.push_back(
          {{"statement", billing::statement_number(month, firm_)}, {"amount", to_string(part->second)}});
      left -= part->second;
    }
    // An open month's statement takes the open months before it as closed as they stand (rules §6).
    if (!left.is_zero()) granted.push_back({{"statement", nullptr}, {"amount", to_string(left)}});
    shown["granted"] = std::move(granted);
    return shown;
  }

  EventsQuery query_of(const billing::ChargeKey& key) const {
    EventsQuery query{firm_.value,
                      {first_day(key.usage_month), {first_day(key.usage_month.next()).days - 1}},
                      key.sku.value};
    const auto days = billing::usage_of_charge(key, firm_, usage_, facts_);
    if (!days.empty()) query.days = {days.front().day, days.back().day};
    return query;
  }

  /// The first ones, asked for as a client would; later ones than the statement's position are left out.
  void ask_for_events() {
    Json& line = body_.at("lines").at(0);
    http::Request request;
    request.path = "/v1/events";
    request.query = query_parameters(query_of(key_of(statement_.at("lines").at(*line_ - 1))));
    request.query.emplace_back("limit", std::to_string(events_shown_max));
    list_events(engine_, {}, request, [self = shared_from_this(), &line](const http::Response& answer) {
      VOUCHERD_ASSERT(answer.status == 200);
      line["first_events"] = Json::array();
      const Json page = Json::parse(answer.body);
      for (const Json& item : page.at("items")) {
        if (item.at("position").get<Position>() <= self->position_) line["first_events"].push_back(item);
      }
      self->reply_(json_response(200, self->body_));
    });
  }

  const Engine& engine_;
  Month period_;
  FirmId firm_;
  Position position_;
  Json statement_;
  std::optional<std::size_t> line_;
  http::Reply reply_;
  std::vector<billing::UsageOfDay> usage_;
  billing::Facts facts_;
  std::vector<std::pair<Month, billing::BilledStatement>> billed_;
  Json body_;
};

void explain(const Engine& engine, const http::Request& request, const PathValues& values,
             http::Reply reply) {
  if (auto refusal = refuse_unknown_query(request, {"line"})) return reply(std::move(*refusal));
  const auto period = parse_month(values[0]);
  if (!period) return reply(problem(422, "invalid", "Wrong period", period.error().detail));
  std::optional<std::size_t> line;
  if (const std::string* given = request.query_value("line")) {
    std::size_t number = 0;
    const char* const end = given->data() + given->size();
    const auto [stop, error] = std::from_chars(given->data(), end, number);
    if (error != std::errc() || stop != end || number == 0)
      return reply(problem(422, "invalid", "Wrong query", "line is the number of a line, from 1 on"));
    line = number;
  }
  const auto found = find_statement(engine, *period, FirmId(values[1]));
  if (!found) return reply(not_found("firm " + values[1] + " has no statement for " + values[0]));
  const std::size_t lines = Json::parse(found->canonical).at("lines").size();
  if (line && *line > lines) return reply(not_found("the statement has " + std::to_string(lines) + " lines"));
  std::make_shared<Explaining>(engine, *period, FirmId(values[1]), *found, line, std::move(reply))->start();
}

}  // namespace

void add_explain_routes(Router& router, Engine& engine) {
  router.add("GET", "/v1/statements/{}/{}/explain",
             [&engine](http::Request&& request, const PathValues& values, http::Reply reply) {
               explain(engine, request, values, std::move(reply));
             });
}

}  // namespace voucherd::api
