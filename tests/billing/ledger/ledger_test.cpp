// The ledger as a whole: identities at every position, replay and checkpoints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <set>

#include "metering/proof/close_part.h"
#include "tests/billing/ledger/world.h"

namespace voucherd::billing::testing {
namespace {

using ::testing::ElementsAre;

/// The three identities of rules §6.
void expect_identities(const Ledger& ledger) {
  const auto figures = ledger.figures();
  EXPECT_TRUE(figures.difference_quantity == 0) << voucherd::to_string(figures.difference_quantity);
  EXPECT_TRUE(figures.difference_lines == 0) << voucherd::to_string(figures.difference_lines);
  EXPECT_TRUE(figures.difference_subsidy == 0) << voucherd::to_string(figures.difference_subsidy);
}

TEST(LedgerTest, KnowsWhatIsRegistered) {
  World world;
  world.furnish();
  EXPECT_TRUE(world.ledger->knows_firm(firm_a));
  EXPECT_FALSE(world.ledger->knows_firm("9150000020286320X6"));
  EXPECT_TRUE(world.ledger->knows_sku("gpu"));
  EXPECT_FALSE(world.ledger->knows_sku("npu"));
}

TEST(LedgerTest, KeepsTheLetterheadOfEachPosition) {
  World world;
  EXPECT_EQ(world.ledger->letterhead_at(1).due_days, 30);
  world.furnish();
  const auto record = [&](const char* bank, int days) {
    world.put(FactKind::letterhead, "letterhead", {{"bank_name", bank}, {"due_days", days}});
    return world.ledger->history(FactKind::letterhead, "letterhead")->back().position;
  };
  const Position first = record("甲银行", 10), second = record("乙银行", 20);
  const auto replayed = world.replayed();
  for (const auto* ledger : {world.ledger.get(), replayed.get()}) {
    EXPECT_EQ(ledger->letterhead_at(1).due_days, 10) << "a journal from before letterheads were recorded";
    EXPECT_EQ(ledger->letterhead_at(first).bank_name, "甲银行");
    EXPECT_EQ(ledger->letterhead_at(second - 1).bank_name, "甲银行");
    EXPECT_EQ(ledger->letterhead_at(second).bank_name, "乙银行");
    EXPECT_EQ(ledger->letterhead_at(second + 100).due_days, 20);
  }
  EXPECT_TRUE(world.judge(FactKind::letterhead, "letterhead", {{"bank_name", "乙银行"}, {"due_days", 20}})
                  .payload.empty());
}

TEST(LedgerTest, HasNoStatementWhereThereIsNothingToState) {
  World world;
  world.furnish();
  world.use(firm_a, "gpu", "2026-03-10", "1");
  EXPECT_EQ(world.open_bytes("2026-02", firm_a), "");
  EXPECT_EQ(world.open_bytes("2026-03", firm_b), "");
  EXPECT_EQ(world.open_bytes("2026-03", "no firm"), "");
  EXPECT_NE(world.open_bytes("2026-03", firm_a), "");
}

TEST(LedgerTest, SeesUsageAndFactsAsSoonAsTheyAreFolded) {
  World world;
  world.furnish();
  world.use(firm_a, "gpu", "2026-03-10", "1");
  EXPECT_EQ(to_string(world.ledger->open_totals(World::month("2026-03")).net), "10.00");
  world.use(firm_a, "gpu", "2026-03-10", "1");
  EXPECT_EQ(to_string(world.ledger->open_totals(World::month("2026-03")).net), "20.00");
  world.put(FactKind::contract, "c", {{"firm", firm_a}, {"from", "2026-01-01"}, {"discount", "0.5"}});
  EXPECT_EQ(to_string(world.ledger->open_totals(World::month("2026-03")).net), "10.00");
}

TEST(LedgerTest, SeesAChangeOfEachKindWhateverWasReadBefore) {
  World world;
  world.furnish();
  world.use(firm_a, "gpu", "2026-03-10", "10");
  world.use(firm_b, "gpu", "2026-03-10", "10");
  const auto read = [&](const std::string& firm) {
    const auto* statement = world.ledger->open_statement(World::month("2026-03"), FirmId{firm});
    return to_string(statement->net()) + " " + to_string(statement->subsidy_total()) + " " +
           statement->lines[0].unit + " " + statement->firm_name;
  };
  EXPECT_EQ(read(firm_a) + ", " + read(firm_b),
            "100.00 20.00 card_hour 甲公司, 100.00 20.00 card_hour 甲公司");
  const nlohmann::json days = {{"from", "2026-01-01"}, {"discount", "0.5"}};
  auto contract = days;
  contract["firm"] = firm_a;
  world.put(FactKind::contract, "c", contract);
  EXPECT_EQ(read(firm_a) + ", " + read(firm_b),
            "50.00 10.00 card_hour 甲公司, 100.00 20.00 card_hour 甲公司");
  contract["firm"] = firm_b;  // the same contract, now of the other firm: both change
  world.put(FactKind::contract, "c", contract);
  EXPECT_EQ(read(firm_a) + ", " + read(firm_b),
            "100.00 20.00 card_hour 甲公司, 50.00 10.00 card_hour 甲公司");
  world.put(FactKind::external_award, "a",
            {{"firm", firm_a}, {"year", 2026}, {"kind", "other_policy"}, {"amount", "5"}});
  EXPECT_EQ(read(firm_a), "100.00 15.00 card_hour 甲公司");
  world.put(FactKind::external_award, "a",
            {{"firm", firm_b}, {"year", 2026}, {"kind", "other_policy"}, {"amount", "5"}});
  EXPECT_EQ(read(firm_a) + ", " + read(firm_b), "100.00 20.00 card_hour 甲公司, 50.00 5.00 card_hour 甲公司");
  world.put(FactKind::sku, "gpu", {{"name", "A800"}, {"unit", "card_day"}, {"kind", "compute"}});
  EXPECT_EQ(read(firm_a), "100.00 20.00 card_day 甲公司");
  auto renamed = World::firm_body();
  renamed["name"] = "乙公司";
  world.put(FactKind::firm, firm_a, renamed);
  EXPECT_EQ(read(firm_a), "100.00 20.00 card_day 乙公司");
  auto policy = World::policy_body();
  policy["rate"] = "0.50";
  world.put(FactKind::policy, "policy", policy);
  EXPECT_EQ(read(firm_a), "100.00 50.00 card_day 乙公司");
}

TEST(LedgerTest, SeesAChangeOfAPredecessorsFacts) {
  World world;
  world.furnish();
  auto successor = World::firm_body();
  successor["predecessors"] = {firm_b};
  world.put(FactKind::firm, firm_a, successor);
  world.use(firm_a, "gpu", "2026-03-10", "500");
  world.use(firm_b, "gpu", "2026-03-10", "100");
  const auto subsidy = [&] {
    return to_string(world.ledger->open_statement(World::month("2026-03"), FirmId{firm_a})->subsidy_total());
  };
  EXPECT_EQ(subsidy(), "800.00");
  world.put(FactKind::contract, "c", {{"firm", firm_b}, {"from", "2026-01-01"}, {"discount", "0.5"}});
  EXPECT_EQ(subsidy(), "900.00");
}

TEST(LedgerTest, KeepsWhoAndWhyOfEachChangeThatHasAnOriginOfItsOwn) {
  World world;
  world.furnish();
  const Actor call{"file", "all"}, file{"file", "/etc/a.json sha256:00"};
  const auto body = World::firm_body();
  // Firm a equals what is in force: with an origin it becomes a version all the same.
  const std::vector<FactChange> changes = {{FactKind::firm, firm_a, body, Origin{file, "from the file"}},
                                           {FactKind::firm, firm_b, body}};
  const auto judged = world.ledger->judge_facts(changes, call, "", std::nullopt);
  ASSERT_FALSE(judged.refusal);
  world.fold(RecordType::facts, judged.payload);
  const auto* a = world.ledger->history(FactKind::firm, firm_a);
  ASSERT_EQ(a->size(), 2u);
  EXPECT_EQ(a->back().by, file);
  EXPECT_EQ(a->back().reason, "from the file");
  EXPECT_EQ(world.ledger->history(FactKind::firm, firm_b)->size(), 1u);
}

TEST(LedgerTest, ReadsFactsAndClosesOfTheFirstPayloadVersion) {
  World world;
  world.furnish();
  const Actor call{"file", "all"};
  const std::vector<FactChange> changes = {
      {FactKind::firm, firm_a, World::firm_body("2026-01-05"), Origin{call, "from the file"}},
      {FactKind::firm, firm_b, World::firm_body("2026-01-06")}};
  world.fold(RecordType::facts, world.ledger->judge_facts(changes, call, "", std::nullopt).payload);
  world.use(firm_a, "gpu", "2026-01-10", "10");
  world.now = parse_instant("2026-02-05T00:00:00+08:00").value();
  world.close("2026-01");
  std::string saved;
  world.replayed_from_first_version()->save(saved);
  EXPECT_EQ(saved, world.saved());
}

TEST(LedgerTest, AClosesPartsSayTheSameOfEachFirmWhenItIsReadAgain) {
  World world;
  world.furnish();
  for (const std::string& firm : {firm_a, firm_b}) world.use(firm, "gpu", "2026-01-10", "10");
  world.chains.extend(world.chains.firm_number(firm_c), World::month("2026-01"), {9, 1, sha256("an event")});
  world.chains.extend(world.chains.firm_number(firm_c), World::month("2026-03"), {9, 1, sha256("another")});
  world.now = parse_instant("2026-02-05T00:00:00+08:00").value();
  const PayloadParts content = world.judge_close("2026-01").payload;
  ASSERT_EQ(content.parts.size(), 3U);  // two with statements, one with a chain alone
  const Record record{{99, world.now, RecordType::close, payload_in_parts_version},
                      seal(content, RecordSecret{})};
  EXPECT_EQ(world.ledger->parts_of_close(record, world.chains).value(), content.parts);
  const auto part = decode_close_part(content.parts[0]).value();  // 91330106673959654P is the first
  EXPECT_EQ(part.firm.value, firm_c);
  EXPECT_TRUE(part.statements.empty());
  ASSERT_EQ(part.chains.size(), 1U);  // not that of March
  EXPECT_EQ(part.chains.begin()->second.events, 1U);
}

TEST(LedgerTest, TheFactsDigestOfACloseFollowsWhatAStatementRestsOn) {
  const auto digest_with = [](const std::function<void(World&)>& change) {
    World world;
    world.furnish();
    change(world);
    world.use(firm_a, "gpu", "2026-01-10", "10");
    world.now = parse_instant("2026-02-05T00:00:00+08:00").value();
    const auto part = decode_close_part(world.judge_close("2026-01").payload.parts.at(0)).value();
    EXPECT_EQ(part.firm.value, firm_a);
    return to_hex(part.facts);
  };
  const std::string plain = digest_with([](World&) {});
  const auto award = [](const std::string& firm) {
    return nlohmann::json{{"firm", firm}, {"year", 2026}, {"kind", "other_policy"}, {"amount", "1.00"}};
  };
  // Of other firms, or of SKUs that this one has not used: nothing.
  EXPECT_EQ(plain, digest_with([&](World& w) { w.put(FactKind::external_award, "x", award(firm_b)); }));
  EXPECT_EQ(plain,
            digest_with([&](World& w) { w.put(FactKind::firm, firm_b, World::firm_body("2026-01-09")); }));
  EXPECT_EQ(plain, digest_with([&](World& w) {
              w.put(FactKind::sku, "new", {{"name", "n"}, {"unit", "gib"}, {"kind", "storage"}});
            }));
  std::set<std::string> digests = {plain};
  const auto is_another = [&](const std::function<void(World&)>& change) {
    return digests.insert(digest_with(change)).second;
  };
  EXPECT_TRUE(is_another([&](World& w) { w.put(FactKind::external_award, "x", award(firm_a)); }));
  EXPECT_TRUE(is_another([&](World& w) { w.put(FactKind::firm, firm_a, World::firm_body("2026-01-09")); }));
  EXPECT_TRUE(is_another([&](World& w) {
    w.put(FactKind::sku, "gpu", {{"name", "H800"}, {"unit", "card_hour"}, {"kind", "compute"}});
  }));
  EXPECT_TRUE(is_another([&](World& w) {
    w.put(FactKind::settings, "settings", {{"accept_from", "2025-06-01"}});
  }));
  EXPECT_TRUE(is_another([&](World& w) {
    w.put(FactKind::contract, "c", {{"firm", firm_a}, {"from", "2026-01-01"}, {"discount", "0.5"}});
  }));
  EXPECT_TRUE(is_another([&](World& w) {
    w.put(FactKind::price_book, "b2",
          {{"effective_from", "2026-06-01"}, {"prices", {{"gpu", "9"}, {"disk", "1"}}}});
  }));
}

TEST(LedgerTest, WantsAReasonOnlyOfTheChangesOfACallThatNeedOne) {
  World world;
  world.furnish();
  world.use(firm_a, "gpu", "2026-01-10", "10");
  world.now = parse_instant("2026-02-05T00:00:00+08:00").value();
  world.close("2026-01");
  const Actor by{"file", "f"};
  const auto judge = [&](const std::string& reason_of_a, const std::string& reason_of_b) {
    const std::vector<FactChange> changes = {
        {FactKind::firm, firm_a, World::firm_body("2026-02-01"), Origin{by, reason_of_a}},
        {FactKind::firm, firm_b, World::firm_body("2026-03-01"), Origin{by, reason_of_b}}};
    const auto judged = world.ledger->judge_facts(changes, by, "", std::nullopt);
    return judged.refusal ? judged.refusal->status : 0;
  };
  EXPECT_EQ(judge("", "unneeded"), 422);
  EXPECT_EQ(judge("needed", ""), 0);
}

TEST(LedgerTest, SeesTheUsageOfPredecessors) {
  World world;
  world.furnish();
  auto successor = World::firm_body();
  successor["predecessors"] = {firm_b};
  world.put(FactKind::firm, firm_a, successor);
  world.use(firm_a, "gpu", "2026-03-10", "500");  // 5,000 at 20 % is the cap
  EXPECT_EQ(to_string(world.ledger->open_statement(World::month("2026-03"), FirmId{firm_a})->subsidy_total()),
            "1000.00");
  world.use(firm_b, "gpu", "2026-03-10", "100");
  EXPECT_EQ(to_string(world.ledger->open_statement(World::month("2026-03"), FirmId{firm_a})->subsidy_total()),
            "800.00");
}

// A total of zero is not there, and a firm without totals is in no list of usage: what it was billed
// must keep it in sight.
TEST(LedgerTest, RemembersABilledFirmWhoseOnlyUsageIsVoided) {
  World world;
  world.furnish();
  const EventOrdinal event = world.use(firm_a, "gpu", "2026-01-10", "5");
  world.now = parse_instant("2026-02-02T00:00:00+08:00").value();
  world.close("2026-01");
  world.correct(event, "0");
  ASSERT_TRUE(world.usage.totals().firms().empty());
  const auto loaded = world.replayed();
  for (const Ledger* ledger :
       {static_cast<const Ledger*>(world.ledger.get()), static_cast<const Ledger*>(loaded.get())}) {
    const Month february = World::month("2026-02");
    EXPECT_EQ(ledger->firms_with_statement(february, FirmId{""}, 10), std::vector<FirmId>{FirmId{firm_a}});
    const auto* statement = ledger->open_statement(february, FirmId{firm_a});
    ASSERT_TRUE(statement);
    ASSERT_EQ(statement->lines.size(), 1u);
    EXPECT_EQ(to_string(statement->lines[0].figures.quantity), "-5");
    EXPECT_EQ(to_string(statement->subsidy_total()), "-10.00");
    EXPECT_EQ(to_string(ledger->open_totals(february).net), "-50.00");
    EXPECT_EQ(ledger->periods().back(), february);
    expect_identities(*ledger);
  }
  world.now = parse_instant("2026-03-02T00:00:00+08:00").value();
  world.close("2026-02");
  EXPECT_EQ(world.open_bytes("2026-03", firm_a), "");
  expect_identities(*world.ledger);
}

TEST(LedgerTest, GivesFiguresByKindAndByYear) {
  World world;
  world.furnish();
  world.put(FactKind::sku, "npu", {{"name", "910B"}, {"unit", "card_hour"}, {"kind", "compute"}});
  world.use(firm_a, "gpu", "2026-03-10", "500");
  world.use(firm_a, "disk", "2026-03-10", "7");
  world.use(firm_b, "npu", "2026-04-10", "2");
  world.now = parse_instant("2026-05-01T00:00:00+08:00").value();
  world.close("2026-03");
  const auto figures = world.ledger->figures();
  EXPECT_EQ(to_string(figures.charged_by_kind.at("compute")), "500");
  EXPECT_EQ(to_string(figures.accepted_by_kind.at("compute")), "502");
  EXPECT_EQ(to_string(figures.charged_by_kind.at("storage")), "7");
  EXPECT_EQ(to_string(figures.unpriced), "2");
  EXPECT_EQ(to_string(figures.subsidy_granted), "1000.00");
  EXPECT_EQ(to_string(figures.subsidy_open), "0.00");
  EXPECT_EQ(to_string(figures.subsidy_by_year.at(2026)), "1000.00");
  EXPECT_EQ(figures.firms_at_cap, 1u);
  expect_identities(*world.ledger);
}

// Cap 1,000, of which an award under another policy covers 300: 700 is all that can come of it.
TEST(LedgerTest, CountsAwardsUnderOtherPoliciesTowardsTheCap) {
  World world;
  world.furnish();
  const auto overview = [&] { return world.ledger->subsidy_overview(FirmId{firm_a}, 2026).value(); };
  world.put(FactKind::external_award, "other",
            {{"firm", firm_a}, {"year", 2026}, {"kind", "other_policy"}, {"amount", "300.00"}});
  world.use(firm_a, "gpu", "2026-01-01", "100");  // 200 earned: the award covers it
  EXPECT_FALSE(overview().cap_used_up);
  EXPECT_FALSE(overview().cap_projected);
  world.use(firm_a, "gpu", "2026-01-10", "150");
  // 500 earned in 10 days, 200 of it as subsidy: the other 500 take 10 days more.
  EXPECT_EQ(to_string(overview().year.target), "200.00");
  EXPECT_EQ(to_string(overview().year.remaining), "800.00");
  EXPECT_EQ(overview().cap_projected, parse_day("2026-01-20").value());
  EXPECT_EQ(world.ledger->figures().firms_at_cap, 0u);
  world.use(firm_a, "gpu", "2026-02-10", "250");
  EXPECT_EQ(to_string(overview().year.target), "700.00");
  EXPECT_EQ(to_string(overview().year.remaining), "300.00");
  EXPECT_EQ(overview().cap_used_up, World::month("2026-02"));
  EXPECT_FALSE(overview().cap_projected);
  EXPECT_EQ(world.ledger->figures().firms_at_cap, 1u);
}

TEST(LedgerTest, ListsPeriodsWithoutGaps) {
  World world;
  world.furnish();
  EXPECT_TRUE(world.ledger->periods().empty());
  world.use(firm_a, "gpu", "2025-12-31", "1");
  world.use(firm_b, "gpu", "2026-02-01", "1");
  EXPECT_THAT(world.ledger->periods(),
              ElementsAre(World::month("2025-12"), World::month("2026-01"), World::month("2026-02")));
}

TEST(LedgerTest, RefusesADamagedCheckpointInsteadOfAborting) {
  World world;
  world.furnish();
  world.use(firm_a, "gpu", "2026-01-10", "1");
  world.now = parse_instant("2026-02-01T00:00:00+08:00").value();
  world.close("2026-01");
  const std::string good = world.saved();
  for (std::size_t cut = 0; cut < good.size(); cut += 7) {
    std::string_view in(good.data(), cut);
    EXPECT_FALSE(Ledger::load(in, world.head(), world.usage)) << cut;
  }
}

/// Usage, corrections, facts and closes as they come, from a seed.
class RandomYear {
 public:
  explicit RandomYear(std::uint32_t seed) : random_(seed) { world_.furnish(); }

  World& world() { return world_; }

  void step() {
    switch (pick(8)) {
      case 0:
        correct();
        break;
      case 1:
        change_eligibility();
        break;
      case 2:
        award();
        break;
      case 3:
        close();
        break;
      default:
        use();
        break;
    }
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  std::string firm() { return std::vector<std::string>{firm_a, firm_b, firm_c}[pick(3)]; }
  std::string two_digits(std::uint32_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

  void use() {
    const std::string month = two_digits(1 + pick(12)), day = two_digits(1 + pick(28));
    const std::string year = pick(4) == 0 ? "2027" : "2026";
    events_.push_back(world_.use(firm(), pick(3) == 0 ? "disk" : "gpu", year + "-" + month + "-" + day,
                                 std::to_string(1 + pick(40)) + "." + std::to_string(1 + pick(999)),
                                 pick(2) == 0 ? "" : "p" + std::to_string(pick(3))));
  }
  void correct() {
    if (!events_.empty())
      world_.correct(events_[pick(static_cast<std::uint32_t>(events_.size()))], std::to_string(pick(30)));
  }
  void change_eligibility() {
    world_.put(FactKind::firm, firm(), World::firm_body("2026-" + two_digits(1 + pick(12)) + "-15"),
               "random");
  }
  void award() {
    world_.put(FactKind::external_award, "award-" + std::to_string(pick(3)),
               {{"firm", firm()},
                {"year", 2026 + static_cast<int>(pick(2))},
                {"kind", pick(2) == 0 ? "same_programme" : "other_policy"},
                {"amount", std::to_string(pick(900))}});
  }
  void close() {
    const Month month =
        world_.ledger->closed_through() ? world_.ledger->closed_through()->next() : Month{56 * 12};
    world_.now = std::max(world_.now, start_of(first_day(month.next()), UtcOffset{480}));
    world_.close(to_string(month), pick(2) == 0 ? "" : "random");
  }

  std::mt19937 random_;
  World world_;
  std::vector<EventOrdinal> events_;
};

TEST(LedgerTest, KeepsTheIdentitiesThroughAnyHistory) {
  const auto seed = static_cast<std::uint32_t>(std::random_device{}());
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (std::uint32_t run = 0; run < 3; ++run) {
    RandomYear year(seed + run);
    for (int step = 0; step < 60; ++step) {
      year.step();
      expect_identities(*year.world().ledger);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(LedgerTest, IsTheSameAfterReplayAndAfterACheckpoint) {
  const auto seed = static_cast<std::uint32_t>(std::random_device{}());
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomYear year(seed);
  for (int step = 0; step < 80; ++step) year.step();
  World& world = year.world();
  const std::string bytes = world.saved();
  std::string again;
  world.replayed()->save(again);
  EXPECT_EQ(again, bytes);

  std::string_view in(bytes);
  const std::string more = bytes + "rest";
  in = more;
  auto loaded = Ledger::load(in, world.head(), world.usage);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(in, "rest");
  std::string resaved;
  (*loaded)->save(resaved);
  EXPECT_EQ(resaved, bytes);
  expect_identities(**loaded);
  EXPECT_EQ((*loaded)->periods(), world.ledger->periods());
  for (const Month month : world.ledger->periods()) {
    for (const auto& firm : {FirmId{firm_a}, FirmId{firm_b}, FirmId{firm_c}}) {
      const auto *one = world.ledger->open_statement(month, firm),
                 *two = (*loaded)->open_statement(month, firm);
      ASSERT_EQ(one != nullptr, two != nullptr);
      if (one != nullptr) {
        EXPECT_EQ(to_canonical_json(*one), to_canonical_json(*two));
      }
      const auto closed = world.ledger->closed_statement(month, firm),
                 read = (*loaded)->closed_statement(month, firm);
      ASSERT_EQ(closed.has_value(), read.has_value());
      if (closed) {
        EXPECT_EQ(closed->canonical, read->canonical);
      }
    }
  }
}

}  // namespace
}  // namespace voucherd::billing::testing
