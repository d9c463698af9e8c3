// What a token looks like: vch_<id>_<secret>_<crc>. The id names it in lists and logs; the secret is 160
// random bits; the CRC-32 of all before it tells a slip of the pen, and lets scanners of source code know a
// token when they see one. Kept is only the SHA-256 of the whole text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "metering/core/result.h"

namespace voucherd::access {

inline constexpr std::size_t token_id_chars = 12;      // base32: 60 bits
inline constexpr std::size_t token_secret_chars = 32;  // base32: 160 bits

/// A new random id.
std::string new_token_id();
/// A token with that id and a new random secret. Precondition (asserted): is_token_id(id).
std::string new_token(std::string_view id);

bool is_token_id(std::string_view text);
/// The id of a token that is written as it must be. Fault "token_malformed", which never quotes the text.
Result<std::string> id_of_token(std::string_view text);

/// SHA-256 in lower-case hexadecimal.
std::string sha256_hex(std::string_view bytes);
bool is_sha256_hex(std::string_view text);
/// Takes the same time wherever they differ. Both have the length of a SHA-256 in hexadecimal (asserted).
bool same_hash(std::string_view a, std::string_view b);

/// `text` with the secret of whatever looks like a token in it left out: for all that is logged.
std::string without_secrets(std::string_view text);

}  // namespace voucherd::access
