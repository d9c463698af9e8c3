// The database's keys: a position as 8 bytes, highest first, so that the keys' order is the
// positions' and every write goes behind all others.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "metering/journal/journal.h"

namespace voucherd {

inline constexpr std::size_t key_bytes = 8;

inline std::string key_of_position(Position position) {
  std::string key(key_bytes, '\0');
  for (std::size_t i = 0; i < key_bytes; ++i) {
    key[i] = static_cast<char>(static_cast<unsigned char>(position >> (8 * (key_bytes - 1 - i)) & 0xff));
  }
  return key;
}

/// nullopt for what is no key of the journal.
inline std::optional<Position> position_of_key(std::string_view key) {
  if (key.size() != key_bytes) return std::nullopt;
  Position position = 0;
  for (const char byte : key) position = position << 8 | static_cast<unsigned char>(byte);
  return position;
}

}  // namespace voucherd
