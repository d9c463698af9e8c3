// The connection's reader, answer queue and writer.
#include "daemon/http/connection.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <exception>
#include <span>
#include <utility>

#include "daemon/http/head_writer.h"
#include "metering/core/assert.h"

namespace voucherd::http {
namespace {

/// A whole header always fits, with the start of what follows it.
constexpr std::size_t input_bytes = 2 * header_bytes_max;

/// RFC 9112 §7.1; of no bytes: the last chunk.
std::string chunk_size_line(std::size_t bytes) {
  char digits[2 * sizeof bytes];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), bytes, 16).ptr;
  return std::string(std::begin(digits), end) + "\r\n";
}

std::string peer_name(const Socket& socket) {
  boost::system::error_code ec;
  const auto endpoint = socket.remote_endpoint(ec);
  if (ec) return "unknown";
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace

Connection::Connection(Socket socket, std::shared_ptr<ConnectionOwner> owner)
    : socket_(std::move(socket)), owner_(std::move(owner)), peer_(peer_name(socket_)), input_(input_bytes) {
  boost::system::error_code ignored;  // a socket without it works, only slower
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
}

Connection::~Connection() {
  owner_->give_room(room_);
  owner_->give_answer_room(answer_room_);
}

void Connection::start() { consume(); }

void Connection::start_refused(const Response& response) {
  close_input();
  owe({.ready = true, .response = response});
  schedule_flush();
}

void Connection::finish() {
  if (closed_) return;
  const bool untouched = owes_nothing() && phase_ == Phase::header && begin_ == end_;
  close_input();
  if (untouched) {
    cut();
  } else {
    close_if_done();
  }
}

void Connection::cut() {
  if (closed_) return;
  closed_ = true;
  boost::system::error_code ignored;  // it is gone either way
  socket_.close(ignored);
  owner_->closed(*this);
}

// ------------------------------------------------------------------------------------- reading

void Connection::read_some() {
  if (reading_ || closed_) return;
  boost::asio::mutable_buffer space;
  if (phase_ == Phase::sized_body && !input_closed_) {
    // Straight into the body. It grows by what one read can fill, so that a length which is only
    // announced costs no memory that is touched.
    std::string& body = parser_->request().body;
    if (body.size() == body_filled_) {
      const std::size_t size = std::min<std::size_t>(body_bytes_, body_filled_ + read_bytes_max);
      if (!hold(size)) return;
      body.resize(size);
    }
    space = boost::asio::buffer(body.data() + body_filled_, body.size() - body_filled_);
  } else {
    if (begin_ > 0) {
      std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_),
                input_.begin() + static_cast<std::ptrdiff_t>(end_), input_.begin());
      end_ -= std::exchange(begin_, 0);
    }
    if (input_closed_) end_ = 0;  // what still comes is thrown away
    space = boost::asio::buffer(input_.data() + end_, input_.size() - end_);
  }
  VOUCHERD_ASSERT(space.size() > 0);
  reading_ = true;
  socket_.async_read_some(
      space, [self = shared_from_this()](const auto& ec, std::size_t bytes) { self->on_read(ec, bytes); });
}

void Connection::on_read(const boost::system::error_code& ec, std::size_t bytes) {
  reading_ = false;
  if (closed_) return;
  if (ec == boost::asio::error::eof) {
    // The peer may have closed only its own half: it still gets what it is owed.
    peer_ended_ = true;
    close_input();
    close_if_done();
  } else if (ec) {
    cut();
  } else if (input_closed_) {
    if (last_written_) read_some();
  } else {
    if (phase_ == Phase::sized_body) {
      body_filled_ += bytes;
    } else {
      end_ += bytes;
    }
    consume();
  }
}

void Connection::consume() {
  if (reading_ || closed_) return;
  bool progressed = true;
  while (progressed && !input_closed_) {
    switch (phase_) {
      case Phase::header:
        progressed = consume_header();
        break;
      case Phase::sized_body:
        progressed = consume_sized_body();
        break;
      case Phase::chunked_body:
        progressed = consume_chunked_body();
        break;
    }
  }
  if (!input_closed_ && (phase_ != Phase::header || !depth_reached())) read_some();
  update_waiting();
  close_if_done();
}

bool Connection::consume_header() {
  if (depth_reached()) return false;
  // RFC 9112 §2.2: empty lines before a request line are passed over.
  while (scanned_ == 0 && begin_ < end_ && (input_[begin_] == '\r' || input_[begin_] == '\n')) take_input(1);
  if (begin_ == end_) return false;
  const HeaderScan scan = scan_header(buffered(), scanned_);
  if (scan.refusal) {
    refuse(*scan.refusal);
    return false;
  }
  scanned_ = buffered().size();
  if (scan.bytes == 0) return false;
  parser_.emplace(owner_->limits().body_bytes_max);
  const auto refusal = parser_->read_header(buffered().substr(0, scan.bytes));
  take_input(scan.bytes);
  scanned_ = 0;
  if (refusal) {
    refuse(*refusal);
    return false;
  }
  if (admit()) begin_body();
  return true;
}

/// Asks the owner about the head that was read. What it refuses is answered; a body that was announced is
/// neither read nor passed over: the connection ends with the answer.
bool Connection::admit() {
  Request& head = parser_->request();
  head.peer = peer_;
  std::optional<Response> refused;
  try {
    refused = owner_->admit(head);
  } catch (const std::exception& error) {
    owner_->failed({"admission_failed", std::string("looking at a request's head threw: ") + error.what()});
    refused = problem({500, "the request failed inside the server; its log says why"});
  }
  if (!refused) return true;
  if (!parser_->is_done() || !parser_->keep_alive()) close_input();
  owe({.ready = true,
       .head_only = head.method == "HEAD",
       .http10 = parser_->http10(),
       .response = std::move(*refused)});
  end_request();
  schedule_flush();
  return false;
}

void Connection::begin_body() {
  wait_for(Waiting::nothing);  // each body has a deadline of its own
  if (parser_->is_done()) return dispatch();
  if (parser_->expects_continue() && begin_ == end_) {
    Owed interim{.ready = true, .interim = true, .response = {}};
    interim.response.body = "HTTP/1.1 100 Continue\r\n\r\n";
    owe(std::move(interim));
    schedule_flush();
  }
  if (parser_->chunked()) {
    phase_ = Phase::chunked_body;
    return;
  }
  phase_ = Phase::sized_body;
  body_bytes_ = *parser_->content_length();
  body_filled_ = 0;
  parser_->request().body.reserve(body_bytes_ + owner_->limits().body_padding_bytes);
}

bool Connection::consume_sized_body() {
  std::string& body = parser_->request().body;
  if (const auto input = buffered().substr(0, body_bytes_ - body_filled_); !input.empty()) {
    VOUCHERD_ASSERT(body.size() == body_filled_);
    if (!hold(body_filled_ + input.size())) return false;
    body.append(input);
    body_filled_ += input.size();
    take_input(input.size());
  }
  if (body_filled_ < body_bytes_) return false;
  VOUCHERD_ASSERT(body.size() == body_bytes_);
  dispatch();
  return true;
}

bool Connection::consume_chunked_body() {
  if (buffered().size() < MessageParser::chunked_bytes_min) return false;
  std::size_t consumed = 0;
  if (const auto refusal = parser_->read_chunks(buffered(), consumed)) {
    refuse(*refusal);
    return false;
  }
  take_input(consumed);
  if (!hold(parser_->request().body.size())) return false;
  if (parser_->is_done()) {
    dispatch();
    return true;
  }
  if (buffered().size() >= header_bytes_max) {
    refuse({400, "a chunk's size line is longer than " + std::to_string(header_bytes_max) + " bytes"});
  }
  return false;
}

void Connection::dispatch() {
  Request request = std::move(parser_->request());
  const bool keep_alive = parser_->keep_alive();
  const bool http10 = parser_->http10();
  end_request();
  owner_->give_room(std::exchange(room_, 0));  // whoever takes the request bounds what it keeps
  const std::size_t body_bytes = request.body.size();
  request.body.append(owner_->limits().body_padding_bytes, '\0');
  request.body.resize(body_bytes);
  if (!keep_alive) close_input();
  const std::uint64_t sequence =
      owe({.head_only = request.method == "HEAD", .http10 = http10, .response = {}});
  call_handler(std::move(request), sequence);
}

void Connection::end_request() {
  parser_.reset();
  phase_ = Phase::header;
  wait_for(Waiting::nothing);
  ++requests_;
}

void Connection::call_handler(Request&& request, std::uint64_t sequence) {
  Reply reply = [weak = weak_from_this(), sequence](Response response) {
    if (const auto self = weak.lock()) self->answer(sequence, std::move(response));
  };
  try {
    owner_->handle(std::move(request), std::move(reply));
  } catch (const std::exception& error) {
    owner_->failed({"handler_failed", std::string("a request's handler threw: ") + error.what()});
    const bool answered = sequence < first_owed_ || owed_[sequence - first_owed_].ready;
    if (!answered) answer(sequence, problem({500, "the request failed inside the server; its log says why"}));
    failed_.push_back(sequence);
  }
}

void Connection::refuse(const Refusal& refusal) {
  close_input();
  const bool head_only = parser_ && parser_->request().method == "HEAD";
  Response response = problem(refusal);
  if (refusal.status == 503)
    response.headers.emplace_back("Retry-After", std::to_string(retry_after_seconds));
  owe({.ready = true, .head_only = head_only, .response = std::move(response)});
  schedule_flush();
}

bool Connection::hold(std::size_t body_bytes) {
  if (body_bytes <= room_) return true;
  if (!owner_->take_room(body_bytes - room_)) {
    refuse({503, "too many bodies are being received; send the same request again later"});
    return false;
  }
  room_ = body_bytes;
  return true;
}

void Connection::close_input() {
  input_closed_ = true;
  wait_for(Waiting::nothing);
}

void Connection::take_input(std::size_t bytes) {
  begin_ += bytes;
  VOUCHERD_ASSERT(begin_ <= end_);
  if (begin_ == end_) begin_ = end_ = 0;
}

bool Connection::depth_reached() const {
  return owed_.size() + requests_writing_ >= static_cast<std::size_t>(pipeline_depth_max);
}

// ----------------------------------------------------------------------------------- answering

std::uint64_t Connection::owe(Owed owed) {
  owed_.push_back(std::move(owed));
  return first_owed_ + owed_.size() - 1;
}

void Connection::answer(std::uint64_t sequence, Response response) {
  if (closed_) return;
  if (std::find(failed_.begin(), failed_.end(), sequence) != failed_.end()) return;
  VOUCHERD_ASSERT(sequence >= first_owed_ && !owed_[sequence - first_owed_].ready);  // exactly one reply
  Owed& owed = owed_[sequence - first_owed_];
  if (!owner_->take_answer_room(response.body.size())) return cut();
  answer_room_ += response.body.size();
  owed.ready = true;
  owed.response = std::move(response);
  if (owed_.front().ready) schedule_flush();
}

void Connection::schedule_flush() {
  // Posted, so that all answers which one event makes ready go out in one write.
  if (flush_scheduled_ || !writing_.empty() || next_piece_) return;
  flush_scheduled_ = true;
  boost::asio::post(socket_.get_executor(), [self = shared_from_this()] { self->flush(); });
}

void Connection::flush() {
  flush_scheduled_ = false;
  if (closed_ || !writing_.empty() || next_piece_) return;
  while (!owed_.empty() && owed_.front().ready && !next_piece_) {
    Owed& owed = owed_.front();
    const std::size_t room = owed.interim ? 0 : owed.response.body.size();
    if (owed.response.next_piece && owed.http10) close_input();  // the end of the body is the connection's
    if (!owed.interim) {
      const Framing framing{.http10 = owed.http10, .last = input_closed_ && owed_.size() == 1};
      writing_.push_back(format_head(owed.response, framing, owner_->date()));
      if (owed.head_only || !may_have_body(owed.response.status)) owed.response = {};
    }
    if (owed.response.next_piece) start_streaming(owed);
    if (!owed.response.body.empty()) writing_.push_back(std::move(owed.response.body));
    answer_room_writing_ += room;
    ++requests_writing_;
    owed_.pop_front();
    ++first_owed_;
  }
  if (!writing_.empty()) write_all();
}

/// Takes over the answer's later pieces; its body becomes the first one.
void Connection::start_streaming(Owed& owed) {
  next_piece_ = std::move(owed.response.next_piece);
  chunked_ = !owed.http10;
  std::string& body = owed.response.body;
  if (chunked_ && !body.empty()) body = chunk_size_line(body.size()) + body + "\r\n";
}

void Connection::ask_for_piece() {
  write_deadline_ = SteadyTime::max();
  const NextPiece ask = next_piece_;  // stays whole while it runs
  ask([weak = weak_from_this()](const std::string& piece) {
    if (const auto self = weak.lock()) self->write_piece(piece);
  });
}

void Connection::write_piece(const std::string& piece) {
  if (closed_) return;
  VOUCHERD_ASSERT(next_piece_ && writing_.empty());
  if (piece.empty()) next_piece_ = nullptr;
  if (chunked_) {
    writing_.push_back(chunk_size_line(piece.size()) + piece + "\r\n");
  } else if (!piece.empty()) {
    writing_.push_back(piece);
  } else {
    return on_all_written();
  }
  write_all();
}

void Connection::write_all() {
  // Not while `writing_` grows: short strings move their bytes with them.
  for (const std::string& text : writing_) to_write_.emplace_back(text.data(), text.size());
  write_some();
}

void Connection::write_some() {
  // Per piece, not per answer: a large one may take its time as long as it moves.
  write_deadline_ =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(owner_->limits().idle_timeout_ms);
  socket_.async_write_some(
      std::span<const boost::asio::const_buffer>(to_write_),
      [self = shared_from_this()](const auto& ec, std::size_t bytes) { self->on_written(ec, bytes); });
}

void Connection::on_written(const boost::system::error_code& ec, std::size_t bytes) {
  if (closed_) return;
  if (ec) return cut();
  auto first = to_write_.begin();
  while (first != to_write_.end() && bytes >= first->size()) bytes -= (first++)->size();
  if (first != to_write_.end()) *first += bytes;
  to_write_.erase(to_write_.begin(), first);
  if (!to_write_.empty()) return write_some();
  writing_.clear();
  const std::size_t written = std::min(std::exchange(answer_room_writing_, 0), answer_room_);
  owner_->give_answer_room(written);
  answer_room_ -= written;
  if (next_piece_) return ask_for_piece();
  on_all_written();
}

void Connection::on_all_written() {
  write_deadline_ = SteadyTime::max();
  requests_writing_ = 0;
  flush();
  if (!input_closed_ && !reading_) return consume();
  update_waiting();
  close_if_done();
}

// ----------------------------------------------------------------------- closing and deadlines

void Connection::close_if_done() {
  if (closed_ || !input_closed_ || !owes_nothing()) return;
  if (peer_ended_) return cut();
  if (last_written_) return;
  last_written_ = true;
  boost::system::error_code ec;
  socket_.shutdown(Socket::shutdown_send, ec);
  if (ec) return cut();
  wait_for(Waiting::linger);
  read_some();
}

void Connection::update_waiting() {
  if (closed_ || last_written_) return;
  if (input_closed_ || !reading_) return wait_for(Waiting::nothing);
  if (phase_ != Phase::header) return wait_for(Waiting::body);
  if (begin_ != end_) return wait_for(Waiting::header);
  if (!owes_nothing()) return wait_for(Waiting::nothing);
  wait_for(requests_ == 0 ? Waiting::first_byte : Waiting::next_request);
}

void Connection::wait_for(Waiting what) {
  if (what == waiting_) return;  // a trickle of bytes does not move the deadline
  waiting_ = what;
  const Limits& limits = owner_->limits();
  std::uint64_t ms = 0;
  switch (what) {
    case Waiting::nothing:
      read_deadline_ = SteadyTime::max();
      return;
    case Waiting::first_byte:
    case Waiting::header:
      ms = limits.header_timeout_ms;
      break;
    case Waiting::next_request:
      ms = limits.idle_timeout_ms;
      break;
    case Waiting::body:
      ms = limits.body_timeout_ms;
      break;
    case Waiting::linger:
      ms = linger_timeout_ms;
      break;
  }
  read_deadline_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

void Connection::expire(SteadyTime now) {
  if (now >= write_deadline_) return cut();
  if (now < read_deadline_) return;
  const Limits& limits = owner_->limits();
  if (waiting_ == Waiting::header) {
    refuse({408, "the header was not complete within " + std::to_string(limits.header_timeout_ms) + " ms"});
  } else if (waiting_ == Waiting::body) {
    refuse({408, "the body was not complete within " + std::to_string(limits.body_timeout_ms) + " ms"});
  } else {
    cut();
  }
}

}  // namespace voucherd::http
