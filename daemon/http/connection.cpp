// The connection's reader, and how it ends. What it owes is in connection_answers.cpp.
#include "daemon/http/connection.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <exception>
#include <utility>

namespace voucherd::http {
namespace {

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
      reader_(owner_->limits(), *owner_),
      pace_(owner_->limits().transfer_bytes_per_second_min,
            std::chrono::milliseconds(owner_->limits().transfer_grace_ms),
            std::chrono::milliseconds(owner_->limits().idle_timeout_ms)) {}

Connection::~Connection() { owner_->give_answer_room(answer_room_); }

void Connection::start() {
  if (!channel_.tls()) return consume();
  wait_for(Waiting::handshake);
  channel_.handshake([self = shared_from_this()](const auto& ec, std::size_t) {
    if (self->closed_) return;
    if (ec) return self->cut();
    self->guarded("reading the first request", [&] { self->consume(); });
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
  channel_.read_some(space, [self = shared_from_this()](const auto& ec, std::size_t bytes) {
    self->guarded("reading a request", [&] { self->on_read(ec, bytes); });
  });
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
  head.client_certificate = channel_.client_certificate().sha256;
  head.client_certificate_expires = channel_.client_certificate().expires;
  std::optional<Response> refused = admitted(head);
  refused_ = refused && (refused->status == 401 || refused->status == 403);
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
    return failed_inside();
  }
}

void Connection::begin_body() {
  const bool awaits_continue = reader_.announces_body() && reader_.awaits_continue();
  try {
    reader_.begin_body();
  } catch (const std::exception& error) {  // no memory for a body of the length that is announced
    owner_->failed({"body_failed", std::string("making room for a body threw: ") + error.what()});
    return refuse({500, "there is no room for the body inside the server; its log says why"});
  }
  if (!awaits_continue) return;
  Owed interim{.ready = true, .interim = true, .response = {}};
  interim.response.body = "HTTP/1.1 100 Continue\r\n\r\n";
  owe(std::move(interim));
  continue_owed_ = true;
  schedule_flush();
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
  const auto pending = std::make_shared<Pending<Connection, Response>>(
      weak_from_this(), sequence, &Connection::answer, &Connection::lose_reply);
  try {
    owner_->handle(std::move(request),
                   [pending](Response response) { pending->deliver(std::move(response)); });
  } catch (const std::exception& error) {
    owner_->failed({"handler_failed", std::string("a request's handler threw: ") + error.what()});
    if (pending->give_up()) take_answer(sequence, failed_inside());
  }
}

/// Nobody is going to answer it any more.
void Connection::lose_reply(std::uint64_t sequence) {
  if (closed_) return;
  owner_->failed({"reply_lost", "a request's handler let go of its reply"});
  answer(sequence, failed_inside());
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
      return wait_for(continue_owed_ ? Waiting::nothing : Waiting::body);
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
      ms = refused_ ? std::min(limits.refused_idle_timeout_ms, limits.idle_timeout_ms)
                    : limits.idle_timeout_ms;
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

bool Connection::body_is_too_slow(SteadyTime now) const {
  const Limits& limits = owner_->limits();
  const std::uint64_t rate = limits.transfer_bytes_per_second_min;
  if (waiting_ != Waiting::body || rate == 0) return false;
  return now >= body_since_ + std::chrono::milliseconds(limits.transfer_grace_ms +
                                                        reader_.body_wire_bytes() * 1000 / rate);
}

void Connection::expire(SteadyTime now) {
  guarded("acting on a deadline", [&] { act_on_deadlines(now); });
}

void Connection::act_on_deadlines(SteadyTime now) {
  if (closed_) return;
  if (now >= write_deadline_ || pace_.is_over(now)) return cut();
  const Limits& limits = owner_->limits();
  if (body_is_too_slow(now)) {
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
