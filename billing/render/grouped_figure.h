// Figures as people read them: thousands apart.
#pragma once

#include <string>
#include <string_view>

namespace voucherd::billing {

/// "-1234567.5" is "-1,234,567.5". Takes a decimal as canonical JSON has it.
std::string grouped(std::string_view decimal);
/// "0.06" is "6%", "0.0625" is "6.25%". Takes a rate as it was given.
std::string as_percent(std::string_view rate);

}  // namespace voucherd::billing
