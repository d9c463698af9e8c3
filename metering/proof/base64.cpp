// Strict: one text for each value, so that nothing signed can be written in two ways.
#include "metering/proof/base64.h"

#include <cstdint>

namespace voucherd {

namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr unsigned digit_bits = 6, byte_bits = 8;
constexpr std::size_t group_digits = 4;

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string text;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    buffer = buffer << byte_bits | static_cast<unsigned char>(byte);
    for (bits += byte_bits; bits >= digit_bits;) {
      bits -= digit_bits;
      text.push_back(digits[buffer >> bits & 0x3f]);
    }
  }
  if (bits > 0) text.push_back(digits[buffer << (digit_bits - bits) & 0x3f]);
  while (text.size() % group_digits != 0) text.push_back('=');
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const char digit : text.substr(0, text.find('='))) {
    const std::size_t value = digits.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    buffer = buffer << digit_bits | static_cast<std::uint32_t>(value);
    bits += digit_bits;
    if (bits < byte_bits) continue;
    bits -= byte_bits;
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(buffer >> bits & 0xff)));
  }
  if (to_base64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace voucherd
