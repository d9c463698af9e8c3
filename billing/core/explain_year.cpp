// The subsidy's formula with the year's numbers (rules §5).
#include <algorithm>

#include "billing/core/explain.h"
#include "billing/core/year.h"

namespace voucherd::billing {

namespace {

using Json = nlohmann::ordered_json;

Json step(const char* what, std::string formula, const std::string& result) {
  return {{"what", what}, {"formula", std::move(formula)}, {"result", result}};
}

constexpr int exact_fen_digits = 8;  // a fen's two and a rate's six
constexpr Int128 millionths = 1'000'000;

/// What is earned under one policy after another (s_k of rules §5), in millionths of a fen.
struct Earned {
  Int128 millionths_of_fen = 0;
  std::string text() const { return format_decimal(millionths_of_fen, exact_fen_digits); }
};

std::vector<const Policy*> policies_of(int year, const Facts& facts) {
  const LocalDay from = first_day(make_month(year, 1)), until = first_day(make_month(year + 1, 1));
  std::vector<const Policy*> found;
  for (const auto& [id, policy] : facts.policies) {
    if (policy.days.from < until && (!policy.days.until || from < *policy.days.until))
      found.push_back(&policy);
  }
  std::sort(found.begin(), found.end(),
            [](const Policy* a, const Policy* b) { return a->days.from < b->days.from; });
  return found;
}

using Parts = std::vector<std::pair<const Policy*, Fen>>;

/// The year's eligible amount by policy, in order of time; nullopt where it can't be told apart.
std::optional<Parts> parts_of(const SubsidyYear& year, const std::map<PolicyId, Fen>& eligible,
                              const Facts& facts) {
  const auto policies = policies_of(year.year, facts);
  if (policies.size() == 1) return Parts{{policies.front(), year.eligible_to_date}};
  Fen sum;
  for (const auto& [id, amount] : eligible) sum += amount;
  if (sum != year.eligible_to_date) return std::nullopt;
  Parts parts;
  for (const Policy* policy : policies) {
    if (const auto part = eligible.find(policy->id); part != eligible.end())
      parts.emplace_back(policy, part->second);
  }
  return parts;
}

Json awards_json(const SubsidyYear& year, const FirmId& firm, const Facts& facts, Fen& other_awards,
                 Fen& same_programme) {
  Json awards = Json::array();
  for (const Award* award : facts.awards.of(firm)) {
    if (award->year != year.year) continue;
    const bool same = award->kind == AwardKind::same_programme;
    (same ? same_programme : other_awards) += award->amount;
    awards.push_back({{"id", award->id.value},
                      {"kind", same ? "same_programme" : "other_policy"},
                      {"amount", to_string(award->amount)},
                      {"policy", award->policy}});
  }
  return awards;
}

/// The steps of one policy: s_k = max(s_{k−1}, min(cap − other centres, s_{k−1} + rate × E)).
void add_policy_steps(const Policy& policy, Fen eligible, Fen other_centres, Earned& earned, Json& steps) {
  const Fen limit = std::max(Fen{}, policy.annual_cap - other_centres);
  const std::string before = earned.text();
  const Earned uncapped{checked_add(earned.millionths_of_fen, eligible.value * policy.rate.millionths)};
  steps.push_back(step("limit",
                       "max(0, " + to_string(policy.annual_cap) + " − " + to_string(other_centres) + ")",
                       to_string(limit)));
  const std::string product = policy.rate.text + " × " + to_string(eligible);
  const bool is_first = earned.millionths_of_fen == 0;
  steps.push_back(step("earned", is_first ? product : before + " + " + product, uncapped.text()));
  const Earned limited{std::min(limit.value * millionths, uncapped.millionths_of_fen)};
  const std::string smaller = "min(" + to_string(limit) + ", " + uncapped.text() + ")";
  earned.millionths_of_fen = std::max(earned.millionths_of_fen, limited.millionths_of_fen);
  steps.push_back(step("capped", is_first ? smaller : "max(" + before + ", " + smaller + ")", earned.text()));
}

Json steps_of(const SubsidyYear& year, const Parts& parts, Fen other_awards, Json& policies, Fen& target) {
  Json steps = Json::array();
  Earned earned;
  for (const auto& [policy, eligible] : parts) {
    policies.push_back({{"id", policy->id.value},
                        {"title", policy->title},
                        {"document", policy->document},
                        {"rate", policy->rate.text},
                        {"annual_cap", to_string(policy->annual_cap)},
                        {"eligible", to_string(eligible)}});
    add_policy_steps(*policy, eligible, year.other_centres, earned, steps);
  }
  const Fen rounded = round_product(earned.millionths_of_fen, 1, millionths);
  target = std::max(Fen{}, rounded - other_awards);
  steps.push_back(step("target", "max(0, round(" + earned.text() + ") − " + to_string(other_awards) + ")",
                       to_string(target)));
  steps.push_back(step("this_statement", to_string(year.target) + " − " + to_string(year.granted_before),
                       to_string(year.target - year.granted_before)));
  return steps;
}

}  // namespace

Json explain_year(const SubsidyYear& year, const FirmId& firm, const std::map<PolicyId, Fen>& eligible,
                  const Facts& facts) {
  Fen other_awards, same_programme;
  Json awards = awards_json(year, firm, facts, other_awards, same_programme);
  Json policies = Json::array(), steps = Json::array();
  const auto parts = parts_of(year, eligible, facts);
  bool adds_up = false;
  if (parts) {
    Fen target;
    steps = steps_of(year, *parts, other_awards, policies, target);
    adds_up = target == year.target;
  }
  Json json = {{"year", year.year},
               {"eligible_to_date", to_string(year.eligible_to_date)},
               {"cap", to_string(year.cap)},
               {"other_centres", to_string(year.other_centres)},
               {"of_predecessors", to_string(year.other_centres - same_programme)},
               {"other_awards", to_string(other_awards)},
               {"awards", std::move(awards)},
               {"target", to_string(year.target)},
               {"granted_before", to_string(year.granted_before)},
               {"this_statement", to_string(year.this_statement)},
               {"remaining", to_string(year.remaining)},
               {"policies", std::move(policies)},
               {"steps", std::move(steps)},
               {"adds_up", adds_up}};
  if (!adds_up) {
    json["remark"] =
        "按政策拆分的可补金额在结账后已变化 The parts under each policy have changed since the close.";
  }
  return json;
}

}  // namespace voucherd::billing
