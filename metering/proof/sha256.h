// SHA-256 and HMAC by OpenSSL: all that this room hashes goes through here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "metering/core/result.h"

namespace voucherd {

using Sha256Hash = std::array<std::uint8_t, 32>;

std::string_view bytes_of(const Sha256Hash& hash);
std::string to_hex(const Sha256Hash& hash);

/// Hashes many messages one after another with one context of OpenSSL's: making a context costs more than
/// hashing a tree's node.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& add(std::string_view bytes);
  /// The hash of what was added since the last finish().
  Sha256Hash finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Sha256Hash sha256(std::string_view bytes);
Sha256Hash hmac_sha256(std::string_view key, std::string_view message);

}  // namespace voucherd
