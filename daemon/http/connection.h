// One connection: a reader that finds requests ahead, a queue of owed answers in request order, and a
// writer that gathers what is ready into one write. All on the io_context's thread, by callbacks: no
// frame and no timer per operation.
//
// A connection ends in one of three ways: cut() at once (error, deadline); or the input is closed
// (a last request, a refusal, the peer's end of file, finish()), the owed answers are written, and then
// either the peer is gone or it is given linger_timeout_ms to read them (closing with unread input
// would reset the connection and destroy the answer on its way).
#pragma once

#include <boost/asio/buffer.hpp>
#include <chrono>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/http/channel.h"
#include "daemon/http/pace.h"
#include "daemon/http/pending_reply.h"
#include "daemon/http/problem.h"
#include "daemon/http/request_reader.h"
#include "daemon/http/server.h"

namespace voucherd::http {

using SteadyTime = std::chrono::steady_clock::time_point;

class Connection;

/// What a connection needs of its server; outlives it.
class ConnectionOwner : public BodyRoom {
 public:
  virtual const Limits& limits() const = 0;
  virtual void handle(Request&& request, Reply reply) = 0;
  /// An answer where the request is refused by its head.
  virtual std::optional<Response> admit(const Request& head, const std::string& address) = 0;
  /// The Date header's value now.
  virtual const std::string& date() = 0;
  virtual void closed(Connection& connection) = 0;
  virtual void failed(const Fault& fault) = 0;
  /// As take_room(), for answers that wait to be read.
  virtual bool take_answer_room(std::size_t bytes) = 0;
  virtual void give_answer_room(std::size_t bytes) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// `tls` null: plain. `address` is the peer's, as limits know it.
  Connection(Socket socket, SslPointer tls, std::string address, std::shared_ptr<ConnectionOwner> owner);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  /// Instead of start(), of a plain connection: answers without reading.
  void start_refused(const Response& response);
  /// Takes no more requests; closes after the owed answers.
  void finish();
  /// Closes now; whatever is owed is lost.
  void cut();
  /// Acts on deadlines that have passed.
  void expire(SteadyTime now);
  const std::string& peer() const { return peer_; }
  const std::string& address() const { return address_; }
  Executor executor() { return channel_.socket().get_executor(); }

 private:
  /// What the read deadline stands for.
  enum class Waiting { nothing, handshake, first_byte, next_request, header, body, linger };
  struct Owed {
    bool ready = false;
    bool interim = false;  // 100 Continue: raw bytes in response.body
    bool head_only = false;
    bool http10 = false;
    Response response;
  };

  /// Runs what an event asks for. An exception ends this connection, and no other.
  template <class Work>
  void guarded(const char* what, const Work& work) {
    try {
      work();
    } catch (const std::exception& error) {
      cut();
      owner_->failed({"connection_failed", std::string(what) + " threw: " + error.what()});
    }
  }

  // Reading
  void read_some();
  void on_read(const boost::system::error_code& ec, std::size_t bytes);
  void consume();
  /// True where there may be more to find.
  bool advance();
  void admit();
  std::optional<Response> admitted(const Request& head);
  void begin_body();
  void dispatch();
  void call_handler(Request&& request, std::uint64_t sequence);
  void lose_reply(std::uint64_t sequence);
  void refuse(const Refusal& refusal);
  void close_input();
  bool depth_reached() const;
  /// May read on: a body has to be received to its end, a next request may wait.
  bool may_read() const { return reader_.part() == RequestReader::Part::body || !depth_reached(); }

  // Answering
  std::uint64_t owe(Owed owed);
  void answer(std::uint64_t sequence, Response response);
  void take_answer(std::uint64_t sequence, Response response);
  void schedule_flush();
  void flush();
  void start_streaming(Owed& owed);
  void ask_for_piece();
  void take_piece(std::uint64_t sequence, std::optional<std::string> piece);
  void lose_piece(std::uint64_t sequence);
  void write_piece(const std::string& piece);
  void write_all();
  void write_some();
  void on_written(const boost::system::error_code& ec, std::size_t bytes);
  void on_all_written();
  bool owes_nothing() const { return owed_.empty() && writing_.empty() && !next_piece_; }

  // Closing and deadlines
  /// Closes without an answer, and without leaving the peer in doubt.
  void leave();
  void close_if_done();
  void wait_for(Waiting what);
  void update_waiting();
  bool body_is_too_slow(SteadyTime now) const;
  void act_on_deadlines(SteadyTime now);

  Channel channel_;
  std::shared_ptr<ConnectionOwner> owner_;
  std::string peer_, address_;
  RequestReader reader_;
  std::uint64_t requests_ = 0;

  std::deque<Owed> owed_;             // in request order
  std::uint64_t first_owed_ = 0;      // sequence number of owed_.front()
  std::vector<std::string> writing_;  // heads and bodies under way
  std::vector<boost::asio::const_buffer> to_write_;
  std::size_t requests_writing_ = 0;
  std::size_t answer_room_ = 0, answer_room_writing_ = 0;  // taken for all answers; for those in writing_
  NextPiece next_piece_;                                   // of the answer that is being streamed
  bool chunked_ = false;           // it goes in chunks; to HTTP/1.0, until the connection is closed
  bool continue_owed_ = false;     // 100 Continue waits for its turn, or is
  bool continue_writing_ = false;  // being written: the client waits for it

  bool reading_ = false, input_closed_ = false, peer_ended_ = false;
  bool refused_ = false;  // the last request, since its sender may not come in
  bool flush_scheduled_ = false, last_written_ = false, closed_ = false;

  Waiting waiting_ = Waiting::nothing;
  SteadyTime read_deadline_ = SteadyTime::max();
  SteadyTime body_since_{};
  SteadyTime write_deadline_ = SteadyTime::max();
  Pace pace_;  // of what is being answered
};

}  // namespace voucherd::http
