// One connection: a reader that parses requests ahead, a queue of owed answers in request order, and a
// writer that gathers what is ready into one write. All on the io_context's thread, by callbacks: no
// frame and no timer per operation.
//
// A connection ends in one of three ways: cut() at once (error, deadline); or the input is closed
// (a last request, a refusal, the peer's end of file, finish()), the owed answers are written, and then
// either the peer is gone or it is given linger_timeout_ms to read them (closing with unread input
// would reset the connection and destroy the answer on its way).
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/http/message_parser.h"
#include "daemon/http/problem.h"
#include "daemon/http/server.h"

namespace voucherd::http {

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using SteadyTime = std::chrono::steady_clock::time_point;

class Connection;

/// What a connection needs of its server; outlives it.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual const Limits& limits() const = 0;
  virtual void handle(Request&& request, Reply reply) = 0;
  /// An answer where the request is refused by its head.
  virtual std::optional<Response> admit(const Request& head) = 0;
  /// The Date header's value now.
  virtual const std::string& date() = 0;
  virtual void closed(Connection& connection) = 0;
  virtual void failed(const Fault& fault) = 0;
  /// Counts bytes of bodies that are being received; false where there is no room for them.
  virtual bool take_room(std::size_t bytes) = 0;
  virtual void give_room(std::size_t bytes) = 0;
  /// The same for answers that wait to be read.
  virtual bool take_answer_room(std::size_t bytes) = 0;
  virtual void give_answer_room(std::size_t bytes) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, std::shared_ptr<ConnectionOwner> owner);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  /// Instead of start(): answers without reading.
  void start_refused(const Response& response);
  /// Takes no more requests; closes after the owed answers.
  void finish();
  /// Closes now; whatever is owed is lost.
  void cut();
  /// Acts on deadlines that have passed.
  void expire(SteadyTime now);

 private:
  enum class Phase { header, sized_body, chunked_body };
  /// What the read deadline stands for.
  enum class Waiting { nothing, first_byte, next_request, header, body, linger };
  struct Owed {
    bool ready = false;
    bool interim = false;  // 100 Continue: raw bytes in response.body
    bool head_only = false;
    bool http10 = false;
    Response response;
  };

  // Reading
  void read_some();
  void on_read(const boost::system::error_code& ec, std::size_t bytes);
  void consume();
  bool consume_header();
  bool consume_sized_body();
  bool consume_chunked_body();
  bool admit();
  void begin_body();
  void dispatch();
  void end_request();
  void call_handler(Request&& request, std::uint64_t sequence);
  void refuse(const Refusal& refusal);
  /// Makes sure that the body may have so many bytes; refuses the request where not.
  bool hold(std::size_t body_bytes);
  void close_input();
  std::string_view buffered() const { return {input_.data() + begin_, end_ - begin_}; }
  void take_input(std::size_t bytes);
  bool depth_reached() const;

  // Answering
  std::uint64_t owe(Owed owed);
  void answer(std::uint64_t sequence, Response response);
  void schedule_flush();
  void flush();
  void start_streaming(Owed& owed);
  void ask_for_piece();
  void write_piece(const std::string& piece);
  void write_all();
  void write_some();
  void on_written(const boost::system::error_code& ec, std::size_t bytes);
  void on_all_written();
  bool owes_nothing() const { return owed_.empty() && writing_.empty() && !next_piece_; }

  // Closing and deadlines
  void close_if_done();
  void wait_for(Waiting what);
  void update_waiting();

  Socket socket_;
  std::shared_ptr<ConnectionOwner> owner_;
  std::string peer_;

  std::vector<char> input_;  // [begin_, end_): received, not consumed
  std::size_t begin_ = 0, end_ = 0;
  std::size_t scanned_ = 0;  // of the header's block
  Phase phase_ = Phase::header;
  std::optional<MessageParser> parser_;
  std::uint64_t body_bytes_ = 0;  // the Content-Length
  std::size_t body_filled_ = 0;   // of it, received
  std::size_t room_ = 0;          // taken of the owner's for it
  std::uint64_t requests_ = 0;

  std::deque<Owed> owed_;             // in request order
  std::uint64_t first_owed_ = 0;      // sequence number of owed_.front()
  std::vector<std::string> writing_;  // heads and bodies under way
  std::vector<boost::asio::const_buffer> to_write_;
  std::size_t requests_writing_ = 0;
  std::size_t answer_room_ = 0, answer_room_writing_ = 0;  // taken for all answers; for those in writing_
  NextPiece next_piece_;                                   // of the answer that is being streamed
  bool chunked_ = false;               // it goes in chunks; to HTTP/1.0, until the connection is closed
  std::vector<std::uint64_t> failed_;  // answered with 500 because their handler threw

  bool reading_ = false, input_closed_ = false, peer_ended_ = false;
  bool flush_scheduled_ = false, last_written_ = false, closed_ = false;

  Waiting waiting_ = Waiting::nothing;
  SteadyTime read_deadline_ = SteadyTime::max();
  SteadyTime write_deadline_ = SteadyTime::max();
};

}  // namespace voucherd::http
