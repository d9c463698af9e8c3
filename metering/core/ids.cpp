// The 统一社会信用代码: Σ wᵢ·vᵢ over its first 17 characters and the check character add up to
// a multiple of 31. One table look-up and one multiplication a character, no branch within.
#include "metering/core/ids.h"

#include <array>
#include <cstdint>

namespace voucherd {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
constexpr std::size_t uscc_bytes = 18;
constexpr std::uint32_t not_in_alphabet = 1U << 31U;  // above any sum of products

constexpr auto value_of = [] {
  std::array<std::uint32_t, 256> table{};
  table.fill(not_in_alphabet);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint32_t>(i);
  }
  return table;
}();

constexpr auto weights = [] {
  std::array<std::uint32_t, uscc_bytes - 1> table{};
  std::uint32_t weight = 1;
  for (std::uint32_t& entry : table) {
    entry = weight;
    weight = weight * 3 % 31;
  }
  return table;
}();

std::uint32_t value(char c) { return value_of[static_cast<unsigned char>(c)]; }

/// Σ wᵢ·vᵢ of the first 17 characters, or false where one of them is not of the alphabet.
bool weigh(std::string_view text, std::uint32_t& sum) {
  std::uint32_t seen = 0;
  sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::uint32_t v = value(text[i]);
    seen |= v;
    sum += v * weights[i];
  }
  return (seen & not_in_alphabet) == 0;
}

Fault uscc_malformed(std::string_view text) {
  if (text.size() != uscc_bytes) {
    return {"uscc_malformed",
            "a 统一社会信用代码 has 18 characters; this one has " + std::to_string(text.size()) + " bytes"};
  }
  return {"uscc_malformed", "\"" + std::string(text) +
                                "\" is no 统一社会信用代码: it holds a character other than " +
                                std::string(alphabet)};
}

}  // namespace

bool is_uscc(std::string_view text) {
  if (text.size() != uscc_bytes) return false;
  std::uint32_t sum = 0;
  const std::uint32_t check = value(text.back());
  return weigh(text, sum) && check != not_in_alphabet && (sum + check) % 31 == 0;
}

Result<void> check_uscc(std::string_view text) {
  if (is_uscc(text)) return {};
  std::uint32_t sum = 0;
  if (text.size() != uscc_bytes || !weigh(text, sum)) return uscc_malformed(text);
  const char right = alphabet[(31 - sum % 31) % 31];
  return Fault{"uscc_check_character", "\"" + std::string(text) + "\" has the check character " +
                                           text.back() + "; it should be " + right +
                                           ": look for a slip in the code"};
}

}  // namespace voucherd
