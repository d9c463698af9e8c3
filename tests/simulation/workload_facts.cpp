// The facts of a history.
#include <algorithm>

#include "tests/simulation/workload.h"

namespace voucherd::simulation {

using naive::FactChange;
using naive::Json;
using naive::show_day;

namespace {

std::string make_uscc(Dice& dice) {
  static const std::string alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
  std::string code = "91500000MA5U";
  while (code.size() < 17) code += alphabet[static_cast<std::size_t>(dice.between(0, 30))];
  return code + naive::uscc_check_character(code);
}

Json until_or_null(int day, Dice& dice) { return dice.percent(15) ? Json(nullptr) : Json(show_day(day)); }

}  // namespace

Workload::Workload(std::uint64_t seed, Features features) : dice_(seed), features_(features) {
  head_ = {"示例智算中心", "91500000MA5U00000W", "CNY",
           dice_.pick(std::vector<int>{480, 480, 480, 0, -300, 345})};
  start_ms_ = naive::day_start_ms(naive::day_number(2025, 11, dice_.roll(1, 20)), head_.offset) +
              dice_.between(0, 86'399'999);
  end_ms_ = naive::day_start_ms(naive::day_number(2026, 3, 2), head_.offset);
  const int firms = dice_.roll(3, 5);
  for (int i = 0; i < firms; ++i) firms_.push_back(make_uscc(dice_));
  late_firm_ = make_uscc(dice_);
  skus_ = {"gpu.a800", "gpu.910b", "disk.ssd"};
  if (dice_.percent(50)) skus_.emplace_back("net.out");
  late_sku_ = "gpu.new";
}

/// One or two intervals after each other, somewhere about the days given.
Json Workload::intervals(int from_day, int until_day, bool eligibility) {
  Json list = Json::array();
  int at = from_day + dice_.roll(-40, 40);
  for (int i = dice_.roll(1, 2); i > 0 && at < until_day; --i) {
    const int end = at + dice_.roll(1, 120);
    Json entry = {{"from", show_day(at)},
                  {"until", i == 1 ? until_or_null(end, dice_) : Json(show_day(end))}};
    if (eligibility) {
      entry["category"] =
          dice_.pick(std::vector<std::string>{"ai_agent", "ai_agent", "digital_twin", "other"});
      entry["basis"] = "认定文件";
      if (dice_.percent(30)) entry["evidence_sha256"] = std::string(64, 'a');
    }
    list.push_back(entry);
    at = end + dice_.roll(0, 30);
  }
  return list;
}

Json Workload::firm_body(std::size_t number, int from_day, int until_day) {
  Json body = {{"name", "企业" + std::to_string(number)},
               {"district", "两江新区"},
               {"eligibility", Json::array()},
               {"related_party", Json::array()},
               {"predecessors", Json::array()}};
  if (dice_.percent(85)) body["eligibility"] = intervals(from_day, until_day, true);
  if (features_.taken_back && dice_.percent(70)) {
    // What is to be taken back has to be granted first.
    body["eligibility"] = {
        {{"category", "ai_agent"}, {"from", "2025-08-01"}, {"until", nullptr}, {"basis", "认定"}}};
    return body;
  }
  if (dice_.percent(15)) body["related_party"] = intervals(from_day, until_day, false);
  if (number > 0 && dice_.percent(15)) {
    body["predecessors"].push_back(
        firms_[static_cast<std::size_t>(dice_.between(0, static_cast<int>(number) - 1))]);
  }
  return body;
}

Json Workload::price() {
  static const std::vector<std::string> prices{"8.50", "8.5",      "0.3",   "7.9", "3.333333",
                                               "1",    "0.000001", "12.25", "0"};
  const auto one = [&] { return dice_.percent(1) ? std::string("999999.999999") : dice_.pick(prices); };
  if (dice_.percent(75)) return one();
  Json tiers = Json::array();
  tiers.push_back(
      {{"up_to", dice_.pick(std::vector<std::string>{"1", "10.5", "100", "0.000000001"})}, {"price", one()}});
  if (dice_.percent(50)) tiers.push_back({{"up_to", "1000"}, {"price", one()}});
  tiers.push_back({{"price", one()}});
  return {{"tiers", tiers}};
}

FactChange Workload::book(const std::string& version, int day, int omitted_percent) {
  Json prices = Json::object();
  for (const std::string& sku : skus_) {
    if (!dice_.percent(omitted_percent)) prices[sku] = price();
  }
  if (prices.empty()) prices[skus_[0]] = "8.50";
  return {"price-books",
          version,
          {{"effective_from", show_day(day)}, {"tax_inclusive", dice_.percent(40)}, {"prices", prices}}};
}

FactChange Workload::contract(const std::string& number, const std::string& firm, int from_day,
                              int until_day) {
  Json body = {{"firm", firm},
               {"signed", show_day(from_day - 3)},
               {"from", show_day(from_day)},
               {"until", until_or_null(until_day, dice_)}};
  if (dice_.percent(50)) {
    body["discount"] = dice_.pick(std::vector<std::string>{"0.10", "0.333333", "1", "0", "0.05"});
  } else {
    body["prices"] = {{dice_.pick(skus_), price()}};
  }
  return {"contracts", number, body};
}

FactChange Workload::policy(const std::string& id, int from_day, int until_day) {
  static const std::vector<std::string> caps{"50.00", "200.00", "1000.00", "5000.00", "1000000.00"};
  Json kinds = Json::array({"compute"});
  if (dice_.percent(20)) kinds.push_back("storage");
  Json categories = Json::array({"ai_agent"});
  if (dice_.percent(70)) categories.push_back("digital_twin");
  return {"policies",
          id,
          {{"title", "算力券"},
           {"document", "渝经信规范〔2025〕12号"},
           {"from", show_day(from_day)},
           {"until", until_day == 0 ? Json(nullptr) : Json(show_day(until_day))},
           {"categories", categories},
           {"rate", dice_.pick(std::vector<std::string>{"0.20", "0.3", "0.333333", "0.5"})},
           {"annual_cap", dice_.pick(caps)},
           {"tax_basis", dice_.percent(60) ? "net" : "gross"},
           {"subsidised_kinds", kinds},
           {"settlement", dice_.percent(70) ? "reimburse" : "deduct"}}};
}

/// The shipped policy's days; or one that another follows within a year, with or without a gap.
std::vector<FactChange> Workload::first_policies() {
  if (features_.taken_back && dice_.percent(70)) return {policy("p1", naive::day_number(2025, 8, 1), 0)};
  const int early = naive::day_number(2025, 11, dice_.roll(1, 30));
  if (dice_.percent(40))
    return {policy("p1", naive::day_number(2025, 12, 25), naive::day_number(2028, 1, 1))};
  if (dice_.percent(40)) return {policy("p1", early, 0)};
  const int change = early + dice_.roll(10, 90);
  if (dice_.percent(30)) return {policy("p1", early, change)};  // its successor is put later, if at all
  const int gap = dice_.percent(30) ? dice_.roll(1, 10) : 0;
  return {policy("p1", early, change), policy("p2", change + gap, naive::day_number(2028, 1, 1))};
}

FactChange Workload::award(const std::string& id, int year) {
  return {"external-awards",
          id,
          {{"firm", dice_.pick(firms_)},
           {"year", year},
           {"kind", dice_.percent(50) ? "same_programme" : "other_policy"},
           {"amount", dice_.pick(std::vector<std::string>{"10.00", "75.50", "300.00", "0.01", "1000000.00"})},
           {"policy", "another"}}};
}

std::vector<FactChange> Workload::awards_before_close(const naive::Model& model) {
  std::vector<FactChange> changes;
  if (!features_.taken_back) return changes;
  for (const std::string& firm : firms_) {
    for (const int year : {2025, 2026}) {
      const bool granted = std::any_of(model.frozen().begin(), model.frozen().end(), [&](const auto& closed) {
        const auto& years = closed.second.years;
        return closed.first.second == firm && std::any_of(years.begin(), years.end(), [&](const auto& row) {
                 return row.year == year && row.target > 0;
               });
      });
      if (!granted || !dice_.percent(90)) continue;
      FactChange change = award("t-" + firm + "-" + std::to_string(year), year);
      const auto known = model.facts().bodies.find({change.kind, change.key});
      const bool there = known != model.facts().bodies.end() && known->second["amount"] != "0.00";
      change.body["firm"] = firm;
      change.body["amount"] = there ? "0.00" : "1000000.00";
      changes.push_back(change);
    }
  }
  return changes;
}

std::vector<FactChange> Workload::first_facts() {
  const int first = naive::local_day_of(start_ms_, head_.offset);
  const int last = naive::local_day_of(end_ms_, head_.offset);
  std::vector<FactChange> facts;
  static const std::vector<std::string> kinds{"compute", "compute", "storage", "network"};
  for (std::size_t i = 0; i < skus_.size(); ++i) {
    Json body = {{"name", "SKU " + skus_[i]}, {"unit", "card_hour"}, {"kind", kinds[i]}};
    if (dice_.percent(60))
      body["tax_rate"] = dice_.pick(std::vector<std::string>{"0.06", "0.13", "0", "0.060"});
    facts.push_back({"skus", skus_[i], body});
  }
  for (std::size_t i = 0; i < firms_.size(); ++i)
    facts.push_back({"firms", firms_[i], firm_body(i, first, last)});
  facts.push_back(
      book("b1", dice_.percent(85) ? naive::day_number(2025, 1, 1) : first - dice_.roll(0, 20), 8));
  if (dice_.percent(60)) facts.push_back(book("b2", naive::day_number(2026, 1, 1) - dice_.roll(0, 20), 8));
  for (std::size_t i = 0; i < firms_.size(); ++i) {
    if (!dice_.percent(35)) continue;
    const int from = first + dice_.roll(-30, 60);
    facts.push_back(contract("c" + std::to_string(i), firms_[i], from, from + dice_.roll(1, 80)));
  }
  for (const FactChange& change : first_policies()) facts.push_back(change);
  if (dice_.percent(30)) facts.push_back(award("a1", dice_.roll(2025, 2026)));
  return facts;
}

FactChange Workload::changed_firm(const naive::Model& model, int today) {
  const std::string& firm = dice_.pick(firms_);
  Json body = model.facts().bodies.at({"firms", firm});
  switch (dice_.roll(0, 6)) {
    case 0:
      body["name"] = body["name"].get<std::string>() + "改";
      break;
    case 1:
      body["related_party"] = intervals(today - 20, today + 60, false);
      break;
    case 2:
      body["related_party"] = Json::array();
      break;
    case 3: {
      // Only of firms before it, so that they make no circle.
      const auto number = std::find(firms_.begin(), firms_.end(), firm) - firms_.begin();
      body["predecessors"] = Json::array();
      if (number > 0 && dice_.percent(70)) {
        body["predecessors"].push_back(
            firms_[static_cast<std::size_t>(dice_.between(0, static_cast<int>(number) - 1))]);
      }
      break;
    }
    default:
      body["eligibility"] = intervals(today - 30, today + 60, true);
      break;
  }
  return {"firms", firm, body};
}

/// A book or a contract that exists, changed: refused where a closed statement used it.
FactChange Workload::changed_terms(const naive::Model& model, int today) {
  const bool contract = dice_.percent(50) && !model.facts().contracts.empty();
  std::vector<FactChange> known;
  for (const auto& [key, body] : model.facts().bodies) {
    if (key.first == (contract ? "contracts" : "price-books")) known.push_back({key.first, key.second, body});
  }
  FactChange change = dice_.pick(known);
  if (!contract) {
    change.body["prices"][dice_.pick(skus_)] = price();
    return change;
  }
  const int from = naive::read_day(change.body["from"].get<std::string>());
  change.body["until"] = show_day(std::max(from + 1, today + dice_.roll(-20, 40)));
  return change;
}

/// A successor of the last policy, in time or late; a policy that overlaps; or one that exists, changed:
/// refused where it was in force in a closed month.
FactChange Workload::changed_policy(const naive::Model& model, const std::string& name, int today) {
  const auto& policies = model.facts().policies;
  const auto last = std::max_element(policies.begin(), policies.end(), [](const auto& a, const auto& b) {
    return a.second.days.from < b.second.days.from;
  });
  const int what = dice_.roll(0, 2);
  if (what == 0 && last->second.days.until)
    return policy(name, *last->second.days.until + dice_.roll(0, 3), 0);
  if (what == 1) return policy(name, today + dice_.roll(0, 20), 0);
  Json body = model.facts().bodies.at({"policies", last->first});
  const FactChange other = policy(name, today, today + dice_.roll(1, 60));
  for (const char* member : {"rate", "annual_cap", "settlement"}) body[member] = other.body[member];
  if (dice_.percent(50) && today > last->second.days.from) body["until"] = other.body["until"];
  return {"policies", last->first, body};
}

FactChange Workload::next_fact(const naive::Model& model, std::int64_t now_ms) {
  const int today = naive::local_day_of(now_ms, head_.offset);
  const std::string name = "n" + std::to_string(++next_fact_);
  const int what = dice_.roll(0, 99);
  if (what < 40) return changed_firm(model, today);
  if (what < 55) {
    const auto known = model.facts().bodies.find({"external-awards", "a1"});
    FactChange change = award(name, dice_.roll(2025, 2026));
    if (known == model.facts().bodies.end() || dice_.percent(50)) return change;
    // Another amount; or all of it anew: firm, year and kind.
    Json body = dice_.percent(60) ? known->second : change.body;
    body["amount"] = change.body["amount"];
    return {"external-awards", "a1", body};
  }
  if (what < 65) return book(name, today + dice_.roll(-50, 30), 10);
  if (what < 75) {
    const int from = today + dice_.roll(-40, 20);
    return contract(name, dice_.pick(firms_), from, from + dice_.roll(1, 60));
  }
  if (what < 85) return changed_terms(model, today);
  if (what < 89) return {"firms", late_firm_, firm_body(0, today - 30, today + 60)};
  if (what < 93) {
    return {
        "skus", late_sku_, {{"name", "new"}, {"unit", "ktoken"}, {"kind", "compute"}, {"tax_rate", "0.06"}}};
  }
  if (what < 97) return changed_policy(model, name, today);
  return {"settings", "settings", {{"accept_from", dice_.percent(50) ? "2025-01-01" : "2025-10-15"}}};
}

}  // namespace voucherd::simulation
