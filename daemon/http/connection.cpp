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

Connection::Connection(Socket socket, SslPointer tls, std::string address,
                       std::shared_ptr<ConnectionOwner> owner)
    : channel_(std::move(socket), std::move(tls)),
      owner_(std::move(owner)),
      peer_(peer_name(channel_.socket())),
      address_(std::move(address)),
      reader_(owner_->limits(), *owner_) {}

Connection::~Connection() { owner_->give_answer_room(answer_room_); }

void Connection::start() {
  if (!channel_.tls()) return consume();
  wait_for(Waiting::handshake);
  channel_.handshake([self = shared_from_this()](const auto& ec, std::size_t) {
    if (self->closed_) return;
    if (ec) return self->cut();
    self->consume();
  });
}

void Connection::start_refused(const Response& response) {
  close_input();
  owe({.ready = true, .response = response});
  schedule_flush();
}

void Connection::finish() {
  if (closed_) return;
  const bool untouched = owes_nothing() && reader_.part() == RequestReader::Part::nothing;
  close_input();
  if (untouched) {
    leave();
  } else {
    close_if_done();
  }
}

void Connection::leave() {
  boost::system::error_code ignored;
  channel_.end_output(ignored);
  cut();
}

void Connection::cut() {
  if (closed_) return;
  closed_ = input_closed_ = true;     // requests that were received already are not taken any more
  boost::system::error_code ignored;  // it is gone either way
  channel_.socket().close(ignored);
  owner_->closed(*this);
}

// ------------------------------------------------------------------------------------- reading

void Connection::read_some() {
  if (reading_ || closed_) return;
  const auto space = reader_.space();
  if (space.empty()) return refuse(reader_.refusal());
  reading_ = true;
  channel_.read_some(
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
    reader_.received(bytes);
    consume();
  }
}

void Connection::consume() {
  if (reading_ || closed_) return;
  bool progressed = true;
  while (progressed && !input_closed_) progressed = may_read() && advance();
  if (!input_closed_ && may_read()) read_some();
  update_waiting();
  close_if_done();
}

bool Connection::advance() {
  switch (reader_.advance()) {
    case RequestReader::Found::nothing:
      return false;
    case RequestReader::Found::head:
      admit();
      return true;
    case RequestReader::Found::request:
      dispatch();
      return true;
    case RequestReader::Found::refusal:
      refuse(reader_.refusal());
      return false;
  }
  return false;
}

/// Asks the owner about the head that was read. What it refuses is answered; a body that was announced is
/// neither read nor passed over: the connection ends with the answer.
void Connection::admit() {
  wait_for(Waiting::nothing);  // each body has a deadline of its own
  Request& head = reader_.head();
  head.peer = peer_;
  head.tls = channel_.tls();
  head.client_certificate = channel_.client_certificate();
  std::optional<Response> refused = admitted(head);
  if (!refused) return begin_body();
  Owed owed{.ready = true,
            .head_only = reader_.is_head_request(),
            .http10 = reader_.http10(),
            .response = std::move(*refused)};
  if (reader_.announces_body() || !reader_.keep_alive()) close_input();
  reader_.drop();
  ++requests_;
  owe(std::move(owed));
  schedule_flush();
}

std::optional<Response> Connection::admitted(const Request& head) {
  try {
    return owner_->admit(head, address_);
  } catch (const std::exception& error) {
    owner_->failed({"admission_failed", std::string("looking at a request's head threw: ") + error.what()});
    return problem({500, "the request failed inside the server; its log says why"});
  }
}

void Connection::begin_body() {
  if (reader_.announces_body() && reader_.awaits_continue()) {
    Owed interim{.ready = true, .interim = true, .response = {}};
    interim.response.body = "HTTP/1.1 100 Continue\r\n\r\n";
    owe(std::move(interim));
    schedule_flush();
  }
  reader_.begin_body();
}

void Connection::dispatch() {
  RequestReader::Message message = reader_.take();
  wait_for(Waiting::nothing);
  ++requests_;
  if (!message.keep_alive) close_input();
  const std::uint64_t sequence =
      owe({.head_only = message.request.method == "HEAD", .http10 = message.http10, .response = {}});
  call_handler(std::move(message.request), sequence);
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
  const bool head_only = reader_.is_head_request();
  Response response = problem(refusal);
  if (refusal.status == 503)
    response.headers.emplace_back("Retry-After", std::to_string(retry_after_seconds));
  owe({.ready = true, .head_only = head_only, .response = std::move(response)});
  schedule_flush();
}

void Connection::close_input() {
  input_closed_ = true;
  reader_.close();
  wait_for(Waiting::nothing);
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
  boost::asio::post(channel_.socket().get_executor(), [self = shared_from_this()] { self->flush(); });
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
  write_since_ = std::chrono::steady_clock::now();
  written_bytes_ = 0;
  write_some();
}

void Connection::write_some() {
  // Per piece, not per answer: a large one may take its time as long as it moves.
  write_deadline_ =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(owner_->limits().idle_timeout_ms);
  channel_.write_some(to_write_, [self = shared_from_this()](const auto& ec, std::size_t bytes) {
    self->on_written(ec, bytes);
  });
}

void Connection::on_written(const boost::system::error_code& ec, std::size_t bytes) {
  if (closed_) return;
  if (ec) return cut();
  written_bytes_ += bytes;
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
  if (last_written_ && !peer_ended_) return;
  boost::system::error_code ec;
  if (!std::exchange(last_written_, true)) channel_.end_output(ec);
  if (ec || peer_ended_) return cut();
  wait_for(Waiting::linger);
  read_some();
}

void Connection::update_waiting() {
  if (closed_ || last_written_) return;
  if (input_closed_ || !reading_) return wait_for(Waiting::nothing);
  switch (reader_.part()) {
    case RequestReader::Part::body:
      return wait_for(Waiting::body);
    case RequestReader::Part::head:
      return wait_for(Waiting::header);
    case RequestReader::Part::nothing:
      break;
  }
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
    case Waiting::handshake:
      ms = limits.handshake_timeout_ms;
      break;
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
  const auto now = std::chrono::steady_clock::now();
  if (what == Waiting::body) body_since_ = now;
  read_deadline_ = now + std::chrono::milliseconds(ms);
}

bool Connection::too_slow(SteadyTime since, std::uint64_t bytes, SteadyTime now) const {
  const Limits& limits = owner_->limits();
  const std::uint64_t rate = limits.transfer_bytes_per_second_min;
  return rate > 0 && now >= since + std::chrono::milliseconds(limits.transfer_grace_ms + bytes * 1000 / rate);
}

void Connection::expire(SteadyTime now) {
  if (closed_) return;
  const bool writing = write_deadline_ != SteadyTime::max();
  if (writing && (now >= write_deadline_ || too_slow(write_since_, written_bytes_, now))) return cut();
  const Limits& limits = owner_->limits();
  if (waiting_ == Waiting::body && too_slow(body_since_, reader_.body_wire_bytes(), now)) {
    return refuse({408, "the body came with fewer than " +
                            std::to_string(limits.transfer_bytes_per_second_min) + " bytes a second after " +
                            std::to_string(limits.transfer_grace_ms) + " ms"});
  }
  if (now < read_deadline_) return;
  if (waiting_ == Waiting::header) {
    refuse({408, "the header was not complete within " + std::to_string(limits.header_timeout_ms) + " ms"});
  } else if (waiting_ == Waiting::body) {
    refuse({408, "the body was not complete within " + std::to_string(limits.body_timeout_ms) + " ms"});
  } else {
    leave();
  }
}

}  // namespace voucherd::http
