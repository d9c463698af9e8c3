// The formats: one event, an array, lines. An array is indexed and checked as a whole, so a
// syntax error anywhere in it is the body's; lines are parsed each by itself, so a broken one
// is an item with its bytes. Events of a known shape skip simdjson; an array does only if all of
// its events are.
#include "metering/wire/decode.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "metering/core/assert.h"
#include "metering/wire/event_reader.h"
#include "metering/wire/event_shape.h"
#include "metering/wire/json_text.h"
#include "metering/wire/judge.h"

namespace voucherd::wire {
namespace {

namespace ondemand = simdjson::ondemand;

// Memory for the index of a huge body is given back: about six bytes for each of the body's.
constexpr std::size_t parser_body_bytes_kept_max = 16U << 20U;
// Only for the first guess at the number of items.
constexpr std::size_t typical_event_bytes = 256;

std::string offset_in(std::string_view text, const char* at) {
  return "byte " + std::to_string(std::clamp<std::ptrdiff_t>(at - text.data(), 0, std::ssize(text)));
}

/// A sentence on why simdjson refused `text` as a whole.
std::string refusal(simdjson::error_code error, std::string_view text) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "is not UTF-8 at " + offset_in(text, text.data() + first_broken_utf8(text));
    case simdjson::UNCLOSED_STRING:
      return "is not JSON: a string is not closed";
    case simdjson::UNESCAPED_CHARS:
      return "is not JSON: a string holds a control character that is not escaped";
    case simdjson::MEMALLOC:
      return "is too large for the memory that is left";
    default:
      return std::string("is not JSON: ") + simdjson::error_message(error);
  }
}

std::string sentence(const SyntaxFault& fault, std::string_view text) {
  return "is not JSON near " + offset_in(text, fault.at) + ": " + fault.what;
}

/// A fault that ends the reading of one document.
struct Unreadable {
  ReasonCode code;  // for an item
  std::string what;
};
using Reading = boost::system::result<void, Unreadable>;

/// The shapes that a stream's events are of; the one that fitted last is tried first.
class KnownShapes {
 public:
  /// As EventShape::read().
  std::size_t read(std::string_view text, Members& members) {
    for (std::size_t tried = 0; tried < shapes_.size(); ++tried) {
      const std::size_t at = (last_ + tried) % shapes_.size();
      if (const std::size_t length = shapes_[at].read(text, members)) {
        last_ = at;
        return length;
      }
    }
    return 0;
  }

  void learn(std::string_view text, const Members& members) {
    auto shape = EventShape::learn(text, members);
    if (!shape || std::find(shapes_.begin(), shapes_.end(), *shape) != shapes_.end()) return;
    if (shapes_.size() < shapes_max) {
      shapes_.push_back(std::move(*shape));
    } else {
      shapes_[next_] = std::move(*shape);
      next_ = (next_ + 1) % shapes_max;
    }
  }

  /// Learnt in one body at most, so that events which are never alike cost little more for it.
  static constexpr std::size_t shapes_max = 4;

 private:
  std::vector<EventShape> shapes_;
  std::size_t last_ = 0, next_ = 0;
};

class BodyDecoder {
 public:
  BodyDecoder(ondemand::parser& parser, KnownShapes& shapes, std::string_view body)
      : parser_(parser), shapes_(shapes), body_(body), arena_(batch_.arena), reader_(body, arena_) {
    batch_.items.reserve(std::min(body.size() / typical_event_bytes + 1, batch_events_max));
  }

  /// One object and nothing behind it; offsets in sentences count from the start of `origin`.
  Reading event(std::string_view text, std::string_view origin);
  bool event_of_known_shape(std::string_view text);
  Reading array();
  Reading lines();
  Batch take() { return std::move(batch_); }

 private:
  Reading open(std::string_view text, ondemand::document& document);
  Reading element(ondemand::document& document, ondemand::value value);
  void other_element(std::string_view raw, Members& members);
  void line(std::string_view text);
  bool array_of_known_shapes(std::string_view text);
  Reading room_for_one_more() const;
  void finish(Members& members, std::string_view raw);
  void learn(const Members& members, std::string_view raw);

  ondemand::parser& parser_;
  KnownShapes& shapes_;
  std::size_t learnt_ = 0;
  std::string_view body_;
  Batch batch_;
  Arena arena_;
  EventReader reader_;
  InstantReader instants_;
};

/// Indexes `text`, which lies in the body, so at least the body's padding is behind it.
Reading BodyDecoder::open(std::string_view text, ondemand::document& document) {
  static_assert(body_padding_bytes >= simdjson::SIMDJSON_PADDING);
  reader_.start(text);
  const simdjson::padded_string_view padded(text, text.size() + simdjson::SIMDJSON_PADDING);
  const simdjson::error_code error = parser_.iterate(padded).get(document);
  if (error == simdjson::SUCCESS) return {};
  const ReasonCode code = error == simdjson::UTF8_ERROR ? ReasonCode::invalid_utf8 : ReasonCode::malformed;
  return Unreadable{code, refusal(error, text)};
}

bool at_end(ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

Reading BodyDecoder::event(std::string_view text, std::string_view origin) {
  ondemand::document document;
  if (Reading opened = open(text, document); !opened) return opened;
  ondemand::object object;
  Members members;
  if (document.get_object().get(object) != simdjson::SUCCESS) {
    return Unreadable{ReasonCode::malformed, "is not JSON: its object is not closed"};
  }
  const bool good = reader_.read_event(object, members);
  if (good && at_end(document)) {
    finish(members, text);
    learn(members, text);
    return {};
  }
  std::string what =
      good ? "is not JSON: something stands behind its object" : sentence(reader_.fault(), origin);
  // Outranks what was noted; what was read before it is still filled in.
  members.problem = Problem{ReasonCode::malformed, what};
  finish(members, text);
  return Unreadable{ReasonCode::malformed, std::move(what)};
}

Reading BodyDecoder::array() {
  if (array_of_known_shapes(trim_json_space(body_))) return {};
  ondemand::document document;
  if (Reading opened = open(body_, document); !opened) return opened;
  ondemand::array array;
  if (document.get_array().get(array) != simdjson::SUCCESS) {
    return Unreadable{ReasonCode::malformed, "is not JSON: its array is not closed"};
  }
  for (auto next : array) {
    ondemand::value value;
    if (next.get(value) != simdjson::SUCCESS) {
      return Unreadable{ReasonCode::malformed, "is not JSON: a ',' or a ']' is missing behind event " +
                                                   std::to_string(batch_.items.size())};
    }
    if (Reading room = room_for_one_more(); !room) return room;
    if (Reading read = element(document, value); !read) return read;
  }
  if (!at_end(document)) {
    return Unreadable{ReasonCode::malformed, "is not JSON: something stands behind its array"};
  }
  return {};
}

Reading BodyDecoder::element(ondemand::document& document, ondemand::value value) {
  const std::string_view token = reader_.token_of(value);
  if (token.empty()) return Unreadable{ReasonCode::malformed, "is not JSON: its array is not closed"};
  Members members;
  bool good = false;
  const bool object = token.front() == '{';
  const bool container = object || token.front() == '[';
  if (object) {
    ondemand::object fields;
    good = value.get_object().get(fields) == simdjson::SUCCESS && reader_.read_event(fields, members);
  } else {
    good = reader_.visit(value, members);
  }
  if (!good) return Unreadable{ReasonCode::malformed, sentence(reader_.fault(), body_)};
  std::string_view raw = token;
  if (container) {
    const char* next = nullptr;
    // Where the brackets that close it stand in the padding, what is next is no token of the body.
    if (document.current_location().get(next) != simdjson::SUCCESS || next <= token.data() ||
        next >= body_.data() + body_.size()) {
      return Unreadable{ReasonCode::malformed, "is not JSON: its array is not closed"};
    }
    raw = {token.data(), static_cast<std::size_t>(next - token.data())};
  }
  raw = trim_json_space(raw);
  if (object) {
    finish(members, raw);
    learn(members, raw);
  } else {
    other_element(raw, members);
  }
  return {};
}

/// An element of the array that is no object.
void BodyDecoder::other_element(std::string_view raw, Members& members) {
  Item& item = batch_.items.emplace_back();
  item.raw = raw;
  item.problem = members.problem
                     ? std::move(members.problem)
                     : Problem{ReasonCode::malformed, "this element is not a JSON object; an event is one"};
}

Reading BodyDecoder::lines() {
  const char* at = body_.data();
  const char* const end = at + body_.size();
  while (at != end) {
    const void* const found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    const char* const line_end = found == nullptr ? end : static_cast<const char*>(found);
    const std::string_view text = trim_json_space({at, static_cast<std::size_t>(line_end - at)});
    if (!text.empty()) {
      if (Reading room = room_for_one_more(); !room) return room;
      line(text);
    }
    at = line_end == end ? end : line_end + 1;
  }
  return {};
}

bool BodyDecoder::event_of_known_shape(std::string_view text) {
  Members members;
  if (shapes_.read(text, members) != text.size()) return false;
  finish(members, text);
  return true;
}

/// False where anything is not as known; then nothing is kept.
bool BodyDecoder::array_of_known_shapes(std::string_view text) {
  const auto give_up = [&] {
    batch_.items.clear();
    batch_.ignored_members = 0;
    return false;
  };
  text = trim_json_space(text.substr(1));
  while (batch_.items.size() < batch_events_max) {
    Members members;
    const std::size_t length = shapes_.read(text, members);
    if (length == 0) return give_up();
    finish(members, text.substr(0, length));
    text = trim_json_space(text.substr(length));
    if (text == "]") return true;
    if (text.empty() || text.front() != ',') return give_up();
    text = trim_json_space(text.substr(1));
  }
  return give_up();
}

void BodyDecoder::line(std::string_view text) {
  if (event_of_known_shape(text)) return;
  const std::size_t index = batch_.items.size();
  Reading read = text.front() == '{'
                     ? event(text, text)
                     : Reading(Unreadable{ReasonCode::malformed, "is not a JSON object; an event is one"});
  if (read) return;
  // Where the line was opened, event() has left the item with what could be read.
  if (batch_.items.size() == index) batch_.items.emplace_back();
  Item& item = batch_.items.back();
  item.raw = text;
  item.problem = Problem{read.error().code, "the line " + read.error().what};
}

Reading BodyDecoder::room_for_one_more() const {
  if (batch_.items.size() < batch_events_max) return {};
  return Unreadable{ReasonCode::malformed, "holds more than " + std::to_string(batch_events_max) +
                                               " events; send them in several requests"};
}

void BodyDecoder::finish(Members& members, std::string_view raw) {
  Item& item = batch_.items.emplace_back();
  item.raw = raw;
  batch_.ignored_members += judge(members, instants_, item);
}

/// From a good event only: its shape is likely to come again.
void BodyDecoder::learn(const Members& members, std::string_view raw) {
  if (batch_.items.back().problem || learnt_ == KnownShapes::shapes_max) return;
  ++learnt_;
  shapes_.learn(raw, members);
}

Reading decode_json(BodyDecoder& decoder, std::string_view body, BodyFormat format) {
  const std::string_view text = trim_json_space(body);
  const char first = text.empty() ? '\0' : text.front();
  if (text.empty()) return Unreadable{ReasonCode::malformed, "is empty; send an event or an array of events"};
  if (first == '{' && format != BodyFormat::batch) {
    return decoder.event_of_known_shape(text) ? Reading() : decoder.event(text, body);
  }
  if (first == '[' && format != BodyFormat::event) return decoder.array();
  switch (format) {
    case BodyFormat::event:
      return Unreadable{ReasonCode::malformed, "is not a JSON object; an event is one"};
    case BodyFormat::batch:
      return Unreadable{ReasonCode::malformed, "is not a JSON array of events"};
    default:
      return Unreadable{ReasonCode::malformed, "is neither a JSON object nor an array of them"};
  }
}

}  // namespace

struct Decoder::Impl {
  ondemand::parser parser;
  KnownShapes shapes;
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;

boost::system::result<Batch, BodyFault> Decoder::decode(std::string_view body, BodyFormat format) {
  BodyDecoder decoder(impl_->parser, impl_->shapes, body);
  const Reading read = format == BodyFormat::ndjson ? decoder.lines() : decode_json(decoder, body, format);
  if (impl_->parser.capacity() > parser_body_bytes_kept_max) impl_->parser = ondemand::parser();
  if (!read) return BodyFault{"the body " + read.error().what};
  return decoder.take();
}

void throw_exception_from_error(const BodyFault& fault, const boost::source_location&) {
  throw std::runtime_error(fault.detail);
}

}  // namespace voucherd::wire
