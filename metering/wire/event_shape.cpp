#include "metering/wire/event_shape.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "metering/core/short_text.h"
#include "metering/wire/json_text.h"

namespace voucherd::wire {

namespace {

// Texts that the contract gives: part of the literals, so that an event of another type is another shape.
constexpr struct {
  Member member;
  std::string_view text;
} constants[] = {{Member::specversion, "1.0"},
                 {Member::type, "compute.usage.v1"},
                 {Member::type, "compute.correction.v1"}};

std::optional<std::string_view> constant(Member member, std::string_view text) {
  for (const auto& known : constants) {
    if (known.member == member && known.text == text) return known.text;
  }
  return std::nullopt;
}

constexpr std::uint64_t each_byte(std::uint64_t byte) { return byte * 0x0101'0101'0101'0101u; }

/// The end of a string's bytes: its quote, or the first byte that needs a full reading (an escape, a
/// control character, a byte beyond ASCII), or `end`.
const char* end_of_plain(const char* at, const char* end) {
  constexpr std::uint64_t high = each_byte(0x80);
  // Eight bytes at once; the lowest bit that is set in each test is of the first byte that is meant.
  static_assert(std::endian::native == std::endian::little);
  for (; end - at >= 8; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    const std::uint64_t quote = word ^ each_byte('"'), backslash = word ^ each_byte('\\');
    const std::uint64_t found =
        (((quote - each_byte(1)) & ~quote) | ((backslash - each_byte(1)) & ~backslash) |
         ((word - each_byte(0x20)) & ~word) | word) &
        high;
    if (found != 0) return at + std::countr_zero(found) / 8;
  }
  while (at != end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20 &&
         static_cast<unsigned char>(*at) < 0x80) {
    ++at;
  }
  return at;
}

const char* end_of_number(const char* at, const char* end) {
  return std::find_if_not(at, end, [](char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
  });
}

}  // namespace

std::optional<EventShape> EventShape::learn(std::string_view text, const Members& members) {
  if (members.problem || members.ignored != 0) return std::nullopt;
  EventShape shape;
  shape.members_ = members;
  struct Found {
    std::size_t begin, end;
    Value value;
  };
  std::vector<Found> found;
  for (std::size_t i = 0; i < member_count; ++i) {
    const auto member = static_cast<Member>(i);
    Slot& slot = shape.members_[member];
    const std::string_view value = slot.text;
    slot.text = {};
    if (slot.kind == JsonKind::absent || slot.kind == JsonKind::object || slot.kind == JsonKind::null)
      continue;
    if ((slot.kind != JsonKind::string && slot.kind != JsonKind::number) || !slot.readable)
      return std::nullopt;
    if (const auto never_varies = constant(member, value)) {
      slot.text = *never_varies;
      continue;
    }
    if (value.data() < text.data() || value.data() + value.size() > text.data() + text.size()) {
      return std::nullopt;  // unescaped: not in the text
    }
    const auto begin = static_cast<std::size_t>(value.data() - text.data());
    found.push_back({begin, begin + value.size(), {0, member, slot.kind == JsonKind::string}});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.begin < b.begin; });
  std::size_t at = 0;
  for (Found& next : found) {
    next.value.literal_bytes = next.begin - at;
    shape.literals_.append(text.substr(at, next.begin - at));
    shape.values_.push_back(next.value);
    at = next.end;
  }
  shape.last_literal_bytes_ = text.size() - at;
  shape.literals_.append(text.substr(at));
  return shape;
}

std::size_t EventShape::read(std::string_view text, Members& members) const {
  const char* at = text.data();
  const char* const end = at + text.size();
  const char* literal = literals_.data();
  const auto is_next = [&](std::size_t bytes) {
    if (static_cast<std::size_t>(end - at) < bytes || !is_same_text(at, literal, bytes)) return false;
    at += bytes;
    literal += bytes;
    return true;
  };
  members = members_;
  for (const Value& value : values_) {
    if (!is_next(value.literal_bytes)) return 0;
    const char* const begin = at;
    at = value.string ? end_of_plain(at, end) : end_of_number(at, end);
    const std::string_view found(begin, static_cast<std::size_t>(at - begin));
    // The literal behind a string begins with its quote; behind a number with what may follow one.
    if (!value.string && !is_json_number(found)) return 0;
    members[value.member].text = found;
  }
  if (!is_next(last_literal_bytes_)) return 0;
  return static_cast<std::size_t>(at - text.data());
}

}  // namespace voucherd::wire
