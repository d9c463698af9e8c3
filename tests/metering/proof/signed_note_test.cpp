// Notes, checkpoints and keys against the texts that C2SP's signed-note and tlog-checkpoint publish, and the
// files that keys lie in.
#include "metering/proof/signed_note.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "metering/proof/base64.h"
#include "metering/proof/signing_key.h"
#include "tests/support/temp_dir.h"

namespace voucherd {
namespace {

// The example of the note format's first implementation (golang.org/x/mod/sumdb/note), its private key as
// PKCS#8.
const std::string neumann_key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const std::string neumann_pem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIIEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n"
    "-----END PRIVATE KEY-----\n";
const std::string neumann_text =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
const std::string neumann_note =
    neumann_text +
    "\n"
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
// tlog-checkpoint's example.
const std::string sofa_checkpoint =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const std::string sofa_signature =
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

void write_file(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream(path) << text;
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

TEST(SignedNoteTest, OpensThePublishedNote) {
  const auto key = VerifierKey::parse(neumann_key);
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->name(), "PeterNeumann");
  EXPECT_EQ(key->key_hash(), 0xc74f20a3U);
  EXPECT_EQ(key->text(), neumann_key);
  EXPECT_EQ(key->open(neumann_note).value(), neumann_text);
}

TEST(SignedNoteTest, HashesKeysAsTheSpecificationsExample) {
  const std::string bytes = from_base64("6TJ5GubnqECkYWTJBHhkJtXngh3YspoA1hyucq/dTaQ=").value();
  VerifierKey::PublicKey key{};
  std::copy(bytes.begin(), bytes.end(), key.begin());
  EXPECT_EQ(VerifierKey("example.com/foo", key).key_hash(), 0x530d903aU);
}

TEST(SignedNoteTest, SignsAsThePublishedKeyDid) {
  const testing::TempDir dir;
  write_file(dir.path() + "/key.pem", neumann_pem, 0600);
  const auto key = SigningKey::load(dir.path() + "/key.pem", "PeterNeumann");
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->sign(neumann_text), neumann_note);
  EXPECT_EQ(key->verifier().text(), neumann_key);
}

TEST(SignedNoteTest, PassesOverOtherSignaturesAndRefusesWrongOnes) {
  const auto key = VerifierKey::parse(neumann_key).value();
  const std::string signature = neumann_note.substr(neumann_text.size() + 1);
  EXPECT_TRUE(key.open(neumann_text + "\n" + sofa_signature + signature));
  EXPECT_EQ(key.open(neumann_text + "\n" + sofa_signature).error().code, "signature_missing");
  std::string changed = neumann_note;
  changed[0] = 'i';
  EXPECT_EQ(key.open(changed).error().code, "signature_wrong");
  for (const std::string& malformed :
       {std::string(), neumann_text, neumann_text + "\n", neumann_note.substr(0, neumann_note.size() - 1),
        neumann_note + "more\n", neumann_text + "\n— PeterNeumann x08g\n", "\x01" + neumann_note,
        neumann_text + "\n— Peter+Neumann " + signature.substr(signature.find(" x") + 1)}) {
    EXPECT_EQ(key.open(malformed).error().code, "note_malformed") << malformed;
  }
}

TEST(SignedNoteTest, RefusesEveryFlippedBitOfANote) {
  const auto key = VerifierKey::parse(neumann_key).value();
  for (std::size_t bit = 0; bit < 8 * neumann_note.size(); ++bit) {
    std::string flipped = neumann_note;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(key.open(flipped)) << "bit " << bit;
  }
}

TEST(SignedNoteTest, RefusesKeysThatAreNone) {
  for (const std::string text : {"", "PeterNeumann", "PeterNeumann+c74f20a3",
                                 "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                 "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                 "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                                 "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T"}) {
    EXPECT_EQ(VerifierKey::parse(text).error().code, "key_malformed") << text;
  }
}

TEST(TreeHeadTest, ReadsAndWritesThePublishedCheckpoint) {
  const auto head = parse_tree_head(sofa_checkpoint);
  ASSERT_TRUE(head) << head.error().detail;
  EXPECT_EQ(head->origin, "example.com/behind-the-sofa");
  EXPECT_EQ(head->size, 20'852'163U);
  EXPECT_EQ(to_hex(head->root), "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62");
  EXPECT_EQ(to_text(*head), sofa_checkpoint);
  EXPECT_EQ(parse_tree_head(sofa_checkpoint + "extension\n").value(), *head);
  const auto signer = first_signer(sofa_checkpoint + "\n" + sofa_signature);
  ASSERT_TRUE(signer) << signer.error().detail;
  EXPECT_EQ(signer->name, head->origin);
}

TEST(TreeHeadTest, RefusesOtherSpellings) {
  for (const std::string text : {"", "o\n", "o\n1\n", "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                                 "o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                                 "o\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                                 "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n", "o\n1\nCsUY\n",
                                 "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="}) {
    EXPECT_EQ(parse_tree_head(text).error().code, "checkpoint_malformed") << text;
  }
}

TEST(SigningKeyTest, ANewKeyIsItsOwnersAloneAndComesBackFromItsFile) {
  const testing::TempDir dir;
  const std::string path = dir.path() + "/key.pem";
  const auto made = SigningKey::create(path, "here");
  ASSERT_TRUE(made) << made.error().detail;
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  const auto loaded = SigningKey::load(path, "here");
  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(loaded->verifier().text(), made->verifier().text());
  EXPECT_EQ(loaded->verifier().open(made->sign("text\n")).value(), "text\n");
}

TEST(SigningKeyTest, RefusesAFileThatOthersMayRead) {
  const testing::TempDir dir;
  const std::string path = dir.path() + "/key.pem";
  for (const mode_t mode : {0640U, 0604U, 0660U, 0644U}) {
    write_file(path, neumann_pem, mode);
    EXPECT_EQ(SigningKey::load(path, "here").error().code, "signing_key_exposed") << mode;
  }
}

TEST(SigningKeyTest, RefusesWhatIsNoEd25519Key) {
  const testing::TempDir dir;
  const std::string path = dir.path() + "/key.pem";
  EXPECT_EQ(SigningKey::load(path, "here").error().code, "signing_key_unreadable");
  for (const std::string& text : {std::string(), std::string("no key\n"), neumann_pem.substr(0, 60)}) {
    write_file(path, text, 0600);
    EXPECT_EQ(SigningKey::load(path, "here").error().code, "signing_key_unreadable") << text;
  }
}

TEST(Base64Test, HasOneSpellingForEachValue) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64(std::string("\xfb\xff\x00", 3)), "+/8A");
  for (const std::string& bytes :
       {std::string(), std::string("f"), std::string("fo"), std::string("\0\xff", 2)}) {
    EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
  }
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zg===", "Z", "Zm 8=", "Zm8=\n", "Zm8-"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

}  // namespace
}  // namespace voucherd
