// Random bytes are the kernel's: they need no seed and outlive no fork.
#include "daemon/access/token_text.h"

#include <openssl/crypto.h>
#include <sys/random.h>
#include <zlib.h>

#include <algorithm>
#include <array>

#include "metering/core/assert.h"
#include "metering/proof/sha256.h"

namespace voucherd::access {

namespace {

constexpr std::string_view prefix = "vch_";
constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t crc_chars = 8;
constexpr std::size_t id_at = prefix.size();
constexpr std::size_t secret_at = id_at + token_id_chars + 1;
constexpr std::size_t crc_at = secret_at + token_secret_chars + 1;
constexpr std::size_t token_chars = crc_at + crc_chars;

bool is_base32(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return alphabet.find(c) != std::string_view::npos; });
}

/// As many characters of five random bits each.
std::string random_text(std::size_t chars) {
  std::array<unsigned char, 64> bytes{};
  VOUCHERD_ASSERT(chars <= bytes.size());
  VOUCHERD_ASSERT(::getentropy(bytes.data(), chars) == 0);
  std::string text;
  for (std::size_t i = 0; i < chars; ++i) text += alphabet[bytes.at(i) % alphabet.size()];
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return text;
}

std::string crc_of(std::string_view text) {
  const auto crc =
      ::crc32(0, reinterpret_cast<const unsigned char*>(text.data()), static_cast<uInt>(text.size()));
  std::string hex;
  for (int shift = 28; shift >= 0; shift -= 4) hex += hex_digits[crc >> shift & 0xf];
  return hex;
}

Fault malformed(const char* what) {
  return {"token_malformed", std::string("the token ") + what +
                                 ": it must be vch_, its id, its secret and its check, "
                                 "as `voucherctl token create` printed it"};
}

}  // namespace

std::string new_token_id() { return random_text(token_id_chars); }

std::string new_token(std::string_view id) {
  VOUCHERD_ASSERT(is_token_id(id));
  std::string token(prefix);
  token.append(id).append("_").append(random_text(token_secret_chars)).append("_");
  return token + crc_of(token);
}

bool is_token_id(std::string_view text) { return text.size() == token_id_chars && is_base32(text); }

Result<std::string> id_of_token(std::string_view text) {
  if (text.substr(0, prefix.size()) != prefix) return malformed("does not begin with vch_");
  if (text.size() != token_chars) return malformed("is too short or too long");
  const std::string_view id = text.substr(id_at, token_id_chars);
  const bool formed = is_base32(id) && text[secret_at - 1] == '_' &&
                      is_base32(text.substr(secret_at, token_secret_chars)) && text[crc_at - 1] == '_';
  if (!formed) return malformed("has a character in it that no token has");
  if (crc_of(text.substr(0, crc_at)) != text.substr(crc_at))
    return malformed("is mistyped, its check does not fit");
  return {boost::system::in_place_value, id};
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

bool is_sha256_hex(std::string_view text) {
  return text.size() == 2 * std::tuple_size_v<Sha256Hash> &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return hex_digits.find(c) != std::string_view::npos; });
}

bool same_hash(std::string_view a, std::string_view b) {
  VOUCHERD_ASSERT(a.size() == 2 * std::tuple_size_v<Sha256Hash> && b.size() == a.size());
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string without_secrets(std::string_view text) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t found = text.find(prefix, at);
    if (found == std::string_view::npos) return out.append(text.substr(at));
    // Also what is only half a token, or has a wrong check: what follows the id may be a secret.
    const std::size_t secret = std::min(found + secret_at, text.size());
    out.append(text.substr(at, secret - at));
    at = secret;
    while (at < text.size() && (is_base32(text.substr(at, 1)) || (text[at] >= '0' && text[at] <= '9') ||
                                (text[at] >= 'A' && text[at] <= 'Z') || text[at] == '_')) {
      ++at;
    }
    if (at > secret) out.append("…");
  }
}

}  // namespace voucherd::access
