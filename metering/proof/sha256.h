// SHA-256 and HMAC by OpenSSL: all that this room hashes goes through here.
#pragma once

// EVP's digests allocate at each finish, and a tree's node or a chain's link is one finish for every 64
// bytes: 12 % of the encoding. OpenSSL 3 calls these functions deprecated and keeps them.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "metering/core/result.h"

namespace voucherd {

using Sha256Hash = std::array<std::uint8_t, 32>;

std::string_view bytes_of(const Sha256Hash& hash);
std::string to_hex(const Sha256Hash& hash);

/// Hashes many messages one after another.
class Sha256 {
 public:
  Sha256();

  Sha256& add(std::string_view bytes);
  /// The hash of what was added since the last finish().
  Sha256Hash finish();

 private:
  SHA256_CTX state_;
};

Sha256Hash sha256(std::string_view bytes);
Sha256Hash hmac_sha256(std::string_view key, std::string_view message);

}  // namespace voucherd
