// OpenSSL's digests are fetched once per context: a fetch takes a lock and a search.
#include "metering/proof/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "metering/core/assert.h"

namespace voucherd {

struct Sha256::Context {
  EVP_MD* digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* state = EVP_MD_CTX_new();
  Context() {
    VOUCHERD_ASSERT(digest != nullptr && state != nullptr);
    VOUCHERD_ASSERT(EVP_DigestInit_ex(state, digest, nullptr) == 1);
  }
  ~Context() {
    EVP_MD_CTX_free(state);
    EVP_MD_free(digest);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::add(std::string_view bytes) {
  VOUCHERD_ASSERT(EVP_DigestUpdate(context_->state, bytes.data(), bytes.size()) == 1);
  return *this;
}

Sha256Hash Sha256::finish() {
  Sha256Hash hash{};
  unsigned length = 0;
  VOUCHERD_ASSERT(EVP_DigestFinal_ex(context_->state, hash.data(), &length) == 1 && length == hash.size());
  VOUCHERD_ASSERT(EVP_DigestInit_ex(context_->state, nullptr, nullptr) == 1);  // the same digest again
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
