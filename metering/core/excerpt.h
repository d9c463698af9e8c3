// The beginning of a text that came from outside, fit for a sentence of a Fault: bounded,
// and cut between UTF-8 characters, since the sentence goes into JSON.
#pragma once

#include <string>
#include <string_view>

namespace voucherd {

inline std::string excerpt(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace voucherd
