// Each token is taken as raw text, its type told by its first byte. Strings without a backslash
// stay views into the body; a cursor on the next backslash makes that one comparison a string.
// simdjson's own unescaping is not used: its buffer lives only until the next document, and it
// lets lone surrogates through.
#include "metering/wire/event_reader.h"

#include <algorithm>
#include <cstring>

#include "metering/core/excerpt.h"
#include "metering/wire/json_text.h"

namespace voucherd::wire {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t shown_bytes_max = 64;

/// Whether the name at `key` is `quoted`, which ends with the closing quote. Reads N − 1 bytes
/// from `key`: within the body's padding.
template <std::size_t N>
bool is(const char* key, const char (&quoted)[N]) {
  static_assert(N - 1 <= body_padding_bytes);
  return std::memcmp(key, quoted, N - 1) == 0;
}

Member match_event_name(const char* key) {
  switch (*key) {
    case 's':
      if (is(key, "source\"")) return Member::source;
      if (is(key, "subject\"")) return Member::subject;
      return is(key, "specversion\"") ? Member::specversion : Member::none;
    case 't':
      if (is(key, "time\"")) return Member::time;
      return is(key, "type\"") ? Member::type : Member::none;
    case 'i':
      return is(key, "id\"") ? Member::id : Member::none;
    case 'd':
      if (is(key, "data\"")) return Member::data;
      if (is(key, "datacontenttype\"")) return Member::datacontenttype;
      if (is(key, "dataschema\"")) return Member::dataschema;
      return is(key, "data_base64\"") ? Member::data_base64 : Member::none;
    default:
      return Member::none;
  }
}

Member match_data_name(const char* key) {
  switch (*key) {
    case 's':
      if (is(key, "sku\"")) return Member::sku;
      return is(key, "start\"") ? Member::start : Member::none;
    case 'q':
      return is(key, "quantity\"") ? Member::quantity : Member::none;
    case 'e':
      return is(key, "end\"") ? Member::end : Member::none;
    case 'p':
      return is(key, "project\"") ? Member::project : Member::none;
    case 'n':
      return is(key, "node\"") ? Member::node : Member::none;
    case 'j':
      return is(key, "job\"") ? Member::job : Member::none;
    case 'r':
      return is(key, "reason\"") ? Member::reason : Member::none;
    case 'c':
      return is(key, "corrects\"") ? Member::corrects : Member::none;
    default:
      return Member::none;
  }
}

/// The quick way for names without escapes, which are nearly all.
Member match_name(Scope scope, const char* key) {
  switch (scope) {
    case Scope::event:
      return match_event_name(key);
    case Scope::data:
      return match_data_name(key);
    case Scope::corrects:
      if (is(key, "source\"")) return Member::corrects_source;
      return is(key, "id\"") ? Member::corrects_id : Member::none;
    case Scope::ignored:
      return Member::none;
  }
  return Member::none;
}

Scope scope_within(Member member) {
  if (member == Member::data) return Scope::data;
  if (member == Member::corrects) return Scope::corrects;
  return Scope::ignored;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

const char* next_backslash(const char* from, const char* end) {
  const void* const found = std::memchr(from, '\\', static_cast<std::size_t>(end - from));
  return found == nullptr ? end : static_cast<const char*>(found);
}

}  // namespace

EventReader::EventReader(std::string_view body, Arena& arena)
    : body_end_(body.data() + body.size()),
      document_end_(body_end_),
      backslash_(body.data()),
      at_(body.data()),
      arena_(arena) {
  backslash_ = next_backslash(body.data(), body_end_);
}

/// On-Demand does not look for the end of the document, only for the bracket that should stand
/// there: with a ',' as the first byte of the padding, a cut-off array seems to go on. Within the
/// document, its token reaches to the next one: here without the white space between.
std::string_view EventReader::token_of(ondemand::value& value) const {
  std::string_view token = value.raw_json_token();
  if (token.data() >= document_end_) return {};
  while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
  return token;
}

bool EventReader::read_event(ondemand::object object, Members& members) {
  members_ = &members;
  names_.clear();
  return read_object(object, Scope::event, 1);
}

bool EventReader::visit(ondemand::value value, Members& members) {
  members_ = &members;
  names_.clear();
  Slot unused;
  return read_value(value, Member::none, 0, unused);
}

bool EventReader::read_object(ondemand::object object, Scope scope, int depth) {
  const std::size_t names = names_.size();
  std::uint32_t known = 0;
  std::size_t count = 0;
  for (auto next : object) {
    ondemand::field field;
    if (std::move(next).get(field) != simdjson::SUCCESS) {
      return no_json(at_, "a member's name, a ':', a ',' or a '}' is missing or misplaced");
    }
    if (++count == object_members_max + 1) {
      note(ReasonCode::malformed,
           "an object has more than " + std::to_string(object_members_max) + " members");
    }
    if (!read_field(field, scope, depth, known, names)) return false;
  }
  names_.resize(names);
  return true;
}

bool EventReader::read_field(ondemand::field& field, Scope scope, int depth, std::uint32_t& known,
                             std::size_t names) {
  const char* const raw = field.key().raw();
  if (raw >= document_end_) return no_json(at_, "a member's name is missing");
  at_ = raw;
  Slot unused;
  Key key;
  key.member = match_name(scope, raw);
  if (key.member == Member::none && !read_key(raw, scope, key)) return false;
  if (!note_if_twice(key, known, names)) return read_value(field.value(), Member::none, depth, unused);
  if (key.member != Member::none)
    return read_value(field.value(), key.member, depth, (*members_)[key.member]);
  if (scope != Scope::ignored) ++members_->ignored;
  return read_value(field.value(), Member::none, depth, unused);
}

/// False where the name stood in this object before; then it is noted.
bool EventReader::note_if_twice(const Key& key, std::uint32_t& known, std::size_t names) {
  if (key.member != Member::none) {
    const std::uint32_t bit = 1U << static_cast<unsigned>(key.member);
    if ((known & bit) == 0) {
      known |= bit;
      return true;
    }
    note(ReasonCode::duplicate_member, std::string(path_of(key.member)) + " stands twice; send it once");
    return false;
  }
  const auto first = names_.begin() + static_cast<std::ptrdiff_t>(names);
  if (std::find(first, names_.end(), key.text) != names_.end()) {
    note(ReasonCode::duplicate_member, "the member \"" + excerpt(key.text, shown_bytes_max) +
                                           "\" stands twice in one object; send it once");
    return false;
  }
  // Beyond the limit the event is refused anyway: no more work that grows with the square.
  if (names_.size() - names < object_members_max) names_.push_back(key.text);
  return true;
}

bool EventReader::read_array(ondemand::array array, int depth) {
  for (auto next : array) {
    ondemand::value value;
    Slot unused;
    if (next.get(value) != simdjson::SUCCESS) return no_json(at_, "a ',' or a ']' is missing");
    if (!read_value(value, Member::none, depth, unused)) return false;
  }
  return true;
}

bool EventReader::read_value(ondemand::value& value, Member member, int depth, Slot& slot) {
  const std::string_view token = token_of(value);
  if (token.empty()) return no_json(at_, "a value is missing");
  at_ = token.data();
  switch (token.front()) {
    case '"': {
      // Taken, not left to be skipped: skipping takes a string with a ':' behind it for a name.
      ondemand::raw_json_string taken;
      if (value.get_raw_json_string().get(taken) != simdjson::SUCCESS)
        return no_json(at_, "a string is broken");
      return read_string(token, member, slot);
    }
    case '{':
      slot.kind = JsonKind::object;
      return read_container(value, scope_within(member), depth + 1, true);
    case '[':
      slot.kind = JsonKind::array;
      return read_container(value, Scope::ignored, depth + 1, false);
    case 't':
    case 'f':
      slot.kind = JsonKind::boolean;
      break;
    case 'n':
      slot.kind = JsonKind::null;
      break;
    default:
      slot.kind = JsonKind::number;
      slot.text = token;
      return is_json_number(token) || no_json(at_, "a value is missing or is none of JSON's");
  }
  return is_json_literal(token) || no_json(at_, "a value is missing or is none of JSON's");
}

bool EventReader::read_container(ondemand::value& value, Scope scope, int depth, bool object) {
  if (depth > nesting_depth_max) return skip_too_deep(value, object);
  if (object) {
    ondemand::object inner;
    if (value.get_object().get(inner) != simdjson::SUCCESS) return no_json(at_, "an object is broken");
    return read_object(inner, scope, depth);
  }
  ondemand::array inner;
  if (value.get_array().get(inner) != simdjson::SUCCESS) return no_json(at_, "an array is broken");
  return read_array(inner, depth);
}

/// On-Demand only counts brackets here; the walk over the text then insists on JSON, so that
/// nothing behind it can be taken for what it isn't.
bool EventReader::skip_too_deep(ondemand::value& value, bool object) {
  note(ReasonCode::nesting_too_deep,
       "objects and arrays are nested more than " + std::to_string(nesting_depth_max) + " deep");
  std::string_view text;
  simdjson::error_code error = simdjson::SUCCESS;
  if (object) {
    ondemand::object inner;
    error = value.get_object().get(inner);
    if (error == simdjson::SUCCESS) error = inner.raw_json().get(text);
  } else {
    ondemand::array inner;
    error = value.get_array().get(inner);
    if (error == simdjson::SUCCESS) error = inner.raw_json().get(text);
  }
  if (error == simdjson::SUCCESS && is_json_value(text, scratch_)) return true;
  return no_json(at_, "what is nested here is broken");
}

bool EventReader::read_string(std::string_view quoted, Member member, Slot& slot) {
  if (quoted.size() < 2 || quoted.back() != '"') return no_json(at_, "a string is broken");
  const std::string_view text = quoted.substr(1, quoted.size() - 2);
  slot.kind = JsonKind::string;
  slot.text = text;
  if (!holds_backslash(text)) return true;
  char* out = nullptr;
  if (member == Member::none) {
    scratch_.resize(text.size());
    out = scratch_.data();
  } else {
    out = arena_.reserve(text.size());
  }
  std::size_t size = 0;
  const Unescaped outcome = unescape(text, out, size);
  if (outcome == Unescaped::bad_escape) return no_json(at_, "a string has an escape that JSON does not know");
  if (outcome == Unescaped::lone_surrogate) {
    slot.readable = false;
    note(ReasonCode::invalid_utf8,
         "a string holds a lone surrogate (\\ud800 to \\udfff without its other half)");
    return true;
  }
  if (member == Member::none) return true;
  arena_.keep(size);
  slot.text = {out, size};
  if (std::memchr(out, '\0', size) != nullptr) {
    slot.readable = false;
    note(ReasonCode::malformed, std::string(path_of(member)) + " holds a NUL character (\\u0000)");
  }
  return true;
}

/// A name that the quick way did not know: an ignored one, or one with escapes.
bool EventReader::read_key(const char* key, Scope scope, Key& out) {
  const char* end = key;
  bool escaped = false;
  while (*end != '"') {
    escaped |= *end == '\\';
    end += *end == '\\' ? 2 : 1;
  }
  out.text = {key, static_cast<std::size_t>(end - key)};
  if (!escaped) return true;
  char* const text = arena_.reserve(out.text.size());
  std::size_t size = 0;
  const Unescaped outcome = unescape(out.text, text, size);
  if (outcome == Unescaped::bad_escape) {
    return no_json(key, "a member's name has an escape that JSON does not know");
  }
  if (outcome == Unescaped::lone_surrogate) {
    note(ReasonCode::invalid_utf8, "a member's name holds a lone surrogate (\\ud800 to \\udfff)");
    return true;
  }
  arena_.keep(size);
  out.text = {text, size};
  out.member = find_member(scope, out.text);
  return true;
}

bool EventReader::holds_backslash(std::string_view text) {
  const char* const end = text.data() + text.size();
  if (backslash_ < text.data()) backslash_ = next_backslash(text.data(), body_end_);
  return backslash_ < end;
}

bool EventReader::no_json(const char* at, const char* what) {
  fault_ = {at, what};
  return false;
}

void EventReader::note(ReasonCode code, std::string detail) {
  if (!members_->problem) members_->problem = Problem{code, std::move(detail)};
}

}  // namespace voucherd::wire
