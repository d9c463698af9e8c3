// Ids are often random hex digits, which no compressor gets below half their length, and
// slowly: such an id is packed two digits to a byte, and comes back as it was.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace voucherd {

/// True for an even number of lower-case hex digits, at least two.
bool is_packable_hex(std::string_view text);
/// Writes text.size() / 2 bytes at `out`; returns their end. Precondition: is_packable_hex(text).
char* pack_hex(std::string_view text, char* out);
/// Writes two digits for each byte at `out`; returns their end.
char* unpack_hex(std::string_view packed, char* out);

}  // namespace voucherd
