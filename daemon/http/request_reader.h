// Bytes in, requests out: where one request ends and the next begins is decided here and nowhere else. Knows
// no socket and no clock, so that it can be fed from anything, a fuzzer too; however the bytes are cut into
// pieces, the same requests come out, or the same refusal. Behind a refusal nothing is read as a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/http/message_parser.h"
#include "daemon/http/problem.h"
#include "daemon/http/server.h"

namespace voucherd::http {

/// Counts the bytes of bodies that are being received, of all connections together.
class BodyRoom {
 public:
  virtual ~BodyRoom() = default;
  /// False where there is no room for so many more.
  virtual bool take_room(std::size_t bytes) = 0;
  virtual void give_room(std::size_t bytes) = 0;
};

class RequestReader {
 public:
  /// What advance() found.
  enum class Found {
    nothing,  // more bytes are needed
    head,     // of a request, see head(): begin_body() or drop() it before going on
    request,  // the whole of it: take() it before going on
    refusal,  // see refusal(); the input is closed
  };
  /// Of what is being read, for its deadline.
  enum class Part { nothing, head, body };

  /// Both outlive it.
  RequestReader(const Limits& limits, BodyRoom& room);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Where the next bytes go; call received() then. Empty: there is no room for the body, see refusal().
  std::span<char> space();
  void received(std::size_t bytes);
  Found advance();

  /// From Found::head until the request's end. Its body is not there yet.
  Request& head() { return parser_->request(); }
  bool http10() const { return parser_->http10(); }
  bool keep_alive() const { return parser_->keep_alive(); }
  bool announces_body() const { return !parser_->is_done(); }
  /// The client waits for 100 Continue before it sends the body.
  bool awaits_continue() const { return parser_->expects_continue() && begin_ == end_; }
  void begin_body();
  /// Ends the request without its body, which must not be announced unless the input is closed then.
  void drop();

  struct Message {
    Request request;
    bool keep_alive = false, http10 = false;
  };
  Message take();

  const Refusal& refusal() const { return *refusal_; }
  /// Whether what is refused or being read is a HEAD request, whose answer has no body.
  bool is_head_request() const { return parser_ && parser_->request().method == "HEAD"; }

  /// What comes from now on is thrown away.
  void close();

  Part part() const;
  /// Bytes of the body being read, as they came over the wire.
  std::uint64_t body_wire_bytes() const { return body_wire_bytes_; }

 private:
  enum class Phase { header, admission, whole, sized_body, chunked_body };

  Found read_header();
  Found read_sized_body();
  Found read_chunked_body();
  Found refuse(Refusal refusal);
  /// Makes sure that the body may have so many bytes; refuses the request where not.
  bool hold(std::size_t body_bytes);
  void end_request();
  std::string_view buffered() const { return {input_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes);

  const Limits& limits_;
  BodyRoom& owner_;
  std::vector<char> input_;  // [begin_, end_): received, not consumed
  std::size_t begin_ = 0, end_ = 0;
  std::size_t scanned_ = 0;  // of the header's block
  Phase phase_ = Phase::header;
  std::optional<MessageParser> parser_;
  std::optional<Refusal> refusal_;
  std::uint64_t body_bytes_ = 0;  // the Content-Length
  std::size_t body_filled_ = 0;   // of it, received
  std::size_t room_ = 0;          // taken of the owner's for it
  std::uint64_t body_wire_bytes_ = 0;
  bool closed_ = false;
};

}  // namespace voucherd::http
