// What holds for every world, every order of usage and every way of closing. RapidCheck prints
// its seed at the start, and the seed of the world where something fails.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/billing/core/naive_rating.h"
#include "tests/billing/core/random_world.h"

namespace voucherd::billing {
namespace {

using namespace example;

RandomWorld random_world() {
  const auto seed =
      *rc::gen::noShrink(rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::uint64_t>(0, 1ULL << 40)));
  return RandomWorld(seed);
}

bool holds(const char* what, const std::function<void(RandomWorld&)>& property) {
  return rc::check(what, [&] {
    RandomWorld world = random_world();
    property(world);
  });
}

bool equal(Fen fen, const naive::Integer& expected) { return naive::integer(fen.value) == expected; }

void check_charge(const ChargeFigures& figures, const naive::Line& expected) {
  RC_ASSERT(naive::hours(figures.quantity) == expected.quantity);
  RC_ASSERT(equal(figures.net, expected.amounts.net));
  RC_ASSERT(equal(figures.tax, expected.amounts.tax));
  RC_ASSERT(equal(figures.gross, expected.amounts.gross));
  RC_ASSERT(naive::hours(figures.eligible_quantity) == expected.eligible_quantity);
  RC_ASSERT(equal(figures.eligible_amount, expected.eligible_amount));
  RC_ASSERT(figures.ineligible.size() == expected.ineligible.size());
  for (const auto& [reason, quantity] : figures.ineligible)
    RC_ASSERT(naive::hours(quantity) == expected.ineligible.at(reason));
  RC_ASSERT(figures.projects.size() == expected.project_nets.size());
  for (const auto& [project, share] : figures.projects)
    RC_ASSERT(equal(share.net, expected.project_nets.at(project)));
}

TEST(RatingPropertyTest, ChargesAreThoseOfANaiveReadingOfTheRules) {
  EXPECT_TRUE(holds("rate_usage equals naive::rate_usage", [](RandomWorld& world) {
    const auto usage = world.usage(80);
    const RatedUsage rated = rate_usage(firm, usage, world.facts);
    const naive::Rated expected = naive::rate_usage(firm, usage, world.facts);
    RC_ASSERT(rated.charges.size() == expected.lines.size());
    for (const auto& [key, charge] : rated.charges) check_charge(charge.figures, expected.lines.at(key));
    RC_ASSERT(rated.unpriced.size() == expected.unpriced.size());
    for (const auto& [key, quantity] : rated.unpriced)
      RC_ASSERT(naive::hours(quantity) == expected.unpriced.at(key));
  }));
}

TEST(RatingPropertyTest, ProjectsByTheThousandAreRatedAsFewAre) {
  EXPECT_TRUE(holds("names without usage change nothing", [](RandomWorld& world) {
    FirmAccount account = example::account(world.usage(80));
    const auto bytes = [&] {
      return to_canonical_json(
          open_statement(account, month("2026-12"), month("2026-09"), world.facts, head));
    };
    const std::string few = bytes();
    constexpr int many = 5000;  // beyond what is summed by place
    for (int i = 0; i < many; ++i)
      account.usage.push_back(
          {parse_day("2026-03-01").value(), gpu, ProjectId("p-" + std::to_string(i)), {}});
    RC_ASSERT(bytes() == few);
  }));
}

TEST(RatingPropertyTest, TheOrderAndThePartsOfUsageChangeNothing) {
  EXPECT_TRUE(holds("shuffled and halved usage gives the same bytes", [](RandomWorld& world) {
    FirmAccount account = example::account(world.usage(60));
    const std::string bytes =
        to_canonical_json(open_statement(account, month("2026-12"), month("2026-09"), world.facts, head));
    std::vector<UsageOfDay> parts;
    for (UsageOfDay whole : account.usage) {
      UsageOfDay part = whole;
      part.quantity.nanos /= 3;
      whole.quantity -= part.quantity;
      parts.push_back(part);
      parts.push_back(whole);
    }
    world.shuffle(parts);
    account.usage = parts;
    RC_ASSERT(to_canonical_json(
                  open_statement(account, month("2026-12"), month("2026-09"), world.facts, head)) == bytes);
  }));
}

TEST(RatingPropertyTest, PartsAddUpToTheCharge) {
  EXPECT_TRUE(holds("projects, reasons and policies add up", [](RandomWorld& world) {
    const auto usage = world.usage(80);
    const RatedUsage rated = rate_usage(firm, usage, world.facts);
    Quantity counted;
    for (const auto& [key, charge] : rated.charges) {
      ChargeFigures sum;
      for (const auto& [project, share] : charge.figures.projects) {
        sum.net += share.net;
        sum.quantity += share.quantity;
      }
      RC_ASSERT(sum.net == charge.figures.net);
      RC_ASSERT(sum.quantity == charge.figures.quantity);
      RC_ASSERT(charge.figures.net + charge.figures.tax == charge.figures.gross);
      Quantity eligible_or_not = charge.figures.eligible_quantity;
      for (const auto& [reason, quantity] : charge.figures.ineligible) eligible_or_not += quantity;
      RC_ASSERT(eligible_or_not == charge.figures.quantity);
      Fen eligible;
      for (const auto& [policy, part] : charge.eligible_by_policy) eligible += part;
      RC_ASSERT(eligible == charge.figures.eligible_amount);
      counted += charge.figures.quantity;
    }
    for (const auto& [key, quantity] : rated.unpriced) counted += quantity;
    for (const UsageOfDay& entry : usage) counted -= entry.quantity;
    RC_ASSERT(counted.is_zero());
  }));
}

TEST(ChargeFiguresTest, TakingAwayAndAddingBackGivesTheSame) {
  EXPECT_TRUE(holds("a − b + b = a", [](RandomWorld& world) {
    const auto some = [&] {
      ChargeFigures sum;
      for (const auto& [key, charge] : rate_usage(firm, world.usage(6), world.facts).charges)
        sum = sum + charge.figures;
      return sum;
    };
    const ChargeFigures a = some();
    const ChargeFigures b = some();
    RC_ASSERT(a - b + b == a);
    RC_ASSERT((a - a) == ChargeFigures{});
    RC_ASSERT(a + b == b + a);
  }));
}

TEST(StatementPropertyTest, TheCanonicalBytesAreReadBackExactly) {
  EXPECT_TRUE(holds("parse(to_json(s)) = s", [](RandomWorld& world) {
    FirmAccount account = example::account(world.usage(40));
    bill(account, open_statement(account, month("2026-12"), month("2026-09"), world.facts, head));
    for (auto& entry : account.usage)
      if (world.chance(3)) entry = world.random_usage();
    const Statement statement =
        open_statement(account, month("2027-01"), month("2026-12"), world.facts, head);
    const BilledStatement read = parse_canonical_json(to_canonical_json(statement)).value();
    RC_ASSERT(read.lines.size() == statement.lines.size());
    for (std::size_t i = 0; i < read.lines.size(); ++i) {
      RC_ASSERT(read.lines[i].first == statement.lines[i].key);
      RC_ASSERT(read.lines[i].second == statement.lines[i].figures);
    }
    for (const SubsidyYear& year : statement.subsidy)
      RC_ASSERT(read.granted.at(year.year) == year.this_statement);
    RC_ASSERT(read.granted.size() == statement.subsidy.size());
    RC_ASSERT(read.net == statement.net() && read.tax == statement.tax() && read.gross == statement.gross());
    RC_ASSERT(read.eligible == statement.eligible() && read.subsidy == statement.subsidy_total());
  }));
}

/// Five months with late usage, corrections and changes of eligibility, closed one after the other.
class BillingRun {
 public:
  explicit BillingRun(RandomWorld& world) : world_(world) {}

  void play() {
    for (Month period = first_; period <= last_; period = period.next()) {
      happen(period);
      check_later_months_do_not_depend_on_closing(period);
      bill(account_, statement(account_, period, period.previous()));
      check_all_is_billed(period);
    }
  }

 private:
  Statement statement(const FirmAccount& account, Month period, Month closed_through) const {
    return open_statement(account, period, closed_through, world_.facts, head);
  }

  /// Usage of this month and late usage, corrections, and eligibility that changes afterwards.
  void happen(Month period) {
    const int days =
        std::min(first_day(period.next()).days - RandomWorld::usage_day(0).days, RandomWorld::usage_days);
    for (const UsageOfDay& entry : world_.usage(15, days)) account_.usage.push_back(entry);
    for (const UsageOfDay& entry : world_.usage(3, days))
      account_.predecessor_usage[RandomWorld::predecessor].push_back(entry);
    for (UsageOfDay& entry : account_.usage)
      if (world_.chance(10)) entry.quantity.nanos /= world_.between(2, 10);
    if (world_.chance(3)) world_.facts.firms[firm] = world_.random_firm(firm, {RandomWorld::predecessor});
  }

  void check_later_months_do_not_depend_on_closing(Month period) const {
    FirmAccount closed = account_;
    Month closed_through = period.previous();
    for (int later = 0; later < 2; ++later) {
      const Month open{period.months + later};
      RC_ASSERT(to_canonical_json(statement(account_, open, period.previous())) ==
                to_canonical_json(statement(closed, open, closed_through)));
      bill(closed, statement(closed, open, closed_through));
      closed_through = open;
    }
  }

  void check_all_is_billed(Month period) const {
    const RatedUsage rated = rate_usage(firm, account_.usage, world_.facts);
    Fen gross_of_lines;
    for (const auto& [key, figures] : account_.billed.charges) {
      gross_of_lines += figures.gross;
      const auto charge = rated.charges.find(key);
      RC_ASSERT(
          figures.same_amounts(charge == rated.charges.end() ? ChargeFigures{} : charge->second.figures));
    }
    for (const auto& [key, charge] : rated.charges)
      if (key.usage_month <= period) gross_of_lines -= charge.figures.gross;
    RC_ASSERT(gross_of_lines.is_zero());
    for (const auto& [year, granted] : account_.billed.granted) {
      const int month = year < period.year() ? 12 : period.month();
      const SubsidyYear target = subsidy_of_year(account_, rated, year, month, world_.facts);
      RC_ASSERT(granted == target.target);
      Fen highest_cap;
      for (const auto& [id, policy] : world_.facts.policies)
        highest_cap = std::max(highest_cap, policy.annual_cap);
      RC_ASSERT(granted <= highest_cap);
      RC_ASSERT(granted >= Fen{});
    }
  }

  RandomWorld& world_;
  FirmAccount account_ = example::account({});
  const Month first_ = month("2026-10");
  const Month last_ = month("2027-02");
};

TEST(StatementPropertyTest, LinesAddUpToChargesAndGrantsToTargetsHoweverThingsComeAndGo) {
  EXPECT_TRUE(holds("Σ closed lines = Σ charges, Σ granted = targets",
                    [](RandomWorld& world) { BillingRun(world).play(); }));
}

TEST(StatementPropertyTest, AYearsSubsidiesReachTheCapExactlyAndNeverPassIt) {
  EXPECT_TRUE(rc::check("Σ subsidies = min(cap, rate × E)", [] {
    const auto cents =
        *rc::gen::container<std::vector<std::int64_t>>(12, rc::gen::inRange<std::int64_t>(0, 200'000));
    Facts facts = example::facts();
    facts.price_books.at(book_q1).prices[gpu] = flat("0.01");
    facts.policies.at(policy_id).annual_cap = Fen{*rc::gen::inRange<std::int64_t>(0, 200'000)};
    FirmAccount account = example::account({});
    Int128 eligible = 0;
    for (int i = 0; i < 12; ++i) {
      const std::int64_t amount = cents[static_cast<std::size_t>(i)];
      account.usage.push_back(
          {first_day(make_month(2026, i + 1)), gpu, ProjectId(), Quantity{Int128{amount} * 1'000'000'000}});
      eligible += amount;
    }
    Fen granted;
    for (int i = 0; i < 12; ++i)
      granted += open_statement(account, make_month(2026, i + 1), std::nullopt, facts, head).subsidy_total();
    RC_ASSERT(granted == std::min(facts.policies.at(policy_id).annual_cap, Fen{(eligible * 2 + 5) / 10}));
  }));
}

}  // namespace
}  // namespace voucherd::billing
