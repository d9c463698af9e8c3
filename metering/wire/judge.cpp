// Everything about an event that can be told from its own bytes is told here: types, lengths,
// the firm's code, the quantity, the interval's two ends. What needs the journal or a clock is
// metering/ingest's. Judging goes on after the first problem, so that all members that are
// readable are filled in.
#include "metering/wire/judge.h"

#include <string>
#include <utility>

#include "metering/core/excerpt.h"
#include "metering/core/ids.h"

namespace voucherd::wire {
namespace {

constexpr std::size_t shown_bytes_max = 64;

constexpr Member usage_members[] = {Member::sku,     Member::start, Member::end,
                                    Member::project, Member::node,  Member::job};
constexpr Member correction_members[] = {Member::corrects, Member::reason};

const char* kind_in_words(JsonKind kind) {
  switch (kind) {
    case JsonKind::absent:
      return "absent";
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return "a boolean";
    case JsonKind::number:
      return "a number";
    case JsonKind::string:
      return "a string";
    case JsonKind::object:
      return "an object";
    case JsonKind::array:
      return "an array";
  }
  return "unknown";
}

std::string quoted(std::string_view text) { return "\"" + excerpt(text, shown_bytes_max) + "\""; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// "application/json", "text/json" and any "…+json", parameters aside.
bool is_json_media_type(std::string_view text) {
  text = text.substr(0, text.find(';'));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  std::string type;
  for (const char c : text) type += lower(c);
  const std::size_t slash = type.find('/');
  if (slash == std::string::npos) return false;
  const std::string_view subtype = std::string_view(type).substr(slash + 1);
  return subtype == "json" || (subtype.size() > 5 && subtype.substr(subtype.size() - 5) == "+json");
}

enum class Need : std::uint8_t { required, optional };

class Judge {
 public:
  Judge(const Members& members, InstantReader& instants, Item& item)
      : members_(members), instants_(instants), item_(item), event_(item.event) {}

  void judge_all() {
    const bool known_kind = judge_kind();
    event_.source = text(Member::source, event_source_bytes_max, Need::required);
    event_.id = text(Member::id, event_id_bytes_max, Need::required);
    judge_subject();
    event_.time = instant(Member::time);
    judge_data();
    if (event_.kind == EventKind::correction) {
      judge_correction();
    } else {
      judge_usage(known_kind);
    }
  }

 private:
  /// The first problem stands. Arguments are built only on the way to one.
  void fail(ReasonCode code, std::string detail) {
    if (!item_.problem) item_.problem = Problem{code, std::move(detail)};
  }

  bool is_absent(Member member) const {
    return members_[member].kind == JsonKind::absent || members_[member].kind == JsonKind::null;
  }

  void fail_missing(Member member) {
    fail(ReasonCode::member_missing, std::string(path_of(member)) + " is missing; it is required");
  }

  /// The member is there and of another type than `type`.
  void fail_type(Member member, const char* type) {
    fail(ReasonCode::member_wrong_type, std::string(path_of(member)) + " is " +
                                            kind_in_words(members_[member].kind) + "; it must be " + type);
  }

  /// A string member within its limit; "" where there is none.
  std::string_view text(Member member, std::size_t bytes_max, Need need) {
    const Slot& slot = members_[member];
    if (is_absent(member)) {
      if (need == Need::required) fail_missing(member);
      return {};
    }
    if (slot.kind != JsonKind::string) {
      fail_type(member, "a string");
      return {};
    }
    if (!slot.readable) return {};
    if (slot.text.empty() && need == Need::required) {
      fail(ReasonCode::member_empty, std::string(path_of(member)) + " is empty; it must name something");
    }
    if (slot.text.size() > bytes_max) {
      fail(ReasonCode::member_too_long, std::string(path_of(member)) + " has " +
                                            std::to_string(slot.text.size()) + " bytes; at most " +
                                            std::to_string(bytes_max) + " are kept");
      return {};
    }
    return slot.text;
  }

  std::optional<Instant> instant(Member member) {
    const Slot& slot = members_[member];
    if (is_absent(member)) return std::nullopt;
    if (slot.kind != JsonKind::string) {
      fail_type(member, "a string");
      return std::nullopt;
    }
    if (!slot.readable) return std::nullopt;
    Instant instant;
    if (instants_.read(slot.text, instant)) return instant;
    fail(ReasonCode::time_malformed,
         std::string(path_of(member)) + ": " + parse_instant(slot.text).error().detail);
    return std::nullopt;
  }

  /// specversion and type; false where the kind of event is not known.
  bool judge_kind() {
    const Slot& version = members_[Member::specversion];
    if (is_absent(Member::specversion)) {
      fail_missing(Member::specversion);
    } else if (version.kind != JsonKind::string) {
      fail_type(Member::specversion, "the string \"1.0\"");
    } else if (version.text != "1.0") {
      fail(ReasonCode::specversion_unsupported,
           "specversion is " + quoted(version.text) + "; only \"1.0\" is understood");
    }
    const Slot& type = members_[Member::type];
    if (is_absent(Member::type)) {
      fail_missing(Member::type);
    } else if (type.kind != JsonKind::string) {
      fail_type(Member::type, "a string");
    } else if (type.text == "compute.usage.v1") {
      return true;
    } else if (type.text == "compute.correction.v1") {
      event_.kind = EventKind::correction;
      return true;
    } else {
      fail(ReasonCode::type_unknown,
           "type is " + quoted(type.text) + "; it must be compute.usage.v1 or compute.correction.v1");
    }
    return false;
  }

  void judge_subject() {
    const Slot& subject = members_[Member::subject];
    if (is_absent(Member::subject)) return fail_missing(Member::subject);
    if (subject.kind != JsonKind::string) return fail_type(Member::subject, "a string");
    if (!subject.readable) return;
    // Kept where it is wrong too, so that the quarantine can be searched for it; but not at any length.
    if (subject.text.size() <= event_label_bytes_max) event_.subject = subject.text;
    if (is_uscc(subject.text)) return;
    const std::string why = check_uscc(excerpt(subject.text, shown_bytes_max)).error().detail;
    fail(ReasonCode::subject_invalid, "subject: " + why);
  }

  void judge_data() {
    if (!is_absent(Member::data_base64)) {
      fail(ReasonCode::data_unsupported, "data_base64 is not understood; send data as a JSON object");
    }
    const Slot& media_type = members_[Member::datacontenttype];
    if (media_type.kind == JsonKind::string) {
      if (!is_json_media_type(media_type.text)) {
        fail(ReasonCode::data_unsupported, "datacontenttype is " + quoted(media_type.text) +
                                               "; only JSON is understood, like application/json");
      }
    } else if (!is_absent(Member::datacontenttype)) {
      fail_type(Member::datacontenttype, "a string");
    }
    if (is_absent(Member::data)) {
      fail_missing(Member::data);
    } else if (members_[Member::data].kind != JsonKind::object) {
      fail_type(Member::data, "an object");
    }
  }

  void judge_usage(bool known_kind) {
    event_.sku = text(Member::sku, event_label_bytes_max, known_kind ? Need::required : Need::optional);
    if (known_kind) judge_quantity(false);
    event_.start = instant(Member::start);
    event_.end = instant(Member::end);
    judge_interval();
    event_.project = text(Member::project, event_label_bytes_max, Need::optional);
    event_.node = text(Member::node, event_label_bytes_max, Need::optional);
    event_.job = text(Member::job, event_label_bytes_max, Need::optional);
  }

  void judge_interval() {
    const bool start = !is_absent(Member::start), end = !is_absent(Member::end);
    if (start != end) {
      fail(ReasonCode::interval_incomplete, std::string("data.") + (start ? "end" : "start") +
                                                " is missing; send both data.start and data.end, or neither");
    } else if (!start && is_absent(Member::time)) {
      fail(ReasonCode::no_usage_time, "there is neither time nor data.start and data.end; send one of them");
    } else if (event_.start && event_.end && *event_.end < *event_.start) {
      fail(ReasonCode::interval_reversed, "data.end " + quoted(members_[Member::end].text) +
                                              " is before data.start " +
                                              quoted(members_[Member::start].text));
    }
  }

  void judge_correction() {
    if (is_absent(Member::time)) fail_missing(Member::time);
    const Slot& corrects = members_[Member::corrects];
    if (is_absent(Member::corrects)) {
      fail_missing(Member::corrects);
    } else if (corrects.kind != JsonKind::object) {
      fail_type(Member::corrects, "an object");
    } else {
      event_.corrects_source = text(Member::corrects_source, event_source_bytes_max, Need::required);
      event_.corrects_id = text(Member::corrects_id, event_id_bytes_max, Need::required);
    }
    judge_quantity(true);
    event_.reason = text(Member::reason, event_reason_bytes_max, Need::required);
  }

  void judge_quantity(bool zero_allowed) {
    const Slot& slot = members_[Member::quantity];
    if (is_absent(Member::quantity)) return fail_missing(Member::quantity);
    if (slot.kind != JsonKind::string && slot.kind != JsonKind::number) {
      return fail_type(Member::quantity, "a string or a number");
    }
    if (!slot.readable) return;
    const Result<Quantity> parsed = parse_event_quantity(slot.text, zero_allowed);
    if (parsed) {
      event_.quantity = *parsed;
      return;
    }
    const std::optional<ReasonCode> code = parse_reason_code(parsed.error().code);
    fail(code.value_or(ReasonCode::quantity_malformed), "data." + parsed.error().detail);
  }

  const Members& members_;
  InstantReader& instants_;
  Item& item_;
  EventView& event_;
};

/// Members that only the other kind of event has.
std::uint64_t foreign_members(const Members& members, EventKind kind) {
  std::uint64_t count = 0;
  const auto add = [&](Member member) { count += members[member].kind != JsonKind::absent ? 1U : 0U; };
  if (kind == EventKind::correction) {
    for (const Member member : usage_members) add(member);
  } else {
    for (const Member member : correction_members) add(member);
  }
  return count;
}

}  // namespace

std::uint64_t judge(Members& members, InstantReader& instants, Item& item) {
  item.problem = std::move(members.problem);
  Judge(members, instants, item).judge_all();
  return members.ignored + foreign_members(members, item.event.kind);
}

}  // namespace voucherd::wire
