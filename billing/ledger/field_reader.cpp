// One member at a time, every fault kept; see field_reader.h.
#include "billing/ledger/field_reader.h"

namespace voucherd::billing {
namespace {

/// Length of the UTF-8 sequence at the front of `text`, 0 where it is broken (RFC 3629: no
/// overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return 0;
  }
  const unsigned second = byte(1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return length;
}

bool is_control(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return lead < 0x20 || lead == 0x7f;
  return lead == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;  // C1
}

std::string type_name(const nlohmann::json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return "true or false";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "an array" : "an object";
}

}  // namespace

std::string text_fault(std::string_view text, std::size_t bytes_min, std::size_t bytes_max) {
  if (text.size() < bytes_min) return "is empty; it must have at least one character";
  if (text.size() > bytes_max) {
    return "has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(bytes_max) +
           " are allowed";
  }
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return "is not valid UTF-8";
    if (is_control(text.substr(0, length))) return "contains a control character; remove it";
    text.remove_prefix(length);
  }
  return {};
}

std::size_t utf8_prefix(std::string_view text) {
  std::size_t good = 0;
  while (good < text.size()) {
    const std::size_t length = utf8_length(text.substr(good));
    if (length == 0) break;
    good += length;
  }
  return good;
}

std::string pointer_to(const std::string& parent, std::string_view member) {
  std::string out = parent + "/";
  for (const char c : member) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string pointer_to(const std::string& parent, std::size_t index) {
  return parent + "/" + std::to_string(index);
}

FieldReader::FieldReader(const nlohmann::json& body, std::string pointer, std::vector<FieldFault>& faults)
    : pointer_(std::move(pointer)), faults_(faults) {
  if (body.is_object()) {
    body_ = &body;
  } else {
    faults_.push_back({pointer_, "This is " + type_name(body) + "; it must be an object"});
  }
}

void FieldReader::fault(std::string_view member, std::string detail) {
  faults_.push_back({at(member), std::move(detail)});
}

const nlohmann::json* FieldReader::find(const std::string& member, Need need, std::string_view what) {
  asked_.insert(member);
  if (!is_object()) return nullptr;
  const auto found = body_->find(member);
  if (found != body_->end()) return &*found;
  if (need == Need::required) fault(member, member + " is missing; it must be " + std::string(what));
  return nullptr;
}

std::string FieldReader::text(const std::string& member, Need need, std::size_t bytes_min,
                              std::size_t bytes_max) {
  const auto* value = find(member, need, "a string of at most " + std::to_string(bytes_max) + " bytes");
  if (value == nullptr) return {};
  if (!value->is_string()) {
    fault(member, member + " is " + type_name(*value) + "; it must be a string");
    return {};
  }
  const auto& text = value->get_ref<const std::string&>();
  const std::string wrong = text_fault(text, bytes_min, bytes_max);
  if (wrong.empty()) return text;
  fault(member, member + " " + wrong);
  return {};
}

std::string FieldReader::one_of(const std::string& member, Need need, const std::vector<std::string>& choices,
                                const std::string& absent) {
  std::string list;
  for (const auto& choice : choices) list += (list.empty() ? "" : ", ") + ("\"" + choice + "\"");
  const auto* value = find(member, need, "one of " + list);
  if (value == nullptr) return absent;
  for (const auto& choice : choices) {
    if (value->is_string() && value->get_ref<const std::string&>() == choice) return choice;
  }
  fault(member, member + " must be one of " + list);
  return absent;
}

bool FieldReader::boolean(const std::string& member, bool absent) {
  const auto* value = find(member, Need::optional, "true or false");
  if (value == nullptr) return absent;
  if (value->is_boolean()) return value->get<bool>();
  fault(member, member + " is " + type_name(*value) + "; it must be true or false");
  return absent;
}

std::optional<LocalDay> FieldReader::day(const std::string& member, Need need, bool null_allowed) {
  const std::string what = std::string("a date \"YYYY-MM-DD\"") + (null_allowed ? " or null" : "");
  const auto* value = find(member, need, what);
  if (value == nullptr || (null_allowed && value->is_null())) return std::nullopt;
  if (!value->is_string()) {
    fault(member, member + " is " + type_name(*value) + "; it must be " + what);
    return std::nullopt;
  }
  const auto day = parse_day(value->get_ref<const std::string&>());
  if (day) return *day;
  fault(member, member + ": " + day.error().detail);
  return std::nullopt;
}

std::optional<DayInterval> FieldReader::interval() {
  const std::size_t faults_before = faults_.size();
  const auto from = day("from", Need::required);
  const auto until = day("until", Need::optional, true);
  if (from && until && *until <= *from) {
    fault("until", "until is " + to_string(*until) + " and from is " + to_string(*from) +
                       "; until is exclusive and must be later than from");
  }
  if (!from || faults_.size() > faults_before) return std::nullopt;
  return DayInterval{*from, until};
}

std::optional<std::string> FieldReader::decimal(const std::string& member, Need need, std::string_view what) {
  const auto* value = find(member, need, what);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  fault(member, member + " is " + type_name(*value) + "; it must be " + std::string(what) +
                    (value->is_number() ? ": put the number in quotes, so that no digit is lost" : ""));
  return std::nullopt;
}

std::optional<Fen> FieldReader::amount(const std::string& member, Need need, bool null_allowed) {
  if (null_allowed && is_object() && body_->contains(member) && body_->at(member).is_null()) {
    asked_.insert(member);
    return std::nullopt;
  }
  const auto text = decimal(member, need, "an amount in yuan as a string, like \"1000000.00\"");
  if (!text) return std::nullopt;
  const auto amount = parse_fen(*text);
  if (!amount) {
    fault(member, member + ": " + amount.error().detail);
    return std::nullopt;
  }
  if (amount->value < 0) {
    fault(member, member + " is " + to_string(*amount) + "; it must not be below 0");
    return std::nullopt;
  }
  return *amount;
}

std::optional<Rate> FieldReader::rate(const std::string& member, Need need) {
  const auto text = decimal(member, need, "a rate between 0 and 1 as a string, like \"0.20\"");
  if (!text) return std::nullopt;
  auto rate = parse_rate(*text);
  if (rate) return std::move(*rate);
  fault(member, member + ": " + rate.error().detail);
  return std::nullopt;
}

FirmId FieldReader::firm(const std::string& member) {
  const std::string code = text(member, Need::required, 1, fact_key_bytes_max);
  if (code.empty()) return {};
  const auto good = check_uscc(code);
  if (good) return FirmId{code};
  fault(member, member + ": " + good.error().detail);
  return {};
}

std::string FieldReader::sha256(const std::string& member) {
  std::string digest = text(member, Need::optional, 0, fact_text_bytes_max);
  if (digest.empty()) return {};
  if (digest.size() == 64 && digest.find_first_not_of("0123456789abcdef") == std::string::npos) return digest;
  fault(member, member + " must be the document's SHA-256 as 64 lower-case hexadecimal digits, or empty");
  return {};
}

void FieldReader::array(const std::string& member, Need need, std::string_view what,
                        const std::function<void(const nlohmann::json&, const std::string&)>& item) {
  const auto* value = find(member, need, what);
  if (value == nullptr) return;
  if (!value->is_array()) {
    fault(member, member + " is " + type_name(*value) + "; it must be " + std::string(what));
    return;
  }
  const std::string parent = at(member);
  for (std::size_t i = 0; i < value->size(); ++i) item((*value)[i], pointer_to(parent, i));
}

void FieldReader::refuse_others() {
  if (!is_object()) return;
  for (const auto& [name, value] : body_->items()) {
    if (!asked_.contains(name)) fault(name, "This member is unknown here; remove it or check its spelling");
  }
}

bool overlap(const DayInterval& a, const DayInterval& b) {
  return (!a.until || b.from < *a.until) && (!b.until || a.from < *b.until);
}

std::string describe(const DayInterval& days) {
  return "from " + to_string(days.from) +
         (days.until ? " until " + to_string(*days.until) : " without an end");
}

void refuse_overlaps(const std::vector<DayInterval>& intervals, const std::vector<std::string>& pointers,
                     std::string_view what, std::vector<FieldFault>& faults) {
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!overlap(intervals[i], intervals[j])) continue;
      faults.push_back({pointers[i], "This " + std::string(what) + " (" + describe(intervals[i]) +
                                         ") overlaps the one at " + pointers[j] + " (" +
                                         describe(intervals[j]) +
                                         "); merge them or move a boundary (until is exclusive)"});
    }
  }
}

}  // namespace voucherd::billing
