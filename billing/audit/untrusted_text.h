// Text and JSON that someone handed over: within the bounds that both verifiers hold, or refused before
// anything is made of it. Private to billing/audit.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "billing/audit/refused.h"

namespace voucherd::billing {

/// A fact nests six deep. Beyond this nothing is read: what is made of a value may walk it by recursion.
inline constexpr int json_depth_max = 32;

/// Throws Refused where `text` is not UTF-8: what is printed and compared is.
void refuse_broken_text(std::string_view text, const std::string& where);

/// Throws Refused where `bytes` are not JSON, or nest too deep.
nlohmann::json read_json(std::string_view bytes, const std::string& where);

}  // namespace voucherd::billing
