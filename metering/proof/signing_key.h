// The private key that signs tree heads, and its file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "metering/proof/signed_note.h"

namespace voucherd {

/// An Ed25519 key. Thread-safe.
class SigningKey {
 public:
  /// Of a PEM file (PKCS#8). Faults "signing_key_exposed" where others than its owner may read it,
  /// "signing_key_unreadable". `name` is a key's name (asserted).
  static Result<SigningKey> load(const std::string& path, const std::string& name);
  /// Makes a new one in a new file with mode 0600, durably. Fault "file_failed".
  static Result<SigningKey> create(const std::string& path, const std::string& name);
  ~SigningKey();
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;

  /// The note with the text, which ends with a line feed, and its signature.
  std::string sign(std::string_view text) const;
  const VerifierKey& verifier() const { return verifier_; }

 private:
  struct Key;
  explicit SigningKey(std::unique_ptr<Key> key, const std::string& name);
  std::unique_ptr<Key> key_;
  VerifierKey verifier_;
};

}  // namespace voucherd
