// Signed tree heads: C2SP tlog-checkpoint as a signed-note with one Ed25519 signature. FORMAT.md beside this
// file has the bytes. A verifier needs the key's text and nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "metering/core/result.h"
#include "metering/proof/tree_proof.h"

namespace voucherd {

/// What a checkpoint says.
struct TreeHead {
  std::string origin;
  std::uint64_t size = 0;
  TreeHash root{};
  friend bool operator==(const TreeHead&, const TreeHead&) = default;
};
/// The three lines that are signed.
std::string to_text(const TreeHead& head);
/// Lines behind the third are extensions, which are passed over. Fault "checkpoint_malformed".
Result<TreeHead> parse_tree_head(std::string_view text);

/// Names of keys: not empty, without white space and '+'.
bool is_key_name(std::string_view name);

/// A public key and whose it is.
class VerifierKey {
 public:
  static constexpr std::size_t public_bytes = 32;
  using PublicKey = std::array<std::uint8_t, public_bytes>;

  VerifierKey(std::string name, const PublicKey& key);
  /// "<name>+<8 hex digits>+<base64>". Fault "key_malformed".
  static Result<VerifierKey> parse(std::string_view text);
  std::string text() const;
  const std::string& name() const { return name_; }
  std::uint32_t key_hash() const { return key_hash_; }

  /// The text of a note that this key signed; signatures of others are passed over. Faults
  /// "note_malformed"; "signature_missing" where it has none of this key; "signature_wrong".
  Result<std::string> open(std::string_view note) const;

 private:
  bool verifies(std::string_view text, std::string_view signature) const;
  std::string name_;
  PublicKey key_;
  std::uint32_t key_hash_;
};

/// Who signed a note first, without a look at the signature. Fault "note_malformed".
struct NoteSigner {
  std::string name;
  std::uint32_t key_hash = 0;
};
Result<NoteSigner> first_signer(std::string_view note);
/// The note with this signature below the text, which ends with a line feed (asserted).
std::string make_note(std::string_view text, const NoteSigner& signer, std::string_view signature);

}  // namespace voucherd
