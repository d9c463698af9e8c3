// The connection's queue of owed answers and its writer.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <exception>
#include <utility>

#include "daemon/http/connection.h"
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

}  // namespace

std::uint64_t Connection::owe(Owed owed) {
  owed_.push_back(std::move(owed));
  return first_owed_ + owed_.size() - 1;
}

void Connection::answer(std::uint64_t sequence, Response response) {
  guarded("taking an answer", [&] { take_answer(sequence, std::move(response)); });
}

void Connection::take_answer(std::uint64_t sequence, Response response) {
  if (closed_) return;
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
  boost::asio::post(executor(), [self = shared_from_this()] {
    self->guarded("writing an answer", [&] { self->flush(); });
  });
}

void Connection::flush() {
  flush_scheduled_ = false;
  if (closed_ || !writing_.empty() || next_piece_) return;
  while (!owed_.empty() && owed_.front().ready && !next_piece_) {
    Owed& owed = owed_.front();
    const std::size_t room = owed.interim ? 0 : owed.response.body.size();
    if (owed.response.next_piece && owed.http10) close_input();  // the end of the body is the connection's
    if (owed.interim) {
      continue_writing_ = true;
    } else {
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
  if (writing_.empty()) return;
  pace_.begin();
  write_all();
}

/// Takes over the answer's later pieces; its body becomes the first one.
void Connection::start_streaming(Owed& owed) {
  next_piece_ = std::move(owed.response.next_piece);
  chunked_ = !owed.http10;
  std::string& body = owed.response.body;
  if (chunked_ && !body.empty()) body = chunk_size_line(body.size()) + body + "\r\n";
}

void Connection::ask_for_piece() {
  const NextPiece ask = next_piece_;  // stays whole while it runs
  const auto pending = std::make_shared<Pending<Connection, std::optional<std::string>>>(
      weak_from_this(), first_owed_, &Connection::take_piece, &Connection::lose_piece);
  ask([pending](std::optional<std::string> piece) { pending->deliver(std::move(piece)); });
}

void Connection::take_piece(std::uint64_t, std::optional<std::string> piece) {
  if (closed_) return;
  if (!piece) return cut();
  guarded("writing a piece of an answer", [&] { write_piece(*piece); });
}

void Connection::lose_piece(std::uint64_t) {
  if (closed_) return;
  owner_->failed({"piece_lost", "an answer in pieces ended before its end"});
  cut();
}

void Connection::write_piece(const std::string& piece) {
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
  pace_.resume(std::chrono::steady_clock::now());
  write_some();
}

void Connection::write_some() {
  // Per piece, not per answer: a large one may take its time as long as it moves.
  write_deadline_ =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(owner_->limits().idle_timeout_ms);
  channel_.write_some(to_write_, [self = shared_from_this()](const auto& ec, std::size_t bytes) {
    self->guarded("writing an answer", [&] { self->on_written(ec, bytes); });
  });
}

void Connection::on_written(const boost::system::error_code& ec, std::size_t bytes) {
  if (closed_) return;
  if (ec) return cut();
  const auto now = std::chrono::steady_clock::now();
  pace_.moved(bytes, now);
  auto first = to_write_.begin();
  while (first != to_write_.end() && bytes >= first->size()) bytes -= (first++)->size();
  if (first != to_write_.end()) *first += bytes;
  to_write_.erase(to_write_.begin(), first);
  if (!to_write_.empty()) return write_some();
  writing_.clear();
  pace_.pause(now);
  write_deadline_ = SteadyTime::max();
  const std::size_t written = std::min(std::exchange(answer_room_writing_, 0), answer_room_);
  owner_->give_answer_room(written);
  answer_room_ -= written;
  if (next_piece_) return ask_for_piece();
  on_all_written();
}

void Connection::on_all_written() {
  requests_writing_ = 0;
  if (std::exchange(continue_writing_, false)) continue_owed_ = false;  // the body's time begins
  flush();
  if (!input_closed_ && !reading_) return consume();
  update_waiting();
  close_if_done();
}

}  // namespace voucherd::http
