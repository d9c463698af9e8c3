#include "metering/proof/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "metering/core/assert.h"

namespace voucherd {

Sha256::Sha256() { VOUCHERD_ASSERT(SHA256_Init(&state_) == 1); }

Sha256& Sha256::add(std::string_view bytes) {
  VOUCHERD_ASSERT(SHA256_Update(&state_, bytes.data(), bytes.size()) == 1);
  return *this;
}

Sha256Hash Sha256::finish() {
  Sha256Hash hash;
  VOUCHERD_ASSERT(SHA256_Final(hash.data(), &state_) == 1 && SHA256_Init(&state_) == 1);
  return hash;
}

Sha256Hash sha256(std::string_view bytes) { return Sha256().add(bytes).finish(); }

Sha256Hash hmac_sha256(std::string_view key, std::string_view message) {
  Sha256Hash hash{};
  unsigned length = 0;
  const auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), hash.data(), &length);
  VOUCHERD_ASSERT(done != nullptr && length == hash.size());
  return hash;
}

std::string_view bytes_of(const Sha256Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string to_hex(const Sha256Hash& hash) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * hash.size());
  for (const std::uint8_t byte : hash) {
    hex.push_back(digits[byte >> 4]);
    hex.push_back(digits[byte & 0xf]);
  }
  return hex;
}

}  // namespace voucherd
