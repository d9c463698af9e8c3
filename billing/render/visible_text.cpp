#include "billing/render/visible_text.h"

#include <algorithm>
#include <array>

namespace voucherd::billing {
namespace {

struct CodePoints {
  char32_t first, last;
};

// Unicode's format, control and filler characters: none of them leaves a mark of its own.
constexpr std::array<CodePoints, 22> invisible = {
    {{0x0000, 0x001F},   {0x007F, 0x009F},  {0x00AD, 0x00AD}, {0x034F, 0x034F},   {0x061C, 0x061C},
     {0x115F, 0x1160},   {0x17B4, 0x17B5},  {0x180B, 0x180F}, {0x200B, 0x200F},   {0x2028, 0x202E},
     {0x2060, 0x206F},   {0x2800, 0x2800},  {0x3164, 0x3164}, {0xD800, 0xDFFF},   {0xFDD0, 0xFDEF},
     {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},  {0xFFF0, 0xFFFB}, {0x13430, 0x1345F}, {0x1BCA0, 0x1BCA3},
     {0x1D173, 0x1D17A}, {0xE0000, 0xE007F}}};

bool is_invisible(char32_t code_point) {
  if ((code_point & 0xFFFE) == 0xFFFE) return true;  // noncharacters
  return std::any_of(invisible.begin(), invisible.end(), [&](const CodePoints& range) {
    return range.first <= code_point && code_point <= range.last;
  });
}

std::string in_hex(std::uint32_t value, int digits_min) {
  std::string digits;
  for (; value != 0 || static_cast<int>(digits.size()) < digits_min; value /= 16) {
    digits += "0123456789ABCDEF"[value % 16];
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

/// How many bytes follow a leading byte, and the bits that it gives; length 0: it leads nothing.
struct Lead {
  std::size_t length;
  char32_t bits, least;
};
Lead lead_of(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2, byte & 0x1Fu, 0x80};
  if (byte >= 0xE0 && byte <= 0xEF) return {3, byte & 0x0Fu, 0x800};
  if (byte >= 0xF0 && byte <= 0xF4) return {4, byte & 0x07u, 0x10000};
  return {0, 0, 0};
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t begin = at++;
  if (byte(begin) < 0x80) return byte(begin);
  const Lead lead = lead_of(byte(begin));
  if (lead.length == 0 || begin + lead.length > text.size()) return no_code_point;
  char32_t code_point = lead.bits;
  for (std::size_t i = begin + 1; i < begin + lead.length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return no_code_point;
    code_point = code_point << 6 | (byte(i) & 0x3Fu);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < lead.least || code_point > 0x10FFFF || surrogate) return no_code_point;
  at = begin + lead.length;
  return code_point;
}

std::string shown_by_number(char32_t code_point) { return "〓[U+" + in_hex(code_point, 4) + "]"; }

std::string visible_text(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t code_point = next_code_point(text, at);
    if (code_point == no_code_point) {
      out += "〓[0x" + in_hex(static_cast<unsigned char>(text[begin]), 2) + "]";
    } else if (is_invisible(code_point)) {
      out += shown_by_number(code_point);
    } else {
      out += text.substr(begin, at - begin);
    }
  }
  return out;
}

}  // namespace voucherd::billing
