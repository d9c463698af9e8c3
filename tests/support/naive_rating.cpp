// Facts, rating and the subsidy in the naive model (rules §3, §4, §5).
#include <stdexcept>

#include "tests/support/naive_model.h"

namespace naive {

namespace {

const Int nano = 1'000'000'000;

Days read_days(const Json& body) {
  Days days{read_day(body.at("from").get<std::string>()), std::nullopt};
  if (body.contains("until") && !body["until"].is_null())
    days.until = read_day(body["until"].get<std::string>());
  return days;
}

Fraction decimal(const std::string& text) {
  const auto value = read_decimal(text);
  if (!value) throw std::logic_error("the workload wrote a bad decimal: " + text);
  return *value;
}

Prices read_prices(const Json& body) {
  Prices prices;
  for (const auto& [sku, price] : body.items()) {
    if (price.is_string()) {
      prices[sku] = {{std::nullopt, decimal(price.get<std::string>())}};
      continue;
    }
    for (const Json& step : price.at("tiers")) {
      Tier tier{std::nullopt, decimal(step.at("price").get<std::string>())};
      if (step.contains("up_to"))
        tier.up_to = numerator(Fraction(decimal(step["up_to"].get<std::string>()) * nano));
      prices[sku].push_back(tier);
    }
  }
  return prices;
}

Firm read_firm(const Json& body) {
  Firm firm;
  firm.name = body.value("name", "");
  firm.district = body.value("district", "");
  for (const Json& entry : body.value("eligibility", Json::array())) {
    firm.eligibility.emplace_back(entry.at("category").get<std::string>(), read_days(entry));
  }
  for (const Json& entry : body.value("related_party", Json::array()))
    firm.related.push_back(read_days(entry));
  for (const Json& entry : body.value("predecessors", Json::array())) {
    firm.predecessors.push_back(entry.get<std::string>());
  }
  return firm;
}

Policy read_policy(const Json& body) {
  Policy policy;
  policy.days = read_days(body);
  for (const Json& entry : body.at("categories")) policy.categories.insert(entry.get<std::string>());
  for (const Json& entry : body.value("subsidised_kinds", Json::array({"compute"}))) {
    policy.kinds.insert(entry.get<std::string>());
  }
  policy.rate_text = body.at("rate").get<std::string>();
  policy.basis = body.at("tax_basis").get<std::string>();
  policy.settlement = body.value("settlement", "reimburse");
  policy.cap = numerator(Fraction(decimal(body.at("annual_cap").get<std::string>()) * 100));
  return policy;
}

Contract read_contract(const Json& body) {
  Contract contract;
  contract.firm = body.at("firm").get<std::string>();
  contract.days = read_days(body);
  if (body.contains("discount")) contract.discount = decimal(body["discount"].get<std::string>());
  if (body.contains("prices")) contract.prices = read_prices(body["prices"]);
  return contract;
}

}  // namespace

void Facts::put(const std::string& kind, const std::string& key, const Json& body) {
  bodies[{kind, key}] = body;
  if (kind == "firms") firms[key] = read_firm(body);
  if (kind == "skus") {
    skus[key] = {body.value("unit", ""), body.value("kind", ""), body.value("tax_rate", "0.06")};
  }
  if (kind == "price-books") {
    books[key] = {read_day(body.at("effective_from").get<std::string>()), body.value("tax_inclusive", false),
                  read_prices(body.at("prices"))};
  }
  if (kind == "contracts") contracts[key] = read_contract(body);
  if (kind == "policies") policies[key] = read_policy(body);
  if (kind == "external-awards") {
    awards[key] = {body.at("firm").get<std::string>(), body.at("kind").get<std::string>(),
                   body.at("year").get<int>(),
                   numerator(Fraction(decimal(body.at("amount").get<std::string>()) * 100))};
  }
  if (kind == "settings") accept_from = read_day(body.at("accept_from").get<std::string>());
}

std::pair<std::string, const Book*> Facts::book_on(int day) const {
  std::pair<std::string, const Book*> best{"", nullptr};
  for (const auto& [version, book] : books) {
    if (book.from <= day && (best.second == nullptr || book.from > best.second->from))
      best = {version, &book};
  }
  return best;
}

std::pair<std::string, const Contract*> Facts::contract_on(const std::string& firm, int day) const {
  for (const auto& [number, contract] : contracts) {
    if (contract.firm == firm && contract.days.has(day)) return {number, &contract};
  }
  return {"", nullptr};
}

std::pair<std::string, const Policy*> Facts::policy_on(int day) const {
  for (const auto& [id, policy] : policies) {
    if (policy.days.has(day)) return {id, &policy};
  }
  return {"", nullptr};
}

// Usage -------------------------------------------------------------------------------------------

namespace {

/// The correction of `event` that counts: the latest time, then the greater source, then id.
const Event* winner(const Event& event, const std::vector<Event>& events) {
  const Event* best = nullptr;
  const auto rank = [](const Event& e) { return std::make_tuple(e.time.value_or(0), e.source, e.id); };
  for (const Event& other : events) {
    if (!other.correction || other.corrects_source != event.source || other.corrects_id != event.id) continue;
    if (best == nullptr || rank(other) > rank(*best)) best = &other;
  }
  return best;
}

}  // namespace

UsageOfFirm usage_of(const std::string& firm, const std::vector<Event>& events, int offset) {
  UsageOfFirm usage;
  for (const Event& event : events) {
    if (event.correction || event.subject != firm) continue;
    const Event* correction = winner(event, events);
    const Int whole = correction == nullptr ? event.quantity : correction->quantity;
    const std::int64_t from = event.start ? *event.start : *event.time;
    const std::int64_t to = event.end ? *event.end : *event.time;
    const int first = local_day_of(from, offset);
    const int last = from == to ? first : local_day_of(to - 1, offset);
    Int given = 0;
    for (int day = first; day <= last; ++day) {
      const Int up_to =
          day == last ? whole : Int(whole * (day_start_ms(day + 1, offset) - from) / (to - from));
      usage[{day, event.sku, event.project}] += up_to - given;
      given = up_to;
    }
  }
  return usage;
}

// Rating ------------------------------------------------------------------------------------------

std::vector<Tier> tiers_of(const ChargeKey& key, const Facts& facts) {
  const auto book = facts.books.find(key.book);
  if (book == facts.books.end()) return {};
  const auto listed = book->second.prices.find(key.sku);
  if (key.contract.empty()) return listed == book->second.prices.end() ? std::vector<Tier>{} : listed->second;
  const Contract& contract = facts.contracts.at(key.contract);
  if (!contract.discount) {
    const auto own = contract.prices.find(key.sku);
    return own == contract.prices.end() ? std::vector<Tier>{} : own->second;
  }
  if (listed == book->second.prices.end()) return {};
  std::vector<Tier> tiers = listed->second;
  for (Tier& tier : tiers) tier.price = tier.price * (1 - *contract.discount);
  return tiers;
}

namespace {

struct Money {
  Int net, tax, gross;
};

/// Rules §3: from the exact amount in fen.
Money with_tax(const Fraction& exact, bool inclusive, const Fraction& rate) {
  Money money;
  if (inclusive) {
    money.gross = round_half_away(exact);
    money.net = round_half_away(Fraction(money.gross) / (1 + rate));
    money.tax = money.gross - money.net;
  } else {
    money.net = round_half_away(exact);
    money.tax = round_half_away(Fraction(money.net) * rate);
    money.gross = money.net + money.tax;
  }
  return money;
}

/// The exact price of `quantity` in fen.
Fraction exact_fen(const std::vector<Tier>& tiers, const Int& quantity) {
  Fraction yuan = 0;
  Int below = 0;
  for (const Tier& tier : tiers) {
    const Int top = tier.up_to ? std::min(*tier.up_to, quantity) : quantity;
    if (top > below) {
      yuan += Fraction(top - below, nano) * tier.price;
      below = top;
    }
  }
  return yuan * 100;
}

std::optional<Ineligible> why_not(const std::string& firm, const std::string& sku, int day,
                                  const Facts& facts) {
  const Policy* policy = facts.policy_on(day).second;
  const Firm& who = facts.firms.at(firm);
  if (policy == nullptr) return policy_not_in_force;
  if (!policy->kinds.contains(facts.skus.at(sku).kind)) return sku_not_subsidised;
  for (const Days& days : who.related) {
    if (days.has(day)) return related_party;
  }
  for (const auto& [category, days] : who.eligibility) {
    if (policy->categories.contains(category) && days.has(day)) return std::nullopt;
  }
  return firm_not_eligible;
}

/// The charge that a day's usage belongs to; nullopt where it has no price.
std::optional<ChargeKey> key_of(const std::string& firm, const std::string& sku, int day,
                                const Facts& facts) {
  ChargeKey key{month_of_day(day), sku, facts.book_on(day).first, facts.contract_on(firm, day).first};
  if (!key.contract.empty() && !tiers_of(key, facts).empty()) return key;
  key.contract = "";
  if (!tiers_of(key, facts).empty()) return key;
  return std::nullopt;
}

/// What rating piles up before it rounds.
struct Pile {
  std::map<std::string, Int> by_policy;  // eligible quantity
};

void price_charge(const ChargeKey& key, Figures& figures, const Pile& pile, const Facts& facts,
                  std::map<std::string, Int>& eligible_by_policy) {
  const std::vector<Tier> tiers = tiers_of(key, facts);
  const bool inclusive = facts.books.at(key.book).inclusive;
  const Fraction tax_rate = decimal(facts.skus.at(key.sku).tax_text);
  const Fraction exact = exact_fen(tiers, figures.quantity);
  const Money money = with_tax(exact, inclusive, tax_rate);
  figures.net = money.net;
  figures.tax = money.tax;
  figures.gross = money.gross;
  for (const auto& [id, quantity] : pile.by_policy) {
    // For a flat price this is quantity × price.
    const Money part = with_tax(exact * Fraction(quantity, figures.quantity), inclusive, tax_rate);
    const Int amount = facts.policies.at(id).basis == "net" ? part.net : part.gross;
    figures.eligible_quantity += quantity;
    figures.eligible_amount += amount;
    eligible_by_policy[id] = amount;
  }
  Int so_far = 0;
  Int given = 0;
  for (auto& [project, share] : figures.projects) {
    so_far += share.first;
    const Int up_to = round_half_away(Fraction(figures.net) * Fraction(so_far, figures.quantity));
    share.second = up_to - given;
    given = up_to;
  }
}

}  // namespace

Rated rate(const std::string& firm, const UsageOfFirm& usage, const Facts& facts) {
  Rated rated;
  std::map<ChargeKey, Pile> piles;
  for (const auto& [what, quantity] : usage) {
    const auto& [day, sku, project] = what;
    if (quantity == 0) continue;
    const auto key = key_of(firm, sku, day, facts);
    if (!key) {
      rated.unpriced[{month_of_day(day), sku}] += quantity;
      continue;
    }
    Figures& figures = rated.charges[*key];
    figures.quantity += quantity;
    figures.projects[project].first += quantity;
    if (const auto reason = why_not(firm, sku, day, facts)) {
      figures.ineligible[*reason] += quantity;
    } else {
      piles[*key].by_policy[facts.policy_on(day).first] += quantity;
    }
  }
  for (auto& [key, figures] : rated.charges) {
    price_charge(key, figures, piles[key], facts, rated.eligible_by_policy[key]);
  }
  return rated;
}

// The subsidy ---------------------------------------------------------------------------------------

namespace {

void collect_predecessors(const std::string& firm, const Facts& facts, std::set<std::string>& all) {
  const auto known = facts.firms.find(firm);
  if (known == facts.firms.end()) return;
  for (const std::string& predecessor : known->second.predecessors) {
    if (all.insert(predecessor).second) collect_predecessors(predecessor, facts, all);
  }
}

}  // namespace

YearRow Reckoning::year_row(const std::string& firm, int year, int month, const Int& granted) const {
  YearRow row;
  row.year = year;
  row.granted_before = granted;
  Int other_awards = 0;
  for (const auto& [id, award] : facts_.awards) {
    if (award.firm != firm || award.year != year) continue;
    (award.kind == "same_programme" ? row.other_centres : other_awards) += award.amount;
  }
  // READING: each predecessor, near or far, counts once, with its target up to the same month.
  std::set<std::string> predecessors;
  collect_predecessors(firm, facts_, predecessors);
  for (const std::string& predecessor : predecessors) {
    row.other_centres += year_row(predecessor, year, month, 0).target;
  }

  std::map<std::string, Int> by_policy;
  const auto rated = rated_.find(firm);
  if (rated != rated_.end()) {
    for (const auto& [key, parts] : rated->second.eligible_by_policy) {
      if (1970 + key.month / 12 != year || key.month % 12 + 1 > month) continue;
      for (const auto& [id, amount] : parts) by_policy[id] += amount;
    }
  }
  std::map<int, std::string> in_order;  // policies of the year, by their start
  const int year_from = day_number(year, 1, 1);
  const int year_until = first_day_of_month((year - 1970) * 12 + month);
  for (const auto& [id, policy] : facts_.policies) {
    if (policy.days.overlaps({year_from, year_until})) in_order[policy.days.from] = id;
  }
  Fraction sum = 0;
  for (const auto& [from, id] : in_order) {
    const Policy& policy = facts_.policies.at(id);
    const Int room = std::max(Int(0), Int(policy.cap - row.other_centres));
    const Fraction grown = sum + decimal(policy.rate_text) * Fraction(by_policy[id]);
    sum = std::max(sum, std::min(Fraction(room), grown));
    row.eligible += by_policy[id];
    row.cap = policy.cap;  // READING: of the last policy of the year up to the month
  }
  row.target = std::max(Int(0), Int(round_half_away(sum) - other_awards));
  row.this_statement = row.target - granted;
  row.remaining = std::max(Int(0), Int(row.cap - row.other_centres - row.target));
  return row;
}

}  // namespace naive
