#include "daemon/http/request_reader.h"

#include <algorithm>
#include <utility>

#include "metering/core/assert.h"

namespace voucherd::http {

namespace {

constexpr std::size_t first_read_bytes = 16u << 10;  // of a body

/// What is left of chunks begins with a line that is not complete; this one never will be.
bool has_bare_line_feed(std::string_view line) {
  const std::size_t feed = line.find('\n');
  return feed != std::string_view::npos && (feed == 0 || line[feed - 1] != '\r');
}

}  // namespace

RequestReader::RequestReader(const Limits& limits, BodyRoom& room)
    : limits_(limits),
      owner_(room),
      input_(2 * limits.header_bytes_max) {}  // a whole header always fits, with the start of what follows

RequestReader::~RequestReader() { owner_.give_room(room_); }

std::span<char> RequestReader::space() {
  if (closed_) {
    begin_ = end_ = 0;
    return input_;
  }
  if (phase_ == Phase::sized_body) {
    // Straight into the body. It grows by as much as has come, so that many lengths that are only announced
    // take neither memory nor the room of others.
    std::string& body = parser_->request().body;
    if (body.size() == body_filled_) {
      const std::size_t size = std::min<std::size_t>(
          body_bytes_, body_filled_ + std::clamp(body_filled_, first_read_bytes, read_bytes_max));
      if (!hold(size)) return {};
      body.resize(size);
    }
    return {body.data() + body_filled_, body.size() - body_filled_};
  }
  if (begin_ > 0) {
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_),
              input_.begin() + static_cast<std::ptrdiff_t>(end_), input_.begin());
    end_ -= std::exchange(begin_, 0);
  }
  VOUCHERD_ASSERT(end_ < input_.size());
  return {input_.data() + end_, input_.size() - end_};
}

void RequestReader::received(std::size_t bytes) {
  if (closed_) return;
  if (part() == Part::body) body_wire_bytes_ += bytes;
  if (phase_ == Phase::sized_body) {
    body_filled_ += bytes;
  } else {
    end_ += bytes;
  }
}

RequestReader::Found RequestReader::advance() {
  if (closed_) return Found::nothing;
  switch (phase_) {
    case Phase::header:
      return read_header();
    case Phase::admission:
      break;
    case Phase::whole:
      return Found::request;
    case Phase::sized_body:
      return read_sized_body();
    case Phase::chunked_body:
      return read_chunked_body();
  }
  VOUCHERD_ASSERT(!"the head that was found is neither admitted nor dropped");
  return Found::nothing;
}

RequestReader::Found RequestReader::read_header() {
  // RFC 9112 §2.2: empty lines before a request line are passed over.
  while (scanned_ == 0 && begin_ < end_ && (input_[begin_] == '\r' || input_[begin_] == '\n')) consume(1);
  if (begin_ == end_) return Found::nothing;
  const HeaderScan scan = scan_header(buffered(), scanned_, limits_.header_bytes_max);
  if (scan.refusal) return refuse(*scan.refusal);
  scanned_ = buffered().size();
  if (scan.bytes == 0) return Found::nothing;
  parser_.emplace(limits_);
  const auto refusal = parser_->read_header(buffered().substr(0, scan.bytes));
  consume(scan.bytes);
  scanned_ = 0;
  if (refusal) return refuse(*refusal);
  phase_ = Phase::admission;
  return Found::head;
}

void RequestReader::begin_body() {
  VOUCHERD_ASSERT(phase_ == Phase::admission);
  body_wire_bytes_ = buffered().size();
  if (parser_->is_done()) {
    phase_ = Phase::whole;
  } else if (parser_->chunked()) {
    phase_ = Phase::chunked_body;
  } else {
    phase_ = Phase::sized_body;
    body_bytes_ = *parser_->content_length();
    body_filled_ = 0;
    parser_->request().body.reserve(body_bytes_ + limits_.body_padding_bytes);
  }
}

RequestReader::Found RequestReader::read_sized_body() {
  std::string& body = parser_->request().body;
  if (const auto input = buffered().substr(0, body_bytes_ - body_filled_); !input.empty()) {
    VOUCHERD_ASSERT(body.size() == body_filled_);
    if (!hold(body_filled_ + input.size())) return Found::refusal;
    body.append(input);
    body_filled_ += input.size();
    consume(input.size());
  }
  if (body_filled_ < body_bytes_) return Found::nothing;
  VOUCHERD_ASSERT(body.size() == body_bytes_);
  phase_ = Phase::whole;
  return Found::request;
}

RequestReader::Found RequestReader::read_chunked_body() {
  while (buffered().size() >= MessageParser::chunked_bytes_min) {
    // No more at once than a size line may have: so which line is too long does not depend on what came with
    // it.
    const auto window = buffered().substr(0, limits_.header_bytes_max);
    std::size_t consumed = 0;
    if (const auto refusal = parser_->read_chunks(window, consumed)) return refuse(*refusal);
    consume(consumed);
    if (!hold(parser_->request().body.size())) return Found::refusal;
    if (parser_->is_done()) {
      phase_ = Phase::whole;
      return Found::request;
    }
    if (consumed > 0) continue;
    if (has_bare_line_feed(window)) return refuse({400, "a line between chunks does not end with CR LF"});
    if (window.size() < limits_.header_bytes_max) break;
    return refuse(
        {400, "a chunk's size line is longer than " + std::to_string(limits_.header_bytes_max) + " bytes"});
  }
  return Found::nothing;
}

RequestReader::Message RequestReader::take() {
  VOUCHERD_ASSERT(phase_ == Phase::whole);
  Message message{std::move(parser_->request()), parser_->keep_alive(), parser_->http10()};
  std::string& body = message.request.body;
  const std::size_t body_bytes = body.size();
  body.append(limits_.body_padding_bytes, '\0');
  body.resize(body_bytes);
  end_request();
  return message;
}

void RequestReader::drop() {
  VOUCHERD_ASSERT(phase_ == Phase::admission && (closed_ || !announces_body()));
  end_request();
}

void RequestReader::end_request() {
  parser_.reset();
  phase_ = Phase::header;
  owner_.give_room(std::exchange(room_, 0));  // whoever takes the request bounds what it keeps
}

RequestReader::Found RequestReader::refuse(Refusal refusal) {
  refusal_ = std::move(refusal);
  close();
  return Found::refusal;
}

bool RequestReader::hold(std::size_t body_bytes) {
  if (body_bytes <= room_) return true;
  if (!owner_.take_room(body_bytes - room_)) {
    refuse({503, "too many bodies are being received; send the same request again later"});
    return false;
  }
  room_ = body_bytes;
  return true;
}

void RequestReader::close() { closed_ = true; }

RequestReader::Part RequestReader::part() const {
  if (phase_ != Phase::header) return Part::body;
  return begin_ == end_ ? Part::nothing : Part::head;
}

void RequestReader::consume(std::size_t bytes) {
  begin_ += bytes;
  VOUCHERD_ASSERT(begin_ <= end_);
  if (begin_ == end_) begin_ = end_ = 0;
}

}  // namespace voucherd::http
