// What is asked of a closed statement found in its canonical bytes, without reading all of it as JSON: a
// large one would hold up the owner's thread for as long as that takes. Canonical bytes are written in one
// way, and a quotation mark within a text has a backslash before it: so a member's name with its marks and
// its colon stands nowhere but where that member begins.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace voucherd {

std::uint64_t lines_in(std::string_view canonical);
/// The JSON of the line with this index. Precondition (asserted): there is one.
std::string_view line_in(std::string_view canonical, std::uint64_t index);
/// Of the lines, and of what has no price.
std::set<std::string> skus_in(std::string_view canonical);

}  // namespace voucherd
