// What was read of one event before it is judged: each member of the contract as text with its
// JSON type. Reading and judging are apart so that the problem which is reported does not
// depend on the order of the members.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "metering/wire/decode.h"

namespace voucherd::wire {

/// The members of the contract: the event's, those of `data`, those of `data.corrects`.
enum class Member : std::uint8_t {
  specversion,
  type,
  source,
  id,
  subject,
  time,
  datacontenttype,
  dataschema,
  data_base64,
  data,
  sku,
  quantity,
  start,
  end,
  project,
  node,
  job,
  reason,
  corrects,
  corrects_source,
  corrects_id,
  none
};
inline constexpr std::size_t member_count = static_cast<std::size_t>(Member::none);

/// Which object a name stands in; nothing is looked for in an `ignored` one.
enum class Scope : std::uint8_t { event, data, corrects, ignored };

/// "data.sku": how a sentence names the member.
std::string_view path_of(Member member);
/// The member that is called `name` in an object of `scope`, or none.
Member find_member(Scope scope, std::string_view name);

enum class JsonKind : std::uint8_t { absent, null, boolean, number, string, object, array };

struct Slot {
  JsonKind kind = JsonKind::absent;
  bool readable = true;   // false: a string that holds what can't be kept; the problem is noted
  std::string_view text;  // of a string, unescaped; of a number, its text
};

struct Members {
  std::array<Slot, member_count> slots{};
  std::optional<Problem> problem;  // of the bytes: outranks whatever is wrong with the content
  std::uint64_t ignored = 0;

  const Slot& operator[](Member member) const { return slots[static_cast<std::size_t>(member)]; }
  Slot& operator[](Member member) { return slots[static_cast<std::size_t>(member)]; }
};

}  // namespace voucherd::wire
