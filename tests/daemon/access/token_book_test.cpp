// Tokens as a fold: what may be made, exchanged and revoked, and that a checkpoint keeps all of it.
#include "daemon/access/token_book.h"

#include <gtest/gtest.h>

#include "daemon/access/token_text.h"

namespace voucherd::access {
namespace {

using Json = nlohmann::json;

class TokenBookTest : public ::testing::Test {
 protected:
  const std::string id_ = "abcdefghijkl", firm_ = "91500000MA5UG0WY2W";
  const std::string hash_ = sha256_hex("one"), other_hash_ = sha256_hex("two");
  const billing::Actor by_{"token", "adminadminad"};
  Instant now_ = parse_instant("2026-06-15T12:00:00+08:00").value();
  TokenBook book_;
  Position position_ = 10;

  Json finance() const { return {{"role", "finance"}, {"expires", nullptr}, {"sha256", hash_}}; }
  TokenBook::Judged judge(TokenAction action, const Json& body) const {
    return book_.judge({action, id_, body}, by_, now_);
  }
  int status(TokenAction action, const Json& body) const {
    const auto judged = judge(action, body);
    return judged.refusal ? judged.refusal->status : 0;
  }
  bool make(TokenAction action, const Json& body) {
    const auto judged = judge(action, body);
    EXPECT_FALSE(judged.refusal) << judged.refusal->detail;
    if (judged.payload.empty()) return false;
    book_.apply({++position_, now_, RecordType::token, token_record_version}, judged.payload);
    return true;
  }
  std::vector<std::string> faults(const Json& body) const {
    std::vector<std::string> pointers;
    const auto judged = judge(TokenAction::create, body);
    if (!judged.refusal) return pointers;
    for (const auto& fault : judged.refusal->faults) pointers.push_back(fault.pointer);
    return pointers;
  }
};

using Pointers = std::vector<std::string>;

TEST_F(TokenBookTest, KeepsWhatATokenMayDoAndWhoMadeIt) {
  make(TokenAction::create, {{"role", "ingest"},
                             {"source", "/centre/slurm"},
                             {"expires", "2027-01-01T00:00:00+08:00"},
                             {"description", "collector"},
                             {"sha256", hash_}});
  const Token& token = *book_.find(id_);
  EXPECT_EQ(token.identity->role, Role::ingest);
  EXPECT_EQ(token.identity->source, "/centre/slurm");
  EXPECT_EQ(token.identity->actor, (billing::Actor{"token", id_}));
  EXPECT_EQ(token.description, "collector");
  EXPECT_FALSE(token.is_expired(parse_instant("2026-12-31T23:59:59.999+08:00").value()));
  EXPECT_TRUE(token.is_expired(parse_instant("2027-01-01T00:00:00+08:00").value()));
  EXPECT_EQ(token.history.front().by, by_);
  EXPECT_EQ(token.history.front().position, 11u);
}

TEST_F(TokenBookTest, AsksForTheSourceOfIngestAndTheFirmsOfAFirm) {
  const Json terms = {{"expires", nullptr}, {"sha256", hash_}};
  const auto with = [&](Json more) {
    more.update(terms);
    return faults(more);
  };
  EXPECT_EQ(with({{"role", "ingest"}}), Pointers{"/source"});
  EXPECT_EQ(with({{"role", "ingest"}, {"source", ""}}), Pointers{"/source"});
  EXPECT_EQ(with({{"role", "finance"}, {"source", "/a"}}), Pointers{"/source"});
  EXPECT_EQ(with({{"role", "firm"}}), Pointers{"/firms"});
  EXPECT_EQ(with({{"role", "firm"}, {"firms", Json::array()}}), Pointers{"/firms"});
  EXPECT_EQ(with({{"role", "firm"}, {"firms", {firm_, "x"}}}), Pointers{"/firms/1"});
  EXPECT_EQ(with({{"role", "auditor"}, {"firms", {firm_}}}), Pointers{"/firms"});
  EXPECT_EQ(with({{"role", "firm"}, {"firms", {firm_}}}), Pointers{});
}

TEST_F(TokenBookTest, ListsAllFaultsAtOnce) {
  EXPECT_EQ(faults({{"role", "root"}, {"expires", "2020-01-01T00:00:00Z"}, {"sha256", "x"}, {"secret", "s"}}),
            (Pointers{"/role", "/expires", "/sha256", "/secret"}));
  EXPECT_EQ(faults({{"role", "admin"}, {"expires", nullptr}}), Pointers{"/sha256"});
  Json both = finance();
  both["certificate_sha256"] = hash_;
  EXPECT_EQ(faults(both), Pointers{"/sha256"});
}

TEST_F(TokenBookTest, NeverRepeatsAValueThatMightBeASecret) {
  const std::string token = new_token(id_);
  const auto refused =
      judge(TokenAction::create, {{"role", "admin"}, {"expires", nullptr}, {"sha256", token}});
  for (const auto& fault : refused.refusal->faults)
    EXPECT_EQ(fault.detail.find(token.substr(17)), std::string::npos);
}

TEST_F(TokenBookTest, ChangesNothingWhereTheSameIsSentAgain) {
  EXPECT_TRUE(make(TokenAction::create, finance()));
  EXPECT_FALSE(make(TokenAction::create, finance()));
  const Json rotation = {{"sha256", other_hash_}, {"old_until", "2026-06-16T12:00:00+08:00"}};
  EXPECT_TRUE(make(TokenAction::rotate, rotation));
  EXPECT_FALSE(make(TokenAction::rotate, rotation));
  EXPECT_TRUE(make(TokenAction::revoke, Json::object()));
  EXPECT_FALSE(make(TokenAction::revoke, {{"reason", "again"}}));
}

TEST_F(TokenBookTest, NeverChangesWhatATokenMayDo) {
  make(TokenAction::create, finance());
  Json admin = finance();
  admin["role"] = "admin";
  EXPECT_EQ(status(TokenAction::create, admin), 409);
}

TEST_F(TokenBookTest, KeepsTheOldSecretGoodForAWhile) {
  make(TokenAction::create, finance());
  EXPECT_EQ(status(TokenAction::rotate, {{"sha256", other_hash_}}), 422);
  EXPECT_EQ(
      status(TokenAction::rotate, {{"sha256", other_hash_}, {"old_until", "2026-08-15T12:00:00+08:00"}}),
      422);
  make(TokenAction::rotate, {{"sha256", other_hash_}, {"old_until", "2026-06-16T12:00:00+08:00"}});
  const Token& token = *book_.find(id_);
  EXPECT_EQ(token.sha256, other_hash_);
  EXPECT_EQ(token.previous_sha256, hash_);
  EXPECT_EQ(*token.previous_until, parse_instant("2026-06-16T12:00:00+08:00").value());
}

TEST_F(TokenBookTest, RevokesForGood) {
  EXPECT_EQ(status(TokenAction::revoke, Json::object()), 404);
  make(TokenAction::create, finance());
  make(TokenAction::revoke, {{"reason", "lost"}});
  EXPECT_TRUE(book_.find(id_)->revoked_at.has_value());
  EXPECT_EQ(
      status(TokenAction::rotate, {{"sha256", other_hash_}, {"old_until", "2026-06-16T12:00:00+08:00"}}),
      409);
  EXPECT_EQ(status(TokenAction::create, {{"role", "admin"}, {"expires", nullptr}, {"sha256", hash_}}), 409);
}

TEST_F(TokenBookTest, BindsACertificateToOneTokenAtATime) {
  const Json auditor = {{"role", "auditor"}, {"expires", nullptr}, {"certificate_sha256", hash_}};
  make(TokenAction::create, auditor);
  EXPECT_EQ(book_.of_certificate(hash_)->identity->actor, (billing::Actor{"certificate", hash_}));
  EXPECT_EQ(book_.judge({TokenAction::create, "bbbbbbbbbbbb", auditor}, by_, now_).refusal->status, 409);
  make(TokenAction::revoke, Json::object());
  EXPECT_EQ(book_.of_certificate(hash_), nullptr);
  EXPECT_FALSE(book_.judge({TokenAction::create, "bbbbbbbbbbbb", auditor}, by_, now_).refusal);
}

TEST_F(TokenBookTest, IsTheSameAfterACheckpoint) {
  make(TokenAction::create, finance());
  make(TokenAction::rotate, {{"sha256", other_hash_}, {"old_until", "2026-06-16T12:00:00+08:00"}});
  make(TokenAction::revoke, {{"reason", "lost"}});
  std::string saved, again;
  book_.save(saved);
  std::string_view in = saved;
  const auto loaded = TokenBook::load(in).value();
  EXPECT_TRUE(in.empty());
  loaded.save(again);
  EXPECT_EQ(again, saved);
  EXPECT_EQ(loaded.find(id_)->history.size(), 3u);
  EXPECT_EQ(loaded.find(id_)->revoked_at, book_.find(id_)->revoked_at);
}

TEST_F(TokenBookTest, RefusesADamagedCheckpoint) {
  make(TokenAction::create, finance());
  std::string saved;
  book_.save(saved);
  for (std::size_t bytes = 0; bytes < saved.size(); ++bytes) {
    std::string_view in = std::string_view(saved).substr(0, bytes);
    EXPECT_FALSE(TokenBook::load(in)) << bytes;
  }
}

TEST_F(TokenBookTest, RefusesRecordsThatItCouldNotFold) {
  const Json good = {
      {"by", {{"kind", "token"}, {"id", "a"}}},
      {"action", "create"},
      {"token", id_},
      {"body", {{"role", "firm"}, {"firms", {firm_}}, {"expires", nullptr}, {"sha256", hash_}}}};
  EXPECT_TRUE(book_.can_apply(good.dump()));
  const std::pair<const char*, Json> wrong[] = {{"/by", "a"},
                                                {"/by/id", 1},
                                                {"/action", "steal"},
                                                {"/token", nullptr},
                                                {"/body", Json(1)},
                                                {"/body/role", "x"},
                                                {"/body/firms", "all"},
                                                {"/body/firms/0", 1},
                                                {"/body/sha256", "ff"},
                                                {"/body/expires", 1},
                                                {"/body/expires", "tomorrow"},
                                                {"/body/certificate_sha256", hash_}};
  for (const auto& [pointer, value] : wrong) {
    Json record = good;
    record[Json::json_pointer(pointer)] = value;
    EXPECT_FALSE(book_.can_apply(record.dump())) << record;
  }
  Json revoke = good;
  revoke["action"] = "revoke";
  revoke["body"] = Json::object();
  EXPECT_FALSE(book_.can_apply(revoke.dump())) << "nobody made the token";
  make(TokenAction::create, finance());
  EXPECT_TRUE(book_.can_apply(revoke.dump()));
  EXPECT_FALSE(book_.can_apply(good.dump())) << "it is there already";
  Json rotate = good;
  rotate["action"] = "rotate";
  EXPECT_FALSE(book_.can_apply(rotate.dump())) << "until when the old one is good is missing";
}

TEST_F(TokenBookTest, RefusesACheckpointWithATokenThatNobodyMade) {
  make(TokenAction::create, finance());
  make(TokenAction::revoke, Json::object());
  std::string saved;
  book_.save(saved);
  const std::size_t id = saved.rfind(id_);
  saved.replace(id, id_.size(), "zzzzzzzzzzzz");
  std::string_view in = saved;
  EXPECT_EQ(TokenBook::load(in).error().code, "checkpoint_damaged");
}

}  // namespace
}  // namespace voucherd::access
