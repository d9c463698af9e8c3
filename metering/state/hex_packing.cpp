// By table, a digit at a time: no instruction set is assumed.
#include "metering/state/hex_packing.h"

#include <cstdint>
#include <cstring>

namespace voucherd {

namespace {

constexpr std::uint8_t no_digit = 0xff;
constexpr std::string_view digits = "0123456789abcdef";

constexpr std::array<std::uint8_t, 256> digit_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

constexpr std::array<char, 512> digit_pairs = [] {
  std::array<char, 512> pairs{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = digits[byte >> 4];
    pairs[2 * byte + 1] = digits[byte & 15];
  }
  return pairs;
}();

unsigned value_of(char digit) { return digit_values[static_cast<unsigned char>(digit)]; }

}  // namespace

bool is_packable_hex(std::string_view text) {
  unsigned bits = 0;
  for (const char digit : text) bits |= value_of(digit);
  return !text.empty() && text.size() % 2 == 0 && bits < 16;
}

char* pack_hex(std::string_view text, char* out) {
  for (std::size_t i = 0; i < text.size(); i += 2) {
    *out++ = static_cast<char>(static_cast<unsigned char>(value_of(text[i]) << 4 | value_of(text[i + 1])));
  }
  return out;
}

char* unpack_hex(std::string_view packed, char* out) {
  for (const char byte : packed) {
    std::memcpy(out, &digit_pairs[2 * static_cast<std::size_t>(static_cast<unsigned char>(byte))], 2);
    out += 2;
  }
  return out;
}

}  // namespace voucherd
