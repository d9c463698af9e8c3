// GET /v1/audit/…: what an auditor's program gets, checked as one would check it.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "daemon/audit/directory_check.h"
#include "daemon/audit/unsigned_tail.h"
#include "metering/proof/base64.h"
#include "metering/proof/close_part.h"
#include "metering/proof/payload_parts.h"
#include "metering/proof/signed_note.h"
#include "tests/daemon/api_fixture.h"

namespace voucherd::api {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AuditApiTest : public ApiTest {
 protected:
  VerifierKey key() {
    std::string text = get("/v1/audit/key").body;
    EXPECT_EQ(text.back(), '\n');
    text.pop_back();
    return VerifierKey::parse(text).value();
  }
  TreeHead checkpoint() {
    const auto answer = get("/v1/audit/checkpoint");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.content_type, "text/plain; charset=utf-8");
    return parse_tree_head(key().open(answer.body).value()).value();
  }
  void sign() {
    bool done = false;
    engine_->heads().sign([&](const Result<void>& outcome) {
      EXPECT_TRUE(outcome);
      done = true;
    });
    loop_.run_until([&] { return done; });
  }
  static TreeHash hash_of(const Json& text) {
    const std::string bytes = from_base64(text.get<std::string>()).value();
    TreeHash hash{};
    EXPECT_EQ(bytes.copy(reinterpret_cast<char*>(hash.data()), hash.size()), hash.size());
    return hash;
  }
  static std::vector<TreeHash> hashes_of(const Json& list) {
    std::vector<TreeHash> hashes;
    for (const Json& each : list) hashes.push_back(hash_of(each));
    return hashes;
  }
};

TEST_F(AuditApiTest, SignsFromTheFirstRecordOn) {
  const TreeHead head = checkpoint();
  EXPECT_EQ(head.origin, "voucherd/" + options_.provider_uscc);
  EXPECT_EQ(head.size, 1U);
}

TEST_F(AuditApiTest, ProvesEachRecordInTheSignedTree) {
  register_all();
  accept(usage("a", "2026-03-01T09:00:00+08:00", "8"));
  sign();
  const TreeHead head = checkpoint();
  EXPECT_EQ(head.size, engine_->position());
  for (Position position = 1; position <= head.size; ++position) {
    const Json proof = get_json("/v1/audit/proof?position=" + std::to_string(position));
    EXPECT_EQ(proof["leaf_index"], position - 1);
    EXPECT_EQ(proof["tree_size"], head.size);
    EXPECT_EQ(hash_of(proof["root"]), head.root);
    const Record record = engine_->journal().read(position).value();
    const TreeHash leaf = leaf_hash(leaf_bytes(record.header, record.payload).value());
    EXPECT_EQ(hash_of(proof["leaf_hash"]), leaf);
    EXPECT_TRUE(proves_inclusion(leaf, position - 1, head.size, hashes_of(proof["hashes"]), head.root));
  }
}

TEST_F(AuditApiTest, ProvesThatTheJournalBeginsWithAnEarlierOne) {
  register_all();
  sign();
  const TreeHead older = checkpoint();
  accept(usage("a", "2026-03-01T09:00:00+08:00", "8"));
  accept(usage("b", "2026-03-01T09:00:00+08:00", "8"));
  sign();
  const TreeHead newer = checkpoint();
  const Json proof = get_json("/v1/audit/consistency?from=" + std::to_string(older.size));
  EXPECT_EQ(proof["to"], newer.size);
  EXPECT_TRUE(proves_consistency(older.size, older.root, newer.size, newer.root, hashes_of(proof["hashes"])));
  const Json within = get_json("/v1/audit/consistency?from=2&to=" + std::to_string(older.size));
  EXPECT_EQ(hash_of(within["to_root"]), older.root);
}

TEST_F(AuditApiTest, ACloseIsAnsweredUnderASignedHead) {
  register_all();
  accept(usage("a", "2026-03-01T09:00:00+08:00", "8"));
  close("2026-03");
  EXPECT_EQ(checkpoint().size, engine_->position());
}

TEST_F(AuditApiTest, SignsTheLastRecordsAtAStop) {
  register_all();
  const Position last = engine_->position();
  restart();
  EXPECT_EQ(checkpoint().size, last);
}

TEST_F(AuditApiTest, SaysWhatIsWrongWithAQuestion) {
  register_all();
  const auto status = [&](const char* target) { return get(target).status; };
  EXPECT_EQ(status("/v1/audit/proof"), 422);
  EXPECT_EQ(status("/v1/audit/proof?position=x"), 422);
  EXPECT_EQ(status("/v1/audit/proof?position=-1"), 422);
  EXPECT_EQ(status("/v1/audit/proof?position=1&until=3"), 422);
  EXPECT_EQ(status("/v1/audit/proof?position=0"), 404);
  EXPECT_EQ(status("/v1/audit/proof?position=1000000"), 404);
  EXPECT_EQ(status("/v1/audit/proof?position=1&size=1000000"), 404);
  EXPECT_EQ(status("/v1/audit/consistency"), 422);
  EXPECT_EQ(status("/v1/audit/consistency?from=3&to=2"), 404);
  EXPECT_EQ(status("/v1/audit/consistency?from=1&to=1000000"), 404);
  EXPECT_EQ(status("/v1/audit/checkpoint?size=3"), 422);
  // There, but under no head yet.
  const auto unsigned_yet = get("/v1/audit/proof?position=" + std::to_string(engine_->position()));
  EXPECT_EQ(unsigned_yet.status, 404);
  EXPECT_NE(unsigned_yet.body.find("not signed yet"), std::string::npos);
}

TEST_F(AuditApiTest, OneFirmsPartOfACloseIsProvenByItself) {
  register_all();
  accept(usage("a", "2026-03-01T09:00:00+08:00", "8"));
  close("2026-03");
  const Record record = engine_->journal().read(engine_->position()).value();
  const SealedPayload payload = unseal(record.payload).value();
  ASSERT_EQ(payload.content.parts.size(), 1U);
  const ClosePart part = decode_close_part(payload.content.parts[0]).value();
  EXPECT_EQ(part.firm.value, firm_of_tests);
  ASSERT_EQ(part.statements.size(), 1U);
  EXPECT_EQ(part.statements[0].second,
            sha256(engine_->ledger().closed_statement(make_month(2026, 3), part.firm)->canonical));
  EXPECT_EQ(part.chains, *engine_->chains().of(firm_of_tests));
  // The firm, the policy, the price book and the SKU: each by the position of its record.
  EXPECT_EQ(part.facts, facts_digest({{"sku", "gpu.a800", 2, 0},
                                      {"price_book", "2026", 3, 0},
                                      {"policy", "p", 4, 0},
                                      {"firm", firm_of_tests, 5, 0}}));
}

// Directories that are not what they were ---------------------------------------------------------

class AuditDirectoryTest : public AuditApiTest {
 protected:
  /// A close of March that says of the one firm what `change` makes of it, appended to a stopped daemon's
  /// journal.
  void forge_close(const std::function<void(ClosePart&)>& change) {
    register_all();
    accept(usage("a", "2026-03-01T09:00:00+08:00", "8"));
    const auto judged = engine_->ledger().judge_close(make_month(2026, 3), {"local", "t"}, "",
                                                      engine_->last_intake_time(), engine_->chains());
    ASSERT_FALSE(judged.refusal);
    PayloadParts content = judged.payload;
    ClosePart part = decode_close_part(content.parts.at(0)).value();
    change(part);
    content.parts[0] = part.encode();
    const Position position = engine_->position() + 1;
    const Instant at = engine_->last_intake_time();
    documents_.reset();
    engine_.reset();
    // Checkpoints would spare the fold the records before it.
    std::filesystem::remove_all(options_.directory + "/checkpoints");
    const auto journal = Journal::open({options_.directory}).value();
    const Record record{{position, at, RecordType::close, payload_in_parts_version},
                        seal(content, draw_record_secret())};
    journal->append({&record, 1}).value();
  }
  std::string opening() {
    const auto opened = Engine::open(
        options_, clock_, [this](std::function<void()> task) { loop_.post(std::move(task)); },
        [](const Fault&) {});
    return opened ? "opened" : opened.error().code;
  }
};

TEST_F(AuditDirectoryTest, AGoodCloseIsFoldedAndSoundInACheck) {
  forge_close([](ClosePart&) {});
  EXPECT_EQ(check_directory(options_.directory).value().differences, std::vector<std::string>{});
  EXPECT_EQ(opening(), "opened");
  EXPECT_EQ(check_directory(options_.directory).value().signed_size, 7U);
}

TEST_F(AuditDirectoryTest, ACloseThatVouchesForOtherEventsIsRefused) {
  forge_close([](ClosePart& part) { part.chains.begin()->second.value[0] ^= 1; });
  EXPECT_EQ(opening(), "chain_differs");
  EXPECT_EQ(check_directory(options_.directory).error().code, "chain_differs");
}

TEST_F(AuditDirectoryTest, ACheckFindsOtherFactsOrStatementsInAClose) {
  forge_close([](ClosePart& part) { part.facts[0] ^= 1; });
  const auto report = check_directory(options_.directory).value();
  ASSERT_EQ(report.differences.size(), 1U);
  EXPECT_NE(report.differences[0].find("close at position 7"), std::string::npos) << report.differences[0];
}

// Records behind the signed head ------------------------------------------------------------------

class UnsignedTailTest : public AuditApiTest {
 protected:
  void SetUp() override {
    register_all();
    accept(usage("march", "2026-03-01T09:00:00+08:00", "8"));
    close("2026-03");
  }
  /// The check of a directory in which what `change` does is behind the signed head, as after a crash.
  DirectoryReport report_after(const std::function<void()>& change) {
    const VerifierKey its_key = key();
    const std::string head = options_.directory + "/proof/signed-head";
    const std::string before = engine_->heads().note();
    change();
    documents_.reset();
    engine_.reset();
    std::ofstream(head, std::ios::binary | std::ios::trunc) << before;
    return verify_directory(options_.directory, its_key).value();
  }
  static std::vector<std::string> found(const DirectoryReport& report) {
    std::vector<std::string> sentences;
    for (const auto& finding : report.findings) sentences.push_back(finding.what);
    return sentences;
  }
};

TEST_F(UnsignedTailTest, ThatConcernsOpenMonthsIsNotedAndNothingAgainstTheDirectory) {
  const auto report = report_after([this] {
    accept(usage("june", "2026-06-01T09:00:00+08:00", "1"));
    put("/v1/external-awards/late",
        {{"firm", firm_of_tests}, {"year", 2026}, {"kind", "other_policy"}, {"amount", "1.00"}});
  });
  EXPECT_THAT(found(report), IsEmpty());
  EXPECT_THAT(report.notes, Contains(HasSubstr("2 records at the end")));
}

TEST_F(UnsignedTailTest, WithUsageInAClosedMonthIsFound) {
  const auto report = report_after([this] { accept(usage("late", "2026-03-02T09:00:00+08:00", "1")); });
  EXPECT_THAT(found(report), ElementsAre(HasSubstr("lies in a closed month")));
  EXPECT_EQ(report.findings[0].position, report.last_position);
  EXPECT_EQ(report.findings[0].firm.value, firm_of_tests);
  EXPECT_EQ(report.findings[0].month, make_month(2026, 3));
}

TEST_F(UnsignedTailTest, WithACorrectionOfAClosedMonthIsFound) {
  const auto report =
      report_after([this] { accept(correction("c", "march", "2026-06-02T09:00:00+08:00", "0")); });
  EXPECT_THAT(found(report), ElementsAre(HasSubstr("lies in a closed month")));
}

TEST_F(UnsignedTailTest, WithFactsThatAlterAClosedFigureIsFound) {
  const auto report = report_after([this] {
    const Json body = {{"name", "n"}, {"district", "d"}, {"reason", "never eligible"}};
    const auto answer = ask("PUT", std::string("/v1/firms/") + firm_of_tests, body.dump());
    ASSERT_EQ(answer.status, 200) << answer.body;
  });
  EXPECT_THAT(found(report), ElementsAre(HasSubstr("the closed statement 2026-03/")));
}

TEST_F(UnsignedTailTest, OfMoreThanTheTimeBetweenTwoHeadsIsFound) {
  const auto report = report_after([this] {
    accept(usage("june-1", "2026-06-01T09:00:00+08:00", "1"));
    clock_.set(Instant{clock_.now().ms + unsigned_span_ms_max + 1});
    accept(usage("june-2", "2026-06-01T09:00:00+08:00", "1"));
  });
  EXPECT_THAT(found(report), ElementsAre(HasSubstr("60 seconds lie between")));
}

TEST_F(AuditDirectoryTest, ACheckSaysHowFarItIs) {
  const VerifierKey its_key = key();
  documents_.reset();
  engine_.reset();
  std::map<std::string, std::uint64_t> last;
  const auto report = verify_directory(options_.directory, its_key,
                                       [&last](std::uint64_t done, std::uint64_t whole, const char* what) {
                                         EXPECT_LE(done, whole);
                                         last[what] = done;
                                       });
  const Position all = report.value().last_position;
  EXPECT_EQ(last, (std::map<std::string, std::uint64_t>{{"records folded", all}, {"records hashed", all}}));
}

TEST_F(AuditDirectoryTest, AnOlderJournalIsNotOpenedUnderANewerHead) {
  namespace fs = std::filesystem;
  register_all();
  documents_.reset();
  engine_.reset();
  const std::string older = directory_.path() + "/older";
  fs::copy(options_.directory, older, fs::copy_options::recursive);
  open();
  accept(usage("a", "2026-03-01T09:00:00+08:00", "8"));
  documents_.reset();
  engine_.reset();
  fs::remove_all(older + "/proof");
  fs::copy(options_.directory + "/proof", older + "/proof", fs::copy_options::recursive);
  options_.directory = older;
  EXPECT_EQ(opening(), "journal_shorter_than_signed");
  const auto report = check_directory(older).value();
  ASSERT_EQ(report.differences.size(), 1U);
  EXPECT_NE(report.differences[0].find("signed up to position 6"), std::string::npos)
      << report.differences[0];
}

}  // namespace
}  // namespace voucherd::api
