// Base64 (RFC 4648 §4), as notes and the API write hashes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace voucherd {

std::string to_base64(std::string_view bytes);
/// nullopt where it is not what to_base64() writes: padding is needed, spaces and loose bits are refused.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace voucherd
