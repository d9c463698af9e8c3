// HTTP/1.1 on Boost.Beast, plain or over TLS: connections, limits, keep-alive and pipelining. Knows nothing
// of vouchers: a Handler answers requests. Requests of one connection are handled as they arrive, up to
// pipeline_depth_max at once, and answered in their order. README.md beside this file lists what is refused
// and how.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metering/core/result.h"
#include "metering/core/time.h"

namespace voucherd::access {
struct Identity;
}

namespace voucherd::http {

class TlsContext;

inline constexpr int pipeline_depth_max = 16;
inline constexpr std::size_t header_fields_max = 128;
inline constexpr std::size_t read_bytes_max = 256u << 10;  // asked of the kernel at once
inline constexpr int linger_timeout_ms = 2'000;  // after our end is closed: then the connection is cut
inline constexpr std::size_t refused_connections_max = 64;  // beyond connections_max: answered 503
inline constexpr int retry_after_seconds = 1;
inline constexpr std::size_t rated_addresses_max = 65'536;       // that requests are counted for at a time
inline constexpr std::size_t short_answer_bytes_max = 4u << 10;  // not held to answers_bytes_max

struct Limits {
  std::uint64_t body_bytes_max, connections_max;
  std::uint64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms;
  std::size_t header_bytes_max = 16u << 10;
  std::size_t chunk_framing_bytes_max = 1u << 20;  // sizes, extensions and line ends of a chunked body
  std::uint64_t connections_per_address_max = 100'000;
  // Requests and new connections of one address, on average and at once. 0 a second: any number.
  std::uint64_t requests_per_second = 0, requests_burst = 1'000;
  // TLS handshakes of one address, likewise.
  std::uint64_t handshakes_per_second = 0, handshakes_burst = 512;
  std::uint64_t handshake_timeout_ms = 10'000;
  // Instead of idle_timeout_ms, where the last request was refused with 401 or 403.
  std::uint64_t refused_idle_timeout_ms = 5'000;
  // Of a body that comes and of an answer that is read, on average after the grace. What of an answer is read
  // faster counts ahead, for idle_timeout_ms at most. 0: any rate.
  std::uint64_t transfer_bytes_per_second_min = 0, transfer_grace_ms = 10'000;
  std::size_t body_padding_bytes = 64;  // capacity kept behind the body's bytes
  // Of all bodies that are being received together: beyond, one more is refused.
  std::uint64_t received_bytes_max = std::uint64_t{256} << 20;
  // Of all answers that wait for their readers together: beyond, a connection that is owed one more is cut. A
  // single answer may be larger.
  std::uint64_t answers_bytes_max = std::uint64_t{256} << 20;
};

/// A request as handlers see it: target already split and percent-decoded ('+' is a space in the
/// query, as in forms). Path and query are valid UTF-8; the path has no control bytes.
/// `body` has body_padding_bytes of readable zeros behind its size().
struct Request {
  std::string method;
  std::string path;  // decoded, "/v1/firms/9150…"
  /// The path split at '/' before it was decoded, so that "a%2Fb" is one segment; "/" has none.
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string peer;  // "127.0.0.1:53210"
  bool tls = false;
  /// SHA-256 of the client's certificate (DER), in lower-case hexadecimal; "" where it showed none. Only of
  /// one that was verified.
  std::string client_certificate;
  /// Until when it is good, with those that it rests on: a connection may outlive them.
  Instant client_certificate_expires{std::numeric_limits<std::int64_t>::max()};
  /// Who sent it, where somebody has found out; http only carries it.
  std::shared_ptr<const access::Identity> caller = nullptr;

  std::string_view header(std::string_view lower_case_name) const;  // "" where absent
  const std::string* query_value(std::string_view name) const;      // nullptr where absent or empty
};

/// Takes the next piece of a body. An empty one ends the body; nullopt cuts the connection, so that nobody
/// takes what has come for the whole.
using DeliverPiece = std::function<void(std::optional<std::string> piece)>;
/// Asked for the next piece, calls `deliver` exactly once, now or later (or lets go of it: then the
/// connection is cut). Asked again only when the piece before is on its way, so that a slow reader holds one
/// piece.
using NextPiece = std::function<void(DeliverPiece deliver)>;

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // control bytes are refused (asserted)
  NextPiece next_piece = nullptr;  // where given, `body` is the first piece of a longer one
};

/// Calls `reply` exactly once, on the io_context's thread, now or later. A reply to a connection that
/// is gone does nothing. Where it throws before it replied, or lets go of `reply`, the answer is 500.
using Reply = std::function<void(Response)>;
using Handler = std::function<void(Request&&, Reply)>;

/// Asked about every request when its head is read and nothing of its body: who may not send it must not make
/// the server receive it. An answer refuses the request, which the handler then never sees; where it
/// announced a body, the connection is closed after the answer. May not wait.
using Admission = std::function<std::optional<Response>(const Request& head)>;

/// Since the server began.
struct ServerFigures {
  std::uint64_t handshakes_refused = 0;  // connections closed for handshakes_per_second
  std::uint64_t failures = 0;            // what on_failure() was told
};

/// One listener. Everything runs on the io_context's one thread. An exception on the way of one connection
/// (no memory, a bug in what makes an answer) ends that connection and no other.
class Server {
 public:
  Server(boost::asio::io_context& io, Handler handler, Limits limits);
  ~Server();
  /// "address:port". Fault "listen_failed" with the reason.
  Result<void> listen(const std::string& address_and_port);
  /// The port that is listened on.
  std::uint16_t port() const;
  /// Stops accepting; each connection closes after the answers that it is owed; then `stopped`.
  /// Connections still open after `timeout_ms` are cut.
  void stop(std::uint64_t timeout_ms, std::function<void()> stopped);
  std::uint64_t connections() const;
  const ServerFigures& figures() const;
  /// Called with what went wrong on this side (a handler threw, accept failed), for the log.
  void on_failure(std::function<void(const Fault&)> report);
  /// Without one, everything is admitted.
  void admit_by(Admission admission);
  /// Called with the peer of each connection that was read from, when it is gone.
  void on_close(std::function<void(const std::string& peer)> closed);
  /// New connections begin with a TLS handshake from now on. Where other clients are let in than before, the
  /// connections that are open close after the answers that they are owed.
  void use_tls(std::shared_ptr<const TlsContext> tls);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace voucherd::http
