// JSON below the level of tokens: what simdjson's On-Demand leaves unchecked unless a value is
// read as its type (numbers), does not tell in enough detail (escapes) or would recurse for
// (deep nesting). All of it works on text alone and knows nothing of events.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace voucherd::wire {

/// Exactly the number grammar of RFC 8259 §6.
bool is_json_number(std::string_view token);
/// "true", "false" or "null".
bool is_json_literal(std::string_view token);

enum class Unescaped {
  good,
  bad_escape,      // no JSON
  lone_surrogate,  // JSON, but no Unicode text
};
/// Writes what `text` (the bytes between the quotes) spells to `out`, which has room for
/// text.size() bytes; never writes more. `size` is what was written.
Unescaped unescape(std::string_view text, char* out, std::size_t& size);

/// Whether `text` is one JSON value with white space around it; any depth, without recursion.
/// `open` is memory to work in. Names that stand twice and lone surrogates are not looked for.
bool is_json_value(std::string_view text, std::string& open);

/// Offset of the first byte that no UTF-8 text could have there; text.size() where all is well.
std::size_t first_broken_utf8(std::string_view text);

std::string_view trim_json_space(std::string_view text);

}  // namespace voucherd::wire
