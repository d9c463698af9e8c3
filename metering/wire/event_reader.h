// Reads one event out of a simdjson On-Demand document. On-Demand checks only what is visited,
// so every value is visited, the ignored ones too: after a good read, the event's bytes are
// JSON throughout, no name stands twice in any of its objects, and all strings are Unicode.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>
#include <vector>

#include "metering/wire/arena.h"
#include "metering/wire/members.h"

namespace voucherd::wire {

/// Where and why the bytes are no JSON.
struct SyntaxFault {
  const char* at = nullptr;    // close to the fault
  const char* what = nullptr;  // a sentence's second half
};

class EventReader {
 public:
  /// For one request. `end` is the end of its body.
  EventReader(std::string_view body, Arena& arena);

  /// The next document is `text`, which lies in the body.
  void start(std::string_view text) { document_end_ = text.data() + text.size(); }
  /// The raw text of a scalar, or a container's bracket; "" where there is no value any more.
  std::string_view token_of(simdjson::ondemand::value& value) const;

  /// Reads the members of `object` into `members`. False: no JSON, see fault().
  bool read_event(simdjson::ondemand::object object, Members& members);
  /// Visits a value that is no event, for its syntax. False: no JSON, see fault().
  bool visit(simdjson::ondemand::value value, Members& members);

  const SyntaxFault& fault() const { return fault_; }

 private:
  /// A member's name as it stands in the body, or unescaped.
  struct Key {
    std::string_view text;
    Member member = Member::none;
  };

  bool read_object(simdjson::ondemand::object object, Scope scope, int depth);
  bool read_array(simdjson::ondemand::array array, int depth);
  bool read_field(simdjson::ondemand::field& field, Scope scope, int depth, std::uint32_t& known,
                  std::size_t names);
  bool read_value(simdjson::ondemand::value& value, Member member, int depth, Slot& slot);
  bool read_container(simdjson::ondemand::value& value, Scope scope, int depth, bool object);
  bool skip_too_deep(simdjson::ondemand::value& value, bool object);
  bool read_string(std::string_view quoted, Member member, Slot& slot);
  bool read_key(const char* key, Scope scope, Key& out);
  bool note_if_twice(const Key& key, std::uint32_t& known, std::size_t names);

  bool holds_backslash(std::string_view text);
  bool no_json(const char* at, const char* what);
  void note(ReasonCode code, std::string detail);

  const char* body_end_;
  const char* document_end_;
  const char* backslash_;  // the first one at or behind where it was last looked for
  const char* at_;         // the last token that was read
  Arena& arena_;
  Members* members_ = nullptr;
  std::vector<std::string_view> names_;  // the unknown ones of all objects that are open
  std::string scratch_;
  SyntaxFault fault_;
};

}  // namespace voucherd::wire
