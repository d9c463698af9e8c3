// Text of others made fit to be shown: what can't be seen, or would move what stands around it, is
// written out. A reader of a document sees every character that is in a name.
#pragma once

#include <string>
#include <string_view>

namespace voucherd::billing {

/// The code point at `at`, which moves behind it; 0xFFFFFFFF for a byte that is no UTF-8 (lone surrogates
/// included). Precondition: at < text.size().
inline constexpr char32_t no_code_point = 0xFFFFFFFF;
char32_t next_code_point(std::string_view text, std::size_t& at);

/// "〓[U+202E]": how a character is shown that can't be.
std::string shown_by_number(char32_t code_point);

/// Control characters, line ends, bidirectional overrides, zero-width characters, tags and
/// noncharacters become "〓[U+202E]"; bytes that are no UTF-8 become "〓[0xED]". The result is UTF-8 and
/// holds only what XML 1.0 allows.
std::string visible_text(std::string_view text);

}  // namespace voucherd::billing
