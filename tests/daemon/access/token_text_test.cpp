// What a token looks like, and that its secret stays out of what is said about it.
#include "daemon/access/token_text.h"

#include <gtest/gtest.h>

#include <set>

namespace voucherd::access {
namespace {

TEST(TokenTextTest, HasIdSecretAndCheck) {
  const std::string id = new_token_id();
  EXPECT_EQ(id.size(), 12u);
  const std::string token = new_token(id);
  EXPECT_EQ(token.size(), std::string("vch_").size() + 12 + 1 + 32 + 1 + 8);
  EXPECT_EQ(token.substr(0, 17), "vch_" + id + "_");
  EXPECT_EQ(id_of_token(token).value(), id);
}

TEST(TokenTextTest, IsAnotherOneEachTime) {
  std::set<std::string> tokens;
  for (int i = 0; i < 1000; ++i) tokens.insert(new_token("aaaaaaaaaaaa"));
  EXPECT_EQ(tokens.size(), 1000u);
}

TEST(TokenTextTest, TellsEachSlipOfThePen) {
  const std::string token = new_token(new_token_id());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string slip = token;
    slip[i] = slip[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(id_of_token(slip)) << i;
    slip = token;
    slip.erase(i, 1);
    EXPECT_FALSE(id_of_token(slip)) << i;
  }
  EXPECT_FALSE(id_of_token(""));
  EXPECT_FALSE(id_of_token(token + "a"));
}

TEST(TokenTextTest, NeverQuotesATokenThatItRefuses) {
  const std::string token = new_token(new_token_id());
  const std::string secret = token.substr(17, 32);
  for (const std::string& wrong : {token + "x", "x" + token, token.substr(0, token.size() - 1) + "!"}) {
    EXPECT_EQ(id_of_token(wrong).error().detail.find(secret.substr(0, 8)), std::string::npos);
  }
}

TEST(TokenTextTest, LeavesSecretsOutOfWhatIsLogged) {
  const std::string token = new_token("abcdefghijkl");
  EXPECT_EQ(without_secrets("/v1/" + token + "?a=" + token), "/v1/vch_abcdefghijkl_…?a=vch_abcdefghijkl_…");
  EXPECT_EQ(without_secrets("/v1/" + token.substr(0, 30) + "/x"), "/v1/vch_abcdefghijkl_…/x");
  EXPECT_EQ(without_secrets("vch_"), "vch_");
  EXPECT_EQ(without_secrets("nothing of it"), "nothing of it");
}

TEST(TokenTextTest, ComparesHashes) {
  // FIPS 180-2's example.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(is_sha256_hex(sha256_hex("")));
  EXPECT_FALSE(is_sha256_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"));
  EXPECT_TRUE(same_hash(sha256_hex("a"), sha256_hex("a")));
  EXPECT_FALSE(same_hash(sha256_hex("a"), sha256_hex("b")));
}

}  // namespace
}  // namespace voucherd::access
